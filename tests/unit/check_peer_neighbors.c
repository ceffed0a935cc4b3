/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "../lib/test.h"

#include "peer/neighbors.h"

#include "peer/conn.h"

#include <event2/event.h>
#include <sys/socket.h>

#define NODES 9

static struct event_base *base;
static struct peer_neighbors *neighbors;

/* A node, and the messages that it has received since the last check. */
static struct node {
	struct node_entry entry;
	struct peer_conn conn;
	struct wire_stream *stream;
	struct buf log;
} nodes[NODES];

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct node *n = ctx;
	struct wire_neighbor neighbor;
	struct wire_fetch fetch;

	(void)err;
	if (type == WIRE_NEIGHBOR) {
		ck_assert_int_eq(wire_neighbor_decode(&neighbor, body), 0);
		buf_printf(&n->log, "neighbor %u at %s; ", neighbor.number,
			   neighbor.address);
		wire_neighbor_release(&neighbor);
	} else {
		ck_assert_uint_eq(type, WIRE_FETCH);
		ck_assert_int_eq(wire_fetch_decode(&fetch, body), 0);
		buf_printf(&n->log, "fetch %u from %u; ", fetch.digest.b[0],
			   fetch.neighbor);
	}
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	(void)ctx;
	ck_abort_msg("closed: %s", why->text);
}

static void set_up(void)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	int fd[2];

	base = event_base_new();
	neighbors = peer_neighbors_new();
	for (int i = 0; i < NODES; i++) {
		struct node *n = &nodes[i];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		*n = (struct node){ .entry.site = (char *)"desk" };
		n->entry.pin.b[0] = (uint8_t)(i + 1);
		n->stream = wire_stream_new(base, fd[1], fd[1], &ops, n);
		n->conn.entry = &n->entry;
		n->conn.version = WIRE_VERSION;
		n->conn.neighbor_address = xasprintf("10.0.0.%d:3634", i + 1);
		n->conn.stream = wire_stream_new(base, fd[0], fd[0], &ops, n);
	}
}

static void tear_down(void)
{
	for (int i = 0; i < NODES; i++) {
		wire_stream_free(nodes[i].conn.stream);
		wire_stream_free(nodes[i].stream);
		free(nodes[i].conn.neighbor_address);
		buf_release(&nodes[i].log);
	}
	peer_neighbors_free(neighbors);
	event_base_free(base);
}

FIXTURE(set_up, tear_down);

/* Check the messages that node `i`, counted from 1, has received. */
static void expect_log(int i, const char *want)
{
	for (int j = 0; j < 20; j++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_str_eq(buf_str(&nodes[i - 1].log), want);
	buf_reset(&nodes[i - 1].log);
}

static void join(int n)
{
	for (int i = 1; i <= n; i++)
		peer_neighbors_join(neighbors, &nodes[i - 1].conn);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < 20; j++)
			event_base_loop(base, EVLOOP_NONBLOCK);
	for (int i = 0; i < n; i++)
		buf_reset(&nodes[i].log);
}

/* Node `i` requests blob `number`.  Return true if a neighbor serves it. */
static bool request(int i, uint8_t number)
{
	struct digest d = { .b = { number } };

	return peer_neighbors_direct(neighbors, &nodes[i - 1].conn, &d,
				     1 << 20);
}

TEST(the_nodes_of_a_site_are_announced_to_each_other)
{
	nodes[2].entry.site = (char *)"rack";
	nodes[3].entry.site = NULL;
	nodes[4].conn.version = 12;
	for (int i = 0; i < 6; i++)
		peer_neighbors_join(neighbors, &nodes[i].conn);
	expect_log(1, "neighbor 2 at 10.0.0.2:3634; neighbor 4 at "
		      "10.0.0.6:3634; ");
	expect_log(2, "neighbor 1 at 10.0.0.1:3634; neighbor 4 at "
		      "10.0.0.6:3634; ");
	expect_log(3, "");
	expect_log(4, "");
	expect_log(5, "");
	expect_log(6, "neighbor 1 at 10.0.0.1:3634; neighbor 2 at "
		      "10.0.0.2:3634; ");
}

TEST(the_build_host_sends_a_blob_once)
{
	unsigned served[NODES + 1] = { 0 };
	unsigned from;

	join(NODES);
	ck_assert(!request(1, 7));
	for (int i = 2; i <= NODES; i++) {
		ck_assert(request(i, 7));
		for (int j = 0; j < 20; j++)
			event_base_loop(base, EVLOOP_NONBLOCK);
		ck_assert_int_eq(sscanf(buf_str(&nodes[i - 1].log),
					"fetch 7 from %u; ", &from),
				 1);
		ck_assert_uint_lt(from, (unsigned)i);
		ck_assert_uint_le(++served[from], 2);
	}
	/* Another blob is independent. */
	ck_assert(!request(5, 8));
}

TEST(the_build_host_serves_a_repeated_request)
{
	join(2);
	ck_assert(!request(1, 7));
	ck_assert(request(2, 7));
	ck_assert(!request(2, 7));
	ck_assert(!request(1, 7));
}

TEST(a_node_serves_a_blob_that_it_already_had)
{
	const struct digest d = { .b = { 7 } };

	join(2);
	peer_neighbors_hold(neighbors, &nodes[0].conn, &d, 1 << 20);
	ck_assert(request(2, 7));
	expect_log(2, "fetch 7 from 1; ");
}

TEST(the_build_host_serves_small_blobs)
{
	const struct digest d = { .b = { 7 } };

	join(2);
	peer_neighbors_hold(neighbors, &nodes[0].conn, &d, 1000);
	ck_assert(!peer_neighbors_direct(neighbors, &nodes[1].conn, &d, 1000));
}

TEST(a_node_that_has_left_serves_no_blobs)
{
	join(3);
	ck_assert(!request(1, 7));
	peer_neighbors_leave(neighbors, &nodes[0].conn);
	ck_assert(!request(2, 7));
	ck_assert(request(3, 7));
	expect_log(3, "fetch 7 from 2; ");
	/* Its next session has another number and no blobs. */
	peer_neighbors_join(neighbors, &nodes[0].conn);
	expect_log(3, "neighbor 4 at 10.0.0.1:3634; ");
	ck_assert(request(1, 7));
}

/* The messages that announce neighbors grow with the square of a group. */
TEST(a_large_site_is_split_into_groups)
{
	static struct peer_conn many[130];
	struct digest d = { .b = { 1 } };
	bool directed;

	for (int i = 0; i < 130; i++) {
		many[i] = nodes[0].conn;
		peer_neighbors_join(neighbors, &many[i]);
	}
	for (int i = 0; i < 130; i++) {
		directed = peer_neighbors_direct(neighbors, &many[i], &d,
						 70000);
		ck_assert_int_eq(directed, i != 0 && i != 128);
	}
	/* The node that joined last leaves. */
	peer_neighbors_leave(neighbors, &many[129]);
	/* The first group has room again. */
	peer_neighbors_leave(neighbors, &many[5]);
	peer_neighbors_join(neighbors, &many[5]);
	d.b[0] = 2;
	ck_assert(!peer_neighbors_direct(neighbors, &many[5], &d, 70000));
	ck_assert(peer_neighbors_direct(neighbors, &many[0], &d, 70000));
}
