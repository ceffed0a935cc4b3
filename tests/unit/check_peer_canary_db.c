/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
#include "peer/canary-db.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static char *path;
static struct peer_canary_db_subject key = { .node = "neo4a" };

static void setup(void)
{
	tempdir_make(dir);
	path = xasprintf("%s/state/canary.json", dir);
	memset(key.local_id.b, 1, DIGEST_SIZE);
	memset(key.native_id.b, 2, DIGEST_SIZE);
	memset(key.sources.b, 3, DIGEST_SIZE);
}

static void teardown(void)
{
	tempdir_remove(dir);
	free(path);
}

static enum peer_canary_status known(const struct peer_canary_db_subject *k)
{
	struct peer_canary_db_entry e;
	enum peer_canary_status is;

	peer_canary_db_find(path, k, &e);
	is = e.status;
	peer_canary_db_entry_release(&e);
	return is;
}

static void add(const struct peer_canary_db_subject *k,
		enum peer_canary_status is, const char *detail)
{
	struct peer_canary_db_entry e = { .status = is,
					  .id = (char *)"gcc-9.9.9-x-on-arm64",
					  .detail = (char *)detail,
					  .cpu_ms = 77 };
	struct err err;

	must(peer_canary_db_add(path, k, &e, &err));
}

FIXTURE(setup, teardown);

TEST(an_invalid_entry_leaves_no_file_open)
{
	struct peer_canary_db_subject odd = key;
	struct err err = { 0 };
	int before = dup(STDIN_FILENO), after;

	close(before);
	odd.node = "\xff";
	ck_assert_int_eq(peer_canary_db_set_choice(path, &odd, "", &err),
			 -EINVAL);
	after = dup(STDIN_FILENO);
	close(after);
	ck_assert_int_eq(after, before);
}

TEST(nothing_is_known_before_anything_was_recorded)
{
	ck_assert_int_eq(known(&key), PEER_CANARY_STATUS_UNKNOWN);
	ck_assert_ptr_null(peer_canary_db_get_choice(path, &key));
	ck_assert(!fs_exists(path));
}

TEST(the_newest_word_counts)
{
	struct peer_canary_db_entry e;

	add(&key, PEER_CANARY_STATUS_PASSED, "");
	ck_assert_int_eq(known(&key), PEER_CANARY_STATUS_PASSED);
	add(&key, PEER_CANARY_STATUS_FAILED, "switch.c");
	peer_canary_db_find(path, &key, &e);
	ck_assert_int_eq(e.status, PEER_CANARY_STATUS_FAILED);
	ck_assert_str_eq(e.detail, "switch.c");
	ck_assert_str_eq(e.id, "gcc-9.9.9-x-on-arm64");
	ck_assert_uint_eq(e.cpu_ms, 77);
	peer_canary_db_entry_release(&e);
}

/* A change of each of these invalidates the entry. */
TEST_RANGE(a_word_is_about_one_node_and_both_compilers_and_one_canary, 0, 4)
{
	struct peer_canary_db_subject other = key;

	add(&key, PEER_CANARY_STATUS_PASSED, "");
	if (_i == 0)
		other.node = "neo4b";
	else if (_i == 1)
		other.local_id.b[31] ^= 1;
	else if (_i == 2)
		other.native_id.b[0] ^= 1;
	else
		other.sources.b[7] ^= 1;
	ck_assert_int_eq(known(&other), PEER_CANARY_STATUS_UNKNOWN);
	ck_assert_int_eq(known(&key), PEER_CANARY_STATUS_PASSED);
}

TEST(the_last_word_is_found_whatever_build_it_is_of)
{
	struct peer_canary_db_subject other = key;
	struct peer_canary_db_entry e;

	add(&key, PEER_CANARY_STATUS_PASSED, "");
	other.native_id.b[0] ^= 1;
	peer_canary_db_find_latest(path, &other, "gcc-9.9.9-x-on-arm64", &e);
	ck_assert_int_eq(e.status, PEER_CANARY_STATUS_PASSED);
	peer_canary_db_entry_release(&e);
	peer_canary_db_find_latest(path, &other, "gcc-9.9.9-y", &e);
	ck_assert_int_eq(e.status, PEER_CANARY_STATUS_UNKNOWN);
	peer_canary_db_entry_release(&e);
}

TEST(a_choice_is_kept_beside_the_canaries)
{
	struct err err;
	char *id;

	add(&key, PEER_CANARY_STATUS_PASSED, "");
	must(peer_canary_db_set_choice(path, &key, "gcc-a", &err));
	must(peer_canary_db_set_choice(path, &key, "", &err));
	id = peer_canary_db_get_choice(path, &key);
	ck_assert_str_eq(id, "");
	free(id);
	ck_assert_int_eq(known(&key), PEER_CANARY_STATUS_PASSED);
}

static const char *const broken[] = {
	"",
	"{",
	"[]",
	"{\"canaries\": 3, \"choices\": {}}",
	"{\"canaries\": [7, null, {\"node\": 4}], \"choices\": [[]]}",
};

TEST_EACH(a_broken_file_counts_as_empty_and_is_made_whole, broken)
{
	struct err err;
	char *state = str_dir(path);

	must(fs_mkdirs(state, 0700, &err));
	must(fs_write(path, bytes_str(*row), 0600, &err));
	ck_assert_int_eq(known(&key), PEER_CANARY_STATUS_UNKNOWN);
	ck_assert_ptr_null(peer_canary_db_get_choice(path, &key));
	add(&key, PEER_CANARY_STATUS_PASSED, "");
	ck_assert_int_eq(known(&key), PEER_CANARY_STATUS_PASSED);
	free(state);
}

#define WRITERS 4
#define WORDS   8

/* Each writes entries of other nodes, and none is lost. */
TEST(several_kfarms_may_write_at_once)
{
	struct peer_canary_db_subject k = key;
	char name[32];

	for (int w = 0; w < WRITERS; w++) {
		if (fork())
			continue;
		for (int i = 0; i < WORDS; i++) {
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
	for (int i = 0; i < WRITERS * WORDS; i++) {
		snprintf(name, sizeof(name), "node-%d-%d", i / WORDS,
			 i % WORDS);
		ck_assert_int_eq(known(&k), PEER_CANARY_STATUS_PASSED);
	}
}

TEST(a_place_that_cannot_be_written_is_named)
{
	struct peer_canary_db_entry e = { .status = PEER_CANARY_STATUS_PASSED };
	struct err err;
	char *file = xasprintf("%s/state", dir);

	must(fs_write(file, bytes_str("x"), 0600, &err));
	err_is(peer_canary_db_add(path, &key, &e, &err), -ENOTDIR,
	       "%s: not a directory", file);
	free(file);
}
