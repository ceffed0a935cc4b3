/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/here.h - what the build host compiles itself, and why: the reasons with
 * their counts, and the compiles that run now.
 */
#ifndef UI_HERE_H
#define UI_HERE_H

#include "ui/canvas.h"
#include "ui/model.h"

/* A pane with a title; `now` as in ui/model.h. */
void ui_here_draw(const struct ui_area *a, const struct ui_model *m,
		  uint64_t now);

#endif
