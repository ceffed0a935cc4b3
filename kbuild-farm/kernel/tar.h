/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/tar.h - archives that are equal when their contents are.
 */
#ifndef KERNEL_TAR_H
#define KERNEL_TAR_H

#include "base/err.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Pack the directory `name` below `dir` into the .tar.xz file `out`, of whose
 * bytes nothing depends on who packs where and when: entries are sorted by
 * name, owned by 0, dated `when` (seconds since 1970), and may be read by all,
 * and run where their owner may run them.  xz(1) packs blocks of a fixed size
 * on threads of a fixed number.
 * The links lib/modules/VERSION/build and source are left out: they point
 * into the build host.  `out` appears whole or not at all.  What is in it but
 * directories is added to `names`, which may be NULL.
 *
 * Returns 0, -ECANCELED soon after *cancel became true, or a negative errno.
 */
int kernel_tar_xz(const char *dir, const char *name, long long when,
		  const char *out, struct strv *names,
		  const atomic_bool *cancel, struct err *err);

#endif
