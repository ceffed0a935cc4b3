/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/health.h - how this machine does: heat, throttling, load that is not
 * ours, as a plain reading of /proc and /sys tells.
 *
 * Heat is /sys/class/thermal/thermal_zone*'s temp (thousandths of a degree
 * Celsius, Documentation/driver-api/thermal/sysfs-api.rst).  Throttling shows
 * in /sys/devices/system/cpu/cpufreq/policy*: cooling devices lower
 * scaling_max_freq below cpuinfo_max_freq (Documentation/admin-guide/pm/
 * cpufreq.rst).  Load is what /proc/stat (proc(5)) counts as busy, without the
 * CPU time of our own jobs.
 */
#ifndef NODE_HEALTH_H
#define NODE_HEALTH_H

#include "wire/msg.h"

/* What was read last; a zeroed one has read nothing yet. */
struct node_health {
	uint64_t read_ms; /* when */
	uint64_t busy_ms; /* CPU time of the machine until then */
	uint64_t ours_ms; /* of our jobs until then */
	struct wire_health now;
};

/*
 * Read it again, if that was more than 0.9 s ago.  `ours_ms` is the CPU time
 * of all our jobs so far, `root` is in front of /proc and /sys: "" but in
 * tests.  What this machine does not tell is WIRE_HEALTH_UNKNOWN in h->now.
 */
void node_health_read(struct node_health *h, uint64_t now_ms, uint64_t ours_ms,
		      const char *root);

#endif
