/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "../lib/test.h"

#include "../lib/tempdir.h"

#include "base/fs.h"
#include "base/pool.h"
#include "peer/blob-upload.h"
#include "peer/input-sync.h"
#include "peer/neighbors.h"
#include "store/packed-cache.h"

#include <event2/event.h>
#include <sys/socket.h>

static struct event_base *base;
static struct inputs_paths *paths;
static struct peer_shared shared;
static struct peer_conn l = { .shared = &shared };
static struct peer_input_sync told;
static struct pool *pool;
static enum wire_codec codec = WIRE_PLAIN;
static struct store_packed_cache *packed;
static struct peer_blob_upload_stats stats;
static unsigned failures;
static struct peer_blob_upload_user user;

/* The node: the updates since the last check, one word per entry. */
static struct wire_stream *node;
static struct wire_intern *known;
static struct buf heard;

static void hear_view(struct bytes body)
{
	static const char *const kinds[] = { [WIRE_INODE_FILE] = "file",
					     [WIRE_INODE_DIR] = "dir",
					     [WIRE_INODE_SYMLINK] = "link",
					     [WIRE_INODE_ABSENT] = "gone" };
	struct wire_view m;

	ck_assert_int_eq(wire_view_decode(&m, body), 0);
	for (uint32_t i = 0; i < m.n_entries; i++)
		buf_printf(&heard, "%s %s; ", kinds[m.entries[i].inode.kind],
			   wire_paths_get(known, m.entries[i].path));
	if (m.part == WIRE_PART_TOOLCHAIN_END)
		buf_printf(&heard, "end; ");
	wire_view_release(&m);
}

static int node_hears(void *ctx, uint16_t type, struct bytes body,
		      struct err *err)
{
	(void)ctx;
	(void)err;
	if (type == WIRE_FETCH)
		buf_printf(&heard, "fetch; ");
	else if (type == WIRE_BLOB)
		buf_printf(&heard, "blob; ");
	else if (type == WIRE_PATHS)
		ck_assert_int_eq(wire_paths_receive(known, body), 0);
	else if (type == WIRE_VIEW)
		hear_view(body);
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	(void)ctx;
	ck_abort_msg("closed: %s", why->text);
}

static void on_failed(void *ctx, const struct inputs_entry *e, const char *why)
{
	(void)ctx;
	(void)e;
	(void)why;
	failures++;
}

static void setup(void)
{
	static const struct wire_stream_ops ops = { .on_msg = node_hears,
						    .on_close = on_close };
	int fd[2];

	base = event_base_new();
	paths = inputs_paths_new();
	known = wire_paths_new();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	node = wire_stream_new(base, fd[1], fd[1], &ops, NULL);
	l.stream = wire_stream_new(base, fd[0], fd[0], &ops, NULL);
	l.paths = wire_paths_new();
	pool = pool_new(base, 1);
	packed = peer_blob_upload_new_cache(&codec);
	l.upload = peer_blob_upload_new(l.stream, pool, packed);
	user = (struct peer_blob_upload_user){ .on_failed = on_failed,
					       .base_dir = "",
					       .stats = &stats };
	peer_input_sync_init(&told, &l, 7, &user);
}

static void teardown(void)
{
	peer_input_sync_release(&told);
	peer_blob_upload_free(l.upload);
	pool_free(pool);
	store_packed_cache_free(packed);
	wire_stream_free(l.stream);
	wire_stream_free(node);
	wire_intern_free(l.paths);
	wire_intern_free(known);
	inputs_paths_free(paths);
	event_base_free(base);
	buf_release(&heard);
}

/* Return the updates since the last call. */
static const char *news(void)
{
	static char text[1024];

	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	snprintf(text, sizeof(text), "%s", heard.len ? buf_str(&heard) : "");
	buf_reset(&heard);
	return text;
}

/* A version of a file, with its own size and content. */
static const struct inputs_entry *file(const char *path, unsigned version)
{
	struct store_file_digest id = { .stamp.size = version };

	id.digest.b[0] = (uint8_t)version;
	return inputs_path_set_file(paths, inputs_paths_get(paths, path), &id);
}

static const struct inputs_entry *dir(const char *path)
{
	return inputs_path_set_dir(paths, inputs_paths_get(paths, path));
}

