/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/await-sleep.h - Wait until a process blocks in a system call.
 */
#ifndef LIB_AWAIT_SLEEP_H
#define LIB_AWAIT_SLEEP_H

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Wait until a process sleeps or has ended. */
static inline void await_sleep(pid_t pid)
{
	const struct timespec soon = { .tv_nsec = 10000000 };
	char *path = xasprintf("/proc/%d/stat", (int)pid);
	struct buf stat = { 0 };
	struct err err;

	do {
		nanosleep(&soon, NULL);
		buf_reset(&stat);
	} while (!fs_read(path, 4096, &stat, &err) &&
		 !strstr(buf_str(&stat), ") S "));
	buf_release(&stat);
	free(path);
}

#endif
