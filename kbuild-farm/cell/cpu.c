/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/cpu.h"

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 256 /* far beyond what a compiler has */

struct family {
	pid_t pid[PROCESSES_MAX];
	size_t n;
};

static bool slurp(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, out, size - 1);
	close(fd);
	if (n < 0)
		return false;
	out[n] = '\0';
	return true;
}

/* The children of one thread, where the kernel lists them. */
static bool add_children_of(struct family *f, pid_t pid, const char *tid)
{
	char path[64], text[4096], *at = text, *end;

	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid,
		 tid);
	if (!slurp(path, text, sizeof(text)))
		return false;
	for (;;) {
		long child = strtol(at, &end, 10);

		if (end == at || child <= 0 || f->n == PROCESSES_MAX)
			return true;
		f->pid[f->n++] = (pid_t)child;
		at = end;
	}
}

static void add_children(struct family *f, pid_t pid)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			add_children_of(f, pid, e->d_name);
	}
	closedir(d);
}

/*
 * Its clock ticks and those of the children that it waited for.  The name in
 * the file may hold anything, ") R 1" too: its end is the last one.
 */
static unsigned long long ticks(pid_t pid)
{
	unsigned long long user, sys, child_user, child_sys;
	char path[64], text[1024];
	const char *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!slurp(path, text, sizeof(text)))
		return 0;
	stat = strrchr(text, ')');
	if (!stat || sscanf(stat + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
			    " %llu %llu %llu %llu",
			    &user, &sys, &child_user, &child_sys) != 4)
		return 0;
	return user + sys + child_user + child_sys;
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
