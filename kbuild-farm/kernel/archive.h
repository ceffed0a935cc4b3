/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/archive.h - the archives that make's own installations become, and
 * what each is made from.
 */
#ifndef KERNEL_ARCHIVE_H
#define KERNEL_ARCHIVE_H

#include "base/digest.h"
#include "kernel/run.h"
#include "kernel/stamps.h"

struct kernel_archive {
	const char *goal; /* "modules" */
	const char *file; /* "modules.tar.xz" */
	const char *target, *variable; /* modules_install, INSTALL_MOD_PATH */
	const char *below; /* of the stage: what the variable gets */
	const char *top; /* of the stage: what is packed */
	/* Adds what only this one is made from; false: that cannot be told. */
	bool (*inputs)(struct kernel_stamps *s, const struct kernel_plan *p);
};

/* "modules", "dtbs" or "headers"; else NULL. */
const struct kernel_archive *kernel_archive_find(const char *goal);
/*
 * The digest of all that it is made from as it is now: files by their stamps,
 * make's settings, programs.  False: it must be made again, as something of it
 * changed within the last tick of the clock, or cannot be known.
 */
bool kernel_archive_key(const struct kernel_archive *a,
			const struct kernel_run *run, struct digest *out);
/* The same for what `make image_name` says. */
bool kernel_archive_image_key(const struct kernel_plan *p, struct digest *out);
/* The modules of this build, as paths in the build directory. */
void kernel_archive_modules(const struct kernel_plan *p, struct strv *out);
/* The time stamp of all that is packed: seconds since 1970. */
long long kernel_archive_time(const struct kernel_plan *p);

#endif
