/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* Compile commands from .cmd files: words, directories and lookup. */
#include "../lib/test.h"

#include "cli/scan.h"

static char dir[64], *build;

static void make_tree(void)
{
	struct err err = { 0 };
	char *tools;

	/* A path is not a pattern. */
	strcpy(dir, "/tmp/check_scan[line].XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	build = xasprintf("%s/build", dir);
	tools = xasprintf("%s/src/tools/prog", dir);
	must(fs_mkdirs(build, 0777, &err));
	must(fs_mkdirs(tools, 0777, &err));
	free(tools);
}

static void remove_tree(void)
{
	struct err err = { 0 };

	fs_remove(dir, &err);
	free(build);
}

/* Create a file below the directory; the caller frees its path. */
static char *put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	char *parent = str_dir(path);
	struct err err = { 0 };

	must(fs_mkdirs(parent, 0777, &err));
	must(fs_write(path, bytes_str(text), 0666, &err));
	free(parent);
	return path;
}

static const struct {
	const char *command, *words; /* joined by "|"; NULL: rejected */
} commands[] = {
	{ "gcc -c a.c", "gcc|-c|a.c" },
	{ "  gcc\t-c  a.c  ", "gcc|-c|a.c" },
	{ "", "" },
	{ "gcc -c a.c ; objtool a.o", "gcc|-c|a.c" },
	{ "gcc -c a.c;objtool", "gcc|-c|a.c" },
	{ "gcc -c a.c && true", "gcc|-c|a.c" },
	{ "gcc -c a.c | cat", "gcc|-c|a.c" },
	{ "gcc -DX='\"a;b\"' -c", "gcc|-DX=\"a;b\"|-c" },
	{ "gcc -D'A B'\"C D\"E", "gcc|-DA BC DE" },
	{ "gcc \"a\\\"b\\\\c\\d\"", "gcc|a\"b\\c\\d" },
	{ "gcc a\\ b \\;", "gcc|a b|;" },
	{ "gcc '' -c", "gcc||-c" },
	{ "gcc '$x`y`'", "gcc|$x`y`" },
	{ "gcc `date`", NULL },
	{ "gcc $x", NULL },
	{ "gcc \"$x\"", NULL },
	{ "gcc a.c >out", NULL },
	{ "(cd x", NULL },
	{ "gcc 'a", NULL },
	{ "gcc \"a", NULL },
};

FIXTURE(make_tree, remove_tree);

TEST_EACH(a_command_is_split_into_words_like_in_a_shell, commands)
{
	struct strv words = { 0 };
	int ret = cli_scan_split_words(&words, row->command);
	char *joined = strv_join(&words, "|");

	if (row->words) {
		ck_assert_int_eq(ret, 0);
		ck_assert_str_eq(joined, row->words);
	} else {
		ck_assert_int_eq(ret, -EINVAL);
	}
	free(joined);
	strv_release(&words);
}

static const struct {
	const char *prefix; /* of kbuild before and since 6.4 */
	const char *launcher;
} saved[] = {
	{ "cmd_", "" },
	{ "savedcmd_", "" },
	{ "savedcmd_", "ccache " },
	{ "savedcmd_", "/usr/bin/ccache distcc " },
};

TEST_EACH(a_cmd_file_yields_directory_source_and_arguments, saved)
{
	char *text = xasprintf("%slib/a.o := %sgcc -D__KERNEL__ "
			       "-DS='\"$$x$(pound)y\"' -c -o lib/a.o "
			       "../src/a.c ; true\n\n"
			       "source_lib/a.o := ../src/a.c\n\n"
			       "deps_lib/a.o := \\\n  ../src/a.h \\\n"
			       "    $(wildcard include/config/X) \\\n"
			       "  include/b.h \\\n\n"
			       "lib/a.o: $(deps_lib/a.o)\n\n"
			       "$(deps_lib/a.o):\n",
			       row->prefix, row->launcher);
	char *file = put("build/lib/.a.o.cmd", text);
	char *source = put("src/a.c", "");
	struct cli_scan_line l;
	struct err err = { 0 };

	must(cli_scan_line_read(&l, build, file, &err));
	ck_assert_str_eq(l.cwd, build);
	ck_assert_str_eq(l.command.source, "../src/a.c");
	ck_assert_str_eq(l.argv.v[0], "gcc");
	ck_assert(strv_has(&l.argv, "-DS=\"$x#y\""));
	ck_assert(!strv_has(&l.argv, "true"));
	cli_scan_line_release(&l);
	free(source);
	free(file);
	free(text);
}

