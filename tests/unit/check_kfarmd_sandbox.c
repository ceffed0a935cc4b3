/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
/*
 * Sandboxes and their input roots: valid and hostile messages of a client.
 */
#include "../lib/test.h"
#include "kfarmd-single.h"

static const char tiny[] = "int x;\n";

/* Compile `source` as ROOT/a.c.  Returns true on success. */
static bool compiles(unsigned job, const char *source)
{
	play_put(&node.c, 0, ROOT "/a.c", source);
	play_remote(&node.c, job, "a.c", plain);
	client_wait_job(&node.c, job);
	return node.c.job[job].has_result &&
	       !node.c.job[job].result.wait_status;
}

static void expect_lost(const char *word)
{
	const struct wire_have *have = client_wait_have(&node.c, 0, 2);

	ck_assert_uint_eq(have->state, WIRE_HAVE_LOST);
	ck_assert_msg(strstr(have->detail, word), "it said: %s", have->detail);
	/* Other sandboxes are not affected. */
	play_cell(&node.c, 1);
}

static void send_entry(const char *path, enum wire_inode_kind kind,
		       const char *target)
{
	struct play_view view = { 0 };

	if (kind == WIRE_INODE_SYMLINK)
		play_link(&node.c, &view, path, target);
	else
		play_entry(&node.c, &view, path, kind);
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
}

FIXTURE(one_set_up, one_tear_down);

TEST(a_removed_directory_is_not_visible)
{
	static const char source[] =
		"#if !__has_include(\"d/h.h\")\n#error none\n#endif\n";

	ck_assert(!compiles(1, source));
	play_put(&node.c, 0, ROOT "/d/h.h", tiny);
	ck_assert(compiles(2, source));
	send_entry(ROOT "/d", WIRE_INODE_ABSENT, NULL);
	ck_assert(!compiles(3, source));
	/* The directory no longer exists. */
	send_entry(ROOT "/d", WIRE_INODE_ABSENT, NULL);
	ck_assert(!compiles(4, source));
}

TEST(symbolic_links_and_mtimes_are_those_of_the_client)
{
	play_put(&node.c, 0, ROOT "/real/h.h", "#define H 7\n");
	send_entry(ROOT "/link", WIRE_INODE_SYMLINK, "real");
	ck_assert(compiles(1, "#include \"link/h.h\"\n"
			      "_Static_assert(H == 7, \"\");\n"));
	/* 1700000000 s in UTC, as in kfarmd-fixture.h. */
	ck_assert(compiles(2, "const char t[] = __TIMESTAMP__;\n"));
	ck_assert_ptr_nonnull(memmem(stream(2, WIRE_OUTPUT_OBJECT).data,
				     stream(2, WIRE_OUTPUT_OBJECT).len,
				     "Nov 14 22:13:20 2023", 20));
}

/* Job 1 lacks a file; job 2, in another sandbox, has all files. */
TEST(a_job_waits_only_for_files_of_its_own_sandbox)
{
	struct digest late = play_blob(bytes_str("#define LATE 1\n"));
	struct wire_job m;

	ck_assert_int_eq(compiles(1, "#include \"late.h\"\n"), false);
	play_cell(&node.c, 1);
	play_put(&node.c, 1, ROOT "/a.c", tiny);
	m = play_job(&node.c, 2, WIRE_LANG_C, plain);
	m.cell = 1;
	m.view = node.c.last_view[1];
	play_send_job(&node.c, &m);
	ck_assert_int_eq(result(2)->wait_status, 0);

	node.c.withholds = true;
	play_put(&node.c, 0, ROOT "/late.h", "#define LATE 1\n");
	play_remote(&node.c, 3, "a.c", plain);
	m = play_job(&node.c, 4, WIRE_LANG_C, plain);
	m.cell = 1;
	m.view = node.c.last_view[1];
	play_send_job(&node.c, &m);
	ck_assert_int_eq(result(4)->wait_status, 0);
	client_idle(200);
	ck_assert(!node.c.job[3].has_result && !node.c.job[3].has_fail);
	client_supply(&node.c, &late);
	ck_assert_int_eq(result(3)->wait_status, 0);
}

TEST(a_toolchain_with_a_digest_mismatch_is_rejected)
{
	struct digest other = client_gcc.id;

	other.b[0] ^= 1;
	play_send_cell(&node.c, 1, &other);
	play_send_tools(&node.c, 1);
	ck_assert_uint_eq(client_wait_have(&node.c, 1, 1)->state,
			  WIRE_HAVE_REFUSED);
	text_has(node.c.have[1].detail, "digest mismatch");
	ck_assert(compiles(1, tiny));
}

/* Limits on entries would not limit the number of empty updates. */
TEST_RANGE(an_empty_input_update_ends_the_session, WIRE_PART_SOURCES,
	   WIRE_PART_TOOLCHAIN + 1)
{
	struct play_view view = { 0 };

	play_send_cell(&node.c, 1, &client_gcc.id);
	play_send_view(&node.c, 1, (enum wire_part)_i, &view);
	client_expect_bye(&node.c, "VIEW: no entries");
}

TEST(a_toolchain_without_its_driver_is_rejected)
{
	struct play_view view = { 0 };

	play_send_cell(&node.c, 1, &client_gcc.id);
	play_file(&node.c, &view, "/usr/bin/other", bytes_str("x"));
	play_send_view(&node.c, 1, WIRE_PART_TOOLCHAIN_END, &view);
	ck_assert_uint_eq(client_wait_have(&node.c, 1, 1)->state,
			  WIRE_HAVE_REFUSED);
}

TEST(an_update_of_a_toolchain_file_loses_the_sandbox)
{
	play_put(&node.c, 0, client_gcc.driver, "#!/bin/sh\n");
	expect_lost("");
}

