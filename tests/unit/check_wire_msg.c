/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/msg.h"

static struct buf body;

static void set_up(void)
{
	body = (struct buf){ 0 };
}

static void tear_down(void)
{
	buf_release(&body);
}

static void fill_hello(struct wire_hello *m)
{
	*m = (struct wire_hello){
		.version_min = 1,
		.version_max = 3,
		.software = xstrdup("kfarmd 0.1"),
		.inventory = {
			.machine = xstrdup("aarch64"),
			.host = xstrdup("neo4a"),
			.boot_id = xstrdup("0d2c"),
			.cores = 6,
			.slots = 4,
			.memory_mib = 3900,
			.available_mib = 3300,
			.load_milli = 1250,
		},
	};
	strv_add(&m->inventory.compilers, "gcc-12");
	strv_add(&m->inventory.compilers, "aarch64-linux-gnu-gcc-12");
}

FIXTURE(set_up, tear_down);

TEST(a_decoded_hello_equals_the_encoded_one)
{
	struct wire_hello m, got = { 0 };

	fill_hello(&m);
	wire_hello_encode(&body, &m);
	ck_assert_int_eq(wire_hello_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.version_min, 1);
	ck_assert_uint_eq(got.version_max, 3);
	ck_assert_str_eq(got.software, "kfarmd 0.1");
	ck_assert_str_eq(got.inventory.machine, "aarch64");
	ck_assert_str_eq(got.inventory.host, "neo4a");
	ck_assert_str_eq(got.inventory.boot_id, "0d2c");
	ck_assert_uint_eq(got.inventory.cores, 6);
	ck_assert_uint_eq(got.inventory.slots, 4);
	ck_assert_uint_eq(got.inventory.memory_mib, 3900);
	ck_assert_uint_eq(got.inventory.available_mib, 3300);
	ck_assert_uint_eq(got.inventory.load_milli, 1250);
	ck_assert_uint_eq(got.inventory.compilers.n, 2);
	ck_assert_str_eq(got.inventory.compilers.v[1],
			 "aarch64-linux-gnu-gcc-12");
	wire_hello_release(&m);
	wire_hello_release(&got);
}

TEST(a_hello_without_an_inventory_has_empty_strings)
{
	struct wire_hello m = { .version_min = 1, .version_max = 1 };
	struct wire_hello got = { 0 };

	wire_hello_encode(&body, &m);
	ck_assert_int_eq(wire_hello_decode(&got, buf_bytes(&body)), 0);
	ck_assert_str_eq(got.software, "");
	ck_assert_str_eq(got.inventory.machine, "");
	ck_assert_uint_eq(got.inventory.compilers.n, 0);
	wire_hello_release(&got);
}

/* No prefix of a message is valid, nor a message with trailing bytes. */
TEST(a_truncated_or_extended_hello_is_rejected)
{
	struct wire_hello m, got = { .version_min = 42 };

	fill_hello(&m);
	wire_hello_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_hello_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_hello_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.version_min, 42); /* unchanged */
	wire_hello_release(&m);
}

TEST(encode_limits_the_number_of_compilers_of_a_hello)
{
	struct wire_hello m = { 0 }, got = { 0 };

	for (int i = 0; i < WIRE_COMPILERS_MAX + 50; i++)
		strv_addf(&m.inventory.compilers, "gcc-%d", i);
	wire_hello_encode(&body, &m);
	ck_assert_int_eq(wire_hello_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.inventory.compilers.n, WIRE_COMPILERS_MAX);
	wire_hello_release(&got);
	wire_hello_release(&m);
}

TEST(a_hello_with_too_many_compilers_is_rejected)
{
	struct wire_hello m = { 0 }, got = { 0 };

	wire_hello_encode(&body, &m);
	put_le16(body.data + body.len - 2, WIRE_COMPILERS_MAX + 1);
	for (int i = 0; i < WIRE_COMPILERS_MAX + 1; i++)
		buf_put_str(&body, "gcc");
	ck_assert_int_eq(wire_hello_decode(&got, buf_bytes(&body)), -EPROTO);
}

static const struct version {
	uint16_t min, max;
	int want;
} versions[] = {
	{ 6, 6, 6 },       { 6, 7, 7 },
	{ 7, 7, 7 },       { 6, 8, 8 },
	{ 8, 8, 8 },       { 1, WIRE_VERSION + 1, WIRE_VERSION },
	{ 5, 5, -EPROTO }, { WIRE_VERSION + 1, WIRE_VERSION + 2, -EPROTO },
	{ 0, 0, -EPROTO }, { 0, 0xffff, WIRE_VERSION },
	{ 2, 1, -EPROTO }, { 0xffff, 0xffff, -EPROTO },
};

TEST_EACH(the_highest_version_that_both_ends_support_is_chosen, versions)
{
	struct wire_hello m = {
		.version_min = row->min,
		.version_max = row->max,
	};

	ck_assert_int_eq(wire_hello_negotiate(&m), row->want);
}

TEST(a_bye_has_a_reason_of_one_printable_line)
{
	char *reason = NULL;

	wire_bye_encode(&body, "no slots\n\033[31m left");
	ck_assert_int_eq(wire_bye_decode(&reason, buf_bytes(&body)), 0);
	ck_assert_str_eq(reason, "no slots  [31m left");
	free(reason);
	reason = NULL;
	ck_assert_int_eq(
		wire_bye_decode(&reason, bytes_of(body.data, body.len - 1)),
		-EPROTO);
	ck_assert_ptr_null(reason);
}

