/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/cells.c - Cost of a job's start in a warm sandbox over posix_spawn().
 *
 *	cells JOBS PROGRAM
 *
 * PROGRAM is static and does nothing.  Prints a line for each number of files
 * in the input root (0, 500, 5000) and of concurrent jobs (1, 8): ms of wall
 * time and of CPU time for a job outside and in the sandbox, and the difference
 * of the wall times.
 */
#include "base/clock.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS  5
#define AT_ONCE 8

static struct sandbox *cell;
static struct sandbox_run *over[AT_ONCE]; /* ended runs, to be freed */
static int n_over;
static char *outside[2] = { NULL, NULL };
static char *inside[] = { "/bin/nothing", NULL };
static char *env[] = { "TMPDIR=" SANDBOX_TMP_DIR, NULL };

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "cells: %s: %s\n", what, err ? err->text : "failed");
	exit(1);
}

/* Measure ms per job outside a sandbox, with `at_once` concurrent jobs. */
static double spawn_jobs(int jobs, int at_once)
{
	uint64_t began = clock_us();
	int running = 0, status;

	if (!outside[0])
		die("no program", NULL);
	for (int started = 0; started < jobs || running;) {
		pid_t pid;

		if (started < jobs && running < at_once) {
			if (posix_spawn(&pid, outside[0], NULL, NULL, outside,
					env))
				die("posix_spawn", NULL);
			started++;
			running++;
			continue;
		}
		if (waitpid(-1, &status, 0) > 0)
			running--;
		if (status)
			die("a job outside", NULL);
	}
	return (double)(clock_us() - began) / 1e3 / jobs;
}

static void on_done(void *ctx, struct sandbox_run *run,
		    const struct sandbox_end *end)
{
	(void)ctx;
	if (end->cause != SANDBOX_END_EXITED || end->status)
		die("a job in the cell", NULL);
	over[n_over++] = run;
}

static void start(void)
{
	const struct sandbox_job job = {
		.argv = inside,
		.env = env,
		.cwd = "/src",
		.stdin_fd = -1,
		.on_done = on_done,
	};
	struct sandbox_run *run;
	struct err err = { 0 };

	if (sandbox_start_job(cell, &job, &run, &err))
		die("start", &err);
}

static double cell_jobs(int jobs, int at_once)
{
	struct pollfd p = { .fd = sandbox_fd(cell), .events = POLLIN };
	uint64_t began = clock_us();
	int started = 0, running = 0;

	while (started < jobs || running) {
		for (; started < jobs && running < at_once; started++) {
			start();
			running++;
		}
		poll(&p, 1, -1);
		sandbox_handle_messages(cell);
		running -= n_over;
		while (n_over)
			sandbox_run_free(over[--n_over]);
	}
	return (double)(clock_us() - began) / 1e3 / jobs;
}

static void put(const char *from, const char *to)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(from, NULL);
	if (sandbox_put_file(cell, to, fd, (uint64_t)st.st_size, true, 0, &err))
		die("put", &err);
	close(fd);
}

static void compare(int files, int jobs, int at_once)
{
	double best_out = 1e9, best_in = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		double out = spawn_jobs(jobs, at_once);
		double in = cell_jobs(jobs, at_once);

		if (out < best_out)
			best_out = out;
		if (in < best_in)
			best_in = in;
	}
	printf("%5d files, %d at once: outside %.3f ms, in the cell %.3f ms, "
	       "set-up %.3f ms\n",
	       files, at_once, best_out, best_in, best_in - best_out);
}

int main(int argc, char **argv)
{
	static const int files[] = { 0, 500, 5000 };
	const struct sandbox_setup setup = { 0 };
	struct err err = { 0 };
	int jobs, there = 0;

	if (argc != 3 || (jobs = atoi(argv[1])) < 1) {
		fputs("usage: cells JOBS PROGRAM\n", stderr);
		return 1;
	}
	outside[0] = argv[2];
	if (sandbox_new(&cell, &setup, &err))
		die("new", &err);
	if (sandbox_put_dir(cell, "/src", &err))
		die("put", &err);
	put(argv[2], inside[0]);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		for (; there < files[i]; there++) {
			char *to = xasprintf("/src/%d/%d.h", there / 50, there);

			put(argv[2], to);
			free(to);
		}
		compare(files[i], jobs, 1);
		compare(files[i], jobs, AT_ONCE);
	}
	sandbox_free(cell);
	return 0;
}
