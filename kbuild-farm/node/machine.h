/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/machine.h - what this machine is: the body of MACHINE.
 *
 * Sources beside those of node/cores.h, node/cgroup.h and node/health.h:
 *	model		/proc/device-tree/model (Documentation/ABI/testing/
 *			sysfs-firmware-ofw), else /sys/class/dmi/id
 *	id		/etc/machine-id (machine-id(5))
 *	abis		uname -m; of 32 bits where /proc/sys/abi has what only
 *			a kernel that runs them has (admin-guide/sysctl/abi.rst,
 *			arch/arm64/legacy_instructions.rst)
 *	macs		/sys/class/net/CARD/{address,type,device}
 *			(Documentation/ABI/testing/sysfs-class-net)
 *	passive_mk	/sys/class/thermal/thermal_zoneN/trip_point_M_{type,
 *			temp} (driver-api/thermal/sysfs-api.rst)
 */
#ifndef NODE_MACHINE_H
#define NODE_MACHINE_H

#include "node/sys.h"
#include "wire/msg-machine.h"

/*
 * Fills all but `store_mib`, `toolchains` and `health`, which is all unknown;
 * wire_machine_release() it.  `root` stands before every path: "" but in tests.
 * *cpus: as node_cores_read().
 */
void node_machine_collect(struct wire_machine *m, struct node_cpus **cpus,
			  const char *root);

#endif
