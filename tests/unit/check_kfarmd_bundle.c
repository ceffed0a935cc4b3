/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain node */
/*
 * Toolchain uploads to a real kfarmd, and its reports of installed toolchains.
 */
#include "../lib/test.h"
#include "kfarmd-bundle.h"
#include "kfarmd/input-sink.h"

#include <sys/file.h>

static char *dir; /* contains the store, the toolchains and the sent files */
static char *store, *toolchains_dir;
static struct node n;
static const char *host; /* native architecture of this machine */

static void start(void)
{
	const char *words[] = { "--toolchains", toolchains_dir, NULL };

	node_start_bare(&n, store, words);
	host = n.c.fit.hosts.v[0];
}

static void stop(void)
{
	client_release(&n.c);
	ck_assert_int_eq(spawn_wait(n.pid), 0);
}

static void restart(void)
{
	stop();
	start();
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	client_set_up();
	dir = node_dir();
	store = xasprintf("%s/store", dir);
	toolchains_dir = xasprintf("%s/kept", dir);
	start();
}

static void tear_down(void)
{
	stop();
	free(store);
	free(toolchains_dir);
	node_remove(dir);
	client_tear_down();
}

static char *path_of(const char *id, const char *path)
{
	return xasprintf("%s/%s/%s", toolchains_dir, id, path);
}

static void check_content(const char *id, const char *path, const char *content)
{
	char *full = path_of(id, path);

	expect_file(full, content);
	free(full);
}

/* No incomplete or foreign file is left. */
static void check_no_files_left(void)
{
	char *live = xasprintf("%s/.live", toolchains_dir);

	ck_assert_uint_eq(count_files(live), 0);
	free(live);
}

FIXTURE(set_up, tear_down);
TIMEOUT(240);

TEST(an_uploaded_toolchain_is_unchanged_and_survives_a_restart)
{
	struct bundle g = bundle_small("gcc-1.2.3-x", host, "gcc");
	const struct wire_held *held = tools_ask(&n.c, false);
	char *path = path_of(g.id, "t/bin/x-gcc");
	struct stat st;

	ck_assert_uint_eq(held->n_toolchains, 0);
	bundle_deliver(&n.c, &g, 1);
	ck_assert_uint_eq(n.c.n_needed, 3); /* including the empty file */
	check_content(g.id, "t/bin/x-cc", "gcc");
	check_content(g.id, "t/include/a.h", "int a;\n");
	check_content(g.id, TOOLCHAIN_JSON, KEEP_JSON);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0555);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1600000000);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 123456789);
	check_no_files_left();
	restart();
	held = tools_ask(&n.c, false);
	ck_assert_uint_eq(held->n_toolchains, 1);
	ck_assert_str_eq(held->toolchains[0].id, g.id);
	ck_assert_str_eq(held->toolchains[0].host, host);
	ck_assert_uint_eq(held->toolchains[0].state, WIRE_HELD_OK);
	ck_assert(digest_equal(&held->toolchains[0].dir_digest, &g.tree));
	free(path);
	bundle_release(&g);
}

TEST(blobs_already_on_the_node_are_not_requested_again)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	struct bundle other = bundle_small("gcc-2-x", host, "another");

	bundle_deliver(&n.c, &g, 1);
	bundle_deliver(&n.c, &g, 2);
	ck_assert_uint_eq(n.c.n_needed, 3);
	/* With an empty store, files come from the installed toolchain. */
	stop();
	ck_assert_int_eq(fs_remove(store, &(struct err){ 0 }), 0);
	start();
	bundle_deliver(&n.c, &other, 3);
	ck_assert_uint_eq(n.c.n_needed, 1);
	check_content("gcc-2-x", "t/include/a.h", "int a;\n");
	bundle_release(&g);
	bundle_release(&other);
}

