/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/call.h"

#include "base/buf.h"
#include "base/state-file.h"
#include "base/str.h"
#include "base/version.h"
#include "base/which.h"
#include "cc/real-compiler.h"
#include "options/command.h"
#include "options/devicetree.h"
#include "options/env.h"
#include "options/probe-stamps.h"
#include "options/probe.h"
#include "wire/cc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------ probe cache */

static const struct state_file entry_file = {
	.max_bytes = CC_PROBE_ENTRY_MAX_BYTES,
	.mode = 0600,
	.is_private = true,
};

static const char probe_entry_magic[8] = { 'k', 'f', 'a', 'n',
					   's', 'w', 'r', '1' };
#define PROBE_ENTRY_HEADER_BYTES (sizeof(probe_entry_magic) + sizeof(uint64_t))

enum {
	ENTRY_FLAG_HAS_OUTPUT = 1,
	ENTRY_FLAG_EXECUTABLE = 2
};

/* Encode an entry as the content of a cache file, and append it to `to`. */
static void encode_probe_entry(struct buf *to, struct bytes key,
			       const struct cc_probe_entry *a)
{
	uint8_t sum[sizeof(uint64_t)] = { 0 };
	size_t head = to->len;

	buf_add(to, probe_entry_magic, sizeof(probe_entry_magic));
	buf_add(to, sum, sizeof(sum));
	buf_put_bytes(to, key);
	buf_put_u32(to, a->status);
	buf_put_u32(to, (a->has_output_file ? ENTRY_FLAG_HAS_OUTPUT : 0) |
				(a->executable ? ENTRY_FLAG_EXECUTABLE : 0));
	buf_put_bytes(to, a->out);
	buf_put_bytes(to, a->err);
	buf_put_bytes(to, a->output);
	put_le64(to->data + head + sizeof(probe_entry_magic),
		 bytes_hash(bytes_of(to->data + head + PROBE_ENTRY_HEADER_BYTES,
				     to->len - head - PROBE_ENTRY_HEADER_BYTES),
			    0));
}

bool cc_probe_entry_decode(struct cc_probe_entry *a, struct bytes in,
			   struct bytes key)
{
	struct reader r;
	struct bytes asked;
	uint32_t flags;

	*a = (struct cc_probe_entry){ 0 };
	if (in.len < PROBE_ENTRY_HEADER_BYTES ||
	    in.len > CC_PROBE_ENTRY_MAX_BYTES ||
	    memcmp(in.data, probe_entry_magic, sizeof(probe_entry_magic)) != 0)
		return false;
	reader_init(&r, bytes_of(in.data + PROBE_ENTRY_HEADER_BYTES,
				 in.len - PROBE_ENTRY_HEADER_BYTES));
	if (get_le64(in.data + sizeof(probe_entry_magic)) !=
	    bytes_hash(bytes_of(r.p, r.left), 0))
		return false;
	asked = reader_bytes(&r);
	a->status = reader_u32(&r);
	flags = reader_u32(&r);
	a->has_output_file = flags & ENTRY_FLAG_HAS_OUTPUT;
	a->executable = flags & ENTRY_FLAG_EXECUTABLE;
	a->out = reader_bytes(&r);
	a->err = reader_bytes(&r);
	a->output = reader_bytes(&r);
	return !reader_end(&r) && a->status <= 1 && bytes_equal(asked, key);
}

/* The name can be a 64-bit hash, because the file has the complete key. */
static char *probe_entry_path(const char *dir, struct bytes question)
{
	return xasprintf("%s/%016" PRIx64, dir, bytes_hash(question, 0));
}

bool cc_probe_entry_find(struct cc_probe_entry *a, struct buf *file,
			 const char *dir, struct bytes key)
{
	char *path = probe_entry_path(dir, key);
	struct err ignored;
	bool is = !state_file_read(&entry_file, path, file, &ignored) &&
		  cc_probe_entry_decode(a, buf_bytes(file), key);

	free(path);
	return is;
}

