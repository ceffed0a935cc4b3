/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/debug.h - the options of debug information, as few flags as will do.
 *
 * __GCC_HAVE_DWARF2_CFI_ASM is all that macros know of -g, so its many forms
 * are one question to the compiler; what is not among them is asked as it
 * stands.
 */
#ifndef SCAN_DEBUG_H
#define SCAN_DEBUG_H

#include "options/command.h"

#include <stdbool.h>

struct scan_debug {
	struct strv words;
	bool on; /* as far as levels and formats say */
	bool others; /* there are words that say neither */
};

void scan_debug_take(struct scan_debug *d, const struct options_item *i);
/* At the line's end: what the compiler is asked with. */
void scan_debug_flags(const struct scan_debug *d, struct strv *flags);
void scan_debug_release(struct scan_debug *d);

#endif
