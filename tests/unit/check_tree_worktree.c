/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/worktree.h"

#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <time.h>

static char dir[TEMPDIR_SIZE], template[TEMPDIR_SIZE];
static char *repository, *work_dir, *build_dir;

/* Two commits, which differ by all kinds of changes, and a third commit. */
static const char history[] =
	"git init -q -b main r.git --bare\n"
	"git init -q -b main w && cd w\n"
	"mkdir -p a/b/c gone x.d kernel\n"
	"echo one >a/b/c/one; echo two >a/two; echo g >gone/file\n"
	"echo same >same; echo was-file >file-dir; mkdir dir-file\n"
	"echo in >dir-file/in; echo '#!/bin/sh' >run; chmod 755 run\n"
	"echo plain >mode; ln -s a/two link; ln -s a/b dirlink\n"
	"echo 1 >x; echo 2 >x.d/y; echo 3 >x-; echo fork >kernel/fork.c\n"
	"echo '*.o' >.gitignore; : >empty\n"
	"git add -A; git commit -qm first; git tag -a -m v1 v1\n"
	"echo changed >a/two; rm -r gone; git mv same a/moved\n"
	"rm file-dir; mkdir file-dir; echo now >file-dir/now\n"
	"rm -r dir-file; echo now >dir-file; chmod 755 mode; rm link\n"
	"ln -s same link; rm dirlink; mkdir dirlink; echo d >dirlink/d\n"
	"git add -A; git commit -qm second; git tag v2\n"
	"echo third >third; git add -A; git commit -qm third\n"
	"git push -q ../r.git main v1 v2 v1^0:refs/remotes/up/linux-6.1.y "
	"v2^0:refs/remotes/stable/linux-6.1.y "
	"v2^0:refs/remotes/up/linux-6.2.y\n";

static void make_history(void)
{
	umask(022);
	tempdir_make(template);
	shell_git_setup(template);
	shell_run(template, history);
}

static void remove_history(void)
{
	tempdir_remove(template);
}

static void set_up(void)
{
	tempdir_make(dir);
	repository = xasprintf("%s/r.git", dir);
	work_dir = xasprintf("%s/place", dir);
	build_dir = xasprintf("%s/place/build", dir);
	shell_run(dir, "mkdir place place/build outside; echo x >outside/x");
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(repository);
	free(work_dir);
	free(build_dir);
}

static void run(const char *command)
{
	shell_run(dir, command);
}

/* Copy the repository and a checkout of it. */
static void copy_history(void)
{
	char *command = xasprintf("cp -a %s/r.git %s/w .", template, template);

	run(command);
	free(command);
}

static int checkout(const char *rev, struct tree_worktree *got, struct err *err)
{
	struct tree_worktree_setup setup = {
		.repository = repository,
		.rev = rev,
		.dir = work_dir,
		.build_dir = build_dir,
	};

	return tree_worktree_checkout(got, &setup, err);
}

static struct tree_worktree checkout_ok(const char *rev)
{
	struct tree_worktree got;
	struct err err = { 0 };

	must(checkout(rev, &got, &err));
	return got;
}

static void checkout_only(const char *rev)
{
	struct tree_worktree got = checkout_ok(rev);

	tree_worktree_release(&got);
}

/* Return paths, modes and contents according to git, cached per revision. */
static char *expected_listing(const char *rev)
{
	char *command = xasprintf(
		"f=%s/want.%s; [ -e $f ] || { rm -rf want; mkdir want; "
		"git --git-dir=r.git -c tar.umask=022 archive %s | "
		"tar -x -C want; cd want; { "
		"find . -not -type d -printf '%%p %%y%%#m %%l\n' | sort; "
		"find . -type f | sort | xargs cksum; find . -type d | sort; "
		"git --git-dir=../r.git rev-parse '%s^0'; } >$f; }; cat $f",
		template, rev, rev, rev);
	char *out = shell_ask(dir, command);

	free(command);
	return out;
}

