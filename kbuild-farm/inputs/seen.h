/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/seen.h - what compiles read, as it was a moment ago.
 *
 * Of the files that a unit's compile read, the examination of its answer has
 * found that they are what they were.  fixdep goes through the same files right
 * behind it, and need not look at them once more: what has changed since is
 * newer than the object, so that make compiles that again, and what fixdep says
 * of it until then is what the object was made from.
 *
 * Any number of threads may use a list; one of it is for one thread.
 */
#ifndef INPUTS_SEEN_H
#define INPUTS_SEEN_H

#include "inputs/manifest.h"

#include <stddef.h>
#include <stdint.h>

/* The files of one compile. */
struct inputs_seen;

/*
 * Those of `m`, which a compile in `cwd` has listed in `depfile` (as the
 * compiler spells it), found unchanged when clock_us() was `now_us`.
 */
struct inputs_seen *inputs_seen_new(const struct inputs_manifest *m,
				    const char *cwd, const char *depfile,
				    uint64_t now_us);
/* NULL is fine. */
void inputs_seen_free(struct inputs_seen *s);
/* How `name`, as the compiler spells it, was; NULL: it is none of them. */
const struct stamp *inputs_seen_find(struct inputs_seen *s, const char *name);

/* Those that nobody has asked for yet: the last INPUTS_SEEN_MAX of them. */
#define INPUTS_SEEN_MAX 64
/* For so long. */
#define INPUTS_SEEN_US 5000000

struct inputs_seen_list;

struct inputs_seen_list *inputs_seen_list_new(void);
/* NULL is fine. */
void inputs_seen_list_free(struct inputs_seen_list *l);
/* Has anybody asked?  Else there is no need to keep any. */
bool inputs_seen_wanted(struct inputs_seen_list *l);
/* `s` is the list's from here on. */
void inputs_seen_keep(struct inputs_seen_list *l, struct inputs_seen *s);
/*
 * What was kept last for `depfile` of a compile in the same `cwd`, if that was
 * less than INPUTS_SEEN_US before `now_us`; the caller's, NULL: nothing.
 */
struct inputs_seen *inputs_seen_take(struct inputs_seen_list *l,
				     const char *cwd, const char *depfile,
				     uint64_t now_us);

#endif
