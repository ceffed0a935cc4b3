/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/spellcheck.h"

#include "suite.h"

#include <stdlib.h>
#include <string.h>

/* What is written, what there is, what may have been meant. */
static const struct {
	const char *word, *known[4], *best;
} cases[] = {
	{ "Imag", { "vmlinux", "Image", "modules" }, "Image" },
	{ "archh", { "arch", "ui", "jobs" }, "arch" },
	{ "vmlinxu", { "vmlinuz", "vmlinux" }, "vmlinux" }, /* a swap is one */
	{ "hepl", { "run", "help" }, "help" },
	{ "kernle", { "kernel" }, "kernel" },
	/* Three slips are another word, two are in a short one. */
	{ "modxyz", { "modules" }, NULL },
	{ "ls", { "run", "qz", "list" }, NULL },
	{ "lst", { "list", "test" }, "list" },
	{ "s", { "a" }, NULL },
	{ "", { "a" }, NULL },
	/* Of two the first, of a nearer one that. */
	{ "dtbz", { "dtbx", "dtbs" }, "dtbx" },
	{ "imagess", { "imag", "image", "images" }, "images" },
	/* Nothing is too long, or is read behind its end. */
	{ "a23456789012345678901234567890123456789012345678",
	  { "a2345678901234567890123456789012345678901234567" },
	  "a2345678901234567890123456789012345678901234567" },
	{ "a234567890123456789012345678901234567890123456789",
	  { "a23456789012345678901234567890123456789012345678" },
	  NULL },
	{ "short",
	  { "a234567890123456789012345678901234567890123456789" },
	  NULL },
};

START_TEST(what_is_like_a_word_is_found)
{
	struct spellcheck n;

	spellcheck_init(&n, cases[_i].word);
	for (int i = 0; cases[_i].known[i]; i++)
		spellcheck_add(&n, cases[_i].known[i]);
	ck_assert_pstr_eq(n.best, cases[_i].best);
}
END_TEST

START_TEST(the_question_names_it)
{
	struct spellcheck n;
	char *text;

	spellcheck_init(&n, "archh");
	text = spellcheck_suggestion(&n, "--", ", and so it goes");
	ck_assert_str_eq(text, ", and so it goes");
	free(text);
	spellcheck_add(&n, "arch");
	text = spellcheck_suggestion(&n, "--", "");
	ck_assert_str_eq(text, "; did you mean \"--arch\"?");
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/nearest");
	TCase *tc = tcase_create("nearest");

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, what_is_like_a_word_is_found, 0,
			    sizeof(cases) / sizeof(*cases));
	tcase_add_test(tc, the_question_names_it);
	return suite_run(s);
}
