/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/symbols.h - the CONFIG_ symbols that files name, remembered.
 *
 * As scripts/basic/fixdep of Linux sees them (parse_config_file()): the word
 * behind each "CONFIG_" with neither a letter, a digit nor a '_' in front of
 * it, without "_MODULE" at its end, up to the first NUL of the file.  A file is
 * looked at each time that it is asked for, but for who has just seen it, and
 * read if it is another one.
 *
 * Any number of threads may ask.
 */
#ifndef INPUTS_SYMBOLS_H
#define INPUTS_SYMBOLS_H

#include "base/err.h"
#include "base/stamp.h"

#include <stddef.h>
#include <stdint.h>

struct inputs_symbol {
	uint32_t id; /* small, each its own */
	uint32_t len;
	char name[];
};

/* Those of one file, each once, in the order in which they are met. */
struct inputs_symbols {
	size_t n;
	const struct inputs_symbol *v[];
};

struct inputs_symbol_table;

struct inputs_symbol_table *inputs_symbols_new(void);
/* NULL is fine. */
void inputs_symbols_free(struct inputs_symbol_table *t);

/*
 * The symbols of the file at `path`, absolute; they live as long as the table.
 * `seen` is how it stood there a moment ago, if the caller has looked, or NULL:
 * if that is the version that was read, it is not looked at.
 * 0, or what open, read or stat said; -EINVAL for what is no plain file,
 * -EFBIG for one of more than 16 MiB, -EAGAIN for one that is being written.
 */
int inputs_symbols_get(struct inputs_symbol_table *t, const char *path,
		       const struct stamp *seen,
		       const struct inputs_symbols **out, struct err *err);

#endif