static void check_checkout(const char *rev)
{
	char *want = expected_listing(rev), *outside;
	char *actual = shell_ask(
		dir, "cd place/src; test -f .git; "
		     "find . -not -type d -not -name .git "
		     "-printf '%p %y%#m %l\n' | sort; find . -type f "
		     "-not -name .git | sort | xargs cksum; "
		     "find . -type d | sort; git rev-parse HEAD; "
		     "git status --porcelain");

	ck_assert_msg(!strcmp(want, actual), "%s: not as it should be", rev);
	outside = shell_ask(dir, "cat outside/x; ls -A outside");
	ck_assert_str_eq(outside, "x\nx\n");
	free(outside);
	free(want);
	free(actual);
}

static char *list_mtimes(void)
{
	return shell_ask(dir, "cd place/src; find . -printf '%p %T@\n' | sort");
}

FIXTURE_ONCE(make_history, remove_history);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_checkout_equals_that_of_git)
{
	struct tree_worktree w;

	copy_history();
	w = checkout_ok(NULL);
	check_checkout("main");
	ck_assert_str_eq(w.branch, "main");
	ck_assert_ptr_null(w.previous_commit);
	ck_assert_uint_eq(w.n_files, w.n_written);
	tree_worktree_release(&w);
	checkout_only("v1");
	check_checkout("v1");
	run("cd place/src && test \"$(git describe --exact-match)\" = v1");
	checkout_only("v2");
	check_checkout("v2");
	checkout_only("v1");
	check_checkout("v1");
}

TEST(a_repository_with_settings_per_worktree_is_read)
{
	copy_history();
	run("cd r.git; git config core.repositoryFormatVersion 1; "
	    "git config extensions.worktreeConfig true; "
	    "git config --worktree core.bare true; "
	    "git config --unset core.bare");
	checkout_only("main");
	check_checkout("main");
}

TEST(a_repeated_checkout_changes_no_file)
{
	struct tree_worktree w;
	char *before, *after, *index;

	copy_history();
	checkout_only("v1");
	/* A file that is as old as the index must be read. */
	run("sleep 0.02");
	checkout_only("v1");
	before = list_mtimes();
	index = shell_ask(dir, "stat -c '%y %i' place/git/*");
	w = checkout_ok("v1");
	after = list_mtimes();
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(w.n_written + w.n_removed, 0);
	free(after);
	after = shell_ask(dir, "stat -c '%y %i' place/git/*");
	ck_assert_str_eq(index, after);
	free(before);
	free(after);
	free(index);
	tree_worktree_release(&w);
}

TEST(a_checkout_writes_only_files_that_differ)
{
	static const char list[] =
		"cd place/src; for f in a/b/c/one empty kernel/fork.c run x "
		"x- x.d/y .gitignore; do stat -c '%n %y %i' $f; done";
	struct tree_worktree w;
	char *before, *after;

	copy_history();
	checkout_only("v1");
	before = shell_ask(dir, list);
	run("sleep 0.02; touch mark; sleep 0.02");
	w = checkout_ok("v2");
	after = shell_ask(dir, list);
	ck_assert_str_eq(before, after);
	free(after);
	after = shell_ask(dir, "find place/src -not -type d -newer mark | "
			       "sort | tr '\n' ' '");
	ck_assert_str_eq(after, "place/src/a/moved place/src/a/two "
				"place/src/dir-file place/src/dirlink/d "
				"place/src/file-dir/now place/src/link "
				"place/src/mode ");
	ck_assert_uint_eq(w.n_written, 7);
	ck_assert_ptr_nonnull(w.previous_commit);
	tree_worktree_release(&w);
	free(before);
	free(after);
}

/* Changes by other programs between two checkouts. */
static const char *const foreign_changes[] = {
	"echo more >>a/two",
	"rm a/two",
	"rm -r a",
	"chmod 755 x; chmod 644 run",
	"touch new a/b/new.o; mkdir -p deep/er/est; echo x >deep/er/est/x",
	"rm -r kernel; ln -s ../../outside kernel",
	"rm -r a; ln -s ../../outside a",
	"rm x; mkdir x; echo y >x/y",
	"rm -r x.d; echo y >x.d",
	"rm link; echo not a link >link",
	"rm link; ln -s /etc/passwd link",
	"rm x; ln -s ../../outside/x x",
	"rm x; mkfifo x",
	"rm .git; ln -s ../../outside .git",
	"rm .git; mkdir .git",
	"echo gitdir: /nonexistent >.git",
	"rm .git",
	"git checkout -q v2",
	"git rm -q --cached x; echo n >n; git add n",
	"cp -p x y; echo 9 >x; touch -r y x; rm y",
	"chmod 0 a; chmod 700 a",
	"rm ../git/index",
	": >../git/index",
	"head -c 100 ../git/index >i; mv i ../git/index",
	": >../git/index.lock",
	"rm -r ../git",
	"echo ref: refs/heads/main >../git/HEAD",
	"rm -r ../src; mkdir ../src",
	"touch -d '1 hour' x; touch -d 1990-01-01 a/two",
};

