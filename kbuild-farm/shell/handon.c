/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/handon.h"

#include "shell/counts.h"
#include "shell/hidden.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REAL "/bin/sh"

int shell_handon(char **argv, struct bytes script, enum shell_why why)
{
	int code;

	shell_counts_add_handed(why, script);
	if (!shell_hidden_has_make(script))
		shell_hidden_clean(environ);
	argv[0] = (char *)REAL;
	execve(REAL, argv, environ);
	code = errno;
	dprintf(STDERR_FILENO, REAL ": %s\n", strerror(code));
	return code == ENOENT ? 127 : 126;
}
