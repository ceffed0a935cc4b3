/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/program.h - the static kfarmd that a node of some architecture is given.
 *
 * They are made by `make nodes`, and lie as nodes/kfarmd-HOST beside the kfarm
 * that was built, as ../lib/kfarm/nodes/kfarmd-HOST beside an installed one.
 */
#ifndef NODE_PROGRAM_H
#define NODE_PROGRAM_H

#include "base/err.h"

/*
 * What lies there for `host`, a machine as compiler_host_published() names it:
 * "x86_64", "arm64", "arm", "riscv64".  The one for "arm" is of Debian's armhf:
 * ARMv7 with an FPU, so an armv6l cannot run it.
 *
 * Returns 0 and *path, the caller's to free; -ENOENT when there is none,
 * -EINVAL when what lies there is no static program for `host`; `err` says what
 * to do.
 */
int node_program_find(const char *host, char **path, struct err *err);

/* The same beside another kfarm than the one that runs: its absolute path. */
int node_program_find_beside(const char *kfarm, const char *host, char **path,
			     struct err *err);

#endif
