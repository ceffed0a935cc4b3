/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/tail.h - the end of the build's log as a pane.
 */
#ifndef UI_TAIL_H
#define UI_TAIL_H

#include "ui/canvas.h"
#include "ui/log.h"
#include "ui/scroll.h"

/* A zeroed one is fine, but for scroll.follow. */
struct ui_tail {
	bool open;
	char *sought; /* NULL: nothing */
	struct ui_log log;
	struct ui_scroll scroll;
};

void ui_tail_release(struct ui_tail *v);
void ui_tail_draw(struct ui_tail *v, const struct ui_area *a);
/* Is the key for it?  Then it did what the key says. */
bool ui_tail_key(struct ui_tail *v, uint32_t key);
/* As ui_diags_seek(). */
bool ui_tail_seek(struct ui_tail *v, const char *text, bool here,
		  bool backwards);

#endif
