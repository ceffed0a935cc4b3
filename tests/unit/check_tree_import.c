/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/import.h"

#include "../lib/failing-open.h"
#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

static char dir[TEMPDIR_SIZE];
static char *tree, *archive, *repository;

static void set_up(void)
{
	tempdir_make(dir);
	shell_git_setup(dir);
	tree = xasprintf("%s/tree", dir);
	archive = xasprintf("%s/a.tar", dir);
	repository = xasprintf("%s/r.git", dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(tree);
	free(archive);
	free(repository);
}

static char *shell(const char *command)
{
	return shell_ask(dir, command);
}

static void run(const char *command)
{
	shell_run(dir, command);
}

static void make_tree(void)
{
	run("mkdir -p tree/kernel tree/empty tree/a-b tree/a\n"
	    "printf 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 7\n"
	    "EXTRAVERSION =\n' >tree/Makefile\n"
	    "echo fork >tree/kernel/fork.c; echo x >tree/a/x; "
	    "echo y >tree/a-b/y; echo z >tree/a.c; cp tree/a/x tree/a/x2\n"
	    "echo '#!/bin/sh' >tree/kernel/gen; chmod 755 tree/kernel/gen\n"
	    "ln -s ../a/x tree/kernel/link; : >tree/none\n"
	    "find tree -exec touch -h -d @1700000000 {} +\n"
	    "touch -d @1600000000 tree/Makefile\n");
}

/* If this flag is set, no file system supports O_TMPFILE. */
static bool no_tmpfile;

static int open_error(const char *path, int flags)
{
	(void)path;
	return no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE ? EOPNOTSUPP : 0;
}

static int import(const char *from, struct tree_imported *got, struct err *err)
{
	struct tree_import request = { .source = from,
				       .repository = repository };

	return tree_import(&request, got, err);
}

/* Import `from`, remove the repository and return the commit. */
static char *import_commit(const char *from)
{
	struct tree_imported got;
	struct err err = { 0 };
	char *commit;

	must(import(from, &got, &err));
	commit = xstrdup(got.commit);
	tree_imported_release(&got);
	must(fs_remove(repository, &err));
	return commit;
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(importing_a_directory_produces_the_same_tree_as_git)
{
	struct tree_imported got;
	struct err err = { 0 };
	char *imported, *expected;

	make_tree();
	must(import(tree, &got, &err));
	ck_assert_str_eq(got.version, "6.1.7");
	ck_assert_uint_eq(got.n_files, 9);
	run("git --git-dir=r.git fsck --strict --full");
	imported = shell("git --git-dir=r.git rev-parse 'HEAD^{tree}'");
	expected = shell("cd tree && git init -q . && git add -A . && "
			 "git write-tree; rm -rf .git");
	ck_assert_str_eq(imported, expected);
	free(imported);
	free(expected);
	imported = shell("git --git-dir=r.git log -1 --format='%an %at %s %D'; "
			 "git --git-dir=r.git describe --exact-match");
	ck_assert_str_eq(imported, "kfarm 1600000000 Import of 6.1.7 "
				   "HEAD -> main, tag: v6.1.7\nv6.1.7\n");
	free(imported);
	tree_imported_release(&got);
}

TEST(an_import_succeeds_without_o_tmpfile)
{
	struct tree_imported got;
	struct err err = { 0 };
	char *files;

	make_tree();
	no_tmpfile = true;
	must(import(tree, &got, &err));
	files = shell("ls -A r.git/objects/pack | sed 's/.*\\.//' | sort");
	ck_assert_str_eq(files, "idx\npack\n");
	free(files);
	tree_imported_release(&got);
}

static const struct {
	const char *sublevel, *extra, *tag;
} versions[] = {
	{ "0", "-rc1", "v6.12-rc1\n" },
	{ "0", "", "v6.12\n" },
	{ "10", "", "v6.12.10\n" },
	{ "10", "-rc1", "v6.12.10-rc1\n" },
};

TEST_EACH(the_tag_is_derived_from_the_version_in_the_makefile, versions)
{
	char *command = xasprintf(
		"mkdir tree; printf 'VERSION = 6\nPATCHLEVEL = 12\n"
		"SUBLEVEL = %s\nEXTRAVERSION = %s\n' >tree/Makefile",
		row->sublevel, row->extra);
	struct tree_imported got;
	struct err err = { 0 };
	char *tag;

	run(command);
	must(import(tree, &got, &err));
	tag = shell("git --git-dir=r.git describe --exact-match");
	ck_assert_str_eq(tag, row->tag);
	tree_imported_release(&got);
	free(tag);
	free(command);
}

TEST(equal_contents_produce_equal_commits)
{
	static const char *const tars[] = {
		"tar -cf a.tar tree",
		"tar -cJf a.tar tree",
		"tar -czf a.tar ./tree",
		"tar -C tree -cf a.tar .",
		"mv tree other; tar -cf a.tar other; mv other tree",
		"tar --format=pax --owner=7 --sort=name -cf a.tar tree",
		"cp -al tree/a/x tree/hard; tar -cf a.tar tree; rm tree/hard; "
		"tar -xf a.tar; rm tree/hard; tar -cf a.tar tree",
	};
	char *first, *other;

	make_tree();
	first = import_commit(tree);
	for (size_t i = 0; i < sizeof(tars) / sizeof(*tars); i++) {
		run(tars[i]);
		other = import_commit(archive);
		ck_assert_str_eq(first, other);
		free(other);
	}
	run("echo more >>tree/a/x");
	other = import_commit(tree);
	ck_assert_str_ne(first, other);
	free(other);
	free(first);
}

TEST(a_sparse_archive_is_imported_with_its_holes)
{
	char *whole, *sparse;

	make_tree();
	run("printf data >tree/end; truncate -s 3M tree/end tree/hole; "
	    "cp tree/end tree/middle; printf data >>tree/middle; "
	    "tar -cSf a.tar tree");
	whole = import_commit(tree);
	sparse = import_commit(archive);
	ck_assert_str_eq(whole, sparse);
	free(whole);
	free(sparse);
}

TEST(hard_links_are_imported_as_files)
{
	char *imported, *expected;
	struct tree_imported got;
	struct err err = { 0 };

	make_tree();
	run("ln tree/kernel/gen tree/zz; tar -cf a.tar tree");
	must(import(archive, &got, &err));
	imported = shell("git --git-dir=r.git rev-parse 'HEAD^{tree}'");
	expected = shell("cd tree && git init -q . && git add -A . && "
			 "git write-tree");
	ck_assert_str_eq(imported, expected);
	tree_imported_release(&got);
	free(imported);
	free(expected);
}

/* ---- rejected archives ---- */

struct member {
	const char *path;
	unsigned type;
	const char *content; /* or the target of a link */
	bool hard;
};

/* Archives of one to three members, and a part of the error. */
static const struct {
	struct member member[3];
	int ret;
	const char *error;
} hostile[] = {
	{ { { "../out", AE_IFREG, "x", false } }, -EINVAL, "../out" },
	{ { { "/etc/out", AE_IFREG, "x", false } }, -EINVAL, "/etc/out" },
	{ { { "a/../../out", AE_IFREG, "x", false } }, -EINVAL, "a/../.." },
	{ { { "a/..", AE_IFDIR, NULL, false } }, -EINVAL, "a/.." },
	{ { { "t/.git/config", AE_IFREG, "x", false } }, -EINVAL, ".git" },
	{ { { ".GIT/hooks/x", AE_IFREG, "x", false } }, -EINVAL, ".GIT" },
	{ { { "t/.giT", AE_IFLNK, "/tmp", false } }, -EINVAL, ".giT" },
	{ { { "git~1/config", AE_IFREG, "x", false } }, -EINVAL, "git~1" },
	{ { { "t//x", AE_IFREG, "x", false } }, -EINVAL, "t//x" },
	{ { { "d", AE_IFLNK, "/tmp", false }, { "d/x", AE_IFREG, "x", false } },
	  -EINVAL,
	  "d/x: the parent" },
	{ { { "d", AE_IFREG, "y", false },
	    { "d.c", AE_IFREG, "y", false },
	    { "d/x", AE_IFREG, "x", false } },
	  -EINVAL,
	  "d/x: the parent" },
	{ { { "x", AE_IFREG, "1", false }, { "x", AE_IFREG, "2", false } },
	  -EINVAL,
	  "x: duplicate entry" },
	{ { { "null", AE_IFCHR, NULL, false } }, -EINVAL, "null: not a file" },
	{ { { "disk", AE_IFBLK, NULL, false } }, -EINVAL, "disk: not a file" },
	{ { { "pipe", AE_IFIFO, NULL, false } }, -EINVAL, "pipe: not a file" },
	{ { { "h", AE_IFREG, "/etc/passwd", true } }, -EINVAL, "h: hard link" },
	{ { { "h", AE_IFREG, "h", true } }, -EINVAL, "h: hard link" },
	{ { { "l", AE_IFLNK, "/etc/passwd", false },
	    { "h", AE_IFREG, "l", true } },
	  -EINVAL,
	  "h: hard link" },
	{ { { "dir", AE_IFDIR, NULL, false } }, -EINVAL, "no files" },
};

static void write_member(struct archive *a, const struct member *m)
{
	struct archive_entry *e = archive_entry_new();
	size_t n = m->type == AE_IFREG && !m->hard ? strlen(m->content) : 0;

	archive_entry_set_pathname(e, m->path);
	archive_entry_set_filetype(e, m->type);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)n);
	if (m->hard)
		archive_entry_set_hardlink(e, m->content);
	else if (m->type == AE_IFLNK)
		archive_entry_set_symlink(e, m->content);
	ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
	if (n)
		ck_assert_int_eq(archive_write_data(a, m->content, n), n);
	archive_entry_free(e);
}

