/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/cache.h - /etc/ld.so.cache, where glibc's loader looks libraries
 * up; see glibc's dl-cache.h for the format.
 */
#ifndef COMPILER_CACHE_H
#define COMPILER_CACHE_H

#include "base/bytes.h"

/*
 * The `n`th file (from 0) that the cache names for library `name`, in the
 * order of the cache, or NULL: there are no more, or the cache is broken.
 * Those for certain processors alone (glibc-hwcaps) are passed over: each
 * has a plain one beside it.  Libraries of all machines are in one cache, so
 * the caller looks at the file.  Borrowed from `cache`.
 */
const char *compiler_cache_find(struct bytes cache, const char *name, size_t n);

#endif
