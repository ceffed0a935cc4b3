/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/artifact.h - takes the results of a build to its output directory:
 * config, the images, System.map, vmlinux, modules.tar.xz, dtbs.tar.xz.
 */
#ifndef BUILD_ARTIFACT_H
#define BUILD_ARTIFACT_H

#include "build/elfsize.h"
#include "build/run.h"
#include "build/target.h"

struct build_artifacts {
	struct strv config, images, kernel, modules,
		dtbs; /* files, by target */
	struct strv module_names, dtb_names; /* what the archives hold */
	struct build_elfsize vmlinux; /* file == 0: there is none */
	char *text_offset; /* of _text in System.map, "0x..." or NULL */
	uint64_t build_dir_bytes; /* disk space of the build directory */
};

/*
 * Install what `w` wants to a directory that is removed again, pack and copy
 * it.  0; an exit status of `make modules_install` or `dtbs_install`; or a
 * negative errno with `err` set.
 */
int build_artifact_collect(struct build_artifacts *out, struct build_run *run,
			   const struct build_wants *w, struct err *err);
void build_artifacts_release(struct build_artifacts *a);

#endif
