/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/series-key.h - Keys of comparable builds.
 *
 * The key of a build is the SHA-256 of the tree (the name of a managed tree,
 * else the directory), the architecture, the requested configuration, the
 * toolchain, the targets, the settings for make, the variables of -e, and the
 * name of the nightly job.  Without -k, the build can use the .config of the
 * build directory.  The key then also covers this directory, unless it is a
 * default directory.  The paths in the key are canonical, so that all paths of
 * a directory lead to the same key.  The key of a user command is the SHA-256
 * of the working directory, the command, and the requested architecture and
 * toolchain.  The commit, -j, the nodes, the output directory and the verbosity
 * do not change a key.
 */
#ifndef KERNEL_SERIES_KEY_H
#define KERNEL_SERIES_KEY_H

#include "base/digest.h"
#include "kernel/plan.h"
#include "kernel/user-command.h"

/*
 * Format the key of a build as 64 hexadecimal digits.  `toolchain_id` is the
 * result of kernel_plan_toolchain_id().
 */
void kernel_series_key_of_plan(const struct kernel_plan *p,
			       const char *toolchain_id,
			       char out[static DIGEST_HEX]);
/* Format the key of a user command as 64 hexadecimal digits. */
void kernel_series_key_of_command(const struct kernel_user_command *c,
				  char out[static DIGEST_HEX]);
/*
 * Return a name that identifies the compiler: the id of the installed
 * toolchain; else a name such as "gcc-12.2.0-0123456789ab", with digits of the
 * driver's SHA-256; or a name such as "gcc-12.2.0" if CC has several words.
 * The function reads the whole driver.  The caller frees the name.
 */
char *kernel_plan_toolchain_id(const struct kernel_plan *p);

#endif
