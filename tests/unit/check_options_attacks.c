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

static bool sent_away(const struct strv *words, bool first)
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

TEST_EACH(no_attack_is_sent_away, attacks)
{
	struct strv words = { 0 };

	split(&words, *row);
	ck_assert_msg(!sent_away(&words, true), "%s", *row);
	ck_assert_msg(!sent_away(&words, false), "%s", *row);
	strv_release(&words);
}

static void refused(const char *line, const char *name, const char *value)
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

static void refused_however_cut(const char *line, const char *word)
{
	refused(line, word, NULL);
	for (size_t i = 0; i <= strlen(word); i++) {
		char *name = xstrndup(word, i);

		refused(line, name, word + i);
		free(name);
	}
}

static void refused_all(const char *line)
{
	struct strv words = { 0 };

	split(&words, line);
	/* The words of "-g -g0" are harmless alone. */
	for (size_t i = 0; i < words.n; i++) {
		refused_however_cut(line, words.v[i]);
		if (i + 1 < words.n)
			refused(line, words.v[i], words.v[i + 1]);
	}
	strv_release(&words);
}

TEST_EACH(a_node_takes_no_attack, attacks)
{
	refused_all(*row);
}

TEST_EACH(what_is_harmless_is_sent_away, harmless)
{
	struct strv words = { 0 };

	split(&words, *row);
	ck_assert_msg(sent_away(&words, true), "%s", *row);
	strv_release(&words);
}

TEST_EACH(of_the_harmless_a_node_does_not_take_all, never_remote)
{
	struct strv words = { 0 };

	split(&words, *row);
	refused(*row, words.v[0], NULL);
	if (words.n > 1)
		refused(*row, words.v[0], words.v[1]);
	else
		refused_however_cut(*row, words.v[0]);
	strv_release(&words);
}

TEST_RANGE(a_name_is_not_made_of_two, 0, 26)
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

	refused("pair", pairs[_i][0], pairs[_i][1]);
}

TEST(a_value_has_a_limit)
{
	char *long_value = xmalloc(5000);

	memset(long_value, 'a', 4999);
	long_value[4999] = '\0';
	refused("long", "-fmacro-prefix-map=", long_value);
	refused("long", "-W", long_value);
	memcpy(long_value, "-m", 2);
	refused("long", "-I", long_value);
	refused("long", "-Wa,", long_value);
	free(long_value);
}
