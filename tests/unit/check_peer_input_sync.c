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
static struct peer_conn conn = { .shared = &shared };
static struct peer_input_sync input_sync;
static struct pool *pool;
static enum wire_codec codec = WIRE_PLAIN;
static struct store_packed_cache *packed;
static struct peer_blob_upload_stats stats;
static unsigned failures;
static struct peer_blob_upload_user user;

/* The node logs the entries that it received since the last check. */
static struct wire_stream *node;
static struct wire_intern *node_paths;
static struct buf log_text;

static void log_view(struct bytes body)
{
	static const char *const kinds[] = { [WIRE_INODE_FILE] = "file",
					     [WIRE_INODE_DIR] = "dir",
					     [WIRE_INODE_SYMLINK] = "link",
					     [WIRE_INODE_ABSENT] = "gone" };
	struct wire_view m;

	ck_assert_int_eq(wire_view_decode(&m, body), 0);
	for (uint32_t i = 0; i < m.n_entries; i++)
		buf_printf(&log_text, "%s %s; ", kinds[m.entries[i].inode.kind],
			   wire_paths_get(node_paths, m.entries[i].path));
	if (m.part == WIRE_PART_TOOLCHAIN_END)
		buf_printf(&log_text, "end; ");
	wire_view_release(&m);
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	(void)ctx;
	(void)err;
	if (type == WIRE_FETCH)
		buf_printf(&log_text, "fetch; ");
	else if (type == WIRE_BLOB)
		buf_printf(&log_text, "blob; ");
	else if (type == WIRE_PATHS)
		ck_assert_int_eq(wire_paths_receive(node_paths, body), 0);
	else if (type == WIRE_VIEW)
		log_view(body);
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
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	int fd[2];

	base = event_base_new();
	paths = inputs_paths_new();
	node_paths = wire_paths_new();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	node = wire_stream_new(base, fd[1], fd[1], &ops, NULL);
	conn.stream = wire_stream_new(base, fd[0], fd[0], &ops, NULL);
	conn.paths = wire_paths_new();
	pool = pool_new(base, 1);
	packed = peer_blob_upload_new_cache(&codec);
	conn.upload = peer_blob_upload_new(conn.stream, pool, packed);
	user = (struct peer_blob_upload_user){ .on_failed = on_failed,
					       .base_dir = "",
					       .stats = &stats };
	peer_input_sync_init(&input_sync, &conn, 7, &user);
}

static void teardown(void)
{
	peer_input_sync_release(&input_sync);
	peer_blob_upload_free(conn.upload);
	pool_free(pool);
	store_packed_cache_free(packed);
	wire_stream_free(conn.stream);
	wire_stream_free(node);
	wire_intern_free(conn.paths);
	wire_intern_free(node_paths);
	inputs_paths_free(paths);
	event_base_free(base);
	buf_release(&log_text);
}

