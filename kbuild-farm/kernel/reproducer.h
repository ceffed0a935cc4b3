/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/reproducer.h - A build as a shell script without kfarm.
 *
 * `kfarm build -n` prints the script; the output directory has it as
 * reproducer.sh.
 */
#ifndef KERNEL_REPRODUCER_H
#define KERNEL_REPRODUCER_H

#include "base/buf.h"
#include "kernel/plan.h"

/*
 * Append a script that executes the plan and writes the same files to the build
 * directory as kfarm does.  `jobs` is the argument of make's -j.  If the plan
 * uses an existing .config and the build directory has none, the script copies
 * the file `config` from the script's own directory.
 */
void kernel_reproducer_script(struct buf *out, const struct kernel_plan *p,
			      unsigned jobs);
/* Append the decisions of the plan as comments of the script, a line each. */
void kernel_reproducer_plan(struct buf *out, const struct kernel_plan *p,
			    const char *output_dir);

#endif
