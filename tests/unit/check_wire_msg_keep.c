/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "wire/msg.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct buf body;

static void fresh(void)
{
	body = (struct buf){ 0 };
}

static void done(void)
{
	buf_release(&body);
}

static const struct word {
	const char *word;
	bool id, host, path;
} words[] = {
	{ "gcc-13.3.0-aarch64-linux", true, false, true },
	{ "clang-22.1.8", true, false, true },
	{ "arm64", true, true, true },
	{ "x86_64", true, true, true },
	{ "g++", true, false, true },
	{ "", false, false, false },
	{ ".", false, false, false },
	{ "..", false, false, false },
	{ "...", false, false, true },
	{ ".part.a", false, false, true },
	{ "-x", false, false, true },
	{ "a/b", false, false, true },
	{ "a/../b", false, false, false },
	{ "a/./b", false, false, false },
	{ "a//b", false, false, false },
	{ "/a", false, false, false },
	{ "a/", false, false, false },
	{ "a/..", false, false, false },
	{ "../a", false, false, false },
	{ "a b", false, false, true },
	{ "a\nb", false, false, true },
	{ "\xff", false, false, true },
};

START_TEST(ids_hosts_and_paths_are_told_apart)
{
	const struct word *w = &words[_i];

	ck_assert_int_eq(wire_id_ok(w->word), w->id);
	ck_assert_int_eq(wire_host_ok(w->word), w->host);
	ck_assert_int_eq(wire_relative_ok(w->word), w->path);
}
END_TEST

START_TEST(ids_hosts_and_paths_have_a_greatest_length)
{
	char *long_word = xcalloc(1, WIRE_PATH_MAX + 2);

	memset(long_word, 'a', WIRE_HOST_MAX);
	ck_assert(wire_host_ok(long_word));
	memset(long_word, 'a', WIRE_ID_MAX);
	ck_assert(!wire_host_ok(long_word));
	ck_assert(wire_id_ok(long_word));
	memset(long_word, 'a', WIRE_PATH_MAX);
	ck_assert(!wire_id_ok(long_word));
	ck_assert(wire_relative_ok(long_word));
	long_word[WIRE_PATH_MAX] = 'a';
	ck_assert(!wire_relative_ok(long_word));
	free(long_word);
}
END_TEST

static void fill(struct wire_keep *m, struct wire_keep_entry e[static 3])
{
	e[0] = (struct wire_keep_entry){ .path = (char *)"gcc/bin/gcc",
					 .inode.kind = WIRE_FILE,
					 .inode.executable = 1,
					 .inode.size = 77,
					 .inode.mtime_ns = -5 };
	memset(e[0].inode.digest.b, 0x5a, sizeof(e[0].inode.digest.b));
	e[1] = (struct wire_keep_entry){ .path = (char *)"gcc/bin/cc",
					 .inode.kind = WIRE_LINK,
					 .inode.target = (char *)"../bin/gcc" };
	e[2] = (struct wire_keep_entry){ .path = (char *)"gcc/tmp",
					 .inode.kind = WIRE_DIR };
	*m = (struct wire_keep){ .keep = WIRE_NEED_KEEP - 1,
				 .id = (char *)"gcc-13.3.0-x-on-arm64",
				 .host = (char *)"arm64",
				 .last = 1,
				 .json = (char *)"{\n}\n",
				 .n = 3,
				 .entries = e };
	memset(m->tree.b, 1, sizeof(m->tree.b));
	memset(m->twin.b, 2, sizeof(m->twin.b));
}

START_TEST(a_keep_comes_back_as_it_was_and_cut_is_refused)
{
	struct wire_keep_entry e[3];
	struct wire_keep m, got = { .keep = 42 };

	fill(&m, e);
	wire_keep_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_keep_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_uint_eq(got.keep, 42);
	ck_assert_int_eq(wire_keep_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.keep, WIRE_NEED_KEEP - 1);
	ck_assert_str_eq(got.id, m.id);
	ck_assert_str_eq(got.host, "arm64");
	ck_assert(digest_equal(&got.tree, &m.tree));
	ck_assert(digest_equal(&got.twin, &m.twin));
	ck_assert_uint_eq(got.last, 1);
	ck_assert_str_eq(got.json, "{\n}\n");
	ck_assert_uint_eq(got.n, 3);
	ck_assert_str_eq(got.entries[0].path, "gcc/bin/gcc");
	ck_assert_uint_eq(got.entries[0].inode.executable, 1);
	ck_assert_uint_eq(got.entries[0].inode.size, 77);
	ck_assert_int_eq(got.entries[0].inode.mtime_ns, -5);
	ck_assert(
		digest_equal(&got.entries[0].inode.digest, &e[0].inode.digest));
	ck_assert_str_eq(got.entries[1].inode.target, "../bin/gcc");
	ck_assert_uint_eq(got.entries[2].inode.kind, WIRE_DIR);
	ck_assert_ptr_null(got.entries[2].inode.target);
	wire_keep_release(&got);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_keep_decode(&got, buf_bytes(&body)), -EPROTO);
}
END_TEST

