/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "../lib/shell.h"
#include "../lib/test.h"

#include "tree/bisect.h"

static char top[] = "/tmp/check_tree_bisect.XXXXXX";

/* Five commits in top/a, and a linked worktree top/b. */
static const char setup_script[] =
	"git init -q a && cd a && mkdir sub && for i in 1 2 3 4 5; do\n"
	"echo $i >sub/f && git add . && git commit -qm $i && git tag n$i; "
	"done && git worktree add -q ../b n5";

static void run_sh(const char *script)
{
	char *command = xasprintf("cd %s && { %s; } >/dev/null 2>&1", top,
				  script);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
	shell_git_setup(top);
	run_sh(setup_script);
}

static void tear_down(void)
{
	struct err ignored;

	fs_remove(top, &ignored);
}

/* Return the number of good commits in top/DIR; -1: no bisection. */
static int count_good(const char *dir)
{
	char *path = xasprintf("%s/%s", top, dir);
	struct strv good = { 0 };
	int n = tree_bisect_list_good(path, &good) ? (int)good.n : -1;

	for (size_t i = 0; i < good.n; i++)
		ck_assert_uint_eq(strspn(good.v[i], "0123456789abcdef"), 40);
	strv_release(&good);
	free(path);
	return n;
}

FIXTURE(set_up, tear_down);

TEST(good_commits_of_a_running_bisection_are_listed)
{
	ck_assert_int_eq(count_good("a"), -1);
	run_sh("cd a && git bisect start");
	ck_assert_int_eq(count_good("a"), 0);
	run_sh("cd a && git bisect bad n5 && git bisect good n1");
	ck_assert_int_eq(count_good("a"), 1);
	ck_assert_int_eq(count_good("a/sub"), 1);
	run_sh("cd a && git bisect good && { git bisect skip; true; }");
	ck_assert_int_eq(count_good("a"), 2);
	ck_assert_int_eq(count_good("b"), -1);
	run_sh("cd a && git bisect reset");
	ck_assert_int_eq(count_good("a"), -1);
}

TEST(a_linked_worktree_has_its_own_bisection)
{
	run_sh("cd b && git bisect start n5 n1");
	ck_assert_int_eq(count_good("b"), 1);
	ck_assert_int_eq(count_good("a"), -1);
}

TEST(a_repository_with_settings_per_worktree_is_read)
{
	run_sh("cd a && git config core.repositoryFormatVersion 1 && "
	       "git config extensions.worktreeConfig true && "
	       "git bisect start n5 n1");
	ck_assert_int_eq(count_good("a"), 1);
}

TEST(a_custom_term_for_good_is_supported)
{
	run_sh("cd a && git bisect start --term-new=warns "
	       "--term-old=quiet-ones && git bisect warns n5 && "
	       "git bisect quiet-ones n1");
	ck_assert_int_eq(count_good("a"), 1);
}

TEST(a_custom_term_for_bad_may_contain_a_dash)
{
	run_sh("cd a && git bisect start --term-new=too-slow "
	       "--term-old=fast && git bisect too-slow n5");
	ck_assert_int_eq(count_good("a"), 0);
	run_sh("cd a && git bisect fast n1");
	ck_assert_int_eq(count_good("a"), 1);
}

/* The example of git-bisect(1) merges a fix into each tested revision. */
TEST(a_fix_that_is_not_committed_does_not_hide_the_bisection)
{
	run_sh("cd a && git checkout -b fix n1 && echo >fix && git add fix && "
	       "git commit -m fix");
	run_sh("cd a && git bisect start && git bisect bad n5 && "
	       "git bisect good n1");
	run_sh("cd a && git merge --no-commit --no-ff fix");
	ck_assert_int_eq(count_good("a"), 1);
	run_sh("cd a && git merge --abort && git cherry-pick -n fix");
	ck_assert_int_eq(count_good("a"), 1);
}
