/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-play.h - a page of a build that is played: one that is made up
 * (events/simulate.h), or one that --json recorded, at any speed.
 */
#ifndef CLI_TOP_PLAY_H
#define CLI_TOP_PLAY_H

#include "base/err.h"
#include "cli/top-page.h"
#include "events/simulate.h"

struct top_play_setup {
	const char *file; /* NULL: `simulate` */
	struct events_simulate_setup simulate;
	unsigned speed; /* thousandths of real time; 0: it stands still */
	uint64_t at_ms; /* begin so far into it */
	bool waits; /* for a pipe's end, if need be, until at_ms is there */
};

struct top_play;

/*
 * Plays from the loop of `t`; what is before at_ms is told before it returns.
 * 0, or a negative errno with `err` set: no such file, or no recording.
 */
int top_play_new(struct top_play **out, struct top *t,
		 const struct top_play_setup *setup, struct err *err);
/* NULL is fine. */
void top_play_free(struct top_play *p);

#endif
