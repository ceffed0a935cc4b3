/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "../lib/test.h"

#include "node/limits.h"

static const struct sample {
	uint16_t cores, kfarmd_slots;
	uint32_t memory;
	unsigned configured;
	unsigned slots;
	const char *text;
} samples[] = {
	{ 1, 0, 0, 0, 2, "1 core + 1 queued ahead" },
	{ 2, 0, 8000, 0, 3, "2 cores + 1 queued ahead" },
	{ 4, 0, 8000, 0, 5, "4 cores + 1 queued ahead" },
	{ 6, 0, 8000, 0, 8, "6 cores + 2 queued ahead" },
	{ 64, 0, 90000, 0, 80, "64 cores + 16 queued ahead" },
	/* Jobs queued ahead need no memory yet. */
	{ 4, 0, 944, 0, 5, "4 cores + 1 queued ahead" },
	{ 4, 0, 943, 0, 3,
	  "4 cores + 1 queued ahead, limited by 943 MiB of memory: 512 for "
	  "one job, 144 for each further job" },
	/* One board of 1 GiB, and one of 512 MiB. */
	{ 6, 0, 966, 0, 4,
	  "6 cores + 2 queued ahead, limited by 966 MiB of memory: 512 for "
	  "one job, 144 for each further job" },
	{ 4, 0, 490, 0, 1,
	  "4 cores + 1 queued ahead, limited by 490 MiB of memory: 512 for "
	  "one job, 144 for each further job" },
	{ 4, 0, 1, 0, 1,
	  "4 cores + 1 queued ahead, limited by 1 MiB of memory: 512 for "
	  "one job, 144 for each further job" },
	{ 4, 3, 8000, 0, 3,
	  "4 cores + 1 queued ahead, limited to 3 by its kfarmd" },
	{ 4, 0, 8000, 2, 2,
	  "4 cores + 1 queued ahead, limited to 2 by the configuration" },
	{ 4, 9, 8000, 9, 5, "4 cores + 1 queued ahead" },
	{ 4, 3, 8000, 2, 2,
	  "4 cores + 1 queued ahead, limited to 3 by its kfarmd, "
	  "limited to 2 by the configuration" },
	{ 0, 0, 0, 0, 2, "1 core + 1 queued ahead" },
	/* An implausible number of cores must not cause make -j 81923. */
	{ 65535, 0, 0, 0, 1024,
	  "65535 cores + 16384 queued ahead, limited to 1024 per node" },
	{ 65535, 0, 0, 1000, 1000,
	  "65535 cores + 16384 queued ahead, limited to 1024 per node, "
	  "limited to 1000 by the configuration" },
};

TEST_EACH(the_slot_limit_follows_cores_memory_and_configuration, samples)
{
	struct wire_inventory inv = { .cores = row->cores,
				      .slots = row->kfarmd_slots,
				      .memory_mib = row->memory };
	struct node_limit l;

	node_limit(&l, &inv, NULL, row->configured);
	ck_assert_uint_eq(l.slots, row->slots);
	ck_assert_str_eq(l.reason, row->text);
	free(l.reason);
}

/*
 * The remaining cores, and their origin: CPUs, usable CPUs, threads per core
 * and quota.
 */
static const struct {
	uint16_t cores, cpus, usable, threads;
	uint32_t quota;
	const char *text;
} machines[] = {
	{ 6, 6, 6, 1, 0, "6 cores + 2 queued ahead" },
	{ 4, 16, 4, 2, 0, "4 of 16 cores + 1 queued ahead" },
	{ 3, 16, 4, 2, 2500,
	  "3 cores under a CPU quota of 2.5 + 1 queued ahead" },
	{ 4, 16, 4, 2, 8000, "4 of 16 cores + 1 queued ahead" },
	{ 1, 4, 4, 1, 500, "1 core under a CPU quota of 0.5 + 1 queued ahead" },
	{ 128, 128, 128, 2, 0, "128 threads on 64 cores + 32 queued ahead" },
};

TEST_EACH(the_reason_explains_the_number_of_cores, machines)
{
	struct wire_core_class class = { .n_cpus = row->cpus,
					 .n_usable = row->usable,
					 .threads_per_core = row->threads };
	struct wire_machine m = { .n_classes = 1,
				  .classes = &class,
				  .cpu_milli = row->quota };
	struct wire_inventory inv = { .cores = row->cores };
	struct node_limit l;

	node_limit(&l, &inv, &m, 0);
	ck_assert_str_eq(l.reason, row->text);
	free(l.reason);
}

#define U WIRE_HEALTH_UNKNOWN

/*
 * A node of 8 cores with 10 slots: foreign load, heat, speed, usable cores,
 * throttling, cooling, some and full memory pressure, free MiB, own jobs; the
 * resulting slots and the reason.
 */
