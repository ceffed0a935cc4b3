/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/cores.h - the CPUs of this machine, those that are alike together.
 *
 * Sources: /sys/devices/system/cpu/present, cpuN/cpu_capacity, cpuN/cpufreq/
 * cpuinfo_max_freq and scaling_governor, cpuN/topology/thread_siblings_list
 * (Documentation/ABI/testing/sysfs-devices-system-cpu and stable/; and
 * admin-guide/pm/cpufreq.rst); the model by /proc/cpuinfo, whose "CPU part" is
 * that of ARM's MIDR (arch/arm64/include/asm/cputype.h).
 */
#ifndef NODE_CORES_H
#define NODE_CORES_H

#include "node/sys.h"
#include "wire/msg-machine.h"

/*
 * The strongest first: by capacity, then by clock.  At most WIRE_CLASSES; what
 * is beyond counts to the last.  The caller frees each model, governor, and
 * the list: wire_machine_release() does.  *cpus (NULL: not asked) has the CPUs
 * of each class; the caller frees it.
 */
void node_cores_read(struct wire_machine *m, struct node_cpus **cpus,
		     const char *root);

#endif
