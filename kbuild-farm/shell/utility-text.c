/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/utility-kinds.h"

#include "shell/shell.h"
#include "shell/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_SIZE (64 * 1024)

enum copied {
	COPIED,
	NOT_READ, /* nothing of it was, so that the program can */
	NOT_WRITTEN,
};

/* Would it read what it writes itself? */
static bool is_output(int fd)
{
	struct stat in, out;

	if (fstat(fd, &in) || fstat(STDOUT_FILENO, &out))
		return true;
	return in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}

static enum copied copy_out(int fd, int *code)
{
	static char text[COPY_SIZE];
	bool begun = false;
	ssize_t n;

	for (;;) {
		n = read(fd, text, sizeof(text));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		begun = true;
		*code = -shell_write(STDOUT_FILENO, text, (size_t)n);
		if (*code)
			return NOT_WRITTEN;
	}
	return n < 0 && !begun ? NOT_READ : COPIED;
}

static enum copied copy_file(const char *file, int *code)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	enum copied copied = NOT_READ;

	if (fd >= 0 && !is_output(fd))
		copied = copy_out(fd, code);
	if (fd >= 0)
		close(fd);
	return copied;
}

/* A disk that is full: there is nothing left that the program could do. */
static void say_not_written(const char *name, int code)
{
	struct buf line = { 0 };

	buf_printf(&line, "%s: write error: %s\n", name,
		   shell_errno_words(code));
	shell_write(STDERR_FILENO, line.data, line.len);
	buf_release(&line);
}

/* False: the rest is left in `argv`. */
static bool copy_all(char **argv, int *status)
{
	char **file = argv + 1, **to = file;
	enum copied copied = COPIED;
	int code = 0;

	if (!*file)
		copied = is_output(STDIN_FILENO) ?
				 NOT_READ :
				 copy_out(STDIN_FILENO, &code);
	for (; *file && copied == COPIED; file++) {
		copied = copy_file(*file, &code);
		if (copied != COPIED)
			break;
	}
	*status = 0;
	if (copied == NOT_READ) {
		while ((*to++ = *file++))
			;
		return false;
	}
	if (copied == NOT_WRITTEN) {
		*status = 1;
		if (!shell_signals_pipe_broke())
			say_not_written(argv[0], code);
	}
	return true;
}

bool shell_utility_cat(struct shell *sh, char **argv, int *status)
{
	bool done;

	(void)sh;
	for (char **arg = argv + 1; *arg; arg++) {
		if (**arg == '-')
			return false;
	}
	/* SIGPIPE would have ended the program, not the shell. */
	shell_signals_contain();
	done = copy_all(argv, status);
	if (shell_signals_contain_end())
		*status = 128 + SIGPIPE;
	return done;
}

/* As many bytes as there are, up to `size`; negative: an error. */
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

/* 0: they are equal, 1: they are not, -1: it cannot be told. */
static int compare_content(int a, int b)
{
	static char x[COPY_SIZE / 2], y[COPY_SIZE / 2];
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

/* cmp -s FILE FILE: it says nothing, whatever it finds. */
bool shell_utility_cmp(struct shell *sh, char **argv, int *status)
{
	int a, b;

	(void)sh;
	if (!argv[1] || strcmp(argv[1], "-s") != 0 || !argv[2] || !argv[3] ||
	    argv[4] || *argv[2] == '-' || *argv[3] == '-')
		return false;
	a = open(argv[2], O_RDONLY | O_CLOEXEC);
	b = open(argv[3], O_RDONLY | O_CLOEXEC);
	*status = a < 0 || b < 0 ? -1 : compare_content(a, b);
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return *status >= 0;
}

/* Without options it takes no backslash for anything. */
bool shell_utility_echo(struct shell *sh, char **argv, int *status)
{
	buf_reset(&sh->out);
	if (argv[1] && *argv[1] == '-')
		return false;
	while (*++argv) {
		buf_add_str(&sh->out, *argv);
		if (argv[1])
			buf_add(&sh->out, " ", 1);
	}
	buf_add(&sh->out, "\n", 1);
	*status = 0;
	return !shell_write(STDOUT_FILENO, sh->out.data, sh->out.len);
}

bool shell_utility_true(struct shell *sh, char **argv, int *status)
{
	(void)sh;
	*status = 0;
	return !argv[1];
}

bool shell_utility_false(struct shell *sh, char **argv, int *status)
{
	(void)sh;
	*status = 1;
	return !argv[1];
}
