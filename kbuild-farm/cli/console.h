/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/console.h - the full-screen view at work, for `kfarm build` and
 * `kfarm top`: a model on the terminal, keys, and the signals of a terminal
 * (SIGWINCH, SIGTSTP, SIGCONT), in an event loop.
 *
 * It draws on standard error and reads standard input.  A picture is drawn
 * within 0.13 s of the first change since the last one, and each second as time
 * goes by; what is the same as before costs the terminal nothing.  While the
 * log is shown, build.log of the model's output directory is read as it grows.
 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include "base/err.h"
#include "ui/view.h"

#include <event2/event.h>

struct console;

struct console_setup {
	struct event_base *base; /* NULL: console_start() brings it */
	const struct ui_model *model; /* borrowed */
	const char *title; /* a line above all, borrowed; NULL: none */
	bool ascii; /* also where the terminal could do more */
	bool color;
	bool may_ask; /* the build is ours: it may be ended, nodes drained */
	uint64_t (*now)(void *ctx); /* the time of the model */
	/*
	 * A key asks for something; `node` is the selected one, or NULL.  It
	 * may call console_stop().
	 */
	void (*asked)(void *ctx, enum ui_view_ask what, const char *node);
	void *ctx;
};

/*
 * Returns 0, or a negative errno with why there can be no view on this
 * terminal in `err`.  With a base the view opens at once, else the terminal is
 * left alone.
 */
int console_new(struct console **out, const struct console_setup *setup,
		struct err *err);
/* Open the view, or as soon as we are in the foreground. */
void console_start(struct console *c, struct event_base *base);
/* Leave the terminal, and the loop.  It may be started again. */
void console_stop(struct console *c);
/*
 * Has the terminal taken all that leads out of the view?  Until then others are
 * not to write there; one that stands may take its time.
 */
bool console_is_gone(struct console *c);
/* Stops it, and waits for that.  NULL is fine. */
void console_free(struct console *c);

/* Show another model. */
void console_set_model(struct console *c, const struct ui_model *model,
		       const char *title);
/* The model has changed: draw soon. */
void console_changed(struct console *c);
/* Show a line of text in the last line, until the next key. */
void console_say(struct console *c, const char *text);

#endif
