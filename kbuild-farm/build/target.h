/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/target.h - what make's targets leave behind.
 */
#ifndef BUILD_TARGET_H
#define BUILD_TARGET_H

#include "build/run.h"

/* What of a build goes to the output directory. */
struct build_wants {
	bool kernel; /* vmlinux and System.map */
	bool modules;
	bool dtbs;
	struct strv images; /* paths in the build directory */
};

/*
 * Fills run->targets: "kernel" becomes what `make image_name` names.  As
 * that needs a finished configuration, include/config/auto.conf is made
 * first.  0, an exit status, or a negative errno with `err` set.
 */
int build_target_resolve(struct build_run *run, struct err *err);
/*
 * Look at what stands after the build.  `image` is what `make image_name`
 * printed ("arch/arm64/boot/Image.gz"), used where no target is named.
 */
void build_target_wants(struct build_wants *out, const struct build_plan *p,
			const struct strv *targets, const char *image);
/* Do the targets leave the image's name to make? */
bool build_target_is_default(const struct strv *targets);
void build_wants_release(struct build_wants *w);
/*
 * Is what make prints all that these targets are for ("help",
 * "kernelrelease")?  Not when there is none, nor when one of them builds.
 */
bool build_target_only_prints(const struct strv *targets);

/* The target that finishes a configuration in this tree. */
const char *build_target_sync(const char *tree);

#endif
