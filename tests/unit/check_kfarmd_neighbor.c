/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * Two nodes in one process, each with a store and a TLS listener: the first has
 * blobs, and the second gets them.
 */
#include "../lib/test.h"

#include "kfarmd/neighbor.h"

#include "../lib/tempdir.h"

#include "base/clock.h"
#include "base/fs.h"
#include "kfarmd/input-update.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/listen.h"
#include "kfarmd/settings.h"
#include "store/store.h"
#include "tls/key.h"
#include "tls/session.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sys/stat.h>

#define BLOB_BYTES (3 * WIRE_CHUNK_MAX + 5)

static char dir[TEMPDIR_SIZE];
static struct event_base *base;

static struct node {
	struct kfarmd daemon;
	struct kfarmd_listen *listen;
	struct kfarmd_blobs *blobs;
	struct kfarmd_neighbors *neighbors;
	unsigned failures;
} first, second;

static struct buf content;
static struct digest blob;

/* The second node's wait for the blob. */
static struct kfarmd_blob_waiter waiter;
static int received; /* 1: not yet */

static void on_received(struct kfarmd_blob_waiter *w, int ret)
{
	(void)w;
	received = ret;
}

static void on_failed(void *ctx, const struct digest *d)
{
	struct node *n = ctx;

	ck_assert(digest_equal(d, &blob));
	n->failures++;
}

static void start_node(struct node *n, const char *name)
{
	char *at = xasprintf("%s/%s", dir, name);
	char *store = xasprintf("%s/store", at);
	char *key_path = xasprintf("%s/key.pem", at);
	char *clients = xasprintf("%s/clients", at);
	struct strv addresses = { 0 };
	struct tls_key *key;
	struct err err;

	*n = (struct node){ .daemon.base = base };
	TAILQ_INIT(&n->daemon.sessions);
	TAILQ_INIT(&n->daemon.neighbors);
	TAILQ_INIT(&n->daemon.neighbor_servers);
	must(fs_mkdirs(at, 0755, &err));
	must(store_open(&n->daemon.store, store, 0, &err));
	must(tls_key_load_or_create(&key, key_path, &err));
	tls_key_free(key);
	must(fs_write(clients, bytes_str(""), 0644, &err));
	strv_add(&addresses, "127.0.0.1:0");
	must(kfarmd_listen_new(&n->listen, &n->daemon, &addresses, at, &err));
	strv_release(&addresses);
	n->blobs = kfarmd_blobs_new(n->daemon.store);
	n->neighbors = kfarmd_neighbors_new(&n->daemon, n->blobs, on_failed, n);
	free(clients);
	free(key_path);
	free(store);
	free(at);
}

static void stop_node(struct node *n)
{
	kfarmd_neighbors_free(n->neighbors);
	kfarmd_neighbor_end_all(&n->daemon);
	kfarmd_blobs_free(n->blobs);
	kfarmd_listen_free(n->listen);
	store_free(n->daemon.store);
}

/* Announce `other` to `n` as number 1. */
static void announce(struct node *n, const struct node *other)
{
	struct wire_neighbor m = {
		.number = 1,
		.address = xstrdup(other->daemon.listen_text),
		.fingerprint = *tls_context_fingerprint(other->daemon.tls),
	};
	struct err err;

	must(kfarmd_neighbors_add(n->neighbors, &m, &err));
	wire_neighbor_release(&m);
}

static void set_up(void)
{
	tempdir_make(dir);
	base = event_base_new();
	start_node(&first, "first");
	start_node(&second, "second");
	announce(&first, &second);
	announce(&second, &first);
	ck_assert_int_eq(buf_reserve(&content, BLOB_BYTES), 0);
	for (size_t i = 0; i < BLOB_BYTES; i++)
		buf_put_u8(&content, (uint8_t)(i * i >> 7));
	digest_bytes(buf_bytes(&content), &blob);
	waiter = (struct kfarmd_blob_waiter){ .on_received = on_received };
	received = 1;
}

static void tear_down(void)
{
	kfarmd_blobs_cancel(&waiter);
	stop_node(&first);
	stop_node(&second);
	event_base_free(base);
	buf_release(&content);
	tempdir_remove(dir);
}

FIXTURE(set_up, tear_down);
TIMEOUT(100);

