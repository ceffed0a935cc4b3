/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
/*
 * Path and flag indexes and blobs sent by a hostile client.
 */
#include "../lib/test.h"
#include "kfarmd-single.h"

static void send_raw(enum wire_type type, struct buf *body)
{
	wire_stream_send(node.c.stream, type, buf_bytes(body), WIRE_PLAIN);
	buf_release(body);
}

/* Send a PATHS with one path, unchanged. */
static void send_path(uint32_t first, uint16_t shared, const char *path)
{
	struct buf body = { 0 };

	buf_put_u32(&body, first);
	buf_put_u32(&body, 1);
	buf_put_u16(&body, shared);
	buf_put_str(&body, path);
	send_raw(WIRE_PATHS, &body);
}

static const char *const paths[] = {
	"/a/../etc", "/a/./b", "/a//b", "a/b", "/", "/a/", "", "/..", "/.",
};

FIXTURE(one_set_up, one_tear_down);

TEST_EACH(a_path_not_in_normal_form_ends_the_session, paths)
{
	uint32_t next = (uint32_t)client_gcc.entries.n;

	send_path(next, 0, *row);
	client_expect_bye(&node.c, "PATHS");
}

/* Index of the first path, and length of the prefix shared with the last one */
static const struct {
	uint32_t first;
	uint16_t shared;
} indexes[] = {
	{ 0, 0 }, /* already has an index */
	{ 4000000000u, 0 },
	{ WIRE_PATHS_TABLE_MAX, 0 },
	{ 1u << 19, 0 }, /* a gap */
};

TEST_EACH(a_path_index_out_of_order_ends_the_session, indexes)
{
	send_path(row->first, row->shared, "/a/b");
	client_expect_bye(&node.c, "PATHS");
}

TEST(a_flag_index_out_of_order_ends_the_session)
{
	struct buf body = { 0 };

	buf_put_u32(&body, 4000000000u);
	buf_put_u32(&body, 1);
	buf_put_str(&body, "-O");
	buf_put_u8(&body, 0);
	send_raw(WIRE_FLAGS, &body);
	client_expect_bye(&node.c, "FLAGS");
}

TEST(an_entry_with_an_undefined_path_ends_the_session)
{
	struct play_view view = { 0 };

	play_entry(&node.c, &view, ROOT "/x", WIRE_INODE_DIR)->path =
		WIRE_PATHS_TABLE_MAX - 1;
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	client_expect_bye(&node.c, "undefined path");
}

/* Make the node request a file with this content, and do not send it. */
static struct digest make_node_request(const char *content)
{
	unsigned before = node.c.n_needed;
	uint64_t deadline = clock_ms() + CLIENT_MS;

	node.c.withholds = true;
	play_put(&node.c, 0, ROOT "/asked", content);
	while (node.c.n_needed == before && clock_ms() < deadline)
		client_idle(5);
	ck_assert_uint_eq(node.c.n_needed, before + 1);
	return play_blob(bytes_str(content));
}

static void send_piece(const struct digest *d, uint64_t size, uint64_t offset,
		       const char *data)
{
	struct wire_blob m = { .digest = *d,
			       .size = size,
			       .offset = offset,
			       .data = bytes_str(data) };
	struct buf body = { 0 };

	wire_blob_encode(&body, &m);
	send_raw(WIRE_BLOB, &body);
}

TEST(a_blob_with_a_digest_mismatch_ends_the_session)
{
	struct digest d = make_node_request("the right one\n");

	send_piece(&d, 14, 0, "the wrong one\n");
	client_expect_bye(&node.c, "digest mismatch");
}

TEST(a_blob_of_an_unexpected_size_ends_the_session)
{
	struct digest d = make_node_request("a size that lies\n");

	send_piece(&d, WIRE_BLOB_MAX, 0, "a size that lies\n");
	client_expect_bye(&node.c, "unexpected size");
}

TEST(an_unrequested_blob_ends_the_session)
{
	struct digest d = play_blob(bytes_str("not asked for\n"));

	client_supply(&node.c, &d);
	client_expect_bye(&node.c, "not requested");
}

/* The node expects the size that the first entry announced. */
TEST(conflicting_sizes_of_a_blob_end_the_session)
{
	struct digest d = make_node_request("two sizes\n");
	struct play_view view = { 0 };
	struct wire_entry *e = play_entry(&node.c, &view, ROOT "/two",
					  WIRE_INODE_FILE);

	e->inode.digest = d;
	e->inode.size = 11;
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	client_expect_bye(&node.c, "conflicting sizes");
}

TEST(a_blob_may_arrive_in_pieces_of_one_byte)
{
	static const char content[] = "int in_small_pieces;\n";
	struct digest d = make_node_request(content);

	for (size_t i = 0; i < sizeof(content) - 1; i++) {
		char one[2] = { content[i] };

		send_piece(&d, sizeof(content) - 1, i, one);
	}
	node.c.withholds = false;
	play_put(&node.c, 0, ROOT "/a.c", "#include \"asked\"\n");
	play_remote(&node.c, 1, "a.c", plain);
	ck_assert_int_eq(result(1)->wait_status, 0);
}
