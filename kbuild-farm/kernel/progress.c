/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/progress.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define HOST_PROGRAMS "host programs"
#define HEADERS       "generated headers"

/*
 * The first rule that matches a line of the log determines the stage that
 * follows.  `file` can have a '*' at its start or end; NULL matches any file.
 */
static const struct {
	const char *tool, *file;
	struct kernel_progress_stage stage;
} rules[] = {
	{ "AR", "built-in.a", { KERNEL_PHASE_LINK, "vmlinux.o" } },
	{ "AR", "vmlinux.a", { KERNEL_PHASE_LINK, "vmlinux.o" } },
	{ "LD", "vmlinux.o", { KERNEL_PHASE_MODPOST, NULL } },
	{ "MODPOST", NULL, { KERNEL_PHASE_MODPOST, NULL } },
	{ "LD", "vmlinux", { KERNEL_PHASE_LINK, "kernel image" } },
	{ "LD", ".tmp_vmlinux*", { KERNEL_PHASE_LINK, "vmlinux" } },
	{ "KSYM", NULL, { KERNEL_PHASE_LINK, "vmlinux" } },
	{ "KSYMS", NULL, { KERNEL_PHASE_LINK, "vmlinux" } },
	{ "BTF", NULL, { KERNEL_PHASE_LINK, "vmlinux" } },
	{ "BTFIDS", "vmlinux", { KERNEL_PHASE_LINK, "vmlinux" } },
	{ "SORTTAB", NULL, { KERNEL_PHASE_LINK, "kernel image" } },
	{ "LD [M]", "*.ko", { KERNEL_PHASE_MODULES, NULL } },
	{ "CC [M]", "*.mod.o", { KERNEL_PHASE_MODULES, NULL } },
	{ "CC", "scripts/*", { NULL, HOST_PROGRAMS } },
	{ "CC", "init/version*", { NULL, NULL } },
	{ "CC", ".vmlinux.export.o", { NULL, NULL } },
	{ "CC", "*.s", { NULL, HEADERS } },
	{ "CC", "*.o", { KERNEL_PHASE_COMPILE, NULL } },
	{ "CC [M]", "*.o", { KERNEL_PHASE_COMPILE, NULL } },
	{ "DTC", NULL, { KERNEL_PHASE_DTBS, NULL } },
	{ "SYNC", NULL, { NULL, HEADERS } },
	{ "HOSTCC", NULL, { NULL, HOST_PROGRAMS } },
	{ "HOSTCXX", NULL, { NULL, HOST_PROGRAMS } },
	{ "HOSTLD", NULL, { NULL, HOST_PROGRAMS } },
	{ "LEX", NULL, { NULL, HOST_PROGRAMS } },
	{ "YACC", NULL, { NULL, HOST_PROGRAMS } },
	{ "UPD", NULL, { NULL, HEADERS } },
	{ "WRAP", NULL, { NULL, HEADERS } },
	{ "SYSHDR", NULL, { NULL, HEADERS } },
	{ "SYSTBL", NULL, { NULL, HEADERS } },
	{ "DESCEND", "objtool", { NULL, "objtool" } },
};

/*
 * Return true if `file` matches `pattern`, which has the form "*x", "x*" or
 * "x".  If `pattern` is NULL, it matches any file.
 */
static bool fits(const char *pattern, const char *file)
{
	size_t n = pattern ? strlen(pattern) : 0;

	if (!pattern)
		return true;
	if (pattern[0] == '*')
		return str_ends(file, pattern + 1);
	if (n && pattern[n - 1] == '*')
		return !strncmp(file, pattern, n - 1);
	return !strcmp(file, pattern);
}

/* Return the stage after the tool, a name of `n` bytes, has created `file`. */
static struct kernel_progress_stage find_stage(const char *tool, size_t n,
					       const char *file)
{
	for (size_t i = 0; n && i < ARRAY_SIZE(rules); i++) {
		if (strlen(rules[i].tool) == n &&
		    !strncmp(tool, rules[i].tool, n) &&
		    fits(rules[i].file, file))
			return rules[i].stage;
	}
	return (struct kernel_progress_stage){ NULL, NULL };
}

