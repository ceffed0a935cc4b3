/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * Input updates and toolchain digests, with a real store and a real sandbox.
 */
#include "kfarmd/input-sink.h"
#include "kfarmd/input-update.h"

#include "../lib/store-put.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "compiler/manifest.h"
#include "sandbox/sandbox.h"

static char dir[TEMPDIR_SIZE];
static struct store *store;
static struct kfarmd_blobs *blobs;
static struct wire_intern *paths;
static struct sandbox *test_sandbox;
static struct kfarmd_input_update *view;
static struct wire_need need;
static atomic_bool stop;
static unsigned changes;
static struct err err;

static const char *const names[] = { "/t/a", "/t/b", "/t/link", "/t/d" };

static void set_up(void)
{
	struct wire_intern *sender = wire_paths_new();
	uint32_t number;
	struct sandbox_setup setup = { 0 };
	struct buf body = { 0 };

	tempdir_make(dir);
	must(store_open(&store, dir, 64u << 20, &err));
	blobs = kfarmd_blobs_new(store);
	paths = wire_paths_new();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		wire_paths_add(sender, names[i], &number);
	ck_assert(wire_paths_put_new(sender, &body));
	ck_assert_int_eq(wire_paths_receive(paths, buf_bytes(&body)), 0);
	buf_release(&body);
	wire_intern_free(sender);
	must(sandbox_new(&test_sandbox, &setup, &err));
}

static void tear_down(void)
{
	if (view)
		kfarmd_input_update_free(view);
	wire_need_release(&need);
	sandbox_free(test_sandbox);
	wire_intern_free(paths);
	kfarmd_blobs_free(blobs);
	store_free(store);
	tempdir_remove(dir);
}

static void on_change(void *ctx)
{
	(void)ctx;
	changes++;
}

static struct wire_entry file(uint32_t path, const char *content)
{
	struct wire_entry e = { .path = path,
				.inode.kind = WIRE_INODE_FILE,
				.inode.executable = 1,
				.inode.size = strlen(content) };

	digest_bytes(bytes_str(content), &e.inode.digest);
	return e;
}

/* Make an input update from a copy of these entries. */
static void make_update(enum wire_part part, const struct wire_entry *v,
			uint32_t n)
{
	struct wire_view m = { .view = 1,
			       .part = (uint8_t)part,
			       .n_entries = n };

	m.entries = xcalloc(n, sizeof(*m.entries));
	memcpy(m.entries, v, n * sizeof(*v));
	view = kfarmd_input_update_new(&m, paths, store, &err);
	wire_view_release(&m);
	if (!view)
		return;
	view->on_changed = on_change;
	view->stop_requested = &stop;
}

static int apply_to_sandbox(void)
{
	return kfarmd_input_update_apply(view, kfarmd_entry_put, test_sandbox,
					 &err);
}

static bool is_applied(void)
{
	return view->blobs_pinned && view->next_entry == view->m.n_entries;
}

static void put(const char *content)
{
	struct digest d;

	digest_bytes(bytes_str(content), &d);
	ck_assert_int_eq(store_put(store, &d, bytes_str(content), false), 0);
}

static void send(const char *content)
{
	struct wire_blob m = { .size = strlen(content),
			       .data = bytes_str(content) };

	digest_bytes(bytes_str(content), &m.digest);
	must(kfarmd_blobs_receive(blobs, &m, &err));
}

