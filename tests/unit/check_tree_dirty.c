/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/dirty.h"

#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE], template[TEMPDIR_SIZE];
static char *tree;

static void make_template(void)
{
	umask(022);
	tempdir_make(template);
	shell_git_setup(template);
	shell_run(
		template,
		"git init -q -b main t; cd t; mkdir -p a/b kernel out\n"
		"echo one >a/b/one; echo two >a/two; echo fork >kernel/fork.c\n"
		"printf '*.o\\n/out/\\n!keep.o\\n' >.gitignore; : >empty\n"
		"echo x >x; chmod 755 x; ln -s a/two link; echo y >out/y.txt\n"
		"git add -A; git add -f out/y.txt; git commit -qm first\n"
		"touch -d '-1 hour' .git/../*; git status -s");
}

static void remove_template(void)
{
	tempdir_remove(template);
}

static void set_up(void)
{
	char *command = xasprintf("cp -a %s/t .; cd t; sleep 0.02; "
				  "git status -s",
				  template);

	tempdir_make(dir);
	shell_run(dir, command);
	tree = xasprintf("%s/t", dir);
	free(command);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(tree);
}

static struct tree_dirty read_dirty(void)
{
	struct tree_dirty d;
	struct err err = { 0 };

	must(tree_dirty_read(&d, tree, NULL, &err));
	ck_assert(d.valid);
	return d;
}

/* List all files, including git's. */
static char *list_files(void)
{
	return shell_ask(
		dir, "find t -printf '%p %y %m %s %T@ %C@ %i\n' | "
		     "sort; find t -type f -print0 | sort -z | xargs -0 cksum");
}

/* A command in the checkout, and the number of modified files. */
static const struct {
	const char *command;
	size_t n;
} changes[] = {
	{ "true", 0 },
	{ "echo more >>a/two", 1 },
	{ "echo TWO >a/two", 1 }, /* same size */
	{ "echo TWO >a/two; git add a/two", 1 },
	{ "echo TWO >a/two; git add a/two; echo two >a/two", 0 },
	{ "touch a/two; touch -d 1990-01-01 x", 0 },
	{ "cp -p a/two z; mv z a/two", 0 },
	{ "rm a/two", 1 },
	{ "git rm -q a/two", 1 },
	{ "git rm -q --cached a/two", 0 },
	{ "rm -r a", 2 },
	{ "chmod 644 x", 1 },
	{ "chmod 644 x; git config core.fileMode false", 0 },
	{ "echo n >new", 1 },
	{ "echo n >new; git add new", 1 },
	{ "echo n >new; git add new; rm new", 0 },
	{ "echo n >new; git add -N new", 1 },
	{ "mkdir -p d/e; echo 1 >d/1; echo 2 >d/e/2; echo 3 >d/e/3.o", 2 },
	{ "echo o >a/new.o; echo o >out/o; mkdir .o; echo x >.o/x", 0 },
	{ "echo o >a/keep.o", 1 },
	{ "echo z >out/y.txt", 1 }, /* ignored, but part of the commit */
	{ "ln -sf a/b/one link", 1 },
	{ "rm link; cp a/two link", 1 },
	{ "rm a/two; ln -s ../x a/two", 1 },
	{ "rm a/two; mkdir a/two", 1 },
	{ "rm a/two; mkdir a/two; echo 1 >a/two/1", 2 },
	{ "rm -r a; echo a >a", 3 },
	{ "rm -r a; ln -s /etc a", 3 },
	{ "mkfifo pipe", 0 },
	{ "git mv a/two a/three", 2 },
	{ "git checkout -q -b side; echo s >x; git commit -qam side; "
	  "git checkout -q main; echo m >x; git commit -qam main; "
	  "git merge -q side || true",
	  1 },
	{ "git update-index --assume-unchanged a/two; echo more >a/two", 0 },
	{ "git update-index --skip-worktree a/two; rm a/two", 0 },
	{ "git update-index --index-version 4; echo more >a/two", 1 },
	{ "git update-index --index-version 4; git status -s", 0 },
	{ "git config core.autocrlf true; printf 'two\\r\\n' >a/two", 0 },
	{ "git init -q nested; echo x >nested/x", 0 },
	{ "printf '\\n' >\"$(printf 'a\\nb')\"", 1 },
	{ "git worktree add -q ../w; rm -r ../w", 0 },
	{ "git checkout -q --detach; echo more >x", 1 },
};

