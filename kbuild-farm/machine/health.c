/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine/health.h"

#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIN_INTERVAL_MS   900
#define SENSOR_SEARCH_MS  60000
#define STALE_MS          10000 /* load unknown if the last reading is older */
#define VALID_MIN_MC      (-100000) /* absent sensors report this or less */
#define VALID_MAX_MC      200000
#define MILLI             1000
#define THERMAL_CLASS_DIR "/sys/class/thermal"
#define CPUFREQ_DIR       "/sys/devices/system/cpu/cpufreq"
#define POLICY_PREFIX     "policy"

/*
 * Return true if a cooling device of this type slows down CPUs.  Such types are
 * "cpufreq-cpu0" and "idle-cpu0" (in older kernels "thermal-cpufreq-0" and
 * "thermal-idle-0") and, with ACPI, "Processor".
 */
static bool cools_cpus(const char *type)
{
	return str_starts(type, "cpu") || str_starts(type, "thermal-cpufreq") ||
	       str_starts(type, "idle-cpu") ||
	       str_starts(type, "thermal-idle") ||
	       str_starts(type, "Processor");
}

static void find_sensors(struct machine_health *h, uint64_t now_ms,
			 const char *root)
{
	struct strv all = { 0 };

	if (h->searched_ms && now_ms < h->searched_ms + SENSOR_SEARCH_MS)
		return;
	machine_health_release(h);
	h->searched_ms = now_ms;
	machine_sys_list_dir(root, THERMAL_CLASS_DIR, "thermal_zone",
			     &h->zones);
	machine_sys_list_dir(root, CPUFREQ_DIR, POLICY_PREFIX, &h->policies);
	machine_sys_list_dir(root, THERMAL_CLASS_DIR, "cooling_device", &all);
	for (size_t i = 0; i < all.n; i++) {
		char *type = machine_sys_read_text(
			root, THERMAL_CLASS_DIR "/%s/type", all.v[i]);

		if (type && cools_cpus(type))
			strv_add(&h->coolers, all.v[i]);
		free(type);
	}
	strv_release(&all);
}

void machine_health_release(struct machine_health *h)
{
	strv_release(&h->zones);
	strv_release(&h->coolers);
	strv_release(&h->policies);
}

/* Return the temperature in thousandths of a kelvin, or WIRE_HEALTH_UNKNOWN. */
static uint32_t read_zone_mk(const char *root, const char *zone)
{
	int64_t mc;

	if (!machine_sys_read_number(root, &mc, THERMAL_CLASS_DIR "/%s/temp",
				     zone))
		return WIRE_HEALTH_UNKNOWN;
	mc = machine_sys_to_millicelsius(mc);
	return mc > VALID_MIN_MC && mc < VALID_MAX_MC ?
		       (uint32_t)(mc + WIRE_ZERO_CELSIUS_MK) :
		       WIRE_HEALTH_UNKNOWN;
}

static uint32_t read_hottest_mk(const struct machine_health *h,
				const char *root)
{
	uint32_t most = WIRE_HEALTH_UNKNOWN;

	for (size_t i = 0; i < h->zones.n; i++) {
		uint32_t mk = read_zone_mk(root, h->zones.v[i]);

		if (mk != WIRE_HEALTH_UNKNOWN &&
		    (most == WIRE_HEALTH_UNKNOWN || mk > most))
			most = mk;
	}
	return most;
}

/* Return the strongest cooling, in thousandths of the maximum. */
static uint32_t read_cooling_milli(const struct machine_health *h,
				   const char *root)
{
	uint32_t most = WIRE_HEALTH_UNKNOWN;

	for (size_t i = 0; i < h->coolers.n; i++) {
		const char *name = h->coolers.v[i];
		uint32_t milli;
		int64_t now, full;

		if (!machine_sys_read_number(root, &now,
					     THERMAL_CLASS_DIR "/%s/cur_state",
					     name) ||
		    !machine_sys_read_number(root, &full,
					     THERMAL_CLASS_DIR "/%s/max_state",
					     name) ||
		    now < 0 || full <= 0)
			continue;
		milli = now >= full ?
				MILLI :
				(uint32_t)((double)now * MILLI / (double)full);
		/*
		 * Report cooling of less than a thousandth as 1, because 0
		 * means no cooling.
		 */
		if (now && !milli)
			milli = 1;
		if (most == WIRE_HEALTH_UNKNOWN || milli > most)
			most = milli;
	}
	return most;
}

/* Return the permitted part of a policy's maximum clock, in thousandths. */
static uint32_t read_clock_milli(const char *root, const char *policy)
{
	int64_t may, could;

	if (!machine_sys_read_number(
		    root, &may, CPUFREQ_DIR "/%s/scaling_max_freq", policy) ||
	    !machine_sys_read_number(
		    root, &could, CPUFREQ_DIR "/%s/cpuinfo_max_freq", policy) ||
	    may <= 0 || could <= 0)
		return WIRE_HEALTH_UNKNOWN;
	return may >= could ? MILLI :
			      (uint32_t)((double)may / (double)could * MILLI);
}