static uint64_t pinned(void)
{
	struct store_stats stats;

	store_stats(store, &stats);
	return stats.n_pinned;
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(only_missing_blobs_are_requested)
{
	struct wire_entry v[] = { file(0, "here"),
				  file(1, "not here"),
				  { .path = 2,
				    .inode.kind = WIRE_INODE_SYMLINK,
				    .inode.target = xstrdup("a") },
				  { .path = 3, .inode.kind = WIRE_INODE_DIR } };

	put("here");
	make_update(WIRE_PART_SOURCES, v, 4);
	ck_assert_uint_eq(kfarmd_input_update_remaining_bytes(view), 12);
	ck_assert(kfarmd_input_update_is_small(view));
	must(kfarmd_input_update_pin_blobs(view, &err));
	ck_assert_uint_eq(pinned(), 1);
	must(kfarmd_input_update_request_blobs(view, blobs, &need, &err));
	ck_assert_uint_eq(need.n_indices, 1);
	ck_assert_uint_eq(need.indices[0], 1);
	ck_assert_uint_eq(view->n_missing, 1);
	send("not here");
	ck_assert_uint_eq(changes, 1);
	ck_assert_uint_eq(view->n_missing, 0);
	ck_assert_uint_eq(pinned(), 2);
	ck_assert_int_eq(apply_to_sandbox(), 0);
	ck_assert(is_applied());
	ck_assert_uint_eq(pinned(), 0);
}

TEST(a_blob_used_by_two_files_is_requested_once)
{
	struct wire_entry v[] = { file(0, "same"), file(1, "same") };

	make_update(WIRE_PART_SOURCES, v, 2);
	must(kfarmd_input_update_pin_blobs(view, &err));
	must(kfarmd_input_update_request_blobs(view, blobs, &need, &err));
	ck_assert_uint_eq(need.n_indices, 1);
	ck_assert_uint_eq(view->n_missing, 2);
	send("same");
	ck_assert_uint_eq(view->n_missing, 0);
	ck_assert_int_eq(apply_to_sandbox(), 0);
}

TEST(a_failed_request_withdraws_its_blobs)
{
	const size_t n = KFARMD_BLOBS_REQUESTED_MAX - 1;
	struct kfarmd_blob_waiter *w = xcalloc(n, sizeof(*w));
	struct wire_entry v[] = { file(0, "1"), file(1, "2") };
	struct digest d = { 0 };
	bool ask;

	for (size_t i = 0; i < n; i++) {
		memcpy(d.b, &i, sizeof(i));
		ck_assert_int_eq(
			kfarmd_blobs_request(blobs, &d, 1, &w[i], &ask), 0);
	}
	make_update(WIRE_PART_SOURCES, v, 2);
	must(kfarmd_input_update_pin_blobs(view, &err));
	err_is(kfarmd_input_update_request_blobs(view, blobs, &need, &err),
	       -ENOBUFS, "too many missing blobs: limit is 262144");
	ck_assert_uint_eq(need.n_indices, 0);
	ck_assert_uint_eq(changes, 0);
	kfarmd_input_update_free(view);
	wire_need_release(&need);
	make_update(WIRE_PART_SOURCES, v, 1);
	must(kfarmd_input_update_pin_blobs(view, &err));
	must(kfarmd_input_update_request_blobs(view, blobs, &need, &err));
	ck_assert_uint_eq(need.n_indices, 1);
	send("1");
	ck_assert_uint_eq(view->n_missing, 0);
	for (size_t i = 0; i < n; i++)
		kfarmd_blobs_cancel(&w[i]);
	free(w);
}

TEST(toolchain_blobs_stay_pinned_until_the_update_is_freed)
{
	struct wire_entry v[] = { file(0, "here") };

	put("here");
	make_update(WIRE_PART_TOOLCHAIN, v, 1);
	must(kfarmd_input_update_pin_blobs(view, &err));
	ck_assert_int_eq(apply_to_sandbox(), 0);
	ck_assert_uint_eq(pinned(), 1);
	kfarmd_input_update_free(view);
	view = NULL;
	ck_assert_uint_eq(pinned(), 0);
}

TEST(a_freed_update_is_not_notified_and_pins_no_blob)
{
	struct wire_entry v[] = { file(0, "late"), file(1, "here") };

	put("here");
	make_update(WIRE_PART_SOURCES, v, 2);
	must(kfarmd_input_update_pin_blobs(view, &err));
	must(kfarmd_input_update_request_blobs(view, blobs, &need, &err));
	kfarmd_input_update_free(view);
	view = NULL;
	send("late");
	ck_assert_uint_eq(changes, 0);
	ck_assert_uint_eq(pinned(), 0);
}

/* Damage the blobs in the store that have the size of `content`. */
static void damage(const char *content)
{
	char *line = xasprintf("chmod -R u+w '%s/sha256' && find '%s/sha256' "
			       "-type f -size %zuc -exec sh -c "
			       "'echo bad >\"$0\"' {} \\;",
			       dir, dir, strlen(content));

	ck_assert_int_eq(system(line), 0);
	free(line);
}

/* If the damage recurs, the disk is faulty, and the update fails. */
TEST(a_blob_that_is_damaged_repeatedly_fails_with_eio)
{
	struct wire_entry v[] = { file(0, "1234") };
	int ret = -EBADMSG;

	put("1234");
	make_update(WIRE_PART_SOURCES, v, 1);
	must(kfarmd_input_update_pin_blobs(view, &err));
	for (int i = 0; i < 10 && ret == -EBADMSG; i++) {
		damage("1234");
		ret = apply_to_sandbox();
		ck_assert(!is_applied());
		if (ret != -EBADMSG)
			break;
		wire_need_release(&need);
		must(kfarmd_input_update_request_blobs(view, blobs, &need,
						       &err));
		ck_assert_uint_eq(need.n_indices, 1);
		send("1234");
	}
	ck_assert_int_eq(ret, -EIO);
	ck_assert_uint_ge(changes, 1);
}

/* Applied files already occupy memory, so the check must not count them. */
TEST(applied_files_do_not_count_as_remaining_bytes)
{
	struct wire_entry v[] = { file(0, "first"), file(1, "second!") };

	put("first");
	put("second!");
	make_update(WIRE_PART_SOURCES, v, 2);
	must(kfarmd_input_update_pin_blobs(view, &err));
	ck_assert_uint_eq(kfarmd_input_update_remaining_bytes(view), 12);
	damage("second!");
	ck_assert_int_eq(apply_to_sandbox(), -EBADMSG);
	ck_assert_uint_eq(kfarmd_input_update_remaining_bytes(view), 7);
	must(kfarmd_input_update_request_blobs(view, blobs, &need, &err));
	send("second!");
	ck_assert_int_eq(apply_to_sandbox(), 0);
	ck_assert_uint_eq(kfarmd_input_update_remaining_bytes(view), 0);
}

TEST(an_entry_with_an_undefined_path_number_is_rejected)
{
	struct wire_entry v[] = { { .path = 4, .inode.kind = WIRE_INODE_DIR } };

	make_update(WIRE_PART_SOURCES, v, 1);
	ck_assert_ptr_null(view);
	text_has(err.text, "path number 4");
}

TEST(an_update_stops_on_request)
{
	struct wire_entry v[] = { file(0, "here") };

	put("here");
	make_update(WIRE_PART_SOURCES, v, 1);
	atomic_store(&stop, true);
	ck_assert_int_eq(kfarmd_input_update_pin_blobs(view, &err), -ECANCELED);
	ck_assert_int_eq(apply_to_sandbox(), -ECANCELED);
}

static int check_identity(uint32_t driver, bool corrupted)
{
	struct kfarmd_input_update_queue views = TAILQ_HEAD_INITIALIZER(views);
	struct wire_cell m = { .driver = (char *)names[driver] };
	struct compiler_entry t = { .path = (char *)names[1],
				    .kind = COMPILER_ENTRY_FILE,
				    .executable = true };

	digest_bytes(bytes_str("tool"), &t.digest);
	t.size_bytes = 4;
	compiler_manifest_id(&t, 1, names[1], false, &m.toolchain);
	m.toolchain.b[0] ^= corrupted;
	TAILQ_INSERT_TAIL(&views, view, entry);
	return kfarmd_input_update_check_identity(&views, &m, &err);
}

TEST(the_toolchain_digest_must_match_the_files_and_the_driver)
{
	struct wire_entry v[] = { file(1, "tool") };

	make_update(WIRE_PART_TOOLCHAIN_END, v, 1);
	ck_assert_int_eq(check_identity(1, false), 0);
	ck_assert_int_eq(check_identity(1, true), -EINVAL);
	ck_assert_int_eq(check_identity(0, false), -EINVAL); /* absent */
}

TEST(the_driver_is_resolved_through_received_symbolic_links)
{
	struct kfarmd_input_update_queue views = TAILQ_HEAD_INITIALIZER(views);
	struct wire_entry v[] = {
		{ .path = 2,
		  .inode.kind = WIRE_INODE_SYMLINK,
		  .inode.target = xstrdup("../o/bin/x") },
		{ .path = 0,
		  .inode.kind = WIRE_INODE_SYMLINK,
		  .inode.target = xstrdup("a") },
	};
	struct wire_cell m = { .driver = (char *)names[2] };
	char *driver;

	make_update(WIRE_PART_TOOLCHAIN_END, v, 2);
	TAILQ_INSERT_TAIL(&views, view, entry);
	driver = kfarmd_input_update_resolve_driver(&views, &m);
	ck_assert_str_eq(driver, "/o/bin/x");
	free(driver);
	m.driver = (char *)names[0]; /* a link to itself */
	driver = kfarmd_input_update_resolve_driver(&views, &m);
	ck_assert_str_eq(driver, "");
	free(driver);
}

/* A destination other than a sandbox, which fails on directories. */
static int take_entry(void *ctx, const char *path,
		      const struct wire_inode *inode, int fd, struct err *why)
{
	char text[8] = { 0 };

	if (inode->kind == WIRE_INODE_FILE) {
		ck_assert_uint_eq(read(fd, text, sizeof(text)), inode->size);
		buf_printf(ctx, "%s=%s ", path, text);
		return 0;
	}
	ck_assert_int_eq(fd, -1);
	if (inode->kind == WIRE_INODE_SYMLINK) {
		buf_printf(ctx, "%s->%s ", path, inode->target);
		return 0;
	}
	buf_printf(ctx, "%s ", path);
	return err_set(why, ENOSPC, "no space");
}

TEST(an_update_may_be_applied_to_another_destination)
{
	struct wire_entry v[] = {
		file(0, "here"),
		{ .path = 1,
		  .inode.kind = WIRE_INODE_SYMLINK,
		  .inode.target = xstrdup("to") },
		{ .path = 2, .inode.kind = WIRE_INODE_DIR },
	};
	char *expected = xasprintf("%s=here %s->to %s ", names[0], names[1],
				   names[2]);
	struct buf out = { 0 };

	put("here");
	make_update(WIRE_PART_SOURCES, v, 3);
	must(kfarmd_input_update_pin_blobs(view, &err));
	ck_assert_int_eq(
		kfarmd_input_update_apply(view, take_entry, &out, &err),
		-ENOSPC);
	ck_assert_str_eq(buf_str(&out), expected);
	ck_assert(!is_applied());
	buf_release(&out);
	free(expected);
}

/* Make a root directory of a machine with this much free memory. */
static char *root_with_free_mib(unsigned mib)
{
	char *root = xasprintf("%s/root", dir);
	char *proc = xasprintf("%s/proc", root);
	char *path = xasprintf("%s/meminfo", proc);
	char *text = xasprintf("MemTotal: 8388608 kB\nMemAvailable: %u kB\n",
			       mib << 10);

	must(fs_mkdirs(proc, 0700, &err));
	must(fs_write(path, bytes_str(text), 0600, &err));
	free(text);
	free(path);
	free(proc);
	return root;
}

static const struct memory_check {
	unsigned free_mib;
	uint64_t bytes[3]; /* of updates; only the last one can be rejected */
	const char *why; /* NULL: accepted */
} memory_checks[] = {
	{ 256, { 400 << 10, 400 << 10, 100 << 10 }, NULL }, /* no check yet */
	{ 256,
	  { 400 << 10, 400 << 10, 400 << 10 },
	  "not enough memory for 1 MiB of files: 256 MiB free" },
	{ 257, { 400 << 10, 400 << 10, 400 << 10 }, NULL },
	{ 260, { 0, 0, 4 << 20 }, NULL },
	{ 260,
	  { 0, 0, (4 << 20) + 1 },
	  "not enough memory for 5 MiB of files: 260 MiB free" },
	{ 260,
	  { 0, 4 << 20, 1ull << 50 },
	  "not enough memory for 1073741825 MiB of files: 260 MiB free" },
};

TEST_EACH(updates_that_leave_too_little_memory_are_rejected, memory_checks)
{
	char *root = root_with_free_mib(row->free_mib);
	uint64_t unchecked = 0;
	int ret;

	err.text[0] = '\0';
	for (int i = 0; i < 2; i++)
		must(kfarmd_input_update_check_memory(row->bytes[i], &unchecked,
						      root, &err));
	ret = kfarmd_input_update_check_memory(row->bytes[2], &unchecked, root,
					       &err);
	ck_assert_int_eq(ret, row->why ? -ENOMEM : 0);
	ck_assert_str_eq(err.text, row->why ? row->why : "");
	free(root);
}

/* Updates that are too small for a check count until the next check. */
TEST(memory_is_checked_for_each_mib_of_small_updates)
{
	char *root = root_with_free_mib(256);
	uint64_t unchecked = 0;

	for (int i = 0; i < 4; i++) {
		must(kfarmd_input_update_check_memory(1000 << 10, &unchecked,
						      root, &err));
		ck_assert_int_eq(kfarmd_input_update_check_memory(
					 1000 << 10, &unchecked, root, &err),
				 -ENOMEM);
	}
	free(root);
}

/* For example, kfarmd has no free descriptor for /proc/meminfo. */
TEST(an_update_is_not_rejected_if_the_free_memory_is_unknown)
{
	uint64_t unchecked = 0;

	must(kfarmd_input_update_check_memory(4 << 20, &unchecked, dir, &err));
}

TEST(a_toolchain_with_an_absence_is_rejected)
{
	struct wire_entry v[] = {
		file(1, "tool"), { .path = 0, .inode.kind = WIRE_INODE_ABSENT }
	};

	make_update(WIRE_PART_TOOLCHAIN_END, v, 2);
	ck_assert_int_eq(check_identity(1, false), -EINVAL);
}

static const struct advised_error {
	int error;
	const char *text;
} advised_errors[] = {
	{ ENOSPC, "store: No space left on device; see --store-size in "
		  "kfarmd(8)" },
	{ EFBIG, "store: File too large; see --store-size in kfarmd(8)" },
	{ ENOENT, "store: No such file or directory" },
	{ EIO, "store: Input/output error" },
};

TEST_EACH(only_a_store_that_is_too_small_yields_advice, advised_errors)
{
	const struct kfarmd_input_update failed = { .error = -row->error };
	char *text = kfarmd_input_update_explain(&failed, "store");

	ck_assert_str_eq(text, row->text);
	free(text);
}
