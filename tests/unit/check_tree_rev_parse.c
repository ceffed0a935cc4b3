/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/rev-parse.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <git2.h>

static char dir[TEMPDIR_SIZE];

static void set_up(void)
{
	char path[100];
	struct err err;
	struct timespec times[2] = { { .tv_sec = 1234567 },
				     { .tv_sec = 1234567 } };

	tempdir_make(dir);
	snprintf(path, sizeof(path), "%s/Makefile", dir);
	must(fs_write(path, bytes_str("x\n"), 0644, &err));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

/* Create a repository with one commit of a fixed date, and open it. */
static git_repository *commit(git_oid *id)
{
	git_repository *repo;
	git_signature *author;
	git_treebuilder *builder;
	git_tree *tree;
	git_oid tree_id;

	git_libgit2_init();
	ck_assert_int_eq(git_repository_init(&repo, dir, 0), 0);
	ck_assert_int_eq(git_treebuilder_new(&builder, repo, NULL), 0);
	ck_assert_int_eq(git_treebuilder_write(&tree_id, builder), 0);
	git_treebuilder_free(builder);
	ck_assert_int_eq(git_tree_lookup(&tree, repo, &tree_id), 0);
	ck_assert_int_eq(git_signature_new(&author, "n", "n@example.org",
					   1700000000, 60),
			 0);
	ck_assert_int_eq(git_commit_create(id, repo, "refs/heads/topic", author,
					   author, NULL, "m", tree, 0, NULL),
			 0);
	ck_assert_int_eq(git_repository_set_head(repo, "refs/heads/topic"), 0);
	git_signature_free(author);
	git_tree_free(tree);
	return repo;
}

FIXTURE(set_up, tear_down);

TEST(without_a_repository_the_date_is_that_of_the_makefile)
{
	struct tree_rev r;
	struct err err = { 0 };

	must(tree_rev_read(&r, dir, &err));
	ck_assert_int_eq(r.time_s, 1234567);
	ck_assert_ptr_null(r.commit);
	ck_assert_ptr_null(r.describe);
	tree_rev_release(&r);
}

TEST(a_nonexistent_directory_is_an_error)
{
	struct tree_rev r;
	struct err err = { 0 };

	ck_assert_int_lt(tree_rev_read(&r, "/nonexistent", &err), 0);
	text_has(err.text, "/nonexistent/Makefile");
	tree_rev_release(&r);
}

TEST(a_repository_yields_date_commit_and_branch_of_head)
{
	struct tree_rev r;
	struct err err = { 0 };
	git_oid id;
	char hex[41];

	git_repository_free(commit(&id));
	git_libgit2_shutdown();
	must(tree_rev_read(&r, dir, &err));
	ck_assert_int_eq(r.time_s, 1700000000);
	git_oid_tostr(hex, sizeof(hex), &id);
	ck_assert_str_eq(r.commit, hex);
	ck_assert_str_eq(r.branch, "topic");
	ck_assert_uint_eq(strlen(r.describe), 12);
	text_starts(hex, r.describe);
	tree_rev_release(&r);
}

TEST(describe_is_the_tag_of_head_and_url_is_that_of_origin_without_password)
{
	static const char origin[] =
		"[remote \"origin\"]\n\turl = "
		"https://joe:secret@example.org/linux.git\n";
	char *config;
	git_object *target;
	git_repository *repo;
	struct tree_rev r;
	struct err err = { 0 };
	git_oid id, tag;

	repo = commit(&id);
	ck_assert_int_eq(
		git_object_lookup(&target, repo, &id, GIT_OBJECT_COMMIT), 0);
	ck_assert_int_eq(
		git_tag_create_lightweight(&tag, repo, "v6.1", target, 0), 0);
	/* git_remote_create() leaks memory. */
	config = xasprintf("%s/.git/config", dir);
	must(fs_write(config, bytes_str(origin), 0644, &err));
	free(config);
	ck_assert_int_eq(git_repository_detach_head(repo), 0);
	git_object_free(target);
	git_repository_free(repo);
	git_libgit2_shutdown();
	must(tree_rev_read(&r, dir, &err));
	ck_assert_str_eq(r.describe, "v6.1");
	ck_assert_str_eq(r.url, "https://example.org/linux.git");
	ck_assert_ptr_null(r.branch);
	tree_rev_release(&r);
}

TEST(a_linked_worktree_is_read_as_a_repository)
{
	char *path = xasprintf("%s-wt", dir);
	git_worktree *wt;
	git_repository *repo;
	struct tree_rev r;
	struct err err = { 0 };
	git_oid id;

	repo = commit(&id);
	ck_assert_int_eq(git_worktree_add(&wt, repo, "wt", path, NULL), 0);
	git_worktree_free(wt);
	git_repository_free(repo);
	git_libgit2_shutdown();
	must(tree_rev_read(&r, path, &err));
	ck_assert_int_eq(r.time_s, 1700000000);
	tree_rev_release(&r);
	fs_remove(path, &err);
	free(path);
}

TEST(a_repository_with_settings_per_worktree_is_read)
{
	static const char settings[] =
		"[core]\n\trepositoryformatversion = 1\n"
		"[extensions]\n\tworktreeConfig = true\n";
	char *config = xasprintf("%s/.git/config", dir);
	struct tree_rev r;
	struct err err = { 0 };
	git_oid id;

	git_repository_free(commit(&id));
	git_libgit2_shutdown();
	must(fs_write(config, bytes_str(settings), 0644, &err));
	must(tree_rev_read(&r, dir, &err));
	ck_assert_int_eq(r.time_s, 1700000000);
	ck_assert_ptr_nonnull(r.commit);
	tree_rev_release(&r);
	free(config);
}

TEST(a_source_tree_below_a_repository_has_no_commit)
{
	char *sub = xasprintf("%s/linux", dir);
	char *file = xasprintf("%s/Makefile", sub);
	struct tree_rev r;
	struct err err = { 0 };
	git_oid id;

	git_repository_free(commit(&id));
	git_libgit2_shutdown();
	ck_assert_int_eq(mkdir(sub, 0755), 0);
	must(fs_write(file, bytes_str("x"), 0644, &err));
	must(tree_rev_read(&r, sub, &err));
	ck_assert_ptr_null(r.commit);
	tree_rev_release(&r);
	free(file);
	free(sub);
}

TEST(a_repository_without_commits_is_ignored)
{
	git_repository *repo;
	struct tree_rev r;
	struct err err = { 0 };

	git_libgit2_init();
	ck_assert_int_eq(git_repository_init(&repo, dir, 0), 0);
	git_repository_free(repo);
	git_libgit2_shutdown();
	must(tree_rev_read(&r, dir, &err));
	ck_assert_int_eq(r.time_s, 1234567);
	tree_rev_release(&r);
}

static const char *const names_of_head[] = { "@", "@~0", "@^0",
					     "@~0^{commit}" };

TEST_EACH(an_at_sign_stands_for_head, names_of_head)
{
	struct tree_rev_parsed found;
	struct err err = { 0 };
	git_oid id;
	git_repository *repo = commit(&id);

	must(tree_rev_parse(&found, repo, *row, &err));
	ck_assert(git_oid_equal(&found.commit, &id));
	free(found.branch);
	git_repository_free(repo);
	git_libgit2_shutdown();
}

TEST(an_error_shows_the_revision_that_the_user_gave)
{
	struct tree_rev_parsed found;
	struct err err = { 0 };
	git_oid id;
	git_repository *repo = commit(&id);

	ck_assert_int_eq(tree_rev_parse(&found, repo, "@~99", &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "unknown revision \"@~99\""));
	git_repository_free(repo);
	git_libgit2_shutdown();
}
