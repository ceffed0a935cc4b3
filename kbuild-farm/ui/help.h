/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/help.h - the keys of the view, and what its signs mean.
 */
#ifndef UI_HELP_H
#define UI_HELP_H

#include "ui/canvas.h"

/* In as many columns as are needed and there is room for. */
void ui_help_draw(const struct ui_area *a);

#endif
