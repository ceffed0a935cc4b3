/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
#include "../lib/test.h"

#include "shell/parse.h"

#include "base/buf.h"

static struct arena arena;

static void teardown(void)
{
	arena_release(&arena);
}

static void put_node(struct buf *out, const struct shell_ast_node *n);

static void put_word(struct buf *out, const struct shell_word *w)
{
	static const char *const operators[] = { "",  "#", "-",  "=", "?",
						 "+", "%", "%%", "^", "^^" };

	if (!w->parts)
		buf_add_str(out, w->literal);
	for (const struct shell_part *p = w->parts; p; p = p->next) {
		if (p->quoted && p->kind != SHELL_PART_TEXT)
			buf_add_str(out, "\"");
		if (p->kind == SHELL_PART_TEXT) {
			buf_add_str(out, p->quoted ? "'" : "");
			buf_add(out, p->text, p->len);
			buf_add_str(out, p->quoted ? "'" : "");
		} else if (p->kind == SHELL_PART_PARAM) {
			buf_printf(out, "${%s%s%s", p->name,
				   p->colon ? ":" : "", operators[p->op]);
			if (p->word)
				put_word(out, p->word);
			buf_add_str(out, "}");
		} else {
			buf_add_str(out, "$(");
			if (p->list)
				put_node(out, p->list);
			buf_add_str(out, ")");
		}
	}
}

static void put_words(struct buf *out, const struct shell_word *w)
{
	for (; w; w = w->next) {
		buf_add_str(out, " ");
		put_word(out, w);
	}
}

static void put_redirs(struct buf *out, const struct shell_redir *r)
{
	static const char *const kinds[] = { "<",  ">",  ">>", ">|",
					     "<>", ">&", "<<" };

	for (; r; r = r->next) {
		buf_printf(out, " %d%s", r->fd, kinds[r->kind]);
		if (r->word)
			put_word(out, r->word);
		else
			buf_printf(out, "%d", r->source_fd);
	}
}

static void put_items(struct buf *out, const struct shell_case_item *i)
{
	for (; i; i = i->next) {
		buf_add_str(out, " [");
		put_words(out, i->patterns);
		buf_add_str(out, ":");
		if (i->body)
			put_node(out, i->body);
		buf_add_str(out, "]");
	}
}

/* Print a node in brackets, with its line unless it is the first. */
static void put_node(struct buf *out, const struct shell_ast_node *n)
{
	static const char *const kinds[] = {
		"",   "|",  "!",    "&&",  "||",    ";",     "sub",
		">>", "if", "case", "for", "while", "until",
	};
	const struct shell_ast_node *below[] = { n->test, n->left, n->right };

	buf_printf(out, "(%s", kinds[n->kind]);
	if (n->line != 1)
		buf_printf(out, "@%u", n->line);
	if (n->name)
		buf_printf(out, " %s", n->name);
	for (const struct shell_assign *a = n->assigns; a; a = a->next) {
		buf_printf(out, " %s:=", a->name);
		put_word(out, a->value);
	}
	put_words(out, n->words);
	put_items(out, n->items);
	for (size_t i = 0; i < 3; i++) {
		if (below[i])
			put_node(out, below[i]);
	}
	for (const struct shell_ast_node *m = n->list; m; m = m->next)
		put_node(out, m);
	put_redirs(out, n->redirs);
	buf_add_str(out, ")");
}

