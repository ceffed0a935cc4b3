/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine/machine.h - Inventory of this machine for HELLO and MACHINE messages.
 *
 * `root` precedes every path; it is "" except in tests.
 *
 * A core class consists of CPUs with the same properties.  In
 * /sys/devices/system/cpu, `present` lists the CPUs; their properties are in
 * cpuN/cpu_capacity, cpuN/cpufreq/cpuinfo_max_freq and scaling_governor, and
 * cpuN/topology/thread_siblings_list (sysfs-devices-system-cpu in
 * Documentation/ABI/stable and testing; admin-guide/pm/cpufreq.rst).  The model
 * of a CPU is in /proc/cpuinfo.  For ARM, "CPU part" is the part number of the
 * MIDR register (arch/arm64/include/asm/cputype.h).
 *
 * Other sources, in addition to machine/cgroup.h and machine/health.h:
 *
 *	model		/proc/device-tree/model (Documentation/ABI/testing/
 *			sysfs-firmware-ofw), else /sys/class/dmi/id
 *	machine_id	/etc/machine-id (machine-id(5)), else
 *			/var/lib/dbus/machine-id
 *	abis		uname -m; also the 32-bit ABI if the kernel supports
 *			the ABI, which an entry in /proc/sys/abi shows
 *			(admin-guide/sysctl/abi.rst,
 *			arch/arm64/legacy_instructions.rst)
 *	macs		/sys/class/net/CARD/{address,type,device}
 *			(Documentation/ABI/testing/sysfs-class-net)
 *	passive_mk	/sys/class/thermal/thermal_zoneN/trip_point_M_{type,
 *			temp} (driver-api/thermal/sysfs-api.rst)
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "machine/sys.h"
#include "wire/msg.h"

/*
 * Fill all members except `compilers` and `slots`.  The caller releases *inv
 * with wire_inventory_release().
 */
void machine_inventory_collect(struct wire_inventory *inv, const char *root);
/*
 * Read the available memory in MiB and the one-minute load average times 1000.
 * Returns false, with both unchanged, if /proc/meminfo cannot be read.
 */
bool machine_inventory_read_load(uint32_t *available_mib, uint32_t *load_milli,
				 const char *root);

/* Memory and load of the last reading. */
struct machine_load {
	uint64_t read_ms; /* 0: not read yet */
	uint32_t available_mib, load_milli;
};

/*
 * Read memory and load, unless the last reading is less than 0.9 s old at
 * `now_ms`.  available_mib and load_milli do not change if the reading fails.
 */
void machine_load_update(struct machine_load *l, uint64_t now_ms,
			 const char *root);

/*
 * Fill all members except store_mib and n_toolchains; every value of `health`
 * is WIRE_HEALTH_UNKNOWN.  The caller releases *m with wire_machine_release().
 * If `cpus` is not NULL, *cpus receives an array with the CPUs of each class,
 * which the caller frees.
 */
void machine_collect(struct wire_machine *m, struct machine_cpus **cpus,
		     const char *root);
/* Return true if the CPUs of both classes have the same properties. */
bool machine_is_same_class(const struct wire_core_class *a,
			   const struct wire_core_class *b);

#endif