TEST_EACH(a_checkout_repairs_changes_by_other_programs, foreign_changes)
{
	char *command = xasprintf("cd place/src; %s", *row);

	copy_history();
	checkout_only("v1");
	run(command);
	checkout_only("v1");
	check_checkout("v1");
	run(command);
	checkout_only("v2");
	check_checkout("v2");
	free(command);
}

/* Sources older than their objects would leave wrong objects in place. */
TEST(a_modified_file_becomes_newer_than_existing_objects)
{
	char *newer;

	copy_history();
	checkout_only("v1");
	run("cp place/src/x kept; cp place/src/a/two kept2; sleep 0.02; "
	    "echo 9 >place/src/x; sleep 0.02; touch place/build/x.o; "
	    "sleep 0.02; cp kept place/src/x; touch -d 1990-01-01 place/src/x; "
	    "touch -d 1990-01-01 place/src/a/two");
	checkout_only("v1");
	newer = shell_ask(dir, "find place/src -newer place/build/x.o "
			       "-not -type d | sort");
	text_has(newer, "src/x\n");
	text_has(newer, "src/a/two\n");
	ck_assert_ptr_null(strstr(newer, "kernel/fork.c"));
	check_checkout("v1");
	free(newer);
}

TEST(written_files_are_newer_than_objects_dated_in_the_future)
{
	char *older;

	copy_history();
	checkout_only("v1");
	run("touch -d '+3 hours' place/build/future.o");
	checkout_only("v2");
	older = shell_ask(dir, "cd place/src; for f in a/two mode dir-file "
			       "link a/moved; do find $f -not -newer "
			       "../build/future.o; done");
	ck_assert_str_eq(older, "");
	check_checkout("v2");
	free(older);
	/* The times of the other files are unchanged. */
	older = shell_ask(dir, "cd place/src; find x -newer "
			       "../build/future.o");
	ck_assert_str_eq(older, "");
	free(older);
}

TEST(a_checkout_succeeds_after_killed_checkouts)
{
	const char *rounds_env = getenv("TREE_ROUNDS");
	int rounds = rounds_env ? atoi(rounds_env) : 12;
	static const char *const revs[] = { "v1", "v2", "main" };
	unsigned interrupted = 0, seed = (unsigned)time(NULL);
	char *head;

	copy_history();
	run("cd w; for d in $(seq 40); do mkdir -p many/$d; for f in "
	    "$(seq 25); do echo $d $f >many/$d/$f; done; done; git add -A; "
	    "git commit -qm many; for d in $(seq 2 2 40); do git mv many/$d "
	    "many/to-$d; done; for d in $(seq 1 4 40); do for f in $(seq 25); "
	    "do echo >>many/$d/$f; done; done; git add -A; git commit -qm "
	    "more; git push -q ../r.git HEAD~1:refs/heads/m1 "
	    "HEAD:refs/heads/m2");
	for (int i = 0; i < rounds; i++) {
		const char *rev = i % 2 ? "m1" : "m2";
		struct timespec wait = { 0 };
		int status;
		pid_t pid = fork();

		if (!pid) {
			struct tree_worktree got;
			struct err err;

			_exit(checkout(rev, &got, &err) ? 1 : 0);
		}
		wait.tv_nsec = rand_r(&seed) % 40 * 1000000L;
		nanosleep(&wait, NULL);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		interrupted += WIFSIGNALED(status);
		if (i % 3 == 0) {
			checkout_only(rev);
			check_checkout(rev);
		}
	}
	run("touch place/git/.listed.kfarm.77");
	checkout_only(revs[rounds % 3]);
	check_checkout(revs[rounds % 3]);
	head = shell_ask(dir, "ls -A place place/git | tr '\n' ' '");
	ck_assert_str_eq(head, "place: build git src  place/git: HEAD "
			       "commondir gitdir index listed ");
	free(head);
	printf("%u of %d moves were interrupted\n", interrupted, rounds);
}

