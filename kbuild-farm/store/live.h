/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/live.h - directories that end with the process that made them.
 *
 * Below one directory each open store has one of its own, which it keeps
 * flock'ed.  One that nobody has locked is left over and may be removed.
 */
#ifndef STORE_LIVE_H
#define STORE_LIVE_H

#include "base/err.h"
#include "base/str.h"

#define STORE_LIVE_NAME_MAX 64

/*
 * Make one below `live`, a descriptor of a directory.  Returns a locked
 * descriptor, or a negative errno.
 */
int store_live_make(int live, char name[static STORE_LIVE_NAME_MAX],
		    struct err *err);
/* Remove those that nobody holds, and whatever else lies there. */
void store_live_prune(int live);
/* The names of those that somebody holds: 0 or a negative errno. */
int store_live_list(int live, struct strv *out);

#endif
