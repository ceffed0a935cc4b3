/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/utility.h"

#include "base/bytes.h"
#include "base/file-stamp.h"
#include "base/str.h"
#include "base/vec.h"
#include "shell/redirect.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/stats.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Return a hash of a program's file stamp and of `text`, the first of the texts
 * that can identify the program.
 */
static uint64_t hash_program(const struct file_stamp *stamp, const char *text)
{
	const uint64_t fields[] = { stamp->dev, stamp->ino, stamp->size,
				    (uint64_t)stamp->mtime_ns,
				    (uint64_t)stamp->ctime_ns };
	uint8_t bytes[sizeof(fields)];

	memcpy(bytes, fields, sizeof(bytes));
	return bytes_hash(bytes_str(text),
			  bytes_hash(bytes_of(bytes, sizeof(bytes)), 0));
}

static bool has_any_text(const char *program, size_t size,
			 const char *const *texts)
{
	if (size <= SELFMAG || memcmp(program, ELFMAG, SELFMAG))
		return false;
	if (!*texts)
		return true;
	for (; *texts; texts++) {
		if (memmem(program, size, *texts, strlen(*texts)))
			return true;
	}
	return false;
}

static bool search_program(const char *path, const struct file_stamp *stamp,
			   const char *const *texts)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct file_stamp now = { 0 };
	void *at = MAP_FAILED;
	bool found = false;
	struct stat st;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size) {
		file_stamp_from_stat(&now, &st);
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			  0);
	}
	close(fd);
	if (at == MAP_FAILED)
		return false;
	found = file_stamp_equal(&now, stamp) &&
		has_any_text(at, (size_t)st.st_size, texts);
	munmap(at, (size_t)st.st_size);
	return found;
}

bool shell_identity_check(const char *path, const struct stat *st,
			  const char *const *texts)
{
	struct file_stamp stamp;
	uint64_t hash;

	file_stamp_from_stat(&stamp, st);
	hash = hash_program(&stamp, *texts ? *texts : "");
	if (shell_stats_is_identified(hash))
		return true;
	if (!search_program(path, &stamp, texts))
		return false;
	if (file_stamp_is_reliable(&stamp, file_stamp_now_ns()))
		shell_stats_add_identified(hash);
	return true;
}

/*
 * Each run_X() behaves like the GNU program X (coreutils 9.1, diffutils for
 * cmp) with the options that kbuild uses.  It returns true with *status if the
 * call is complete.  Otherwise it leaves the remaining arguments in `argv`, and
 * the program must run.
 */

/*
 * Limit on the depth of a directory tree to remove.  A deeper tree is left to
 * the program rm, which has no such limit.
 */
#define REMOVE_DEPTH_MAX 8

/* Skip `option` if it is the first argument.  Returns the next position. */
static char **skip_option(char **argv, const char *option)
{
	if (*argv && !strcmp(*argv, option))
		argv++;
	return argv;
}

/*
 * Return true if any argument is an option.  GNU programs accept options after
 * operands.
 */
static bool has_option(char *const *argv)
{
	for (; *argv; argv++) {
		if (**argv == '-')
			return true;
	}
	return false;
}

/*
 * Remove the completed operands, from `operands` up to `done` (exclusive), from
 * the arguments.  Always returns false, so that callers can return the result.
 */
static bool keep_remaining(char **operands, char **done)
{
	while ((*operands++ = *done++))
		;
	return false;
}

static bool is_regular_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