static const struct {
	const char *script, *tree;
} parsed[] = {
	{ "a b  c # d", "( a b c)" },
	{ "a; b\nc", "(;( a)( b)(@2 c))" },
	{ "a\\\nb c\\\n d", "(@2 ab c d)" },
	{ "a && b || ! c | d", "(||(&&( a)( b))(!(|( c)( d))))" },
	{ "a |\n\n b", "(|( a)(@3 b))" },
	{ "x=1 y=$z a x=2", "( x:=1 y:=${z} a x=2)" },
	{ "x=", "( x:=)" },
	{ "x='' 1x=2", "( x:='''' 1x=2)" },
	{ "\"x\"=1 $x=1", "( '''x'''=1 ${x}=1)" },
	{ "a'b'\"c$d\"e", "( a'''b''''''c'\"${d}''e)" },
	{ "a \"$@\" \"$@$b\"", "( a \"${@} ''\"${@}\"${b}'')" },
	{ "a \\$b \"\\a\\$\\\"\"", "( a '$'b '''\\a$\"''')" },
	{ "${a-b c} ${a:-'}'} \"${a+}\" ${#a} ${a%%/*} ${a#\"*\"}",
	  "( ${a-b c} ${a:-'''}'''} ''\"${a+}'' ${a#} ${a%%/*} ${a^'''*'''})" },
	{ "\"${a-'b'\"c}\"}\"", "( ''\"${a-''b'''''c}'''}'')" },
	{ "$# ${#} ${##} ${#-x} $1x ${10} $$ $? $! $-",
	  "( ${#} ${#} ${##} ${#-x} ${1}x ${10} ${$} ${?} ${!} ${-})" },
	{ "a $(b; c) `d \\`e\\` \\$f` \"`g \\\"h\\\"`\" $()",
	  "( a $((;( b)( c))) $(( d $(( e)) ${f})) ''\"$(( g '''h'''))'' $())" },
	{ "a >b 2>&1 <c >>d 3<>e >|f 4>&- 5<&$g >&x 12>h",
	  "( a 12 1>b 2>&1 0<c 1>>d 3<>e 1>|f 4>&-1 5>&${g} 1>&x 1>h)" },
	{ ">a b 2> c", "( b 1>a 2>c)" },
	{ "a <<E; b\nx $y\\\n z\nE\nc",
	  "(;( a 0<<'x '\"${y}' z\n')( b)(@5 c))" },
	{ "a <<'E' <<-F\nx $y\nE\n\tz\n\tF\n", "( a 0<<x $y\n 0<<z\n)" },
	{ "a <<\"\"\nb\n\nc", "(;( a 0<<b\n)(@4 c))" },
	{ "if a; then b; elif c; then d; else e; fi",
	  "(if( a)( b)(if( c)( d)( e)))" },
	{ "if a\nthen b\nfi >c", "(>>(if( a)(@2 b)) 1>c)" },
	{ "while a; do b; done; until c\ndo d\ndone",
	  "(;(while( a)( b))(until( c)(@2 d)))" },
	{ "for i in a $b; do c; done", "(for i a ${b}( c))" },
	{ "for i\ndo a; done", "(for i \"${@}(@2 a))" },
	{ "for i\nin a\n\ndo b; done", "(for i a(@4 b))" },
	{ "case a in b|c) d;; (e) ;; *) f\nesac",
	  "(case a [ b c:( d)] [ e:] [ *:( f)])" },
	{ "case a in esac", "(case a)" },
	{ "case a in if) b ;; (esac) c;; esac",
	  "(case a [ if:( b)] [ esac:( c)])" },
	{ "(a; b) >c; { d; } 2>e; { f; }",
	  "(;(sub(;( a)( b)) 1>c)(>>( d) 2>e)( f))" },
	{ "if { a; } then (b) fi", "(if( a)(sub( b)))" },
	{ "echo if then { } ! done", "( echo if then { } ! done)" },
	{ "{a b}", "( {a b})" },
	{ "[ -f a ] [a [a] a]", "( [ -f a ] [a [a] a])" },
	{ "a=~ ~/b x~y", "( a:=~ ~/b x~y)" },
	{ "a`b\n`\nc", "(;@2(@2 a$(( b)))(@3 c))" },
	{ "\n\n  a\n", "(@3 a)" },
	{ "=a b", "( =a b)" },
};

/* Fill the arena, so that allocations are not zeroed. */
static void dirty_arena(void)
{
	struct arena_mark mark = arena_mark(&arena);

	memset(arena_alloc(&arena, 4096), 'a', 4096);
	arena_rewind(&arena, mark);
}

