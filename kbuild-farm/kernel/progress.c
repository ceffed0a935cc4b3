/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/progress.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/*
 * The first rule that matches a line of the log determines the phase; a rule
 * with a NULL phase leaves the phase unchanged.  `file` can have a '*' at its
 * start or end; NULL matches any file.
 */
static const struct {
	const char *tool, *file, *phase;
} rules[] = {
	{ "AR", "built-in.a", KERNEL_PHASE_LINK },
	{ "AR", "vmlinux.a", KERNEL_PHASE_LINK },
	{ "LD", "vmlinux.o", KERNEL_PHASE_MODPOST },
	{ "MODPOST", NULL, KERNEL_PHASE_MODPOST },
	{ "LD", "vmlinux", KERNEL_PHASE_LINK },
	{ "LD", ".tmp_vmlinux*", KERNEL_PHASE_LINK },
	{ "KSYM", NULL, KERNEL_PHASE_LINK },
	{ "KSYMS", NULL, KERNEL_PHASE_LINK },
	{ "BTF", NULL, KERNEL_PHASE_LINK },
	{ "BTFIDS", "vmlinux", KERNEL_PHASE_LINK },
	{ "SORTTAB", NULL, KERNEL_PHASE_LINK },
	{ "LD [M]", "*.ko", KERNEL_PHASE_MODULES },
	{ "CC [M]", "*.mod.o", KERNEL_PHASE_MODULES },
	{ "CC", "scripts/*", NULL },
	{ "CC", "init/version*", NULL },
	{ "CC", ".vmlinux.export.o", NULL },
	{ "CC", "*.s", NULL },
	{ "CC", "*.o", KERNEL_PHASE_COMPILE },
	{ "CC [M]", "*.o", KERNEL_PHASE_COMPILE },
	{ "DTC", NULL, KERNEL_PHASE_DTBS },
};

/* Match `file` against NULL, "*x", "x*" or "x". */
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

const char *kernel_progress_phase_after(const char *line)
{
	const char *file;
	size_t n;

	if (strncmp(line, "  ", 2))
		return NULL;
	line += 2;
	/* The tool is "CC" or "CC [M]", followed by a space. */
	n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	if (n && !strncmp(line + n, " [M]", 4))
		n += 4;
	if (line[n] != ' ')
		return NULL;
	file = line + n + strspn(line + n, " ");
	for (size_t i = 0; n && i < ARRAY_SIZE(rules); i++) {
		if (strlen(rules[i].tool) == n &&
		    !strncmp(line, rules[i].tool, n) &&
		    fits(rules[i].file, file))
			return rules[i].phase;
	}
	return NULL;
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

int kernel_progress_start(struct kernel_progress *f, struct event_base *base,
			  const char *path, struct diag_log *log,
			  struct err *err)
{
	*f = (struct kernel_progress){ .log = log, .fd = -1, .watch_id = -1 };
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		return err_errno(err, "%s", path);
	f->watch_id = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->watch_id < 0 ||
	    inotify_add_watch(f->watch_id, path, IN_MODIFY) < 0)
		return err_errno(err, "cannot watch %s", path);
	f->read_timer = evtimer_new(base, on_read_due, f);
	f->inotify_event = event_new(base, f->watch_id, EV_READ | EV_PERSIST,
				     on_log_grown, f);
	if (!f->read_timer || !f->inotify_event ||
	    event_add(f->inotify_event, NULL))
		return err_set(err, ENOMEM, "cannot watch %s: out of memory",
			       path);
	return 0;
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
	*f = (struct kernel_progress){ .fd = -1, .watch_id = -1 };
}