static void check_rejected(const char *from, int ret, const char *error)
{
	struct tree_imported got;
	struct err err = { 0 };

	ck_assert_msg(import(from, &got, &err) == ret, "%s", err.text);
	ck_assert_msg(strstr(err.text, error) != NULL, "%s", err.text);
	ck_assert_msg(str_starts(err.text, "import "), "%s", err.text);
	ck_assert(!fs_exists(repository));
	ck_assert_ptr_null(got.commit);
}

TEST_EACH(a_hostile_archive_is_rejected, hostile)
{
	struct archive *a = archive_write_new();

	archive_write_set_format_pax(a);
	ck_assert_int_eq(archive_write_open_filename(a, archive), ARCHIVE_OK);
	for (int i = 0; i < 3 && row->member[i].path; i++)
		write_member(a, &row->member[i]);
	ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	check_rejected(archive, row->ret, row->error);
}

TEST(excessively_large_content_is_rejected)
{
	run("truncate -s 10G zero; tar -cf - zero | head -c 100000000 | "
	    "xz -0 >a.tar; truncate -s 10G tree; rm zero; mv tree zero; "
	    "mkdir tree; mv zero tree/");
	check_rejected(archive, -E2BIG, "more than 100 times");
	check_rejected(tree, -E2BIG, "zero: larger than 512 MiB");
}

