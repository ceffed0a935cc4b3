/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/spelled.h - files as scans spell them, looked up by one string.
 *
 * Each unit names some four hundred, most of them the same as the unit before.
 * What is kept of a name is the directory that it names, which is looked at
 * once per unit (inputs/dirs.h), and the path of the file there.
 *
 * All calls are under the lock of the paths.
 */
#ifndef INPUTS_SPELLED_H
#define INPUTS_SPELLED_H

#include "inputs/dirs.h"

struct inputs_spelled {
	struct map_node node;
	const char *abs;
	size_t len;
	const char *base; /* the last part of it */
	struct inputs_dir *dir; /* the others */
	struct inputs_path *in; /* where `dir` led ... */
	struct inputs_path *path; /* ... and the file there; NULL: not asked */
};

struct inputs_spellings;

struct inputs_spellings *inputs_spellings_new(struct inputs_paths *paths,
					      struct inputs_dirs *dirs);
void inputs_spellings_free(struct inputs_spellings *t);

/*
 * The file `abs` (`len` bytes, absolute, NUL behind them) in its directory as
 * that is for the unit `unit`.  NULL after more than INPUTS_LINKS_MAX links.
 */
struct inputs_spelled *inputs_spelled_get(struct inputs_spellings *t,
					  uint32_t unit, const char *abs,
					  size_t len);
/*
 * The same by the number that it was given, NULL where none was: nothing has to
 * be put together, hashed or compared then.
 */
struct inputs_spelled *inputs_spelled_numbered(struct inputs_spellings *t,
					       uint32_t unit, uint32_t number);
/* `number` stands for `s` for good; where either is none, nothing is kept. */
void inputs_spelled_number(struct inputs_spellings *t, struct inputs_spelled *s,
			   uint32_t number);
/* Its path; NULL: `s` is, or it names none ("a/", "a/.."). */
struct inputs_path *inputs_spelled_path(struct inputs_spellings *t,
					struct inputs_spelled *s);

#endif
