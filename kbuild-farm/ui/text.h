/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/text.h - The views without a screen: text on stderr.
 *
 * Diagnostics, problems of nodes and, for UI_TEXT_PERIODIC, phases are printed
 * immediately as lines.  UI_TEXT_PERIODIC prints the progress of the build in a
 * line after 10 s, after another 30 s, and then every 60 s.  UI_TEXT_LINE shows
 * the progress in one line on a terminal, as ninja does, and overwrites this
 * line at most ten times a second:
 *
 *	[9 done 0:12] prepare: host programs, 2 running: scripts/.../modpost.c
 *	[310/~2874 11 % 35.2/s 1:23 ETA ~9:12] compile: 9 running, ...
 *
 * "~" marks a prediction (ui/estimate.h).  The line of UI_TEXT_LINE ends in the
 * file of the job that finished last, shortened in its middle.  Lines contain
 * no control characters except colors, if requested, and the carriage return
 * and `ESC [ K` of UI_TEXT_LINE.
 *
 * An output that accepts no data (a pager, Ctrl-S) never blocks the build: up
 * to UI_TEXT_QUEUE_BYTES bytes are queued, and further text is dropped.
 */
#ifndef UI_TEXT_H
#define UI_TEXT_H

#include "base/outqueue.h"
#include "ui/model.h"

/*
 * Append the progress line, at most `columns` wide, without a newline.  The
 * last parts of a line that is too long are omitted.
 */
void ui_text_put_line(struct buf *out, const struct ui_model *m, uint64_t now,
		      unsigned columns);

#define UI_TEXT_QUEUE_BYTES (4u << 20)
#define UI_TEXT_RECENT_JOBS 200 /* entries of recent_local */

enum ui_text_kind {
	UI_TEXT_PERIODIC,
	UI_TEXT_LINE,
};

/* Selection of the output. */
struct ui_text_options {
	bool progress; /* progress and phases of the build, all diagnostics */
	bool notes; /* nodes that fail or recover, notes about problems */
	bool details; /* with `notes`: phases, all states of nodes, all notes */
	bool warnings; /* all diagnostics, even without `progress` */
};

struct ui_text_node; /* a node and the last line about it */

struct ui_text {
	struct outqueue out;
	const struct ui_model *model; /* borrowed */
	enum ui_text_kind kind;
	struct ui_text_options options;
	bool color;
	bool held; /* another view uses the terminal */
	/* text after the time at the start of a line, such as "build 7: " */
	const char *prefix;
	unsigned columns; /* width of the terminal; 0 if unknown: use 80 */
	uint64_t next_line_ms; /* time of the next progress line */
	unsigned n_lines; /* number of progress lines printed */
	struct buf line; /* UI_TEXT_LINE: the displayed line, or empty */
	struct ui_text_node *nodes;
	size_t n_nodes;
	/*
	 * A ring with an entry per recent job: true if the job ran locally.
	 * n_recent is the number of jobs added so far, n_local the number of
	 * true entries.
	 */
	bool recent_local[UI_TEXT_RECENT_JOBS];
	unsigned n_recent, n_local;
	bool warned; /* the user was warned that many jobs run locally */
};

/*
 * Prepare the output to `fd`.  `fd` and `model` are borrowed until
 * ui_text_release(); `options` is copied.  The caller can then set `prefix`,
 * which is borrowed as well, and `columns`.
 */
void ui_text_init(struct ui_text *p, int fd, enum ui_text_kind kind,
		  const struct ui_text_options *options, bool color,
		  const struct ui_model *model);
/*
 * Hold back output while another view uses the terminal, or release the output.
 * While output is held back, errors and all notes except phases are queued.
 * Warnings are queued, too, unless the baseline contains them; with
 * options.warnings, all warnings are queued.  Progress, phases and other
 * warnings are dropped.
 */
void ui_text_set_held(struct ui_text *p, bool held);
/*
 * Print the text for an event, if any.  This is an events_event_fn; call it
 * after the model has received the event.
 */
void ui_text_add_event(void *p, const struct events_event *ev);
/* Print the progress if it is due, and flush the queue. */
void ui_text_update(struct ui_text *p, uint64_t now);
/* Print a line that does not come from an event, with the time `now`. */
void ui_text_put_note(struct ui_text *p, uint64_t now, const char *text);
/* Print a line unchanged, with a newline. */
void ui_text_put_verbatim(struct ui_text *p, const char *text);
/* Print a line of make's output with a newline, in color if requested. */
void ui_text_put_log_line(struct ui_text *p, const char *text);
/* Flush the queue for at most a second, and release `p`. */
void ui_text_release(struct ui_text *p);

#endif
