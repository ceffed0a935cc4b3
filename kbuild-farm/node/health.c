/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/health.h"

#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGAIN_MS      900
#define LOOK_AGAIN_MS 60000
#define STALE_MS      10000 /* before that nobody asked */
#define COLD_MC       (-100000) /* sensors that are not there say such */
#define HOT_MC        200000
#define MILLI         1000
#define THERMAL       "/sys/class/thermal"
#define CPUFREQ       "/sys/devices/system/cpu/cpufreq"
#define POLICY        "policy"

/* ----------------------------------------------------------------- sensors */

/* "cpufreq-cpu0", before 5.16 "thermal-cpufreq-0"; ACPI's "Processor". */
static bool cools_cpus(const char *type)
{
	return str_starts(type, "cpu") || str_starts(type, "thermal-cpufreq") ||
	       str_starts(type, "thermal-cpuidle") ||
	       str_starts(type, "Processor");
}

static void look_for_coolers(struct node_health *h, const char *root)
{
	struct strv all = { 0 };

	node_sys_list(root, THERMAL, "cooling_device", &all);
	for (size_t i = 0; i < all.n; i++) {
		char *type = node_sys_text(root, THERMAL "/%s/type", all.v[i]);

		if (type && cools_cpus(type))
			strv_add(&h->coolers, all.v[i]);
		free(type);
	}
	strv_release(&all);
}

static void look_for_sensors(struct node_health *h, uint64_t now_ms,
			     const char *root)
{
	if (h->looked_ms && now_ms < h->looked_ms + LOOK_AGAIN_MS)
		return;
	node_health_release(h);
	h->looked_ms = now_ms;
	node_sys_list(root, THERMAL, "thermal_zone", &h->zones);
	node_sys_list(root, CPUFREQ, POLICY, &h->policies);
	look_for_coolers(h, root);
}

void node_health_release(struct node_health *h)
{
	strv_release(&h->zones);
	strv_release(&h->coolers);
	strv_release(&h->policies);
}

/* -------------------------------------------------------------------- heat */

/* In thousandths of a kelvin, or unknown. */
static uint32_t heat_of(const char *root, const char *zone)
{
	int64_t mc;

	if (!node_sys_number(root, &mc, THERMAL "/%s/temp", zone))
		return WIRE_HEALTH_UNKNOWN;
	mc = node_sys_heat(mc);
	return mc > COLD_MC && mc < HOT_MC ? (uint32_t)(mc + WIRE_HEALTH_ZERO) :
					     WIRE_HEALTH_UNKNOWN;
}

static uint32_t hottest(const struct node_health *h, const char *root)
{
	uint32_t most = WIRE_HEALTH_UNKNOWN;

	for (size_t i = 0; i < h->zones.n; i++) {
		uint32_t mk = heat_of(root, h->zones.v[i]);

		if (mk != WIRE_HEALTH_UNKNOWN &&
		    (most == WIRE_HEALTH_UNKNOWN || mk > most))
			most = mk;
	}
	return most;
}

/* Of what it can do at most, in thousandths. */
static uint32_t most_cooled(const struct node_health *h, const char *root)
{
	uint32_t most = WIRE_HEALTH_UNKNOWN;

	for (size_t i = 0; i < h->coolers.n; i++) {
		const char *name = h->coolers.v[i];
		uint32_t milli;
		int64_t now, full;

		if (!node_sys_number(root, &now, THERMAL "/%s/cur_state",
				     name) ||
		    !node_sys_number(root, &full, THERMAL "/%s/max_state",
				     name) ||
		    now < 0 || full <= 0)
			continue;
		milli = now >= full ?
				MILLI :
				(uint32_t)((double)now * MILLI / (double)full);
		/* A step that is less than a thousandth is one. */
		if (now && !milli)
			milli = 1;
		if (most == WIRE_HEALTH_UNKNOWN || milli > most)
			most = milli;
	}
	return most;
}

/* Of one policy: what it may run at, of what it could; in thousandths. */
static uint32_t share_of(const char *root, const char *policy)
{
	int64_t may, could;

	if (!node_sys_number(root, &may, CPUFREQ "/%s/scaling_max_freq",
			     policy) ||
	    !node_sys_number(root, &could, CPUFREQ "/%s/cpuinfo_max_freq",
			     policy) ||
	    may <= 0 || could <= 0)
		return WIRE_HEALTH_UNKNOWN;
	return may >= could ? MILLI :
			      (uint32_t)((double)may / (double)could * MILLI);
}

/* The CPUs that have its clock: "0 1 2 3"; else the one that it is named by. */
static struct node_cpus cpus_of(const char *root, const char *policy)
{
	char *text = node_sys_text(root, CPUFREQ "/%s/affected_cpus", policy);
	struct node_cpus cpus = { 0 };

	for (char *at = text; at && *at; at++)
		*at = *at == ' ' ? ',' : *at;
	if (!text || !node_cpus_parse(&cpus, text))
		node_cpus_parse(&cpus, policy + strlen(POLICY));
	free(text);
	return cpus;
}

/* The cores that are slowed down most, and how many are. */
static void read_clocks(struct node_health *h, const char *root)
{
	uint32_t least = WIRE_HEALTH_UNKNOWN, slowed = 0;

	for (size_t i = 0; i < h->policies.n; i++) {
		uint32_t share = share_of(root, h->policies.v[i]);

		struct node_cpus cpus;

		/* Unknown is more than any. */
		if (share < least)
			least = share;
		if (share < MILLI) {
			cpus = cpus_of(root, h->policies.v[i]);
			slowed += node_cpus_count(&cpus);
		}
	}
	h->now.speed_milli = least;
	if (least != WIRE_HEALTH_UNKNOWN)
		h->now.throttled = slowed > WIRE_HEALTH_CPUS ?
					   WIRE_HEALTH_CPUS :
					   slowed;
}

