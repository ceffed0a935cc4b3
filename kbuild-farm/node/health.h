/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/health.h - how this machine does: heat, throttling, load that is not
 * ours, as a plain reading of /proc and /sys tells.
 *
 * Heat is /sys/class/thermal/thermal_zone*'s temp (thousandths of a degree
 * Celsius), how far it slows the CPUs the cur_state of max_state of those
 * cooling_device* whose type is of a CPU (driver-api/thermal/sysfs-api.rst,
 * cpu-cooling-api.rst).  Throttling shows in /sys/devices/system/cpu/cpufreq/
 * policy*: what cools lowers scaling_max_freq below cpuinfo_max_freq
 * (admin-guide/pm/cpufreq.rst); some vendors' kernels take CPUs offline
 * instead.  Load is what /proc/stat (proc(5)) counts as busy, without the CPU
 * time of our own jobs.  Pressure is /proc/pressure (accounting/psi.rst), from
 * Linux 4.20 on.
 *
 * It is read each second on boards with little to spare: each file is opened,
 * read in one piece and closed, and nothing is searched for that was not there
 * when it was looked for last, a minute ago at most.
 */
#ifndef NODE_HEALTH_H
#define NODE_HEALTH_H

#include "base/str.h"
#include "node/sys.h"
#include "wire/msg-machine.h"

/* What was read last; a zeroed one has read nothing yet. */
struct node_health {
	uint64_t read_ms; /* when */
	uint64_t busy_ms; /* CPU time of the machine until then */
	uint64_t ours_ms; /* of our jobs until then */
	uint64_t looked_ms; /* when the sensors were looked for */
	struct strv zones, coolers, policies; /* their names */
	struct wire_health now;
};

/*
 * Read it again, if that was more than 0.9 s ago.  `ours_ms` is the CPU time
 * of all our jobs so far, `root` is in front of /proc and /sys: "" but in
 * tests.  What this machine does not tell is WIRE_HEALTH_UNKNOWN in h->now, and
 * so is `store_mib`, which is the caller's to know.
 */
void node_health_read(struct node_health *h, uint64_t now_ms, uint64_t ours_ms,
		      const char *root);
void node_health_release(struct node_health *h);
/*
 * The same of each of `n` classes, whose CPUs are in `cpus`, and of each
 * thermal zone, read now; h was read before.  wire_heat_release() it.
 */
void node_health_heat(const struct node_health *h, struct wire_heat *out,
		      const struct node_cpus *cpus, unsigned n,
		      const char *root);

#endif
