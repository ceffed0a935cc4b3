/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/diags.h - Pane of the last blocks of diagnostics.
 *
 * Blocks that were added since the pane was last open are marked with "*".
 * Blocks with diagnostics that the baseline (the previous build) lacks are
 * marked with "+".
 */
#ifndef UI_DIAGS_H
#define UI_DIAGS_H

#include "ui/canvas.h"
#include "ui/model.h"
#include "ui/scroll.h"

/* A zeroed struct is valid; the caller sets scroll.following. */
struct ui_diags {
	bool open;
	bool errors_only;
	char *search_text; /* or NULL */
	uint64_t viewed; /* number of blocks that the user has seen */
	uint64_t drawn_blocks; /* number of blocks at the last drawing */
	struct ui_scroll scroll; /* lines are numbered since the build began */

	/* Cached line counts of the blocks. */
	int64_t pid; /* of the build */
	bool errors_counted; /* only errors were counted */
	uint64_t first_block, end_block; /* range of counted blocks */
	uint64_t first_line; /* number of the first line of `first_block` */
	unsigned n_lines[UI_DIAGS];
};

void ui_diags_release(struct ui_diags *v);
void ui_diags_draw(struct ui_diags *v, const struct ui_area *a,
		   const struct ui_model *m);
/* Handle a key.  Returns false if the pane does not use it. */
bool ui_diags_handle_key(struct ui_diags *v, const struct ui_model *m,
			 uint32_t key);
/* Open or close the pane.  Closing marks the drawn blocks as viewed. */
void ui_diags_set_open(struct ui_diags *v, bool open);
/* Return the number of blocks that the user has not seen. */
uint64_t ui_diags_count_unseen(const struct ui_diags *v,
			       const struct ui_model *m);
/*
 * Scroll to the next line that contains `text`.  With `inclusive`, the search
 * starts at the current line, otherwise after it.  If `text` is NULL, repeat
 * the last search.  Returns false if no line matches.
 */
bool ui_diags_search(struct ui_diags *v, const struct ui_model *m,
		     const char *text, bool inclusive, bool backwards);

#endif
