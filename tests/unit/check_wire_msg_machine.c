/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/msg.h"

#include "wire/limits.h"

static struct buf body;

static void set_up(void)
{
	body = (struct buf){ 0 };
}

static void tear_down(void)
{
	buf_release(&body);
}

/* ------------------------------------------------------------------ HEALTH */

static const struct wire_health sample = {
	.foreign_milli = 250,
	.temperature_mk = 334650,
	.speed_milli = 666,
	.n_usable = 6,
	.n_throttled = 2,
	.cooling_milli = 400,
	.psi_cpu = 1234,
	.psi_memory = 56,
	.psi_memory_full = 7,
	.psi_io = 89,
	.swap_mib = 100,
	.store_mib = 4096,
};

/* Versions of the protocol and the size of the message in them. */
static const struct {
	int version;
	size_t len;
} healths[] = {
	{ 7, 12 },
	{ 8, 48 },
	{ 9, 48 },
	{ WIRE_VERSION, sizeof(struct wire_health) },
};

FIXTURE(set_up, tear_down);

TEST_EACH(a_health_of_each_version_round_trips, healths)
{
	struct wire_health got = { 0 }, want = wire_health_unknown;
	int version = row->version;

	wire_health_encode_at(&body, &sample, version);
	ck_assert_uint_eq(body.len, row->len);
	ck_assert_int_eq(wire_health_decode_at(&got, buf_bytes(&body), version),
			 0);
	/* All fields have 4 bytes; an old version has only the first fields. */
	memcpy(&want, &sample, row->len);
	ck_assert_mem_eq(&got, &want, sizeof(want));
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_health_decode_at(
					 &got, bytes_of(body.data, n), version),
				 -EPROTO);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_health_decode_at(&got, buf_bytes(&body), version),
			 -EPROTO);
}

TEST(unknown_health_values_round_trip)
{
	struct wire_health got = { 0 };

	wire_health_encode_at(&body, &wire_health_unknown, WIRE_VERSION);
	ck_assert_int_eq(
		wire_health_decode_at(&got, buf_bytes(&body), WIRE_VERSION), 0);
	ck_assert_mem_eq(&got, &wire_health_unknown, sizeof(got));
	for (size_t i = 0; i < body.len; i++)
		ck_assert_uint_eq(body.data[i], 0xff);
}

static const struct wire_health bad_healths[] = {
	{ .foreign_milli = WIRE_HEALTH_FOREIGN_MAX + 1 },
	{ .foreign_milli = WIRE_HEALTH_UNKNOWN - 1 },
	{ .temperature_mk = WIRE_HEALTH_TEMP_MAX + 1 },
	{ .speed_milli = 1001 },
	{ .n_usable = WIRE_HEALTH_CPUS_MAX + 1 },
	{ .n_throttled = WIRE_HEALTH_CPUS_MAX + 1 },
	{ .cooling_milli = 1001 },
	{ .psi_cpu = WIRE_HEALTH_PSI_MAX + 1 },
	{ .psi_memory = WIRE_HEALTH_PSI_MAX + 1 },
	{ .psi_memory_full = WIRE_HEALTH_PSI_MAX + 1 },
	{ .psi_io = WIRE_HEALTH_PSI_MAX + 1 },
};

TEST_EACH(a_health_value_beyond_its_limit_is_rejected, bad_healths)
{
	struct wire_health got = { .speed_milli = 3 };

	wire_health_encode_at(&body, row, WIRE_VERSION);
	ck_assert_int_eq(
		wire_health_decode_at(&got, buf_bytes(&body), WIRE_VERSION),
		-EPROTO);
	ck_assert_uint_eq(got.speed_milli, 3);
}

/* ----------------------------------------------------------------- MACHINE */

static struct wire_core_class classes[2];
static struct wire_mac macs[2];

static struct wire_machine rk3399(void)
{
	struct wire_machine m = {
		.model = (char *)"FriendlyElec NanoPi NEO4",
		.kernel = (char *)"6.1.0-18-arm64",
		.clock_ms = 1763791200123,
		.n_classes = 2,
		.classes = classes,
		.n_macs = 2,
		.macs = macs,
		.cpu_milli = 2500,
		.memory_mib = 967,
		.limit_mib = 800,
		.swap_mib = 512,
		.store_mib = 29000,
		.passive_mk = 343150,
		.n_toolchains = 3,
		.health = sample,
	};

