/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/plain.h - the views without a screen: text on stderr.
 *
 * What happens comes as lines: changes of phase, nodes that went away, and
 * diagnostics, at once.  How the build does is
 *  - UI_PLAIN: a line after 10 s, then after 30 s, then every 60 s;
 *  - UI_LINE: one line (ui/line.h) that is written over itself, at most ten
 *    times a second; for a terminal.
 * Lines never contain control characters, except colours where they are asked
 * for, and in UI_LINE the carriage return and `ESC [ K`.
 *
 * A reader that does not read (a pager, Ctrl-S) never stops the build: what
 * it does not take waits here, up to UI_PLAIN_WAITING bytes.
 */
#ifndef UI_PLAIN_H
#define UI_PLAIN_H

#include "base/outlet.h"
#include "ui/model.h"

#define UI_PLAIN_WAITING (4u << 20)
#define UI_PLAIN_RECENT  200 /* jobs that a farm in trouble is judged by */

enum ui_plain_kind {
	UI_PLAIN,
	UI_LINE,
};

/* What is shown besides errors. */
struct ui_plain_shows {
	bool progress; /* how the build does, and warnings */
	bool notes; /* phases, nodes, what the build has to say */
	bool errors;
};

struct ui_plain_noted; /* a node, and what was said of it last */

struct ui_plain {
	struct outlet out;
	const struct ui_model *model; /* borrowed */
	enum ui_plain_kind kind;
	struct ui_plain_shows shows;
	bool color;
	bool held; /* something else is shown there */
	const char *prefix; /* of lines with a time: "build 7: "; "" at first */
	unsigned columns; /* of the terminal, now; 0: 80 */
	uint64_t next_ms; /* when the next line is due */
	unsigned lines; /* so far */
	struct buf line; /* UI_LINE: what stands there; empty: nothing */
	struct ui_plain_noted *noted;
	size_t n_noted;
	bool local[UI_PLAIN_RECENT]; /* the last jobs */
	unsigned n_judged, n_local;
	bool warned; /* of a farm that does nothing */
};

void ui_plain_init(struct ui_plain *p, int fd, enum ui_plain_kind kind,
		   const struct ui_plain_shows *shows, bool color,
		   const struct ui_model *model);
/*
 * Write nothing, as another view has the terminal, until it is called with
 * false: then notes and errors of meanwhile come, but no warnings.
 */
void ui_plain_hold(struct ui_plain *p, bool held);
/* A sink, which the event reaches after the model. */
void ui_plain_tell(void *p, const struct events_event *ev);
/* Show how it does if that is due, and write what waited. */
void ui_plain_due(struct ui_plain *p, uint64_t now);
/* One line that is no event, now. */
void ui_plain_note(struct ui_plain *p, uint64_t now, const char *text);
/* A line as it is, with a newline added. */
void ui_plain_line(struct ui_plain *p, const char *text);
/* Give the reader a second for what still waits; then forget it. */
void ui_plain_release(struct ui_plain *p);

#endif
