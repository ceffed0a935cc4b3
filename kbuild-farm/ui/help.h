/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/help.h - the keys of the view, and what its signs mean.
 */
#ifndef UI_HELP_H
#define UI_HELP_H

#include "ui/canvas.h"
#include "ui/scroll.h"

/* In two columns where that is needed and there is room for these. */
void ui_help_draw(struct ui_scroll *s, const struct ui_area *a);
/* Is the key for it?  Then it scrolled. */
bool ui_help_key(struct ui_scroll *s, uint32_t key);

#endif
