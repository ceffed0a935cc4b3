/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/header.h - what is built, how far it is, and how busy the farm is: in an
 * area of one to four lines.
 *
 *	/src/linux  arm64  gcc-13.3.0  Image modules dtbs             12:34
 *	compile  4310 ok  2 warnings  0 errors  4100 remote  210 local  35.9/s
 *	[>>=====<<.......] 9 of 16 slots  4 scanned  nodes 2/2
 *	now 35.9/s  mean 33.1/s  to nodes 1.2M/s  back 340K/s   .:-=+*#=-:
 *
 * Without a build, of nodes alone, it is the first and the third.
 *
 * Where the last build of the same key is known (ui/estimate.h) the first ends
 * in "12:34  ETA 3:10", and the second has
 *
 *	compile  81 %  4310/5207 ok  2 warnings ...          [========..]
 *
 * Parts that do not fit are left out, those behind first.
 */
#ifndef UI_HEADER_H
#define UI_HEADER_H

#include "ui/canvas.h"
#include "ui/model.h"

/* Is there a build in it, or nodes alone? */
bool ui_header_has_build(const struct ui_model *m);
/* `new_diags`: blocks that were not looked at; `now` as in ui/model.h. */
void ui_header_draw(const struct ui_area *a, const struct ui_model *m,
		    uint64_t now, uint64_t new_diags);

#endif
