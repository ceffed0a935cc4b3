/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/clean.h - Removal of old output directories after a build.
 */
#ifndef CLI_CLEAN_H
#define CLI_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Remove the default output directories that kernel/cleanup.h selects if
 * n_kept_builds is `n_kept`, except those with the number `first` or higher.
 * Logs the numbers of the removed directories if there is more than one and
 * `quiet` is false, and a warning for each error.
 */
void clean_old_outputs(unsigned n_kept, int64_t first, bool quiet);

#endif
