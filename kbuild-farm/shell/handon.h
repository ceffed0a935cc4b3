/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/handon.h - a script that is not known for certain, done by /bin/sh.
 */
#ifndef SHELL_HANDON_H
#define SHELL_HANDON_H

#include "base/bytes.h"
#include "shell/why.h"

/*
 * Become /bin/sh as make would have started it with argv[1] and what follows:
 * under that name, without what make has from kfarm, unless `script` starts
 * make itself perhaps.  It is counted.  Nothing may have been done before.
 * Returns only when that fails, having said so: the exit status.
 */
int shell_handon(char **argv, struct bytes script, enum shell_why why);

#endif
