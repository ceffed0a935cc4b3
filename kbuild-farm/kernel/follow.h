/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/follow.h - reads a log while others write it.
 *
 * inotify says that it grew; it is read 0.2 s later, so that a busy build
 * wakes kfarm five times a second at most, and an idle one never.
 */
#ifndef KERNEL_FOLLOW_H
#define KERNEL_FOLLOW_H

#include "base/err.h"
#include "diag/log.h"

#include <event2/event.h>

struct kernel_follow {
	struct diag_log *log;
	int fd, watch;
	struct event *grew, *due;
};

/* Everything from the start of the file goes to `log`. */
int kernel_follow_start(struct kernel_follow *f, struct event_base *base,
			const char *path, struct diag_log *log,
			struct err *err);
/* Read what there is now. */
void kernel_follow_read(struct kernel_follow *f);
void kernel_follow_stop(struct kernel_follow *f);

#endif
