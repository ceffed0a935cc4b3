/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/system.h"

#include "base/fs.h"
#include "base/spawn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ANSWER_MAX (1u << 16)
#define ANSWER_MS  5000

/* The value of NAME= in os-release(5), without its quotes. */
static char *os_value(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = text; line && *line;) {
		const char *end = strchr(line, '\n'), *v = line + n;

		if (!strncmp(line, name, n)) {
			v += strspn(v, "\"'");
			return xstrndup(v, strcspn(v, "\"'\n"));
		}
		line = end ? end + 1 : NULL;
	}
	return NULL;
}

void kernel_system_read(struct kernel_system *s)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct buf os = { 0 };
	struct err ignored;
	struct statvfs v;

	*s = (struct kernel_system){ .cores = cores > 0 ? (unsigned)cores : 1 };
	if (pages > 0 && page > 0)
		s->ram_mib = (uint64_t)pages * (uint64_t)page >> 20;
	if (!statvfs(".", &v))
		s->disk_mib = (uint64_t)v.f_bavail * v.f_frsize >> 20;
	if (!fs_read("/etc/os-release", ANSWER_MAX, &os, &ignored)) {
		s->os_name = os_value(buf_str(&os), "NAME=");
		s->os_version = os_value(buf_str(&os), "VERSION=");
	}
	uname(&s->uname);
	buf_release(&os);
}

void kernel_system_release(struct kernel_system *s)
{
	free(s->os_name);
	free(s->os_version);
	*s = (struct kernel_system){ 0 };
}

char *kernel_system_first_line(const struct kernel_plan *p, const char *program)
{
	char *argv[] = { (char *)program, (char[]){ "--version" }, NULL };
	struct strv env = { 0 };
	struct spawn what = { .argv = argv, .fd = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err ignored;
	char *line = NULL;
	int status = 0;

	if (!*program)
		return NULL;
	kernel_plan_env(p, &env, NULL, NULL);
	what.env = env.v;
	if (!spawn_capture(&what, ANSWER_MAX, ANSWER_MS, &out, &status,
			   &ignored) &&
	    !status && out.len)
		line = xstrndup(buf_str(&out), strcspn(buf_str(&out), "\n"));
	buf_release(&out);
	strv_release(&env);
	return line;
}

char *kernel_system_linker(const struct kernel_plan *p)
{
	const char *prefix = kernel_plan_setting(p, "CROSS_COMPILE");
	const char *llvm = kernel_plan_setting(p, "LLVM");
	char *name, *line;

	if (llvm && *llvm)
		name = xasprintf("ld.lld%s", *llvm == '-' ? llvm : "");
	else
		name = xasprintf("%sld", prefix ? prefix : "");
	line = kernel_system_first_line(p, name);
	free(name);
	return line;
}
