/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/screen.h - The terminal: locale, keys and output, through ncursesw.
 *
 *	ui_screen_new(&s, STDIN_FILENO, STDERR_FILENO, color, &err);
 *	ui_screen_enter(s);
 *	ui_screen_show(s, &canvas);	after each change
 *	while (ui_screen_key(s, &key, &wait_ms))
 *					when ui_screen_key_fd(s) is readable
 *	ui_screen_free(s);		restores the terminal
 *
 * A terminal that does not read (Ctrl-S, a stopped tmux) does not block the
 * program: ncurses writes to a file in memory, and ui/screen.c sends the
 * contents when the terminal accepts data.  The next picture is drawn only
 * after the terminal has accepted the previous one, so that at most one picture
 * is pending.  A process has one screen at a time.  No signal handler of
 * ncurses remains installed.
 *
 * Special keys arrive as Escape and further bytes (ECMA-48, or the terminal's
 * terminfo entry).  An Escape that no byte follows within UI_INPUT_WAIT_MS is
 * the Escape key.  Unknown sequences, such as a mouse report, and invalid UTF-8
 * are dropped.
 */
#ifndef UI_SCREEN_H
#define UI_SCREEN_H

#include "base/buf.h"
#include "base/err.h"
#include "ui/canvas.h"
#include "ui/keys.h"

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>

struct ui_screen;

#define UI_INPUT_WAIT_MS       50
#define UI_INPUT_BYTES_MAX     256 /* undecoded bytes */
#define UI_INPUT_SEQUENCES_MAX 16 /* key sequences from terminfo */

/* Decoder of key sequences.  A zeroed struct is empty. */
struct ui_input {
	uint8_t bytes[UI_INPUT_BYTES_MAX];
	size_t n_bytes;
	uint64_t received_ms; /* time at which the last byte was received */
	struct {
		char text[16];
		uint32_t key;
	} sequences[UI_INPUT_SEQUENCES_MAX];
	unsigned n_sequences;
};

/*
 * Map a sequence of this terminal to a key.  Ignores a sequence of less than 2
 * or more than 15 bytes, and any sequence if the table is full.
 */
void ui_input_add_sequence(struct ui_input *in, uint32_t key,
			   const char *sequence);
/* Return the number of bytes that ui_input_add() accepts. */
size_t ui_input_room(const struct ui_input *in);
/* Append bytes received at `now_ms`.  Bytes that do not fit are dropped. */
void ui_input_add(struct ui_input *in, struct bytes received, uint64_t now_ms);
/*
 * Decode the next key.  Returns false if there is no complete key; *wait_ms is
 * then the time after which an incomplete sequence becomes a key, or 0 if there
 * is no such sequence.
 */
bool ui_input_next_key(struct ui_input *in, uint64_t now_ms, uint32_t *key,
		       unsigned *wait_ms);

/*
 * Open the terminal of `in_fd` and `out_fd`.  Writes nothing to the terminal
 * and does not change its modes.  Returns 0; -ENOTTY if a descriptor is not a
 * terminal; -ENOENT if TERM is unset or has no terminfo entry; -ENOSYS if the
 * terminal cannot clear the screen or move the cursor; or another negative
 * errno.
 */
int ui_screen_new(struct ui_screen **out, int in_fd, int out_fd, bool color,
		  struct err *err);
/* Return true if the locale is UTF-8.  Otherwise the canvas must be ASCII. */
bool ui_screen_is_utf8(const struct ui_screen *s);
/*
 * Take over the terminal.  Call this before the first drawing, again after
 * ui_screen_leave(), and whenever another program may have used the terminal.
 * The next canvas is drawn completely.  Returns false if the process is in the
 * background.  The terminal is then unchanged, except that a pending picture is
 * finished.
 */
bool ui_screen_enter(struct ui_screen *s);
/*
 * Restore the terminal's modes.  If the terminal does not accept the last
 * output within 0.3 s, call ui_screen_ready() to send the rest before another
 * program writes to the terminal.
 */
void ui_screen_leave(struct ui_screen *s);
/* Leave the screen, wait for the terminal, and free `s`, which can be NULL. */
void ui_screen_free(struct ui_screen *s);

/* Get the terminal's current size, at least 1 by 1. */
void ui_screen_size(const struct ui_screen *s, unsigned *rows,
		    unsigned *columns);
/* Let the next ui_screen_show() draw all cells, not only changed cells. */
void ui_screen_repaint(struct ui_screen *s);
/*
 * Send pending output.  Returns true if no output is left, or after an error:
 * see ui_screen_error().
 */
bool ui_screen_ready(struct ui_screen *s);
/*
 * Send the changes since the last canvas.  Call this only if ui_screen_ready()
 * returned true.
 */
void ui_screen_show(struct ui_screen *s, const struct ui_canvas *c);
/* Return the errno with which the terminal failed, or 0. */
int ui_screen_error(const struct ui_screen *s);

/* Return the descriptor that is readable when a key arrives. */
int ui_screen_key_fd(const struct ui_screen *s);
/* Return the descriptor that is writable when pending output can be sent. */
int ui_screen_write_fd(const struct ui_screen *s);
/*
 * Get the next key (ui/keys.h).  Returns false if there is no complete key.  If
 * a sequence is incomplete, *wait_ms is then the time after which the caller
 * must call again.  If *wait_ms is 0, the caller only waits until the
 * descriptor of ui_screen_key_fd() is readable.
 */
bool ui_screen_key(struct ui_screen *s, uint32_t *key, unsigned *wait_ms);

#endif