static bool is_regular_fd(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

/*
 * Return true if copying the files, or standard input if the list is empty, to
 * stdout cannot block on another process, such as the writer of a FIFO.
 */
static bool can_copy_without_wait(char *const *files)
{
	if (!is_regular_fd(STDOUT_FILENO))
		return false;
	if (!*files)
		return is_regular_fd(STDIN_FILENO);
	for (; *files; files++) {
		if (!is_regular_file(*files))
			return false;
	}
	return true;
}

/*
 * Return the value of a variable that the program can receive, or NULL.  A
 * shell variable counts even if it is not exported.
 */
static const char *get_program_env(struct shell *sh, const char *name)
{
	return sh->exec_env ? str_find_env(sh->exec_env, name) :
			      shell_vars_get(&sh->vars, name);
}

static bool remove_path_recursive(int at, const char *name, unsigned depth);

static bool remove_dir_entries(int at, const char *name, unsigned depth)
{
	int fd = openat(at, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool done = dir != NULL;

	while (done && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			done = remove_path_recursive(fd, entry->d_name,
						     depth + 1);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return done;
}

/*
 * Remove a file or a directory with its content.  Returns false if a part of it
 * was not removed.
 */
static bool remove_path_recursive(int at, const char *name, unsigned depth)
{
	if (!unlinkat(at, name, 0) || errno == ENOENT)
		return true;
	if (errno != EISDIR || depth > REMOVE_DEPTH_MAX)
		return false;
	return !unlinkat(at, name, AT_REMOVEDIR) ||
	       (errno == ENOTEMPTY && remove_dir_entries(at, name, depth) &&
		!unlinkat(at, name, AT_REMOVEDIR));
}

/*
 * Return false if the last component of the path is empty, "." or "..".  Such a
 * path can denote the root directory or a directory . or .., which rm refuses
 * to remove.
 */
static bool is_removable(const char *path)
{
	const char *last = strrchr(path, '/');

	last = last ? last + 1 : path;
	return *last && strcmp(last, ".") && strcmp(last, "..");
}

static bool run_rm(struct shell *sh, char **argv, int *status)
{
	char **operands = skip_option(argv + 1, "-f");
	bool trees = operands == argv + 1;

	(void)sh;
	if (trees)
		operands = skip_option(argv + 1, "-rf");
	/* Without -f, rm asks before it removes a write-protected file. */
	if (operands == argv + 1 || has_option(operands))
		return false;
	for (char **file = operands; *file; file++) {
		if (trees ? !is_removable(*file) ||
				    !remove_path_recursive(AT_FDCWD, *file, 0) :
			    unlink(*file) && errno != ENOENT)
			return keep_remaining(operands, file);
	}
	*status = 0;
	return true;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Create the parent directories.  `path` is restored on success and failure. */
static bool make_parent_dirs(char *path)
{
	for (char *p = path + 1; *p; p++) {
		bool made;

		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		made = !mkdir(path, 0777) || errno == EEXIST;
		*p = '/';
		if (!made)
			return false;
	}
	return true;
}

static bool make_directory_at(char *path, bool parents)
{
	if (!mkdir(path, 0777))
		return true;
	if (!parents)
		return false;
	if (errno == EEXIST)
		return is_directory(path);
	return errno == ENOENT && *path && make_parent_dirs(path) &&
	       (!mkdir(path, 0777) || (errno == EEXIST && is_directory(path)));
}

static bool run_mkdir(struct shell *sh, char **argv, int *status)
{
	char **operands = skip_option(argv + 1, "-p");
	bool parents = operands > argv + 1;
	mode_t mask;

	(void)sh;
	if (!*operands || has_option(operands))
		return false;
	mask = umask(0);
	umask(mask);
	/*
	 * Leave the call to the program if the umask denies the owner write or
	 * search permission: mkdir -p grants both on parent directories
	 * regardless of the umask, but make_parent_dirs() does not.
	 */
	if (mask & (S_IWUSR | S_IXUSR))
		return false;
	for (char **dir = operands; *dir; dir++) {
		if (!make_directory_at(*dir, parents))
			return keep_remaining(operands, dir);
	}
	*status = 0;
	return true;
}

static bool ends_in_slash(const char *path)
{
	size_t len = strlen(path);

	return !len || path[len - 1] == '/';
}

static bool run_mv(struct shell *sh, char **argv, int *status)
{
	char **operands = skip_option(argv + 1, "-f");
	struct stat from, to, behind;

	(void)sh;
	if (has_option(operands) || !operands[0] || !operands[1] || operands[2])
		return false;
	/* Without -f, mv asks before it replaces a write-protected file. */
	if (operands == argv + 1 && !access(operands[1], F_OK) &&
	    access(operands[1], W_OK))
		return false;
	if (ends_in_slash(operands[0]) || ends_in_slash(operands[1]) ||
	    lstat(operands[0], &from) || S_ISDIR(from.st_mode))
		return false;
	if (!lstat(operands[1], &to)) {
		if (!stat(operands[1], &behind) && S_ISDIR(behind.st_mode))
			return false;
		/* rename() does nothing for two names of the same file. */
		if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
			return false;
	}
	if (rename(operands[0], operands[1]))
		return false;
	*status = 0;
	return true;
}

static bool run_touch(struct shell *sh, char **argv, int *status)
{
	char **operands = argv + 1;

	(void)sh;
	if (!*operands || has_option(operands))
		return false;
	for (char **file = operands; *file; file++) {
		int fd = open(*file,
			      O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY |
				      O_CLOEXEC,
			      0666);
		bool done = fd >= 0 && !futimens(fd, NULL);

		/* A network file system can report an error at close(2). */
		if (fd >= 0 && close(fd))
			done = false;
		if (!done)
			return keep_remaining(operands, file);
	}
	*status = 0;
	return true;
}

#define COPY_BUF_BYTES (64 * 1024)

/* Print an error as a GNU program does, and return the exit status. */
static int print_error(const char *program, const char *object, int code)
{
	struct buf line = { 0 };

	buf_printf(&line, "%s: %s: %s\n", program, object,
		   shell_errno_text(code));
	bytes_write(STDERR_FILENO, buf_bytes(&line));
	buf_release(&line);
	return 1;
}

/*
 * Check stdout for delayed write errors, for example of NFS, as GNU programs do
 * before they exit.  Because close(2) of any descriptor of the file reports
 * such errors, close a duplicate of stdout.  Returns 0 or an errno value.
 */
static int check_stdout_close(void)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, SHELL_REDIRECT_N_FDS);

	return fd >= 0 && close(fd) ? errno : 0;
}

/*
 * Return true if the name is not an option and GNU programs print it without
 * quotes.
 */
static bool is_plain_name(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("%+,-./@_", *c))
			return false;
	}
	return *name && *name != '-';
}

