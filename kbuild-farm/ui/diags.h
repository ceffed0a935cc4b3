/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/diags.h - the last blocks of diagnostics as a pane.
 *
 * Blocks that came since the pane was open last have a "*" in front; those with
 * something that the build before had not have a "+".
 */
#ifndef UI_DIAGS_H
#define UI_DIAGS_H

#include "ui/canvas.h"
#include "ui/model.h"
#include "ui/scroll.h"

/* A zeroed one is fine, but for scroll.follow. */
struct ui_diags {
	bool open;
	bool errors_only;
	char *sought; /* NULL: nothing */
	uint64_t seen; /* blocks up to this one were looked at */
	uint64_t shown; /* so many there were when it was drawn last */
	struct ui_scroll scroll; /* lines count from the first there ever was */

	/* Which blocks were counted, and the lines of those that are kept: */
	int64_t pid; /* of their build */
	bool errors_counted; /* and nothing else */
	uint64_t block, counted; /* from the one up to the other */
	uint64_t first; /* number of the first line of `block` */
	unsigned lines[UI_DIAGS];
};

void ui_diags_release(struct ui_diags *v);
void ui_diags_draw(struct ui_diags *v, const struct ui_area *a,
		   const struct ui_model *m);
/* Is the key for it?  Then it did what the key says. */
bool ui_diags_key(struct ui_diags *v, const struct ui_model *m, uint32_t key);
/* Open it, or close it: then what was drawn is looked at. */
void ui_diags_open(struct ui_diags *v, bool open);
/* Blocks that are not looked at. */
uint64_t ui_diags_new(const struct ui_diags *v, const struct ui_model *m);
/*
 * Show the next line that has `text` in it, the first one included where
 * `here`; NULL: what was sought last.  False: there is none.
 */
bool ui_diags_seek(struct ui_diags *v, const struct ui_model *m,
		   const char *text, bool here, bool backwards);

#endif
