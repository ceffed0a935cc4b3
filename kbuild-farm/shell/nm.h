/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/nm.h - what kbuild asks nm(1) of each object that it made, answered
 * from the object itself:
 *
 *	nm FILE 2>/dev/null | grep -q __ksymtab		(and its like)
 *	scripts/check-local-export FILE			(that of Linux 6.1)
 *
 * The second only as long as it would say nothing.
 */
#ifndef SHELL_NM_H
#define SHELL_NM_H

#include "shell/node.h"

#include <stdbool.h>

struct shell;

/* Is that the pipeline?  Then *status is grep's; false: it is to be run. */
bool shell_nm_pipe(struct shell *sh, const struct shell_node *pipe,
		   int *status);
/* Is argv[0] that script?  Then *status is its own; false: it is to be run. */
bool shell_nm_script(struct shell *sh, char *const *argv, int *status);

#endif
