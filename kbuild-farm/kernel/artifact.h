/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/artifact.h - takes the results of a build to its output directory:
 * config, the images, System.map, vmlinux, modules.tar.xz, dtbs.tar.xz.
 */
#ifndef KERNEL_ARTIFACT_H
#define KERNEL_ARTIFACT_H

#include "kernel/elfsize.h"
#include "kernel/run.h"
#include "kernel/target.h"

struct kernel_artifacts {
	struct strv config, kernel, modules, dtbs; /* files, by target */
	struct strv module_names, dtb_names; /* what the archives hold */
	struct kernel_elfsize vmlinux; /* file == 0: there is none */
	char *text_offset; /* of _text in System.map, "0x..." or NULL */
	uint64_t build_dir_bytes; /* disk space of the build directory */
};

/*
 * Install what `w` wants to a directory that is removed again, pack and copy
 * it.  0; an exit status of `make modules_install` or `dtbs_install`; or a
 * negative errno with `err` set.
 */
int kernel_artifact_collect(struct kernel_artifacts *out,
			    struct kernel_run *run,
			    const struct kernel_wants *w, struct err *err);
void kernel_artifacts_release(struct kernel_artifacts *a);

#endif
