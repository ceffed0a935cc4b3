/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/config-stamp.h - what is remembered of a build directory's .config:
 * from what it was made, in a file of ~/.cache/kfarm/config/:
 *
 *	REQUEST CONFIG INPUTS TARGET	the first three are digests
 *	!LINE				a setting that Kconfig did not take over
 *	PATH				of an input, relative to the tree
 *
 * REQUEST is of what was asked for, tree, compiler and variables; CONFIG of the
 * .config; INPUTS of sizes and times of the tree's files that it was made of:
 * Kconfig files and, if the base is a target of make, configurations.  TARGET
 * is the one that the user changed it by afterwards, if any.
 */
#ifndef KERNEL_CONFIG_STAMP_H
#define KERNEL_CONFIG_STAMP_H

#include "kernel/plan.h"

/* A zeroed one is empty. */
struct kernel_config_stamp {
	char *edited; /* "menuconfig"; or NULL */
	struct strv missed; /* lines of kernel_missed_lines() */
};

/*
 * Was the .config that stands made from what `p` asks for, of the tree as it
 * is?  One that was edited stands whatever becomes of the tree, as it does for
 * make.  Release `s` in any case.
 */
bool kernel_config_stamp_read(struct kernel_config_stamp *s,
			      const struct kernel_plan *p);
/* By which target it was edited, NULL: by none; the caller frees it. */
char *kernel_config_stamp_edited(const struct kernel_plan *p);
/* It is now.  If that cannot be written, the next build makes it again. */
void kernel_config_stamp_write(const struct kernel_config_stamp *s,
			       const struct kernel_plan *p);
void kernel_config_stamp_release(struct kernel_config_stamp *s);

#endif
