/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/table.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct buf body;

static void set_up(void)
{
	body = (struct buf){ 0 };
}

static void tear_down(void)
{
	buf_release(&body);
}

static const char *const good[] = { "/a",     "/a/b", "/.a",
				    "/a/..b", "/...", "/a b/\xc3\xa4,\n" };
static const char *const bad[] = { "",    "/",      "a",     "./a",
				   "/a/", "//a",    "/a//",  "/.",
				   "/..", "/a/./b", "/a/..", "/../a" };

FIXTURE(set_up, tear_down);

TEST(only_normalized_absolute_paths_are_valid)
{
	char *longest = xasprintf("/%0*d", WIRE_PATH_MAX - 1, 0);
	char *longer = xasprintf("/%0*d", WIRE_PATH_MAX, 0);

	for (size_t i = 0; i < LENGTH(good); i++)
		ck_assert_msg(wire_path_is_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < LENGTH(bad); i++)
		ck_assert_msg(!wire_path_is_valid(bad[i]), "%s", bad[i]);
	ck_assert(wire_path_is_valid(longest));
	ck_assert(!wire_path_is_valid(longer));
	free(longest);
	free(longer);
}

/* Return the number of paths in a table. */
static uint32_t count(const struct wire_intern *t)
{
	uint32_t n = 0;

	while (wire_paths_get(t, n))
		n++;
	return n;
}

static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static void put(uint32_t first, const char *const *list, size_t n)
{
	const char *before = "";

	buf_reset(&body);
	buf_put_u32(&body, first);
	buf_put_u32(&body, (uint32_t)n);
	for (size_t i = 0; i < n; before = list[i++]) {
		size_t shared = common(before, list[i]);

		buf_put_u16(&body, (uint16_t)shared);
		buf_put_str(&body, list[i] + shared);
	}
}

/* Receive a message in a new table. */
static int receive_in_new_table(struct bytes in)
{
	struct wire_intern *t = wire_paths_new();
	int ret = wire_paths_receive(t, in);

	wire_intern_free(t);
	return ret;
}