static const struct {
	const char *text;
	int answer;
} others[] = {
	{ "cmd_a.o := ld -r -o a.o b.o\n", -ENOMSG },
	{ "cmd_a.o := gcc -o a.o b.c\n", -ENOMSG }, /* a link */
	{ "cmd_a.o := gcc -c -o a.o a.i\n", -ENOMSG },
	{ "cmd_a.o := gcc -c -o a.o nowhere/a.s\n", -ENOENT },
	{ "cmd_a.o := objcopy a.c b.o\n", -ENOMSG },
	{ "cmd_a.o := gcc -c -o a.o `pwd`/a.c\n", -ENOMSG },
	{ "cmd_a.o := gcc -c -o a.o 'a.c\n", -ENOMSG },
	{ "cmd_a.o := \n", -ENOMSG },
	{ "cmd_a.o :=", -ENOMSG },
	{ "\n\n", -ENOMSG },
	{ "", -ENOMSG },
	{ "deps_a.o := \\", -ENOMSG },
	{ "cmd_a.o := gcc -c -o a.o nowhere/a.c\n", -ENOENT },
};

TEST_EACH(cmd_files_without_a_usable_compile_are_rejected, others)
{
	char *file = put("build/.a.o.cmd", row->text);
	struct cli_scan_line l;
	struct err err = { 0 };

	ck_assert_int_eq(cli_scan_line_read(&l, build, file, &err),
			 row->answer);
	ck_assert_str_ne(err.text, "");
	free(file);
}

TEST(a_program_below_tools_is_compiled_in_its_source_directory)
{
	char *link = xasprintf("%s/source", build);
	char *tree = xasprintf("%s/src", dir);
	char *wanted = xasprintf("%s/src/tools/prog", dir);
	char *source = put("src/tools/prog/sub/a.c", "");
	char *file = put("build/tools/prog/sub/.a.o.cmd",
			 "cmd_a.o := gcc -c -o a.o sub/a.c\n");
	struct cli_scan_line l;
	struct err err = { 0 };

	ck_assert_int_eq(symlink(tree, link), 0);
	must(cli_scan_line_read(&l, build, file, &err));
	ck_assert_str_eq(l.cwd, wanted);
	cli_scan_line_release(&l);
	free(link);
	free(tree);
	free(wanted);
	free(source);
	free(file);
}

TEST(a_unique_source_name_gives_the_directory_of_a_tools_library)
{
	char *link = xasprintf("%s/source", build);
	char *tree = xasprintf("%s/src", dir);
	char *wanted = xasprintf("%s/src/tools/lib/cmd", dir);
	char *source = put("src/tools/lib/cmd/help.c", "");
	char *other = put("src/tools/prog/run.c", "");
	char *third = put("src/tools/lib/cmd/run.c", "");
	char *file = put("build/tools/x/.help.o.cmd",
			 "cmd_help.o := gcc -c -o help.o help.c\n");
	char *doubtful = put("build/tools/x/.run.o.cmd",
			     "cmd_run.o := gcc -c -o run.o run.c\n");
	struct cli_scan_line l;
	struct err err = { 0 };

	ck_assert_int_eq(symlink(tree, link), 0);
	must(cli_scan_line_read(&l, build, file, &err));
	ck_assert_str_eq(l.cwd, wanted);
	cli_scan_line_release(&l);
	ck_assert_int_eq(cli_scan_line_read(&l, build, doubtful, &err),
			 -ENOENT);
	free(link);
	free(tree);
	free(wanted);
	free(source);
	free(other);
	free(third);
	free(file);
	free(doubtful);
}

TEST(a_cmd_file_is_found_by_source_and_object)
{
	char *link = xasprintf("%s/source", build);
	char *tree = xasprintf("%s/src", dir);
	char *file = put("build/lib/.a.b.o.cmd", "");
	char *source = put("src/lib/a.b.c", "");
	const char *names[] = { "lib/a.b.c", "lib/a.b.o", source };
	struct err err = { 0 };
	char *found;

	ck_assert_int_eq(symlink(tree, link), 0);
	for (size_t i = 0; i < 3; i++) {
		must(cli_scan_line_find(&found, build, names[i], &err));
		ck_assert_str_eq(found, file);
		free(found);
	}
	ck_assert_int_eq(cli_scan_line_find(&found, build, "lib/a.c", &err),
			 -ENOENT);
	ck_assert_int_eq(cli_scan_line_find(&found, build, "/a.b.c", &err),
			 -ENOENT);
	free(link);
	free(tree);
	free(file);
	free(source);
}

/* The object has another name.  Objects of other sources are not found. */
TEST(a_cmd_file_is_found_by_the_source_that_it_names)
{
	char *near = put("build/lib/.a.b.o.cmd", "source_a.b.o := x/a.b.c\n");
	char *copied = put("build/lib/.a.nv.o.cmd", "cmd_a.nv.o := objcopy\n");
	char *file = put("build/lib/.a.nvhe.o.cmd", "source_a.nvhe.o := x/a.c\n"
						    "cmd_a.nvhe.o := gcc\n");
	char *later = put("build/lib/.a.pi.o.cmd", "source_a.pi.o := x/a.c\n");
	struct err err = { 0 };
	char *found;

	must(cli_scan_line_find(&found, build, "lib/a.c", &err));
	ck_assert_str_eq(found, file);
	free(found);
	ck_assert_int_eq(cli_scan_line_find(&found, build, "lib/a.nvh.c", &err),
			 -ENOENT);
	free(near);
	free(copied);
	free(file);
	free(later);
}
