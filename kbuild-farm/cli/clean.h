/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/clean.h - Removal of old output directories after a build.
 */
#ifndef CLI_CLEAN_H
#define CLI_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Remove old default output directories, except the newest `n_kept` (see
 * n_kept_builds in kernel/cleanup.h) and those numbered `first` or higher.
 * Logs a warning for each error.  If several directories were removed and
 * `quiet` is false, logs their numbers.
 */
void clean_old_outputs(unsigned n_kept, int64_t first, bool quiet);

#endif
