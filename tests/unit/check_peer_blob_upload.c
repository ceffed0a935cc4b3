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
static struct wire_stream *host, *node;
static struct peer_blob_upload *upload;
static unsigned failures[USERS], blobs;
static struct peer_blob_upload_user users[USERS];

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
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
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	int fd[2];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	base = event_base_new();
	pool = pool_new(base, 1);
	packed = peer_blob_upload_new_cache(&codec);
	paths = inputs_paths_new();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	host = wire_stream_new(base, fd[0], fd[0], &ops, NULL);
	node = wire_stream_new(base, fd[1], fd[1], &ops, NULL);
	upload = peer_blob_upload_new(host, pool, packed);
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

	peer_blob_upload_free(upload);
	wire_stream_free(host);
	wire_stream_free(node);
	pool_free(pool);
	store_packed_cache_free(packed);
	inputs_paths_free(paths);
	event_base_free(base);
	fs_remove(dir, &err);
}

/* The entry of a file with this content.  The file need not exist. */
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
static void wait_for_ends(unsigned n)
{
	uint64_t deadline = clock_ms() + 60000, end;

	for (; count_ends() < n && clock_ms() < deadline; usleep(500))
		event_base_loop(base, EVLOOP_NONBLOCK);
	for (end = clock_ms() + 300; clock_ms() < end; usleep(500))
		event_base_loop(base, EVLOOP_NONBLOCK);
}

FIXTURE(setup, teardown);

TEST(a_missing_file_is_reported_once_to_each_waiting_user)
{
	const struct inputs_entry *e = entry("gone.h", "text");

	for (int i = 0; i < USERS; i++)
		peer_blob_upload_add(upload, &users[i], e);
	/* User 1 requests the file twice, user 2 no longer needs it. */
	peer_blob_upload_add(upload, &users[1], e);
	peer_blob_upload_remove_user(upload, &users[2]);
	wait_for_ends(USERS - 1);
	for (int i = 0; i < USERS; i++)
		ck_assert_uint_eq(failures[i], i != 2);
	ck_assert_uint_eq(blobs, 0);
}

TEST(equal_contents_are_sent_once_for_several_users)
{
	const struct inputs_entry *a = entry("a.h", "text");
	const struct inputs_entry *b = entry("b.h", "text");
	struct err err;

	must(fs_write(a->path->name, bytes_str("text"), 0644, &err));
	peer_blob_upload_add(upload, &users[0], a);
	peer_blob_upload_add(upload, &users[1], b);
	wait_for_ends(1);
	ck_assert_uint_eq(blobs, 1);
	ck_assert_uint_eq(failures[0] + failures[1], 0);
	/* The blob is sent again only if a user requests it again. */
	peer_blob_upload_add(upload, &users[0], a);
	wait_for_ends(2);
	ck_assert_uint_eq(blobs, 2);
}
