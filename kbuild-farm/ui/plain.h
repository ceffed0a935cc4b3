/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/plain.h - the view without a screen: lines on stderr.
 *
 * On a terminal a line at most every second, and only if there is news;
 * elsewhere (a pipe, CI, TERM unset or dumb) one after 10 s, then 30 s, then
 * every 60 s.  Lines never contain control characters, except colours where
 * they are asked for.
 *
 * A reader that does not read (a pager, Ctrl-S) never stops the build: what
 * it does not take waits here, up to UI_PLAIN_WAITING bytes.
 */
#ifndef UI_PLAIN_H
#define UI_PLAIN_H

#include "base/buf.h"

#include <stdbool.h>

#define UI_PLAIN_WAITING (4u << 20)

/* What is shown: plain values, filled by cli/watch.c. */
struct ui_model {
	uint64_t elapsed_ms;
	char phase[64]; /* "config", "compile", "modules_install" ... */
	char last[256]; /* the source of the job that ended last */
	unsigned remote, local; /* jobs done so far */
	unsigned running, queued;
	unsigned warnings, errors;
	unsigned nodes, nodes_up;
};

struct ui_plain {
	int fd;
	bool terminal; /* the faster rhythm */
	bool color;
	uint64_t next_ms; /* model time at which the next line is due */
	unsigned lines; /* progress lines so far */
	uint64_t shown_ms; /* model time of the last progress line */
	unsigned shown; /* what it counted, added up */
	struct buf waiting; /* not taken by the reader yet */
};

void ui_plain_init(struct ui_plain *p, int fd, bool terminal, bool color);
/* Write a progress line if one is due, and what waited. */
void ui_plain_tick(struct ui_plain *p, const struct ui_model *m);
/* Write a block of diagnostics at once, whole. */
void ui_plain_block(struct ui_plain *p, const char *text);
/* One line, now: a change of phase, a node that went away. */
void ui_plain_note(struct ui_plain *p, const struct ui_model *m,
		   const char *text);
/* A line as it is, with a newline added. */
void ui_plain_line(struct ui_plain *p, const char *text);
/* Write what waited, as far as it is taken. */
void ui_plain_flush(struct ui_plain *p);
/* Give the reader a second for what still waits; then forget it. */
void ui_plain_release(struct ui_plain *p);

#endif
