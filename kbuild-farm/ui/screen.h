/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/screen.h - a canvas on the terminal, and the keys that are typed there;
 * through ncursesw.
 *
 *	ui_screen_new(&s, STDIN_FILENO, STDERR_FILENO, color, &err);
 *	ui_screen_enter(s);
 *	ui_screen_show(s, &canvas);	whenever it is another one
 *	while (ui_screen_key(s, &key))	when ui_screen_fd(s) is readable
 *	ui_screen_free(s);		the terminal is as it was
 *
 * A terminal that does not read (Ctrl-S, a stopped tmux) makes nobody wait:
 * ncurses writes to a file in memory, and what it wrote goes to the terminal
 * as that takes it.  Until it took a picture no other is drawn, so what waits
 * is one picture at most.
 *
 * There is one screen at a time.  No handler of ncurses for signals stays.
 */
#ifndef UI_SCREEN_H
#define UI_SCREEN_H

#include "base/err.h"
#include "ui/canvas.h"
#include "ui/keys.h"

#include <stdbool.h>
#include <stdint.h>

struct ui_screen;

/*
 * Get ready for the terminal of these descriptors; nothing is written and no
 * mode is changed.  -ENOTTY, -ENOENT (TERM is not set, or has no terminfo
 * entry), -ENOSYS (it cannot clear or move its cursor), or what opening it
 * said, with `err` set.
 */
int ui_screen_new(struct ui_screen **out, int in, int out_fd, bool color,
		  struct err *err);
/* Does the locale say UTF-8?  Else the canvas must be ASCII. */
bool ui_screen_is_utf8(const struct ui_screen *s);
/*
 * Take the terminal over, or back after ui_screen_leave() or when somebody else
 * may have had it; all of the next canvas is drawn.  False while we are in the
 * background: then it is left as it is, but for a picture of ours.
 */
bool ui_screen_enter(struct ui_screen *s);
/*
 * Give it back, in its own modes.  That takes a moment at most: what a terminal
 * that stands has not taken by then waits for ui_screen_ready(), and nobody
 * else is to write there before that.
 */
void ui_screen_leave(struct ui_screen *s);
/* Leaves it first, and waits for the terminal.  NULL is fine. */
void ui_screen_free(struct ui_screen *s);

/* As the terminal says now; at least 1 and 1. */
void ui_screen_size(const struct ui_screen *s, unsigned *rows,
		    unsigned *columns);
/* Draw all of the next canvas: what stands there is not what we think. */
void ui_screen_repaint(struct ui_screen *s);
/*
 * Has the terminal taken what was shown?  Writes what it takes now.  True
 * after an error, too: ui_screen_error().
 */
bool ui_screen_ready(struct ui_screen *s);
/* Show the canvas: only what changed goes out, nothing if nothing did.  To be
 * called when ui_screen_ready(). */
void ui_screen_show(struct ui_screen *s, const struct ui_canvas *c);
/* The errno with which the terminal ended, 0: it is there. */
int ui_screen_error(const struct ui_screen *s);

/* To wait for: readable, a key; and for what waits for the terminal, writable.
 */
int ui_screen_key_fd(const struct ui_screen *s);
int ui_screen_write_fd(const struct ui_screen *s);
/*
 * The next key (ui/keys.h); false: none.  Then *wait_ms is when to ask again,
 * as it may have begun (Escape, or the first byte of an arrow?); 0: when
 * readable.
 */
bool ui_screen_key(struct ui_screen *s, uint32_t *key, unsigned *wait_ms);

#endif