struct kernel_progress_stage kernel_progress_after(const char *line)
{
	static const struct kernel_progress_stage same = { NULL, NULL };
	size_t n;

	if (strncmp(line, "  ", 2))
		return same;
	line += 2;
	/* The tool is "CC" or "CC [M]", followed by a space. */
	n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	if (n && !strncmp(line + n, " [M]", 4))
		n += 4;
	if (line[n] != ' ')
		return same;
	return find_stage(line, n, line + n + strspn(line + n, " "));
}

bool kernel_progress_is_compile(const char *object)
{
	return str_equal(find_stage("CC", 2, object).phase,
			 KERNEL_PHASE_COMPILE) &&
	       !str_starts(object, "tools/") && !strstr(object, "/tools/");
}

bool kernel_progress_note_directory(struct kernel_progress *f, const char *line)
{
	const char *dir = str_starts(line, "make") ?
				  strstr(line, "ing directory ") :
				  NULL;

	if (!dir)
		return false;
	if (!f->entered) {
		f->entered = xstrdup(dir);
		return false;
	}
	if (strcmp(dir, f->entered))
		return false;
	if (strstr(line, ": Leaving ")) {
		free(f->last_leaving);
		f->last_leaving = xstrdup(line);
	}
	return true;
}

char *kernel_progress_end_program(struct kernel_progress *f)
{
	char *line = f->last_leaving;

	f->last_leaving = NULL;
	free(f->entered);
	f->entered = NULL;
	return line;
}

#define DELAY_US 200000

void kernel_progress_read(struct kernel_progress *f)
{
	char block[1 << 15];
	ssize_t n;

	while (f->fd >= 0 && (n = read(f->fd, block, sizeof(block))) > 0)
		diag_log_feed(f->log, bytes_of(block, (size_t)n));
}

static void on_read_due(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	kernel_progress_read(ctx);
}

static void on_log_grown(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval delay = { .tv_usec = DELAY_US };
	struct kernel_progress *f = ctx;
	char events[1 << 12];

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		;
	if (!evtimer_pending(f->read_timer, NULL))
		evtimer_add(f->read_timer, &delay);
}

/*
 * Return an inotify descriptor that watches `path`, or -1 on failure, for
 * instance because all watches of the user are in use.
 */
static int open_watch(const char *path)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int kernel_progress_start(struct kernel_progress *f, struct event_base *base,
			  const char *path, struct diag_log *log,
			  struct err *err)
{
	static const struct timeval interval = { .tv_sec = 1 };
	bool started;

	*f = (struct kernel_progress){ .log = log, .fd = -1, .watch_id = -1 };
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		return err_errno(err, "%s", path);
	f->watch_id = open_watch(path);
	if (f->watch_id >= 0) {
		f->read_timer = evtimer_new(base, on_read_due, f);
		f->inotify_event = event_new(base, f->watch_id,
					     EV_READ | EV_PERSIST, on_log_grown,
					     f);
		started = f->read_timer && f->inotify_event &&
			  !event_add(f->inotify_event, NULL);
	} else {
		f->read_timer = event_new(base, -1, EV_PERSIST, on_read_due, f);
		started = f->read_timer && !event_add(f->read_timer, &interval);
	}
	return started ? 0 :
			 err_set(err, ENOMEM, "cannot watch %s: out of memory",
				 path);
}

void kernel_progress_stop(struct kernel_progress *f)
{
	if (f->inotify_event)
		event_free(f->inotify_event);
	if (f->read_timer)
		event_free(f->read_timer);
	if (f->watch_id >= 0)
		close(f->watch_id);
	if (f->fd >= 0)
		close(f->fd);
	free(kernel_progress_end_program(f));
	*f = (struct kernel_progress){ .fd = -1, .watch_id = -1 };
}