TEST(two_toolchains_may_be_uploaded_in_interleaved_messages)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	struct bundle other = bundle_small("gcc-2-x", host, "another");
	size_t half = 2;

	bundle_open(&n.c, &g, 1);
	bundle_open(&n.c, &other, 2);
	bundle_send_some(&n.c, &g, 1, 0, half, false);
	bundle_send_some(&n.c, &other, 2, 0, half, false);
	bundle_send_some(&n.c, &g, 1, half, g.entries.n - half, true);
	bundle_send_some(&n.c, &other, 2, half, other.entries.n - half, true);
	bundle_is_kept(&n.c, &g, 1);
	bundle_is_kept(&n.c, &other, 2);
	ck_assert_uint_eq(n.c.n_need, 4); /* one per message */
	/* Four blobs; one that arrives during a lookup is requested twice. */
	ck_assert_uint_ge(n.c.n_needed, 4);
	ck_assert_uint_eq(tools_ask(&n.c, true)->n_toolchains, 2);
	bundle_release(&g);
	bundle_release(&other);
}

/* The blobs that arrived before the kill are in the store. */
TEST(an_interrupted_upload_is_resumed)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	char *blobs = xasprintf("%s/sha256", store);
	struct digest first;

	n.c.withholds = true;
	bundle_send(&n.c, &g, 1, 1000);
	while (!n.c.n_need)
		client_idle(5);
	digest_bytes(bytes_str("int a;\n"), &first);
	client_supply(&n.c, &first);
	while (!count_files(blobs))
		client_idle(5);
	free(blobs);
	kill(n.pid, SIGKILL);
	client_release(&n.c);
	spawn_wait(n.pid);
	start();
	ck_assert_uint_eq(tools_ask(&n.c, false)->n_toolchains, 0);
	bundle_deliver(&n.c, &g, 1);
	ck_assert_uint_eq(n.c.n_needed, 2);
	check_no_files_left();
	bundle_release(&g);
}

TEST(an_upload_replaces_a_toolchain_with_the_same_id)
{
	struct bundle g = bundle_small("gcc-1-x", host, "old");
	struct bundle new = bundle_small("gcc-1-x", host, "new");

	bundle_deliver(&n.c, &g, 1);
	bundle_deliver(&n.c, &new, 2);
	check_content("gcc-1-x", "t/bin/x-gcc", "new");
	ck_assert_uint_eq(tools_ask(&n.c, true)->toolchains[0].state,
			  WIRE_HELD_OK);
	check_no_files_left();
	bundle_release(&g);
	bundle_release(&new);
}

TEST(a_dropped_toolchain_is_no_longer_installed)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	const struct wire_dropped *dropped;

	bundle_deliver(&n.c, &g, 1);
	dropped = tools_drop(&n.c, 2, "gcc-1-x");
	ck_assert_msg(!dropped->state, "%s", dropped->detail);
	ck_assert_uint_eq(tools_ask(&n.c, false)->n_toolchains, 0);
	dropped = tools_drop(&n.c, 3, "gcc-1-x");
	ck_assert_uint_eq(dropped->state, 1);
	text_has(dropped->detail, "not installed");
	check_no_files_left();
	bundle_release(&g);
}

/* The test takes the same lock as a sandbox of any kfarmd. */
TEST(a_toolchain_in_use_is_neither_dropped_nor_replaced)
{
	struct bundle g = bundle_small("gcc-1-x", host, "old");
	struct bundle new = bundle_small("gcc-1-x", host, "new");
	char *path = path_of("gcc-1-x", "");
	const struct wire_dropped *answer;
	int fd;

	bundle_deliver(&n.c, &g, 1);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_SH), 0);
	ck_assert_uint_eq(tools_ask(&n.c, false)->toolchains[0].state,
			  WIRE_HELD_IN_USE);
	answer = tools_drop(&n.c, 2, "gcc-1-x");
	ck_assert_uint_eq(answer->state, 1);
	text_has(answer->detail, "in use");
	bundle_send(&n.c, &new, 3, 1000);
	bundle_refused(&n.c, 3, "in use");
	ck_assert(digest_equal(
		&tools_ask(&n.c, false)->toolchains[0].dir_digest, &g.tree));
	check_content("gcc-1-x", "t/bin/x-gcc", "old");
	close(fd);
	bundle_deliver(&n.c, &new, 4);
	check_no_files_left();
	free(path);
	bundle_release(&g);
	bundle_release(&new);
}

