/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/*
 * Command lines that would execute, write or read files on a node.  None can be
 * offloaded, and a node must reject each of their words, in every division into
 * name and value.
 */
#include "../lib/test.h"
#include "options-attacks.h"
#include "options/allowlist.h"
#include "options/command.h"

static void split(struct strv *words, const char *line)
{
	for (;;) {
		size_t n = strcspn(line, "|");

		/* gcc's "=|X" names a program to execute */
		if (n && line[n] && line[n - 1] == '=')
			n += 1 + strcspn(line + n + 1, "|");
		strv_own(words, xstrndup(line, n));
		if (!line[n])
			return;
		line += n + 1;
	}
}

static bool is_offloaded(const struct strv *words, bool first)
{
	struct options_command c;
	struct strv argv = { 0 };
	bool is_remote;

	strv_add(&argv, "gcc");
	if (first)
		strv_add_all(&argv, words->v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-O2");
	strv_add(&argv, "in.c");
	if (!first)
		strv_add_all(&argv, words->v);
	options_command_parse(&c, argv.v);
	is_remote = c.class == OPTIONS_CLASS_REMOTE;
	options_command_release(&c);
	strv_release(&argv);
	return is_remote;
}

TEST_EACH(an_attack_is_never_offloaded, attacks)
{
	struct strv words = { 0 };

	split(&words, *row);
	ck_assert_msg(!is_offloaded(&words, true), "%s", *row);
	ck_assert_msg(!is_offloaded(&words, false), "%s", *row);
	strv_release(&words);
}

static void check_rejected(const char *line, const char *name,
			   const char *value)
{
	struct strv argv = { 0 };
	struct err err = { 0 };
	int ret = options_allowlist_add_flag(&argv, name, value, &err);

	ck_assert_msg(ret == -ENOTSUP, "%s: allowed '%s' '%s'", line, name,
		      value ? value : "(null)");
	ck_assert_str_ne(err.text, "");
	ck_assert_uint_eq(argv.n, 0);
	strv_release(&argv);
}

static void check_rejected_at_any_split(const char *line, const char *word)
{
	check_rejected(line, word, NULL);
	for (size_t i = 0; i <= strlen(word); i++) {
		char *name = xstrndup(word, i);

		check_rejected(line, name, word + i);
		free(name);
	}
}

static void check_all_rejected(const char *line)
{
	struct strv words = { 0 };

	split(&words, line);
	/* The words of "-g -g0" are harmless alone. */
	for (size_t i = 0; i < words.n; i++) {
		check_rejected_at_any_split(line, words.v[i]);
		if (i + 1 < words.n)
			check_rejected(line, words.v[i], words.v[i + 1]);
	}
	strv_release(&words);
}

TEST_EACH(a_node_rejects_each_word_of_an_attack, attacks)
{
	check_all_rejected(*row);
}

TEST_EACH(harmless_options_are_offloaded, harmless)
{
	struct strv words = { 0 };

	split(&words, *row);
	ck_assert_msg(is_offloaded(&words, true), "%s", *row);
	strv_release(&words);
}

TEST_EACH(a_node_rejects_harmless_options_that_are_never_sent, never_remote)
{
	struct strv words = { 0 };

	split(&words, *row);
	check_rejected(*row, words.v[0], NULL);
	if (words.n > 1)
		check_rejected(*row, words.v[0], words.v[1]);
	else
		check_rejected_at_any_split(*row, words.v[0]);
	strv_release(&words);
}

TEST_RANGE(a_name_and_a_value_cannot_form_another_option, 0, 26)
{
	/* name, value: together another option, or several options */
	static const char *const pairs[][2] = {
		{ "-W", "a,-al=/tmp/x" },
		{ "-W", "p,-MD,x" },
		{ "-W", "l,-x" },
		{ "-march=", "native" },
		{ "-mtune=", "native" },
		{ "-f", "plugin=x" },
		{ "-m", "arch=native" },
		{ "-O", "2 -fplugin=x" },
		{ "-fno-common", "x" },
		{ "-fno-common", "=x" },
		{ "-std=", "" },
		{ "--param", "" },
		{ "--param", "-fplugin=x" },
		{ "--param", "@x" },
		{ "", "" },
		{ "", "-fno-common" },
		{ "-", "" },
		{ "x", "" },
		{ "in.c", "" },
		{ "/etc/shadow", "" },
		{ "-G", "" },
		{ "-G", "x" },
		{ "-Wa,", "-al" },
		{ "-Wa,", "" },
		{ "-Xassembler", "" },
		{ "-fmacro-prefix-map=", "" },
	};

	check_rejected("pair", pairs[_i][0], pairs[_i][1]);
}

TEST(an_overlong_value_is_rejected)
{
	char *long_value = xmalloc(5000);

	memset(long_value, 'a', 4999);
	long_value[4999] = '\0';
	check_rejected("long", "-fmacro-prefix-map=", long_value);
	check_rejected("long", "-W", long_value);
	memcpy(long_value, "-m", 2);
	check_rejected("long", "-I", long_value);
	check_rejected("long", "-Wa,", long_value);
	free(long_value);
}
