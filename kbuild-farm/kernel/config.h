/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/config.h - makes the .config that was asked for.
 *
 * An unchanged request and an unchanged .config are left alone, so that a
 * second build is incremental; what was asked last time is remembered in
 * ~/.cache/kfarm/config/, not in the build directory.
 */
#ifndef KERNEL_CONFIG_H
#define KERNEL_CONFIG_H

#include "kernel/run.h"

/*
 * Returns 0; a failed make's exit status; or a negative errno, with `err`
 * set: -EINVAL lists what Kconfig did not take over.  Where that is allowed it
 * is told instead, and in run->config.
 */
int kernel_config_apply(struct kernel_run *run, struct err *err);
/*
 * make has run: where it has finished the .config anew by itself (for another
 * build of the compiler, say), that is what stands for the request from now on.
 */
void kernel_config_settle(struct kernel_run *run);
/* Is there nothing for kernel_config_apply() to do? */
bool kernel_config_is_done(const struct kernel_plan *p);
/*
 * The .config that stands was made from what `p` asks for, and then changed by
 * the user through `target` (menuconfig): a build that asks for the same keeps
 * it.
 */
void kernel_config_keep_edited(const struct kernel_plan *p, const char *target);
/* By which target it was changed so, NULL: by none; the caller frees it. */
char *kernel_config_edited(const struct kernel_plan *p);

#endif
