/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
#include "peer/canary-db.h"

#include "../lib/held-pool.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/pool.h"

#include <event2/event.h>

static char dir[TEMPDIR_SIZE];
static char *path;
static struct peer_canary_db_subject subject = { .node = "neo4a" };

static void setup(void)
{
	tempdir_make(dir);
	path = xasprintf("%s/state/canary.json", dir);
	memset(subject.local_id.b, 1, DIGEST_SIZE);
	memset(subject.native_id.b, 2, DIGEST_SIZE);
	memset(subject.sources.b, 3, DIGEST_SIZE);
}

static void teardown(void)
{
	tempdir_remove(dir);
	free(path);
}

static enum peer_canary_status status_of(const struct peer_canary_db_subject *k)
{
	struct peer_canary_db_entry e;
	enum peer_canary_status status;

	peer_canary_db_find(path, k, &e);
	status = e.status;
	peer_canary_db_entry_release(&e);
	return status;
}

static void add(const struct peer_canary_db_subject *k,
		enum peer_canary_status status, const char *detail)
{
	struct peer_canary_db_entry e = { .status = status,
					  .id = (char *)"gcc-9.9.9-x-on-arm64",
					  .detail = (char *)detail,
					  .cpu_ms = 77 };
	struct err err;

	must(peer_canary_db_add(path, k, &e, &err));
}

FIXTURE(setup, teardown);

TEST(rejecting_an_invalid_entry_leaks_no_descriptor)
{
	struct peer_canary_db_subject invalid = subject;
	struct err err = { 0 };
	int before = dup(STDIN_FILENO), after;

	close(before);
	invalid.node = "\xff";
	ck_assert_int_eq(peer_canary_db_set_choice(path, &invalid, "", &err),
			 -EINVAL);
	after = dup(STDIN_FILENO);
	close(after);
	ck_assert_int_eq(after, before);
}

TEST(lookups_without_a_database_find_no_entry_and_create_no_file)
{
	ck_assert_int_eq(status_of(&subject), PEER_CANARY_STATUS_UNKNOWN);
	ck_assert_ptr_null(peer_canary_db_get_choice(path, &subject));
	ck_assert(!fs_exists(path));
}

TEST(the_newest_result_of_a_canary_is_found)
{
	struct peer_canary_db_entry e;

	add(&subject, PEER_CANARY_STATUS_PASSED, "");
	ck_assert_int_eq(status_of(&subject), PEER_CANARY_STATUS_PASSED);
	add(&subject, PEER_CANARY_STATUS_FAILED, "switch.c");
	peer_canary_db_find(path, &subject, &e);
	ck_assert_int_eq(e.status, PEER_CANARY_STATUS_FAILED);
	ck_assert_str_eq(e.detail, "switch.c");
	ck_assert_str_eq(e.id, "gcc-9.9.9-x-on-arm64");
	ck_assert_uint_eq(e.cpu_ms, 77);
	peer_canary_db_entry_release(&e);
}

/* The entry is not found if any of these four fields differs. */
TEST_RANGE(a_result_applies_to_one_node_both_compilers_and_the_sources, 0, 4)
{
	struct peer_canary_db_subject other = subject;

	add(&subject, PEER_CANARY_STATUS_PASSED, "");
	if (_i == 0)
		other.node = "neo4b";
	else if (_i == 1)
		other.local_id.b[31] ^= 1;
	else if (_i == 2)
		other.native_id.b[0] ^= 1;
	else
		other.sources.b[7] ^= 1;
	ck_assert_int_eq(status_of(&other), PEER_CANARY_STATUS_UNKNOWN);
	ck_assert_int_eq(status_of(&subject), PEER_CANARY_STATUS_PASSED);
}

TEST(find_latest_ignores_the_digest_of_the_native_toolchain)
{
	struct peer_canary_db_subject other = subject;
	struct peer_canary_db_entry e;

	add(&subject, PEER_CANARY_STATUS_PASSED, "");
	other.native_id.b[0] ^= 1;
	peer_canary_db_find_latest(path, &other, "gcc-9.9.9-x-on-arm64", &e);
	ck_assert_int_eq(e.status, PEER_CANARY_STATUS_PASSED);
	peer_canary_db_entry_release(&e);
	peer_canary_db_find_latest(path, &other, "gcc-9.9.9-y", &e);
	ck_assert_int_eq(e.status, PEER_CANARY_STATUS_UNKNOWN);
	peer_canary_db_entry_release(&e);
}

