/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/cgroup.h - memory and processor time of a whole cell, by control group,
 * where we may make one below our own: v1 as the superuser; v2 where the
 * controllers are delegated to us.
 */
#ifndef CELL_CGROUP_H
#define CELL_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

struct cell_cgroup;

/*
 * A group with these limits (0: none) that holds `pid` and all that it will
 * start.  NULL where that is not to be had, or nothing is to be limited.
 */
struct cell_cgroup *cell_cgroup_new(pid_t pid, uint64_t memory_bytes,
				    uint32_t cpu_percent);
/* "cgroup-v1" or "cgroup-v2". */
const char *cell_cgroup_name(const struct cell_cgroup *g);
/*
 * Forgets it.  The group itself goes with the next call of either function
 * that finds it empty.  NULL is nothing.
 */
void cell_cgroup_free(struct cell_cgroup *g);

#endif
