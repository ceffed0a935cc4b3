/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/* check_options_remote.c tests the dependency files that compilers write. */
#include "../lib/test.h"

#include "base/depfile.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static bool is_system(void *ctx, const char *name)
{
	unsigned *asked = ctx;

	if (asked)
		(*asked)++;
	return str_starts(name, "/usr/");
}

/* Output of gcc and clang: the full list, and that of -MMD. */
static const struct cut {
	const char *full;
	const char *cut;
} cuts[] = {
	{ "a.o: a.c\n", "a.o: a.c\n" },
	{ "", "" },
	{ "a.o: a.c /usr/s.h b.h\n", "a.o: a.c b.h\n" },
	/* the source remains, in any directory */
	{ "a.o: /usr/a.c /usr/s.h\n", "a.o: /usr/a.c\n" },
	/* gcc wraps at column 72 */
	{ "lib/a.o: a.c /usr/lib/gcc/x86_64-linux-gnu/12/include/stddef.h \\\n"
	  " include/linux/one.h include/linux/two.h include/linux/three.h \\\n"
	  " include/four.h\n",
	  "lib/a.o: a.c include/linux/one.h include/linux/two.h \\\n"
	  " include/linux/three.h include/four.h\n" },
	/* clang wraps at column 75, with two blanks */
	{ "lib/a.o: a.c /usr/lib/llvm-14/lib/clang/14.0.6/include/stddef.h "
	  "\\\n"
	  "  include/linux/one.h include/linux/two.h include/linux/three.h "
	  "\\\n"
	  "  include/four.h\n",
	  "lib/a.o: a.c include/linux/one.h include/linux/two.h \\\n"
	  "  include/linux/three.h include/four.h\n" },
	{ "a.o: a.c /usr/s.h b\\ c.h\n/usr/s.h:\nb\\ c.h:\n",
	  "a.o: a.c b\\ c.h\nb\\ c.h:\n" },
	/* older gccs print an empty line before each rule */
	{ "a.o: a.c /usr/s.h b.h\n\n/usr/s.h:\n\nb.h:\n",
	  "a.o: a.c b.h\n\nb.h:\n" },
	{ "d:x/a.o : a.c /usr/s.h\n", "d:x/a.o : a.c\n" },
	{ "a$$b.o c.o \\\n d.o: a.c /usr/s.h\n", "a$$b.o c.o \\\n d.o: a.c\n" },
};

TEST(the_value_of_a_kbuild_variable_is_found)
{
	static const char text[] = "savedcmd_a.o := gcc -c\n\n"
				   "source_a.o = b := c\nsource_b.o := b.c\n";

	ck_assert_str_eq(depfile_find_value(text, "savedcmd_"),
			 text + strlen("savedcmd_a.o := "));
	ck_assert_str_eq(depfile_find_value(text, "source_b"), "b.c\n");
	ck_assert_ptr_null(depfile_find_value(text, "cmd_"));
	ck_assert_ptr_null(
		depfile_find_value("savedcmd_a.o\nx := y\n", "saved"));
}

/* The forms of Linux 6.1 and 6.12, among other lines. */
TEST(the_command_and_the_target_are_found)
{
	static const char before[] = "cmd_d/a.o := gcc -c d/a.c\n\n"
				     "source_d/a.o := d/a.c\n";
	static const char now[] = "\nsavedcmd_b := ld := x\n";
	char *target = NULL;

	ck_assert_str_eq(depfile_find_command(before, &target),
			 before + strlen("cmd_d/a.o := "));
	ck_assert_str_eq(target, "d/a.o");
	free(target);
	ck_assert_str_eq(depfile_find_command(now, &target), "ld := x\n");
	ck_assert_str_eq(target, "b");
	free(target);
	ck_assert_ptr_nonnull(depfile_find_command(now, NULL));
	target = NULL;
	ck_assert_ptr_null(depfile_find_command("cmd_a\nx := y\n", &target));
	ck_assert_ptr_null(target);
}

TEST_EACH(system_headers_are_removed, cuts)
{
	struct buf out = { 0 };

	ck_assert_int_eq(
		depfile_filter(&out, bytes_str(row->full), is_system, NULL), 0);
	ck_assert_str_eq(buf_str(&out), row->cut);
	buf_release(&out);
}

