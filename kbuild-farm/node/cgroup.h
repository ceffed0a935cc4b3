/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/cgroup.h - what control groups leave of this machine.
 *
 * Read are cgroup v2 (cpu.max, memory.max, pids.max) and v1 (cpu.cfs_quota_us,
 * memory.limit_in_bytes, pids.max), the group of this process and all above it:
 * the tightest limit counts.
 */
#ifndef NODE_CGROUP_H
#define NODE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct node_cgroup {
	uint32_t cpu_milli; /* thousandths of a core, 0: not limited */
	uint64_t memory; /* bytes that may be used, 0: not limited */
	uint64_t memory_free; /* of these, what is left; caches count as free */
	bool tasks_limited;
	uint64_t tasks_free; /* then: processes and threads that may be added */
};

/* `root` stands before /proc and /sys: "" but for tests. */
void node_cgroup_read(struct node_cgroup *out, const char *root);

#endif
