/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
#include "coord/text.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	bool local;
} texts[] = {
	{ "asm(\".incbin \\\"x\\\"\");", true },
	{ "\t.incbin \"x\"\n", true },
	{ "\t.include \"macros.s\"\n", true },
	{ "asm(\".inc\" \"bin x\");", true },
	{ "asm(\".inc\"\n\t\"lu\" \"de x\");", true },
	{ "asm(\".inc\" REST);", true },
	{ "asm(\".incb\" \"in x\");", true },
	{ "x = s.include_dir;", false },
	{ "x = s.included;", false },
	{ "x = s.increment;", false },
	{ "# 1 \"table.inc\" 1\n", false },
	{ "char *s = \".inc\";\n", false },
	{ "char *s = \".inc", false },
	{ "static const char built[] = __DATE__;", true },
	{ "x = __TIME__;", true },
	{ "x = __TIMESTAMP__;", true },
	{ "x = __BASE_FILE__;", true },
	{ "x = __INCLUDE_LEVEL__;", true },
	{ "x = __FILE__;", false },
	{ "x = __DATA_RACE__;", false },
	{ "__", false },
	{ "", false },
};

START_TEST(only_what_would_differ_on_a_node_is_forbidden)
{
	const char *why = coord_text_forbidden(texts[_i].text,
					       strlen(texts[_i].text));

	ck_assert_msg(!!why == texts[_i].local, "%s: %s", texts[_i].text,
		      why ? why : "allowed");
}
END_TEST

START_TEST(every_reason_fits_into_the_overlap_of_two_pieces)
{
	static const char word[] = "x = __INCLUDE_LEVEL__;";

	/* A word cut at any place is found once the next piece begins with
	 * the end of this one. */
	ck_assert_uint_lt(sizeof(word), COORD_TEXT_OVERLAP);
	for (size_t cut = 4; cut < sizeof(word) - 2; cut++) {
		char whole[64];

		memcpy(whole, word, sizeof(word));
		ck_assert_ptr_nonnull(
			coord_text_forbidden(whole, strlen(whole)));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coord/text");
	TCase *tc = tcase_create("forbidden");

	tcase_add_loop_test(tc, only_what_would_differ_on_a_node_is_forbidden,
			    0, sizeof(texts) / sizeof(*texts));
	tcase_add_test(tc, every_reason_fits_into_the_overlap_of_two_pieces);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
