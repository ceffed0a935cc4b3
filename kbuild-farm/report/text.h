/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/text.h - A report for a terminal.
 *
 * A report begins with a summary of the build:
 *
 *	build 7: built Image modules dtbs
 *	  arm64 defconfig, gcc-12.2.0, linux-6.1.192
 *	  started  2026-11-22 02:11:33 +0100, 3:12 wall, build host 41 s CPU
 *	  jobs     2874: 2851 remote (99.1 %), 23 local, 4 retried
 *	  ...
 *
 * The summary is followed by the phases, the nodes, the local units with their
 * reasons, the slowest units, diagnostics and sizes.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "report/data.h"

/*
 * Append the report.  If `all` is false, long lists are cut and end with the
 * number of omitted rows.
 */
void report_text(struct buf *out, const struct report_data *d, bool all);

#endif
