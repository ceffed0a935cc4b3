/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/terminal.h - The terminal behind a descriptor. */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <stdbool.h>

/*
 * Open the terminal of `fd` again, in non-blocking mode.  O_NONBLOCK on `fd`
 * would affect all processes that share its open file, such as the shell.
 * Blocking mode does not suffice, because a terminal that poll() reports as
 * ready may accept only a few bytes and then block.
 *
 * Returns a descriptor that the caller closes, -ENOTTY if `fd` is not a
 * terminal, or the error of open().
 */
int terminal_open(int fd);
/*
 * Return the size of a terminal.  Returns false, with `rows` and `columns` set
 * to 0, if the size is unknown.
 */
bool terminal_size(int fd, unsigned *rows, unsigned *columns);
/*
 * Return true if this process may read keys: it is in the foreground, or the
 * terminal has no job control.
 */
bool terminal_is_foreground(int fd);

#endif
