/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/commands.h - a build as plain commands of make and the shell: what
 * `kfarm build -n` prints, and reproducer.sh.
 */
#ifndef KERNEL_COMMANDS_H
#define KERNEL_COMMANDS_H

#include "base/buf.h"
#include "kernel/plan.h"

/*
 * A shell script that does what the plan does, without kfarm, and leaves
 * the same files in the build directory.  It runs as it stands; where the
 * plan keeps a .config, it takes the one beside itself if there is none.
 */
void kernel_commands_script(struct buf *out, const struct kernel_plan *p,
			    unsigned jobs);
/* What was decided, a line each, as comments of that script. */
void kernel_commands_plan(struct buf *out, const struct kernel_plan *p,
			  const char *output_dir);

#endif