static const struct inputs_entry *gone(const char *path)
{
	return inputs_path_set_absent(paths, inputs_paths_get(paths, path));
}

static uint32_t tell(const struct inputs_entry *a, const struct inputs_entry *b)
{
	const struct inputs_entry *both[] = { a, b };
	uint32_t view;

	ck_assert_int_eq(
		peer_input_sync_add_entries(&told, both, b ? 2 : 1, &view), 0);
	return view;
}

FIXTURE(setup, teardown);

TEST(a_file_is_told_once_and_its_next_version_alone)
{
	const struct inputs_entry *a = file("/t/a.h", 1);
	const struct inputs_entry *b = file("/t/b.h", 1);
	uint32_t first = tell(a, b);

	ck_assert_str_eq(news(), "file /t/a.h; file /t/b.h; ");
	ck_assert_uint_eq(tell(a, b), first);
	ck_assert_str_eq(news(), "");
	ck_assert_uint_gt(tell(a, file("/t/b.h", 2)), first);
	ck_assert_str_eq(news(), "file /t/b.h; ");
	/* A job that needs only the first file does not wait for more. */
	ck_assert_uint_eq(tell(a, NULL), first);
}

TEST(only_what_was_there_is_told_to_be_gone)
{
	tell(gone("/t/never.h"), file("/t/d/a.h", 1));
	ck_assert_str_eq(news(), "file /t/d/a.h; ");
	tell(gone("/t/d"), NULL);
	ck_assert_str_eq(news(), "gone /t/d; ");
	/* Files below it were removed too. */
	tell(file("/t/d/a.h", 1), NULL);
	ck_assert_str_eq(news(), "file /t/d/a.h; ");
}

TEST(what_stands_in_the_way_goes_first)
{
	tell(file("/t/x", 1), NULL);
	news();
	tell(file("/t/x/a.h", 1), file("/t/x/b.h", 1));
	ck_assert_str_eq(news(), "gone /t/x; file /t/x/a.h; file /t/x/b.h; ");
	tell(file("/t/x", 2), NULL);
	ck_assert_str_eq(news(), "gone /t/x; file /t/x; ");
	tell(dir("/t/x"), NULL);
	ck_assert_str_eq(news(), "gone /t/x; dir /t/x; ");
}

TEST_RANGE(a_toolchain_is_frozen, 0, 2)
{
	const struct inputs_entry *driver = file("/usr/bin/gcc", 1);
	const struct inputs_entry *other;
	uint32_t view;

	/*
	 * A native toolchain needs no update, but its paths are frozen as well.
	 */
	ck_assert_int_eq(peer_input_sync_add_toolchain(&told, &driver, 1, _i),
			 0);
	ck_assert_str_eq(news(), _i ? "end; " : "file /usr/bin/gcc; end; ");
	ck_assert(peer_input_sync_is_frozen(&told, driver->path));
	ck_assert_uint_eq(tell(driver, NULL), told.toolchain_update);
	ck_assert_str_eq(news(), "");
	other = file("/usr/bin/gcc", 2);
	ck_assert_int_eq(peer_input_sync_add_entries(&told, &other, 1, &view),
			 -ESTALE);
	ck_assert_str_eq(news(), "");
}

/* A NEED for a removed file has no blob to send. */
TEST(what_is_gone_cannot_be_needed)
{
	uint32_t index = 0;
	struct wire_need m = { .n_indices = 1, .indices = &index };
	struct err err;

	tell(file("/t/x", 1), NULL);
	tell(file("/t/x/a.h", 1), NULL);
	m.view = told.updates.last - 1;
	ck_assert_int_eq(
		peer_input_updates_handle_need(&told.updates, &m, &l, &err),
		-EPROTO);
	m.view = told.updates.last + 1;
	ck_assert_int_eq(
		peer_input_updates_handle_need(&told.updates, &m, &l, &err),
		-EPROTO);
}

/* A NEED can be in transit when its sandbox is closed. */
TEST(the_updates_of_a_closed_sandbox_are_retained)
{
	uint32_t index = 0;
	struct wire_need m = { .n_indices = 1, .indices = &index };
	struct err err;

	tell(file("/t/x", 1), NULL);
	m.view = told.updates.last;
	peer_input_sync_stop(&told);
	must(peer_input_updates_handle_need(&told.updates, &m, &l, &err));
	ck_assert_uint_eq(stats.n_files_needed, 1);
}

