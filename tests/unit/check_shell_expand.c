/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
#include "../lib/test.h"

#include "shell/expand.h"

#include "shell/parse.h"

/* Variables of the words below, also set for dash. */
static const char *const variables[][2] = {
	{ "a", "x y" },        { "b", " lead  trail " },
	{ "c", "1:2::3:" },    { "e", "" },
	{ "g", "*.c" },        { "s", "\\" },
	{ "t", "\\*" },        { "p", "src/lib/x.tar.gz" },
	{ "q", "a'b\"c" },     { "n", "l1\nl2\n\n" },
	{ "m", " :x: :y : " }, { "HOME", "/ho me" },
};
static char *args[] = { "one", "two words", "", "*.c", NULL };

static struct arena arena;
static const char *ifs; /* NULL: unset */
static char *assigned; /* value assigned by ${u=...} */
static char *directory;

static const char *get(void *at, const char *name)
{
	(void)at;
	if (!strcmp(name, "IFS"))
		return ifs;
	if (!strcmp(name, "u"))
		return assigned;
	if (!strcmp(name, "?"))
		return "0";
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		if (!strcmp(variables[i][0], name))
			return variables[i][1];
	}
	return NULL;
}

static int set(void *at, const char *name, const char *value)
{
	(void)at;
	ck_assert_str_eq(name, "u");
	free(assigned);
	assigned = xstrdup(value);
	return 0;
}

/* Emulate $(echo ...) and $(printf ...), which print their words. */
static int commands(void *at, const struct shell_ast_node *list,
		    struct buf *out)
{
	struct shell_expand *e = at;
	struct shell_fields fields = { 0 };
	int ret;

	if (!list)
		return 0;
	ret = shell_expand_fields(e, list->words, false, &fields);
	for (size_t i = 1; i < fields.n; i++) {
		if (i > 1)
			buf_add_str(out, " ");
		buf_add_str(out, fields.v[i]);
	}
	buf_add_str(out, "\n\n");
	return ret;
}

static struct shell_expand expander;

static void setup(void)
{
	expander = (struct shell_expand){
		.arena = &arena,
		.ctx = &expander,
		.get = get,
		.set = set,
		.substitute = commands,
		.args = args,
		.n_args = 4,
	};
	ifs = " \t\n";
}

static void teardown(void)
{
	arena_release(&arena);
	free(assigned);
	assigned = NULL;
}

static const struct shell_ast_node *parse(const char *text)
{
	const struct shell_ast_node *node = NULL;
	enum shell_fallback_reason why = SHELL_FALLBACK_NONE;

	ck_assert_msg(!shell_parse_script(&arena, bytes_str(text), &node, &why),
		      "%s: %s", text, shell_stats_fallback_reason_text(why));
	return node;
}

/* Return the fields of `words`, each in < >. */
static char *kfarm_fields(const char *words)
{
	char *script = xasprintf("x %s\n", words);
	struct shell_fields fields = { 0 };
	struct buf out = { 0 };
	int ret;

	ret = shell_expand_fields(&expander, parse(script)->words, false,
				  &fields);
	for (size_t i = 1; i < fields.n && !ret; i++)
		buf_printf(&out, "<%s>", fields.v[i]);
	if (ret)
		buf_printf(&out, "error: %s", expander.error);
	free(script);
	return buf_steal(&out);
}