/*
 * The list of a source, and that of the same text on stdin; NULL: gcc never
 * writes this list.
 */
static const struct cut drops[] = {
	{ "-: a.c b.h\n", "-: b.h\n" },
	{ "a.o: a.c /usr/s.h b.h\n", "a.o: /usr/s.h b.h\n" },
	{ "-: /run/user/1000/a.c include/linux/one.h include/linux/two.h "
	  "\\\n"
	  " include/linux/three.h include/linux/four.h\n",
	  "-: include/linux/one.h include/linux/two.h include/linux/three.h "
	  "\\\n"
	  " include/linux/four.h\n" },
	{ "-: a.c\n", NULL },
	{ "-:\n", NULL },
	{ "", NULL },
	{ "-: a.c b.h\nb.h:\n", NULL },
	{ "-: a.c", NULL },
};

TEST_EACH(the_source_is_removed_from_a_dependency_list, drops)
{
	struct buf out = { 0 };
	int ret = depfile_remove_source(&out, bytes_str(row->full));

	ck_assert_int_eq(ret, row->cut ? 0 : -EBADMSG);
	ck_assert_str_eq(buf_str(&out), row->cut ? row->cut : "");
	buf_release(&out);
}

TEST(the_filter_checks_each_prerequisite_once)
{
	struct buf out = { 0 };
	unsigned asked = 0;

	ck_assert_int_eq(depfile_filter(&out,
					bytes_str("a.o: a.c b.h \\\n c.h\n"
						  "b.h:\nc.h:\n"),
					is_system, &asked),
			 0);
	ck_assert_uint_eq(asked, 3);
	ck_assert_str_eq(buf_str(&out), "a.o: a.c b.h \\\n c.h\nb.h:\nc.h:\n");
	buf_release(&out);
}

TEST(names_of_prerequisites_are_unescaped)
{
	static const char text[] = "a\\ b.o c$$.o: a.c x\\ y.h $$.h \\#.h "
				   "\\:.h d:e.h \\\n a\\\\\\ b.h a\\b.h "
				   "smart1,2.h\n";
	static const char *const want[] = { "a.c",     "x y.h",  "$.h",
					    "#.h",     ":.h",    "d:e.h",
					    "a\\ b.h", "a\\b.h", "smart1,2.h" };
	struct strv list = { 0 };

	ck_assert_int_eq(depfile_parse(&list, bytes_str(text)), 0);
	ck_assert_uint_eq(list.n, LENGTH(want));
	for (size_t i = 0; i < LENGTH(want); i++)
		ck_assert_str_eq(list.v[i], want[i]);
	strv_release(&list);
	ck_assert_int_eq(depfile_parse(&list, bytes_str("")), 0);
	ck_assert_uint_eq(list.n, 0);
}

/* The dependency file of gas for a .S from a pipe. */
TEST(a_rule_without_prerequisites_is_parsed_but_not_filtered)
{
	struct strv list = { 0 };
	struct buf out = { 0 };

	ck_assert_int_eq(depfile_parse(&list, bytes_str("a.o:\n")), 0);
	ck_assert_uint_eq(list.n, 0);
	ck_assert_int_eq(
		depfile_filter(&out, bytes_str("a.o:\n"), is_system, NULL),
		-EBADMSG);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(depfile_parse(&list, bytes_str("a.o:\nb.h:\n")),
			 -EBADMSG);
}

static const char *const bad[] = {
	"\n",
	"a.o",
	"a.o:",
	"a.o: a.c",
	": a.c",
	"a.o a.c\n",
	"a.o: a.c\nb.h\n",
	"a.o: a.c \\",
	"a.o: a.c b\\",
	"a.o: b\\\n",
	"a.o: a.c \\\n \\\nb:\n",
	"a.o: a.c\nb.h:",
	"a.o: a.c b.h\nc.h:\n",
	"a.o: a.c b.h\na.c:\n",
	"a.o: a.c b.h c.h\nc.h:\nb.h:\n",
	"a.o: a.c\nb.o: c.h\n",
	"a\\: b.c\n",
};