TEST(paths_round_trip_and_a_truncated_message_is_rejected)
{
	struct wire_intern *t = wire_paths_new();

	put(0, good, LENGTH(good));
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(receive_in_new_table(bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_int_eq(wire_paths_receive(t, buf_bytes(&body)), 0);
	ck_assert_uint_eq(count(t), LENGTH(good));
	for (uint32_t i = 0; i < LENGTH(good); i++)
		ck_assert_str_eq(wire_paths_get(t, i), good[i]);
	wire_intern_free(t);
}

TEST_EACH(an_invalid_path_is_rejected, bad)
{
	put(0, row, 1);
	ck_assert_int_eq(receive_in_new_table(buf_bytes(&body)), -EPROTO);
}

/* "/ab" after "/aa" shares 2 bytes and has only this encoding. */
static void put_second(uint16_t shared, const char *rest)
{
	static const char *const first[] = { "/aa" };

	put(0, first, 1);
	put_le32(body.data + 4, 2);
	buf_put_u16(&body, shared);
	buf_put_str(&body, rest);
}

TEST(a_shared_prefix_has_only_one_valid_encoding)
{
	struct wire_intern *t = wire_paths_new();

	put_second(2, "b");
	ck_assert_int_eq(wire_paths_receive(t, buf_bytes(&body)), 0);
	ck_assert_str_eq(wire_paths_get(t, 1), "/ab");
	wire_intern_free(t);
	put_second(1, "ab");
	ck_assert_int_eq(receive_in_new_table(buf_bytes(&body)), -EPROTO);
	put_second(4, "b");
	ck_assert_int_eq(receive_in_new_table(buf_bytes(&body)), -EPROTO);
	put_second(0xffff, "");
	ck_assert_int_eq(receive_in_new_table(buf_bytes(&body)), -EPROTO);
}

TEST(an_excessive_count_is_rejected)
{
	put(0, good, 1);
	put_le32(body.data + 4, UINT32_MAX);
	ck_assert_int_eq(receive_in_new_table(buf_bytes(&body)), -EPROTO);
}

/* 2,000 paths of 4 KiB that cost 10 bytes each. */
TEST(paths_that_expand_beyond_the_limit_are_rejected)
{
	struct strv list = { 0 };

	for (int i = 0; i < 2000; i++)
		strv_addf(&list, "/%0*d", WIRE_PATH_MAX - 1, i);
	put(0, (const char *const *)list.v, list.n);
	ck_assert_uint_lt(body.len, 40000);
	ck_assert_int_eq(receive_in_new_table(buf_bytes(&body)), -EPROTO);
	strv_release(&list);
}

TEST(sender_and_receiver_assign_the_same_numbers)
{
	struct wire_intern *sender = wire_paths_new();
	struct wire_intern *receiver = wire_paths_new();
	uint32_t number, messages = 0;
	char path[64];

	ck_assert(!wire_paths_put_new(sender, &body));
	for (uint32_t i = 0; i < 60000; i++) {
		snprintf(path, sizeof(path), "/dir %u/file-%u.h", i % 7, i);
		ck_assert_int_eq(wire_paths_add(sender, path, &number), 0);
		ck_assert_uint_eq(number, i);
	}
	for (; wire_paths_put_new(sender, &body); messages++) {
		ck_assert_uint_le(body.len, 1 << 20);
		ck_assert_int_eq(wire_paths_receive(receiver, buf_bytes(&body)),
				 0);
		buf_reset(&body);
	}
	ck_assert_uint_gt(messages, 1);
	ck_assert_uint_eq(count(receiver), 60000);
	ck_assert_str_eq(wire_paths_get(receiver, 59999),
			 "/dir 2/file-59999.h");
	ck_assert_ptr_null(wire_paths_get(receiver, 60000));
	/* a known path is not sent again */
	ck_assert_int_eq(wire_paths_add(sender, "/dir 2/file-59999.h", &number),
			 0);
	ck_assert_uint_eq(number, 59999);
	ck_assert(!wire_paths_put_new(sender, &body));
	ck_assert_int_eq(wire_paths_add(sender, "/a/../b", &number), -EINVAL);
	wire_intern_free(sender);
	wire_intern_free(receiver);
}

TEST(gaps_duplicates_and_empty_lists_are_rejected)
{
	static const char *const twice[] = { "/x", "/y", "/x" };
	struct wire_intern *receiver = wire_paths_new();

	put(1, good, 1);
	ck_assert_int_eq(wire_paths_receive(receiver, buf_bytes(&body)),
			 -EPROTO);
	put(0, good, 1);
	ck_assert_int_eq(wire_paths_receive(receiver, buf_bytes(&body)), 0);
	ck_assert_int_eq(wire_paths_receive(receiver, buf_bytes(&body)),
			 -EPROTO); /* a duplicate number */
	put(1, good, 1);
	ck_assert_int_eq(wire_paths_receive(receiver, buf_bytes(&body)),
			 -EPROTO); /* a duplicate path */
	put(1, twice, 3);
	ck_assert_int_eq(wire_paths_receive(receiver, buf_bytes(&body)),
			 -EPROTO);
	put(count(receiver), NULL, 0);
	ck_assert_int_eq(wire_paths_receive(receiver, buf_bytes(&body)),
			 -EPROTO);
	wire_intern_free(receiver);
}

TEST(new_paths_are_numbered_upwards_and_known_ones_keep_theirs)
{
	struct wire_intern *t = wire_paths_new();
	uint32_t n = 42;

	ck_assert_int_eq(wire_paths_add(t, "a", &n), -EINVAL);
	ck_assert_uint_eq(n, 42);
	ck_assert_uint_eq(count(t), 0);
	ck_assert_int_eq(wire_paths_add(t, "/a", &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(wire_paths_add(t, "/", &n), -EINVAL);
	ck_assert_int_eq(wire_paths_add(t, "/a/b", &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(wire_paths_add(t, "/a", &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(wire_paths_add(t, "/a/b", &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(count(t), 2);
	ck_assert_str_eq(wire_paths_get(t, 1), "/a/b");
	wire_intern_free(t);
}

TEST(many_paths_keep_their_numbers_and_addresses)
{
	struct wire_intern *t = wire_paths_new();
	const char *first;
	char s[32];
	uint32_t n;

	ck_assert_int_eq(wire_paths_add(t, "/path 0", &n), 0);
	first = wire_paths_get(t, 0);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 50000; i++) {
			snprintf(s, sizeof(s), "/path %u", i);
			ck_assert_int_eq(wire_paths_add(t, s, &n), 0);
			ck_assert_uint_eq(n, i);
			ck_assert_str_eq(wire_paths_get(t, i), s);
		}
	}
	ck_assert_ptr_eq(wire_paths_get(t, 0), first);
	ck_assert_uint_eq(count(t), 50000);
	wire_intern_free(t);
}

TEST(a_full_table_rejects_new_paths)
{
	struct wire_intern *t = wire_paths_new();
	char path[16];
	uint32_t n;

	for (uint32_t i = 0; i < WIRE_PATHS_TABLE_MAX; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		if (wire_paths_add(t, path, &n) || n != i)
			ck_abort_msg("%s", path);
	}
	ck_assert_int_eq(wire_paths_add(t, "/new", &n), -ENOSPC);
	ck_assert_int_eq(wire_paths_add(t, "/1", &n), 0);
	ck_assert_uint_eq(n, 1);
	put(WIRE_PATHS_TABLE_MAX, good, 1);
	ck_assert_int_eq(wire_paths_receive(t, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(count(t), WIRE_PATHS_TABLE_MAX);
	wire_intern_free(t);
	wire_intern_free(NULL);
}

/* A path takes one byte more than its length. */
TEST(the_size_of_a_table_is_limited)
{
	struct wire_intern *t = wire_paths_new();
	const uint32_t all = WIRE_PATHS_BYTES_MAX / WIRE_PATH_MAX;
	char *path;
	uint32_t n;

	for (uint32_t i = 0; i < all - 1; i++) {
		path = xasprintf("/%0*u", WIRE_PATH_MAX - 2, i);
		ck_assert_int_eq(wire_paths_add(t, path, &n), 0);
		free(path);
	}
	path = xasprintf("/%0*u", WIRE_PATH_MAX - 1, all);
	ck_assert_int_eq(wire_paths_add(t, path, &n), -ENOSPC);
	free(path);
	path = xasprintf("/%0*u", WIRE_PATH_MAX - 2, all);
	ck_assert_int_eq(wire_paths_add(t, path, &n), 0);
	ck_assert_int_eq(wire_paths_add(t, "/a", &n), -ENOSPC);
	ck_assert_uint_eq(count(t), all);
	ck_assert_str_eq(wire_paths_get(t, all - 1), path);
	free(path);
	wire_intern_free(t);
}
