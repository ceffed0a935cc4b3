/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/plain.h - the view without a screen: lines on stderr.
 *
 * On a terminal a line at most every second; elsewhere (a pipe, CI, TERM
 * unset or dumb) one after 10 s, then 30 s, then every 60 s.  Lines never
 * contain control characters, except colours where they are asked for.
 */
#ifndef UI_PLAIN_H
#define UI_PLAIN_H

#include "ui/model.h"

struct ui_plain {
	int fd;
	bool terminal; /* the faster rhythm */
	bool color;
	uint64_t next_ms; /* model time at which the next line is due */
	unsigned lines; /* progress lines so far */
};

void ui_plain_init(struct ui_plain *p, int fd, bool terminal, bool color);
/* Write a progress line if one is due. */
void ui_plain_tick(struct ui_plain *p, const struct ui_model *m);
/* Write a block of diagnostics at once, whole. */
void ui_plain_block(struct ui_plain *p, const char *text, bool error);
/* One line, now: a change of phase, a node that went away. */
void ui_plain_note(struct ui_plain *p, const struct ui_model *m,
		   const char *text);

#endif
