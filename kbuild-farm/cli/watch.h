/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/watch.h - Views and event file of a local build.
 *
 * A watch subscribes a model, the text or full-screen view, and the file of
 * --json to the events of a build.  The full-screen view opens WATCH_OPEN_MS
 * after the start of the build, because the view of a shorter build would only
 * flash.  The view closes when the user leaves it or when the build ends.  The
 * watch then prints as text the errors and notes that arrived while the
 * view was open.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "base/err.h"
#include "kernel/build.h"
#include "ui/text.h"

enum watch_mode {
	WATCH_MODE_PROGRESS,
	WATCH_MODE_MAKE, /* output of make and problems, no progress */
	WATCH_MODE_VERBOSE, /* output of make and all notes, no progress */
	WATCH_MODE_QUIET, /* only errors and warnings */
	WATCH_MODE_NONE,
};

/* Use of the full-screen view, with WATCH_MODE_PROGRESS. */
enum watch_screen {
	WATCH_SCREEN_NEVER,
	WATCH_SCREEN_IF_POSSIBLE, /* text if the view is not possible */
	WATCH_SCREEN_REQUIRED, /* an error if the view is not possible */
};

#define WATCH_OPEN_MS 300

struct watch_setup {
	enum watch_mode mode;
	enum watch_screen screen;
	enum ui_text_kind text_kind; /* used without the full-screen view */
	bool color;
	const char *json; /* file, "-" for stdout, or NULL */
	/*
	 * Borrowed descriptor from watch_open_json(), to which several builds
	 * write one after the other; NULL: watch_new() opens `json`.
	 */
	const int *json_fd;
};

/*
 * Open the file of --json.  Returns a descriptor, which the caller closes, or
 * -errno with `err` set.
 */
int watch_open_json(const char *path, struct err *err);

struct watch;

/*
 * Create the views and subscribe them.  On a terminal, lines that kfarm logs
 * before watch_free() are printed with a delay, so that they do not disturb the
 * view.  Returns 0, or -errno with `err` set.
 */
int watch_new(struct watch **out, const struct watch_setup *setup,
	      struct err *err);
/* Return the callbacks for kernel_build(), borrowed from `w`. */
const struct kernel_hooks *watch_hooks(const struct watch *w);
/* Return true if the user left the full-screen view. */
bool watch_is_screen_left(const struct watch *w);
/*
 * Close the views, write pending events for at most one second, and free `w`,
 * which can be NULL.
 */
void watch_free(struct watch *w);

/*
 * Choose the views for --ui auto.
 *
 * The text kind is UI_TEXT_LINE if stderr is a terminal that supports `ESC [ K`
 * (TERM is set and not "dumb"), the terminal has at least WATCH_COLUMNS or an
 * unknown width, and the environment variable CI is not set.  Otherwise the
 * text kind is UI_TEXT_PERIODIC.  The full-screen view is possible if, in
 * addition, stdin is a terminal, stderr has at least WATCH_SCREEN_ROWS and
 * WATCH_SCREEN_COLUMNS, and kfarm is in the foreground.
 */
#define WATCH_COLUMNS        40
#define WATCH_SCREEN_ROWS    24
#define WATCH_SCREEN_COLUMNS 80
enum ui_text_kind watch_choose_text_kind(void);
/* Returns WATCH_SCREEN_IF_POSSIBLE or WATCH_SCREEN_NEVER. */
enum watch_screen watch_screen(void);
/* Return true if stderr is a terminal that supports colors and `ESC [ K`. */
bool watch_has_smart_terminal(void);

#endif
