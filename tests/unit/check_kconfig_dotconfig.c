/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "../lib/test.h"

#include "kconfig/kconfig.h"

/* A line and its setting, "SYMBOL VALUE"; NULL for none. */
static const struct {
	const char *line, *sets;
} lines[] = {
	{ "CONFIG_A=y\n", "CONFIG_A y" },
	{ "CONFIG_A=y", "CONFIG_A y" },
	{ "CONFIG_A=y \t\r\n", "CONFIG_A y" },
	{ "CONFIG_A=\n", "CONFIG_A " },
	{ "CONFIG_a1_B=\"x = y\"\n", "CONFIG_a1_B \"x = y\"" },
	{ "CONFIG_A=y # why\n", "CONFIG_A y" },
	{ "CONFIG_A=m# why\n", "CONFIG_A m" },
	{ "CONFIG_A=yes\n", "CONFIG_A yes" },
	{ "CONFIG_A=12 # why\n", "CONFIG_A 12 # why" },
	{ "CONFIG_A=\"x\\\"y\" # why\n", "CONFIG_A \"x\\\"y\"" },
	{ "CONFIG_A=\"x\n", "CONFIG_A \"x" },
	{ "CONFIG_A=\"x\\\n", "CONFIG_A \"x\\" },
	{ "CONFIG_A=\"\n", "CONFIG_A \"" },
	{ "# CONFIG_A is not set\n", "CONFIG_A n" },
	{ "# CONFIG_A is not set\r\n", "CONFIG_A n" },
	{ "# CONFIG_A is not settled\n", NULL },
	{ "# CONFIG_A=y\n", NULL },
	{ "# CONFIG_A\n", NULL },
	{ "#CONFIG_A is not set\n", NULL },
	{ " CONFIG_A=y\n", NULL },
	{ "CONFIG_A =y\n", NULL },
	{ "CONFIG_A-B=y\n", NULL },
	{ "CONFIG_=y\n", NULL },
	{ "CONFIG_A\n", NULL },
	{ "A=y\n", NULL },
	{ "", NULL },
};

TEST_EACH(a_line_sets_what_kconfig_takes_of_it, lines)
{
	struct kconfig_setting s;
	bool sets = kconfig_dotconfig_parse_line(&s, row->line);
	char *text;

	ck_assert_int_eq(sets, row->sets != NULL);
	if (!sets)
		return;
	text = xasprintf("%.*s %.*s", (int)s.symbol.len,
			 (const char *)s.symbol.data, (int)s.value.len,
			 (const char *)s.value.data);
	ck_assert_str_eq(text, row->sets);
	ck_assert_ptr_eq(s.line, row->line);
	free(text);
}

TEST(comments_and_blank_lines_may_be_left_out)
{
	ck_assert(kconfig_dotconfig_is_comment("# Linux/arm64\nCONFIG_A=y\n"));
	ck_assert(kconfig_dotconfig_is_comment(" \t\r\nCONFIG_A=y\n"));
	ck_assert(kconfig_dotconfig_is_comment("# CONFIG_A=y\n"));
	ck_assert(!kconfig_dotconfig_is_comment("# CONFIG_A is not set\n"));
	ck_assert(!kconfig_dotconfig_is_comment("CONFIG_A=y\n"));
	ck_assert(!kconfig_dotconfig_is_comment(" CONFIG_A=y\n"));
}

static const struct {
	const char *asked, *is;
	bool same;
} values[] = {
	{ "y", "y", true },
	{ "y", "m", false },
	{ "yes", "y", true },
	{ "no", "n", true },
	{ "yes", "n", false },
	{ "nfs", "n", false }, /* a string without quotes */
	{ "0x10", "0x10", true },
	{ "0X10", "0x10", true },
	{ "0x0010", "0x10", true },
	{ "10", "0x10", true }, /* equal for Kconfig */
	{ "16", "0x10", false },
	{ "0x10", "16", false }, /* decimal numbers have no prefix */
	{ "0xg", "0x10", false },
	{ "0x10", "0x100000000000000000000", false },
	{ "\"a\"", "\"a\"", true },
	{ "", "n", false },
};

TEST_EACH(hexadecimal_numbers_are_compared_as_numbers, values)
{
	ck_assert_int_eq(kconfig_dotconfig_value_equal(bytes_str(row->asked),
						       bytes_str(row->is)),
			 row->same);
}

