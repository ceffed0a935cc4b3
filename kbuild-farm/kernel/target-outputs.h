/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/target-outputs.h - Classification and output files of make targets.
 */
#ifndef KERNEL_TARGET_OUTPUTS_H
#define KERNEL_TARGET_OUTPUTS_H

#include "kernel/internal.h"

/* Outputs of a build that are copied to the output directory. */
struct kernel_target_outputs {
	bool kernel; /* vmlinux and System.map */
	bool modules;
	bool dtbs;
	bool dtbs_legacy; /* device trees of a tree without dtbs_install */
	bool headers;
	struct strv images; /* paths in the build directory */
};

/*
 * Fill run->goals, and fill run->targets with the goals' words for make.  The
 * word for the goal "kernel" is the image that `make image_name` prints.  This
 * command needs a finished configuration, so include/config/auto.conf is
 * updated first.  Returns 0, the exit status of a failed make, or a negative
 * errno with `err` set.
 */
int kernel_target_outputs_resolve(struct kernel_build_state *run,
				  struct err *err);
/*
 * Store the output of `make image_name`, such as "arch/arm64/boot/Image.gz", in
 * *image, or NULL if make prints nothing.  The caller frees *image.  make runs
 * only if an input changed.  Returns the same values as
 * kernel_target_outputs_resolve().
 */
int kernel_target_outputs_image(struct kernel_build_state *run, char **image,
				struct err *err);
/*
 * Find the outputs that exist after the build.  `targets` are the targets on
 * make's command line.  `image`, the output of `make image_name`, is used if
 * kernel_target_outputs_is_default(targets) returns true.
 */
void kernel_target_outputs_find(struct kernel_target_outputs *out,
				const struct kernel_plan *p,
				const struct strv *targets, const char *image);
/*
 * Return true if `targets` is empty or contains "all" or "_all".  In these
 * cases, make chooses the image.
 */
bool kernel_target_outputs_is_default(const struct strv *targets);
/* Free the list of images and zero `w`. */
void kernel_target_outputs_release(struct kernel_target_outputs *w);

/* Purpose of a make target. */
enum kernel_target_kind {
	KERNEL_TARGET_KIND_BUILD,
	/* prompts the user on the terminal: menuconfig */
	KERNEL_TARGET_KIND_INTERACTIVE,
	/* prints; needs only the tree: help, kernelversion */
	KERNEL_TARGET_KIND_PRINT_TREE,
	/* prints; needs a .config: listnewconfig */
	KERNEL_TARGET_KIND_PRINT_CONFIG,
	/*
	 * prints; needs a .config and include/config/auto.conf: kernelrelease
	 */
	KERNEL_TARGET_KIND_PRINT_SYNCED,
};

/* Classify a target of the kernel's Makefiles. */
enum kernel_target_kind kernel_target_kind(const char *target);
/* Return true if `targets` is not empty and all of them only print. */
bool kernel_target_is_print_only(const struct strv *targets);
/* Return true if `targets` is not empty and all of them only remove files. */
bool kernel_target_is_clean_only(const struct strv *targets);
/*
 * Return true if `target` is a file that kbuild makes from one source file,
 * such as "kernel/fork.o" or "mm/slub.i".
 */
bool kernel_target_is_single_file(const char *target);
/* Return true if `targets` is not empty and all of them are single files. */
bool kernel_targets_are_single_files(const struct strv *targets);

#endif
