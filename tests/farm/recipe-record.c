/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recipe-record - A SHELL for make that records its recipes and runs /bin/sh.
 *
 *	make SHELL=DIR/sh ...		DIR/sh: a symbolic link to this program
 *
 * Each call adds a record to DIR/recipes: five decimal numbers, each followed
 * by a blank, then data and a newline.  The numbers are the exit status (128
 * and more: a signal), the type of stdin (its S_IFMT, 0: closed) and the
 * lengths of the data: the arguments from argv[1] on, the working directory and
 * the environment.  Each string in the data ends in a NUL.
 * tests/farm/recorded.py reads the file.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAL "/bin/sh"

struct strings {
	char *data;
	size_t len;
};

static void add_string(struct strings *to, const char *s)
{
	size_t n = strlen(s) + 1;

	to->data = realloc(to->data, to->len + n);
	if (!to->data)
		abort();
	memcpy(to->data + to->len, s, n);
	to->len += n;
}

static unsigned stdin_kind(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) ? 0 : st.st_mode & S_IFMT;
}

static int run_real(char **argv)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return 127;
	if (!pid) {
		argv[0] = (char *)REAL;
		execv(REAL, argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void write_down(const char *self, int status, unsigned kind,
		       const struct strings *part)
{
	char path[PATH_MAX], head[128];
	struct iovec all[5] = { { .iov_base = head }, [4] = { "\n", 1 } };
	const char *slash = strrchr(self, '/');
	int fd;

	snprintf(path, sizeof(path), "%.*s/recipes",
		 slash ? (int)(slash - self) : 1, slash ? self : ".");
	all[0].iov_len = (size_t)snprintf(
		head, sizeof(head), "%d %u %zu %zu %zu ", status, kind,
		part[0].len, part[1].len, part[2].len);
	for (int i = 0; i < 3; i++)
		all[i + 1] = (struct iovec){ part[i].data, part[i].len };
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || writev(fd, all, 5) < 0)
		perror(path);
}

int main(int argc, char **argv)
{
	char cwd[PATH_MAX] = "", *self = argv[0];
	struct strings part[3] = { { 0 } };
	unsigned kind = stdin_kind();
	int status;

	for (int i = 1; i < argc; i++)
		add_string(&part[0], argv[i]);
	add_string(&part[1], getcwd(cwd, sizeof(cwd)) ? cwd : "");
	for (char **e = environ; *e; e++)
		add_string(&part[2], *e);
	status = run_real(argv);
	write_down(self, status, kind, part);
	return status;
}
