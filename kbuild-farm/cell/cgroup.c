/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/cgroup.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYS    "/sys/fs/cgroup"
#define PREFIX "kfarm-cell-"
#define PERIOD 100000 /* us */

struct cell_cgroup {
	struct strv dirs;
	bool v2;
};

static bool put(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 &&
		    write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	free(path);
	return done;
}

static bool put_number(const char *dir, const char *name, uint64_t n)
{
	char *text = xasprintf("%llu", (unsigned long long)n);
	bool done = put(dir, name, text);

	free(text);
	return done;
}

/* Is `word` one of a list with commas? */
static bool lists(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; at < list + len; at++) {
		size_t m = strcspn(at, ",:");

		if (m == n && !strncmp(at, word, n))
			return true;
		at += m;
	}
	return false;
}

/*
 * Our own group in /proc/self/cgroup ("4:cpu,cpuacct:/a/b", v2: "0::/a/b"):
 * its directory, which the caller frees.
 */
static char *own_dir(const char *controller)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	char *dir = NULL;

	if (fs_read("/proc/self/cgroup", 1 << 16, &text, &err)) {
		buf_release(&text);
		return NULL;
	}
	for (const char *at = buf_str(&text); *at && !dir;) {
		size_t len = strcspn(at, "\n");
		const char *list = memchr(at, ':', len), *path;

		path = list ? memchr(list + 1, ':',
				     len - (size_t)(list + 1 - at)) :
			      NULL;
		if (path &&
		    (*controller ? lists(list + 1, (size_t)(path - list - 1),
					 controller) :
				   path == list + 1)) {
			int n = (int)(len - (size_t)(path + 1 - at));

			dir = xasprintf(SYS "%s%s%.*s", *controller ? "/" : "",
					controller, n, path + 1);
		}
		at += len + (at[len] == '\n');
	}
	buf_release(&text);
	return dir;
}

/* Those that hold nobody any more: rmdir() refuses the others. */
static void sweep(const char *parent)
{
	DIR *d = opendir(parent);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		if (str_starts(e->d_name, PREFIX))
			unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

static const char *make(struct cell_cgroup *g, const char *parent, pid_t pid)
{
	char *dir;

	sweep(parent);
	dir = xasprintf("%s/" PREFIX "%d", parent, (int)pid);
	if (mkdir(dir, 0755)) {
		free(dir);
		return NULL;
	}
	strv_own(&g->dirs, dir);
	return dir;
}

static bool enter_v2(struct cell_cgroup *g, pid_t pid, uint64_t memory,
		     uint32_t cpu)
{
	char *parent = own_dir(""), *quota;
	const char *dir;
	bool done = false;

	if (!parent)
		return false;
	/* Fails where they are on already, or there are processes. */
	put(parent, "cgroup.subtree_control", "+memory");
	put(parent, "cgroup.subtree_control", "+cpu");
	dir = make(g, parent, pid);
	quota = xasprintf("%llu %d", (unsigned long long)cpu * PERIOD / 100,
			  PERIOD);
	if (dir)
		done = (!memory || put_number(dir, "memory.max", memory)) &&
		       (!cpu || put(dir, "cpu.max", quota)) &&
		       put_number(dir, "cgroup.procs", (uint64_t)pid);
	free(quota);
	free(parent);
	g->v2 = true;
	return done;
}

/* One v1 hierarchy: a number in one file. */
static bool enter_v1(struct cell_cgroup *g, pid_t pid, const char *controller,
		     const char *file, uint64_t n)
{
	char *parent = own_dir(controller);
	const char *dir;
	bool done = false;

	if (!parent)
		return false;
	dir = make(g, parent, pid);
	if (dir)
		done = put_number(dir, file, n) &&
		       put_number(dir, "cgroup.procs", (uint64_t)pid);
	free(parent);
	return done;
}

struct cell_cgroup *cell_cgroup_new(pid_t pid, uint64_t memory_bytes,
				    uint32_t cpu_percent)
{
	const uint64_t quota = (uint64_t)cpu_percent * PERIOD / 100;
	struct cell_cgroup *g;
	bool done;

	if (!memory_bytes && !cpu_percent)
		return NULL;
	g = xcalloc(1, sizeof(*g));
	if (!access(SYS "/cgroup.controllers", F_OK))
		done = enter_v2(g, pid, memory_bytes, cpu_percent);
	else
		done = (!memory_bytes ||
			enter_v1(g, pid, "memory", "memory.limit_in_bytes",
				 memory_bytes)) &&
		       (!cpu_percent ||
			enter_v1(g, pid, "cpu", "cpu.cfs_quota_us", quota));
	if (!done) {
		cell_cgroup_free(g);
		return NULL;
	}
	return g;
}

const char *cell_cgroup_name(const struct cell_cgroup *g)
{
	return g->v2 ? "cgroup-v2" : "cgroup-v1";
}

void cell_cgroup_free(struct cell_cgroup *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->dirs.n; i++)
		rmdir(g->dirs.v[i]);
	strv_release(&g->dirs);
	free(g);
}
