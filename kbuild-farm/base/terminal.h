/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/terminal.h - the terminal that a descriptor leads to.
 */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <stdbool.h>

/*
 * A descriptor of our own for the terminal of `fd`, whose reads and writes do
 * not wait: O_NONBLOCK on `fd` itself would be everybody's who has that
 * terminal from the same shell, and a terminal that poll() calls ready may
 * take a few bytes only and have write() wait for the others.
 *
 * Returns it, the caller closes it; -ENOTTY where `fd` is no terminal, or what
 * open() said.
 */
int terminal_open(int fd);
/* How large it is; false and 0 where nobody knows. */
bool terminal_size(int fd, unsigned *rows, unsigned *columns);
/* Are its keys for us?  Not for a job in the background; of a terminal that
 * has no jobs, for all. */
bool terminal_is_ours(int fd);

#endif
