/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg-machine.h"

#include "wire/limits.h"
#include "wire/msg-tools.h"

#define MAC_MAX   0xffffffffffff
#define CLOCK_MAX 253402300799999 /* the end of the year 9999 */

static const struct wire_field health[] = {
	{ WIRE_NUMBER(health, foreign_milli, WIRE_ANY) },
	{ WIRE_NUMBER(health, temperature_mk, WIRE_ANY) },
	{ WIRE_NUMBER(health, speed_milli, WIRE_ANY) },
	{ WIRE_NUMBER(health, usable, WIRE_ANY) },
	{ WIRE_NUMBER(health, throttled, WIRE_ANY) },
	{ WIRE_NUMBER(health, cooling_milli, WIRE_ANY) },
	{ WIRE_NUMBER(health, psi_cpu, WIRE_ANY) },
	{ WIRE_NUMBER(health, psi_memory, WIRE_ANY) },
	{ WIRE_NUMBER(health, psi_memory_full, WIRE_ANY) },
	{ WIRE_NUMBER(health, psi_io, WIRE_ANY) },
	{ WIRE_NUMBER(health, swap_mib, WIRE_ANY) },
	{ WIRE_NUMBER(health, store_mib, WIRE_ANY) },
};

const struct wire_health wire_health_unknown = {
	WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN,
	WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN,
	WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN,
	WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN,
};

static bool is_known_or_at_most(uint32_t n, uint32_t most)
{
	return n <= most || n == WIRE_HEALTH_UNKNOWN;
}

static bool is_possible_health(const void *m)
{
	const struct wire_health *h = m;

	return is_known_or_at_most(h->foreign_milli, WIRE_HEALTH_FOREIGN) &&
	       is_known_or_at_most(h->temperature_mk, WIRE_HEALTH_HEAT) &&
	       is_known_or_at_most(h->speed_milli, 1000) &&
	       is_known_or_at_most(h->usable, WIRE_HEALTH_CPUS) &&
	       is_known_or_at_most(h->throttled, WIRE_HEALTH_CPUS) &&
	       is_known_or_at_most(h->cooling_milli, 1000) &&
	       is_known_or_at_most(h->psi_cpu, WIRE_HEALTH_PSI) &&
	       is_known_or_at_most(h->psi_memory, WIRE_HEALTH_PSI) &&
	       is_known_or_at_most(h->psi_memory_full, WIRE_HEALTH_PSI) &&
	       is_known_or_at_most(h->psi_io, WIRE_HEALTH_PSI);
}

static const struct wire_layout health_layout = WIRE_LAYOUT(health,
							    is_possible_health);

/* The first three were all there was. */
static const struct wire_layout health_7_layout = {
	.field = health,
	.n = 3,
	.size = sizeof(struct wire_health),
	.ok = is_possible_health,
};

static const struct wire_layout *health_of(int version)
{
	return version < WIRE_WITH_MACHINE ? &health_7_layout : &health_layout;
}

void wire_health_encode(struct buf *out, const struct wire_health *m,
			int version)
{
	wire_encode(out, health_of(version), m);
}

int wire_health_decode(struct wire_health *m, struct bytes in, int version)
{
	struct wire_health got = wire_health_unknown;
	int ret = wire_decode(health_of(version), &got, in);

	if (!ret)
		*m = got;
	return ret;
}

static const struct wire_field core_class[] = {
	{ WIRE_LINE(core_class, model, WIRE_MODEL_MAX) },
	{ WIRE_LINE(core_class, governor, WIRE_MODEL_MAX) },
	{ WIRE_NUMBER(core_class, cpus, WIRE_ANY) },
	{ WIRE_NUMBER(core_class, usable, WIRE_ANY) },
	{ WIRE_NUMBER(core_class, threads, WIRE_ANY) },
	{ WIRE_NUMBER(core_class, capacity, 1024) },
	{ WIRE_NUMBER(core_class, max_khz, WIRE_ANY) },
};