/* Write the file `path` in `dir`, unless `dir` has too many files. */
static void write_entry_file(const char *dir, const char *path, struct bytes in)
{
	DIR *d = opendir(dir);
	struct err ignored;
	unsigned n = 0;

	if (!d)
		return;
	while (n <= OPTIONS_PROBE_ENTRIES_MAX && readdir(d))
		n++;
	closedir(d);
	if (n <= OPTIONS_PROBE_ENTRIES_MAX)
		state_file_write(&entry_file, path, in, &ignored);
}

void cc_probe_entry_store(const char *dir, struct bytes key,
			  const struct cc_probe_entry *a)
{
	char *path = probe_entry_path(dir, key);
	struct buf file = { 0 };

	encode_probe_entry(&file, key, a);
	if (file.len <= CC_PROBE_ENTRY_MAX_BYTES)
		write_entry_file(dir, path, buf_bytes(&file));
	buf_release(&file);
	free(path);
}

/* A name shorter than NAME_MIN can occur in the output by chance. */
#define NAME_MIN 6

struct cc_probe {
	const char *dir; /* directory of the cache */
	const char *compiler; /* absolute path */
	char **argv;
	char *const *env;
	/* result of options_probe_parse() for argv */
	struct options_probe parsed;
	bool shares_stdout; /* stdout and stderr are the same file */
	/* the language of messages is known to be English */
	bool has_english_messages;
	/*
	 * The content of standard input makes the probe uncacheable.  The
	 * compiler must still receive the bytes read from standard input.
	 */
	bool disqualified;
	bool input_truncated; /* standard input continues after `input` */
	struct buf input; /* bytes read from standard input */
	struct buf text; /* serialized key */
};

/*
 * Prefixes of variables that can change a probe's result, in addition to the
 * variables of options/env.h.
 */
static const char *const extra_probe_variables[] = {
	"ASAN_", "CLANG", "GCC",    "GCONV_PATH=", "GLIBC_TUNABLES=",
	"LD_",   "LLVM",  "MALLOC", "NLSPATH=",    NULL
};

static bool has_any_prefix(const char *entry, const char *const *names)
{
	for (; *names; names++) {
		if (str_starts(entry, *names))
			return true;
	}
	return false;
}

static bool is_null_device(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(1, 3);
}

/*
 * Return true if the output to `fd` can be cached.  Returns false if `fd` is
 * closed, or is a character device other than /dev/null, because messages can
 * depend on a terminal.
 */
static bool is_output_cacheable(int fd, struct stat *st)
{
	if (fstat(fd, st))
		return false;
	return !S_ISCHR(st->st_mode) || is_null_device(fd);
}

/*
 * Return true if the standard streams, the resource limits and the output file
 * of the call allow caching.  If the call uses /dev/null, that file must be
 * the null device.
 */
static bool check_outputs(struct cc_probe *p)
{
	struct stat out, err, there;
	bool usable;
	int fd;

	if (fcntl(STDIN_FILENO, F_GETFD) < 0 ||
	    !is_output_cacheable(STDOUT_FILENO, &out) ||
	    !is_output_cacheable(STDERR_FILENO, &err) ||
	    cc_real_compiler_is_limited())
		return false;
	p->shares_stdout = out.st_dev == err.st_dev && out.st_ino == err.st_ino;
	/*
	 * If stdout and stderr have separate offsets in the same file, they
	 * overwrite each other's output unless both have O_APPEND.
	 */
	if (p->shares_stdout && S_ISREG(out.st_mode) &&
	    !(fcntl(STDOUT_FILENO, F_GETFL) & fcntl(STDERR_FILENO, F_GETFL) &
	      O_APPEND))
		return false;
	if (p->parsed.output && !lstat(p->parsed.output, &there))
		return false;
	if (!p->parsed.reads_null)
		return true;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	usable = fd >= 0 && is_null_device(fd);
	if (fd >= 0)
		close(fd);
	return usable;
}

/*
 * Return true if the variables of `env` select English messages.  en_GB is
 * rejected, because gcc's messages in en_GB have other quotation marks.
 */