/* ---- revisions ---- */

static const struct {
	const char *rev, *equal_rev; /* NULL: an error */
	int ret;
	const char *error;
} revisions[] = {
	{ "main", "main", 0, NULL },
	{ "refs/heads/main~2", "v1", 0, NULL },
	{ "v2", "v2", 0, NULL },
	{ "v1^{commit}", "v1", 0, NULL },
	{ "v1^0", "v1", 0, NULL },
	{ "main^", "v2", 0, NULL },
	{ "up/linux-6.1.y", "v1", 0, NULL },
	{ "stable/linux-6.1.y~1", "v1", 0, NULL },
	{ "linux-6.2.y", "v2", 0, NULL },
	{ "linux-6.2.y~1", "v1", 0, NULL },
	{ "linux-6.1.y", NULL, -EINVAL,
	  "stable/linux-6.1.y, up/linux-6.1.y; specify one" },
	{ "linux-6.3.y", NULL, -ENOENT, "did you mean" },
	{ "v3", NULL, -ENOENT, "did you mean \"v" },
	{ "nothing-like-it", NULL, -ENOENT, "kfarm tree update" },
	{ "main~99", NULL, -ENOENT, "main~99" },
	{ "main:x", NULL, -EINVAL, "expected a commit, got a blob" },
	{ "main^{tree}", NULL, -EINVAL, "expected a commit, got a tree" },
	{ "^", NULL, -EINVAL, "not a valid revision" },
	{ "", NULL, -EINVAL, "not a valid revision" },
	{ "..", NULL, -EINVAL, "not a valid revision" },
};

TEST_EACH(a_revision_is_resolved_or_rejected_with_a_reason, revisions)
{
	struct tree_worktree got;
	struct err err = { 0 };
	int ret;

	copy_history();
	ret = checkout(row->rev, &got, &err);
	ck_assert_msg(ret == row->ret, "%s: %d, %s", row->rev, ret, err.text);
	if (row->equal_rev)
		check_checkout(row->equal_rev);
	else
		ck_assert_msg(strstr(err.text, row->error) != NULL, "%s",
			      err.text);
	tree_worktree_release(&got);
}

TEST(a_full_or_abbreviated_hash_is_a_revision)
{
	struct tree_worktree got;
	char *id;

	copy_history();
	id = shell_ask(dir,
		       "git --git-dir=r.git rev-parse 'v2^0' | tr -d '\n'");
	got = checkout_ok(id);
	ck_assert_str_eq(got.commit, id);
	ck_assert_ptr_null(got.branch);
	tree_worktree_release(&got);
	id[9] = '\0';
	checkout_only(id);
	check_checkout("v2");
	free(id);
}

/* ---- hostile repositories ---- */

/* $b is a blob, $l a link to ../../outside, $t a tree with the file x. */
static const struct {
	const char *tree; /* prints the tree's id */
	const char *error;
} hostile[] = {
	{ "raw 100644 .. $b", "\"..\"" },
	{ "raw 40000 .. $t", "\"..\"" },
	{ "raw 40000 . $t", "\".\"" },
	{ "raw 40000 .git $t", "\".git\"" },
	{ "raw 40000 .GiT $t", "\".GiT\"" },
	{ "raw 100644 git~1 $b", "git~1" },
	{ "raw 120000 .git $l", "\".git\"" },
	{ "raw 100644 a/b $b", "\"a/b\"" },
	{ "raw 100644 ../../outside/x $b", "outside" },
	{ "raw 100644 /etc/x $b", "/etc/x" },
	{ "raw 120000 a $l 40000 a $t", "a: both a file and a directory" },
	{ "raw 120000 a $l 100644 a.c $b 40000 a $t",
	  "a: both a file and a directory" },
	{ "raw 100644 a $b 100644 a $b", "duplicate entry" },
	{ "raw 40000 a $t 40000 a $t", "duplicate entry" },
	{ "raw 100644 a $t", "expected a blob, got a tree" },
	{ "raw 40000 a $b", "a/" },
	{ "raw 100644 a 0123456789012345678901234567890123456789", "a:" },
	{ "raw 120000 a $e", "a: symbolic link with an invalid target" },
	{ "raw 40000 '' $t", "root tree: failed to parse" },
	{ "u=$t; for i in 1 2 3 4 5 6 7; do u=$(raw 40000 0 $u 40000 1 $u "
	  "40000 2 $u 40000 3 $u 40000 4 $u 40000 5 $u 40000 6 $u 40000 7 $u "
	  "40000 8 $u 40000 9 $u); done; echo $u",
	  "too many files" },
	{ "n=$(printf %0250d 7); u=$t; for i in $(seq 20); do "
	  "u=$(raw 40000 $n $u); done; echo $u",
	  "too deep" },
};

