/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp-names.h - A name table shared by many inputs, because its creation takes
 * longer than most inputs do.  The table is recreated before it becomes large.
 */
#ifndef SCAN_NAMES_H
#define SCAN_NAMES_H

#include "cpp/intern.h"

#define NAMES_BYTES ((size_t)1 << 20)

static inline struct cpp_names *fuzz_names(void)
{
	static struct cpp_names *names;

	if (names && cpp_names_memory(names) > NAMES_BYTES) {
		cpp_names_free(names);
		names = NULL;
	}
	if (!names)
		names = cpp_names_new();
	return names;
}

#endif