static void damage(const char *path, int keep_mtime)
{
	struct timespec times[2];
	struct stat st;
	FILE *f;

	ck_assert_int_eq(stat(path, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(chmod(path, 0755), 0);
	f = fopen(path, "r+");
	ck_assert_ptr_nonnull(f);
	fputc('X', f);
	fclose(f);
	ck_assert_int_eq(chmod(path, st.st_mode), 0);
	/*
	 * Flip a bit like a failing disk, without a change of the file stamp.
	 */
	if (keep_mtime)
		ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

TEST_RANGE(damage_is_detected_and_repaired_by_another_upload, 0, 2)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	char *path = path_of("gcc-1-x", "t/include/a.h");
	const struct wire_held *held;

	bundle_deliver(&n.c, &g, 1);
	damage(path, _i);
	if (_i)
		ck_assert_uint_eq(tools_ask(&n.c, false)->toolchains[0].state,
				  WIRE_HELD_OK);
	held = tools_ask(&n.c, _i);
	ck_assert_uint_eq(held->toolchains[0].state, WIRE_HELD_DAMAGED);
	text_has(held->toolchains[0].detail, "t/include/a.h");
	/* The damage is remembered; another upload repairs it. */
	restart();
	ck_assert_uint_eq(tools_ask(&n.c, false)->toolchains[0].state,
			  WIRE_HELD_DAMAGED);
	bundle_deliver(&n.c, &g, 1);
	ck_assert_uint_eq(tools_ask(&n.c, true)->toolchains[0].state,
			  WIRE_HELD_OK);
	free(path);
	bundle_release(&g);
}

/*
 * The damage is found when the blob is copied, and the blob is requested again.
 */
TEST(a_damaged_blob_in_the_store_is_requested_again)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	char *line = xasprintf("chmod -R u+w '%s/sha256' && find '%s/sha256' "
			       "-type f -size 7c -exec sh -c "
			       "'printf spoiled >\"$0\"' {} \\;",
			       store, store);

	bundle_deliver(&n.c, &g, 1);
	ck_assert_uint_eq(tools_drop(&n.c, 2, "gcc-1-x")->state, 0);
	ck_assert_int_eq(system(line), 0);
	ck_assert_uint_eq(n.c.n_needed, 3);
	bundle_deliver(&n.c, &g, 3);
	ck_assert_uint_eq(n.c.n_needed, 4);
	check_content("gcc-1-x", "t/include/a.h", "int a;\n");
	check_no_files_left();
	free(line);
	bundle_release(&g);
}

/* ------------------------------------------------------------- rejections */

/* Make a bundle of three files of 600 KiB each, which are equal or differ. */
static struct bundle bundle_large(bool equal)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	static const char *const paths[] = { "t/x", "t/y", "t/z" };
	char *content = xcalloc(1, (600 << 10) + 1);

	for (int i = 0; i < 3; i++) {
		memset(content, equal ? 'a' : 'a' + i, 600 << 10);
		bundle_file(&g, paths[i], content);
	}
	free(content);
	toolchain_dir_digest_sort_entries(&g.entries);
	toolchain_dir_digest_compute(&g.entries, &g.tree);
	return g;
}

/* No blob is requested for a toolchain that does not fit. */
TEST(a_toolchain_that_exceeds_the_store_is_rejected_before_upload)
{
	const char *words[] = { "--toolchains", toolchains_dir, "--store-size",
				"1M", NULL };
	struct bundle g = bundle_large(false), equal = bundle_large(true);

	stop();
	node_start_bare(&n, store, words);
	bundle_send(&n.c, &g, 1, 1000);
	bundle_refused(&n.c, 1,
		       "gcc-1-x: store too small: 2 MiB needed, limit is 1 "
		       "MiB; see --store-size in kfarmd(8)");
	ck_assert_uint_eq(n.c.n_needed, 0);
	ck_assert(!n.c.closed);
	check_no_files_left();
	bundle_deliver(&n.c, &equal, 2);
	bundle_release(&g);
	bundle_release(&equal);
}

