/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: agent */
#include "agent/as-deps.h"

#include "cell/cell.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>

#define DIR CELL_TMP

/* The assembler's lists, and what was read besides the text. */
static const struct list {
	const char *list;
	const char *text;
	const char *found; /* NULL: nothing */
} lists[] = {
	{ "out.o: a.c " DIR "/ccKYGtAS.s\n", NULL, NULL },
	{ "out.o: " DIR "/ccKYGtAS.s\n", NULL, NULL },
	{ "out.o:\n", NULL, NULL },
	{ "out.o: in.s\n", "in.s", NULL },
	{ "out.o: \\\n in.s \\\n  x.c\n", "in.s", NULL },
	{ "out.o: a\\ b.c " DIR "/ccKYGtAS.s", NULL, NULL },
	{ "out.o: /etc/hostname b.c " DIR "/ccKYGtAS.s\n", NULL,
	  "the assembler read /etc/hostname" },
	{ "out.o: " DIR "/ccKYGtAS.s ../x\n", NULL, "the assembler read ../x" },
	{ "out.o: /etc/a\\ b\n", NULL, "the assembler read /etc/a b" },
	{ "out.o: " DIR "/x/ccKYGtAS.s\n", NULL,
	  "the assembler read " DIR "/x/ccKYGtAS.s" },
	{ "out.o: " DIR "x/ccKYGtAS.s\n", NULL,
	  "the assembler read " DIR "x/ccKYGtAS.s" },
	{ "out.o: " DIR "/ccKYGtAS.o\n", NULL,
	  "the assembler read " DIR "/ccKYGtAS.o" },
	{ "out.o: in.s " DIR "/ccKYGtAS.s\n", "in.s",
	  "the assembler read " DIR "/ccKYGtAS.s" },
	{ "other.o: in.s\n", "in.s", "the assembler did not say what it read" },
	{ "", NULL, "the assembler did not say what it read" },
};

START_TEST(what_was_read_besides_the_text_is_named)
{
	char *found = agent_as_deps_check(bytes_str(lists[_i].list),
					  lists[_i].text);

	if (lists[_i].found)
		ck_assert_str_eq(found, lists[_i].found);
	else
		ck_assert_ptr_null(found);
	free(found);
}
END_TEST

START_TEST(a_list_with_a_nul_is_not_believed)
{
	static const char list[] = "out.o: in.s\0 /etc/passwd\n";
	char *found = agent_as_deps_check(bytes_of(list, sizeof(list) - 1),
					  "in.s");

	ck_assert_ptr_nonnull(found);
	free(found);
}
END_TEST

/* In the directory of a job, which has nothing else. */
static const struct list bare[] = {
	{ "out.o: in.i\n", NULL, "the assembler read in.i" },
	{ "out.o: in.s\n", NULL, "the assembler read in.s" },
	{ "out.o: out.o\n", NULL, "the assembler read out.o" },
	{ "out.o: as.d\n", NULL, "the assembler read as.d" },
	{ "out.o: main.c\n", NULL, NULL },
};

START_TEST(a_bare_name_was_read_if_such_a_file_is_there)
{
	char *found = agent_as_deps_check(bytes_str(bare[_i].list), NULL);

	if (bare[_i].found)
		ck_assert_str_eq(found, bare[_i].found);
	else
		ck_assert_ptr_null(found);
	free(found);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/as-deps");
	TCase *t = tcase_create("asread");

	tcase_add_loop_test(t, what_was_read_besides_the_text_is_named, 0,
			    sizeof(lists) / sizeof(*lists));
	tcase_add_test(t, a_list_with_a_nul_is_not_believed);
	tcase_add_loop_test(t, a_bare_name_was_read_if_such_a_file_is_there, 0,
			    sizeof(bare) / sizeof(*bare));
	suite_add_tcase(s, t);
	return suite_run(s);
}
