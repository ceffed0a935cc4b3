/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/process-usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 256 /* of a tree; far more than a compiler starts */
#define PATH_SIZE     64 /* of a path below /proc with two numbers */
#define TEXT_SIZE     4096 /* of a file of /proc */

/* Read the start of a file of /proc.  Returns false if it does not exist. */
static bool read_proc_text(const char *path, char text[static TEXT_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_SIZE - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/*
 * Read a file in the format of /proc/PID/stat.  The file has the process name
 * in parentheses.  The name can contain any text, even ") R 1", so search for
 * the last parenthesis.
 */
static bool read_stat(const char *path, struct process_stat *s)
{
	unsigned long long user, sys, child_user, child_sys;
	char text[TEXT_SIZE];
	const char *at = read_proc_text(path, text) ? strrchr(text, ')') : NULL;

	if (!at || sscanf(at,
			  ") %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %llu %llu "
			  "%llu %llu %*d %*d %d %*d %llu",
			  &s->state, &s->parent, &s->group, &s->session, &user,
			  &sys, &child_user, &child_sys, &s->n_threads,
			  &s->start_ticks) != 10)
		return false;
	s->ticks = user + sys + child_user + child_sys;
	return true;
}

bool process_stat_read(pid_t pid, struct process_stat *out)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return pid > 0 && read_stat(path, out);
}

/*
 * Call `fn` for each entry of a directory of /proc whose name is a number,
 * until `fn` returns false.
 */
static void for_each_number(const char *dir, bool (*fn)(void *ctx, int number),
			    void *ctx)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		int number = atoi(e->d_name);

		if (number > 0 && !fn(ctx, number))
			break;
	}
	if (d)
		closedir(d);
}

static bool is_busy_state(char state)
{
	return state == 'R' || state == 'D';
}

struct thread_search {
	pid_t pid;
	bool busy;
};

static bool check_thread(void *ctx, int thread)
{
	struct thread_search *x = ctx;
	struct process_stat s;
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)x->pid,
		 thread);
	x->busy = read_stat(path, &s) && is_busy_state(s.state);
	return !x->busy;
}

/* Add the usage of a process, of which `s` has been read. */
static void add_usage(pid_t pid, const struct process_stat *s,
		      struct process_usage *sum)
{
	struct thread_search threads = { .pid = pid };
	long rate = sysconf(_SC_CLK_TCK);
	char dir[PATH_SIZE];

	sum->cpu_ms += s->ticks * 1000 /
		       (unsigned long long)(rate > 0 ? rate : 100);
	sum->busy |= is_busy_state(s->state);
	if (s->n_threads < 2 || sum->busy)
		return;
	snprintf(dir, sizeof(dir), "/proc/%d/task", (int)pid);
	for_each_number(dir, check_thread, &threads);
	sum->busy = threads.busy;
}

void process_usage_read(pid_t pid, struct process_usage *out)
{
	struct process_stat s;

	*out = (struct process_usage){ 0 };
	if (process_stat_read(pid, &s))
		add_usage(pid, &s, out);
}

struct process_tree {
	pid_t pids[PROCESSES_MAX];
	size_t n_pids;
	pid_t parent; /* the process whose children are added */
};

/* Add the children of a thread of tree->parent. */
static bool add_children(void *ctx, int thread)
{
	struct process_tree *tree = ctx;
	char path[PATH_SIZE], text[TEXT_SIZE], *at, *end;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		 (int)tree->parent, thread);
	read_proc_text(path, text);
	for (at = text;; at = end) {
		long child = strtol(at, &end, 10);

		if (end == at || child <= 0 || tree->n_pids == PROCESSES_MAX)
			return true;
		tree->pids[tree->n_pids++] = (pid_t)child;
	}
}

/* Only a kernel with CONFIG_PROC_CHILDREN has /proc/PID/task/TID/children. */
static bool has_children_files(void)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		 (int)getpid());
	return !access(path, F_OK);
}

void process_usage_read_tree(pid_t pid, struct process_usage *out)
{
	struct process_tree tree = { .pids = { pid }, .n_pids = 1 };
	struct process_stat s;
	char dir[PATH_SIZE];

	if (!has_children_files()) {
		process_usage_read_session(pid, out);
		return;
	}
	*out = (struct process_usage){ 0 };
	/* Breadth first: the array is also the queue. */
	for (size_t i = 0; i < tree.n_pids; i++) {
		tree.parent = tree.pids[i];
		snprintf(dir, sizeof(dir), "/proc/%d/task", (int)tree.parent);
		for_each_number(dir, add_children, &tree);
		if (process_stat_read(tree.pids[i], &s))
			add_usage(tree.pids[i], &s, out);
	}
}

struct session_usage {
	pid_t leader;
	struct process_usage *sum;
};

static bool add_session_member(void *ctx, int pid)
{
	const struct session_usage *x = ctx;
	struct process_stat s;

	if (process_stat_read(pid, &s) &&
	    (s.session == x->leader || s.group == x->leader))
		add_usage(pid, &s, x->sum);
	return true;
}

void process_usage_read_session(pid_t leader, struct process_usage *out)
{
	struct session_usage x = { .leader = leader, .sum = out };

	*out = (struct process_usage){ 0 };
	for_each_number("/proc", add_session_member, &x);
}
