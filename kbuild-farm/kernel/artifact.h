/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/artifact.h - Collection of build results into the output directory.
 *
 * The results are config, the images, System.map, vmlinux, packages, and
 * archives that are byte-equal if their contents are equal:
 *
 *	modules.tar.xz	lib/modules/... from `make modules_install`
 *	dtbs.tar.xz	dtbs/... from `make dtbs_install`
 *	headers.tar.xz	./include/... from `make headers_install`
 *	kselftest.tar.xz, perf.tar.xz ... (struct kernel_goal_recipe)
 *
 * The first three archives are cached.  kfarm runs the install target and packs
 * its archive only if the cache has no archive for the same inputs (struct
 * kernel_archive).
 */
#ifndef KERNEL_ARTIFACT_H
#define KERNEL_ARTIFACT_H

#include "base/err.h"
#include "base/str.h"
#include "kernel/internal.h"
#include "kernel/target-outputs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Sizes in bytes, counted as size(1) does in its Berkeley format. */
struct kernel_elfsize {
	uint64_t text_bytes; /* code and read-only data */
	uint64_t data_bytes;
	uint64_t bss_bytes;
	uint64_t file_bytes;
};

/*
 * Read the sizes of the ELF file `path`.  Returns 0, -ENOEXEC if it is not a
 * valid ELF file, or another negative errno.
 */
int kernel_elfsize_read(struct kernel_elfsize *out, const char *path);

/*
 * Pack the directory `name` below `dir` into the .tar.xz file `out`.  The bytes
 * depend on the contents alone, not on the user or the time.  To this end, the
 * entries are sorted by name, owned by root, dated `when` (seconds since 1970),
 * readable by all, and executable by all if their owner may execute them.  In
 * addition, liblzma compresses blocks of a fixed size.  The symbolic links
 * lib/modules/VERSION/build and lib/modules/VERSION/source are omitted, because
 * they lead to directories of the build host.  `out` is renamed into place when
 * it is complete.  The names of all entries except directories are appended to
 * `names`, which may be NULL.
 *
 * Returns 0, -ECANCELED soon after *cancel becomes true, or another negative
 * errno.
 */
int kernel_artifact_write_tar(const char *dir, const char *name, long long when,
			      const char *out, struct strv *names,
			      const atomic_bool *cancel, struct err *err);

/* A file that is in the output directory or will be created there. */
struct kernel_artifact {
	char *goal; /* target that produces it: "modules" */
	char *file; /* name in the output directory */
	/* file to copy, or the parent directory of packed_dir */
	char *source_path;
	char *packed_dir; /* directory to pack; NULL to copy a file */
	bool present; /* the file is in the output directory */
	bool moved; /* remove source_path after the copy */
	struct strv archive_names; /* entries of an archive */
};

struct kernel_artifact_size {
	char *name; /* "vmlinux", "arch/arm64/boot/Image", "fs/ext4/ext4.ko" */
	struct kernel_elfsize size; /* only file_bytes is set for images */
};

struct kernel_artifacts {
	struct kernel_artifact *v;
	size_t n;
	/* sizes of vmlinux, of the images, and of the modules, in this order */
	struct kernel_artifact_size *sizes;
	size_t n_sizes;
	unsigned n_packed, n_cached; /* archives packed, archives reused */
	/* address of _text in System.map, "0x...", or NULL */
	char *text_offset;
	uint64_t build_dir_bytes; /* disk usage of the build directory */
};

/* Plan to copy the file `from` to the output directory as `file`. */
void kernel_artifact_add_copy(struct kernel_artifacts *a, const char *goal,
			      const char *from, const char *file);
/* Move the file that was added last instead of copying it. */
void kernel_artifact_mark_moved(struct kernel_artifacts *a);
/* Plan an archive `file` of the directory `top` below `dir`. */
void kernel_artifact_add_archive(struct kernel_artifacts *a, const char *goal,
				 const char *dir, const char *top,
				 const char *file);
/*
 * Return the path of the goal's staging directory for installations.  The
 * caller frees it.
 */
char *kernel_artifact_stage_dir(const struct kernel_build_state *run,
				const char *goal);
/*
 * Collect the outputs that `w` lists, and the files already planned in `out`.
 * Modules, device trees and headers are first installed into temporary staging
 * directories.  Then all archives are packed and all other files are copied.
 * Returns 0; the exit status of a failed `make modules_install` or similar; or
 * a negative errno with `err` set.
 */
int kernel_artifact_collect(struct kernel_artifacts *out,
			    struct kernel_build_state *run,
			    const struct kernel_target_outputs *w,
			    struct err *err);
/* Return the sizes of the file `name`, or NULL if `a` has no such file. */
const struct kernel_elfsize *kernel_artifact_find_size(
	const struct kernel_artifacts *a, const char *name);
/* Free the lists and names. The files stay. */
void kernel_artifacts_release(struct kernel_artifacts *a);

#endif