static bool is_english(char *const *env)
{
	static const char *const known[] = { "C.", "en_US", NULL };
	const char *all = str_find_env(env, "LC_ALL"), *more;
	struct strv languages = { 0 };
	bool english;

	if (!all || !*all)
		all = str_find_env(env, "LC_MESSAGES");
	if (!all || !*all)
		all = str_find_env(env, "LANG");
	if (!all || !*all || !strcmp(all, "C") || !strcmp(all, "POSIX"))
		return true;
	english = has_any_prefix(all, known);
	/* gettext skips "en", which has no catalog, so check each language. */
	more = str_find_env(env, "LANGUAGE");
	strv_split(&languages, more ? more : "", ":");
	for (size_t i = 0; i < languages.n; i++)
		english &= str_list_has("en en_US en_US.UTF-8", ' ',
					languages.v[i]);
	strv_release(&languages);
	return english;
}

/*
 * Read the rest of the file on standard input without moving its offset.
 * Returns false if the rest is too long, or if its length differs from the
 * length that fstat(2) reports, as for files in proc(5).
 */
static bool peek_stdin_file(struct cc_probe *p, const struct stat *st)
{
	off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	ssize_t n;

	if (at < 0 || buf_reserve(&p->input, OPTIONS_PROBE_INPUT_MAX_BYTES))
		return false;
	n = pread(STDIN_FILENO, p->input.data, OPTIONS_PROBE_INPUT_MAX_BYTES,
		  at);
	p->input.len = n > 0 ? (size_t)n : 0;
	return n == st->st_size - at;
}

/*
 * Read standard input if the probe uses it.  Returns false if the probe must
 * not be cached; the compiler can then still read all of standard input.  If
 * only the bytes read from a pipe show that the probe must not be cached,
 * returns true with `disqualified` set: the pipe no longer has these bytes, so
 * the caller must pass them to the compiler.
 */