/*
 * Return the CPUs in a policy's file affected_cpus, such as "0 1 2 3".  If the
 * file is missing or invalid, return the CPU in the policy's name.
 */
static struct machine_cpus read_policy_cpus(const char *root,
					    const char *policy)
{
	char *text = machine_sys_read_text(
		root, CPUFREQ_DIR "/%s/affected_cpus", policy);
	struct machine_cpus cpus = { 0 };

	for (char *at = text; at && *at; at++)
		*at = *at == ' ' ? ',' : *at;
	if (!text || !machine_cpus_parse(&cpus, text))
		machine_cpus_parse(&cpus, policy + strlen(POLICY_PREFIX));
	free(text);
	return cpus;
}

/*
 * Record the strongest throttling of the usable CPUs, and the number of
 * throttled CPUs.
 */
static void read_clocks(struct machine_health *h,
			const struct machine_cpus *usable, const char *root)
{
	uint32_t least = WIRE_HEALTH_UNKNOWN, slowed = 0;

	for (size_t i = 0; i < h->policies.n; i++) {
		uint32_t share = read_clock_milli(root, h->policies.v[i]);

		if (share < MILLI) {
			struct machine_cpus cpus = read_policy_cpus(
				root, h->policies.v[i]);

			machine_cpus_intersect(&cpus, usable);
			if (!machine_cpus_count(&cpus))
				continue;
			slowed += machine_cpus_count(&cpus);
		}
		/* WIRE_HEALTH_UNKNOWN is greater than any known share. */
		if (share < least)
			least = share;
	}
	h->current.speed_milli = least;
	if (least != WIRE_HEALTH_UNKNOWN)
		h->current.n_throttled = slowed > WIRE_HEALTH_CPUS_MAX ?
						 WIRE_HEALTH_CPUS_MAX :
						 slowed;
}

static void read_class(const struct machine_health *h,
		       struct wire_heat_class *c,
		       const struct machine_cpus *cpus, const char *root)
{
	*c = (struct wire_heat_class){ WIRE_HEALTH_UNKNOWN,
				       WIRE_HEALTH_UNKNOWN };
	for (size_t i = 0; i < h->policies.n; i++) {
		uint32_t share = read_clock_milli(root, h->policies.v[i]);
		struct machine_cpus these = read_policy_cpus(root,
							     h->policies.v[i]);

		machine_cpus_intersect(&these, cpus);
		if (share == WIRE_HEALTH_UNKNOWN || !machine_cpus_count(&these))
			continue;
		if (c->n_throttled == WIRE_HEALTH_UNKNOWN)
			c->n_throttled = 0;
		if (share < c->speed_milli)
			c->speed_milli = share;
		if (share < MILLI)
			c->n_throttled += machine_cpus_count(&these);
	}
}

void machine_health_read_heat(const struct machine_health *h,
			      struct wire_heat *out,
			      const struct machine_cpus *cpus, unsigned n,
			      const char *root)
{
	*out = (struct wire_heat){ 0 };
	for (unsigned i = 0; i < n && i < WIRE_CLASSES_MAX; i++)
		read_class(h, VEC_ADD(out->classes, out->n_classes), &cpus[i],
			   root);
	for (size_t i = 0; i < h->zones.n && out->n_zones < WIRE_ZONES_MAX;
	     i++) {
		uint32_t mk = read_zone_mk(root, h->zones.v[i]);
		char *type;

		if (mk == WIRE_HEALTH_UNKNOWN)
			continue;
		type = machine_sys_read_text(root, THERMAL_CLASS_DIR "/%s/type",
					     h->zones.v[i]);
		*VEC_ADD(out->zones, out->n_zones) = (struct wire_heat_zone){
			.name = type ? type : xstrdup(h->zones.v[i]),
			.temperature_mk = mk,
		};
	}
}

/*
 * Return the value of avg10= in the line that begins with `who`, in hundredths
 * of a percent, or WIRE_HEALTH_UNKNOWN.
 */
static uint32_t parse_pressure(const char *text, const char *who)
{
	const char *line = text, *at;
	double percent;

	while (line && !str_starts(line, who)) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	at = line ? strstr(line, "avg10=") : NULL;
	if (!at)
		return WIRE_HEALTH_UNKNOWN;
	percent = strtod(at + strlen("avg10="), NULL);
	return percent > 0 ? percent < 100 ? (uint32_t)(percent * 100 + 0.5) :
					     WIRE_HEALTH_PSI_MAX :
			     0;
}

static void read_pressure(struct wire_health *h, const char *root)
{
	char *cpu = machine_sys_read_text(root, "/proc/pressure/cpu");
	char *memory = machine_sys_read_text(root, "/proc/pressure/memory");
	char *io = machine_sys_read_text(root, "/proc/pressure/io");

	h->psi_cpu = parse_pressure(cpu, "some ");
	h->psi_memory = parse_pressure(memory, "some ");
	h->psi_memory_full = parse_pressure(memory, "full ");
	h->psi_io = parse_pressure(io, "some ");
	free(cpu);
	free(memory);
	free(io);
}