/* Return true if the input can be the same file as stdout. */
static bool is_stdout_file(int fd)
{
	struct stat in, out;

	if (fstat(fd, &in) || fstat(STDOUT_FILENO, &out))
		return true;
	return in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}

enum copy_status {
	COPY_DONE,
	COPY_NOT_STARTED, /* no output was written, so the program can run */
	COPY_READ_FAILED,
	COPY_WRITE_FAILED,
};

/*
 * Copy the open file to stdout and close it.  *code is the errno value of a
 * failure.
 */
static enum copy_status copy_to_stdout(int fd, int *code)
{
	static char text[COPY_BUF_BYTES];
	bool begun = false;
	ssize_t n;

	for (;;) {
		n = read(fd, text, sizeof(text));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		begun = true;
		*code = -bytes_write(STDOUT_FILENO, bytes_of(text, (size_t)n));
		if (*code) {
			close(fd);
			return COPY_WRITE_FAILED;
		}
	}
	*code = n < 0 ? errno : 0;
	if (close(fd) && !*code)
		*code = errno;
	if (!*code)
		return COPY_DONE;
	return begun ? COPY_READ_FAILED : COPY_NOT_STARTED;
}

/*
 * Copy the file, or standard input if `name` is NULL, to stdout.  *code is the
 * errno value of a failure.  If the input can be the same file as stdout,
 * returns COPY_NOT_STARTED with *code set to 0.
 */