static bool read_input(struct cc_probe *p)
{
	struct stat st;
	int flags = fcntl(STDIN_FILENO, F_GETFL);
	ssize_t n = 1;

	if (!p->parsed.reads_stdin || is_null_device(STDIN_FILENO))
		return true;
	if (fstat(STDIN_FILENO, &st) || flags < 0 || flags & O_NONBLOCK)
		return false;
	if (S_ISREG(st.st_mode))
		return peek_stdin_file(p, &st) &&
		       options_probe_is_pure_text(buf_bytes(&p->input));
	if (!S_ISFIFO(st.st_mode))
		return false;
	while (n > 0 && p->input.len <= OPTIONS_PROBE_INPUT_MAX_BYTES) {
		if (buf_reserve(&p->input, OPTIONS_PROBE_INPUT_MAX_BYTES))
			break;
		n = read(STDIN_FILENO, p->input.data + p->input.len,
			 OPTIONS_PROBE_INPUT_MAX_BYTES);
		if (n > 0)
			p->input.len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	p->input_truncated = n != 0;
	p->disqualified = p->input_truncated ||
			  !options_probe_is_pure_text(buf_bytes(&p->input));
	return true;
}

static void add_key_word(struct buf *to, char kind, const char *word)
{
	buf_add(to, &kind, 1);
	buf_add(to, word, strlen(word) + 1);
}

static bool add_key_stamps(struct cc_probe *p)
{
	struct options_probe_compiler c = options_probe_compiler_from_env(
		p->compiler, p->env);
	char *path = options_probe_stamps_path(p->dir, false, &c);
	struct buf list = { 0 };
	struct err ignored;
	uint64_t id[2];
	bool is = path &&
		  !state_file_read(&options_probe_stamps_file, path, &list,
				   &ignored) &&
		  options_probe_stamps_is_current(buf_bytes(&list), &c, id);

	if (is)
		buf_printf(&p->text,
			   "kfarm-probe 1 %016" PRIx64 "%016" PRIx64 "\n",
			   id[0], id[1]);
	buf_release(&list);
	free(path);
	return is;
}

/*
 * Request a list of the stamps of the compiler's files (options/probe-stamps.h)
 * by writing a file "want-HEX".  kfarm creates the list at its next start.
 */
static void request_stamp_list(const struct cc_probe *p)
{
	struct options_probe_compiler c = options_probe_compiler_from_env(
		p->compiler, p->env);
	char *path = options_probe_stamps_path(p->dir, true, &c);
	struct buf text = { 0 };

	if (path && access(path, F_OK)) {
		options_probe_stamps_begin(&text, &c);
		options_probe_stamps_end(&text);
		write_entry_file(p->dir, path, buf_bytes(&text));
	}
	buf_release(&text);
	free(path);
}

/*
 * Create the key.  Returns false if the probe must not be cached; the compiler
 * can then still read all of standard input.  Requests a list of stamps if the
 * compiler has no current list (options/probe-stamps.h).
 */
static bool create_key(struct cc_probe *p)
{
	const char *output = p->parsed.output;
	struct strv variables = { 0 };
	char cwd[PATH_MAX];

	p->has_english_messages = is_english(p->env);
	if (!getcwd(cwd, sizeof(cwd)) || !check_outputs(p))
		return false;
	if (!add_key_stamps(p)) {
		request_stamp_list(p);
		return false;
	}

	/* Omit the name of the output file, which differs each time. */
	add_key_word(&p->text, 'c', p->compiler);
	for (unsigned i = 1; p->argv[i]; i++) {
		const char *word = p->argv[i];

		if (output && i == p->parsed.output_index)
			add_key_word(&p->text, 'o',
				     word == output ? "" : "joined");
		else
			add_key_word(&p->text, 'w', word);
	}
	for (char *const *e = p->env; *e; e++) {
		if (options_env_is_relevant(*e) ||
		    has_any_prefix(*e, extra_probe_variables))
			strv_add(&variables, *e);
	}
	strv_sort(&variables);
	for (size_t i = 0; i < variables.n; i++)
		add_key_word(&p->text, 'e', variables.v[i]);
	strv_release(&variables);
	add_key_word(&p->text, 'd', cwd);
	add_key_word(&p->text, 'j', p->shares_stdout ? "joined" : "");
	if (p->text.len > CC_PROBE_ENTRY_MAX_BYTES / 2 || !read_input(p))
		return false;
	add_key_word(&p->text, 'i', "");
	buf_add_bytes(&p->text, buf_bytes(&p->input));
	return true;
}

/* Return true if the compiler's files are unchanged since create_key(). */
static bool is_compiler_current(const struct cc_probe *p)
{
	struct cc_probe now = { .dir = p->dir,
				.compiler = p->compiler,
				.env = p->env };
	bool same = add_key_stamps(&now) && now.text.len <= p->text.len &&
		    !memcmp(now.text.data, p->text.data, now.text.len);

	buf_release(&now.text);
	return same;
}

static void free_probe(struct cc_probe *p)
{
	if (!p)
		return;
	buf_release(&p->input);
	buf_release(&p->text);
	free(p);
}

/*
 * Prepare the probe of a call.  `dir` is the cache, and `env` is the
 * environment of the compiler; the result does not refer to `c`.  Returns NULL
 * if the call must not be cached.  If the result is not NULL, bytes may have
 * been read from standard input, so the caller must call replay_probe() and, if
 * it returns false, run_probe().  The caller frees the result with
 * free_probe().
 */
static struct cc_probe *new_probe(const char *dir, const char *compiler,
				  char **argv, char *const *env,
				  const struct options_command *c)
{
	struct cc_probe init = {
		.dir = dir, .compiler = compiler, .argv = argv, .env = env
	};
	struct cc_probe *p;

	if (dir[0] != '/' || compiler[0] != '/' ||
	    options_env_local_reason(env) ||
	    !options_probe_parse(&init.parsed, c))
		return NULL;
	p = xcalloc(1, sizeof(*p));
	*p = init;
	if (create_key(p))
		return p;
	free_probe(p);
	return NULL;
}

/* ----------------------------------------------------------------- replay */

static bool write_probe_output(const struct cc_probe *p,
			       const struct cc_probe_entry *a)
{
	mode_t mode = a->executable ? 0777 : 0666;
	ssize_t n;
	int fd;

	if (!a->has_output_file)
		return true;
	fd = open(p->parsed.output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		  mode);
	if (fd < 0)
		return false;
	n = write(fd, a->output.data, a->output.len);
	if (!close(fd) && n >= 0 && (size_t)n == a->output.len)
		return true;
	unlink(p->parsed.output);
	return false;
}

/*
 * Replay a cached result.  Returns true with *status, or false if nothing was
 * replayed and the compiler must run.
 */
static bool replay_probe(const struct cc_probe *p, int *status)
{
	struct cc_probe_entry a = { 0 };
	struct buf file = { 0 };
	bool done = !p->disqualified &&
		    cc_probe_entry_find(&a, &file, p->dir, buf_bytes(&p->text));

	done = done && cc_real_compiler_can_write(STDOUT_FILENO, a.out) &&
	       cc_real_compiler_can_write(STDERR_FILENO, a.err) &&
	       write_probe_output(p, &a);
	if (done && !cc_real_compiler_write(STDOUT_FILENO, a.out)) {
		if (a.has_output_file)
			unlink(p->parsed.output);
		done = false;
	}
	if (done) {
		cc_real_compiler_write(STDERR_FILENO, a.err);
		/* Move the file offset of stdin as the compiler would. */
		if (p->parsed.reads_stdin)
			lseek(STDIN_FILENO, (off_t)p->input.len, SEEK_CUR);
		*status = (int)a.status;
	}
	buf_release(&file);
	return done;
}

/* --------------------------------------------------------------- execution */

/* Parts of messages about failures that can be transient. */
static const char *const transient_messages[] = {
	"internal compiler error",
	"signal terminated",
	"terminated with signal",
	"PLEASE ",
	"Killed",
	"allocat",
	"out of memory",
	"exhausted",
	"No space",
	"uota exceeded",
	"No such file",
	"ermission denied",
	"not permitted",
	"ead-only",
	"emporary file",
	"nput/output error",
	"oo many open files",
	"emporarily unavailable",
	"file busy",
	"nterrupted",
	"can't create",
	"can't open",
	"annot create",
	"annot exec",
	"unable to ",
	"posix_spawn",
	"fork", /* also vfork */
	NULL,
};

static bool contains_message(struct bytes text, const char *what)
{
	return bytes_find(text, bytes_str(what), 0);
}

/*
 * Return true if the text contains the path of the output file.  The name and
 * the directory of the file count as well, each if it has at least NAME_MIN
 * bytes.
 */
static bool mentions_output(const struct cc_probe *p, struct bytes text)
{
	const char *path = p->parsed.output;
	const char *base = path ? str_base(path) : "";
	char *dir = path ? xstrndup(path, (size_t)(base - path)) : xstrdup("");
	bool is = false;

	if (path)
		is = contains_message(text, path) ||
		     (strlen(base) >= NAME_MIN &&
		      contains_message(text, base)) ||
		     (strlen(dir) >= NAME_MIN && contains_message(text, dir));
	free(dir);
	return is;
}

static bool has_transient_message(struct bytes text)
{
	for (const char *const *w = transient_messages; *w; w++) {
		if (contains_message(text, *w))
			return true;
	}
	return false;
}

/*
 * Return true if the result can be cached: it does not mention the output file
 * and shows no transient failure.  If p->parsed.must_be_rejected is set, the
 * compiler must also have rejected an option.  If the messages are possibly not
 * in English, the probe must also succeed without messages, and must not be a
 * query such as --version.
 */
static bool is_cacheable(const struct cc_probe *p,
			 const struct cc_probe_entry *a)
{
	if (a->status > 1 || mentions_output(p, a->out) ||
	    mentions_output(p, a->err) || mentions_output(p, a->output))
		return false;
	if (p->parsed.must_be_rejected &&
	    (!a->status ||
	     !options_probe_is_rejected(p->shares_stdout ? a->out : a->err)))
		return false;
	if (!p->has_english_messages)
		return !a->status && !a->err.len && !p->parsed.query &&
		       !(p->shares_stdout && a->out.len);
	return !has_transient_message(a->err) &&
	       !(p->shares_stdout && has_transient_message(a->out));
}

/*
 * Read the file that the probe wrote, if any.  Returns false if the file is too
 * long, has unusual permissions or a second hard link, or is not a regular
 * file.
 */
static bool read_probe_output(const char *path, struct cc_probe_entry *a,
			      struct buf *bytes)
{
	static const struct state_file output = {
		.max_bytes = CC_PROBE_ENTRY_MAX_BYTES / 2,
		.is_private = true,
	};
	mode_t mask = umask(0);
	struct err ignored;
	struct stat st;
	mode_t mode;

	umask(mask);
	if (lstat(path, &st))
		return errno == ENOENT;
	mode = st.st_mode & 07777;
	a->has_output_file = true;
	a->executable = mode & 0111;
	return S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	       mode == ((a->executable ? 0777u : 0666u) & ~mask) &&
	       !state_file_read(&output, path, bytes, &ignored);
}

static int create_memfd(void)
{
	return cc_real_compiler_move_fd(memfd_create("kfarm-cc", MFD_CLOEXEC));
}

/*
 * Let the compiler read the input of a pipe from the beginning: replace
 * standard input by a memory file with the bytes already read from the pipe.
 */
static bool restore_stdin(const struct cc_probe *p)
{
	size_t len = p->input.len;
	struct stat st;
	bool ok;
	int fd;

	if (!p->parsed.reads_stdin || fstat(STDIN_FILENO, &st) ||
	    !S_ISFIFO(st.st_mode))
		return true;
	fd = create_memfd();
	ok = fd >= 0 && (!len || write(fd, p->input.data, len) == (ssize_t)len);
	ok = ok && !lseek(fd, 0, SEEK_SET) && dup2(fd, STDIN_FILENO) >= 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Write the bytes already read from standard input to `to`, then the rest. */
static void forward_stdin(const struct cc_probe *p, int to)
{
	char block[1 << 14];
	ssize_t n;

	signal(SIGPIPE, SIG_DFL);
	if (!cc_real_compiler_write(to, buf_bytes(&p->input)))
		return;
	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n > 0 &&
		    !cc_real_compiler_write(to, bytes_of(block, (size_t)n)))
			return;
	}
}

