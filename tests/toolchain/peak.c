/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/toolchain/peak.c - peak FILE COMMAND...: run it and write the peak
 * memory of its largest process, in KiB, to FILE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage used;
	int status;
	pid_t pid;
	FILE *f;

	if (argc < 3)
		return 2;
	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	f = fopen(argv[1], "w");
	if (pid < 0 || !f || waitpid(pid, &status, 0) != pid ||
	    getrusage(RUSAGE_CHILDREN, &used))
		return 2;
	fprintf(f, "%ld\n", used.ru_maxrss);
	return fclose(f) || !WIFEXITED(status) ? 2 : WEXITSTATUS(status);
}
