/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/progress.h - how far a few long things are, on stderr.
 *
 * On a terminal a table that is redrawn in place, a row for each thing, from
 * the first second on; elsewhere a line for each thing that is under way, after
 * 2 s, then 10 s, 30 s and each minute.  What is quick shows nothing.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;

/* For standard error, as it is. */
struct progress *progress_new(void);
/* Takes the table off the screen. */
void progress_free(struct progress *p);
/* A row; `name` is copied.  Returns its number. */
size_t progress_add(struct progress *p, const char *name);
/*
 * What row `row` does ("fetching", which stays the caller's and lives as long
 * as `p`) and how much of it is done: bytes, `total` 0 while unknown; both 0
 * where there is nothing to count.  Any thread may call it.
 */
void progress_set(struct progress *p, size_t row, const char *what,
		  uint64_t done, uint64_t total);
/* The same, counting things instead of bytes. */
void progress_count(struct progress *p, size_t row, const char *what,
		    uint64_t done, uint64_t total);
/* The row has ended: it leaves the table.  Any thread may call it. */
void progress_end(struct progress *p, size_t row);
/* Show what there is to show, if it is time; call it a few times a second. */
void progress_tick(struct progress *p);
/*
 * Run fn(arg) on another thread and show meanwhile that `what` is being
 * done; returns what it returned.
 */
int progress_run(const char *name, const char *what, int (*fn)(void *arg),
		 void *arg);

/* "45.1 MiB of 100.3 MiB, 45 %"; the text of a row, for tests. */
char *progress_text(const char *what, bool bytes, uint64_t done,
		    uint64_t total);

#endif
