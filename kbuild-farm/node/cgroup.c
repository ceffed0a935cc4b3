/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/cgroup.h"

#include "base/fs.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define FILE_SIZE (64u << 10)

/* A v1 group without a limit has the largest number of pages as one. */
#define NO_LIMIT (1ull << 60)

/* The content of DIR/NAME, or NULL; the caller frees it. */
static char *read_control(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *text = NULL;
	struct buf in = { 0 };
	struct err ignored;

	if (!fs_read(path, FILE_SIZE, &in, &ignored))
		text = xstrdup(buf_str(&in));
	buf_release(&in);
	free(path);
	return text;
}

/* A number in a file of its own; 0 where there is none ("max", -1). */
static uint64_t read_number(const char *dir, const char *name)
{
	char *text = read_control(dir, name);
	long long v = text ? strtoll(text, NULL, 10) : 0;

	free(text);
	return v > 0 ? (uint64_t)v : 0;
}

/* The number behind `word` at the start of a line of DIR/memory.stat. */
static uint64_t read_memory_stat(const char *dir, const char *word)
{
	char *text = read_control(dir, "memory.stat");
	char *line = text;
	uint64_t v = 0;

	while (line && !v) {
		if (str_starts(line, word))
			v = strtoull(line + strlen(word), NULL, 10);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	free(text);
	return v;
}

static void limit_cpu(struct node_cgroup *out, uint64_t quota, uint64_t period)
{
	uint64_t milli;

	if (!quota || !period || quota > NO_LIMIT / 1000)
		return;
	milli = quota * 1000 / period;
	if (milli && milli < UINT32_MAX &&
	    (!out->cpu_milli || milli < out->cpu_milli))
		out->cpu_milli = (uint32_t)milli;
}

static void limit_memory(struct node_cgroup *out, uint64_t max, uint64_t used,
			 uint64_t cached)
{
	uint64_t left;

	if (!max || max >= NO_LIMIT)
		return;
	used = used > cached ? used - cached : 0;
	left = max > used ? max - used : 0;
	if (!out->memory || left < out->memory_free)
		out->memory_free = left;
	if (!out->memory || max < out->memory)
		out->memory = max;
}

static void read_tasks(struct node_cgroup *out, const char *dir)
{
	uint64_t max = read_number(dir, "pids.max");
	uint64_t used = read_number(dir, "pids.current");
	uint64_t left = max > used ? max - used : 0;

	if (!max || (out->tasks_limited && left >= out->tasks_free))
		return;
	out->tasks_limited = true;
	out->tasks_free = left;
}

static void read_v2(struct node_cgroup *out, const char *dir)
{
	char *max = read_control(dir, "cpu.max"), *rest;
	uint64_t quota;

	if (max && max[0] != 'm') {
		quota = strtoull(max, &rest, 10);
		limit_cpu(out, quota, strtoull(rest, NULL, 10));
	}
	free(max);
	read_tasks(out, dir);
	limit_memory(out, read_number(dir, "memory.max"),
		     read_number(dir, "memory.current"),
		     read_memory_stat(dir, "inactive_file "));
}

static void read_v1_cpu(struct node_cgroup *out, const char *dir)
{
	limit_cpu(out, read_number(dir, "cpu.cfs_quota_us"),
		  read_number(dir, "cpu.cfs_period_us"));
}

static void read_v1_memory(struct node_cgroup *out, const char *dir)
{
	limit_memory(out, read_number(dir, "memory.limit_in_bytes"),
		     read_number(dir, "memory.usage_in_bytes"),
		     read_memory_stat(dir, "total_inactive_file "));
}

typedef void reader_of_group(struct node_cgroup *out, const char *dir);

/* The group `path` below `mount`, and each one above it. */
static void climb(struct node_cgroup *out, const char *mount, const char *path,
		  reader_of_group *reader)
{
	char *at = xstrdup(path), *slash;

	for (;;) {
		char *dir = xasprintf("%s%s", mount, at);

		reader(out, dir);
		free(dir);
		slash = strrchr(at, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	free(at);
}

/* A line of /proc/self/cgroup: "4:cpu,cpuacct:/path", "0::/path". */
static void read_membership(struct node_cgroup *out, const char *root,
			    char *line)
{
	char *names = strchr(line, ':');
	char *path = names ? strchr(names + 1, ':') : NULL;
	char *mount;

	if (!path)
		return;
	names++;
	*path++ = '\0';
	mount = xasprintf("%s/sys/fs/cgroup%s%s", root, *names ? "/" : "",
			  names);
	if (!*names)
		climb(out, mount, path, read_v2);
	if (str_list_has(names, ',', "cpu"))
		climb(out, mount, path, read_v1_cpu);
	if (str_list_has(names, ',', "memory"))
		climb(out, mount, path, read_v1_memory);
	if (str_list_has(names, ',', "pids"))
		climb(out, mount, path, read_tasks);
	free(mount);
}

void node_cgroup_read(struct node_cgroup *out, const char *root)
{
	char *proc = xasprintf("%s/proc/self", root);
	char *text = read_control(proc, "cgroup"), *rest = NULL;

	*out = (struct node_cgroup){ 0 };
	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		read_membership(out, root, line);
	free(text);
	free(proc);
}