/* A word and its line, or its error. */
static const struct {
	const char *word, *line, *wrong;
} words[] = {
	{ "CONFIG_A=y", "CONFIG_A=y\n", NULL },
	{ "CONFIG_A=n", "CONFIG_A=n\n", NULL },
	{ "# CONFIG_A is not set", "# CONFIG_A is not set\n", NULL },
	{ "CONFIG_A=12", "CONFIG_A=12\n", NULL },
	{ "CONFIG_A=-1", "CONFIG_A=-1\n", NULL },
	{ "CONFIG_A=0xfF", "CONFIG_A=0xfF\n", NULL },
	{ "CONFIG_A=c0000000", "CONFIG_A=c0000000\n", NULL },
	{ "CONFIG_A=\"x y\"", "CONFIG_A=\"x y\"\n", NULL },
	{ "CONFIG_A=\"\"", "CONFIG_A=\"\"\n", NULL },
	/* The shell has removed the quotes. */
	{ "CONFIG_A=-neo4", "CONFIG_A=\"-neo4\"\n", NULL },
	{ "CONFIG_A=console=ttyS0,115200 quiet",
	  "CONFIG_A=\"console=ttyS0,115200 quiet\"\n", NULL },
	{ "CONFIG_A=a\"b\\", "CONFIG_A=\"a\\\"b\\\\\"\n", NULL },
	{ "CONFIG_A=", "CONFIG_A=\"\"\n", NULL },
	{ "CONFIG_A=yes", "CONFIG_A=\"yes\"\n", NULL },
	{ "CONFIG_A=0x", "CONFIG_A=\"0x\"\n", NULL },
	{ "CONFIG_A=y\nCONFIG_B=x", "CONFIG_A=y\nCONFIG_B=x\n", NULL },
	{ "CONFIG_A", NULL, "missing value; use CONFIG_A=y" },
	{ "CONFIG_A-B=y", NULL, "expected CONFIG_NAME=VALUE" },
	{ "CONFIG_A = y", NULL, "expected CONFIG_NAME=VALUE" },
	{ "CONFIG_=y", NULL, "expected CONFIG_NAME=VALUE" },
	{ "# CONFIG_A", NULL, "expected CONFIG_NAME=VALUE" },
	{ "# CONFIG_A=y", NULL, "expected CONFIG_NAME=VALUE" },
};

TEST_EACH(a_word_stands_for_a_line, words)
{
	struct err err = { 0 };
	char *line = NULL;
	int ret;

	ck_assert(kconfig_dotconfig_is_assignment(row->word));
	ret = kconfig_dotconfig_parse_word(row->word, &line, &err);
	if (row->line) {
		ck_assert_msg(!ret, "%s", err.text);
		ck_assert_str_eq(line, row->line);
	} else {
		ck_assert_int_eq(ret, -EINVAL);
		ck_assert_msg(strstr(err.text, row->wrong), "%s", err.text);
	}
	free(line);
}

TEST(the_last_setting_of_a_text_counts)
{
	static const char text[] = "CONFIG_A=y\nCONFIG_B=m\n"
				   "# CONFIG_A is not set\n# CONFIG_C=y\n";
	struct kconfig_settings all = { 0 };
	const struct kconfig_setting *s;

	kconfig_settings_add_text(&all, text);
	s = kconfig_settings_find(&all, bytes_str("CONFIG_A"));
	ck_assert_ptr_eq(s->line, strstr(text, "# CONFIG_A"));
	ck_assert(bytes_equal(s->value, bytes_str("n")));
	ck_assert_ptr_nonnull(
		kconfig_settings_find(&all, bytes_str("CONFIG_B")));
	ck_assert_ptr_null(kconfig_settings_find(&all, bytes_str("CONFIG_C")));
	ck_assert_ptr_null(kconfig_settings_find(&all, bytes_str("CONFIG_")));
	kconfig_settings_release(&all);
	ck_assert(bytes_equal(kconfig_dotconfig_find_value(text, "CONFIG_B"),
			      bytes_str("m")));
	ck_assert_ptr_null(kconfig_dotconfig_find_value(text, "CONFIG_C").data);
}

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))
