/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/night.h - what the nights of `kfarm nightly` came to.
 */
#ifndef HISTORY_NIGHT_H
#define HISTORY_NIGHT_H

#include "history/read.h"

struct history_night {
	int64_t id; /* from 1, in their order */
	char *name; /* of the [nightly "NAME"] */
	int64_t began_s;
	char *decision; /* "built", "unchanged" ...: words of nightly/ */
	char *key; /* of all that it was decided by; not the build's */
	int64_t build; /* its number in the history; 0: none */
	int64_t status; /* exit status of the build */
	char *commit, *describe, *arch, *config, *toolchain;
	char *dir; /* of the results */
	char *subject; /* what was told; NULL: nothing */
	int64_t errors, new_errors, warnings, new_warnings;
};

void history_night_release(struct history_night *n);
/* Add one; its id is set.  `h` is open for HISTORY_WRITE. */
int history_night_add(struct history *h, struct history_night *n,
		      struct err *err);
/*
 * The results of a build have another place now; NULL: they are gone.  Open for
 * HISTORY_WRITE, too.
 */
int history_build_move(struct history *h, int64_t build, const char *output,
		       struct err *err);

/* NULL, -1, 0: no matter. */
struct history_night_filter {
	const char *name;
	bool built; /* only those with a build */
	bool good; /* only those whose build ended with 0 or 101 */
	int64_t before; /* an id: only earlier ones */
	unsigned most;
};

typedef int history_night_each(void *ctx, const struct history_night *n);
/* The last first; returns what a call returned. */
int history_night_list(struct history *h, const struct history_night_filter *f,
		       history_night_each *each, void *ctx, struct err *err);
/* The first of that list; -ENOENT: it is empty. */
int history_night_last(struct history *h, const struct history_night_filter *f,
		       struct history_night *out, struct err *err);

#endif
