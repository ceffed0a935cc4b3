/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/turn-loop.h - An event loop that runs until a condition of the test
 * holds.
 */
#ifndef LIB_TURN_LOOP_H
#define LIB_TURN_LOOP_H

#include <event2/event.h>

/*
 * Run the loop for `ms`.  If this process was not scheduled in the meantime,
 * the turns after it process a chain of events that were due.
 */
static inline void turn_loop(struct event_base *base, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
			      .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
	for (int i = 0; i < 50; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

#endif