/* A file whose content is that of a requested one is not on the node. */
TEST(a_file_with_two_names_comes_from_a_neighbor)
{
	static const struct node_entry entry = { .site = (char *)"desk" };
	const struct inputs_entry *both[] = { file("/t/x", 70000),
					      file("/t/y", 70000) };
	struct peer_conn other = l;
	uint32_t index = 0, view;
	struct wire_need m = { .n_indices = 1, .indices = &index };
	struct err err;

	shared.neighbors = peer_neighbors_new();
	other.entry = l.entry = &entry;
	other.version = l.version = WIRE_VERSION;
	other.neighbor_address = l.neighbor_address = (char *)"10.0.0.1:3634";
	peer_neighbors_join(shared.neighbors, &l);
	peer_neighbors_join(shared.neighbors, &other);
	peer_neighbors_hold(shared.neighbors, &other,
			    &both[0]->file_digest.digest, 70000);
	ck_assert_int_eq(peer_input_sync_add_entries(&told, both, 2, &view), 0);
	news();
	m.view = view;
	must(peer_input_updates_handle_need(&told.updates, &m, &l, &err));
	ck_assert_str_eq(news(), "fetch; ");
	peer_neighbors_free(shared.neighbors);
	shared.neighbors = NULL;
}

/* A file with this content, which is in `dir` or not. */
static const struct inputs_entry *real_file(const char *dir, const char *name,
					    const char *text)
{
	struct store_file_digest id = { .stamp.size = strlen(text) };
	char *path = xasprintf("%s/%s", dir, name);
	const struct inputs_entry *e;

	digest_bytes(bytes_str(text), &id.digest);
	e = inputs_path_set_file(paths, inputs_paths_get(paths, path), &id);
	free(path);
	return e;
}

/* Let the node request the first file of the last update, which is missing. */
static void request_missing(void)
{
	uint32_t index = 0;
	struct wire_need m = { .view = told.updates.last,
			       .n_indices = 1,
			       .indices = &index };
	struct err err;

	must(peer_input_updates_handle_need(&told.updates, &m, &l, &err));
	while (!failures)
		event_base_loop(base, EVLOOP_ONCE);
}

/* The node waits for a blob, and requests it only once. */
TEST(a_blob_that_could_not_be_read_is_sent_when_it_can)
{
	char dir[TEMPDIR_SIZE];
	struct peer_input_sync next;
	const struct inputs_entry *e;
	struct err err;
	uint32_t view;

	tempdir_make(dir);
	tell(real_file(dir, "a.h", "text"), NULL);
	request_missing();
	e = real_file(dir, "b.h", "text");
	must(fs_write(e->path->name, bytes_str("text"), 0644, &err));
	peer_input_sync_init(&next, &l, 8, &user);
	news();
	must(peer_input_sync_add_entries(&next, &e, 1, &view));
	while (!stats.n_files_sent)
		event_base_loop(base, EVLOOP_ONCE);
	text_has(news(), "b.h; blob; ");
	/* Only once. */
	e = real_file(dir, "c.h", "text");
	must(peer_input_sync_add_entries(&next, &e, 1, &view));
	ck_assert_uint_eq(stats.n_files_needed, 2);
	peer_input_sync_release(&next);
	tempdir_remove(dir);
}

/* The node has sent one NEED for two sandboxes. */
TEST(a_blob_that_could_not_be_read_is_sent_for_another_sandbox)
{
	char dir[TEMPDIR_SIZE];
	struct peer_input_sync other;
	const struct inputs_entry *e;
	struct err err;
	uint32_t view;

	tempdir_make(dir);
	e = real_file(dir, "b.h", "text");
	must(fs_write(e->path->name, bytes_str("text"), 0644, &err));
	peer_input_sync_init(&other, &l, 8, &user);
	must(peer_input_sync_add_entries(&other, &e, 1, &view));
	tell(real_file(dir, "a.h", "text"), NULL);
	request_missing();
	news();
	peer_input_updates_retry_blob(&other.updates, &l,
				      &e->file_digest.digest);
	while (!stats.n_files_sent)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_str_eq(news(), "blob; ");
	peer_input_sync_release(&other);
	tempdir_remove(dir);
}