/* Each entry has one error, which causes the message. */
static const struct invalid_entry {
	const char *path;
	const char *target; /* NULL: a file */
	const char *message;
} invalid_entries[] = {
	{ "t/include/a.h", NULL, "duplicate entry" },
	{ "t/bin/x-gcc/below", NULL, "parent is not a directory" },
	{ "t/bin/x-cc/below", NULL, "parent is not a directory" },
	{ "t/tmp/below", NULL, "parent is not a directory" },
	{ "t/out", "/etc/passwd", "outside the toolchain" },
	{ "t/out", "../../etc", "outside the toolchain" },
	{ "t/bin/out", "x/../../../x", "outside the toolchain" },
	{ ".kfarm", NULL, "reserved name" },
	{ ".damage", NULL, "reserved name" },
	{ "toolchain.json", NULL, "reserved name" },
	{ "toolchain.json/x", NULL, "reserved name" },
	{ "t/a\nb", NULL, "invalid path" },
};

TEST_EACH(an_invalid_entry_is_rejected, invalid_entries)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");

	if (row->target)
		bundle_link(&g, row->path, row->target);
	else
		bundle_file(&g, row->path, "evil");
	toolchain_dir_digest_sort_entries(&g.entries);
	toolchain_dir_digest_compute(&g.entries, &g.tree);
	/* A VIEW must not name a path twice. */
	bundle_send(&n.c, &g, 1, 1);
	bundle_refused(&n.c, 1, row->message);
	ck_assert_uint_eq(tools_ask(&n.c, false)->n_toolchains, 0);
	ck_assert(!n.c.closed);
	check_no_files_left();
	bundle_release(&g);
}

TEST(a_wrong_directory_digest_is_rejected)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");

	g.tree.b[0] ^= 1;
	bundle_send(&n.c, &g, 1, 1000);
	bundle_refused(&n.c, 1, "digest");
	ck_assert_uint_eq(tools_ask(&n.c, false)->n_toolchains, 0);
	bundle_release(&g);
}

TEST(a_toolchain_for_another_architecture_is_rejected)
{
	struct bundle g = bundle_small("gcc-1-x", "vax", "gcc");

	/* Messages sent before the rejection arrives have no effect. */
	bundle_send(&n.c, &g, 1, 2);
	bundle_refused(&n.c, 1, "vax");
	ck_assert_uint_eq(n.c.n_needed, 0);
	free(g.host);
	g.host = xstrdup(host);
	bundle_deliver(&n.c, &g, 2);
	bundle_release(&g);
}

TEST(a_fifth_concurrent_upload_ends_the_session)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");

	n.c.withholds = true;
	for (unsigned i = 1; i <= 4; i++)
		bundle_open(&n.c, &g, i);
	ck_assert_uint_eq(tools_ask(&n.c, false)->n_toolchains, 0);
	ck_assert(!n.c.closed);
	bundle_open(&n.c, &g, 5);
	client_expect_bye(&n.c, "too many concurrent toolchain uploads");
	bundle_release(&g);
}

TEST(the_last_message_of_an_upload_may_be_empty)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");

	bundle_open(&n.c, &g, 1);
	bundle_send_some(&n.c, &g, 1, 0, g.entries.n, false);
	bundle_send_some(&n.c, &g, 1, 0, 0, true);
	bundle_is_kept(&n.c, &g, 1);
	bundle_open(&n.c, &g, 2);
	bundle_send_some(&n.c, &g, 2, 0, 0, true);
	bundle_refused(&n.c, 2, "no files");
	bundle_release(&g);
}

TEST(too_many_pending_input_updates_end_the_session)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");

	bundle_open(&n.c, &g, 1);
	for (unsigned i = 0; i <= KFARMD_INPUT_SINK_UPDATES_MAX && !n.c.closed;
	     i++)
		bundle_send_some(&n.c, &g, 1, 0, 1, false);
	client_expect_bye(&n.c, "too many pending input updates");
	bundle_release(&g);
}

TEST(entries_after_the_last_message_end_the_session)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");

	n.c.withholds = true;
	bundle_send(&n.c, &g, 1, 1000);
	bundle_send_some(&n.c, &g, 1, 0, 1, false);
	client_expect_bye(&n.c, "complete");
	bundle_release(&g);
}

/* ------------------------------------------------- invalid messages */

static void send_number(enum wire_type type, unsigned number)
{
	struct buf body = { 0 };

	wire_number_encode(&body, number);
	client_send(&n.c, type, &body);
}

