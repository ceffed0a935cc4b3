/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/watch.h - who hears the events of a build of ours: the model, the views
 * that draw from it, and the file of --json; and the model's word for who
 * connects later.
 *
 * The full-screen view opens when a build has gone on for WATCH_OPEN_MS: one
 * that is over by then would only flash.  It is left with its key, or when the
 * build ends; then errors and notes of meanwhile are on the terminal as if it
 * had not been.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "base/err.h"
#include "kernel/build.h"
#include "ui/plain.h"

enum watch_mode {
	WATCH_PROGRESS,
	WATCH_VERBOSE, /* the log as it comes, no progress */
	WATCH_QUIET, /* errors alone */
	WATCH_NONE,
};

/* The full-screen view, with WATCH_PROGRESS. */
enum watch_screen {
	WATCH_NO_SCREEN,
	WATCH_TRY_SCREEN, /* none where it cannot be */
	WATCH_NEED_SCREEN, /* an error there */
};

#define WATCH_OPEN_MS 300

struct watch_setup {
	enum watch_mode mode;
	enum watch_screen screen;
	enum ui_plain_kind kind; /* without it */
	bool color;
	const char *json; /* a file, "-" for stdout, NULL for none */
	/*
	 * Of several builds, whose streams are to stand there one behind the
	 * other: the file, from watch_open_json(); NULL: it is opened.
	 */
	const int *json_fd;
};

/* Returns the descriptor, to be closed, or a negative errno. */
int watch_open_json(const char *path, struct err *err);

struct watch;

/* Returns 0, or a negative errno with `err` set. */
int watch_new(struct watch **out, const struct watch_setup *setup,
	      struct err *err);
/* What kernel_build() is to call; borrowed from `w`. */
const struct kernel_hooks *watch_hooks(const struct watch *w);
/* Did the user leave the full-screen view? */
bool watch_was_left(const struct watch *w);
/* Writes out what still waits, a second at most. */
void watch_free(struct watch *w);

/*
 * The views for --ui auto.  UI_LINE is for stderr that is a terminal of at
 * least WATCH_COLUMNS and understands `ESC [ K` (TERM is set and not "dumb"),
 * while CI is not set; else it is UI_PLAIN.  The screen is tried where UI_LINE
 * could be, stdin is a terminal too, it has at least WATCH_SCREEN_ROWS and
 * WATCH_SCREEN_COLUMNS, and kfarm is not in the background.
 */
#define WATCH_COLUMNS        40
#define WATCH_SCREEN_ROWS    24
#define WATCH_SCREEN_COLUMNS 80
enum ui_plain_kind watch_kind(void);
enum watch_screen watch_screen(void);
/* Is stderr a terminal for colours and lines that are written over? */
bool watch_smart_terminal(void);

#endif