/*
 * Replace standard input by a pipe to which a detached process writes all of
 * the input.
 */
static void restore_long_stdin(const struct cc_probe *p)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return;
	pid = fork();
	if (!pid) {
		close(ends[0]);
		if (!fork())
			forward_stdin(p, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (pid > 0) {
		waitpid(pid, NULL, 0);
		dup2(ends[0], STDIN_FILENO);
	}
	close(ends[0]);
}

/*
 * Run the compiler in a child process.  Returns the wait status, or -1 if the
 * compiler was not started.
 */
static int run_compiler(const struct cc_probe *p, int out, int err)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction before;
	pid_t pid, self = getpid();
	int status = -1;

	/* With SIGCHLD ignored, waitpid() would report no status. */
	sigaction(SIGCHLD, &usual, &before);
	pid = fork();
	if (!pid) {
		sigaction(SIGCHLD, &before, NULL);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != self || !restore_stdin(p) ||
		    dup2(out, STDOUT_FILENO) < 0 ||
		    dup2(err, STDERR_FILENO) < 0)
			_exit(127);
		_exit(cc_real_compiler_exec(p->compiler, p->argv, p->env));
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			break;
	}
	sigaction(SIGCHLD, &before, NULL);
	return status;
}

/*
 * Copy a file with captured output to `fd` and, if it fits into the cache, to
 * `text`.  Returns false if a write failed or the file is too large to cache.
 */
