/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine/cgroup.h - Limits of the control groups of this process.
 *
 * Reads cgroup v2 (cpu.max, memory.max, pids.max) and v1 (cpu.cfs_quota_us,
 * memory.limit_in_bytes, pids.max) of the group of this process and of all its
 * ancestors.  The tightest limit applies.
 */
#ifndef MACHINE_CGROUP_H
#define MACHINE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct machine_cgroup {
	uint32_t cpu_milli; /* thousandths of a core, 0: unlimited */
	uint64_t memory_bytes; /* limit in bytes, 0: unlimited */
	/* bytes left below the limit; inactive page cache counts as free */
	uint64_t free_bytes;
	bool tasks_limited;
	/* if limited: processes and threads that can be added */
	uint64_t n_free_tasks;
};

/*
 * Read the limits.  `root` precedes /proc and /sys; it is "" except in tests.
 */
void machine_cgroup_read(struct machine_cgroup *out, const char *root);

#endif
