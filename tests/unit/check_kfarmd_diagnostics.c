/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/run.h"

static const struct {
	const char *text;
	const char *missing; /* NULL: no file is missing */
} diagnostics[] = {
	{ "a.c:1:10: fatal error: b.h: No such file or directory\n"
	  "    1 | #include \"b.h\"\n      |          ^~~~~\n"
	  "compilation terminated.\n",
	  "b.h" },
	{ "a.c:1:10: fatal error: 'dir/b.h' file not found\n", "dir/b.h" },
	{ "cc1: fatal error: nosuch.c: No such file or directory", "nosuch.c" },
	{ "x.c: In function 'f':\nx.c:1: warning: w\n"
	  "x.c:2:2: fatal error: a b.h: No such file or directory\n",
	  "a b.h" },
	{ "", NULL },
	{ "a.c:1:2: error: #error b.h: No such file or directory\n", NULL },
	{ "a.c:1:10: fatal error: too many errors\n", NULL },
	{ "a.c:1:10: fatal error: ", NULL },
	{ "a.c:1:10: fatal error: : No such file or directory\n", NULL },
	{ "a.c:1:10: fatal error: b.h: Permission denied\n", NULL },
	{ "a.c:1:10: fatal error: b.h: No such file or directory, no\n", NULL },
};

TEST_EACH(a_missing_file_is_extracted_from_the_diagnostics, diagnostics)
{
	char *missing = kfarmd_run_missing_file(bytes_str(row->text));

	if (row->missing)
		ck_assert_str_eq(missing, row->missing);
	else
		ck_assert_ptr_null(missing);
	free(missing);
}

TEST(a_compiler_process_killed_by_a_signal_is_detected)
{
	ck_assert(kfarmd_run_names_signal(
		bytes_str("gcc: fatal error: Killed signal terminated program "
			  "cc1\ncompilation terminated.\n")));
	ck_assert(
		!kfarmd_run_names_signal(bytes_str("a.c:1: error: signal\n")));
	ck_assert(!kfarmd_run_names_signal(bytes_of(NULL, 0)));
}
