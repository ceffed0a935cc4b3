/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/progress.h - Progress of long operations on stderr.
 *
 * On a terminal, a table with a line per active row appears after one second
 * and is redrawn in place.  Elsewhere a line per active row is logged after
 * 2 s, 10 s, 30 s and then each minute.  A shorter operation prints nothing.
 *
 * Use:
 *	1. progress_new(), then progress_add() for each row
 *	2. progress_set() or progress_count() for the operation of a row, and
 *	   progress_end() when the row has finished; from any thread
 *	3. progress_tick() a few times a second from one thread
 *	4. progress_free(), which removes the table from the terminal
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;

/* Create a table without rows, and start its clock. */
struct progress *progress_new(void);
/*
 * Remove the table from the terminal and free `p`, which can be NULL.  No other
 * thread may use `p` any longer.
 */
void progress_free(struct progress *p);
/* Add an inactive row and return its number.  `name` is copied. */
size_t progress_add(struct progress *p, const char *name);
/*
 * Set the operation of a row and its progress in bytes.  `total` is 0 if it is
 * unknown; both numbers are 0 if nothing can be counted.  `what` ("fetching")
 * is borrowed until `p` is freed or the row gets another operation.
 */
void progress_set(struct progress *p, size_t row, const char *what,
		  uint64_t done, uint64_t total);
/* Like progress_set(), but `done` and `total` are numbers of items. */
void progress_count(struct progress *p, size_t row, const char *what,
		    uint64_t done, uint64_t total);
/* Make the row inactive, which removes it from the table. */
void progress_end(struct progress *p, size_t row);
/* Redraw the table or log the rows if the next update is due. */
void progress_tick(struct progress *p);
/*
 * Run fn(arg) on another thread and show `what` as the progress of `name` until
 * `fn` returns.  Returns the value that `fn` returned.
 */
int progress_run(const char *name, const char *what, int (*fn)(void *arg),
		 void *arg);

/*
 * Format the text of a row, such as "fetching, 45.1 of 100.3 MiB, 44 %".  The
 * caller frees the result.
 */
char *progress_format(const char *what, bool bytes, uint64_t done,
		      uint64_t total);

#endif
