/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/line.h - a build in one line, as ninja shows it:
 *
 *	[310 done 35.2/s 1:23] compile: 9 running, nodes 1/2: drivers/...re.c
 *
 * with the last file that was done, whose middle is left out where it is too
 * long.  Where the last build of the same key is known (ui/estimate.h):
 *
 *	[310/2874 11 % 35.2/s 1:23 ETA 9:12] compile: 9 running, ...
 */
#ifndef UI_LINE_H
#define UI_LINE_H

#include "ui/model.h"

/* Append it, at most `columns` wide, without a newline. */
void ui_line_put(struct buf *out, const struct ui_model *m, uint64_t now,
		 unsigned columns);

#endif
