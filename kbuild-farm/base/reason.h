/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/reason.h - why a unit is compiled on the build host.
 *
 * Each reason is a number everywhere in the program, and words (reason-list.h)
 * only where a person reads it.
 */
#ifndef BASE_REASON_H
#define BASE_REASON_H

enum reason {
	REASON_NONE, /* there is none: it may go to a node */
#define REASON(name, words) REASON_##name,
#include "base/reason-list.h"
#undef REASON
	REASONS, /* how many */
};

/* The words; "" for REASON_NONE.  A literal. */
const char *reason_words(enum reason why);

#endif
