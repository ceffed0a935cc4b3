/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/script.h - one script, from its text to its end.
 */
#ifndef SHELL_SCRIPT_H
#define SHELL_SCRIPT_H

#include "shell/why.h"

#include <stdbool.h>

struct shell_script {
	const char *text;
	const char *name; /* $0 */
	bool errexit; /* -e */
	bool nounset; /* -u */
	/* Where make started it: lines without a shell's work are make's. */
	bool by_make;
};

/*
 * Run it with the environment `env`, in this process, which may become one of
 * its programs.  Returns its status; -ENOTSUP with the
 * reason, and nothing is done: /bin/sh is to have it.
 */
int shell_script_run(const struct shell_script *script, char **env,
		     enum shell_why *why);

/* Only look whether it would be run: 0 or -ENOTSUP. */
int shell_script_check(const struct shell_script *script, char **env,
		       enum shell_why *why);

#endif
