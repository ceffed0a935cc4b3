/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/console.h - The full-screen view of a model in an event loop.
 *
 * The console draws a struct ui_view on standard error, reads keys from
 * standard input, and handles SIGWINCH, SIGTSTP and SIGCONT.  It draws a frame
 * within 0.135 s of a change and at least once a second; only changed cells are
 * written to the terminal.  While the log is shown, the console reads the lines
 * that are appended to build.log in the model's output directory.
 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include "base/err.h"
#include "ui/view.h"

#include <event2/event.h>

struct console;

struct console_setup {
	struct event_base *base; /* NULL: console_start() provides it */
	const struct ui_model *model; /* borrowed */
	const char *title; /* line above the view, borrowed; or NULL */
	bool ascii; /* draw in ASCII even if the terminal supports UTF-8 */
	bool color;
	bool actions_enabled; /* the user can end the build and drain nodes */
	uint64_t (*get_time)(void *ctx); /* current build time in ms */
	/*
	 * Called for a key that requests an action; `node` is the selected node
	 * or NULL.  The callback can call console_stop().
	 */
	void (*on_action)(void *ctx, enum ui_view_action what,
			  const char *node);
	void *ctx;
};

/*
 * Prepare a view.  If setup->base is not NULL, the view opens at once;
 * otherwise the terminal remains unchanged until console_start().  Returns 0,
 * or -errno with `err` set if the terminal does not support a view.
 */
int console_new(struct console **out, const struct console_setup *setup,
		struct err *err);
/* Open the view at once, or as soon as kfarm is in the foreground. */
void console_start(struct console *c, struct event_base *base);
/*
 * Restore the terminal and remove all events from the loop.  The console can be
 * started again.
 */
void console_stop(struct console *c);
/*
 * Return true if the console is stopped and the terminal has accepted all
 * output of the view.  Before that, the caller must not write to the terminal.
 */
bool console_is_drained(struct console *c);
/* Stop the console, wait for the terminal and free `c`, which can be NULL. */
void console_free(struct console *c);

/* Show another model with another title; both are borrowed. */
void console_set_model(struct console *c, const struct ui_model *model,
		       const char *title);
/* Draw a frame soon, because the model has changed. */
void console_schedule_draw(struct console *c);
/* Show a message in the last line until the next key. */
void console_set_message(struct console *c, const char *text);

#endif
