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

FIXTURE(set_up, tear_down);

TEST(a_cell_round_trips_and_a_truncated_one_is_rejected)
{
	struct wire_cell m = { .cell = 3,
			       .is_clang = 1,
			       .driver = (char *)"/usr/bin/clang-14" };
	struct wire_cell got = { .cell = 42 };

	memset(m.toolchain.b, 0xa5, sizeof(m.toolchain.b));
	strv_add(&m.client_roots, "/src/linux");
	strv_add(&m.client_roots, "/build, two");
	wire_cell_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_cell_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_uint_eq(got.cell, 42); /* unchanged */
	ck_assert_int_eq(wire_cell_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.cell, 3);
	ck_assert_uint_eq(got.is_clang, 1);
	ck_assert(digest_equal(&got.toolchain, &m.toolchain));
	ck_assert_str_eq(got.driver, "/usr/bin/clang-14");
	ck_assert_uint_eq(got.client_roots.n, 2);
	ck_assert_str_eq(got.client_roots.v[1], "/build, two");
	ck_assert_str_eq(got.installed_id, "");
	wire_cell_release(&got);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_cell_decode(&got, buf_bytes(&body)), -EPROTO);
	strv_release(&m.client_roots);
}

static const char *const bad_paths[] = { "",      "/",    "a",     "a/b",
					 "/a/",   "//a",  "/a//b", "/./a",
					 "/a/..", "/../", "/a/." };

TEST_EACH(a_cell_with_a_path_that_is_not_normalized_is_rejected, bad_paths)
{
	struct wire_cell m = { .driver = (char *)*row }, got;

	wire_cell_encode(&body, &m);
	ck_assert_int_eq(wire_cell_decode(&got, buf_bytes(&body)), -EPROTO);
	m.driver = (char *)"/gcc";
	strv_add(&m.client_roots, *row);
	buf_reset(&body);
	wire_cell_encode(&body, &m);
	ck_assert_int_eq(wire_cell_decode(&got, buf_bytes(&body)), -EPROTO);
	strv_release(&m.client_roots);
}

TEST(a_cell_with_too_many_client_roots_is_rejected)
{
	struct wire_cell m = { .driver = (char *)"/gcc" }, got;

	for (int i = 0; i < WIRE_ROOTS_MAX; i++)
		strv_addf(&m.client_roots, "/r%d", i);
	wire_cell_encode(&body, &m);
	ck_assert_int_eq(wire_cell_decode(&got, buf_bytes(&body)), 0);
	wire_cell_release(&got);
	strv_add(&m.client_roots, "/more");
	buf_reset(&body);
	wire_cell_encode(&body, &m);
	ck_assert_int_eq(wire_cell_decode(&got, buf_bytes(&body)), -EPROTO);
	strv_release(&m.client_roots);
}

static const struct id_case {
	const char *id;
	int ret;
} id_cases[] = {
	{ "gcc-13.3.0-aarch64-linux-on-arm64", 0 },
	{ "", 0 },
	{ "clang-22.1.8", 0 },
	{ "..", -EPROTO },
	{ ".part.x", -EPROTO },
	{ "gcc/../x", -EPROTO },
	{ "gcc 13", -EPROTO },
};

TEST_EACH(a_cell_with_an_invalid_toolchain_id_is_rejected, id_cases)
{
	struct wire_cell m = { .driver = (char *)"/gcc",
			       .installed_id = (char *)row->id },
			 got;

	wire_cell_encode(&body, &m);
	ck_assert_int_eq(wire_cell_decode(&got, buf_bytes(&body)), row->ret);
	if (!row->ret) {
		ck_assert_str_eq(got.installed_id, row->id);
		wire_cell_release(&got);
	}
}

TEST(have_and_shut_round_trip_and_truncated_ones_are_rejected)
{
	struct wire_have m = { .cell = 7,
			       .state = WIRE_HAVE_LOST,
			       .detail = (char *)"out of memory" };
	struct wire_have got = { 0 };
	uint32_t cell = 42;

	wire_have_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_have_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_int_eq(wire_have_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.cell, 7);
	ck_assert_uint_eq(got.state, WIRE_HAVE_LOST);
	ck_assert_str_eq(got.detail, "out of memory");
	wire_have_release(&got);
	body.data[4] = WIRE_HAVE_LOST + 1;
	ck_assert_int_eq(wire_have_decode(&got, buf_bytes(&body)), -EPROTO);

	buf_reset(&body);
	wire_number_encode(&body, 9);
	ck_assert_int_eq(wire_number_decode(&cell, bytes_of(body.data, 3)),
			 -EPROTO);
	ck_assert_uint_eq(cell, 42);
	ck_assert_int_eq(wire_number_decode(&cell, buf_bytes(&body)), 0);
	ck_assert_uint_eq(cell, 9);
}

