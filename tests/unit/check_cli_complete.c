/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* tests/cli/completion.sh tests the candidates themselves. */
#include "../lib/test.h"

#include "cli/complete.h"

#define BREAKS " \t\n\"'><=;|&(:"

static const struct args_option options[] = {
	{ 'a', "arch", "ARCH", "of it", args_text, 0, 0 },
	{ 'v', "verbose", NULL, "more", args_flag, 0, 0 },
	{ 0, "ui", "VIEW", "shown", args_text, 0, 0 },
	{ 0, "play", "[=FILE]", "it", args_text, 0, 0 },
	{ 0 },
};

static const struct cmd_verb verbs[] = {
	{ "list", "", "ui", 0, 0, "all", NULL },
	{ "add", " NAME ADDRESS", "arch", 2, 2, "one", NULL },
	{ 0 },
};

static const struct cmd with_words = { .name = "build",
				       .usage = "[OPTION]... [WHEN]...",
				       .help = "",
				       .options = options };
static const struct cmd with_verbs = { .name = "nodes",
				       .usage = "VERB",
				       .help = "",
				       .options = options,
				       .verbs = verbs };
static const struct cmd runs = { .name = "run",
				 .usage = "[OPTION]... -- COMMAND",
				 .help = "",
				 .options = options,
				 .takes_command = true };
static const struct cmd *const commands[] = { &with_words, &with_verbs, &runs,
					      NULL };

/*
 * Words separated by spaces, of which the last is incomplete, and the context
 * found.
 */
static const struct {
	const char *line, *found;
} lines[] = {
	{ "no", "nodes" },
	{ "nodes ", "add list" },
	{ "nodes l", "list" },
	{ "nodes list --", "--help --ui" },
	{ "nodes add --a", "--arch" },
	{ "nodes add x ss", "ssh:" },
	{ "nodes add x y ss", "" },
	{ "nodes oops ", "" },
	{ "build a", "always auto" },
	{ "build -v a", "always auto" },
	{ "build -va arm6", "arm64" },
	{ "build -a arm6", "arm64" },
	{ "build -aarm6", "-aarm64" },
	{ "build --arch arm6", "arm64" },
	{ "build --arch=arm6", "--arch=arm64" },
	{ "build --arch=x,arm6", "--arch=x,arm64" },
	{ "build -- -a a", "always auto" },
	{ "build --nonsense a", "always auto" },
	{ "build --verbose=x a", "always auto" },
	{ "build --play a", "always auto" },
	{ "build -v", "-v" },
	{ "build --v", "--verbose" },
	{ "build --verbose=", "" },
	{ "build --nonsense=", "" },
	{ "build -xyz", "" },
	{ "oops ", "" },
};

TEST_EACH(candidates_depend_on_the_preceding_words, lines)
{
	struct strv words = { 0 };
	struct complete c;
	char *found, *line = xasprintf("kfarm %s", row->line);
	struct complete_line l;

	complete_line_parse(&l, line, BREAKS);
	for (size_t i = 1; i + 1 < l.words.n; i++)
		strv_add(&words, l.words.v[i]);
	complete_command_line(&c, commands, strv_list(&words),
			      l.words.v[l.words.n - 1]);
	for (size_t i = 0; i < c.candidates.n; i++)
		*strchrnul(c.candidates.v[i], '\t') = '\0';
	found = strv_join(&c.candidates, " ");
	ck_assert_str_eq(found, row->found);
	free(found);
	free(line);
	complete_release(&c);
	complete_line_release(&l);
	strv_release(&words);
}

TEST(the_first_word_of_the_command_for_run_is_found)
{
	static const struct {
		const char *words[6];
		size_t at;
	} begins[] = {
		{ { "run", "" }, 2 },
		{ { "run", "-a", "x", "ma" }, 4 },
		{ { "run", "--", "ma" }, 3 },
		{ { "run", "make", "-j", "" }, 2 },
		{ { "run", "-v", "--", "make", "-" }, 4 },
	};

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		struct strv before = { 0 };
		struct complete c;
		size_t n = 0;

		for (; begins[i].words[n + 1]; n++)
			strv_add(&before, begins[i].words[n]);
		complete_command_line(&c, commands, strv_list(&before),
				      begins[i].words[n]);
		ck_assert_int_eq(c.fallback, COMPLETE_FALLBACK_COMMAND);
		ck_assert_uint_eq(c.command_index, begins[i].at);
		complete_release(&c);
		strv_release(&before);
	}
}

/*
 * A line, its last word, the open quote, the part that readline leaves
 * unchanged, and the number of words for bash.
 */
static const struct {
	const char *text, *last;
	char quote;
	size_t cut, pieces;
} typed[] = {
	{ "", "", 0, 0, 0 },
	{ "kfarm", "kfarm", 0, 0, 1 },
	{ "kfarm ", "", 0, 0, 1 },
	{ "kfarm  a\\ b", "a b", 0, 0, 2 },
	{ "kfarm \"a b", "a b", '"', 0, 2 },
	{ "kfarm 'a\\ b", "a\\ b", '\'', 0, 2 },
	{ "kfarm --a=b", "--a=b", 0, 4, 4 },
	{ "kfarm --a=\"b", "--a=b", '"', 4, 4 },
	{ "kfarm a\\:b", "a:b", 0, 0, 2 },
	{ "kfarm a:b:", "a:b:", 0, 4, 5 },
	{ "kfarm \"a:b", "a:b", '"', 0, 2 },
	{ "kfarm \"a\"b", "ab", 0, 1, 2 },
	{ "kfarm \\", "\\", 0, 0, 2 },
};

TEST_EACH(a_line_is_parsed_as_by_bash, typed)
{
	struct complete_line l;
	size_t n;

	complete_line_parse(&l, row->text, BREAKS);
	ck_assert_str_eq(l.words.v[l.words.n - 1], row->last);
	ck_assert_int_eq(l.quote, row->quote);
	ck_assert_uint_eq(l.cut_bytes, row->cut);
	n = complete_line_word_index(row->text, BREAKS, l.words.n);
	ck_assert_uint_eq(n, row->pieces);
	complete_line_release(&l);
}

/* For each open quote, the parser returns the original word. */
TEST(a_quoted_word_is_parsed_unchanged)
{
	static const char letters[] = "ab $`\\\"'!*?~#&|;<>(){}[]=:\t";
	static const char *const begins[] = { "", "\"", "'" };

	srandom(1);
	for (int round = 0; round < 3000; round++) {
		const char *begin = begins[round % 3];
		struct complete_line l = { .quote = *begin }, back;
		struct buf text = { 0 };
		char word[12];
		size_t n = (size_t)random() % (sizeof(word) - 1);

		for (size_t i = 0; i < n; i++)
			word[i] = letters[(size_t)random() %
					  (sizeof(letters) - 1)];
		word[n] = '\0';
		buf_printf(&text, "x %s", begin);
		if (complete_line_quote(&l, word, &text)) {
			complete_line_parse(&back, buf_str(&text), "");
			ck_assert_uint_eq(back.words.n, 2);
			ck_assert_str_eq(back.words.v[1], word);
			complete_line_release(&back);
		} else {
			ck_assert(strchr(word, *begin == '"' ? '!' : '\''));
		}
		buf_release(&text);
	}
}