FIXTURE_ONCE(make_template, remove_template);
FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST_EACH(modified_files_are_counted_without_changing_the_checkout, changes)
{
	char *command = xasprintf("cd t; %s", row->command);
	char *before, *after;
	struct tree_dirty d;

	shell_run(dir, command);
	before = list_files();
	d = read_dirty();
	after = list_files();
	ck_assert_msg(d.n_files == row->n, "%s: %zu", command, d.n_files);
	ck_assert_msg(!strcmp(before, after), "%s: touched", command);
	free(before);
	free(after);
	free(command);
}

TEST(the_digest_depends_only_on_the_content_of_modified_files)
{
	struct tree_dirty a, b, c;

	shell_run(dir, "cd t; echo more >>a/two; echo n >new; rm x");
	a = read_dirty();
	shell_run(dir, "cd t; git add -A; touch -d 2001-01-01 a/two; "
		       "chmod 600 new; echo o >q.o");
	b = read_dirty();
	ck_assert_uint_eq(a.n_files, 3);
	ck_assert_uint_eq(b.n_files, 3);
	ck_assert(digest_equal(&a.digest, &b.digest));
	/* A clone in another directory. */
	shell_run(dir, "mv t elsewhere; git clone -q elsewhere t; cd t; "
		       "echo more >>a/two; echo n >new; rm x");
	c = read_dirty();
	ck_assert(digest_equal(&a.digest, &c.digest));
	shell_run(dir, "cd t; echo m >new");
	c = read_dirty();
	ck_assert_uint_eq(c.n_files, 3);
	ck_assert(!digest_equal(&a.digest, &c.digest));
}

/* The file stamps alone show no change. */
TEST(a_racily_clean_file_is_compared_by_content)
{
	struct tree_dirty d;

	shell_run(dir, "cd t; touch -d '2020-01-01 00:00:00' a/two; "
		       "git update-index --refresh -q; "
		       "touch -d '2020-01-01 00:00:00' .git/index");
	shell_run(dir, "cd t; printf TWO\\\\n >a/two; "
		       "touch -d '2020-01-01 00:00:00' a/two");
	d = read_dirty();
	ck_assert_uint_eq(d.n_files, 1);
}

TEST(future_timestamps_do_not_affect_the_result)
{
	struct tree_dirty d;

	shell_run(dir, "cd t; find . -type f | xargs touch -d '+1 day'; "
		       "git status -s");
	d = read_dirty();
	ck_assert_uint_eq(d.n_files, 0);
	shell_run(dir, "cd t; echo TWO >a/two; touch -d '+1 day' a/two");
	d = read_dirty();
	ck_assert_uint_eq(d.n_files, 1);
}

TEST(without_a_readable_checkout_the_result_is_invalid)
{
	struct tree_dirty d;
	struct err err = { 0 };
	atomic_bool stop = true;

	must(tree_dirty_read(&d, "/nonexistent", NULL, &err));
	ck_assert(!d.valid);
	must(tree_dirty_read(&d, dir, NULL, &err));
	ck_assert(!d.valid);
	ck_assert_int_eq(tree_dirty_read(&d, tree, &stop, &err), -ECANCELED);
	ck_assert(!d.valid);
	shell_run(dir, "cd t; head -c 100 .git/index >i; mv i .git/index");
	ck_assert_int_eq(tree_dirty_read(&d, tree, NULL, &err), -EBADMSG);
	text_has(err.text, "index: damaged index");
	ck_assert(!d.valid);
	shell_run(dir, "rm -rf t; git init -q t; echo x >t/x");
	must(tree_dirty_read(&d, tree, NULL, &err));
	ck_assert(!d.valid);
}

TEST(a_linked_worktree_has_its_own_index)
{
	struct tree_dirty d;

	shell_run(dir, "mv t main; cd main; git worktree add -q ../t; "
		       "echo dirty >x; cd ../t; git status -s");
	d = read_dirty();
	ck_assert_uint_eq(d.n_files, 0);
	shell_run(dir, "cd t; echo more >>a/two; rm -r kernel");
	d = read_dirty();
	ck_assert_uint_eq(d.n_files, 2);
}

TEST(a_repository_with_settings_per_worktree_is_read)
{
	struct tree_dirty d;

	shell_run(dir, "cd t; git config core.repositoryFormatVersion 1; "
		       "git config extensions.worktreeConfig true; "
		       "echo dirty >x");
	d = read_dirty();
	ck_assert_uint_eq(d.n_files, 1);
}
