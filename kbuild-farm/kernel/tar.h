/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/tar.h - archives that are equal when their contents are.
 */
#ifndef KERNEL_TAR_H
#define KERNEL_TAR_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Pack the directory `name` below `dir` into the .tar.xz file `out`: sorted
 * by name, owned by 0, no file newer than `latest` (seconds since 1970).
 * The links lib/modules/VERSION/build and source are left out: they point
 * into the build host.  `out` appears whole or not at all.
 *
 * Returns 0, -ECANCELED soon after *cancel became true, or a negative errno.
 */
int kernel_tar_xz(const char *dir, const char *name, long long latest,
		  const char *out, const atomic_bool *cancel, struct err *err);

#endif
