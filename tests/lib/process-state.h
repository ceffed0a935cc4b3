/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/process-state.h - The state of a process, as in proc(5). */
#ifndef LIB_PROCESS_STATE_H
#define LIB_PROCESS_STATE_H

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Return the state, such as 'S' (sleeping) or 'T' (stopped), or 0 if it ended.
 */
static inline char process_state(pid_t pid)
{
	char *path = xasprintf("/proc/%d/stat", (int)pid);
	struct buf stat = { 0 };
	const char *at;
	struct err error;
	char state = 0;

	if (!fs_read(path, 4096, &stat, &error)) {
		at = strrchr(buf_str(&stat), ')');
		if (at && at[1])
			state = at[2];
	}
	buf_release(&stat);
	free(path);
	return state;
}

/* Wait until a process sleeps or has ended. */
static inline void await_sleep(pid_t pid)
{
	const struct timespec soon = { .tv_nsec = 10000000 };

	do {
		nanosleep(&soon, NULL);
	} while (process_state(pid) && process_state(pid) != 'S');
}

#endif
