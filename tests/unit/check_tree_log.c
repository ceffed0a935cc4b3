/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/log.h"

#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE], repository[TEMPDIR_SIZE + 8];
static struct tree_commit_log l;
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
	shell_git_setup(dir);
	snprintf(repository, sizeof(repository), "%s/r", dir);
	shell_run(dir,
		  "git init -q -b main r; cd r\n"
		  "at=1700000000\n"
		  "c() { at=$((at + 60)); GIT_COMMITTER_DATE=\"$at +0000\" "
		  "GIT_AUTHOR_DATE=\"$at +0000\" git \"$@\"; }\n"
		  "c commit -q --allow-empty -m one\n"
		  "git tag good\n"
		  "git checkout -q -b side\n"
		  "c commit -q --allow-empty -m 'on the side'\n"
		  "git checkout -q main\n"
		  "for i in $(seq 12); do c commit -q --allow-empty -m "
		  "\"main: $i\" -m body; done\n"
		  "c merge -q --no-ff -m \"Merge branch 'side'\" side\n"
		  "printf 'two\\nlines of a \\015[31msubject\\n\\nbody' | "
		  "c commit -q --allow-empty --cleanup=verbatim -F -\n");
}

static void tear_down(void)
{
	tree_commit_log_release(&l);
	tempdir_remove(dir);
}

static char *commit(const char *rev)
{
	char *command = xasprintf("git rev-parse %s | tr -d '\\n'", rev);
	char *out = shell_ask(repository, command);

	free(command);
	return out;
}

static int read_log(const char *from, const char *to, size_t limit)
{
	char *old_id = commit(from), *new_id = commit(to);
	int ret = tree_commit_log_read(&l, repository, old_id, new_id, limit,
				       &err);

	free(old_id);
	free(new_id);
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(the_log_equals_the_output_of_git_log)
{
	char *want = shell_ask(repository,
			       "git log --format='%H %s' good..main");
	struct buf got = { 0 };

	ck_assert_msg(!read_log("good", "main", 100), "%s", err.text);
	for (size_t i = 0; i < l.n; i++)
		buf_printf(&got, "%s %s\n", l.v[i].commit, l.v[i].subject);
	ck_assert_str_eq(buf_str(&got), want);
	ck_assert_uint_eq(l.n, 15);
	ck_assert_uint_eq(l.n_total, 15);
	ck_assert_uint_eq(l.n_missing, 0);
	buf_release(&got);
	free(want);
}

TEST(the_list_is_truncated_to_the_limit_but_all_commits_are_counted)
{
	ck_assert(!read_log("good", "main", 5));
	ck_assert_uint_eq(l.n, 5);
	ck_assert_uint_eq(l.n_total, 15);
	ck_assert_str_eq(l.v[1].subject, "Merge branch 'side'");
}

TEST(the_log_is_empty_for_the_same_or_an_older_commit)
{
	ck_assert(!read_log("main", "main", 5));
	ck_assert_uint_eq(l.n + l.n_total + l.n_missing, 0);
	ck_assert(!read_log("main", "good", 5));
	ck_assert_uint_eq(l.n + l.n_total, 0);
	ck_assert_uint_eq(l.n_missing, 15);
}

TEST(a_rewritten_branch_counts_new_and_missing_commits)
{
	ck_assert(!read_log("side", "main~2", 50));
	ck_assert_uint_eq(l.n_total, 12);
	ck_assert_uint_eq(l.n_missing, 1);
}

TEST(an_unknown_commit_or_repository_is_an_error)
{
	char *new_id = commit("main");

	ck_assert_int_eq(
		tree_commit_log_read(&l, repository,
				     "1234567890123456789012345678901234567890",
				     new_id, 5, &err),
		-ENOENT);
	ck_assert_uint_eq(l.n, 0);
	ck_assert_int_eq(
		tree_commit_log_read(&l, repository, "main", new_id, 5, &err),
		-EINVAL);
	ck_assert_int_eq(tree_commit_log_read(&l, "/nonexistent", new_id,
					      new_id, 5, &err),
			 -ENOENT);
	ck_assert_msg(strstr(err.text, "/nonexistent"), "%s", err.text);
	free(new_id);
}