static void read_swap(struct wire_health *h, const char *root)
{
	char *text = machine_sys_read_text(root, "/proc/meminfo");
	const char *all = text ? machine_sys_find_value(text, "SwapTotal") :
				 NULL;
	const char *left = text ? machine_sys_find_value(text, "SwapFree") :
				  NULL;
	unsigned long long total, kib;

	if (all && left) {
		total = strtoull(all, NULL, 10);
		kib = strtoull(left, NULL, 10);
		h->swap_mib = kib < total && (total - kib) >> 10 < UINT32_MAX ?
				      (uint32_t)((total - kib) >> 10) :
				      0;
	}
	free(text);
}

/*
 * Add the busy time in a line of /proc/stat, in clock ticks.  `line` begins
 * after the name of the CPU.  Busy times are user, nice, system, irq, softirq
 * and steal, but not idle and iowait.
 */
static bool add_busy(uint64_t *ticks, const char *line)
{
	enum {
		IDLE = 3,
		IOWAIT = 4,
		N_TIMES = 8
	};
	uint64_t sum = 0;

	for (int i = 0; i < N_TIMES; i++) {
		char *end;
		unsigned long long value = strtoull(line, &end, 10);

		if (end == line)
			return false;
		if (i != IDLE && i != IOWAIT)
			sum += value;
		line = end;
	}
	*ticks += sum;
	return true;
}

/*
 * Read the sum of the busy times of the usable CPUs since the boot, in ms.  In
 * some containers, the CPU numbers in the lines "cpuN" of /proc/stat differ
 * from those of the kernel.  If a usable CPU has no such line, use the line
 * "cpu" instead, which has the sum of all CPUs.
 */
static bool read_busy(const char *root, const struct machine_cpus *usable,
		      uint64_t *ms)
{
	char *text = machine_sys_read_text(root, "/proc/stat");
	uint64_t all = 0, ticks = 0;
	long hz = sysconf(_SC_CLK_TCK);
	bool has_all = false, has_usable;
	unsigned n_found = 0;

	for (const char *line = text; line && str_starts(line, "cpu");) {
		char *end;
		unsigned long cpu = strtoul(line + 3, &end, 10);

		if (line[3] == ' ')
			has_all = add_busy(&all, line + 3);
		else if (cpu < MACHINE_CPUS_MAX &&
			 machine_cpus_has(usable, (unsigned)cpu))
			n_found += add_busy(&ticks, end);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	free(text);
	has_usable = n_found && n_found == machine_cpus_count(usable);
	*ms = (has_usable ? ticks : all) * MILLI /
	      (uint64_t)(hz > 0 ? hz : 100);
	return has_usable || has_all;
}

/*
 * Return the mean load that processes other than kfarmd's jobs have caused
 * since the last reading, in thousandths of a core, or WIRE_HEALTH_UNKNOWN.
 */
static uint32_t foreign_load_milli(const struct machine_health *h,
				   uint64_t now_ms, uint64_t busy_ms,
				   uint64_t own_ms)
{
	uint64_t busy, own, all;

	if (!h->read_ms || now_ms > h->read_ms + STALE_MS ||
	    busy_ms < h->busy_cpu_ms || own_ms < h->job_cpu_ms)
		return WIRE_HEALTH_UNKNOWN;
	busy = busy_ms - h->busy_cpu_ms;
	own = own_ms - h->job_cpu_ms;
	all = busy > own ? (busy - own) * MILLI / (now_ms - h->read_ms) : 0;
	return all > WIRE_HEALTH_FOREIGN_MAX ? WIRE_HEALTH_FOREIGN_MAX :
					       (uint32_t)all;
}

void machine_health_read(struct machine_health *h, uint64_t now_ms,
			 uint64_t job_cpu_ms, const char *root)
{
	struct machine_cpus usable;
	uint64_t busy_ms;

	if (h->read_ms && now_ms < h->read_ms + MIN_INTERVAL_MS)
		return;
	find_sensors(h, now_ms, root);
	machine_cpus_read_usable(&usable, root);
	h->current = wire_health_unknown;
	h->current.n_usable = machine_cpus_count(&usable);
	h->current.temperature_mk = read_hottest_mk(h, root);
	h->current.cooling_milli = read_cooling_milli(h, root);
	read_clocks(h, &usable, root);
	read_pressure(&h->current, root);
	read_swap(&h->current, root);
	/*
	 * If the usable CPUs have changed, ignore the last reading, because the
	 * busy times of different CPUs cannot be compared.
	 */
	if (memcmp(&usable, &h->usable, sizeof(usable)))
		h->read_ms = 0;
	h->usable = usable;
	if (!read_busy(root, &usable, &busy_ms))
		return;
	h->current.foreign_milli = foreign_load_milli(h, now_ms, busy_ms,
						      job_cpu_ms);
	h->read_ms = now_ms;
	h->busy_cpu_ms = busy_ms;
	h->job_cpu_ms = job_cpu_ms;
}
