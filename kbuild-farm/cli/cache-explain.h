/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cache-explain.h - Explanation of misses, for `kfarm cache explain`. */
#ifndef CLI_CACHE_EXPLAIN_H
#define CLI_CACHE_EXPLAIN_H

#include "cache/cache.h"

/*
 * For each source or object of the NULL-terminated list `names`, print whether
 * its compile is known, and the differences from the nearest other compile.
 * `build` is the build directory.  Logs errors.  Returns the exit status.
 */
int cli_cache_explain(struct cache *cache, const char *build,
		      char *const *names);

#endif
