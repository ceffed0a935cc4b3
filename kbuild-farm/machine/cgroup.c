/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine/cgroup.h"

#include "base/fs.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define FILE_SIZE (64u << 10)

/*
 * If no limit is set, memory.limit_in_bytes of v1 is the largest multiple of
 * the page size below 1 << 63 (on 64-bit kernels).  Page sizes differ, so any
 * value of UNLIMITED_MIN or more counts as no limit.
 */
#define UNLIMITED_MIN (1ull << 60)

/* Read DIR/NAME.  Returns NULL on failure; the caller frees the text. */
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

/*
 * Return the number in DIR/NAME, or 0 if the file cannot be read or sets no
 * limit ("max" in v2, -1 in v1).
 */
static uint64_t read_number(const char *dir, const char *name)
{
	char *text = read_control(dir, name);
	long long v = text ? strtoll(text, NULL, 10) : 0;

	free(text);
	return v > 0 ? (uint64_t)v : 0;
}

/* Return the number after `word` at the start of a line of DIR/memory.stat. */
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

static void limit_cpu(struct machine_cgroup *out, uint64_t quota,
		      uint64_t period)
{
	uint64_t milli;

	if (!quota || !period || quota > UNLIMITED_MIN / 1000)
		return;
	milli = quota * 1000 / period;
	if (milli && milli < UINT32_MAX &&
	    (!out->cpu_milli || milli < out->cpu_milli))
		out->cpu_milli = (uint32_t)milli;
}

static void limit_memory(struct machine_cgroup *out, uint64_t max,
			 uint64_t used, uint64_t cached)
{
	uint64_t left;

	if (!max || max >= UNLIMITED_MIN)
		return;
	used = used > cached ? used - cached : 0;
	left = max > used ? max - used : 0;
	if (!out->memory_bytes || left < out->free_bytes)
		out->free_bytes = left;
	if (!out->memory_bytes || max < out->memory_bytes)
		out->memory_bytes = max;
}

static void read_tasks(struct machine_cgroup *out, const char *dir)
{
	uint64_t max = read_number(dir, "pids.max");
	uint64_t used = read_number(dir, "pids.current");
	uint64_t left = max > used ? max - used : 0;

	if (!max || (out->tasks_limited && left >= out->n_free_tasks))
		return;
	out->tasks_limited = true;
	out->n_free_tasks = left;
}

static void read_v2(struct machine_cgroup *out, const char *dir)
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

static void read_v1_cpu(struct machine_cgroup *out, const char *dir)
{
	limit_cpu(out, read_number(dir, "cpu.cfs_quota_us"),
		  read_number(dir, "cpu.cfs_period_us"));
}

static void read_v1_memory(struct machine_cgroup *out, const char *dir)
{
	limit_memory(out, read_number(dir, "memory.limit_in_bytes"),
		     read_number(dir, "memory.usage_in_bytes"),
		     read_memory_stat(dir, "total_inactive_file "));
}

typedef void group_reader(struct machine_cgroup *out, const char *dir);

/* Read the group `path` below `mount` and all its ancestors. */
static void read_ancestor_groups(struct machine_cgroup *out, const char *mount,
				 const char *path, group_reader *reader)
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

void machine_cgroup_read(struct machine_cgroup *out, const char *root)
{
	char *proc = xasprintf("%s/proc/self", root);
	char *text = read_control(proc, "cgroup"), *rest = NULL;

	*out = (struct machine_cgroup){ 0 };
	/* Lines are "4:cpu,cpuacct:/path" for v1 and "0::/path" for v2. */
	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *names = strchr(line, ':');
		char *path = names ? strchr(names + 1, ':') : NULL;
		char *mount;

		if (!path)
			continue;
		names++;
		*path++ = '\0';
		mount = xasprintf("%s/sys/fs/cgroup%s%s", root,
				  *names ? "/" : "", names);
		if (!*names)
			read_ancestor_groups(out, mount, path, read_v2);
		if (str_list_has(names, ',', "cpu"))
			read_ancestor_groups(out, mount, path, read_v1_cpu);
		if (str_list_has(names, ',', "memory"))
			read_ancestor_groups(out, mount, path, read_v1_memory);
		if (str_list_has(names, ',', "pids"))
			read_ancestor_groups(out, mount, path, read_tasks);
		free(mount);
	}
	free(text);
	free(proc);
}