	classes[0] = (struct wire_core_class){ (char *)"Cortex-A72",
					       (char *)"schedutil",
					       2,
					       2,
					       1,
					       1024,
					       1800000 };
	classes[1] = (struct wire_core_class){
		(char *)"Cortex-A53", (char *)"schedutil", 4, 3, 1, 381, 1416000
	};
	macs[0] = (struct wire_mac){ 0x5a1301020304 };
	macs[1] = (struct wire_mac){ 0xdca632aabbcc };
	digest_bytes(bytes_str("id"), &m.machine_id);
	strv_add(&m.abis, "arm64");
	strv_add(&m.abis, "arm");
	return m;
}

static int decode(struct wire_machine *got)
{
	return wire_machine_decode(got, buf_bytes(&body));
}

TEST(a_machine_round_trips)
{
	struct wire_machine m = rk3399(), got = { 0 };
	struct buf again = { 0 };

	wire_machine_encode(&body, &m);
	ck_assert_int_eq(decode(&got), 0);
	ck_assert_str_eq(got.model, m.model);
	ck_assert_str_eq(got.kernel, m.kernel);
	ck_assert(digest_equal(&got.machine_id, &m.machine_id));
	ck_assert_uint_eq(got.clock_ms, m.clock_ms);
	ck_assert(strv_equal(&got.abis, &m.abis));
	ck_assert_uint_eq(got.n_classes, 2);
	ck_assert_str_eq(got.classes[1].model, "Cortex-A53");
	ck_assert_uint_eq(got.classes[1].n_usable, 3);
	ck_assert_uint_eq(got.classes[0].max_khz, 1800000);
	ck_assert_uint_eq(got.n_macs, 2);
	ck_assert_uint_eq(got.macs[1].mac, 0xdca632aabbcc);
	ck_assert_uint_eq(got.limit_mib, 800);
	ck_assert_uint_eq(got.passive_mk, 343150);
	ck_assert_uint_eq(got.n_toolchains, 3);
	ck_assert_mem_eq(&got.health, &sample, sizeof(sample));
	wire_machine_encode(&again, &got);
	ck_assert(bytes_equal(buf_bytes(&again), buf_bytes(&body)));
	buf_release(&again);
	wire_machine_release(&got);
	strv_release(&m.abis);
}

TEST(a_truncated_or_extended_machine_is_rejected)
{
	struct wire_machine m = rk3399(), got = { .n_toolchains = 42 };

	wire_machine_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_machine_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(decode(&got), -EPROTO);
	ck_assert_uint_eq(got.n_toolchains, 42);
	strv_release(&m.abis);
}

static void no_cpus(struct wire_machine *m)
{
	m->classes[1].n_cpus = m->classes[1].n_usable = 0;
}

static void too_many_usable_cpus(struct wire_machine *m)
{
	m->classes[0].n_usable = 3;
}

static void no_threads(struct wire_machine *m)
{
	m->classes[0].threads_per_core = 0;
}

static void capacity_too_large(struct wire_machine *m)
{
	m->classes[0].capacity = 1025;
}

static void duplicate_mac(struct wire_machine *m)
{
	m->macs[0].mac = m->macs[1].mac;
}

static void unsorted_macs(struct wire_machine *m)
{
	m->macs[0].mac = m->macs[1].mac + 1;
}

static void mac_too_large(struct wire_machine *m)
{
	m->macs[1].mac = 1ull << 48;
}

static void invalid_abi(struct wire_machine *m)
{
	strv_add(&m->abis, "arm/v7");
}

static void trip_point_too_high(struct wire_machine *m)
{
	m->passive_mk = WIRE_HEALTH_TEMP_MAX + 1;
}

static void invalid_health(struct wire_machine *m)
{
	m->health.cooling_milli = 1001;
}

static void clock_too_large(struct wire_machine *m)
{
	m->clock_ms = UINT64_MAX;
}

static void (*const corruptions[])(struct wire_machine *m) = {
	no_cpus,
	too_many_usable_cpus,
	no_threads,
	capacity_too_large,
	duplicate_mac,
	unsorted_macs,
	mac_too_large,
	invalid_abi,
	trip_point_too_high,
	invalid_health,
	clock_too_large,
};

