/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/scroll.h - which lines of many are shown.
 *
 * Lines have numbers from `first` up to `end`, which both grow: the oldest go
 * away, and what is new comes behind.
 */
#ifndef UI_SCROLL_H
#define UI_SCROLL_H

#include <stdbool.h>
#include <stdint.h>

#define UI_SCROLL_STEP 8 /* columns */

/* A zeroed one shows the first line. */
struct ui_scroll {
	uint64_t top; /* the first line that is shown */
	unsigned page; /* lines that are shown; as drawn last */
	unsigned left; /* columns that are not */
	bool follow; /* the last line is shown, whatever comes */
	uint64_t found; /* the line that was sought last */
};

/* So many lines can be shown now. */
void ui_scroll_fit(struct ui_scroll *s, uint64_t first, uint64_t end,
		   unsigned page);
/* Show this line, and move as little as possible. */
void ui_scroll_to(struct ui_scroll *s, uint64_t line);
/* Does the key scroll?  Then it did.  Who goes up follows no longer. */
bool ui_scroll_key(struct ui_scroll *s, uint64_t first, uint64_t end,
		   uint32_t key);

/*
 * A search is told all lines that fit, in order, and goes to the next one,
 * around the end too.
 */
struct ui_seek {
	uint64_t from;
	bool here; /* `from` itself is fine as well */
	bool backwards;
	/* Lines that fit, plus one; 0: none. */
	uint64_t first, last, before, after;
};

struct ui_seek ui_seek_begin(const struct ui_scroll *s, bool here,
			     bool backwards);
void ui_seek_fits(struct ui_seek *seek, uint64_t line);
/* False: none did.  Who goes to one follows no longer. */
bool ui_seek_end(const struct ui_seek *seek, struct ui_scroll *s);

#endif
