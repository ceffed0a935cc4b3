/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/git.h"

#include <git2.h>

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/fs.h"

static char dir[TEMPDIR_SIZE];

static void set_up(void)
{
	tempdir_make(dir);
	tree_git_init();
}

static void tear_down(void)
{
	git_libgit2_shutdown();
	tempdir_remove(dir);
}

FIXTURE(set_up, tear_down);

/* A line below [remote "origin"], and whether it makes the clone partial. */
static const struct {
	const char *setting;
	bool partial;
} settings[] = {
	{ "url = /nowhere", false },    { "promisor", true },
	{ "promisor = true", true },    { "promisor = 1", true },
	{ "promisor = invalid", true }, { "promisor = false", false },
	{ "promisor = off", false },
};

TEST_EACH(only_a_promisor_remote_makes_a_clone_partial, settings)
{
	char *config = xasprintf("%s/.git/config", dir);
	git_repository *repo;
	struct buf text = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(git_repository_init(&repo, dir, false), 0);
	git_repository_free(repo);
	must(fs_read(config, 4096, &text, &err));
	buf_printf(&text, "[remote \"origin\"]\n\t%s\n", row->setting);
	must(fs_write(config, buf_bytes(&text), 0600, &err));
	ck_assert_int_eq(tree_git_open_clone(dir, &repo, &err),
			 row->partial ? -ENOTSUP : 0);
	git_repository_free(repo);
	buf_release(&text);
	free(config);
}
