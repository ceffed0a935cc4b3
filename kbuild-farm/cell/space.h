/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/space.h - the namespaces of a cell and its root.
 *
 * What runs here runs in a fork of a program with threads: system calls only,
 * and snprintf() of numbers; no allocation, no locks.
 */
#ifndef CELL_SPACE_H
#define CELL_SPACE_H

#include "cell/msg.h"

#include <stdint.h>

struct cell_space_limits {
	uint64_t view_bytes;
	uint32_t view_files;
};

/*
 * First part, behind cell_user_enter(): enter the new namespaces; the PID
 * namespace begins with our next child.  Returns 0, or a negative errno with
 * what failed in `m`.
 */
int cell_space_enter(struct cell_msg *m);

/*
 * Second part, as PID 1: the tmpfs, the device nodes, pivot_root.  Returns 0
 * with the descriptors of the view's root and of the stage, or as above.
 */
int cell_space_build(const struct cell_space_limits *limits, int *root,
		     int *stage, struct cell_msg *m);

/* No handler, nothing ignored, nothing blocked. */
void cell_space_reset_signals(void);
/* Mount a tmpfs of bounded size, whose mode is 0755, as mount(2) returns. */
int cell_space_tmpfs(const char *name, const char *at, unsigned long flags,
		     uint64_t bytes, uint32_t files);
/* Say in `m` what failed: -errno. */
int cell_space_fail(struct cell_msg *m, const char *layer, const char *what);

#endif
