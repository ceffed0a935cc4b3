/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/follow.h - reads a log while others write it.
 *
 * inotify says that it grew; it is read 0.2 s later, so that a busy build
 * wakes kfarm five times a second at most, and an idle one never.
 */
#ifndef BUILD_FOLLOW_H
#define BUILD_FOLLOW_H

#include "base/err.h"
#include "build/joblog.h"

#include <event2/event.h>

struct build_follow {
	struct build_joblog *log;
	int fd, watch;
	struct event *grew, *due;
};

/* Everything from the file's begin goes to `log`. */
int build_follow_start(struct build_follow *f, struct event_base *base,
		       const char *path, struct build_joblog *log,
		       struct err *err);
/* Read what there is now. */
void build_follow_read(struct build_follow *f);
void build_follow_stop(struct build_follow *f);

#endif