FIXTURE(NULL, teardown);

TEST_EACH(a_script_is_parsed_into_the_expected_syntax_tree, parsed)
{
	const struct shell_ast_node *list = NULL;
	enum shell_fallback_reason why = SHELL_FALLBACK_NONE;
	struct buf out = { 0 };
	int ret;

	dirty_arena();
	ret = shell_parse_script(&arena, bytes_str(row->script), &list, &why);
	ck_assert_msg(!ret, "%s: %s", row->script,
		      shell_stats_fallback_reason_text(why));
	put_node(&out, list);
	ck_assert_str_eq(buf_str(&out), row->tree);
	buf_release(&out);
}

static const struct {
	const char *script;
	enum shell_fallback_reason why;
} rejected[] = {
	{ "a &", SHELL_FALLBACK_BACKGROUND },
	{ "f() { a; }", SHELL_FALLBACK_FUNCTION },
	{ "a $((1))", SHELL_FALLBACK_ARITHMETIC },
	{ "\"$((1))\"", SHELL_FALLBACK_ARITHMETIC },
	{ "a ~user", SHELL_FALLBACK_TILDE },
	{ "a=b:~user", SHELL_FALLBACK_TILDE },
	{ "a ~${x-/}", SHELL_FALLBACK_TILDE },
	{ "a \x81", SHELL_FALLBACK_CHARACTER },
	{ "a '\x88'", SHELL_FALLBACK_CHARACTER },
	{ "'a", SHELL_FALLBACK_SYNTAX },
	{ "\"a", SHELL_FALLBACK_SYNTAX },
	{ "a ${b", SHELL_FALLBACK_SYNTAX },
	{ "a ${b!}", SHELL_FALLBACK_SYNTAX },
	{ "a ${}", SHELL_FALLBACK_SYNTAX },
	{ "a ${b:}", SHELL_FALLBACK_SYNTAX },
	{ "a ${b:%c}", SHELL_FALLBACK_SYNTAX },
	{ "a ${b:1}", SHELL_FALLBACK_SYNTAX },
	{ "a ${#b-c}", SHELL_FALLBACK_SYNTAX },
	{ "a ${1=b}", SHELL_FALLBACK_SYNTAX },
	{ "a ${@%b}", SHELL_FALLBACK_SYNTAX },
	{ "a $(b", SHELL_FALLBACK_SYNTAX },
	{ "a `b", SHELL_FALLBACK_SYNTAX },
	{ "a `b)`", SHELL_FALLBACK_SYNTAX },
	{ "a )", SHELL_FALLBACK_SYNTAX },
	{ "( )", SHELL_FALLBACK_SYNTAX },
	{ "{ }", SHELL_FALLBACK_SYNTAX },
	{ "{ a", SHELL_FALLBACK_SYNTAX },
	{ "a | ", SHELL_FALLBACK_SYNTAX },
	{ "a && ; b", SHELL_FALLBACK_SYNTAX },
	{ "; a", SHELL_FALLBACK_SYNTAX },
	{ "a ;; b", SHELL_FALLBACK_SYNTAX },
	{ "! ! a", SHELL_FALLBACK_SYNTAX },
	{ "a | ! b", SHELL_FALLBACK_SYNTAX },
	{ "if a; then fi", SHELL_FALLBACK_SYNTAX },
	{ "if a; then b", SHELL_FALLBACK_SYNTAX },
	{ "if (a) >b then c; fi", SHELL_FALLBACK_SYNTAX },
	{ "{ (a) >b }", SHELL_FALLBACK_SYNTAX },
	{ "for 1 in a; do b; done", SHELL_FALLBACK_SYNTAX },
	{ "for i in a & do b; done", SHELL_FALLBACK_SYNTAX },
	{ "case a in b c) d;; esac", SHELL_FALLBACK_SYNTAX },
	{ "case a b) c;; esac", SHELL_FALLBACK_SYNTAX },
	{ "fi", SHELL_FALLBACK_SYNTAX },
	{ "a >", SHELL_FALLBACK_SYNTAX },
	{ "a > # b", SHELL_FALLBACK_SYNTAX },
	{ "a > 2>b", SHELL_FALLBACK_SYNTAX },
	{ "a <<<b", SHELL_FALLBACK_SYNTAX },
	{ "a <<E", SHELL_FALLBACK_SYNTAX },
	{ "$(a <<E)\nE\n", SHELL_FALLBACK_SYNTAX },
	{ "a <<E\n${b-\n}\nE\n", SHELL_FALLBACK_SYNTAX },
	{ "for i in $(a) <<E\nE\ndo b; done", SHELL_FALLBACK_SYNTAX },
};

