/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/artifact.h - takes the results of a build to its output directory:
 * config, the images, System.map, vmlinux, packages, and archives:
 *
 *	modules.tar.xz	what `make modules_install` installs, lib/modules/...
 *	dtbs.tar.xz	what `make dtbs_install` does, dtbs/...
 *	headers.tar.xz	what `make headers_install` does, ./include/...
 *	kselftest.tar.xz, perf.tar.xz ... (kernel/recipe.h)
 *
 * The first three are installed and packed only when something changed
 * of what they are made from (kernel/kept.h).
 */
#ifndef KERNEL_ARTIFACT_H
#define KERNEL_ARTIFACT_H

#include "kernel/elfsize.h"
#include "kernel/run.h"
#include "kernel/target.h"

/* A file of the output directory, or one to come. */
struct kernel_artifact {
	char *goal; /* the target that it is of: "modules" */
	char *file; /* its name */
	char *from; /* what is copied, or the directory that `top` is in */
	char *top; /* is packed; NULL: it is copied */
	bool there;
	bool moved; /* `from` is removed once it is copied */
	struct strv names; /* what an archive holds */
};

struct kernel_size {
	char *name; /* "vmlinux", "arch/arm64/boot/Image", "fs/ext4/ext4.ko" */
	struct kernel_elfsize size; /* of an image `file` alone is known */
};

struct kernel_artifacts {
	struct kernel_artifact *v;
	size_t n;
	struct kernel_size *sizes; /* vmlinux, images, modules by name */
	size_t n_sizes;
	unsigned packed, kept; /* archives made, and found unchanged */
	char *text_offset; /* of _text in System.map, "0x..." or NULL */
	uint64_t build_dir_bytes; /* disk space of the build directory */
};

/* One to come: copy the file `from`. */
void kernel_artifact_copy(struct kernel_artifacts *a, const char *goal,
			  const char *from, const char *file);
/* The one added last is to be moved. */
void kernel_artifact_move_last(struct kernel_artifacts *a);
/* The same: pack what `top` is in the directory `dir`. */
void kernel_artifact_pack(struct kernel_artifacts *a, const char *goal,
			  const char *dir, const char *top, const char *file);
/* A directory of this goal's own, to install into; the caller frees it. */
char *kernel_artifact_stage(const struct kernel_run *run, const char *goal);
/*
 * Install what `w` wants to a directory that is removed again; pack and copy
 * it, and what else is to come.  0; an exit status of `make
 * modules_install` and the like; or a negative errno with `err` set.
 */
int kernel_artifact_collect(struct kernel_artifacts *out,
			    struct kernel_run *run,
			    const struct kernel_wants *w, struct err *err);
/* The size of vmlinux or an image; NULL: it is not among them. */
const struct kernel_elfsize *kernel_artifact_size(
	const struct kernel_artifacts *a, const char *name);
void kernel_artifacts_release(struct kernel_artifacts *a);

#endif