static bool copy_captured_output(int from, int fd, struct buf *text)
{
	char block[1 << 14];
	off_t at = 0;
	ssize_t n;
	bool ok = true;

	while ((n = pread(from, block, sizeof(block), at)) > 0) {
		at += n;
		ok = cc_real_compiler_write(fd, bytes_of(block, (size_t)n)) &&
		     ok;
		if (at <= CC_PROBE_ENTRY_MAX_BYTES)
			buf_add(text, block, (size_t)n);
	}
	return ok && at <= CC_PROBE_ENTRY_MAX_BYTES;
}

/* Forward the captured output and cache the result. */
static void finish_probe(const struct cc_probe *p, int wait_status,
			 int out_file, int err_file)
{
	struct buf out = { 0 }, err = { 0 }, output = { 0 };
	struct cc_probe_entry a = { 0 };
	bool whole = copy_captured_output(out_file, STDOUT_FILENO, &out);

	if (err_file != out_file)
		whole = copy_captured_output(err_file, STDERR_FILENO, &err) &&
			whole;
	if (whole && WIFEXITED(wait_status)) {
		a.status = (unsigned)WEXITSTATUS(wait_status);
		a.out = buf_bytes(&out);
		a.err = buf_bytes(&err);
		whole = !p->parsed.output ||
			read_probe_output(p->parsed.output, &a, &output);
		a.output = buf_bytes(&output);
		if (whole && is_cacheable(p, &a) && is_compiler_current(p))
			cc_probe_entry_store(p->dir, buf_bytes(&p->text), &a);
	}
	buf_release(&output);
	buf_release(&out);
	buf_release(&err);
}