/* Not an absolute path in normal form. */
TEST_RANGE(an_invalid_path_in_paths_ends_the_session, 0, 5)
{
	static const char *const paths[] = { "/../x", "/a/../../x", "x", "/",
					     "//x" };
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	struct buf body = { 0 };

	bundle_open(&n.c, &g, 1);
	buf_put_u32(&body, 0);
	buf_put_u32(&body, 1);
	buf_put_u16(&body, 0);
	buf_put_str(&body, paths[_i]);
	client_send(&n.c, WIRE_PATHS, &body);
	client_expect_bye(&n.c, "PATHS");
	bundle_release(&g);
}

TEST_RANGE(absences_and_source_files_are_rejected_in_a_toolchain, 0, 2)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	struct play_view view = { 0 };

	bundle_open(&n.c, &g, 1);
	if (_i) {
		play_entry(&n.c, &view, "/t/tmp", WIRE_INODE_ABSENT);
		play_send_view(&n.c, 1, WIRE_PART_TOOLCHAIN, &view);
		bundle_refused(&n.c, 1, "path is marked as absent");
	} else {
		play_put(&n.c, 1, "/t/include/a.h", "evil");
		bundle_refused(&n.c, 1,
			       "the toolchain upload contains source files");
	}
	/* Messages sent before the rejection arrives have no effect. */
	bundle_send_some(&n.c, &g, 1, 0, g.entries.n, true);
	ck_assert_uint_eq(tools_ask(&n.c, false)->n_toolchains, 0);
	ck_assert_uint_eq(n.c.n_needed, 0);
	ck_assert(!n.c.closed);
	bundle_release(&g);
}

static void send_cell(unsigned number)
{
	struct wire_cell m = { .cell = number, .driver = (char *)"/x/bin/gcc" };
	struct buf body = { 0 };

	wire_cell_encode(&body, &m);
	client_send(&n.c, WIRE_CELL, &body);
}

/* Sandboxes and uploads share one range of numbers. */
TEST_RANGE(a_number_already_in_use_ends_the_session, 0, 3)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");

	if (_i == 0)
		send_cell(1);
	else
		bundle_open(&n.c, &g, 1);
	if (_i == 1)
		send_cell(1);
	else
		bundle_open(&n.c, &g, 1);
	client_expect_bye(&n.c, "number 1 already in use");
	bundle_release(&g);
}

TEST(a_job_that_names_an_upload_as_its_sandbox_fails)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");
	static const char *const flags[] = { NULL };
	struct wire_job m;

	n.c.withholds = true;
	bundle_send(&n.c, &g, 1, 1000);
	m = play_job(&n.c, 1, WIRE_LANG_C, flags);
	m.cell = 1;
	m.view = 1;
	play_send_job(&n.c, &m);
	client_wait_job(&n.c, 1);
	ck_assert(n.c.job[1].has_fail);
	ck_assert_uint_eq(n.c.job[1].fail.class, WIRE_FAIL_TOOLCHAIN);
	bundle_release(&g);
}

TEST_RANGE(shut_during_an_upload_leaves_no_files, 0, 3)
{
	struct bundle g = bundle_small("gcc-1-x", host, "gcc");

	n.c.withholds = true;
	bundle_open(&n.c, &g, 1);
	if (_i)
		bundle_send_some(&n.c, &g, 1, 0, g.entries.n, _i > 1);
	while (_i > 1 && !n.c.n_need)
		client_idle(5);
	send_number(WIRE_SHUT, 1);
	/* Further entries are ignored. */
	bundle_send_some(&n.c, &g, 1, 0, g.entries.n, true);
	ck_assert_uint_eq(tools_ask(&n.c, false)->n_toolchains, 0);
	check_no_files_left();
	ck_assert_uint_eq(n.c.n_have[1], 0);
	ck_assert(!n.c.closed);
	/* Requested blobs are completed and not requested again. */
	if (_i > 1) {
		for (size_t i = 0; i < g.entries.n; i++) {
			if (g.entries.v[i].kind == COMPILER_ENTRY_FILE)
				client_supply(&n.c, &g.entries.v[i].digest);
		}
	}
	n.c.withholds = false;
	bundle_deliver(&n.c, &g, 2);
	ck_assert_uint_eq(n.c.n_needed, 3);
	bundle_release(&g);
}