TEST(a_damaged_archive_is_rejected)
{
	make_tree();
	run("tar -cJf b.tar tree; head -c 300 b.tar >a.tar");
	check_rejected(archive, -EBADMSG, "damaged");
	run("echo no archive >a.tar");
	check_rejected(archive, -EBADMSG, "not an archive");
	run(": >a.tar");
	check_rejected(archive, -EBADMSG, "not an archive");
}

TEST(a_directory_that_is_not_a_clean_source_tree_is_rejected)
{
	make_tree();
	run("mkfifo tree/pipe");
	check_rejected(tree, -EINVAL, "pipe: not a file");
	run("rm tree/pipe; mkdir -p tree/kernel/.Git; : >tree/kernel/.Git/x");
	check_rejected(tree, -EINVAL, "kernel/.Git/x");
	run("rm -r tree/kernel/.Git; : >tree/.config");
	check_rejected(tree, -EINVAL, "mrproper");
	check_rejected("/nonexistent", -ENOENT, "/nonexistent");
}

TEST(an_existing_repository_is_not_overwritten)
{
	struct tree_imported got;
	struct err err = { 0 };
	char *before, *after;

	make_tree();
	must(import(tree, &got, &err));
	tree_imported_release(&got);
	before = shell("find r.git -printf '%p %T@ %s\n' | sort");
	ck_assert_int_lt(import(tree, &got, &err), 0);
	after = shell("find r.git -printf '%p %T@ %s\n' | sort");
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