/* One thing wrong in each. */
START_TEST(a_spoiled_keep_is_refused)
{
	static const char *const ids[] = { "", "..", "a/b", ".x", "a b" };
	static const char *const paths[] = { "",       "/etc", "../x",
					     "a/../b", "a/",   "." };
	struct wire_keep_entry e[3];
	struct wire_keep m, got = { .keep = 42 };
	char *json = NULL;

	fill(&m, e);
	if (_i < 5)
		m.id = (char *)ids[_i];
	else if (_i < 11)
		e[_i % 3].path = (char *)paths[_i - 5];
	else if (_i == 11)
		m.host = (char *)"ARM";
	else if (_i == 12)
		m.keep = WIRE_NEED_KEEP;
	else if (_i == 13)
		m.last = 0; /* with a json */
	else if (_i == 14)
		m.last = 2;
	else if (_i == 15)
		e[0].inode.size = WIRE_BLOB_MAX + 1;
	else if (_i == 16)
		e[0].inode.executable = 2;
	else if (_i == 17)
		e[1].inode.target = (char *)"";
	else if (_i == 18)
		e[2].inode.kind = WIRE_GONE;
	else if (_i == 19)
		m.json = json = xasprintf("%*s", WIRE_JSON_MAX + 1, "");
	wire_keep_encode(&body, &m);
	ck_assert_int_eq(wire_keep_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.keep, 42);
	free(json);
}
END_TEST

START_TEST(a_keep_that_only_announces_entries_takes_no_memory)
{
	struct wire_keep m = { .id = (char *)"a", .host = (char *)"b" }, got;

	wire_keep_encode(&body, &m);
	ck_assert_int_eq(wire_keep_decode(&got, buf_bytes(&body)), 0);
	ck_assert_ptr_null(got.entries);
	wire_keep_release(&got);
	put_le32(body.data + body.len - 4, WIRE_VIEW_ENTRIES);
	ck_assert_int_eq(wire_keep_decode(&got, buf_bytes(&body)), -EPROTO);
	put_le32(body.data + body.len - 4, UINT32_MAX);
	ck_assert_int_eq(wire_keep_decode(&got, buf_bytes(&body)), -EPROTO);
}
END_TEST

/* With the longest of everything else each fits a frame, and none is empty. */
START_TEST(a_long_toolchain_is_cut_into_keeps)
{
	size_t n = 30000, at = 0, keeps = 0;
	struct wire_keep_entry *e = xcalloc(n, sizeof(*e));
	char *target = xcalloc(1, WIRE_PATH_MAX + 1);
	char *json = xasprintf("%*s", WIRE_JSON_MAX, "");
	char id[WIRE_ID_MAX + 1] = { 0 }, host[WIRE_HOST_MAX + 1] = { 0 };

	memset(target, 'a', WIRE_PATH_MAX);
	memset(id, 'a', WIRE_ID_MAX);
	memset(host, 'a', WIRE_HOST_MAX);
	for (size_t i = 0; i < n; i++)
		e[i] = (struct wire_keep_entry){ .path = target + i % 4096 };
	for (size_t i = 0; i < 100; i++) {
		e[i].inode.kind = WIRE_LINK;
		e[i].inode.target = target;
	}
	for (; at < n; keeps++) {
		struct wire_keep m = { .id = id,
				       .host = host,
				       .last = 1,
				       .json = json,
				       .entries = e + at },
				 got;

		m.n = wire_keep_fits(e + at, n - at);
		ck_assert_uint_ge(m.n, 1);
		buf_reset(&body);
		wire_keep_encode(&body, &m);
		ck_assert_uint_le(body.len, 1 << 20);
		ck_assert_int_eq(wire_keep_decode(&got, buf_bytes(&body)), 0);
		wire_keep_release(&got);
		at += m.n;
	}
	ck_assert_uint_gt(keeps, 60);
	ck_assert_uint_lt(keeps, 80);
	free(json);
	free(target);
	free(e);
}
END_TEST

