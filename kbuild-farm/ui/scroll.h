/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/scroll.h - The visible range of a scrolled list.
 *
 * Lines are numbered from `first` to `end` - 1.  `first` grows as the oldest
 * lines are removed, `end` grows as new lines are added.
 */
#ifndef UI_SCROLL_H
#define UI_SCROLL_H

#include <stdbool.h>
#include <stdint.h>

#define UI_SCROLL_STEP 8 /* columns */

/* A zeroed struct shows the first line. */
struct ui_scroll {
	uint64_t first_shown; /* first visible line */
	unsigned n_shown; /* number of visible lines when last drawn */
	unsigned hidden_columns; /* columns scrolled out to the left */
	bool following; /* the last line stays visible */
	uint64_t found_line; /* result of the last search */
};

/*
 * Set the range of lines to `first` ... `end` - 1, and the number of visible
 * lines to `page`.
 */
void ui_scroll_set_range(struct ui_scroll *s, uint64_t first, uint64_t end,
			 unsigned page);
/* Scroll no further than needed to make a line visible. */
void ui_scroll_to(struct ui_scroll *s, uint64_t line);
/*
 * Handle a key.  Returns false if the key does not scroll.  Scrolling up ends
 * `following`.
 */
bool ui_scroll_handle_key(struct ui_scroll *s, uint64_t first, uint64_t end,
			  uint32_t key);

/*
 * A search that wraps around.  The caller passes all matching lines to
 * ui_search_add_match() in ascending order.
 */
struct ui_search {
	uint64_t from;
	bool inclusive; /* `from` itself can match */
	bool backwards;
	/* Each is the number of a matching line, plus one; 0 for no match. */
	uint64_t first_match, last_match, match_before, match_after;
};

/*
 * Begin a search at the line that was found last or, if that line is not
 * visible, at the first visible line.
 */
struct ui_search ui_search_begin(const struct ui_scroll *s, bool inclusive,
				 bool backwards);
void ui_search_add_match(struct ui_search *search, uint64_t line);
/*
 * Scroll to the match, which ends `following`.  Returns false if no line
 * matches.
 */
bool ui_search_finish(const struct ui_search *search, struct ui_scroll *s);

#endif