/*
 * Run the compiler, forward its output and cache the result.  Returns true with
 * *status, or false if the caller must execute the compiler in this process;
 * standard input is then restored.  If a signal ended the compiler, raises the
 * same signal in this process.
 */
static bool run_probe(struct cc_probe *p, int *status)
{
	int out, err, wait_status = -1;

	if (p->disqualified) {
		if (p->input_truncated || !restore_stdin(p))
			restore_long_stdin(p);
		return false;
	}
	out = create_memfd();
	err = p->shares_stdout ? out : create_memfd();
	if (out >= 0 && err >= 0)
		wait_status = run_compiler(p, out, err);
	if (wait_status >= 0)
		finish_probe(p, wait_status, out, err);
	else
		restore_stdin(p);
	if (out >= 0)
		close(out);
	if (err >= 0 && err != out)
		close(err);
	if (wait_status >= 0 && WIFSIGNALED(wait_status)) {
		signal(WTERMSIG(wait_status), SIG_DFL);
		raise(WTERMSIG(wait_status));
	}
	*status = wait_status >= 0 && WIFEXITED(wait_status) ?
			  WEXITSTATUS(wait_status) :
			  1;
	return wait_status >= 0;
}

/* ------------------------------------------------------- compiler calls */

/* Handle a kfarm-cc call without a compiler.  Returns the exit status. */
static int run_without_compiler(char *const *argv)
{
	static const char version[] = "kfarm-cc " KFARM_VERSION "\n";
	static const char help[] =
		"usage: kfarm-cc COMPILER [ARG]...\n"
		"       kfarm-cc --help | --version\n\n"
		"Compile on a node if `kfarm build` or `kfarm run` started "
		"this process and a node\ncan execute the compile; otherwise "
		"run COMPILER locally.  See kfarm-cc(1).\n";

	if (*argv && !strcmp(*argv, "--version"))
		return write(STDOUT_FILENO, version, sizeof(version) - 1) < 0;
	if (*argv && !strcmp(*argv, "--help"))
		return write(STDOUT_FILENO, help, sizeof(help) - 1) < 0;
	cc_real_compiler_print_error(
		"%s%smissing compiler; usage: kfarm-cc COMPILER [ARG]..., see "
		"kfarm-cc(1)",
		*argv ? *argv : "", *argv ? ": " : "");
	return 1;
}

/* Values of kfarm's environment variables. */
struct kfarm_env {
	const char *socket, *links, *slots, *probes;
};

/*
 * Submit the compile of a call that compiles and links a program.  If the
 * coordinator supplies the object, change argv so that the call only links it.
 */
static enum cc_job_outcome submit_program(struct cc_call *c, struct cc_job *job,
					  int *status)
{
	enum cc_job_outcome outcome = cc_job_submit_program(job, status);

	c->is_offered = outcome == CC_JOB_DONE || job->object_fd >= 0;
	c->coord_fd = job->coord_fd;
	c->object_fd = job->object_fd;
	if (c->object_fd >= 0) {
		snprintf(c->object, sizeof(c->object), "/dev/fd/%d",
			 c->object_fd);
		c->argv[job->source_at] = c->object;
	}
	return outcome;
}

/*
 * Parse the call.  If the call is a probe, replay its cached result.  If the
 * call is a compile or has a tool step, offer it to the coordinator; only such
 * a call needs a slot when it runs locally.  If the call compiles and links a
 * program, offer only its compile to the coordinator.
 */