static const struct {
	uint32_t foreign, mk, speed, usable, throttled, cooling, some, full;
	uint32_t available;
	unsigned own_jobs, want;
	const char *text;
} conditions[] = {
	{ U, U, U, U, U, U, U, U, 0, 0, 10, NULL },
	{ 0, 300000, 1000, 8, 0, 0, 0, 0, 9000, 0, 10, NULL },
	/* Noise does not count as load. */
	{ 499, U, U, U, U, U, U, U, 0, 0, 10, NULL },
	{ 600, U, U, U, U, U, U, U, 0, 0, 9, "0.6 cores busy with other work" },
	{ 4000, U, U, U, U, U, U, U, 0, 0, 5,
	  "4.0 cores busy with other work" },
	{ 90000, U, U, U, U, U, U, U, 0, 0, 2,
	  "90.0 cores busy with other work" },
	/* All cores at two thirds of the speed equal five and a third. */
	{ U, 356150, 666, 8, 8, 400, U, U, 0, 0, 7,
	  "8 cores slowed to 66 % by heat (83 C)" },
	{ U, U, 500, 8, 4, 1000, U, U, 0, 0, 8,
	  "4 cores slowed to 50 % by heat" },
	/*
	 * Without active cooling, the owner has set the clock.  Unknown cooling
	 * or throttling reduces no slots either.
	 */
	{ U, 356150, 666, 8, 8, 0, U, U, 0, 0, 10, NULL },
	{ U, 356150, 666, 8, 8, U, U, U, 0, 0, 10, NULL },
	{ U, U, U, 8, U, 500, U, U, 0, 0, 10, NULL },
	/* Some kernels take cores offline. */
	{ U, U, U, 6, U, 300, U, U, 0, 0, 8, "6 of 8 cores usable" },
	{ 2000, 356150, 500, 6, 4, 300, U, U, 0, 0, 3,
	  "6 of 8 cores usable, 4 cores slowed to 50 % by heat (83 C), "
	  "2.0 cores busy with other work" },
	/* Free memory; the memory of own jobs counts as available. */
	{ U, U, U, U, U, U, U, U, 2048, 0, 10, NULL },
	{ U, U, U, U, U, U, U, U, 700, 0, 3, "700 MiB of memory free" },
	{ U, U, U, U, U, U, U, U, 319, 3, 3, "319 MiB of memory free" },
	{ U, U, U, U, U, U, U, U, 320, 3, 4, "320 MiB of memory free" },
	{ U, U, U, U, U, U, U, U, 700, 6, 10, NULL },
	{ U, U, U, U, U, U, U, U, 100, 6, 6, "100 MiB of memory free" },
	{ U, U, U, U, U, U, U, U, 100, 0, 1, "100 MiB of memory free" },
	{ U, U, U, U, U, U, 1999, 499, 0, 8, 10, NULL },
	{ U, U, U, U, U, U, 2000, 0, 0, 8, 4,
	  "short of memory 20 % of the time" },
	{ U, U, U, U, U, U, 600, 500, 0, 1, 1,
	  "short of memory 6 % of the time" },
	{ U, U, U, U, U, U, 9000, U, 0, 0, 5,
	  "short of memory 90 % of the time" },
};

TEST_EACH(load_heat_and_low_memory_reduce_the_slots, conditions)
{
	struct wire_inventory inv = { .cores = 8,
				      .available_mib = row->available };
	struct wire_health h = wire_health_unknown;
	char *text;

	h.foreign_milli = row->foreign;
	h.temperature_mk = row->mk;
	h.speed_milli = row->speed;
	h.n_usable = row->usable;
	h.n_throttled = row->throttled;
	h.cooling_milli = row->cooling;
	h.psi_memory = row->some;
	h.psi_memory_full = row->full;
	ck_assert_uint_eq(node_limit_now(10, &inv, &h, row->own_jobs, &text),
			  row->want);
	ck_assert_pstr_eq(text, row->text);
	free(text);
	ck_assert_uint_eq(node_limit_now(10, &inv, &h, row->own_jobs, NULL),
			  row->want);
}

/* Cores, --slots of kfarmd, and the most slots that the user can request. */
static const struct {
	unsigned cores, kfarmd_slots, max;
} requests[] = {
	{ 4, 0, 8 }, { 4, 6, 6 },      { 4, 40, 8 },     { 0, 0, 2 },
	{ 1, 1, 1 }, { 511, 0, 1022 }, { 512, 0, 1024 }, { 65535, 0, 1024 },
};

TEST_EACH(the_user_can_request_up_to_two_jobs_per_core, requests)
{
	struct wire_inventory inv = { .cores = row->cores,
				      .slots = row->kfarmd_slots,
				      .available_mib = 100 };

	ck_assert_uint_eq(node_limit_max(&inv), row->max);
}

