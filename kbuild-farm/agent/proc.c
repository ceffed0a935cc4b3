/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/proc.h"

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 4096 /* of one job: far beyond what a compiler has */

struct pids {
	pid_t *v;
	size_t n;
};

static bool look_through_all;

void agent_proc_look_through_all(bool all)
{
	look_through_all = all;
}

/* The start of a file of /proc, as a string. */
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

static void add_pid(struct pids *list, pid_t pid)
{
	if (list->n == PROCESSES_MAX)
		return;
	if (!(list->n & (list->n + 1)))
		list->v = xrealloc(list->v,
				   2 * (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = pid;
}

static void add_children_of_thread(struct pids *list, pid_t pid,
				   const char *tid)
{
	char path[64], text[4096], *at = text, *end;

	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid,
		 tid);
	if (!slurp(path, text, sizeof(text)))
		return;
	for (;;) {
		long child = strtol(at, &end, 10);

		if (end == at || child <= 0)
			return;
		add_pid(list, (pid_t)child);
		at = end;
	}
}

static void add_children(struct pids *list, pid_t pid)
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
			add_children_of_thread(list, pid, e->d_name);
	}
	closedir(d);
}

/*
 * What follows the name in /proc/PID/stat, which may hold anything, ") R 1"
 * too: its end is the last one.
 */
static const char *read_stat(pid_t pid, char *text, size_t size)
{
	char path[64];
	const char *after;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!slurp(path, text, size))
		return NULL;
	after = strrchr(text, ')');
	return after ? after + 1 : NULL;
}

static pid_t parent_of(pid_t pid)
{
	char text[1024];
	const char *stat = read_stat(pid, text, sizeof(text));
	int parent;

	return stat && sscanf(stat, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool has(const struct pids *list, pid_t pid)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i] == pid)
			return true;
	}
	return false;
}

/* One walk: those whose parent is `pid` or was found already. */
static bool add_from_all(struct pids *list, pid_t pid)
{
	DIR *d = opendir("/proc");
	size_t before = list->n;
	struct dirent *e;

	if (!d)
		return false;
	while ((e = readdir(d))) {
		pid_t each = (pid_t)strtol(e->d_name, NULL, 10), parent;

		if (each <= 0 || has(list, each))
			continue;
		parent = parent_of(each);
		if (parent && (parent == pid || has(list, parent)))
			add_pid(list, each);
	}
	closedir(d);
	return list->n > before;
}

static bool lists_children(void)
{
	return !look_through_all && !access("/proc/thread-self/children", R_OK);
}

static struct pids family(pid_t pid)
{
	struct pids list = { 0 };

	if (!lists_children()) {
		while (add_from_all(&list, pid))
			;
		return list;
	}
	/* Breadth first: the list is its own queue. */
	add_children(&list, pid);
	for (size_t i = 0; i < list.n; i++)
		add_children(&list, list.v[i]);
	return list;
}

/* Clock ticks of one process and of the children that it waited for. */
static unsigned long long ticks(pid_t pid)
{
	unsigned long long user, sys, child_user, child_sys;
	char text[1024];
	const char *stat = read_stat(pid, text, sizeof(text));

	if (!stat || sscanf(stat,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
			    " %llu %llu %llu %llu",
			    &user, &sys, &child_user, &child_sys) != 4)
		return 0;
	return user + sys + child_user + child_sys;
}

uint32_t agent_proc_cpu_ms(pid_t pid)
{
	long rate = sysconf(_SC_CLK_TCK);
	struct pids list = family(pid);
	unsigned long long sum = ticks(pid);

	for (size_t i = 0; i < list.n; i++)
		sum += ticks(list.v[i]);
	free(list.v);
	sum = sum * 1000 / (unsigned long long)(rate > 0 ? rate : 100);
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static void kill_list(const struct pids *list)
{
	for (size_t i = 0; i < list->n; i++)
		kill(list->v[i], SIGKILL);
}

void agent_proc_kill(pid_t pid)
{
	struct pids list = family(pid);

	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	kill_list(&list);
	free(list.v);
}

size_t agent_proc_kill_all(void)
{
	struct pids list = family(getpid());
	size_t n = list.n;

	kill_list(&list);
	free(list.v);
	return n;
}
