/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/target.h - what make's targets leave behind.
 */
#ifndef KERNEL_TARGET_H
#define KERNEL_TARGET_H

#include "kernel/run.h"

/* What of a build goes to the output directory. */
struct kernel_wants {
	bool kernel; /* vmlinux and System.map */
	bool modules;
	bool dtbs;
	bool dtbs_legacy; /* of a tree that cannot install them */
	bool headers;
	struct strv images; /* paths in the build directory */
};

/*
 * Fills run->goals, and run->targets for make: "kernel" becomes what `make
 * image_name` names.  As that needs a finished configuration,
 * include/config/auto.conf is made first.  0, an exit status, or a negative
 * errno with `err` set.
 */
int kernel_target_resolve(struct kernel_run *run, struct err *err);
/*
 * What `make image_name` says, "arch/arm64/boot/Image.gz", or NULL; it is asked
 * again only when something changed.  Returns as kernel_target_resolve().
 */
int kernel_target_image(struct kernel_run *run, char **image, struct err *err);
/*
 * Look at what is there after the build.  `targets` are make's; `image` is
 * what `make image_name` printed ("arch/arm64/boot/Image.gz"), used where no
 * target is named.
 */
void kernel_target_wants(struct kernel_wants *out, const struct kernel_plan *p,
			 const struct strv *targets, const char *image);
/* Do the targets leave the image's name to make? */
bool kernel_target_is_default(const struct strv *targets);
void kernel_wants_release(struct kernel_wants *w);

/* Who a target of make is for. */
enum kernel_target_use {
	KERNEL_TARGET_BUILDS,
	KERNEL_TARGET_ASKS, /* menuconfig: the user, on the terminal */
	/* What it prints is all that it is for, and it wants for that */
	KERNEL_TARGET_TELLS_TREE, /* the tree alone: help, kernelversion */
	KERNEL_TARGET_TELLS_CONFIG, /* a .config: listnewconfig */
	KERNEL_TARGET_TELLS_SYNCED, /* one that is finished: kernelrelease */
};

enum kernel_target_use kernel_target_use(const char *target);
/* Are these, one at least, all for printing? */
bool kernel_target_only_prints(const struct strv *targets);

/* Is include/config/auto.conf there and not older than .config? */
bool kernel_target_is_synced(const struct kernel_plan *p);
/* Make it so: 0, an exit status, or a negative errno with `err` set. */
int kernel_target_run_sync(struct kernel_run *run, struct err *err);
/* The target that finishes a configuration in this tree. */
const char *kernel_target_sync(const char *tree);

#endif
