/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * Macro expansion, compared with gcc -E.  The texts must be equal except for
 * blanks.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

#include "cpp/expr.h"

static const struct {
	const char *define;
	const char *text;
} expansion[] = {
	{ "#define A 1\n", "A B A" },
	{ "#define A B\n#define B A\n", "A B" },
	{ "#define A A + 1\n", "A" },
	{ "#define f(x) x + f(x)\n", "f(1) f(f(2))" },
	{ "#define f(x) x\n", "f f(1) f (2) f\t( 3 ) f(f)(4)" },
	{ "#define f() 1\n", "f() f( ) f" },
	{ "#define f(x, y) x y\n", "f(,) f(1,) f(,2) f((1,2),3)" },
	{ "#define f(x) #x\n", "f(a  b) f( a ) f(\"x\\n\") f('\"') f(\\) f()" },
	{ "#define f(x) #x\n#define g(x) f(x)\n#define A B\n", "f(A) g(A)" },
	{ "#define f(x, y) x##y\n#define ab 1\n", "f(a, b) f(a,) f(,b) f(,)" },
	{ "#define f(x, y) x ## y\n#define A 1\n", "f(A, B) f(1, 2) f(., 5)" },
	{ "#define f(x, y, z) x##y##z\n", "f(a,b,c) f(a,,c) f(,,c) f(a,,)" },
	{ "#define hash_hash # ## #\n", "hash_hash" },
	{ "#define f(x) <x>\n#define g f\n", "g(1) g (2)" },
	{ "#define f(...) <__VA_ARGS__>\n", "f() f(1) f(1, 2) f((1, 2), 3)" },
	{ "#define f(x, ...) x <__VA_ARGS__>\n", "f(1) f(1,) f(1, 2, 3)" },
	{ "#define f(x...) <x>\n", "f() f(1, 2)" },
	{ "#define f(a, x...) g(a, ## x)\n",
	  "f(1) f(1,) f(1, 2) f(1, 2, 3) f()" },
	{ "#define f(x...) g(a, ## x)\n", "f() f(1) f( ) f(1, 2)" },
	{ "#define f(a, ...) g(a, ##__VA_ARGS__)\n#define B 2\n",
	  "f(1) f(1, B) f(1, B, B)" },
	{ "#define f(a, ...) a __VA_OPT__(, __VA_ARGS__) end\n",
	  "f(1) f(1, 2) f(1, ) f(1, 2, 3)" },
	{ "#define f(a, ...) x ## __VA_OPT__(a) ## y\n", "f(1) f(1, 2)" },
	{ "#define E\n#define f(a, ...) __VA_OPT__(yes) a\n",
	  "f(1, E) f(1, E E) f(1, 2)" },
	{ "#define x 3\n#define f(a) f(x * (a))\n#undef x\n#define x 2\n"
	  "#define g f\n#define z z[0]\n#define h g(~\n#define m(a) a(w)\n"
	  "#define w 0,1\n#define t(a) a\n#define p() int\n#define q(x) x\n"
	  "#define r(x,y) x ## y\n#define str(x) # x\n",
	  "f(y+1) + f(f(z)) % t(t(g)(0) + t)(1); g(x+(3,4)-w) | h 5) & m(f)^m(m);"
	  "p() i[q()] = { q(1), r(2,3), r(4,), r(,5), r(,) };"
	  "char c[2][6] = { str(hello), str() };" },
	{ "#define str(s) # s\n#define xstr(s) str(s)\n"
	  "#define debug(s, t) printf(\"x\" # s \"= %d, x\" # t \"= %s\", "
	  "x ## s, x ## t)\n#define INCFILE(n) vers ## n\n"
	  "#define glue(a, b) a ## b\n#define xglue(a, b) glue(a, b)\n"
	  "#define HIGHLOW \"hello\"\n#define LOW LOW \", world\"\n",
	  "debug(1, 2); fputs(str(strncmp(\"abc\\0d\", \"abc\", '\\4') == 0) "
	  "str(: \\n), s); xstr(INCFILE(2).h) glue(HIGH, LOW); "
	  "xglue(HIGH, LOW)" },
	{ "#define t(x,y,z) x ## y ## z\n",
	  "t(1,2,3) t(,4,5) t(6,,7) t(8,9,) t(10,,) t(,11,) t(,,12) t(,,)" },
	{ "#define f(a) a*g\n#define g(a) f(a)\n", "f(2)(9)" },
	{ "#define f(x) x f\n", "f(1)(2)(3)" },
	{ "#define EMPTY\n#define f(x) [x]\n#define DEFER(x) x EMPTY\n",
	  "f EMPTY (1) DEFER(f)(1) f(DEFER(f)(1))" },
	{ "#define NIL(xxx) xxx\n#define G_0(arg) NIL(G_1)(arg)\n"
	  "#define G_1(arg) NIL(arg)\n",
	  "G_0(42)" },
	{ "#define foo() bar\n", "foo\n()" },
	{ "#define AND &\n#define cat(x, y) x ## y\n",
	  "cat(+, +) cat(-, >) cat(<, <=) cat(L, 'a') cat(L, \"x\")" },
	{ "#define IS_ENABLED(x) ___or(x)\n#define ___or(x) ____or(ARG_##x)\n"
	  "#define ARG_1 0,\n#define ____or(x) second(x 1, 0)\n"
	  "#define second(a, b, ...) b\n#define CONFIG_A 1\n",
	  "IS_ENABLED(CONFIG_A) IS_ENABLED(CONFIG_B)" },
	{ "#define f(x) x\n#define obj f(\n", "obj 1) obj obj 2))" },
	{ "#define a b c\n#define b c a\n#define c a b\n", "a b c" },
	{ "#define f(x,y) x##y f\n#define fx 1\n", "f(f,x)(f,x)" },
};

