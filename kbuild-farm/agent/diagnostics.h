/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/diagnostics.h - why a compiler failed, by its diagnostics.
 */
#ifndef AGENT_DIAGNOSTICS_H
#define AGENT_DIAGNOSTICS_H

#include "base/bytes.h"

#include <stdbool.h>

/*
 * Did a signal end a part of it?  The driver hides that (memory was out, a
 * file grew beyond the limit) behind an exit status of 1.
 */
bool agent_diagnostics_signal(struct bytes text);
/*
 * The file that it wanted and did not find, by a line of gcc's or clang's
 * preprocessor:
 *
 *	a.c:1:10: fatal error: b.h: No such file or directory
 *	a.c:1:10: fatal error: 'b.h' file not found
 *
 * NULL when it did not say so in these words; the caller frees it.
 */
char *agent_diagnostics_missing(struct bytes text);

#endif