TEST(a_fit_round_trips_and_an_invalid_one_is_rejected)
{
	struct wire_fit m = { .usable = 1,
			      .layers = (char *)"user mount",
			      .reason = (char *)"seccomp\nis off" };
	struct wire_fit got = { 0 };

	strv_add(&m.hosts, "x86_64");
	strv_add(&m.hosts, "arm64");
	wire_fit_encode(&body, &m);
	ck_assert_int_eq(wire_fit_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.usable, 1);
	ck_assert_str_eq(got.layers, "user mount");
	ck_assert_str_eq(got.reason, "seccomp is off");
	ck_assert_uint_eq(got.hosts.n, 2);
	ck_assert_str_eq(got.hosts.v[1], "arm64");
	wire_fit_release(&got);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_fit_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	body.data[0] = 2;
	ck_assert_int_eq(wire_fit_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_ptr_null(got.reason);
	strv_release(&m.hosts);
}

TEST(a_fit_lists_a_limited_number_of_valid_hosts)
{
	struct wire_fit m = { .layers = (char *)"", .reason = (char *)"" };
	struct wire_fit got = { 0 };

	for (int i = 0; i < WIRE_HOSTS_MAX; i++)
		strv_addf(&m.hosts, "host%d", i);
	wire_fit_encode(&body, &m);
	ck_assert_int_eq(wire_fit_decode(&got, buf_bytes(&body)), 0);
	wire_fit_release(&got);
	body.data[body.len - 1] = '/';
	ck_assert_int_eq(wire_fit_decode(&got, buf_bytes(&body)), -EPROTO);
	strv_add(&m.hosts, "more");
	buf_reset(&body);
	wire_fit_encode(&body, &m);
	ck_assert_int_eq(wire_fit_decode(&got, buf_bytes(&body)), -EPROTO);
	strv_release(&m.hosts);
}

TEST(a_beat_round_trips_and_a_truncated_one_is_rejected)
{
	struct wire_beat_job jobs[] = { { 3, 1500 }, { 9, 20 } };
	struct wire_beat m = {
		.available_mib = 900,
		.load_milli = 4000,
		.n_jobs = 2,
		.jobs = jobs,
	};
	struct wire_beat got = { 0 };

	wire_beat_encode(&body, &m);
	ck_assert_int_eq(wire_beat_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.available_mib, 900);
	ck_assert_uint_eq(got.load_milli, 4000);
	ck_assert_uint_eq(got.n_jobs, 2);
	ck_assert_mem_eq(got.jobs, jobs, sizeof(jobs));
	wire_beat_release(&got);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_beat_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
}

TEST(encode_truncates_and_decode_rejects_too_many_jobs_of_a_beat)
{
	struct wire_beat m = { .n_jobs = WIRE_BEAT_JOBS_MAX + 1 };
	struct wire_beat got = { 0 };

	m.jobs = calloc(m.n_jobs, sizeof(*m.jobs));
	wire_beat_encode(&body, &m);
	ck_assert_int_eq(wire_beat_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.n_jobs, WIRE_BEAT_JOBS_MAX);
	wire_beat_release(&got);

	put_le16(body.data + 8, WIRE_BEAT_JOBS_MAX + 1);
	buf_put_u32(&body, 0);
	buf_put_u32(&body, 0);
	ck_assert_int_eq(wire_beat_decode(&got, buf_bytes(&body)), -EPROTO);
	wire_beat_release(&m);
}

TEST(a_beat_with_a_count_but_no_jobs_is_rejected)
{
	struct wire_beat m = { 0 };

	wire_beat_encode(&body, &m);
	ck_assert_int_eq(wire_beat_decode(&m, buf_bytes(&body)), 0);
	ck_assert_ptr_null(m.jobs);
	put_le16(body.data + 8, 1000);
	ck_assert_int_eq(wire_beat_decode(&m, buf_bytes(&body)), -EPROTO);
}

/* Messages and the first version of the protocol that has them. */
static const struct {
	enum wire_type type;
	int since;
	const char *name;
} types[] = {
	{ WIRE_HELLO, 0, "HELLO" },   { WIRE_FAIL, 0, "FAIL" },
	{ WIRE_HEALTH, 7, "HEALTH" }, { WIRE_MACHINE, 8, "MACHINE" },
	{ WIRE_PIN, 9, "PIN" },       { WIRE_HEAT, 9, "HEAT" },
	{ WIRE_STEP, 10, "STEP" },    { WIRE_RELAY, 13, "RELAY" },
	{ WIRE_VIA, 13, "VIA" },      { WIRE_EXCLUDE, 13, "EXCLUDE" },
	{ WIRE_GET, 13, "GET" },      { WIRE_GONE, 13, "GONE" },
};

TEST_EACH(a_message_exists_from_its_first_version_on, types)
{
	for (int version = 0; version <= WIRE_VERSION + 1; version++)
		ck_assert_pstr_eq(wire_type_name(row->type, version),
				  version < row->since ? NULL : row->name);
}

TEST(all_messages_between_kfarm_and_kfarmd_have_names)
{
	ck_assert_ptr_null(wire_type_name(0, WIRE_VERSION));
	for (unsigned type = WIRE_HELLO; type <= WIRE_GONE; type++)
		ck_assert_ptr_nonnull(wire_type_name(type, WIRE_VERSION));
	ck_assert_ptr_null(wire_type_name(WIRE_GONE + 1, WIRE_VERSION));
	ck_assert_ptr_null(wire_type_name(WIRE_CC_JOB, WIRE_VERSION));
}
