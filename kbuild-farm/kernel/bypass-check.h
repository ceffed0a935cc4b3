/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/bypass-check.h - Detection of compilers that bypass kfarm-cc.
 *
 * A compiler that a command calls by its path is not one of the masquerade
 * links.  Like every process of the command it inherits KFARM_SOCKET with the
 * socket of this run, and kfarm-cc removes that variable from the environment
 * of each compiler that it runs.  A process with that variable whose command
 * line is an offloadable compile was therefore not started by kfarm-cc.
 *
 * A scan is a sample: it never reports a compiler wrongly, but it misses a
 * compile that starts and ends between two scans.  A scan takes a few
 * milliseconds with 1,000 processes.
 */
#ifndef KERNEL_BYPASS_CHECK_H
#define KERNEL_BYPASS_CHECK_H

#include "base/str.h"

/* Maximum number of compilers that are reported. */
#define KERNEL_BYPASS_CHECK_MAX 4

struct kernel_bypass_check {
	char *variable; /* "KFARM_SOCKET=..."; NULL before the init */
	struct strv compilers; /* distinct argv[0] of the compilers found */
};

/* Start checking. `socket` is the path of the coordinator's socket. */
void kernel_bypass_check_init(struct kernel_bypass_check *u,
			      const char *socket);
/* Scan the user's processes and append to u->compilers. */
void kernel_bypass_check_scan(struct kernel_bypass_check *u);
/* Free the variable and the list. */
void kernel_bypass_check_release(struct kernel_bypass_check *u);

#endif
