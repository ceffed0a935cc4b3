/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/unseen.h - compilers that a command runs past kfarm-cc.
 *
 * One that is called by its path is none of the links, and nothing tells of
 * it.  But like all that the command starts it inherits KFARM_SOCKET, with the
 * socket of this run, and kfarm-cc takes that out of the environment of each
 * compiler that it runs.  So a process with a compile for its command line that
 * a node could do, and with that variable, was not started by kfarm-cc.
 *
 * Looking is a sample: what it finds is so, but a compile that begins and ends
 * between two looks is not found.  It takes some ms with 1,000 processes.
 */
#ifndef KERNEL_UNSEEN_H
#define KERNEL_UNSEEN_H

#include "base/str.h"

/* So many compilers are named. */
#define KERNEL_UNSEEN_MAX 4

struct kernel_unseen {
	char *variable; /* "KFARM_SOCKET=...", NULL: nothing to look for */
	struct strv compilers; /* as they were called, each once */
};

/* `socket` is the coordinator's. */
void kernel_unseen_init(struct kernel_unseen *u, const char *socket);
/* Look at this user's processes; adds to u->compilers. */
void kernel_unseen_look(struct kernel_unseen *u);
void kernel_unseen_release(struct kernel_unseen *u);

#endif