static void commit_hostile(const char *tree)
{
	char *script = xasprintf(
		"git init -q --bare -b main r.git; cd r.git\n"
		"b=$(echo evil | git hash-object -w --stdin)\n"
		"e=$(printf '' | git hash-object -w --stdin)\n"
		"l=$(printf ../../outside | git hash-object -w --stdin)\n"
		"raw() { while [ $# -gt 0 ]; do printf '%%s %%s\\0' $1 \"$2\"; "
		"printf \"$(printf %%s $3 | sed 's/../\\\\x&/g')\"; shift 3; "
		"done | git hash-object -w --literally --stdin -t tree; }\n"
		"t=$(raw 100644 x $b)\n"
		"tree=$(%s)\n"
		"git update-ref refs/heads/main "
		"$(git commit-tree $tree -m evil)\n",
		tree);
	char *file = xasprintf("%s/script", dir);
	struct err err;

	must(fs_write(file, bytes_str(script), 0600, &err));
	run("bash -e script; rm script");
	free(file);
	free(script);
}

TEST_EACH(a_hostile_commit_is_rejected_without_writing_files, hostile)
{
	struct tree_worktree got;
	struct err err = { 0 };
	char *remaining;
	int ret;

	commit_hostile(row->tree);
	ret = checkout("main", &got, &err);
	ck_assert_msg(ret < 0, "%s", row->tree);
	ck_assert_msg(strstr(err.text, row->error) != NULL, "%s", err.text);
	remaining = shell_ask(dir,
			      "cat outside/x; ls -A outside . | tr '\n' ' '");
	ck_assert_str_eq(remaining, "x\n.: outside place r.git  outside: x ");
	free(remaining);
	remaining = shell_ask(dir, "find place -name '*evil*' -o -type l -o "
				   "-name x -o -name .GiT");
	ck_assert_str_eq(remaining, "");
	free(remaining);
}

TEST(a_submodule_becomes_an_empty_directory)
{
	char *actual;

	commit_hostile("raw 160000 sub $(git rev-parse $t) 100644 z $b");
	checkout_only("main");
	run("cd place/src; test -d sub; rmdir sub; mkdir -p sub/in; "
	    "echo x >sub/in/x");
	checkout_only("main");
	actual = shell_ask(dir, "cd place/src; find . -not -name .git | sort | "
				"tr '\n' ' '; git status --porcelain");
	ck_assert_str_eq(actual, ". ./sub ./z ");
	free(actual);
}

TEST(a_blob_larger_than_512_mib_is_rejected_by_its_header)
{
	struct tree_worktree got;
	struct err err = { 0 };

	/* Only the header exists, and kfarm must read no more. */
	commit_hostile(
		"mkdir -p objects/01; perl -MCompress::Zlib -e "
		"'print compress(\"blob 629145600\\0\")' >objects/01/"
		"23456789012345678901234567890123456789; "
		"raw 100644 huge 0123456789012345678901234567890123456789");
	ck_assert_int_eq(checkout("main", &got, &err), -EFBIG);
	text_has(err.text, "huge: larger than 512 MiB");
}

TEST(an_empty_tree_is_checked_out_but_a_missing_commit_is_an_error)
{
	struct tree_worktree got;
	struct err err = { 0 };

	run("git init -q --bare -b main r.git");
	ck_assert_int_eq(checkout(NULL, &got, &err), -ENOENT);
	text_has(err.text, "has no commits");
	run("rm -r r.git");
	commit_hostile("git hash-object -w -t tree /dev/null");
	checkout_only("main");
	run("rm -r r.git");
	ck_assert_int_lt(checkout("main", &got, &err), 0);
	text_has(err.text, "r.git");
}
