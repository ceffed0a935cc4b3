/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/ref-transaction.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "tree/git.h"

static char dir[TEMPDIR_SIZE];
static git_repository *repo;
static git_oid id[2];
static struct tree_ref_transaction set;
static struct tree_ref_changes changes;
static struct err err;

/* Create two blobs, and the refs "a" and "b/c", which name the first blob. */
static void set_up(void)
{
	git_reference *ref;

	tempdir_make(dir);
	tree_git_init();
	changes = (struct tree_ref_changes){ 0 };
	ck_assert_int_eq(git_repository_init(&repo, dir, 1), 0);
	ck_assert_int_eq(git_blob_create_from_buffer(&id[0], repo, "0", 1), 0);
	ck_assert_int_eq(git_blob_create_from_buffer(&id[1], repo, "1", 1), 0);
	ck_assert_int_eq(git_reference_create(&ref, repo, "refs/remotes/o/a",
					      &id[0], 0, NULL),
			 0);
	git_reference_free(ref);
	ck_assert_int_eq(git_reference_create(&ref, repo, "refs/remotes/o/b/c",
					      &id[0], 0, NULL),
			 0);
	git_reference_free(ref);
	must(tree_ref_transaction_read(&set, repo, &err));
	ck_assert_uint_eq(set.n_refs, 2);
}

static void tear_down(void)
{
	tree_ref_transaction_release(&set);
	git_repository_free(repo);
	git_libgit2_shutdown();
	tempdir_remove(dir);
}

static void check_commit(int ret)
{
	ck_assert_msg(tree_ref_transaction_commit(&set, repo, &changes, &err) ==
			      ret,
		      "%s", err.text);
}

/* Return the index of the blob that the ref names, or -1. */
static int blob_of(const char *name)
{
	git_oid got;

	if (git_reference_name_to_id(&got, repo, name))
		return -1;
	return git_oid_equal(&got, &id[0]) ? 0 : 1;
}

FIXTURE(set_up, tear_down);

TEST(committed_ref_changes_are_written_and_counted)
{
	set.refs[1].retained = false;
	tree_ref_transaction_update(&set, "refs/remotes/o/a", &id[1]);
	tree_ref_transaction_update(&set, "refs/remotes/o/new", &id[0]);
	tree_ref_transaction_update(&set, "refs/tags/t", &id[0]);
	check_commit(0);
	ck_assert_int_eq(blob_of("refs/remotes/o/a"), 1);
	ck_assert_int_eq(blob_of("refs/remotes/o/b/c"), -1);
	ck_assert_int_eq(blob_of("refs/remotes/o/new"), 0);
	ck_assert_int_eq(blob_of("refs/tags/t"), 0);
	ck_assert_uint_eq(changes.n_branches_moved, 1);
	ck_assert_uint_eq(changes.n_branches_pruned, 1);
	ck_assert_uint_eq(changes.n_branches_added, 1);
	ck_assert_uint_eq(changes.n_tags, 1);
}

TEST(an_update_may_use_an_id_of_the_set_when_the_set_grows)
{
	/* A vector grows when its length is a power of two. */
	ck_assert_uint_eq(set.n_refs, 2);
	tree_ref_transaction_update(&set, "refs/remotes/o/new",
				    &set.refs[0].id);
	check_commit(0);
	ck_assert_int_eq(blob_of("refs/remotes/o/new"), 0);
}

TEST(an_update_to_the_same_id_is_not_counted_as_a_change)
{
	for (size_t i = 0; i < set.n_initial; i++)
		set.refs[i].retained = false;
	tree_ref_transaction_update(&set, "refs/remotes/o/a", &id[0]);
	tree_ref_transaction_update(&set, "refs/remotes/o/b/c", &id[0]);
	check_commit(0);
	ck_assert_uint_eq(changes.n_branches_moved + changes.n_branches_pruned +
				  changes.n_branches_added,
			  0);
	ck_assert_int_eq(blob_of("refs/remotes/o/b/c"), 0);
}

TEST(a_ref_may_become_a_directory_and_vice_versa)
{
	set.refs[0].retained = false;
	set.refs[1].retained = false;
	tree_ref_transaction_update(&set, "refs/remotes/o/a/x", &id[1]);
	tree_ref_transaction_update(&set, "refs/remotes/o/b", &id[1]);
	check_commit(0);
	ck_assert_int_eq(blob_of("refs/remotes/o/a"), -1);
	ck_assert_int_eq(blob_of("refs/remotes/o/a/x"), 1);
	ck_assert_int_eq(blob_of("refs/remotes/o/b"), 1);
	ck_assert_int_eq(blob_of("refs/remotes/o/b/c"), -1);
}

TEST(of_two_conflicting_ref_names_the_shorter_is_kept)
{
	tree_ref_transaction_update(&set, "refs/remotes/o/a/x", &id[1]);
	tree_ref_transaction_update(&set, "refs/remotes/o/a-b", &id[1]);
	check_commit(0);
	ck_assert_int_eq(blob_of("refs/remotes/o/a"), 0);
	ck_assert_int_eq(blob_of("refs/remotes/o/a/x"), -1);
	ck_assert_int_eq(blob_of("refs/remotes/o/a-b"), 1);
}

static const char *const invalid_names[] = {
	"refs/remotes/o/../../../x",
	"refs/remotes/o/x.lock",
	"refs/remotes/o/x^{}",
	"refs/remotes/o/x\ny",
	"refs/remotes/o/a b",
	"x",
	"",
};

TEST_EACH(an_invalid_ref_name_is_ignored, invalid_names)
{
	tree_ref_transaction_update(&set, *row, &id[1]);
	ck_assert_uint_eq(set.n_refs, 2);
}

TEST(a_missing_object_fails_the_whole_transaction)
{
	git_oid none = id[0];

	none.id[0] ^= 1;
	tree_ref_transaction_update(&set, "refs/remotes/o/a", &id[1]);
	tree_ref_transaction_update(&set, "refs/remotes/o/new", &none);
	check_commit(-EBADMSG);
	text_has(err.text, "refs/remotes/o/new: missing object");
	ck_assert_int_eq(blob_of("refs/remotes/o/a"), 0);
}

TEST(a_packed_refs_lock_of_another_process_fails_the_transaction)
{
	char *lock = xasprintf("%s/packed-refs.lock", dir);

	must(fs_write(lock, bytes_str(""), 0644, &err));
	tree_ref_transaction_update(&set, "refs/remotes/o/a", &id[1]);
	check_commit(-EEXIST);
	ck_assert(fs_exists(lock));
	ck_assert_int_eq(blob_of("refs/remotes/o/a"), 0);
	free(lock);
}
