/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/typed.h - the options of a compile as the wire carries them, and
 * the node's gate: argv is rebuilt from its own table, or not at all.
 */
#ifndef OPTIONS_TYPED_H
#define OPTIONS_TYPED_H

#include "base/err.h"
#include "options/compile.h"

/* A flag: the table's name and a value (NULL: none); both the list's own. */
struct options_flag {
	char *name;
	char *value;
};

struct options_flags {
	struct options_flag *v;
	size_t n;
};

void options_flags_release(struct options_flags *f);

/* The flags of an OPTIONS_AWAY compile that the node needs, in order. */
void options_typed_from(struct options_flags *out, char *const *argv,
			const struct options_compile *c);

/*
 * The node's side: append the words for one flag to `argv`, if the table
 * holds `name` as an option for nodes and `value` is what it may be.
 * Returns 0, or -ENOTSUP with `err` naming the option.
 */
int options_typed_allow(struct strv *argv, const char *name, const char *value,
			struct err *err);

#endif
