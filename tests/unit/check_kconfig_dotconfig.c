/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "../lib/test.h"
#include "base/vec.h"
#include "kconfig/kconfig.h"
#include "kernel-tree.h"

static struct kconfig_request r;
static struct kconfig_spec k;
static struct err err;

static void set_up(void)
{
	tree_set_up();
	r = (struct kconfig_request){ 0 };
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	kconfig_release(&k);
	strv_release(&r.fragments);
	tree_tear_down();
}

/* Request the fragment `word`. */
static int request(const char *word)
{
	strv_add(&r.fragments, word);
	return kconfig_read(&k, &r, tree, "arm64", true, &err);
}

/* Request a fragment file with this text. */
static void request_file(const char *text)
{
	char *path = at("fragment");

	put_file("fragment", text, 0644);
	must(request(path));
	free(path);
}

FIXTURE(set_up, tear_down);

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

TEST_EACH(find_value_parses_a_line_like_kconfig, lines)
{
	static const char *const symbols[] = { "CONFIG_A",  "CONFIG_a1_B",
					       "CONFIG_",   "CONFIG_A-B",
					       "CONFIG_A ", "A" };

	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		struct bytes value = kconfig_dotconfig_find_value(row->line,
								  symbols[i]);
		size_t n = strlen(symbols[i]);
		bool sets = row->sets && str_starts(row->sets, symbols[i]) &&
			    row->sets[n] == ' ';

		ck_assert_int_eq(value.data != NULL, sets);
		if (sets)
			ck_assert(bytes_equal(value,
					      bytes_str(row->sets + n + 1)));
	}
}

static const struct {
	const char *text;
	int answer;
} comments[] = {
	{ "# Linux/arm64\n", 0 },        { " \t\r\n", 0 },
	{ "# CONFIG_A=y\n", 0 },         { "# CONFIG_A is not set\n", 0 },
	{ "CONFIG_A=y\n", 0 },           { " CONFIG_A=y\n", -EINVAL },
	{ " # Linux/arm64\n", -EINVAL },
};

/* A text without a setting has only comments and blank lines. */
TEST_EACH(a_text_of_comments_and_blank_lines_is_accepted, comments)
{
	char *text = NULL;

	ck_assert_int_eq(kconfig_decode_text(bytes_str(row->text), &text, &err),
			 row->answer);
	free(text);
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

TEST_EACH(requested_values_are_compared_by_their_meaning, values)
{
	char *asked = xasprintf("CONFIG_A=%s\n", row->asked);
	char *is = xasprintf("CONFIG_A=%s\n", row->is);
	struct kconfig_rejected *rejected;
	size_t n;

	request_file(asked);
	kconfig_find_rejected(&k, is, &rejected, &n);
	ck_assert_int_eq(!n, row->same);
	kconfig_free_rejected(rejected, n);
	free(is);
	free(asked);
}

/* A word and its line, or its error. */
static const struct {
	const char *word, *line, *wrong;
} assignments[] = {
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

TEST_EACH(an_assignment_word_becomes_a_line_or_is_rejected, assignments)
{
	int ret;

	ck_assert(kconfig_dotconfig_is_assignment(row->word));
	ret = request(row->word);
	if (row->line) {
		ck_assert_msg(!ret, "%s", err.text);
		ck_assert(k.fragments[0].literal);
		ck_assert_str_eq(k.fragments[0].text, row->line);
	} else {
		ck_assert_int_eq(ret, -EINVAL);
		ck_assert_msg(strstr(err.text, row->wrong), "%s", err.text);
	}
}

TEST(the_last_setting_of_a_text_counts)
{
	static const char text[] = "CONFIG_A=y\nCONFIG_B=m\n"
				   "# CONFIG_A is not set\n# CONFIG_C=y\n";
	char *merged;

	request_file(text);
	merged = kconfig_merge(&k, "");
	ck_assert_str_eq(merged, "CONFIG_B=m\n# CONFIG_A is not set\n");
	ck_assert(bytes_equal(kconfig_dotconfig_find_value(text, "CONFIG_A"),
			      bytes_str("n")));
	ck_assert(bytes_equal(kconfig_dotconfig_find_value(text, "CONFIG_B"),
			      bytes_str("m")));
	ck_assert_ptr_null(kconfig_dotconfig_find_value(text, "CONFIG_C").data);
	ck_assert_ptr_null(kconfig_dotconfig_find_value(text, "CONFIG_").data);
	free(merged);
}