TEST_EACH(syntax_errors_and_unsupported_constructs_are_rejected, rejected)
{
	const struct shell_ast_node *list = NULL;
	enum shell_fallback_reason why = SHELL_FALLBACK_NONE;

	ck_assert_msg(shell_parse_script(&arena, bytes_str(row->script), &list,
					 &why) == -ENOTSUP,
		      "%s", row->script);
	ck_assert_str_eq(shell_stats_fallback_reason_text(why),
			 shell_stats_fallback_reason_text(row->why));
}

TEST(a_script_with_a_nul_byte_is_rejected)
{
	const struct shell_ast_node *list;
	enum shell_fallback_reason why;

	ck_assert_int_eq(
		shell_parse_script(&arena, bytes_of("a\0b", 3), &list, &why),
		-ENOTSUP);
}

TEST(an_empty_script_has_no_commands)
{
	static const char *const empty[] = { "", " \t", "\n\n", "# a", "\\\n" };

	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		const struct shell_ast_node *list = (void *)&arena;
		enum shell_fallback_reason why;

		ck_assert_int_eq(shell_parse_script(&arena, bytes_str(empty[i]),
						    &list, &why),
				 0);
		ck_assert_ptr_null(list);
	}
}

/* The interpreter recurses as deeply as the script is nested. */
static const struct {
	const char *start, *middle, *end;
	unsigned levels;
} deep[] = {
	{ "(", "a", ")", 101 },
	{ "$(", "a", ")", 101 },
	{ "${a-", "b", "}", 101 },
	{ "if ", "a", "; then b; fi", 101 },
	{ "a && ", "b", "", 1001 },
	{ "{ ", "a", "; }", 101 },
	{ "", "if a; then b; else c; fi", " && if a; then b; fi", 1001 },
};

TEST_EACH(a_script_with_too_deep_nesting_is_rejected, deep)
{
	const struct shell_ast_node *list;
	enum shell_fallback_reason why = SHELL_FALLBACK_NONE;
	struct buf script = { 0 };

	for (unsigned i = 0; i < row->levels; i++)
		buf_add_str(&script, row->start);
	buf_add_str(&script, row->middle);
	for (unsigned i = 0; i < row->levels; i++)
		buf_add_str(&script, row->end);
	ck_assert_int_eq(
		shell_parse_script(&arena, buf_bytes(&script), &list, &why),
		-ENOTSUP);
	ck_assert_str_eq(shell_stats_fallback_reason_text(why), "depth");
	buf_release(&script);
}

TEST(a_recipe_of_128_kilobytes_is_parsed)
{
	const struct shell_ast_node *list = NULL;
	enum shell_fallback_reason why = SHELL_FALLBACK_NONE;
	struct buf script = { 0 };
	size_t n = 0;

	buf_add_str(&script, "echo");
	while (script.len < 128 << 10)
		buf_add_str(&script, " drivers/net/'x'.o");
	ck_assert_int_eq(
		shell_parse_script(&arena, buf_bytes(&script), &list, &why), 0);
	for (const struct shell_word *w = list->words->next; w; w = w->next) {
		ck_assert_str_eq(w->literal, "drivers/net/x.o");
		n++;
	}
	ck_assert_uint_eq(n, (script.len - 4) / 18);
	buf_release(&script);
}
