/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#define DELAY_US 200000

void kernel_follow_read(struct kernel_follow *f)
{
	char block[1 << 15];
	ssize_t n;

	while (f->fd >= 0 && (n = read(f->fd, block, sizeof(block))) > 0)
		diag_log_feed(f->log, bytes_of(block, (size_t)n));
}

static void on_due(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	kernel_follow_read(ctx);
}

static void on_grew(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval delay = { .tv_usec = DELAY_US };
	struct kernel_follow *f = ctx;
	char events[1 << 12];

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		;
	if (!evtimer_pending(f->due, NULL))
		evtimer_add(f->due, &delay);
}

int kernel_follow_start(struct kernel_follow *f, struct event_base *base,
			const char *path, struct diag_log *log, struct err *err)
{
	*f = (struct kernel_follow){ .log = log, .fd = -1, .watch = -1 };
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		return err_errno(err, "%s", path);
	f->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->watch < 0 || inotify_add_watch(f->watch, path, IN_MODIFY) < 0)
		return err_errno(err, "watch %s", path);
	f->due = evtimer_new(base, on_due, f);
	f->grew = event_new(base, f->watch, EV_READ | EV_PERSIST, on_grew, f);
	if (!f->due || !f->grew || event_add(f->grew, NULL))
		return err_set(err, ENOMEM, "watch %s: out of memory", path);
	return 0;
}

void kernel_follow_stop(struct kernel_follow *f)
{
	if (f->grew)
		event_free(f->grew);
	if (f->due)
		event_free(f->due);
	if (f->watch >= 0)
		close(f->watch);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct kernel_follow){ .fd = -1, .watch = -1 };
}
