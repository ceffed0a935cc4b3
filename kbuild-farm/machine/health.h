/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine/health.h - Temperature, throttling, pressure and other load of a
 * node.
 *
 *	temperature	`temp` of /sys/class/thermal/thermal_zone*, in
 *			thousandths of a degree Celsius
 *			(driver-api/thermal/sysfs-api.rst)
 *	cooling		cur_state relative to max_state of each
 *			/sys/class/thermal/cooling_device* that slows down CPUs
 *			(driver-api/thermal/sysfs-api.rst, cpu-cooling-api.rst)
 *	throttling	scaling_max_freq relative to cpuinfo_max_freq of each
 *			/sys/devices/system/cpu/cpufreq/policy*
 *			(admin-guide/pm/cpufreq.rst)
 *	pressure	/proc/pressure (accounting/psi.rst), since Linux 4.20
 *	other load	busy time of the usable CPUs in /proc/stat (proc(5))
 *			minus the CPU time of kfarmd's jobs
 *
 * Cooling lowers scaling_max_freq, but some vendor kernels take CPUs offline
 * instead.
 *
 * machine_health_read() runs every second, also on small boards.  It therefore
 * searches for sensors only once a minute.
 */
#ifndef MACHINE_HEALTH_H
#define MACHINE_HEALTH_H

#include "base/str.h"
#include "machine/sys.h"
#include "wire/msg.h"

/* The last reading; all zero before the first reading. */
struct machine_health {
	uint64_t read_ms; /* time of the reading */
	struct machine_cpus usable; /* the usable CPUs at read_ms */
	uint64_t busy_cpu_ms; /* busy time of the usable CPUs at read_ms */
	uint64_t job_cpu_ms; /* CPU time of kfarmd's jobs at read_ms */
	uint64_t searched_ms; /* time of the last search for sensors */
	struct strv zones, coolers, policies; /* names of the sensors */
	struct wire_health current;
};

/*
 * Update h->current if it is older than 0.9 s.  `job_cpu_ms` is the CPU time of
 * all jobs of kfarmd so far.  `root` precedes /proc and /sys; it is "" except
 * in tests.  Values that the machine does not provide become
 * WIRE_HEALTH_UNKNOWN.  store_mib becomes WIRE_HEALTH_UNKNOWN as well; the
 * caller fills it afterwards.
 */
void machine_health_read(struct machine_health *h, uint64_t now_ms,
			 uint64_t job_cpu_ms, const char *root);
/* Free the names of the sensors. */
void machine_health_release(struct machine_health *h);
/*
 * Read the throttling of each of `n` CPU classes, where cpus[i] has the CPUs of
 * class i, and the temperature of each thermal zone.  machine_health_read(),
 * which finds the sensors, must have been called before.  The caller releases
 * *out with wire_heat_release().
 */
void machine_health_read_heat(const struct machine_health *h,
			      struct wire_heat *out,
			      const struct machine_cpus *cpus, unsigned n,
			      const char *root);

#endif
