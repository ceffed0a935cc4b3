/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/foreground.h - targets that are the user's own business: those that
 * ask (menuconfig), those that print (kernelrelease).
 *
 * make has the caller's standard streams, process group and with it the
 * terminal and Ctrl-C; it runs without nodes and leaves no output directory.
 * Where the targets need a configuration, and the build directory has not got
 * the one that is asked for, it is made first, in silence.
 */
#ifndef KERNEL_FOREGROUND_H
#define KERNEL_FOREGROUND_H

#include "kernel/build.h"

/*
 * Run the plan's targets, all of which must be of one of these kinds.
 * out->status is make's, out->signal what ended it; KERNEL_SETUP, and `err`,
 * is set where it did not come to that.  out->summary says where the .config
 * lies that was asked about, or why there is none; release `out` with
 * kernel_result_release().
 */
void kernel_foreground(struct kernel_result *out,
		       const struct kernel_plan *plan,
		       const struct kernel_hooks *hooks, struct err *err);

#endif
