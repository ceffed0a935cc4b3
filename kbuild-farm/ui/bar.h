/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/bar.h - slots as a bar, by what their jobs are at, and sparklines.
 *
 *	[->>====<%...]	UTF-8: [░▸▸████◂▓···]
 *
 * are slots with jobs that are scanned, sent, run, received, are compiled on
 * the build host, and free ones.  Where there is less room than slots, it is
 * scaled by the method of the largest remainder, and in {}.
 */
#ifndef UI_BAR_H
#define UI_BAR_H

#include "ui/canvas.h"

enum ui_bar_part {
	UI_BAR_SCAN,
	UI_BAR_SEND,
	UI_BAR_RUN,
	UI_BAR_RECEIVE,
	UI_BAR_LOCAL,
	UI_BAR_FREE,

	UI_BAR_PARTS, /* how many */
};

struct ui_bar {
	uint64_t part[UI_BAR_PARTS]; /* slots */
};

/* At most so many columns, at least 3; returns those it took. */
unsigned ui_bar_put(const struct ui_area *a, unsigned row, unsigned column,
		    unsigned columns, const struct ui_bar *bar);
/* "[████····]" of exactly so many columns, at least 3; percent up to 100. */
void ui_bar_put_share(const struct ui_area *a, unsigned row, unsigned column,
		      unsigned columns, unsigned percent);
/* What a part looks like, for those who explain it. */
const char *ui_bar_sign(enum ui_bar_part part, bool ascii);
enum ui_style ui_bar_style(enum ui_bar_part part);

/* A character for each of `n` values, the largest of which is a full one. */
void ui_bar_spark(const struct ui_area *a, unsigned row, unsigned column,
		  enum ui_style style, const uint64_t *value, unsigned n);

#endif