static bool is_possible_class(const void *m)
{
	const struct wire_core_class *c = m;

	return c->cpus && c->usable <= c->cpus && c->threads;
}

static const struct wire_layout core_class_layout = WIRE_LAYOUT(
	core_class, is_possible_class);

static const struct wire_field mac[] = { { WIRE_NUMBER(mac, mac, MAC_MAX) } };

static const struct wire_layout mac_layout = WIRE_LAYOUT(mac, NULL);

static const struct wire_field machine[] = {
	{ WIRE_LINE(machine, model, WIRE_MODEL_MAX) },
	{ WIRE_LINE(machine, kernel, WIRE_KERNEL_MAX) },
	{ WIRE_DIGEST(machine, id) },
	{ WIRE_NUMBER(machine, clock_ms, CLOCK_MAX) },
	{ WIRE_STRINGS(machine, abis, 1, WIRE_HOSTS, WIRE_HOST_MAX),
	  .ok = wire_host_ok },
	{ WIRE_LIST(machine, classes, n_classes, WIRE_CLASSES,
		    &core_class_layout) },
	{ WIRE_LIST(machine, macs, n_macs, WIRE_MACS, &mac_layout) },
	{ WIRE_NUMBER(machine, cpu_milli, WIRE_ANY) },
	{ WIRE_NUMBER(machine, memory_mib, WIRE_ANY) },
	{ WIRE_NUMBER(machine, limit_mib, WIRE_ANY) },
	{ WIRE_NUMBER(machine, swap_mib, WIRE_ANY) },
	{ WIRE_NUMBER(machine, store_mib, WIRE_ANY) },
	{ WIRE_NUMBER(machine, passive_mk, WIRE_ANY) },
	{ WIRE_NUMBER(machine, toolchains, WIRE_ANY) },
	{ WIRE_STRUCT(machine, health, &health_layout) },
};

static bool is_possible_machine(const void *m)
{
	const struct wire_machine *all = m;

	for (unsigned i = 1; i < all->n_macs; i++) {
		if (all->macs[i].mac <= all->macs[i - 1].mac)
			return false;
	}
	return is_known_or_at_most(all->passive_mk, WIRE_HEALTH_HEAT);
}

const struct wire_layout wire_machine_layout = WIRE_LAYOUT(machine,
							   is_possible_machine);

static const struct wire_field pin[] = {
	{ WIRE_NUMBER(pin, job, WIRE_ANY) },
	{ WIRE_NUMBER(pin, class, WIRE_CLASSES - 1) },
};

const struct wire_layout wire_pin_layout = WIRE_LAYOUT(pin, NULL);

static const struct wire_field heat_class[] = {
	{ WIRE_NUMBER(heat_class, speed_milli, WIRE_ANY) },
	{ WIRE_NUMBER(heat_class, throttled, WIRE_ANY) },
};

static bool is_possible_heat_class(const void *m)
{
	const struct wire_heat_class *c = m;

	return is_known_or_at_most(c->speed_milli, 1000) &&
	       is_known_or_at_most(c->throttled, WIRE_HEALTH_CPUS);
}

static const struct wire_layout heat_class_layout = WIRE_LAYOUT(
	heat_class, is_possible_heat_class);

static const struct wire_field heat_zone[] = {
	{ WIRE_LINE(heat_zone, name, WIRE_ZONE_MAX) },
	{ WIRE_NUMBER(heat_zone, temperature_mk, WIRE_HEALTH_HEAT) },
};

static const struct wire_layout heat_zone_layout = WIRE_LAYOUT(heat_zone, NULL);

static const struct wire_field heat[] = {
	{ WIRE_LIST(heat, classes, n_classes, WIRE_CLASSES,
		    &heat_class_layout) },
	{ WIRE_LIST(heat, zones, n_zones, WIRE_ZONES, &heat_zone_layout) },
};

const struct wire_layout wire_heat_layout = WIRE_LAYOUT(heat, NULL);
