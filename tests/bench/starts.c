/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/starts.c - Cost of a command's start, from N sequential starts.
 *
 *	starts N COMMAND [ARG...]
 *
 * Prints wall ms, CPU ms of the child, and the largest resident set, in KiB.
 * The command's output goes to /dev/null.  Exits with 1 when the command fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static double cpu(const struct rusage *ru)
{
	return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1e3 +
	       (ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) / 1e3;
}

static int start(char **argv, posix_spawn_file_actions_t *fa)
{
	pid_t pid;
	int status;

	errno = posix_spawnp(&pid, argv[0], fa, NULL, argv, environ);
	if (errno) {
		perror(argv[0]);
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "%s: wait status %d\n", argv[0], status);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t fa;
	struct rusage ru;
	double began;
	int n;

	if (argc < 3 || (n = atoi(argv[1])) < 1) {
		fputs("usage: starts N COMMAND [ARG...]\n", stderr);
		return 1;
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	began = now();
	for (int i = 0; i < n; i++) {
		if (start(argv + 2, &fa))
			return 1;
	}
	getrusage(RUSAGE_CHILDREN, &ru);
	printf("%.4f %.4f %ld\n", (now() - began) / n, cpu(&ru) / n,
	       ru.ru_maxrss);
	return 0;
}