TEST_EACH(a_machine_with_an_invalid_field_is_rejected, corruptions)
{
	struct wire_machine m = rk3399(), got = { .n_toolchains = 42 };

	(*row)(&m);
	wire_machine_encode(&body, &m);
	ck_assert_int_eq(decode(&got), -EPROTO);
	ck_assert_uint_eq(got.n_toolchains, 42);
	strv_release(&m.abis);
}

TEST(a_machine_with_too_many_core_classes_or_macs_is_rejected)
{
	struct wire_core_class many[WIRE_CLASSES_MAX + 1];
	struct wire_mac cards[WIRE_MACS_MAX + 1];
	struct wire_machine m = rk3399(), got = { 0 };

	for (unsigned i = 0; i <= WIRE_CLASSES_MAX; i++)
		many[i] = classes[0];
	for (unsigned i = 0; i <= WIRE_MACS_MAX; i++)
		cards[i].mac = i + 1;
	m.classes = many;
	m.macs = cards;
	m.n_classes = WIRE_CLASSES_MAX;
	m.n_macs = WIRE_MACS_MAX;
	wire_machine_encode(&body, &m);
	ck_assert_int_eq(decode(&got), 0);
	wire_machine_release(&got);
	m.n_classes++;
	buf_reset(&body);
	wire_machine_encode(&body, &m);
	ck_assert_int_eq(decode(&got), -EPROTO);
	m.n_classes--;
	m.n_macs++;
	buf_reset(&body);
	wire_machine_encode(&body, &m);
	ck_assert_int_eq(decode(&got), -EPROTO);
	strv_release(&m.abis);
}

TEST(a_pin_round_trips_and_an_invalid_class_is_rejected)
{
	struct wire_pin m = { .job = 77, .class = WIRE_CLASSES_MAX - 1 }, got;

	wire_pin_encode(&body, &m);
	ck_assert_uint_eq(body.len, 5);
	ck_assert_int_eq(wire_pin_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.job, 77);
	ck_assert_uint_eq(got.class, WIRE_CLASSES_MAX - 1);
	body.data[4]++;
	ck_assert_int_eq(wire_pin_decode(&got, buf_bytes(&body)), -EPROTO);
}

TEST(a_weight_or_a_lease_out_of_range_is_rejected)
{
	struct wire_weight weight = { 1 };
	struct wire_lease lease = { 1 };

	wire_weight_encode(&body, &weight);
	ck_assert_uint_eq(body.len, 1);
	ck_assert_int_eq(wire_weight_decode(&weight, buf_bytes(&body)), 0);
	ck_assert_uint_eq(weight.percent, 1);
	body.data[0] = WIRE_WEIGHT_MAX;
	ck_assert_int_eq(wire_weight_decode(&weight, buf_bytes(&body)), 0);
	body.data[0]++;
	ck_assert_int_eq(wire_weight_decode(&weight, buf_bytes(&body)),
			 -EPROTO);
	body.data[0] = 0;
	ck_assert_int_eq(wire_weight_decode(&weight, buf_bytes(&body)),
			 -EPROTO);

	buf_reset(&body);
	wire_lease_encode(&body, &lease);
	ck_assert_uint_eq(body.len, 2);
	ck_assert_int_eq(wire_lease_decode(&lease, buf_bytes(&body)), 0);
	ck_assert_uint_eq(lease.n_slots, 1);
	body.data[0] = 0;
	ck_assert_int_eq(wire_lease_decode(&lease, buf_bytes(&body)), -EPROTO);
}

TEST(a_relay_with_duplicate_or_zero_keys_is_rejected)
{
	struct wire_relay_key keys[2] = { 0 };
	struct wire_relay m = { .n_keys = 2, .keys = keys }, got;

	keys[0].fingerprint.b[0] = 1;
	keys[1].fingerprint.b[0] = 2;
	strv_add(&m.members, "rack");
	strv_add(&m.members, "rack/board1");
	wire_relay_encode(&body, &m);
	ck_assert_int_eq(wire_relay_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.n_keys, 2);
	ck_assert_uint_eq(got.members.n, 2);
	ck_assert_str_eq(got.members.v[1], "rack/board1");
	wire_relay_release(&got);

	keys[1] = keys[0];
	buf_reset(&body);
	wire_relay_encode(&body, &m);
	ck_assert_int_eq(wire_relay_decode(&got, buf_bytes(&body)), -EPROTO);
	keys[0] = (struct wire_relay_key){ 0 };
	buf_reset(&body);
	wire_relay_encode(&body, &m);
	ck_assert_int_eq(wire_relay_decode(&got, buf_bytes(&body)), -EPROTO);
	strv_release(&m.members);
}

