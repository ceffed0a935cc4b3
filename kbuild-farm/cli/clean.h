/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/clean.h - Removal of old output directories after a build.
 */
#ifndef CLI_CLEAN_H
#define CLI_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Remove default output directories except the newest `n_kept` and those with
 * the number `first` or a higher one.  Logs the number of directories if there
 * is more than one and `quiet` is false, and a warning for each error.
 */
void clean_old_outputs(unsigned n_kept, int64_t first, bool quiet);

#endif