/* Local cores, cores of nodes, memory; slots and the reason. */
static const struct {
	uint16_t cores;
	unsigned remote_cores;
	uint32_t memory;
	unsigned slots;
	const char *text;
} hosts[] = {
	{ 8, 0, 9000, 8, "8 cores" },
	{ 8, 3, 9000, 8, "8 cores" },
	{ 8, 4, 9000, 7,
	  "8 cores, 1 of them for make, ld, modpost, objtool and to feed 4 "
	  "remote cores" },
	{ 8, 20, 9000, 5,
	  "8 cores, 3 of them for make, ld, modpost, objtool and to feed 20 "
	  "remote cores" },
	{ 4, 500, 9000, 1,
	  "4 cores, 3 of them for make, ld, modpost, objtool and to feed 500 "
	  "remote cores" },
	{ 1, 500, 9000, 1, "1 core" },
	{ 8, 0, 1000, 3,
	  "8 cores, limited by 1000 MiB of memory, 256 per job" },
	{ 0, 0, 0, 1, "1 core" },
};

TEST_EACH(the_build_host_reserves_cores_for_feeding_the_nodes, hosts)
{
	struct wire_inventory inv = { .cores = row->cores,
				      .memory_mib = row->memory };
	struct node_limit l;

	node_limit_local(&l, &inv, row->remote_cores);
	ck_assert_uint_eq(l.slots, row->slots);
	ck_assert_str_eq(l.reason, row->text);
	free(l.reason);
}

/* Local slots, cores that a node reports, and the cores that count. */
static const struct {
	unsigned slots, reported, count;
} reported[] = {
	{ 8, 8, 8 },      { 8, 32, 32 },    { 8, 33, 32 },
	{ 8, 65535, 32 }, { 1, 64, 8 },     { 3, 65535, 16 },
	{ 0, 9, 0 },      { 64, 128, 128 }, { 64, 65535, 256 },
};

TEST_EACH(one_node_takes_at_most_half_of_the_build_host, reported)
{
	unsigned slots = row->slots;
	unsigned remote_cores = node_limit_counted_cores(slots, row->reported);

	ck_assert_uint_eq(remote_cores, row->count);
	ck_assert_uint_ge(node_limit_local_slots(slots, remote_cores),
			  slots / 2);
}

/* CPUs of two classes on which jobs can run, and the resulting classes. */
static const struct {
	uint16_t usable[2], cores;
	unsigned n, n_cores[2], capacity[2];
} core_classes[] = {
	{ { 2, 4 }, 6, 2, { 2, 4 }, { 1024, 446 } },
	{ { 1, 4 }, 5, 2, { 1, 4 }, { 1024, 446 } },
	/* A quota limits the node as a whole. */
	{ { 2, 4 }, 3, 1, { 3 }, { 0 } },
	/* An affinity mask excludes a class. */
	{ { 0, 4 }, 4, 1, { 4 }, { 0 } },
	{ { 2, 0 }, 2, 1, { 2 }, { 0 } },
	{ { 0, 0 }, 6, 1, { 6 }, { 0 } },
};

TEST_EACH(core_classes_apply_if_jobs_can_use_all_of_their_cores, core_classes)
{
	struct wire_core_class of_machine[] = {
		{ .n_usable = row->usable[0], .capacity = 1024 },
		{ .n_usable = row->usable[1], .capacity = 446 },
	};
	const struct wire_machine machine = { .n_classes = 2,
					      .classes = of_machine };
	const struct wire_inventory inv = { .cores = row->cores };
	struct sched_core_class out[WIRE_CLASSES_MAX];
	unsigned n = node_limit_core_classes(out, &inv, &machine);

	ck_assert_uint_eq(n, row->n);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_eq(out[i].n_cores, row->n_cores[i]);
		ck_assert_uint_eq(out[i].capacity, row->capacity[i]);
	}
	/* Jobs cannot be pinned. */
	ck_assert_uint_eq(node_limit_core_classes(out, &inv, NULL), 1);
	ck_assert_uint_eq(out[0].n_cores, row->cores);
	ck_assert_uint_eq(out[0].capacity, 0);
}

TEST(halving_a_limit_leaves_at_least_one_slot)
{
	const struct wire_inventory inv = { .cores = 4 };
	struct node_limit l;

	node_limit(&l, &inv, NULL, 0);
	node_limit_halve(&l);
	ck_assert_uint_eq(l.slots, 2);
	ck_assert_str_eq(l.reason,
			 "4 cores + 1 queued ahead, halved from 5 for a "
			 "low weight");
	node_limit_halve(&l);
	ck_assert_uint_eq(l.slots, 1);
	node_limit_halve(&l);
	ck_assert_uint_eq(l.slots, 1);
	free(l.reason);
}