static const struct {
	const char *member;
	int ret;
} members[] = {
	{ "board1", 0 },        { "rack-2/board_1.lan/x", 0 },
	{ "", -EPROTO },        { "/board1", -EPROTO },
	{ "rack//b", -EPROTO }, { "rack/", -EPROTO },
	{ "rack/-b", -EPROTO }, { "../b", -EPROTO },
	{ "b\n", -EPROTO },     { "b c", -EPROTO },
};

TEST_EACH(a_via_with_an_invalid_member_name_is_rejected, members)
{
	struct wire_via m = { .job = 7, .member = (char *)row->member }, got;

	wire_via_encode(&body, &m);
	ck_assert_int_eq(wire_via_decode(&got, buf_bytes(&body)), row->ret);
	if (row->ret)
		return;
	ck_assert_uint_eq(got.job, 7);
	ck_assert_str_eq(got.member, row->member);
	wire_via_release(&got);
}

static struct wire_heat_class heat_classes[WIRE_CLASSES_MAX + 1] = {
	{ .speed_milli = 666, .n_throttled = 2 },
	{ WIRE_HEALTH_UNKNOWN, WIRE_HEALTH_UNKNOWN },
};
static struct wire_heat_zone zones[WIRE_ZONES_MAX + 1] = {
	{ (char *)"cpu\033[2J", 350000 },
	{ (char *)"", 0 },
};

TEST(heat_round_trips_and_a_truncated_message_is_rejected)
{
	struct wire_heat m = { 2, heat_classes, 2, zones }, got = { 0 };

	wire_heat_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_heat_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_int_eq(wire_heat_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.n_classes, 2);
	ck_assert_uint_eq(got.classes[0].speed_milli, 666);
	ck_assert_uint_eq(got.classes[0].n_throttled, 2);
	ck_assert_uint_eq(got.classes[1].speed_milli, WIRE_HEALTH_UNKNOWN);
	ck_assert_uint_eq(got.n_zones, 2);
	ck_assert_str_eq(got.zones[0].name, "cpu [2J");
	ck_assert_uint_eq(got.zones[0].temperature_mk, 350000);
	wire_heat_release(&got);
}

static bool is_heat_accepted(struct wire_heat m)
{
	struct wire_heat got = { 0 };
	int ret;

	buf_reset(&body);
	wire_heat_encode(&body, &m);
	ret = wire_heat_decode(&got, buf_bytes(&body));
	wire_heat_release(&got);
	return !ret;
}

TEST(a_heat_value_or_count_beyond_its_limit_is_rejected)
{
	struct wire_heat_class fast = { 1001, 0 };
	struct wire_heat_class many = { 1000, WIRE_HEALTH_CPUS_MAX + 1 };
	struct wire_heat_zone hot = { (char *)"x", WIRE_HEALTH_TEMP_MAX + 1 };

	ck_assert(is_heat_accepted((struct wire_heat){ 0 }));
	ck_assert(is_heat_accepted((struct wire_heat){
		WIRE_CLASSES_MAX, heat_classes, WIRE_ZONES_MAX, zones }));
	ck_assert(!is_heat_accepted((struct wire_heat){
		WIRE_CLASSES_MAX + 1, heat_classes, 0, NULL }));
	ck_assert(!is_heat_accepted(
		(struct wire_heat){ 0, NULL, WIRE_ZONES_MAX + 1, zones }));
	ck_assert(!is_heat_accepted((struct wire_heat){ 1, &fast, 0, NULL }));
	ck_assert(!is_heat_accepted((struct wire_heat){ 1, &many, 0, NULL }));
	ck_assert(!is_heat_accepted((struct wire_heat){ 0, NULL, 1, &hot }));
}

TEST(unprintable_characters_in_names_become_spaces)
{
	struct wire_machine m = { .model = (char *)"a\033[2Jboard",
				  .health = wire_health_unknown };
	struct wire_machine got = { 0 };

	wire_machine_encode(&body, &m);
	ck_assert_int_eq(decode(&got), 0);
	ck_assert_str_eq(got.model, "a [2Jboard");
	ck_assert_str_eq(got.kernel, "");
	ck_assert(!digest_is_set(&got.machine_id));
	wire_machine_release(&got);
}
