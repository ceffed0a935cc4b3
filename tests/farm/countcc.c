/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * farm/countcc.c - A compiler that counts its concurrent executions.
 *
 * It stands in PATH under the compiler's name and executes the real one in the
 * directory $COUNT_REAL.  Each call that compiles a .c or .S file into an
 * object adds a line to $COUNT_DIR/log with the current number of such calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int is_job(char **argv)
{
	int compile = 0, source = 0;

	for (int i = 1; argv[i]; i++) {
		const char *dot = strrchr(argv[i], '.');

		if (!strcmp(argv[i], "-c"))
			compile = 1;
		else if (!strcmp(argv[i], "kfarm-reference.c"))
			/* kfarm's own call, without a unit and a slot */
			return 0;
		else if (argv[i][0] != '-' && dot &&
			 (!strcmp(dot, ".c") || !strcmp(dot, ".S")))
			source = 1;
	}
	return compile && source;
}

/*
 * Add `by` to the number in the file.  Each start also adds a line to the log.
 */
static void count(const char *dir, int by)
{
	char path[PATH_MAX], text[32] = "";
	int fd, n;

	snprintf(path, sizeof(path), "%s/now", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || flock(fd, LOCK_EX) ||
	    pread(fd, text, sizeof(text) - 1, 0) < 0)
		_exit(126);
	n = snprintf(text, sizeof(text), "%-8d\n", atoi(text) + by);
	if (pwrite(fd, text, n, 0) != n)
		_exit(126);
	close(fd);
	if (by < 0)
		return;
	snprintf(path, sizeof(path), "%s/log", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, text, n) != n)
		_exit(126);
	close(fd);
}

static int run(const char *real, char **argv)
{
	pid_t pid;
	int status;

	if (posix_spawn(&pid, real, NULL, NULL, argv, environ))
		return 127;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("COUNT_DIR");
	const char *base = strrchr(argv[0], '/');
	char real[PATH_MAX];
	int ret;

	(void)argc;
	if (!dir || !getenv("COUNT_REAL"))
		return 127;
	snprintf(real, sizeof(real), "%s/%s", getenv("COUNT_REAL"),
		 base ? base + 1 : argv[0]);
	argv[0] = real;
	if (!is_job(argv)) {
		execv(real, argv);
		return 127;
	}
	count(dir, 1);
	ret = run(real, argv);
	count(dir, -1);
	return ret;
}
