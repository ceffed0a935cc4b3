/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/rewrite.h - other command lines for the same compile.
 */
#ifndef OPTIONS_REWRITE_H
#define OPTIONS_REWRITE_H

#include "options/command.h"

/*
 * The same compile with its outputs elsewhere: the object in `object_tmp`,
 * the dependency list in `dep_tmp` (NULL when the compile makes none) with the
 * target and content unchanged.  `compiler` becomes argv[0].
 */
void options_rewrite_outputs(struct strv *out, const struct options_command *c,
			     const char *compiler, const char *object_tmp,
			     const char *dep_tmp);

/*
 * The options that decide what kind of object file comes out (-m16, -m32,
 * --target=, -mabi=, -mbig-endian, -flto ...), in order; with -flto a seed, so
 * that one source gives one object.
 */
void options_rewrite_machine(struct strv *out, const struct options_command *c);

#endif
