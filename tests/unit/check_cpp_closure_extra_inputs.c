/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * Files that the assembler reads for a source without preprocessing.  The
 * scanner's list must equal that of the assembler's --MD.
 */
#include "base/depfile.h"

#include "../lib/test.h"
#include "cpp-compare.h"

/* Sources without preprocessing, and the files that as lists. */
static const struct bare {
	const char *source;
	const char *files; /* the complete list, or a reason if as fails */
	enum reason why;
} bare[] = {
	{ "\tnop\n", "unit.s", 0 },
	{ "\t.incbin \"a.h\"\n", "a.h unit.s", 0 },
	{ "\t.incbin \"d.h\", 1, 2\n", "inc/d.h unit.s", 0 },
	{ "#include \"a.h\"\n/* .incbin \"b.h\" */\n", "unit.s", 0 },
	{ "\t.include \"b.h\"\n", "b.h unit.s", 0 },
	{ "\t.include \"more.s\"\n\tm b.h\n", "b.h more.s unit.s", 0 },
	{ "\t.INCBIN\r\"a.h\"\r\n", "a.h unit.s", 0 },
	{ "\t.macro m d\n\t.inc\\d \"a.h\"\n\t.endm\n\tm bin\n", "a.h unit.s",
	  0 },
	{ ".if 0\n\t.incbin \"none\"\n.endif\n", "unit.s", 0 },
	{ "\t.file \"a.h\"\n", "a.h unit.s", 0 },
	{ "\t.file 1 \"a.h\"\n\t.loc 1 1\n\tnop\n", "unit.s", 0 },
	{ "\t.incbin \"none\"\n", NULL, REASON_NO_INCBIN },
	{ "\t.include \"none\"\n", NULL, REASON_NO_ASSEMBLER_FILE },
	{ "#NO_APP\n\t.incbin \"a.h\"\n", NULL, REASON_ASSEMBLY },
	{ "\t.incbin \"a\\056h\"\n", NULL, REASON_ASSEMBLY },
};

/* Return the list of as; NULL if it rejects the source. */
static char *as_list(const char *cc)
{
	char *argv[] = { (char *)cc, "-Iinc",  "-Wa,--MD,list.d",
			 "-c",       "unit.s", NULL };
	char *path = xasprintf("%s/list.d", compare_dir), *s = NULL;
	struct buf out = { 0 }, err_out = { 0 }, list = { 0 };
	struct strv files = { 0 };
	struct err err;

	if (!compare_run(compare_dir, argv, environ, &out, &err_out)) {
		must(fs_read(path, 1 << 20, &list, &err));
		ck_assert_int_eq(depfile_parse(&files, buf_bytes(&list)), 0);
		for (size_t i = 0; i < files.n; i++) {
			if (str_starts(files.v[i], "./"))
				memmove(files.v[i], files.v[i] + 2,
					strlen(files.v[i]) - 1);
		}
		strv_sort_unique(&files);
		s = strv_join(&files, " ");
	}
	strv_release(&files);
	buf_release(&out);
	buf_release(&err_out);
	buf_release(&list);
	free(path);
	return s;
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(60);

TEST_EACH(files_of_an_unpreprocessed_source_equal_those_of_as, bare)
{
	char *argv[] = { "cc", "-Iinc", "-c", "unit.s", NULL };
	struct cpp_scanner *s = compare_scan();
	char *cc = compare_compiler("gcc"), *theirs, *joined;
	struct strv files = { 0 };
	struct cpp_closure c;

	ck_assert_ptr_nonnull(cc);
	compare_file("a.h", "");
	compare_file("b.h", "");
	compare_file("inc/d.h", "12345");
	compare_file("more.s", "\t.macro m x\n\t.incbin \"\\x\"\n\t.endm\n");
	compare_file("unit.s", row->source);
	compare_closure(s, cc, argv, &c);
	ck_assert_msg(c.reason == row->why, "%s: %s %s", row->source,
		      reason_text(c.reason), c.detail ? c.detail : "");
	for (size_t i = 0; i < c.n_files; i++)
		strv_add(&files, c.files[i].path);
	strv_sort(&files);
	joined = files.n ? strv_join(&files, " ") : NULL;
	theirs = as_list(cc);
	if (row->files) {
		ck_assert_str_eq(joined, row->files);
		ck_assert_str_eq(theirs, row->files);
	}
	ck_assert(theirs || row->why);
	cpp_closure_release(&c);
	strv_release(&files);
	cpp_scanner_free(s);
	free(joined);
	free(theirs);
	free(cc);
}

TEST(a_missing_path_named_by_the_file_directive_is_absent)
{
	char *argv[] = { "cc", "-x", "assembler", "-c", "unit.c", NULL };
	struct cpp_scanner *s = compare_scan();
	char *cc = compare_compiler("gcc");
	struct cpp_closure c;

	ck_assert_ptr_nonnull(cc);
	compare_file("unit.c", "\t.file \"gone/x.c\"\n#error\n");
	compare_closure(s, cc, argv, &c);
	ck_assert_int_eq(c.reason, REASON_NONE);
	ck_assert_uint_eq(c.n_files, 1);
	ck_assert(strv_has(&c.absent, "gone"));
	cpp_closure_release(&c);
	cpp_scanner_free(s);
	free(cc);
}
