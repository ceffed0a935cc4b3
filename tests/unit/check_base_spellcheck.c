/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/spellcheck.h"

/* The user's word, the known words, and the best match. */
static const struct {
	const char *word, *known[4], *best;
} cases[] = {
	{ "Imag", { "vmlinux", "Image", "modules" }, "Image" },
	{ "archh", { "arch", "ui", "jobs" }, "arch" },
	/* a swap counts once */
	{ "vmlinxu", { "vmlinuz", "vmlinux" }, "vmlinux" },
	{ "hepl", { "run", "help" }, "help" },
	{ "kernle", { "kernel" }, "kernel" },
	/* Too different: three typing errors, or two in a short word. */
	{ "modxyz", { "modules" }, NULL },
	{ "ls", { "run", "qz", "list" }, NULL },
	{ "lst", { "list", "test" }, "list" },
	{ "s", { "a" }, NULL },
	{ "", { "a" }, NULL },
	/* The first of equally near words, else the nearest. */
	{ "dtbz", { "dtbx", "dtbs" }, "dtbx" },
	{ "imagess", { "imag", "image", "images" }, "images" },
	/* Words of any length, without overreads. */
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

TEST_EACH(the_most_similar_word_is_found, cases)
{
	struct spellcheck n;

	spellcheck_init(&n, row->word);
	for (int i = 0; row->known[i]; i++)
		spellcheck_add(&n, row->known[i]);
	ck_assert_pstr_eq(n.best, row->best);
}

TEST(the_suggestion_names_the_word)
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
