/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
/*
 * Indexes for paths and flags, and blobs, from a hostile client.
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

TEST_EACH(a_path_that_is_not_in_normal_form_ends_the_conversation, paths)
{
	uint32_t next = (uint32_t)client_gcc.entries.n;

	send_path(next, 0, *row);
	client_expect_bye(&node.c, "PATHS");
}

/* The index of a first path, and the length it shares with no path. */
static const struct {
	uint32_t first;
	uint16_t shared;
} numbers[] = {
	{ 0, 0 }, /* already has an index */
	{ 4000000000u, 0 },
	{ WIRE_PATHS_TABLE_MAX, 0 },
	{ 1u << 19, 0 }, /* a gap */
};

TEST_EACH(a_number_out_of_order_ends_the_conversation, numbers)
{
	send_path(row->first, row->shared, "/a/b");
	client_expect_bye(&node.c, "PATHS");
}

TEST(a_flag_out_of_order_ends_the_conversation)
{
	struct buf body = { 0 };

	buf_put_u32(&body, 4000000000u);
	buf_put_u32(&body, 1);
	buf_put_str(&body, "-O");
	buf_put_u8(&body, 0);
	send_raw(WIRE_FLAGS, &body);
	client_expect_bye(&node.c, "FLAGS");
}

TEST(an_entry_without_a_path_ends_the_conversation)
{
	struct play_view view = { 0 };

	play_entry(&node.c, &view, ROOT "/x", WIRE_INODE_DIR)->path =
		WIRE_PATHS_TABLE_MAX - 1;
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	client_expect_bye(&node.c, "undefined path");
}

/* Make the node request a file with this content, and do not send it. */
static struct digest ask_for(const char *content)
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

TEST(a_blob_of_another_content_ends_the_conversation)
{
	struct digest d = ask_for("the right one\n");

	send_piece(&d, 14, 0, "the wrong one\n");
	client_expect_bye(&node.c, "digest mismatch");
}

TEST(a_blob_of_another_size_ends_the_conversation)
{
	struct digest d = ask_for("a size that lies\n");

	send_piece(&d, WIRE_BLOB_MAX, 0, "a size that lies\n");
	client_expect_bye(&node.c, "unexpected size");
}

TEST(a_blob_that_was_not_asked_for_ends_the_conversation)
{
	struct digest d = play_blob(bytes_str("not asked for\n"));

	client_supply(&node.c, &d);
	client_expect_bye(&node.c, "not requested");
}

/* The node uses the announced values. */
TEST(one_blob_with_two_sizes_ends_the_conversation)
{
	struct digest d = ask_for("two sizes\n");
	struct play_view view = { 0 };
	struct wire_entry *e = play_entry(&node.c, &view, ROOT "/two",
					  WIRE_INODE_FILE);

	e->inode.digest = d;
	e->inode.size = 11;
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	client_expect_bye(&node.c, "conflicting sizes");
}

TEST(a_blob_in_small_pieces_is_as_good)
{
	static const char content[] = "int in_small_pieces;\n";
	struct digest d = ask_for(content);

	for (size_t i = 0; i < sizeof(content) - 1; i++) {
		char one[2] = { content[i] };

		send_piece(&d, sizeof(content) - 1, i, one);
	}
	node.c.withholds = false;
	play_put(&node.c, 0, ROOT "/a.c", "#include \"asked\"\n");
	play_remote(&node.c, 1, "a.c", plain);
	ck_assert_int_eq(result(1)->wait_status, 0);
}
