/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/interactive.h - Targets that prompt or print on the terminal.
 *
 * Examples are menuconfig and kernelrelease.  make inherits the caller's
 * standard streams and process group, so it uses the terminal and receives
 * Ctrl-C.  make uses neither nodes nor an output directory.  If the targets
 * need a configuration and the build directory lacks the requested one, kfarm
 * first makes the configuration, and shows the output of this step only if it
 * fails.
 */
#ifndef KERNEL_INTERACTIVE_H
#define KERNEL_INTERACTIVE_H

#include "kernel/build.h"

/*
 * Run the plan's targets.  Either all of them prompt, or all of them print.
 * out->status is make's exit status, and out->signal is the signal that ended
 * make.  If make cannot be run, out->status is KERNEL_STATUS_SETUP, and `err`
 * is set.  out->summary names the edited .config or, if make failed to create
 * the .config and hooks->on_line is NULL, contains make's output.  Release
 * `out` with kernel_result_release().
 */
void kernel_interactive_run(struct kernel_result *out,
			    const struct kernel_plan *plan,
			    const struct kernel_hooks *hooks, struct err *err);

#endif