static char *without_blanks(const char *s)
{
	struct buf b = { 0 };

	for (; *s; s++) {
		if (!strchr(" \t\n", *s))
			buf_add(&b, s, 1);
	}
	buf_add(&b, "", 0);
	return buf_steal(&b);
}

static char *expand(const char *define, const char *text, bool *failed)
{
	struct cpp_names *names = cpp_names_new();
	struct cpp_callbacks host = { 0 };
	struct buf in = { 0 }, out = { 0 };
	struct cpp_tokens *tokens;
	struct cpp_text *t;
	struct cpp_state cpp;
	struct cpp_token tok;

	buf_add_str(&in, define);
	t = cpp_lex_file(names, &in, CPP_MODE_RAW_STRINGS, false);
	cpp_state_init(&cpp, names, &host);
	cpp_state_reset(&cpp, CPP_MODE_RAW_STRINGS);
	for (uint32_t i = 0; i < t->n_directives; i++) {
		if (t->directives[i].op == CPP_OP_DEFINE)
			cpp_macro_define(&cpp,
					 &t->defs[t->directives[i].index]);
		else if (t->directives[i].op == CPP_OP_UNDEF)
			cpp_macro_undef(&cpp, t->directives[i].name);
	}
	tokens = cpp_tokens_new(names, text, strlen(text),
				CPP_MODE_RAW_STRINGS);
	cpp_expand_begin(&cpp, tokens->tokens, tokens->n_tokens);
	while ((tok = cpp_expand_next(&cpp)).kind != CPP_TOK_END)
		buf_add_str(&out, cpp_names_get(names, tok.id)->s);
	*failed = cpp.expansion.reason;
	free(tokens);
	cpp_state_release(&cpp);
	cpp_text_free(t);
	cpp_names_free(names);
	buf_release(&in);
	buf_add(&out, "", 0);
	return buf_steal(&out);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(120);

TEST_EACH(expansions_equal_those_of_gcc, expansion)
{
	char *argv[] = { "gcc", "-E", "-P", "-w", "-std=gnu11", "x.c", NULL };
	struct buf out = { 0 }, err_out = { 0 };
	char *source, *ours, *theirs, *bare;
	bool failed;
	int status;

	source = xasprintf("%s\n%s\n", row->define, row->text);
	compare_file("x.c", source);
	status = compare_run(compare_dir, argv, environ, &out, &err_out);
	ours = expand(row->define, row->text, &failed);
	ck_assert_msg((status != 0) == failed, "%s\n%d %s", source, status,
		      ours);
	theirs = without_blanks(buf_str(&out));
	bare = without_blanks(ours);
	if (!failed)
		ck_assert_str_eq(bare, theirs);
	free(source);
	free(ours);
	free(bare);
	free(theirs);
	buf_release(&out);
	buf_release(&err_out);
}

/* Definitions and calls that gcc rejects. */
static const char *const bad[][2] = {
	{ "#define f(x x\n", "f(1)" },
	{ "#define f(1) x\n", "f(1)" },
	{ "#define f(x) ##x\n", "f(1)" },
	{ "#define f(x) x##\n", "f(1)" },
	{ "#define f(x) #y\n", "f(1)" },
	{ "#define f(x, x) x\n", "f(1)" },
	{ "#define f(..., x) x\n", "f(1)" },
	{ "#define f(x) x\n", "f(1" },
	{ "#define f(x) x\n", "f(1, 2)" },
	{ "#define f(x, y) x\n", "f(1)" },
	{ "#define f() 1\n", "f(1)" },
	{ "#define f(x, y) x##y\n", "f(+, 1)" },
	{ "#define f(...) __VA_OPT__(\n", "f(1)" },
	{ "#define f(...) __VA_OPT__(a __VA_OPT__(b))\n", "f(1)" },
};

TEST_EACH(invalid_definitions_and_calls_are_rejected, bad)
{
	bool failed;

	free(expand((*row)[0], (*row)[1], &failed));
	ck_assert_msg(failed, "%s%s", (*row)[0], (*row)[1]);
}

TEST(excessive_expansions_are_rejected)
{
	struct buf define = { 0 };
	bool failed;

	/* 2^40 tokens, then 10,000 names in a row, then a nesting of 10,000. */
	for (int i = 0; i < 40; i++)
		buf_printf(&define, "#define a%d a%d a%d\n", i, i + 1, i + 1);
	free(expand(buf_str(&define), "a0", &failed));
	ck_assert(failed);
	buf_reset(&define);
	for (int i = 0; i < 10000; i++)
		buf_printf(&define, "#define a%d a%d\n", i, i + 1);
	free(expand(buf_str(&define), "a0", &failed));
	ck_assert(failed);
	buf_reset(&define);
	for (int i = 0; i < 10000; i++)
		buf_add_str(&define, "f(");
	free(expand("#define f(x) x\n", buf_str(&define), &failed));
	ck_assert(failed);
	for (int i = 0; i < 10000; i++)
		buf_add_str(&define, ")");
	free(expand("#define f(x) x\n", buf_str(&define), &failed));
	ck_assert(failed);
	buf_release(&define);
}
