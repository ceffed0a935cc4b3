/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/interactive.h - Targets that prompt or print on the terminal.
 *
 * Examples are menuconfig and kernelrelease.  make inherits the caller's
 * standard streams and process group, so it uses the terminal and receives
 * Ctrl-C.  make runs without nodes and without output directory.  If the
 * targets need a configuration and the build directory lacks the requested one,
 * kfarm makes the configuration first and shows make's output only after a
 * failure.
 */
#ifndef KERNEL_INTERACTIVE_H
#define KERNEL_INTERACTIVE_H

#include "kernel/build.h"

/*
 * Run the plan's targets, which must all prompt or all print.  out->status is
 * make's exit status and out->signal the signal that ended make; if make did
 * not run, out->status is KERNEL_STATUS_SETUP and `err` is set.  out->summary
 * names the edited .config, or explains why no .config could be made.  Release
 * `out` with kernel_result_release().
 */
void kernel_interactive_run(struct kernel_result *out,
			    const struct kernel_plan *plan,
			    const struct kernel_hooks *hooks, struct err *err);

#endif