/* Return the entries that the node received since the last call. */
static const char *take_log(void)
{
	static char text[1024];

	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	snprintf(text, sizeof(text), "%s",
		 log_text.len ? buf_str(&log_text) : "");
	buf_reset(&log_text);
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

static const struct inputs_entry *absent(const char *path)
{
	return inputs_path_set_absent(paths, inputs_paths_get(paths, path));
}

static uint32_t add_entries(const struct inputs_entry *a,
			    const struct inputs_entry *b)
{
	const struct inputs_entry *both[] = { a, b };
	uint32_t view;

	ck_assert_int_eq(peer_input_sync_add_entries(&input_sync, both,
						     b ? 2 : 1, &view),
			 0);
	return view;
}

FIXTURE(setup, teardown);

TEST(a_file_entry_is_sent_once_per_version)
{
	const struct inputs_entry *a = file("/t/a.h", 1);
	const struct inputs_entry *b = file("/t/b.h", 1);
	uint32_t first = add_entries(a, b);

	ck_assert_str_eq(take_log(), "file /t/a.h; file /t/b.h; ");
	ck_assert_uint_eq(add_entries(a, b), first);
	ck_assert_str_eq(take_log(), "");
	ck_assert_uint_gt(add_entries(a, file("/t/b.h", 2)), first);
	ck_assert_str_eq(take_log(), "file /t/b.h; ");
	/* A job that needs only the first file does not wait for more. */
	ck_assert_uint_eq(add_entries(a, NULL), first);
}

TEST(a_removal_is_sent_only_for_a_path_that_was_sent)
{
	add_entries(absent("/t/never.h"), file("/t/d/a.h", 1));
	ck_assert_str_eq(take_log(), "file /t/d/a.h; ");
	add_entries(absent("/t/d"), NULL);
	ck_assert_str_eq(take_log(), "gone /t/d; ");
	/* Files below it were removed too. */
	add_entries(file("/t/d/a.h", 1), NULL);
	ck_assert_str_eq(take_log(), "file /t/d/a.h; ");
}

TEST_RANGE(a_directory_that_exists_again_is_removed_again, 0, 2)
{
	const char *path = _i ? "/t/d/e/a.h" : "/t/d/a.h";

	add_entries(file(path, 1), NULL);
	add_entries(absent("/t/d"), NULL);
	add_entries(file(path, 2), NULL);
	take_log();
	add_entries(absent("/t/d"), NULL);
	ck_assert_str_eq(take_log(), "gone /t/d; ");
}

TEST(a_job_waits_for_the_removal_of_a_path_that_must_be_absent)
{
	uint32_t removed;

	add_entries(file("/t/d/a.h", 1), file("/t/d/b.h", 1));
	removed = add_entries(absent("/t/d"), NULL);
	ck_assert_uint_eq(add_entries(absent("/t/d/a.h"), NULL), removed);
	/* Updates for other paths do not matter. */
	ck_assert_uint_gt(add_entries(file("/t/x.h", 1), NULL), removed);
	ck_assert_uint_eq(add_entries(absent("/t/d/b.h"), NULL), removed);
	ck_assert_uint_eq(add_entries(absent("/t/never.h"), NULL), 0);
	ck_assert_uint_eq(add_entries(absent("/t/d"), NULL), removed);
}

TEST(a_conflicting_path_is_removed_before_its_replacement)
{
	add_entries(file("/t/x", 1), NULL);
	take_log();
	add_entries(file("/t/x/a.h", 1), file("/t/x/b.h", 1));
	ck_assert_str_eq(take_log(),
			 "gone /t/x; file /t/x/a.h; file /t/x/b.h; ");
	add_entries(file("/t/x", 2), NULL);
	ck_assert_str_eq(take_log(), "gone /t/x; file /t/x; ");
	add_entries(dir("/t/x"), NULL);
	ck_assert_str_eq(take_log(), "gone /t/x; dir /t/x; ");
}

TEST_RANGE(a_change_of_a_frozen_toolchain_path_is_rejected, 0, 2)
{
	const struct inputs_entry *driver = file("/usr/bin/gcc", 1);
	const struct inputs_entry *other;
	uint32_t view;

	/*
	 * A native toolchain needs no update, but its paths are frozen as well.
	 */
	ck_assert_int_eq(
		peer_input_sync_add_toolchain(&input_sync, &driver, 1, _i), 0);
	ck_assert_str_eq(take_log(), _i ? "end; " : "file /usr/bin/gcc; end; ");
	ck_assert(peer_input_sync_is_frozen(&input_sync, driver->path));
	ck_assert_uint_eq(add_entries(driver, NULL),
			  input_sync.toolchain_update);
	ck_assert_str_eq(take_log(), "");
	other = file("/usr/bin/gcc", 2);
	ck_assert_int_eq(
		peer_input_sync_add_entries(&input_sync, &other, 1, &view),
		-ESTALE);
	ck_assert_str_eq(take_log(), "");
}

/* For example, the directory was renamed, and is now a symbolic link. */
TEST_RANGE(a_directory_of_the_toolchain_is_not_removed, 0, 2)
{
	const struct inputs_entry *files[] = { file("/opt/tc/bin/gcc", 1),
					       file("/opt/tc/bin/as", 1) };
	const struct inputs_entry *other = _i ? absent("/opt/tc") :
						file("/opt/tc", 1);
	uint32_t view;

	ck_assert_int_eq(
		peer_input_sync_add_toolchain(&input_sync, files, 2, false), 0);
	take_log();
	ck_assert_int_eq(
		peer_input_sync_add_entries(&input_sync, &other, 1, &view),
		-ESTALE);
	ck_assert_str_eq(take_log(), "");
	add_entries(files[0], dir("/opt/tc/lib"));
	ck_assert_str_eq(take_log(), "dir /opt/tc/lib; ");
}

/* A NEED for a removed file or an unknown update has no blob to send. */
TEST(a_need_for_a_removed_or_unknown_file_is_rejected)
{
	uint32_t index = 0;
	struct wire_need m = { .n_indices = 1, .indices = &index };
	struct err err;

	add_entries(file("/t/x", 1), NULL);
	add_entries(file("/t/x/a.h", 1), NULL);
	m.view = input_sync.updates.last - 1;
	ck_assert_int_eq(peer_input_updates_handle_need(&input_sync.updates, &m,
							&conn, &err),
			 -EPROTO);
	m.view = input_sync.updates.last + 1;
	ck_assert_int_eq(peer_input_updates_handle_need(&input_sync.updates, &m,
							&conn, &err),
			 -EPROTO);
}

/* A NEED can be in transit when its sandbox is closed. */
TEST(the_updates_of_a_closed_sandbox_are_retained)
{
	uint32_t index = 0;
	struct wire_need m = { .n_indices = 1, .indices = &index };
	struct err err;

	add_entries(file("/t/x", 1), NULL);
	m.view = input_sync.updates.last;
	peer_input_sync_stop(&input_sync);
	must(peer_input_updates_handle_need(&input_sync.updates, &m, &conn,
					    &err));
	ck_assert_uint_eq(stats.n_files_needed, 1);
}

/* The node requests one of two files with the same content. */
TEST(a_file_with_two_names_is_fetched_from_a_neighbor)
{
	static const struct node_entry entry = { .site = (char *)"desk" };
	const struct inputs_entry *both[] = { file("/t/x", 70000),
					      file("/t/y", 70000) };
	struct peer_conn other = conn;
	uint32_t index = 0, view;
	struct wire_need m = { .n_indices = 1, .indices = &index };
	struct err err;

	shared.neighbors = peer_neighbors_new();
	other.entry = conn.entry = &entry;
	other.version = conn.version = WIRE_VERSION;
	other.neighbor_address = conn.neighbor_address =
		(char *)"10.0.0.1:3634";
	peer_neighbors_join(shared.neighbors, &conn);
	peer_neighbors_join(shared.neighbors, &other);
	peer_neighbors_hold(shared.neighbors, &other,
			    &both[0]->file_digest.digest, 70000);
	ck_assert_int_eq(
		peer_input_sync_add_entries(&input_sync, both, 2, &view), 0);
	take_log();
	m.view = view;
	must(peer_input_updates_handle_need(&input_sync.updates, &m, &conn,
					    &err));
	ck_assert_str_eq(take_log(), "fetch; ");
	peer_neighbors_free(shared.neighbors);
	shared.neighbors = NULL;
}

/* The entry of a file with this content.  The file need not exist. */
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
	struct wire_need m = { .view = input_sync.updates.last,
			       .n_indices = 1,
			       .indices = &index };
	struct err err;

	must(peer_input_updates_handle_need(&input_sync.updates, &m, &conn,
					    &err));
	while (!failures)
		event_base_loop(base, EVLOOP_ONCE);
}

