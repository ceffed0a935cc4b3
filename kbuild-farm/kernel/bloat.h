/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/bloat.h - which functions and variables of vmlinux grew.
 *
 * What is counted, and how it is printed, are the kernel's own
 * scripts/bloat-o-meter's, whose figures these are.
 */
#ifndef KERNEL_BLOAT_H
#define KERNEL_BLOAT_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Append how the symbols of the file `new` differ from those of `old`, the
 * most grown first.  0, or a negative errno with `err` naming the file.
 */
int kernel_bloat_text(struct buf *out, const char *old, const char *new,
		      struct err *err);

#endif