/* Request the blob on the second node and direct it to the first one. */
static void fetch_blob(void)
{
	struct wire_fetch m = { .neighbor = 1,
				.digest = blob,
				.size = BLOB_BYTES };
	bool ask;

	ck_assert_int_eq(kfarmd_blobs_request(second.blobs, &blob, BLOB_BYTES,
					      &waiter, &ask),
			 0);
	ck_assert(ask);
	kfarmd_neighbors_fetch(second.neighbors, &m);
}

static void turn_until_ended(void)
{
	uint64_t end = clock_ms() + 60000;

	while (received == 1 && !second.failures) {
		event_base_loop(base, EVLOOP_ONCE);
		ck_assert_uint_lt(clock_ms(), end);
	}
}

static void put_blob(const struct node *n)
{
	struct store_write *w;

	ck_assert_int_eq(store_write_begin(&w, n->daemon.store, &blob,
					   BLOB_BYTES, false),
			 0);
	ck_assert_int_eq(store_write_add(w, buf_bytes(&content)), 0);
	ck_assert_int_eq(store_write_commit(w), 0);
}

static bool has_blob(const struct node *n)
{
	int fd = store_open_blob(n->daemon.store, &blob, BLOB_BYTES);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

TEST(a_neighbor_sends_a_blob_that_it_has)
{
	put_blob(&first);
	fetch_blob();
	turn_until_ended();
	ck_assert_int_eq(received, 0);
	ck_assert(has_blob(&second));
	/* The connection serves further blobs, too. */
	ck_assert_uint_eq(first.daemon.n_neighbor_servers, 1);
}

TEST(a_neighbor_sends_a_blob_when_it_has_received_it)
{
	struct kfarmd_blob_waiter own = { .on_received = on_received };
	struct wire_blob m = { .digest = blob, .size = BLOB_BYTES };
	uint64_t begin = clock_ms();
	struct err err;
	bool ask;

	ck_assert_int_eq(kfarmd_blobs_request(first.blobs, &blob, BLOB_BYTES,
					      &own, &ask),
			 0);
	kfarmd_blobs_cancel(&own);
	fetch_blob();
	/* The neighbor shows each second that it is alive. */
	while (clock_ms() < begin + 2500)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(received, 1);
	for (; m.offset < BLOB_BYTES; m.offset += m.data.len) {
		uint64_t left = BLOB_BYTES - m.offset;

		m.data = bytes_of(content.data + m.offset,
				  left < WIRE_CHUNK_MAX ? left :
							  WIRE_CHUNK_MAX);
		must(kfarmd_blobs_receive(first.blobs, &m, &err));
	}
	turn_until_ended();
	ck_assert_int_eq(received, 0);
	ck_assert(has_blob(&second));
}

/* A client that has announced the neighbors leaves. */
TEST(a_wait_ends_with_the_session_of_the_neighbor)
{
	struct kfarmd_blob_waiter own = { .on_received = on_received };
	bool ask;

	ck_assert_int_eq(kfarmd_blobs_request(first.blobs, &blob, BLOB_BYTES,
					      &own, &ask),
			 0);
	kfarmd_blobs_cancel(&own);
	fetch_blob();
	while (!first.daemon.n_neighbor_servers)
		event_base_loop(base, EVLOOP_ONCE);
	for (int i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	kfarmd_neighbors_free(first.neighbors);
	first.neighbors = NULL;
	kfarmd_blobs_free(first.blobs);
	first.blobs = kfarmd_blobs_new(first.daemon.store);
	turn_until_ended();
	ck_assert_uint_eq(second.failures, 1);
	while (first.daemon.n_neighbor_servers)
		event_base_loop(base, EVLOOP_ONCE);
}

static void damage_blob(void)
{
	char file[STORE_BLOB_NAME_SIZE], *path;
	int fd;

	store_blob_name(&blob, file);
	path = xasprintf("%s/first/store%s", dir, file);
	ck_assert_int_eq(chmod(path, 0600), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "X", 1, BLOB_BYTES / 2), 1);
	close(fd);
	free(path);
}

TEST(a_wrong_blob_is_not_stored)
{
	put_blob(&first);
	damage_blob();
	fetch_blob();
	turn_until_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_int_eq(received, 1);
	ck_assert(!has_blob(&second));
}

TEST(a_blob_that_the_neighbor_lacks_is_gone)
{
	fetch_blob();
	turn_until_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_int_eq(received, 1);
}

TEST(a_neighbor_with_another_key_is_not_used)
{
	struct wire_neighbor m = { .number = 1 };
	struct err err;

	kfarmd_neighbors_free(second.neighbors);
	second.neighbors = kfarmd_neighbors_new(&second.daemon, second.blobs,
						on_failed, &second);
	m.address = xstrdup(first.daemon.listen_text);
	must(kfarmd_neighbors_add(second.neighbors, &m, &err));
	wire_neighbor_release(&m);
	put_blob(&first);
	fetch_blob();
	turn_until_ended();
	ck_assert_uint_eq(second.failures, 1);
}

TEST(a_node_that_was_not_announced_is_rejected)
{
	kfarmd_neighbors_free(first.neighbors);
	first.neighbors = NULL;
	put_blob(&first);
	fetch_blob();
	turn_until_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_uint_eq(first.daemon.n_neighbor_servers, 0);
}

TEST(the_owner_of_a_node_can_disable_neighbors)
{
	const struct kfarmd_settings settings = { .no_neighbors = true };

	put_blob(&first);
	second.daemon.settings = &settings;
	fetch_blob();
	turn_until_ended();
	ck_assert_uint_eq(second.failures, 1);
	second.daemon.settings = NULL;
	first.daemon.settings = &settings;
	kfarmd_blobs_cancel(&waiter);
	kfarmd_blobs_free(second.blobs);
	kfarmd_neighbors_free(second.neighbors);
	second.blobs = kfarmd_blobs_new(second.daemon.store);
	second.neighbors = kfarmd_neighbors_new(&second.daemon, second.blobs,
						on_failed, &second);
	announce(&second, &first);
	second.failures = 0;
	fetch_blob();
	turn_until_ended();
	ck_assert_uint_eq(second.failures, 1);
	ck_assert_uint_eq(first.daemon.n_neighbor_servers, 0);
}

/* After three lost connections, no FETCH waits for the neighbor. */
TEST(a_dead_neighbor_is_not_dialed_again_and_again)
{
	struct wire_fetch m = { .neighbor = 1,
				.digest = blob,
				.size = BLOB_BYTES };

	kfarmd_listen_free(first.listen);
	first.listen = NULL;
	for (unsigned i = 1; i <= 3; i++) {
		kfarmd_neighbors_fetch(second.neighbors, &m);
		while (second.failures < i)
			event_base_loop(base, EVLOOP_ONCE);
	}
	kfarmd_neighbors_fetch(second.neighbors, &m);
	ck_assert_uint_eq(second.failures, 4);
}

TEST(a_fetch_from_an_unknown_neighbor_fails)
{
	const struct wire_fetch m = { .neighbor = 2, .digest = blob };
	const struct wire_neighbor invalid = { .number = 3,
					       .address = (char *)"host" };
	struct err err;

	kfarmd_neighbors_fetch(second.neighbors, &m);
	ck_assert_uint_eq(second.failures, 1);
	err_is(kfarmd_neighbors_add(second.neighbors, &invalid, &err), -EPROTO,
	       "NEIGHBOR: invalid address");
}

/* A node that has connected to the build host again has another number. */
TEST(a_neighbor_can_be_announced_again)
{
	struct wire_neighbor m = {
		.number = 1,
		.address = (char *)"127.0.0.1:9",
		.fingerprint = *tls_context_fingerprint(first.daemon.tls),
	};
	struct err err;

	put_blob(&first);
	must(kfarmd_neighbors_add(second.neighbors, &m, &err));
	announce(&second, &first);
	fetch_blob();
	turn_until_ended();
	ck_assert_int_eq(received, 0);
}

/* A client with many nodes loses neither its session nor its blobs. */
TEST(neighbors_beyond_the_limit_are_ignored)
{
	struct wire_neighbor m = { .address = (char *)"127.0.0.1:9" };
	struct wire_fetch f = { .digest = blob };
	struct err err;

	for (uint32_t i = 0; i < KFARMD_NEIGHBORS_MAX; i++) {
		m.number = f.neighbor = 100 + i;
		put_le32(m.fingerprint.b, i + 1);
		must(kfarmd_neighbors_add(second.neighbors, &m, &err));
	}
	kfarmd_neighbors_fetch(second.neighbors, &f);
	ck_assert_uint_eq(second.failures, 1);
}
