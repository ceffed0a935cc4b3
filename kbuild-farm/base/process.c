/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/process.h"

#include "base/fs.h"
#include "base/process-usage.h"
#include "base/str.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned long long process_start_ticks(pid_t pid)
{
	struct process_stat s;

	return process_stat_read(pid, &s) && s.state != 'Z' ? s.start_ticks : 0;
}

pid_t process_parent_pid(pid_t pid)
{
	struct process_stat s;

	return process_stat_read(pid, &s) ? s.parent : 0;
}

/* Return true if the link `cwd` of a process points to `dir` or below it. */
static bool is_cwd_in(const char *pid, const char *dir)
{
	char *link = xasprintf("/proc/%s/cwd", pid), cwd[PATH_MAX];
	ssize_t n = readlink(link, cwd, sizeof(cwd) - 1);

	free(link);
	cwd[n > 0 ? n : 0] = '\0';
	return !strcmp(cwd, dir) || str_skip_dir(cwd, dir);
}

pid_t process_find_in_dir(const char *dir, char **name)
{
	char *real = realpath(dir, NULL), *path;
	struct buf text = { 0 };
	struct strv pids = { 0 };
	struct err ignored;
	long pid = 0;

	fs_list("/proc", &pids);
	for (size_t i = 0; real && i < pids.n; i++) {
		if (str_parse_number(pids.v[i], 1, INT_MAX, &pid) ||
		    !is_cwd_in(pids.v[i], real)) {
			pid = 0;
			continue;
		}
		path = xasprintf("/proc/%ld/comm", pid);
		fs_read(path, 4096, &text, &ignored);
		*name = xstrndup(buf_str(&text), strcspn(buf_str(&text), "\n"));
		free(path);
		break;
	}
	buf_release(&text);
	strv_release(&pids);
	free(real);
	return (pid_t)pid;
}

char *process_boot_id(void)
{
	struct buf in = { 0 };
	struct err ignored;

	fs_read("/proc/sys/kernel/random/boot_id", 4096, &in, &ignored);
	if (in.len && in.data[in.len - 1] == '\n')
		in.data[--in.len] = '\0';
	return buf_steal(&in);
}

char *process_program_path(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return NULL;
	path[n] = '\0';
	/* The kernel appends " (deleted)" to the path of an unlinked file. */
	if (str_ends(path, " (deleted)") && !fs_exists(path))
		path[n - (ssize_t)strlen(" (deleted)")] = '\0';
	return xstrdup(path);
}
