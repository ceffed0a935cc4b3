/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/key.h - which builds are comparable: their warnings, sizes and the
 * time that they take.
 *
 * A key is SHA-256 over the tree (the name of a managed one, else its
 * directory), architecture, configuration as it was asked for, toolchain,
 * targets, and what make is given besides; of a command of the user's over the
 * working directory, the command and the toolchain that was asked for.  The
 * commit has no part in it, nor have -j, the nodes, the output directory and
 * how much is shown.  A build directory has one where the configuration is what
 * lies in it.
 */
#ifndef KERNEL_KEY_H
#define KERNEL_KEY_H

#include "base/digest.h"
#include "kernel/plan.h"
#include "kernel/user-command.h"

/* 64 hexadecimal digits. */
void kernel_plan_key(const struct kernel_plan *p, char out[static DIGEST_HEX]);
void kernel_user_command_key(const struct kernel_user_command *c,
			     char out[static DIGEST_HEX]);
/*
 * What tells a compiler from all others: the id of an installed toolchain, else
 * "gcc-12.2.0-0123456789ab" with digits of its driver's SHA-256, without them
 * where CC is several words.  The caller frees it.
 */
char *kernel_plan_toolchain_id(const struct kernel_plan *p);
/* Was nothing of the kernel compiled in the build directory yet? */
bool kernel_plan_is_fresh(const struct kernel_plan *p);

#endif
