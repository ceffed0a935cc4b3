/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-screen.h - `kfarm top` on a terminal: one page at a time in the
 * full-screen view, `[` and `]` for the others, which a line on top lists.
 */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include "base/err.h"
#include "cli/top-page.h"

struct top_screen;

/* Of a struct top whose ctx is the top_screen. */
extern const struct top_ops top_screen_ops;

/*
 * Takes the terminal over; the loop of `t`, which has no page yet, ends when
 * somebody leaves the view.  0, or as console_new().
 */
int top_screen_new(struct top_screen **out, struct top *t, bool color,
		   struct err *err);
/* The terminal is as before.  NULL is fine. */
void top_screen_free(struct top_screen *s);

#endif
