/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/reason.h - Reasons for which a unit is compiled on the build host.
 *
 * A reason is a number in the program. reason-list.h defines the text that
 * users see.
 */
#ifndef BASE_REASON_H
#define BASE_REASON_H

enum reason {
	REASON_NONE, /* no reason; the unit can be offloaded */
#define REASON(name, words) REASON_##name,
#include "base/reason-list.h"
#undef REASON
	N_REASONS, /* the number of reasons */
};

/* Return the static text of a reason, "" for REASON_NONE. */
const char *reason_text(enum reason reason);

#endif