static void fill_entries(struct wire_entry e[static 4])
{
	e[0] = (struct wire_entry){ .path = 5,
				    .inode.kind = WIRE_INODE_FILE,
				    .inode.executable = 1,
				    .inode.size = WIRE_BLOB_MAX,
				    .inode.mtime_ns = -1234567890123456789 };
	memset(e[0].inode.digest.b, 0x5a, sizeof(e[0].inode.digest.b));
	e[1] = (struct wire_entry){ .path = 3,
				    .inode.kind = WIRE_INODE_SYMLINK,
				    .inode.target = (char *)"../x y" };
	e[2] = (struct wire_entry){ .path = WIRE_PATHS_TABLE_MAX - 1,
				    .inode.kind = WIRE_INODE_DIR };
	e[3] = (struct wire_entry){ .path = 0,
				    .inode.kind = WIRE_INODE_ABSENT };
}

TEST(a_view_round_trips_and_a_truncated_one_is_rejected)
{
	struct wire_entry e[4];
	struct wire_view m = { .cell = 1,
			       .view = 2,
			       .part = WIRE_PART_TOOLCHAIN_END,
			       .n_entries = 4,
			       .entries = e };
	struct wire_view got = { .cell = 42 };

	fill_entries(e);
	wire_view_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_view_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_uint_eq(got.cell, 42);
	ck_assert_int_eq(wire_view_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.view, 2);
	ck_assert_uint_eq(got.part, WIRE_PART_TOOLCHAIN_END);
	ck_assert_uint_eq(got.n_entries, 4);
	ck_assert_uint_eq(got.entries[0].path, 5);
	ck_assert_uint_eq(got.entries[0].inode.executable, 1);
	ck_assert_uint_eq(got.entries[0].inode.size, WIRE_BLOB_MAX);
	ck_assert_int_eq(got.entries[0].inode.mtime_ns, -1234567890123456789);
	ck_assert(
		digest_equal(&got.entries[0].inode.digest, &e[0].inode.digest));
	ck_assert_str_eq(got.entries[1].inode.target, "../x y");
	ck_assert_uint_eq(got.entries[2].inode.kind, WIRE_INODE_DIR);
	ck_assert_ptr_null(got.entries[2].inode.target);
	ck_assert_uint_eq(got.entries[3].inode.kind, WIRE_INODE_ABSENT);
	wire_view_release(&got);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_view_decode(&got, buf_bytes(&body)), -EPROTO);
}

/* Each case has one error. */
TEST_RANGE(an_invalid_view_is_rejected, 0, 10)
{
	struct wire_entry e[4];
	struct wire_view m = { .view = 1, .n_entries = 4, .entries = e };
	struct wire_view got = { .cell = 42 };
	char *target = NULL;

	fill_entries(e);
	if (_i == 0)
		e[3].path = e[1].path; /* a duplicate, not adjacent */
	else if (_i == 1)
		e[0].path = WIRE_PATHS_TABLE_MAX;
	else if (_i == 2)
		e[0].inode.size = WIRE_BLOB_MAX + 1;
	else if (_i == 3)
		e[0].inode.executable = 2;
	else if (_i == 4)
		e[1].inode.target = (char *)"";
	else if (_i == 5)
		e[2].inode.kind = WIRE_INODE_ABSENT + 1;
	else if (_i == 6)
		m.view = 0;
	else if (_i == 7)
		m.part = WIRE_PART_TOOLCHAIN_END + 1;
	else if (_i == 8)
		e[1].inode.target = target = xasprintf("%*s", WIRE_PATH_MAX + 1,
						       "");
	wire_view_encode(&body, &m);
	if (_i == 9) /* n_entries: more than present */
		put_le32(body.data + 9, 5);
	ck_assert_int_eq(wire_view_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.cell, 42);
	free(target);
}

TEST(a_view_with_a_count_but_no_entries_is_rejected)
{
	struct wire_view m = { .view = 1 }, got;

	wire_view_encode(&body, &m);
	ck_assert_int_eq(wire_view_decode(&got, buf_bytes(&body)), 0);
	ck_assert_ptr_null(got.entries);
	put_le32(body.data + 9, WIRE_VIEW_ENTRIES_MAX);
	ck_assert_int_eq(wire_view_decode(&got, buf_bytes(&body)), -EPROTO);
	put_le32(body.data + 9, UINT32_MAX);
	ck_assert_int_eq(wire_view_decode(&got, buf_bytes(&body)), -EPROTO);
}

