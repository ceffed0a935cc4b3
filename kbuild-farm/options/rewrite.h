/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/rewrite.h - Alternative command lines for the same compile.
 */
#ifndef OPTIONS_REWRITE_H
#define OPTIONS_REWRITE_H

#include "options/command.h"

/*
 * Append to `out` the command line of `c`, changed so that the compile writes
 * its outputs to other paths: the object to `object_tmp`, and the dependency
 * list to `dep_tmp` (NULL if there is no list).  The target and the contents of
 * the list are those of the original command.  `compiler` becomes argv[0].
 */
void options_rewrite_outputs(struct strv *out, const struct options_command *c,
			     const char *compiler, const char *object_tmp,
			     const char *dep_tmp);

/*
 * Append the options that determine the object format (-m16, -m32, --target=,
 * -mabi=, -mbig-endian, -flto ...), in order.  With -flto, also append
 * -frandom-seed=, which makes the object of a source reproducible.
 */
void options_rewrite_object_format(struct strv *out,
				   const struct options_command *c);

#endif