TEST(a_newer_choice_replaces_the_old_one_but_no_canary_result)
{
	struct err err;
	char *id;

	add(&subject, PEER_CANARY_STATUS_PASSED, "");
	must(peer_canary_db_set_choice(path, &subject, "gcc-a", &err));
	must(peer_canary_db_set_choice(path, &subject, "", &err));
	id = peer_canary_db_get_choice(path, &subject);
	ck_assert_str_eq(id, "");
	free(id);
	ck_assert_int_eq(status_of(&subject), PEER_CANARY_STATUS_PASSED);
}

static const char *const corrupt[] = {
	"",
	"{",
	"[]",
	"{\"canaries\": 3, \"choices\": {}}",
	"{\"canaries\": [7, null, {\"node\": 4}], \"choices\": [[]]}",
};

TEST_EACH(a_corrupt_file_is_read_as_empty_and_accepts_new_entries, corrupt)
{
	struct err err;
	char *state = str_dir(path);

	must(fs_mkdirs(state, 0700, &err));
	must(fs_write(path, bytes_str(*row), 0600, &err));
	ck_assert_int_eq(status_of(&subject), PEER_CANARY_STATUS_UNKNOWN);
	ck_assert_ptr_null(peer_canary_db_get_choice(path, &subject));
	add(&subject, PEER_CANARY_STATUS_PASSED, "");
	ck_assert_int_eq(status_of(&subject), PEER_CANARY_STATUS_PASSED);
	free(state);
}

/* A symbolic link stands for any file that cannot be read. */
TEST(a_file_that_cannot_be_read_is_not_replaced)
{
	struct peer_canary_db_entry e = { .status = PEER_CANARY_STATUS_PASSED };
	char *state = str_dir(path);
	struct err err;

	must(fs_mkdirs(state, 0700, &err));
	ck_assert_int_eq(symlink("real", path), 0);
	err_is(peer_canary_db_add(path, &subject, &e, &err), -ELOOP,
	       "%s: is a symbolic link; remove it", path);
	err_is(peer_canary_db_set_choice(path, &subject, "gcc-a", &err), -ELOOP,
	       "%s: is a symbolic link; remove it", path);
	free(state);
}

#define WRITERS 4
#define ENTRIES 8

/* Each process adds entries for its own set of nodes. */
TEST(concurrent_writers_lose_no_entries)
{
	struct peer_canary_db_subject k = subject;
	char name[32];

	for (int w = 0; w < WRITERS; w++) {
		if (fork())
			continue;
		for (int i = 0; i < ENTRIES; i++) {
			snprintf(name, sizeof(name), "node-%d-%d", w, i);
			k.node = name;
			add(&k, PEER_CANARY_STATUS_PASSED, "");
		}
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	k.node = name;
	for (int i = 0; i < WRITERS * ENTRIES; i++) {
		snprintf(name, sizeof(name), "node-%d-%d", i / ENTRIES,
			 i % ENTRIES);
		ck_assert_int_eq(status_of(&k), PEER_CANARY_STATUS_PASSED);
	}
}

TEST(an_error_names_a_path_that_is_not_a_directory)
{
	struct peer_canary_db_entry e = { .status = PEER_CANARY_STATUS_PASSED };
	struct err err;
	char *file = xasprintf("%s/state", dir);

	must(fs_write(file, bytes_str("x"), 0600, &err));
	err_is(peer_canary_db_add(path, &subject, &e, &err), -ENOTDIR,
	       "%s: not a directory", file);
	free(file);
}

/* In the second row, the pool is freed while its only thread is busy. */
TEST_RANGE(a_thread_records_a_result, 0, 2)
{
	struct peer_canary_db_entry e = { .status = PEER_CANARY_STATUS_PASSED,
					  .id = (char *)"gcc-9.9.9" };
	struct event_base *base = event_base_new();
	struct pool *threads = pool_new(base, 1);

	add(&subject, PEER_CANARY_STATUS_FAILED, "a.c");
	held_pool_hold(threads);
	peer_canary_db_start_add(threads, path, &subject, &e);
	ck_assert_int_eq(status_of(&subject), PEER_CANARY_STATUS_FAILED);
	held_pool_release();
	while (!_i && status_of(&subject) != PEER_CANARY_STATUS_PASSED)
		event_base_loop(base, EVLOOP_NONBLOCK);
	pool_free(threads);
	ck_assert_int_eq(status_of(&subject), PEER_CANARY_STATUS_PASSED);
	event_base_free(base);
}
