/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/cpu.h"

#include "base/fs.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 256 /* far beyond what a compiler has */
#define PROC_MAX      (1 << 16) /* bytes of a file */

struct family {
	pid_t pid[PROCESSES_MAX];
	size_t n;
};

/* The content of a file of /proc in *out, which the caller releases. */
static bool read_proc(struct buf *out, const char *path)
{
	struct err ignored;

	*out = (struct buf){ 0 };
	return !fs_read(path, PROC_MAX, out, &ignored);
}

/* The children of its threads, where the kernel lists them. */
static void add_children(struct family *f, pid_t pid)
{
	char *dir = xasprintf("/proc/%d/task", (int)pid);
	struct strv threads = { 0 };

	fs_list(dir, &threads);
	for (size_t i = 0; i < threads.n; i++) {
		char *path = xasprintf("%s/%s/children", dir, threads.v[i]);
		char *at, *end;
		struct buf text;

		read_proc(&text, path);
		for (at = (char *)text.data; at; at = end) {
			long child = strtol(at, &end, 10);

			if (end == at || child <= 0 || f->n == PROCESSES_MAX)
				break;
			f->pid[f->n++] = (pid_t)child;
		}
		buf_release(&text);
		free(path);
	}
	strv_release(&threads);
	free(dir);
}

/*
 * Its clock ticks and those of the children that it waited for.  The name in
 * the file may hold anything, ") R 1" too: its end is the last one.
 */
static unsigned long long ticks(pid_t pid)
{
	unsigned long long user, sys, child_user, child_sys, sum = 0;
	char *path = xasprintf("/proc/%d/stat", (int)pid);
	const char *stat = NULL;
	struct buf text;

	if (read_proc(&text, path))
		stat = strrchr(buf_str(&text), ')');
	if (stat && sscanf(stat + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
			   " %llu %llu %llu %llu",
			   &user, &sys, &child_user, &child_sys) == 4)
		sum = user + sys + child_user + child_sys;
	buf_release(&text);
	free(path);
	return sum;
}

uint32_t cell_cpu_ms(pid_t pid)
{
	struct family *f = xcalloc(1, sizeof(*f));
	unsigned long long sum = 0;
	long rate = sysconf(_SC_CLK_TCK);

	/* Breadth first: the list is its own queue. */
	f->pid[f->n++] = pid;
	for (size_t i = 0; i < f->n; i++) {
		add_children(f, f->pid[i]);
		sum += ticks(f->pid[i]);
	}
	free(f);
	sum = sum * 1000 / (unsigned long long)(rate > 0 ? rate : 100);
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}