/* Return the fields that dash makes of `words`, each in < >. */
static char *dash_fields(const char *words)
{
	struct buf script = { 0 }, out = { 0 };
	char chunk[4096];
	size_t n;
	FILE *pipe;

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		buf_printf(&script, "%s=", variables[i][0]);
		buf_add_shell_word(&script, variables[i][1]);
		buf_add_str(&script, "\n");
	}
	buf_add_str(&script, "unset IFS; set --");
	for (size_t i = 0; i < expander.n_args; i++) {
		buf_add_str(&script, " ");
		buf_add_shell_word(&script, args[i]);
	}
	buf_add_str(&script, "\n");
	if (ifs) {
		buf_add_str(&script, "IFS=");
		buf_add_shell_word(&script, ifs);
		buf_add_str(&script, "\n");
	}
	/* printf must not run for a word that expands to no fields. */
	buf_printf(&script, "for _i in %s\ndo printf '<%%s>' \"$_i\"\ndone\n",
		   words);
	ck_assert_int_eq(setenv("SCRIPT", buf_str(&script), 1), 0);
	pipe = popen("dash -c \"$SCRIPT\" 2>&1", "r");
	ck_assert_ptr_nonnull(pipe);
	while ((n = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		buf_add(&out, chunk, n);
	pclose(pipe);
	buf_release(&script);
	return buf_steal(&out);
}

static const char *const words[] = {
	"a b 'c d' \"e f\" g\\ h",
	"$a \"$a\" x$a'y z'$a",
	"$e \"$e\" '' \"\" $e$e \"$e\"$e",
	"$b \"$b\" $b$b x$b $b'' ''$b",
	"$c $m $a$m$a $m$b x$m",
	"\"$@\" . \"$*\" . $@ . $* . x\"$@\"y . $@$@ . \"$@$@\"",
	"x$*y \"x$*y\" '' \"$@\" \"\"$@ $@''",
	"\"${@}\" ${@} \"${*}\" ${#} $# ${#@} \"${#*}\" $1 ${2} \"$2\" ${10} $10",
	"${u-a b} \"${u-a b}\" ${u-\"a b\"} ${u-'a b'c d} \"${u-'a b'}\"",
	"\"${u-\"a b\"}\" \"${u-\"a}b\"}\" ${u-\"a}b\"} ${u-a\\}b} \"${u-a\\}b}\"",
	"${u-$a} \"${u-$a}\" ${u-\"$a\"} ${u-\"$@\"} \"${u-$@}\" \"${u-\"$@\"}\"",
	"${a+set} ${u+set} ${e+set} ${e:+set} ${e:-empty} ${e-empty} x${u+}y",
	"${a+$a z} \"${a+$a z}\" ${a+'q r'} \"${a+'q r'}\" ${a+\"$@\"}",
	"${u=new val} \"$u\" $u ${u=other}",
	"${u:=\"$@\"} $u",
	"\"${u=~}\" $u",
	"${u=\"${u=$@}\"} \"${u=$b}\"",
	"${u=\"${u=\"$@\"}\"} \"${u=$@}\"$m",
	"${u=\"${u=${u-$@}}\"} \"${u=`echo q`}\"$m",
	"${u=\"${u=${u-$*}${u+\"$@\"}}\"$@}$m$@",
	"\"${u?~ $a}\"",
	"${u:=$b} \"$u\"",
	"${#a} ${#u} ${#e} \"${#p}\" ${#1}",
	"${p%.*} ${p%%.*} ${p#*/} ${p##*/} ${p%x} ${p#x} ${p%'.'*} ${p%\".*\"}",
	"\"${p%.*}\" \"${p##*/}\" \"${p%'.gz'}\" \"${p%\"${u-.gz}\"}\" ${a% *} ${a#x}",
	"${u%x} \"${u%x}\" ${e%x} \"${e#x}\" ${b% } \"${b# }\" ${c%:*} ${c##*:}",
	"${s%\\\\} ${t%\\*} ${t%'*'} ${p%[gx]*} ${p%[!a-y]*} ${p#$t}",
	"$(echo a b) \"$(echo a b)\" $(echo \"a  b\") \"$(echo \"a  b\")\" $() \"$()\"",
	"`echo a b` \"`echo a b`\" `echo \\`echo x\\`` \"`echo \\\"x y\\\"`\" `echo '\\\\'`",
	"$(echo $a) \"$n\" $n x$(echo)y '\n'",
	"~ ~/x \"~\" '~/x' \\~ x~ ~: a=~ a:~ ${u-~} ${u-~/x} \"${u-~}\" ~\"\"",
	"*.c a* .h* *.h [ab].c [!a].c nothing* '*.c' \"*.c\" \\*.c *\".c\"",
	"s*/y\\* s*/y'*' s*/\\y\\* */x\\* \\s*/y\\*",
	"$g \"$g\" $g$g sub/* */*.c sub/../*.c ./*.c */ *// su[b]/x.c [.]/* .[!.]*",
	"$t $t.c a$s $s$s \"$s\" $s\"*\" $s\\* [a [ ] [] [!] []a] [a]] [[:alpha:]].c",
	"[[:digit:]]* [a-c].c [c-a].c [-a].c [a-].c [a\\-c].c ['a'-b].c ?.c ??? \"?\".c",
	"$ $'a' $\"b\" a$ $/ \"$\" \"a$\" \"$ \" $= ${e}$",
	"\\a \\\\ \\\" \"\\a\" \"\\\\\" \"\\\"\" \"\\$a\" \"\\`\" '\\' \"\\\na\" b\\\nc",
	"$q \"$q\" ${q#*\"'\"} \"${q%\\\"*}\" {a,b} {} a{b }",
	"${u?no} x",
	"${u?} x",
	"${e:?} x",
	"\"${u:?a  $a}\" x",
	"${u-${u-${u-deep $a}}} \"${u-${u-\"$a\"}}\" ${u-`echo x y`} ${u-$(echo x y)}",
	"${u-a}${u-b c}d \"x${u-a b}y\"${u-c d} ${u- a b } x${u- a b }y",
	"${u-*.c} \"${u-*.c}\" ${u-\"*.c\"} ${u-'*'.c} ${a+*.c}",
	"$a\"$@\"$a $a$@$a \"$a$@$a\" $@\"$a\"",
	"$m\"$@\"$m $m$@ ${u-$m} ${u-$m$m} '' $m",
	"\"$@\"$c $c\"$@\" \"x$@\"$b \"$@\"\"$@\" $*\"$*\"",
};

static const char *const separators[] = { " \t\n", NULL, "",   ":", " :",
					  ": ",    "x",  "\\", "*" };

static void require_dash(void)
{
	if (system("dash -c : 2>/dev/null"))
		SKIP("no dash");
}

static void make_files(void)
{
	static const char *const names[] = { "a.c",   "b.c",     "c.h",
					     ".hid",  "sub/x.c", "sub/.y",
					     "sub/y*" };
	char template[] = "/tmp/shell-expand.XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(template));
	directory = xstrdup(template);
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(mkdir("sub", 0777), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int fd = open(names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0666);

		ck_assert_int_ge(fd, 0);
		close(fd);
	}
}

static void remove_files(void)
{
	char *command = xasprintf("rm -rf %s", directory);

	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(directory);
}

FIXTURE_ONCE(require_dash, NULL);
FIXTURE_ONCE(make_files, remove_files);
FIXTURE(setup, teardown);
TIMEOUT(60);

TEST_EACH(words_expand_to_the_same_fields_as_in_dash, words)
{
	for (size_t i = 0; i < sizeof(separators) / sizeof(*separators); i++) {
		char *mine, *dash;

		teardown();
		setup();
		ifs = separators[i];
		mine = kfarm_fields(*row);
		dash = dash_fields(*row);
		if (!strncmp(mine, "error: ", 7))
			ck_assert_msg(strstr(dash, mine + 7) != NULL,
				      "%s: %s, dash: %s", *row, mine, dash);
		else
			ck_assert_msg(!strcmp(mine, dash),
				      "%s, IFS '%s':\n%s, dash:\n%s", *row,
				      ifs ? ifs : "unset", mine, dash);
		free(mine);
		free(dash);
	}
}

TEST_EACH(words_expand_without_positional_parameters_as_in_dash, words)
{
	for (size_t i = 0; i < 5; i++) {
		char *mine, *dash;

		teardown();
		setup();
		expander.n_args = 0;
		ifs = separators[i];
		mine = kfarm_fields(*row);
		dash = dash_fields(*row);
		if (strncmp(mine, "error: ", 7) != 0)
			ck_assert_msg(!strcmp(mine, dash), "%s:\n%s, dash:\n%s",
				      *row, mine, dash);
		free(mine);
		free(dash);
	}
}

static const struct {
	const char *word, *value;
} values[] = {
	{ "a=$a", "x y" },
	{ "a=$@", "one two words  *.c" },
	{ "a=~", "/ho me" },
	{ "a=~/x:~:~/y", "/ho me/x:/ho me:/ho me/y" },
	{ "a='~':b~:\\~", "~:b~:~" },
	{ "a=*.c$b", "*.c lead  trail " },
	{ "a=", "" },
	{ "a=b=$e~", "b=~" },
	{ "a=$(echo 'x  y')", "x  y" },
	{ "a=${u-~:~}", "/ho me:/ho me" },
};

TEST_EACH(assigned_values_are_not_split_and_expand_tildes_after_colons, values)
{
	const char *text = NULL;

	ck_assert_int_eq(
		shell_expand_assignment(
			&expander, parse(row->word)->assigns->value, &text),
		0);
	ck_assert_str_eq(text, row->value);
}

TEST(export_arguments_are_expanded_like_assignments)
{
	struct shell_fields fields = { 0 };

	ck_assert_int_eq(shell_expand_fields(
				 &expander,
				 parse("x a=~:$a $e b\"=\"~ c=$a d=\n")->words,
				 true, &fields),
			 0);
	ck_assert_uint_eq(fields.n, 5);
	ck_assert_str_eq(fields.v[1], "a=/ho me:x y");
	ck_assert_str_eq(fields.v[2], "b=~");
	ck_assert_str_eq(fields.v[3], "c=x y");
	ck_assert_str_eq(fields.v[4], "d=");
	ck_assert_ptr_null(fields.v[5]);
}

static const struct {
	const char *pattern, *text;
	bool match;
} matches[] = {
	{ "*", "", true },
	{ "*", "abc", true },
	{ "a*c", "abc", true },
	{ "a*c", "abcd", false },
	{ "*a*b*", "xaxbx", true },
	{ "*a*b*", "xbxax", false },
	{ "?", "", false },
	{ "??", "ab", true },
	{ "[abc]", "b", true },
	{ "[!abc]", "b", false },
	{ "[!abc]", "d", true },
	{ "[a-c]x", "bx", true },
	{ "[]a]", "]", true },
	{ "[!]a]", "]", false },
	{ "[a-]", "-", true },
	{ "[a", "[a", true },
	{ "[", "[", true },
	{ "[!", "[!", true },
	{ "\\*", "*", true },
	{ "\\*", "x", false },
	{ "a\\", "a\\", true },
	{ "[\\]]", "]", true },
	{ "[[:digit:]]", "5", true },
	{ "[[:digit:]]", "x", false },
	{ "[[:nope:]]", ":]", true },
	{ "", "", true },
	{ "", "a", false },
	{ "[a-", "[a-", true },
	{ "[a\\", "[a\\", true },
	{ "[\\", "[\\", true },
};

TEST_EACH(patterns_match_according_to_the_rules_of_dash, matches)
{
	ck_assert_msg(shell_match_pattern(row->pattern, row->text) ==
			      row->match,
		      "%s %s", row->pattern, row->text);
}

TEST(quoted_characters_of_a_case_pattern_are_escaped)
{
	const struct shell_ast_node *node = parse(
		"case x in $g|\"$g\"|a'*'$e*|$t) ;; esac");
	const struct shell_word *word = node->items->patterns;
	static const char *const expected[] = { "*.c", "\\*.c", "a\\**",
						"\\*" };

	for (size_t i = 0; i < 4; i++, word = word->next) {
		const char *pattern = NULL;

		ck_assert_int_eq(
			shell_expand_pattern(&expander, word, &pattern), 0);
		ck_assert_str_eq(pattern, expected[i]);
	}
}

TEST(a_here_document_expands_parameters_but_keeps_quotes)
{
	const struct shell_ast_node *node = parse(
		"x <<E\n'$a' \"$a\" \\$a \\\" ${u-\"q\"} $(echo z) ~\nE\n");
	struct bytes text = { 0 };

	ck_assert_int_eq(
		shell_expand_heredoc(&expander, node->redirs->word, &text), 0);
	ck_assert_str_eq((const char *)text.data,
			 "'x y' \"x y\" $a \\\" q z ~\n");
}

TEST(nounset_rejects_an_unset_parameter_without_an_operator)
{
	const char *text;

	expander.nounset = true;
	ck_assert_int_eq(
		shell_expand_word(&expander, parse("x $u")->words->next, &text),
		-EINVAL);
	ck_assert_str_eq(expander.error, "u: parameter not set");
	ck_assert_int_eq(shell_expand_word(
				 &expander,
				 parse("x ${u-a}$@${u+b}")->words->next, &text),
			 0);
}

TEST(no_glob_disables_pathname_expansion)
{
	struct shell_fields fields = { 0 };

	expander.no_glob = true;
	ck_assert_int_eq(shell_expand_fields(&expander, parse("*.c $g")->words,
					     false, &fields),
			 0);
	ck_assert_uint_eq(fields.n, 2);
	ck_assert_str_eq(fields.v[0], "*.c");
}