TEST(an_addition_to_a_complete_toolchain_ends_the_session)
{
	struct play_view view = { 0 };

	play_entry(&node.c, &view, "/usr/lib/more", WIRE_INODE_DIR);
	play_send_view(&node.c, 0, WIRE_PART_TOOLCHAIN, &view);
	client_expect_bye(&node.c, "toolchain is already complete");
}

TEST(a_file_and_a_directory_of_one_name_lose_the_sandbox)
{
	struct play_view view = { 0 };

	play_file(&node.c, &view, ROOT "/a", bytes_str(tiny));
	play_file(&node.c, &view, ROOT "/a/b", bytes_str(tiny));
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	expect_lost(ROOT "/a");
}

/* Link targets that exist on the node, and a dangling one. */
static const char *const targets[] = { "/etc", "/proc/self", "..", "nowhere" };

TEST_EACH(a_path_through_a_symbolic_link_loses_the_sandbox, targets)
{
	send_entry(ROOT "/link", WIRE_INODE_SYMLINK, *row);
	play_put(&node.c, 0, ROOT "/link/x", tiny);
	expect_lost(ROOT "/link");
	ck_assert(!fs_exists("/etc/x"));
}

static const char *const reserved_paths[] = { "/.kfarm/out/x", "/.kfarm",
					      "/dev/null", "/dev/zero/x" };

TEST_EACH(a_reserved_path_loses_the_sandbox, reserved_paths)
{
	play_put(&node.c, 0, *row, tiny);
	expect_lost("");
}

TEST(an_input_update_out_of_order_ends_the_session)
{
	node.c.last_view[0]++;
	play_put(&node.c, 0, ROOT "/a.c", tiny);
	client_expect_bye(&node.c,
			  "VIEW 3 of sandbox 0: out of order after VIEW 1");
}

TEST(a_sandbox_number_in_use_ends_the_session)
{
	play_send_cell(&node.c, 0, &client_gcc.id);
	client_expect_bye(&node.c, "number 0 already in use");
}

TEST(input_updates_of_an_unknown_sandbox_are_ignored)
{
	play_put(&node.c, 5, ROOT "/a.c", tiny);
	ck_assert(compiles(1, tiny));
}

TEST(a_closed_sandbox_fails_jobs_and_ends_its_processes)
{
	struct buf body = { 0 };
	uint64_t deadline = clock_ms() + CLIENT_MS;

	ck_assert(compiles(1, tiny));
	wire_number_encode(&body, 0);
	client_send(&node.c, WIRE_SHUT, &body);
	play_remote(&node.c, 2, "a.c", plain);
	ck_assert_uint_eq(failure(2)->class, WIRE_FAIL_TOOLCHAIN);
	while (count_below(node.pid, 1) && clock_ms() < deadline)
		client_idle(10);
	ck_assert_uint_eq(count_below(node.pid, 1), 0);
	/* A sandbox that never existed, and a closed one. */
	for (uint32_t i = 0; i < 2; i++) {
		wire_number_encode(&body, 7 * i);
		client_send(&node.c, WIRE_SHUT, &body);
	}
	play_cell(&node.c, 1);
}

TEST(a_seventeenth_sandbox_is_rejected)
{
	struct buf body = { 0 };
	struct wire_cell m = { .toolchain = client_gcc.id,
			       .driver = client_gcc.driver };

	/* 16 sandboxes in total; any numbers are valid. */
	for (uint32_t i = 1; i < 16; i++) {
		m.cell = 1000 + i;
		wire_cell_encode(&body, &m);
		client_send(&node.c, WIRE_CELL, &body);
	}
	play_send_cell(&node.c, 1, &client_gcc.id);
	ck_assert_uint_eq(client_wait_have(&node.c, 1, 1)->state,
			  WIRE_HAVE_REFUSED);
	ck_assert(compiles(1, tiny));
}

TEST(files_that_exceed_the_memory_are_not_requested)
{
	struct play_view view = { 0 };
	unsigned before = node.c.n_needed;

	for (unsigned i = 0; i < 64; i++) {
		char *path = xasprintf(ROOT "/%u", i);
		struct wire_entry *e = play_entry(&node.c, &view, path,
						  WIRE_INODE_FILE);

		e->inode.size = WIRE_BLOB_MAX;
		e->inode.digest.b[0] = (uint8_t)(i + 1);
		free(path);
	}
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	expect_lost("memory");
	ck_assert_uint_eq(node.c.n_needed, before);
}

/* Overwrite the blob in the store. */
static void damage(const struct digest *d)
{
	char hex[DIGEST_HEX];
	char *path;
	int fd;

	digest_format(d, hex);
	path = xasprintf("%s/sha256/%.2s/%s", node_store, hex, hex + 2);
	ck_assert_int_eq(chmod(path, 0600), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "X", 1, 0), 1);
	close(fd);
	free(path);
}

TEST(a_damaged_blob_is_requested_again)
{
	static const char source[] = "int damaged_blob;\n";
	struct digest d = play_blob(bytes_str(source));
	struct play_view view = { 0 };
	unsigned before;

	ck_assert(compiles(1, source));
	damage(&d);
	before = node.c.n_needed;
	play_file(&node.c, &view, ROOT "/0.c", bytes_str("int only_here;\n"));
	play_file(&node.c, &view, ROOT "/b.c", bytes_str(source));
	play_file(&node.c, &view, ROOT "/c.c", bytes_str("int only_here;\n"));
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	play_remote(&node.c, 2, "b.c", plain);
	ck_assert_int_eq(result(2)->wait_status, 0);
	ck_assert_uint_eq(node.c.n_needed - before, 2);
}
