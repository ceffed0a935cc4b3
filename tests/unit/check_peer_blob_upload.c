/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "../lib/test.h"

#include "peer/blob-upload.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/pool.h"
#include "store/packed-cache.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <event2/event.h>
#include <sys/socket.h>

#define USERS 6

static char dir[] = "/tmp/kfarm-check-XXXXXX";
static enum wire_codec codec = WIRE_PLAIN;
static struct event_base *base;
static struct pool *pool;
static struct store_packed_cache *packed;
static struct inputs_paths *paths;
static struct wire_stream *ours, *node;
static struct peer_blob_upload *ship;
static unsigned failures[USERS], blobs;
static struct peer_blob_upload_user users[USERS];

static int node_hears(void *ctx, uint16_t type, struct bytes body,
		      struct err *err)
{
	struct wire_blob m;

	(void)ctx;
	(void)err;
	ck_assert_uint_eq(type, WIRE_BLOB);
	ck_assert_int_eq(wire_blob_decode(&m, body), 0);
	blobs++;
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	(void)ctx;
	ck_abort_msg("closed: %s", why->text);
}

static void on_failed(void *ctx, const struct inputs_entry *e, const char *why)
{
	(void)e;
	(void)why;
	++*(unsigned *)ctx;
}

static void setup(void)
{
	static const struct wire_stream_ops ops = { .on_msg = node_hears,
						    .on_close = on_close };
	int fd[2];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	base = event_base_new();
	pool = pool_new(base, 1);
	packed = peer_blob_upload_new_cache(&codec);
	paths = inputs_paths_new();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ours = wire_stream_new(base, fd[0], fd[0], &ops, NULL);
	node = wire_stream_new(base, fd[1], fd[1], &ops, NULL);
	ship = peer_blob_upload_new(ours, pool, packed);
	for (int i = 0; i < USERS; i++)
		users[i] = (struct peer_blob_upload_user){
			.on_failed = on_failed,
			.ctx = &failures[i],
			.base_dir = ""
		};
}

static void teardown(void)
{
	struct err err;

	peer_blob_upload_free(ship);
	wire_stream_free(ours);
	wire_stream_free(node);
	pool_free(pool);
	store_packed_cache_free(packed);
	inputs_paths_free(paths);
	event_base_free(base);
	fs_remove(dir, &err);
}

/* A file with this name and announced content, which need not exist. */
static const struct inputs_entry *entry(const char *name, const char *text)
{
	struct store_file_digest id = { .stamp.size = strlen(text) };
	char *path = xasprintf("%s/%s", dir, name);
	const struct inputs_entry *e;

	digest_bytes(bytes_str(text), &id.digest);
	e = inputs_path_set_file(paths, inputs_paths_get(paths, path), &id);
	free(path);
	return e;
}

/* Return the number of blobs and failures. */
static unsigned count_ends(void)
{
	unsigned n = blobs;

	for (int i = 0; i < USERS; i++)
		n += failures[i];
	return n;
}

/* Wait for `n` blobs and failures, and longer for any that must not follow. */
static void turn(unsigned n)
{
	uint64_t deadline = clock_ms() + 60000, end;

	for (; count_ends() < n && clock_ms() < deadline; usleep(500))
		event_base_loop(base, EVLOOP_NONBLOCK);
	for (end = clock_ms() + 300; clock_ms() < end; usleep(500))
		event_base_loop(base, EVLOOP_NONBLOCK);
}

FIXTURE(setup, teardown);

TEST(all_who_wait_for_a_file_hear_that_it_is_gone)
{
	const struct inputs_entry *e = entry("gone.h", "text");

	for (int i = 0; i < USERS; i++)
		peer_blob_upload_add(ship, &users[i], e);
	/* One user requests it twice, another no longer needs it. */
	peer_blob_upload_add(ship, &users[1], e);
	peer_blob_upload_remove_user(ship, &users[2]);
	turn(USERS - 1);
	for (int i = 0; i < USERS; i++)
		ck_assert_uint_eq(failures[i], i != 2);
	ck_assert_uint_eq(blobs, 0);
}

TEST(one_content_is_sent_once_whoever_waits)
{
	const struct inputs_entry *a = entry("a.h", "text");
	const struct inputs_entry *b = entry("b.h", "text");
	struct err err;

	must(fs_write(a->path->name, bytes_str("text"), 0644, &err));
	peer_blob_upload_add(ship, &users[0], a);
	peer_blob_upload_add(ship, &users[1], b);
	turn(1);
	ck_assert_uint_eq(blobs, 1);
	ck_assert_uint_eq(failures[0] + failures[1], 0);
	/* It is sent again only to users that request it again. */
	peer_blob_upload_add(ship, &users[0], a);
	turn(2);
	ck_assert_uint_eq(blobs, 2);
}