static enum copy_status copy_file_to_stdout(const char *name, int *code)
{
	int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);

	*code = fd < 0 ? errno : 0;
	if (fd < 0)
		return COPY_NOT_STARTED;
	if (is_stdout_file(fd)) {
		close(fd);
		return COPY_NOT_STARTED;
	}
	return copy_to_stdout(fd, code);
}

/*
 * Copy the files, or standard input if there are no files, to stdout.  Returns
 * false if the program must copy the files that are left in `argv`.
 */
static bool copy_files_to_stdout(char **argv, int *status)
{
	char **file = argv + 1;
	int code;

	*status = 0;
	do {
		switch (copy_file_to_stdout(*file, &code)) {
		case COPY_DONE:
			break;
		case COPY_NOT_STARTED:
			/*
			 * After a failure, do not run the program: its exit
			 * status would not include the failure.
			 */
			if (!*status)
				return keep_remaining(argv + 1, file);
			/* fallthrough */
		case COPY_READ_FAILED:
			*status = print_error(argv[0], *file ? *file : "-",
					      code ? code : EINVAL);
			break;
		case COPY_WRITE_FAILED:
			*status = 1;
			if (!shell_signals_is_pipe_broken())
				print_error(argv[0], "write error", code);
			return true;
		}
	} while (*file && *++file);
	code = check_stdout_close();
	if (code)
		*status = print_error(argv[0], "write error", code);
	return true;
}

static bool run_cat(struct shell *sh, char **argv, int *status)
{
	bool done;

	(void)sh;
	if (shell_utility_is_output_limited())
		return false;
	for (char **file = argv + 1; *file; file++) {
		if (!is_plain_name(*file))
			return false;
	}
	/*
	 * A trapped signal ends the program cat, but does not end a copy in
	 * this process.  Run the program if the copy could wait.
	 */
	if (shell_signals_has_signal_traps() &&
	    !can_copy_without_wait(argv + 1))
		return false;
	/* SIGPIPE must end only the copy, because in dash it ends only cat. */
	shell_signals_enter_subshell();
	done = copy_files_to_stdout(argv, status);
	if (shell_signals_leave_subshell())
		*status = 128 + SIGPIPE;
	return done;
}

/*
 * Read `size` bytes, or fewer at the end of the file.  Returns the number of
 * bytes read, or -1.
 */