static void read_class(const struct node_health *h, struct wire_heat_class *c,
		       const struct node_cpus *cpus, const char *root)
{
	*c = (struct wire_heat_class){ WIRE_HEALTH_UNKNOWN,
				       WIRE_HEALTH_UNKNOWN };
	for (size_t i = 0; i < h->policies.n; i++) {
		uint32_t share = share_of(root, h->policies.v[i]);
		struct node_cpus these = cpus_of(root, h->policies.v[i]);

		node_cpus_intersect(&these, cpus);
		if (share == WIRE_HEALTH_UNKNOWN || !node_cpus_count(&these))
			continue;
		if (c->throttled == WIRE_HEALTH_UNKNOWN)
			c->throttled = 0;
		if (share < c->speed_milli)
			c->speed_milli = share;
		if (share < MILLI)
			c->throttled += node_cpus_count(&these);
	}
}

void node_health_heat(const struct node_health *h, struct wire_heat *out,
		      const struct node_cpus *cpus, unsigned n,
		      const char *root)
{
	*out = (struct wire_heat){ 0 };
	for (unsigned i = 0; i < n && i < WIRE_CLASSES; i++)
		read_class(h, VEC_ADD(out->classes, out->n_classes), &cpus[i],
			   root);
	for (size_t i = 0; i < h->zones.n && out->n_zones < WIRE_ZONES; i++) {
		uint32_t mk = heat_of(root, h->zones.v[i]);
		char *type;

		if (mk == WIRE_HEALTH_UNKNOWN)
			continue;
		type = node_sys_text(root, THERMAL "/%s/type", h->zones.v[i]);
		*VEC_ADD(out->zones, out->n_zones) = (struct wire_heat_zone){
			.name = type ? type : xstrdup(h->zones.v[i]),
			.temperature_mk = mk,
		};
	}
}

/* ---------------------------------------------------------------- pressure */

/* What behind avg10= in the line that begins with `who`. */
static uint32_t pressure(const char *text, const char *who)
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
					     WIRE_HEALTH_PSI :
			     0;
}

static void read_pressure(struct wire_health *h, const char *root)
{
	char *cpu = node_sys_text(root, "/proc/pressure/cpu");
	char *memory = node_sys_text(root, "/proc/pressure/memory");
	char *io = node_sys_text(root, "/proc/pressure/io");

	h->psi_cpu = pressure(cpu, "some ");
	h->psi_memory = pressure(memory, "some ");
	h->psi_memory_full = pressure(memory, "full ");
	h->psi_io = pressure(io, "some ");
	free(cpu);
	free(memory);
	free(io);
}

static void read_swap(struct wire_health *h, const char *root)
{
	char *text = node_sys_text(root, "/proc/meminfo");
	const char *all = text ? node_sys_line(text, "SwapTotal") : NULL;
	const char *left = text ? node_sys_line(text, "SwapFree") : NULL;
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

/* -------------------------------------------------------------------- load */

/* user, nice, system, irq, softirq, steal; not idle and iowait. */
static bool read_busy(const char *root, uint64_t *ms)
{
	char *text = node_sys_text(root, "/proc/stat");
	unsigned long long user, nice, system, irq, softirq, steal;
	long hz = sysconf(_SC_CLK_TCK);
	bool ok;

	ok = text && sscanf(text, "cpu %llu %llu %llu %*u %*u %llu %llu %llu",
			    &user, &nice, &system, &irq, &softirq, &steal) == 6;
	if (ok)
		*ms = (user + nice + system + irq + softirq + steal) * MILLI /
		      (uint64_t)(hz > 0 ? hz : 100);
	free(text);
	return ok;
}

/* Cores that others kept busy since it was read before. */
static uint32_t foreign(const struct node_health *h, uint64_t now_ms,
			uint64_t busy_ms, uint64_t ours_ms)
{
	uint64_t busy, ours, all;

	if (!h->read_ms || now_ms > h->read_ms + STALE_MS ||
	    busy_ms < h->busy_ms || ours_ms < h->ours_ms)
		return WIRE_HEALTH_UNKNOWN;
	busy = busy_ms - h->busy_ms;
	ours = ours_ms - h->ours_ms;
	all = busy > ours ? (busy - ours) * MILLI / (now_ms - h->read_ms) : 0;
	return all > WIRE_HEALTH_FOREIGN ? WIRE_HEALTH_FOREIGN : (uint32_t)all;
}

void node_health_read(struct node_health *h, uint64_t now_ms, uint64_t ours_ms,
		      const char *root)
{
	struct node_cpus usable;
	uint64_t busy_ms;

	if (h->read_ms && now_ms < h->read_ms + AGAIN_MS)
		return;
	look_for_sensors(h, now_ms, root);
	node_cpus_usable(&usable, root);
	h->now = wire_health_unknown;
	h->now.usable = node_cpus_count(&usable);
	h->now.temperature_mk = hottest(h, root);
	h->now.cooling_milli = most_cooled(h, root);
	read_clocks(h, root);
	read_pressure(&h->now, root);
	read_swap(&h->now, root);
	if (!read_busy(root, &busy_ms))
		return;
	h->now.foreign_milli = foreign(h, now_ms, busy_ms, ours_ms);
	h->read_ms = now_ms;
	h->busy_ms = busy_ms;
	h->ours_ms = ours_ms;
}
