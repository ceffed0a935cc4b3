/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/cgroup.h - memory and processor time of a whole cell, by control group,
 * where we may make one below our own: v1 as the superuser, v2 where the
 * controllers are delegated to us (or we are in the root of the hierarchy).
 */
#ifndef CELL_CGROUP_H
#define CELL_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

struct cell_cgroup;

/*
 * A group with these limits (0: none) that holds `pid` and all that it will
 * start.  NULL where that is not to be had in full, or nothing is to be
 * limited.  Empty groups that others of us left behind are removed.
 */
struct cell_cgroup *cell_cgroup_new(pid_t pid, uint64_t memory_bytes,
				    uint32_t cpu_percent);
/* "cgroup-v1" or "cgroup-v2". */
const char *cell_cgroup_name(const struct cell_cgroup *g);
/*
 * Forgets it.  A group that still has processes is left to the next
 * cell_cgroup_new().  NULL is nothing.
 */
void cell_cgroup_free(struct cell_cgroup *g);

#endif