static ssize_t read_full(int fd, char *to, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, to + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/*
 * Compare two files.  Returns 0 if they are equal, 1 if not, and -1 on an error
 * or if one is not a regular file.
 */
static int compare_file_content(int a, int b)
{
	static char x[COPY_BUF_BYTES / 2], y[COPY_BUF_BYTES / 2];
	struct stat p, q;

	if (fstat(a, &p) || fstat(b, &q) || !S_ISREG(p.st_mode) ||
	    !S_ISREG(q.st_mode))
		return -1;
	if (p.st_dev == q.st_dev && p.st_ino == q.st_ino)
		return 0;
	if (p.st_size != q.st_size)
		return 1;
	for (;;) {
		ssize_t n = read_full(a, x, sizeof(x));
		ssize_t m = read_full(b, y, sizeof(y));

		if (n < 0 || m < 0)
			return -1;
		if (n != m || memcmp(x, y, (size_t)n) != 0)
			return 1;
		if (!n)
			return 0;
	}
}

/* Supported: cmp -s FILE FILE, which prints nothing. */
static bool run_cmp(struct shell *sh, char **argv, int *status)
{
	int a, b;

	(void)sh;
	if (!argv[1] || strcmp(argv[1], "-s") != 0 || !argv[2] || !argv[3] ||
	    argv[4] || *argv[2] == '-' || *argv[3] == '-')
		return false;
	/*
	 * Do not open a FIFO: a signal during the wait for a writer would end
	 * the program cmp, but in this process it affects the shell.
	 */
	if (!is_regular_file(argv[2]) || !is_regular_file(argv[3]))
		return false;
	a = open(argv[2], O_RDONLY | O_CLOEXEC);
	b = open(argv[3], O_RDONLY | O_CLOEXEC);
	*status = a < 0 || b < 0 ? -1 : compare_file_content(a, b);
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return *status >= 0;
}

/*
 * /bin/echo interprets backslashes only if it has options or if POSIXLY_CORRECT
 * is set.
 */
static bool run_echo(struct shell *sh, char **argv, int *status)
{
	const char *name = argv[0];
	int code = 0;
	ssize_t n;

	buf_reset(&sh->out);
	if ((argv[1] && *argv[1] == '-') ||
	    get_program_env(sh, "POSIXLY_CORRECT") ||
	    shell_utility_is_output_limited() ||
	    shell_signals_has_signal_traps())
		return false;
	while (*++argv) {
		buf_add_str(&sh->out, *argv);
		if (argv[1])
			buf_add(&sh->out, " ", 1);
	}
	buf_add(&sh->out, "\n", 1);
	n = write(STDOUT_FILENO, sh->out.data, sh->out.len);
	if (n < 0)
		return false;
	code = -bytes_write(STDOUT_FILENO, bytes_of(sh->out.data + n,
						    sh->out.len - (size_t)n));
	if (!code)
		code = check_stdout_close();
	*status = code ? print_error(name, "write error", code) : 0;
	return true;
}

/* Run true or false. */
static bool run_true(struct shell *sh, char **argv, int *status)
{
	(void)sh;
	*status = strcmp(argv[0], "true") != 0;
	return !argv[1];
}

static const struct utility {
	const char *name;
	bool (*run)(struct shell *sh, char **argv, int *status);
} utilities[] = {
	{ "rm", run_rm },       { "mkdir", run_mkdir }, { "mv", run_mv },
	{ "touch", run_touch }, { "cat", run_cat },     { "cmp", run_cmp },
	{ "echo", run_echo },   { "true", run_true },   { "false", run_true },
};

static const struct utility *find_utility(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(utilities); i++) {
		if (!strcmp(name, utilities[i].name))
			return &utilities[i];
	}
	return NULL;
}

bool shell_utility_exists(const char *name)
{
	return find_utility(name);
}

/* Return the text in a program file that identifies the utility's package. */
static const char *package_text(const char *name)
{
	if (!strcmp(name, "cmp"))
		return "GNU diffutils";
	return strcmp(name, "grep") ? "GNU coreutils" : "GNU grep";
}

bool shell_utility_is_system_file(const char *path, const char *name)
{
	static const char *const dirs[] = { "/bin/", "/usr/bin/" };
	const char *const texts[] = { package_text(name), NULL };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		size_t len = strlen(dirs[i]);

		if (!strncmp(path, dirs[i], len) && !strcmp(path + len, name))
			return !lstat(path, &st) && S_ISREG(st.st_mode) &&
			       shell_identity_check(path, &st, texts);
	}
	return false;
}

bool shell_utility_is_output_limited(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) ||
	       limit.rlim_cur != RLIM_INFINITY;
}

bool shell_utility_is_preloaded(struct shell *sh)
{
	return get_program_env(sh, "LD_PRELOAD");
}

/* Return true if execve(2) can refuse the arguments (MAX_ARG_STRLEN). */
static bool are_args_too_long(char *const *argv)
{
	size_t left = 32 * (size_t)sysconf(_SC_PAGESIZE);

	for (; *argv; argv++) {
		size_t len = strlen(*argv) + 1;

		if (len > left)
			return true;
		left -= len;
	}
	return false;
}

bool shell_utility_run(struct shell *sh, const char *path, char **argv,
		       int *status)
{
	const struct utility *u = find_utility(argv[0]);

	return u && shell_utility_is_system_file(path, argv[0]) &&
	       !shell_utility_is_preloaded(sh) && !are_args_too_long(argv) &&
	       u->run(sh, argv, status);
}
