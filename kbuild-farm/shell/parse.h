/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/parse.h - a script is read as dash 0.5.12 reads it.
 *
 * The grammar is that of POSIX.1-2018, XCU 2.10; where that leaves something
 * open, what dash does counts.  What is not known for certain to be read as
 * dash does is refused, so that /bin/sh gets the whole script unread.
 */
#ifndef SHELL_PARSE_H
#define SHELL_PARSE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "shell/node.h"
#include "shell/why.h"

/*
 * Parse a whole script.
 *
 * Returns 0 and the commands, NULL where there are none, in `a`; -ENOTSUP with
 * the reason in `why` where the script is to be handed on.
 */
int shell_parse(struct arena *a, struct bytes text,
		const struct shell_node **out, enum shell_why *why);

#endif