START_TEST(kept_and_drop_come_back_as_they_were)
{
	struct wire_kept m = { .keep = 9,
			       .state = 1,
			       .detail = (char *)"no\nspace" };
	struct wire_kept got = { 0 };
	struct wire_drop drop = { .keep = 3, .id = (char *)"gcc-1" }, that;

	memset(m.tree.b, 3, sizeof(m.tree.b));
	wire_kept_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_kept_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_int_eq(wire_kept_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.keep, 9);
	ck_assert_uint_eq(got.state, 1);
	ck_assert(digest_equal(&got.tree, &m.tree));
	ck_assert_str_eq(got.detail, "no space");
	wire_kept_release(&got);
	body.data[4] = 2;
	ck_assert_int_eq(wire_kept_decode(&got, buf_bytes(&body)), -EPROTO);

	buf_reset(&body);
	wire_drop_encode(&body, &drop);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_drop_decode(&that, bytes_of(body.data, n)),
			-EPROTO);
	ck_assert_int_eq(wire_drop_decode(&that, buf_bytes(&body)), 0);
	ck_assert_uint_eq(that.keep, 3);
	ck_assert_str_eq(that.id, "gcc-1");
	wire_drop_release(&that);
	body.data[body.len - 2] = '/';
	ck_assert_int_eq(wire_drop_decode(&that, buf_bytes(&body)), -EPROTO);
}
END_TEST

START_TEST(tools_and_held_come_back_as_they_were)
{
	struct wire_tools ask = { .ask = 7, .verify = 1 }, asked = { 0 };
	struct wire_held_one all[2] = {
		{ .id = (char *)"a", .host = (char *)"arm64" },
		{ .id = (char *)"b-1",
		  .host = (char *)"x86_64",
		  .state = WIRE_HELD_DAMAGED,
		  .detail = (char *)"bin/gcc" },
	};
	struct wire_held m = { .ask = 7, .last = 1, .n = 2, .all = all };
	struct wire_held got = { .ask = 42 };

	wire_tools_encode(&body, &ask);
	ck_assert_int_eq(wire_tools_decode(&asked, bytes_of(body.data, 4)),
			 -EPROTO);
	ck_assert_int_eq(wire_tools_decode(&asked, buf_bytes(&body)), 0);
	ck_assert_uint_eq(asked.ask, 7);
	ck_assert_uint_eq(asked.verify, 1);
	body.data[4] = 2;
	ck_assert_int_eq(wire_tools_decode(&asked, buf_bytes(&body)), -EPROTO);

	buf_reset(&body);
	memset(all[1].tree.b, 4, sizeof(all[1].tree.b));
	wire_held_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_held_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_uint_eq(got.ask, 42);
	ck_assert_int_eq(wire_held_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.n, 2);
	ck_assert_uint_eq(got.last, 1);
	ck_assert_str_eq(got.all[0].detail, "");
	ck_assert_str_eq(got.all[1].id, "b-1");
	ck_assert_uint_eq(got.all[1].state, WIRE_HELD_DAMAGED);
	ck_assert(digest_equal(&got.all[1].tree, &all[1].tree));
	ck_assert_str_eq(got.all[1].detail, "bin/gcc");
	wire_held_release(&got);
	put_le32(body.data + 5, WIRE_HELD_MAX);
	ck_assert_int_eq(wire_held_decode(&got, buf_bytes(&body)), -EPROTO);
	all[0].host = (char *)"a/b";
	buf_reset(&body);
	wire_held_encode(&body, &m);
	ck_assert_int_eq(wire_held_decode(&got, buf_bytes(&body)), -EPROTO);
}
END_TEST

/* The longest of all that one message may hold is a frame. */
START_TEST(a_full_held_fits_a_frame)
{
	struct wire_held_one *all = xcalloc(WIRE_HELD_MAX, sizeof(*all));
	struct wire_held m = { .n = WIRE_HELD_MAX, .all = all }, got;
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
	ck_assert_uint_eq(got.n, WIRE_HELD_MAX);
	wire_held_release(&got);
	free(all);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire/msg-keep");
	TCase *tc = tcase_create("msg_keep");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, fresh, done);
	tcase_add_loop_test(tc, ids_hosts_and_paths_are_told_apart, 0,
			    LENGTH(words));
	tcase_add_test(tc, ids_hosts_and_paths_have_a_greatest_length);
	tcase_add_test(tc, a_keep_comes_back_as_it_was_and_cut_is_refused);
	tcase_add_loop_test(tc, a_spoiled_keep_is_refused, 0, 20);
	tcase_add_test(tc, a_keep_that_only_announces_entries_takes_no_memory);
	tcase_add_test(tc, a_long_toolchain_is_cut_into_keeps);
	tcase_add_test(tc, kept_and_drop_come_back_as_they_were);
	tcase_add_test(tc, tools_and_held_come_back_as_they_were);
	tcase_add_test(tc, a_full_held_fits_a_frame);
	return suite_run(suite);
}
