/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/busy.h - A process that is busy without a use of the processor.
 *
 * The parent of a vfork() is in state D until its child exits or executes a
 * program.  For kfarm, it waits for a disk, as on a busy machine.
 */
#ifndef LIB_BUSY_H
#define LIB_BUSY_H

#include <time.h>
#include <unistd.h>

static inline void be_busy(unsigned ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	if (!vfork()) {
		nanosleep(&time, NULL);
		_exit(0);
	}
}

#endif