TEST_EACH(a_malformed_dependency_file_is_rejected, bad)
{
	struct strv list = { 0 };
	struct buf out = { 0 };

	ck_assert_int_eq(depfile_parse(&list, bytes_str(*row)), -EBADMSG);
	ck_assert_int_eq(depfile_filter(&out, bytes_str(*row), is_system, NULL),
			 -EBADMSG);
	ck_assert_uint_eq(list.n + out.len, 0);
}

TEST(a_dependency_file_with_a_nul_byte_is_rejected)
{
	struct strv list = { 0 };

	ck_assert_int_eq(depfile_parse(&list, bytes_of("a.o: a\0.c\n", 10)),
			 -EBADMSG);
}

/* A list, and the list with /long/build instead of /src. */
static const struct replacement {
	const char *from, *to;
	bool is_clang;
} replacements[] = {
	{ "a.o: a.c\n", "a.o: a.c\n", false },
	{ "", "", false },
	{ "a.o:\n", "a.o:\n", false },
	{ "a.o: /src/a.c b.h\n", "a.o: /long/build/a.c b.h\n", false },
	/* other directories, and a name that only contains the directory */
	{ "a.o: /src2/a.c /x/src/b.h /src\n",
	  "a.o: /src2/a.c /x/src/b.h /src\n", false },
	{ "a.o: /src/a.c /src/include/linux/one.h /src/include/linux/two.h "
	  "b.h\n",
	  "a.o: /long/build/a.c /long/build/include/linux/one.h \\\n"
	  " /long/build/include/linux/two.h b.h\n",
	  false },
	{ "a.o: /src/name.c /usr/lib/llvm-14/lib/clang/14.0.6/include/stddef.h "
	  "\\\n  /src/b.h\n",
	  "a.o: /long/build/name.c \\\n"
	  "  /usr/lib/llvm-14/lib/clang/14.0.6/include/stddef.h "
	  "/long/build/b.h\n",
	  true },
	/* A list without folds does not show which compiler wrote it. */
	{ "a.o: /src/name.c /src/include/linux/one.h /src/include/two.h\n",
	  "a.o: /long/build/name.c /long/build/include/linux/one.h \\\n"
	  "  /long/build/include/two.h\n",
	  true },
	{ "a.o: /src/a\\ b.c\n", "a.o: /long/build/a\\ b.c\n", false },
};

TEST_EACH(a_directory_is_replaced_and_lines_are_folded_again, replacements)
{
	struct buf out = { 0 };

	ck_assert_int_eq(depfile_replace_dir(&out, bytes_str(row->from),
					     row->is_clang, "/src",
					     "/long/build"),
			 0);
	ck_assert_str_eq(buf_str(&out), row->to);
	buf_release(&out);
}

TEST(a_list_with_phony_targets_is_unchanged_or_rejected)
{
	struct buf out = { 0 };

	ck_assert_int_eq(
		depfile_replace_dir(&out,
				    bytes_str("a.o: a.c /src/b.h\n/src/b.h:\n"),
				    false, "/src", "/x"),
		-EBADMSG);
	ck_assert_int_eq(depfile_replace_dir(&out,
					     bytes_str("a.o: a.c b.h\nb.h:\n"),
					     false, "/src", "/x"),
			 0);
	ck_assert_str_eq(buf_str(&out), "a.o: a.c b.h\nb.h:\n");
	buf_release(&out);
}

/* Names of targets, and their spelling in a rule. */
static const struct quoted {
	const char *name, *spelling;
} quoted[] = {
	{ "a.o", "a.o" },           { "a~%:(\xc3\xa9", "a~%:(\xc3\xa9" },
	{ "a b\tc", "a\\ b\\\tc" }, { "a\\\\ b\\c", "a\\\\\\\\\\ b\\c" },
	{ "$a#", "$$a\\#" },        { "", "" },
};

TEST_EACH(a_target_is_quoted_like_gcc, quoted)
{
	char *spelling = depfile_quote_target(row->name);

	ck_assert_str_eq(spelling, row->spelling);
	free(spelling);
}

TEST(a_text_without_a_rule_has_no_targets)
{
	struct strv none = { 0 };

	ck_assert(!depfile_has_targets(bytes_str(""), &none));
	ck_assert(!depfile_has_targets(bytes_str("a.o b.h\n"), &none));
	ck_assert(depfile_has_targets(bytes_str(" : b.h\n"), &none));
}
