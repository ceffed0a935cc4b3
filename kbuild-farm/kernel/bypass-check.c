/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/bypass-check.h"

#include "base/fs.h"
#include "compiler/find.h"
#include "options/command.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_MAX (4 << 20) /* bytes of a command line or an environment */

/*
 * Append the NUL-terminated strings of a file in /proc/PID (proc(5)).  The
 * file is empty if the process has ended.
 */
static void read_proc_strings(struct strv *out, int pid, const char *file)
{
	char *path = xasprintf("/proc/%d/%s", pid, file);
	struct buf text = { 0 };
	struct err ignored;
	const char *p, *end;

	if (!fs_read(path, WORDS_MAX, &text, &ignored)) {
		p = buf_str(&text);
		for (end = p + text.len; p < end; p += strlen(p) + 1)
			strv_add(out, p);
	}
	buf_release(&text);
	free(path);
}

/* Check argv[0] alone, because this runs for every process of the user. */
static bool has_compiler_name(int pid)
{
	char path[64], head[PATH_MAX];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, head, sizeof(head) - 1);
		close(fd);
	}
	if (n <= 0)
		return false;
	head[n] = '\0';
	return compiler_find_is_driver_name(str_base(head));
}

/*
 * Read the path of the program that the process executes.  Returns false if the
 * program is kfarm-cc, which has the name of a compiler while it waits for a
 * result.
 */
static bool read_exe(int pid, char exe[static PATH_MAX])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, PATH_MAX - 1);
	if (n < 0)
		return false;
	exe[n] = '\0';
	return strcmp(str_base(exe), "kfarm-cc") != 0;
}

static bool is_offloadable(const struct strv *words)
{
	struct options_command c;
	bool yes;

	options_command_parse(&c, strv_list(words));
	yes = c.class == OPTIONS_CLASS_REMOTE;
	options_command_release(&c);
	return yes;
}

/*
 * Read the path of the program both before and after the arguments and the
 * environment, because the process can execute kfarm-cc or a compiler in
 * between.
 */
static void check_process(struct kernel_bypass_check *u, int pid)
{
	char before[PATH_MAX], after[PATH_MAX];
	struct strv words = { 0 }, env = { 0 };

	if (!read_exe(pid, before))
		return;
	read_proc_strings(&words, pid, "cmdline");
	read_proc_strings(&env, pid, "environ");
	if (words.n && strv_has(&env, u->variable) && is_offloadable(&words) &&
	    read_exe(pid, after) && !strcmp(before, after) &&
	    !strv_has(&u->compilers, words.v[0]))
		strv_add(&u->compilers, words.v[0]);
	strv_release(&env);
	strv_release(&words);
}

void kernel_bypass_check_init(struct kernel_bypass_check *u, const char *socket)
{
	*u = (struct kernel_bypass_check){ .variable = xasprintf(
						   "KFARM_SOCKET=%s", socket) };
}

void kernel_bypass_check_scan(struct kernel_bypass_check *u)
{
	DIR *proc = u->variable ? opendir("/proc") : NULL;
	struct dirent *d;
	struct stat st;
	long pid;

	while (proc && u->compilers.n < KERNEL_BYPASS_CHECK_MAX &&
	       (d = readdir(proc)) != NULL) {
		if (!str_parse_number(d->d_name, 1, INT_MAX, &pid) &&
		    !fstatat(dirfd(proc), d->d_name, &st, 0) &&
		    st.st_uid == geteuid() && has_compiler_name((int)pid))
			check_process(u, (int)pid);
	}
	if (proc)
		closedir(proc);
}

void kernel_bypass_check_release(struct kernel_bypass_check *u)
{
	free(u->variable);
	strv_release(&u->compilers);
	*u = (struct kernel_bypass_check){ 0 };
}
