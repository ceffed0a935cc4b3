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

static const struct word {
	const char *word;
	bool id, host;
} words[] = {
	{ "gcc-13.3.0-aarch64-linux", true, false },
	{ "clang-22.1.8", true, false },
	{ "arm64", true, true },
	{ "x86_64", true, true },
	{ "g++", true, false },
	{ "", false, false },
	{ ".", false, false },
	{ "..", false, false },
	{ "...", false, false },
	{ ".part.a", false, false },
	{ "-x", false, false },
	{ "a/b", false, false },
	{ "a/../b", false, false },
	{ "a/./b", false, false },
	{ "a//b", false, false },
	{ "/a", false, false },
	{ "a/", false, false },
	{ "a/..", false, false },
	{ "../a", false, false },
	{ "a b", false, false },
	{ "a\nb", false, false },
	{ "\xff", false, false },
};

FIXTURE(set_up, tear_down);

TEST_EACH(ids_and_host_names_are_validated, words)
{
	ck_assert_int_eq(wire_id_is_valid(row->word), row->id);
	ck_assert_int_eq(wire_host_is_valid(row->word), row->host);
}

TEST(ids_and_host_names_have_a_maximum_length)
{
	char *long_word = xcalloc(1, WIRE_PATH_MAX + 2);

	memset(long_word, 'a', WIRE_HOST_MAX);
	ck_assert(wire_host_is_valid(long_word));
	memset(long_word, 'a', WIRE_ID_MAX);
	ck_assert(!wire_host_is_valid(long_word));
	ck_assert(wire_id_is_valid(long_word));
	long_word[WIRE_ID_MAX] = 'a';
	ck_assert(!wire_id_is_valid(long_word));
	free(long_word);
}

static void fill(struct wire_bundle *m)
{
	*m = (struct wire_bundle){ .bundle = 0x80000001,
				   .id = (char *)"gcc-13.3.0-x-on-arm64",
				   .host = (char *)"arm64",
				   .metadata = (char *)"{\n}\n" };
	memset(m->dir_digest.b, 1, sizeof(m->dir_digest.b));
	memset(m->equivalent_id.b, 2, sizeof(m->equivalent_id.b));
}

TEST(a_bundle_round_trips_and_a_truncated_one_is_rejected)
{
	struct wire_bundle m, got = { .bundle = 42 };

	fill(&m);
	wire_bundle_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_bundle_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
	ck_assert_uint_eq(got.bundle, 42);
	ck_assert_int_eq(wire_bundle_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.bundle, 0x80000001);
	ck_assert_str_eq(got.id, m.id);
	ck_assert_str_eq(got.host, "arm64");
	ck_assert(digest_equal(&got.dir_digest, &m.dir_digest));
	ck_assert(digest_equal(&got.equivalent_id, &m.equivalent_id));
	ck_assert_str_eq(got.metadata, "{\n}\n");
	wire_bundle_release(&got);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_bundle_decode(&got, buf_bytes(&body)), -EPROTO);
}

/* Each case has one error. */
TEST_RANGE(an_invalid_bundle_is_rejected, 0, 7)
{
	static const char *const ids[] = { "", "..", "a/b", ".x", "a b" };
	struct wire_bundle m, got = { .bundle = 42 };
	char *json = NULL;

	fill(&m);
	if (_i < 5)
		m.id = (char *)ids[_i];
	else if (_i == 5)
		m.host = (char *)"ARM";
	else if (_i == 6)
		m.metadata = json = xasprintf("%*s", WIRE_JSON_MAX + 1, "");
	wire_bundle_encode(&body, &m);
	ck_assert_int_eq(wire_bundle_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.bundle, 42);
	free(json);
}

TEST(the_longest_bundle_fits_a_frame)
{
	char id[WIRE_ID_MAX + 1] = { 0 }, host[WIRE_HOST_MAX + 1] = { 0 };
	struct wire_bundle m = { .id = id, .host = host }, got;

	memset(id, 'a', WIRE_ID_MAX);
	memset(host, 'a', WIRE_HOST_MAX);
	m.metadata = xasprintf("%*s", WIRE_JSON_MAX, "");
	wire_bundle_encode(&body, &m);
	ck_assert_uint_le(body.len, 1 << 20);
	ck_assert_int_eq(wire_bundle_decode(&got, buf_bytes(&body)), 0);
	wire_bundle_release(&got);
	free(m.metadata);
}