/* No view is empty. */
TEST(a_long_list_is_split_into_views_that_fit_a_frame)
{
	size_t n = 3 * WIRE_VIEW_ENTRIES_MAX;
	struct wire_entry *e = xcalloc(n, sizeof(*e));
	char *target = xasprintf("%*s", WIRE_PATH_MAX, "");
	size_t at = 0, views = 0;

	for (size_t i = 0; i < n; i++)
		e[i] = (struct wire_entry){
			.path = (uint32_t)i,
			.inode.kind = i < 100000 ? WIRE_INODE_DIR :
						   WIRE_INODE_FILE
		};
	for (size_t i = 0; i < 1000; i++) {
		e[i].inode.kind = WIRE_INODE_SYMLINK;
		e[i].inode.target = target;
	}
	for (; at < n; views++) {
		struct wire_view m = { .view = 1, .entries = e + at }, got;

		m.n_entries = wire_view_count_fitting(e + at, n - at);
		ck_assert_uint_ge(m.n_entries, 1);
		ck_assert_uint_le(m.n_entries, WIRE_VIEW_ENTRIES_MAX);
		buf_reset(&body);
		wire_view_encode(&body, &m);
		ck_assert_uint_le(body.len, 1 << 20);
		ck_assert_int_eq(wire_view_decode(&got, buf_bytes(&body)), 0);
		wire_view_release(&got);
		at += m.n_entries;
	}
	ck_assert_uint_gt(views, 5);
	ck_assert_uint_lt(views, 15);
	free(target);
	free(e);
}

TEST(a_need_round_trips_and_a_truncated_one_is_rejected)
{
	uint32_t index[] = { 0, 7, WIRE_VIEW_ENTRIES_MAX - 1 };
	struct wire_need m = {
		.cell = 1, .view = 2, .n_indices = 3, .indices = index
	};
	struct wire_need got = { .cell = 42 };

	wire_need_encode(&body, &m);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_need_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	ck_assert_uint_eq(got.cell, 42);
	ck_assert_int_eq(wire_need_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.n_indices, 3);
	ck_assert_mem_eq(got.indices, index, sizeof(index));
	wire_need_release(&got);
}

TEST_RANGE(an_invalid_need_is_rejected, 0, 5)
{
	uint32_t index[] = { 3, 7, 9 };
	struct wire_need m = { .view = 2, .n_indices = 3, .indices = index },
			 got;

	if (_i == 0)
		index[1] = 3;
	else if (_i == 1)
		index[2] = 6;
	else if (_i == 2)
		index[2] = WIRE_VIEW_ENTRIES_MAX;
	else if (_i == 3)
		m.view = 0;
	wire_need_encode(&body, &m);
	if (_i == 4)
		/* The size in bytes, 4 * n_indices, overflows to 12. */
		put_le32(body.data + 8, 0x40000003);
	ck_assert_int_eq(wire_need_decode(&got, buf_bytes(&body)), -EPROTO);
}

static const struct piece {
	uint64_t size, offset;
	size_t len;
	int ret;
} pieces[] = {
	{ 3, 0, 3, 0 },
	{ 3, 2, 1, 0 },
	{ 0, 0, 0, 0 },
	{ WIRE_BLOB_MAX, WIRE_BLOB_MAX - 1, 1, 0 },
	{ WIRE_BLOB_MAX, 0, WIRE_CHUNK_MAX, 0 },
	{ WIRE_BLOB_MAX, 0, WIRE_CHUNK_MAX + 1, -EPROTO },
	{ WIRE_BLOB_MAX + 1, 0, 1, -EPROTO },
	{ 3, 0, 4, -EPROTO },
	{ 3, 3, 0, -EPROTO },
	{ 3, 3, 1, -EPROTO },
	{ 3, 4, 0, -EPROTO },
	{ 3, 0, 0, -EPROTO },
	{ 3, UINT64_MAX, 1, -EPROTO },
	{ 0, 0, 1, -EPROTO },
};

TEST_EACH(a_blob_piece_with_an_invalid_range_is_rejected, pieces)
{
	uint8_t *data = xcalloc(1, row->len + 1);
	struct wire_blob m = { .size = row->size,
			       .offset = row->offset,
			       .data = bytes_of(data, row->len) };
	struct wire_blob got = { .size = 42 };

	memset(m.digest.b, 0x77, sizeof(m.digest.b));
	wire_blob_encode(&body, &m);
	ck_assert_int_eq(wire_blob_decode(&got, buf_bytes(&body)), row->ret);
	if (row->ret) {
		ck_assert_uint_eq(got.size, 42);
	} else {
		ck_assert(digest_equal(&got.digest, &m.digest));
		ck_assert_uint_eq(got.offset, row->offset);
		ck_assert(bytes_equal(got.data, m.data));
	}
	free(data);
}