static enum cc_job_outcome submit_call(struct cc_call *c,
				       const struct kfarm_env *kfarm,
				       const struct cc_tool_step *step,
				       int *status)
{
	enum cc_job_outcome outcome = CC_JOB_UNAVAILABLE;
	bool text = step && !cc_tool_step_has_compile(step);
	struct options_command command;
	struct cc_job job = { .socket = kfarm->socket,
			      .compiler = c->compiler,
			      .argv = c->argv,
			      .env = c->env,
			      .launched = c->is_launched,
			      .compile = &command,
			      .coord_fd = -1 };

	if (!text)
		options_command_parse(&command, c->argv);
	else if (step->object)
		options_command_parse_asm_cpp(&command, c->argv);
	else if (step->message->text && *step->message->text)
		options_command_parse_stdin(&command, c->argv);
	else
		options_command_parse_text(&command, c->argv);
	c->has_step = step && cc_tool_step_fits(step, &command);
	if (c->has_step)
		job.step = step->message;
	if (command.class == OPTIONS_CLASS_PASSTHROUGH && !text) {
		if (kfarm->probes)
			c->probe = new_probe(kfarm->probes, c->compiler,
					     c->argv, c->env, &command);
		if (c->probe && replay_probe(c->probe, status))
			outcome = CC_JOB_DONE;
		else if (!c->probe && !step && kfarm->socket)
			outcome = submit_program(c, &job, status);
	} else if (!text || c->has_step) {
		c->slot_dir = kfarm->slots;
		c->is_offered = kfarm->socket;
		if (kfarm->socket)
			outcome = cc_job_submit(&job, status);
		c->coord_fd = job.coord_fd;
	}
	options_command_release(&command);
	return outcome;
}

enum cc_job_outcome cc_call_begin(struct cc_call *c, char **argv, char **env,
				  const struct cc_tool_step *step, int *status)
{
	const struct kfarm_env kfarm = {
		.socket = str_find_env(env, "KFARM_SOCKET"),
		.links = str_find_env(env, "KFARM_LINKS"),
		.slots = str_find_env(env, "KFARM_SLOTS"),
		.probes = str_find_env(env, "KFARM_PROBES"),
	};
	const char *path = str_find_env(env, "PATH");
	char **first = argv, **launcher = NULL; /* e.g. ccache */

	*c = (struct cc_call){ .coord_fd = -1, .object_fd = -1, .env = env };
	*status = 127; /* if there is no compiler */
	for (; *argv && which_is_wrapper_name(str_base(*argv)); argv++) {
		if (!launcher && strcmp(str_base(*argv), "kfarm-cc") != 0)
			launcher = argv;
	}
	if (launcher && (!*argv || !cc_real_compiler_is_c(*argv))) {
		c->argv = launcher;
		c->compiler = cc_real_compiler_find_launcher(*launcher,
							     kfarm.links, path);
		return c->compiler ? CC_JOB_UNAVAILABLE : CC_JOB_DONE;
	}
	if (!*argv || **argv == '-') {
		*status = run_without_compiler(argv);
		return CC_JOB_DONE;
	}
	c->is_launched = launcher;
	c->compiler = cc_real_compiler_find(&argv[0], argv != first,
					    kfarm.links, path);
	if (!c->compiler)
		return CC_JOB_DONE;
	c->argv = argv;
	cc_real_compiler_clean_env(env, kfarm.links);
	return submit_call(c, &kfarm, step, status);
}

int cc_call_exec(const struct cc_call *c)
{
	int status;

	if (c->probe && run_probe(c->probe, &status))
		return status;
	if (c->slot_dir)
		cc_real_compiler_lock_slot(c->slot_dir);
	return cc_real_compiler_exec(c->compiler, c->argv, c->env);
}

int cc_call_take_slot(struct cc_call *c)
{
	int fd = c->slot_dir ? cc_real_compiler_lock_slot(c->slot_dir) : -1;

	c->slot_dir = NULL;
	return fd;
}

void cc_call_release(struct cc_call *c)
{
	if (c->coord_fd >= 0)
		close(c->coord_fd);
	if (c->object_fd >= 0)
		close(c->object_fd);
	free_probe(c->probe);
	free(c->compiler);
	*c = (struct cc_call){ .coord_fd = -1, .object_fd = -1 };
}