TEST(drop_and_dropped_round_trip_and_invalid_ones_are_rejected)
{
	struct wire_dropped m = { .request_id = 9,
				  .state = 1,
				  .detail = (char *)"no\nspace" };
	struct wire_dropped got = { 0 };
	struct wire_drop drop = { .request_id = 3, .id = (char *)"gcc-1" },
			 got_drop;

	wire_dropped_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_dropped_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
	ck_assert_int_eq(wire_dropped_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.request_id, 9);
	ck_assert_uint_eq(got.state, 1);
	ck_assert_str_eq(got.detail, "no space");
	wire_dropped_release(&got);
	body.data[4] = 2;
	ck_assert_int_eq(wire_dropped_decode(&got, buf_bytes(&body)), -EPROTO);

	buf_reset(&body);
	wire_drop_encode(&body, &drop);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_drop_decode(&got_drop, bytes_of(body.data, n)),
			-EPROTO);
	ck_assert_int_eq(wire_drop_decode(&got_drop, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got_drop.request_id, 3);
	ck_assert_str_eq(got_drop.id, "gcc-1");
	wire_drop_release(&got_drop);
	body.data[body.len - 2] = '/';
	ck_assert_int_eq(wire_drop_decode(&got_drop, buf_bytes(&body)),
			 -EPROTO);
}

TEST(tools_and_held_round_trip_and_invalid_ones_are_rejected)
{
	struct wire_tools request = { .request_id = 7, .verify = 1 },
			  got_request = { 0 };
	struct wire_held_one all[2] = {
		{ .id = (char *)"a", .host = (char *)"arm64" },
		{ .id = (char *)"b-1",
		  .host = (char *)"x86_64",
		  .state = WIRE_HELD_DAMAGED,
		  .detail = (char *)"bin/gcc" },
	};
	struct wire_held m = {
		.request_id = 7, .last = 1, .n_toolchains = 2, .toolchains = all
	};
	struct wire_held got = { .request_id = 42 };

	wire_tools_encode(&body, &request);
	ck_assert_int_eq(
		wire_tools_decode(&got_request, bytes_of(body.data, 4)),
		-EPROTO);
	ck_assert_int_eq(wire_tools_decode(&got_request, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got_request.request_id, 7);
	ck_assert_uint_eq(got_request.verify, 1);
	body.data[4] = 2;
	ck_assert_int_eq(wire_tools_decode(&got_request, buf_bytes(&body)),
			 -EPROTO);

	buf_reset(&body);
	memset(all[1].dir_digest.b, 4, sizeof(all[1].dir_digest.b));
	wire_held_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_held_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_uint_eq(got.request_id, 42);
	ck_assert_int_eq(wire_held_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.n_toolchains, 2);
	ck_assert_uint_eq(got.last, 1);
	ck_assert_str_eq(got.toolchains[0].detail, "");
	ck_assert_str_eq(got.toolchains[1].id, "b-1");
	ck_assert_uint_eq(got.toolchains[1].state, WIRE_HELD_DAMAGED);
	ck_assert(digest_equal(&got.toolchains[1].dir_digest,
			       &all[1].dir_digest));
	ck_assert_str_eq(got.toolchains[1].detail, "bin/gcc");
	wire_held_release(&got);
	put_le32(body.data + 5, WIRE_HELD_MAX);
	ck_assert_int_eq(wire_held_decode(&got, buf_bytes(&body)), -EPROTO);
	all[0].host = (char *)"a/b";
	buf_reset(&body);
	wire_held_encode(&body, &m);
	ck_assert_int_eq(wire_held_decode(&got, buf_bytes(&body)), -EPROTO);
}

TEST(the_largest_held_fits_a_frame)
{
	struct wire_held_one *all = xcalloc(WIRE_HELD_MAX, sizeof(*all));
	struct wire_held m = { .n_toolchains = WIRE_HELD_MAX,
			       .toolchains = all },
			 got;
	char id[WIRE_ID_MAX + 1] = { 0 }, host[WIRE_HOST_MAX + 1] = { 0 };
	char detail[WIRE_REASON_MAX + 1] = { 0 };

	memset(id, 'a', WIRE_ID_MAX);
	memset(host, 'a', WIRE_HOST_MAX);
	memset(detail, 'a', WIRE_REASON_MAX);
	for (int i = 0; i < WIRE_HELD_MAX; i++)
		all[i] = (struct wire_held_one){ .id = id,
						 .host = host,
						 .detail = detail };
	wire_held_encode(&body, &m);
	ck_assert_uint_le(body.len, 1 << 20);
	ck_assert_int_eq(wire_held_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.n_toolchains, WIRE_HELD_MAX);
	wire_held_release(&got);
	free(all);
}