/* The node sends only one NEED for a blob and waits for the blob. */
TEST(an_unreadable_blob_is_sent_when_another_file_has_its_content)
{
	char dir[TEMPDIR_SIZE];
	struct peer_input_sync next;
	const struct inputs_entry *e;
	struct err err;
	uint32_t view;

	tempdir_make(dir);
	add_entries(real_file(dir, "a.h", "text"), NULL);
	request_missing();
	e = real_file(dir, "b.h", "text");
	must(fs_write(e->path->name, bytes_str("text"), 0644, &err));
	peer_input_sync_init(&next, &conn, 8, &user);
	take_log();
	must(peer_input_sync_add_entries(&next, &e, 1, &view));
	while (!stats.n_files_sent)
		event_base_loop(base, EVLOOP_ONCE);
	text_has(take_log(), "b.h; blob; ");
	/* A third file with this content causes no further upload. */
	e = real_file(dir, "c.h", "text");
	must(peer_input_sync_add_entries(&next, &e, 1, &view));
	ck_assert_uint_eq(stats.n_files_needed, 2);
	peer_input_sync_release(&next);
	tempdir_remove(dir);
}

/* The node has sent one NEED for two sandboxes. */
TEST(a_retry_sends_the_blob_from_a_file_of_another_sandbox)
{
	char dir[TEMPDIR_SIZE];
	struct peer_input_sync other;
	const struct inputs_entry *e;
	struct err err;
	uint32_t view;

	tempdir_make(dir);
	e = real_file(dir, "b.h", "text");
	must(fs_write(e->path->name, bytes_str("text"), 0644, &err));
	peer_input_sync_init(&other, &conn, 8, &user);
	must(peer_input_sync_add_entries(&other, &e, 1, &view));
	add_entries(real_file(dir, "a.h", "text"), NULL);
	request_missing();
	take_log();
	peer_input_updates_retry_blob(&other.updates, &conn,
				      &e->file_digest.digest);
	while (!stats.n_files_sent)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_str_eq(take_log(), "blob; ");
	peer_input_sync_release(&other);
	tempdir_remove(dir);
}
