/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* Expressions of #if, compared with gcc. */
#include "../lib/test.h"
#include "cpp-compare.h"

#include "cpp/expr.h"

/* gcc must evaluate these expressions to the same values. */
static const char *const valid[] = {
	"0",
	"1",
	"-1",
	"1u",
	"0x7fffffffffffffff",
	"0x8000000000000000",
	"0xffffffffffffffff",
	"18446744073709551615u",
	"017",
	"0b101",
	"1L",
	"1ul",
	"1LLU",
	"1llu",
	"1Ull",
	"00",
	"0x1F",
	"-1 < 0",
	"-1 < 0u",
	"-1 > 0u",
	"(0 ? 1u : -1) > 0",
	"(1 ? -1 : 0u) > 0",
	"-1 >> 63",
	"-1u >> 63",
	"1 << 63",
	"1 << 64",
	"1 << -1",
	"4 >> -2",
	"-1 >> 70",
	"1u << 70",
	"-7 / 2",
	"-7 % 2",
	"7 / -2",
	"7 % -2",
	"-7 / 2u",
	"(-0x7fffffffffffffff - 1) / -1",
	"(-0x7fffffffffffffff - 1) % -1",
	"~0",
	"~0u",
	"!0",
	"!5",
	"- - 1",
	"+3",
	"-(-3)",
	"!!7",
	"~~9",
	"1 + 2 * 3",
	"(1 + 2) * 3",
	"1 - 2 - 3",
	"2 * 3 % 4",
	"100 / 5 / 2",
	"1 < 2 < 3",
	"3 > 2 > 1",
	"1 == 1 == 1",
	"1 | 2 ^ 3 & 4",
	"1 & 3 == 3",
	"1 || 0 && 0",
	"0 && 1 || 1",
	"1 ? 2 : 3",
	"0 ? 2 : 3",
	"1 ? 0 ? 4 : 5 : 6",
	"0 ? 1 : 0 ? 2 : 3",
	"0 && 1 / 0",
	"1 || 1 / 0",
	"1 ? 2 : 1 / 0",
	"0 ? 1 % 0 : 7",
	"(2, 3)",
	"undefined_name",
	"undefined_name + 1",
	"defined x",
	"defined(x)",
	"!defined x",
	"'a'",
	"'\\0'",
	"'\\377'",
	"'\\xff'",
	"'\\n'",
	"'\\''",
	"'\\\"'",
	"'\"'",
	"'\\\\'",
	"'ab'",
	"'abcd'",
	"'\\377\\377'",
	"'\\377\\377\\377\\377'",
	"L'a'",
	"'a' == 97",
	"'\\e'",
	"'\\?'",
	"'?'",
	"1 <= 1",
	"2 >= 3",
	"1 != 2",
	"5 & 6",
	"5 | 6",
	"5 ^ 6",
	"1 << 2 + 3",
	"-1 == 0xffffffffffffffff",
	"0x7fffffffffffffff + 1",
	"-2 * 0x7fffffffffffffff",
	"if",
	"int",
	"1 /**/ + /**/ 1",
	"(((((1)))))",
	"-9223372036854775807 - 1",
	"1u - 2",
	"1 - 2u > 0",
	"3 * -1u",
	"'a' + 'b'",
	"-'\\200'",
	"1 ? 1 : (2, 3)",
};

static const char *const invalid[] = {
	"",          "1 +",       "+",
	"(1",        "1)",        "1 2",
	"1.0",       "1.",        ".5",
	"0x",        "08",        "0b2",
	"1lul",      "1lL",       "1x",
	"1 / 0",     "1 % 0",     "a b",
	"\"x\"",     "defined",   "defined(",
	"defined(x", "defined 1", "1 ? 2",
	"1 : 2",     "= 1",       "1 = 1",
	"x = 1",     "x++",       "--x y",
	"1 += 1",    "''",        "[1]",
	"1 @ 2",     "1 && ",     "! ",
	"{",         "->",        "99999999999999999999999",
	"''' ",      "u8'a'",     "'\\q",
	"x(1)",      "1e5",
};

struct eval {
	struct cpp_names *names;
	struct cpp_state cpp;
};

static void eval_setup(struct eval *e)
{
	struct cpp_callbacks host = { 0 };

	e->names = cpp_names_new();
	cpp_state_init(&e->cpp, e->names, &host);
	cpp_state_reset(&e->cpp, CPP_MODE_RAW_STRINGS);
}

static void eval_release(struct eval *e)
{
	cpp_state_release(&e->cpp);
	cpp_names_free(e->names);
}

/* Comments are removed before a condition is evaluated. */
static int eval(struct eval *e, const char *s, struct cpp_value *v)
{
	char *text = xasprintf("#if %s\n#endif\n", s);
	struct buf in = { 0 };
	struct cpp_text *t;
	int ret = 0;

	buf_add_str(&in, text);
	t = cpp_lex_file(e->names, &in, CPP_MODE_RAW_STRINGS, false);
	*v = (struct cpp_value){ 0 };
	if (t->directives[0].op == CPP_OP_IFNDEF) {
		v->v = 1;
	} else if (t->directives[0].op == CPP_OP_IF) {
		const struct cpp_expr_text *p = &t->expr_texts[0];
		struct cpp_tokens *tokens;

		tokens = cpp_tokens_new(e->names, t->blob + p->offset, p->len,
					CPP_MODE_RAW_STRINGS);
		ret = cpp_expr_eval(&e->cpp, tokens->tokens, tokens->n_tokens,
				    v);
		free(tokens);
	}
	cpp_text_free(t);
	buf_release(&in);
	free(text);
	return ret;
}

static int run_gcc(const char *source, const char *option, struct buf *out)
{
	char *argv[] = { "gcc",        "-E",           "-P",  "-w",
			 "-std=gnu11", (char *)option, "x.c", NULL };
	struct buf err_out = { 0 };
	int status;

	compare_file("x.c", source);
	status = compare_run(compare_dir, argv, environ, out, &err_out);
	if (status)
		buf_add_bytes(out, buf_bytes(&err_out));
	buf_release(&err_out);
	return status;
}

/*
 * Determine by gcc the signedness of the target's characters, which an option
 * can change.
 */
static void ask_signs(struct cpp_state *cpp, const char *option)
{
	struct buf out = { 0 };

	ck_assert_int_eq(run_gcc("#if 'a' * 0 - 1 > 0\nnarrow\n#endif\n"
				 "#if L'a' * 0 - 1 > 0\nwide\n#endif\n",
				 option, &out),
			 0);
	cpp->char_unsigned = strstr(buf_str(&out), "narrow");
	cpp->wchar_unsigned = strstr(buf_str(&out), "wide");
	buf_release(&out);
}

/* char is signed once and unsigned once, whatever the machine's default is. */
static const char *const signs[] = { "-fsigned-char", "-funsigned-char",
				     "-fshort-wchar" };

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(120);

TEST_EACH(values_equal_those_of_gcc, signs)
{
	struct buf source = { 0 }, out = { 0 };
	struct eval e;
	int status;

	eval_setup(&e);
	ask_signs(&e.cpp, *row);
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		struct cpp_value v;

		ck_assert_msg(!eval(&e, valid[i], &v), "%s: %s", valid[i],
			      reason_text(e.cpp.expansion.reason));
		buf_printf(&source,
			   "#if (%s) == 0x%llxu && ((%s) * 0 - 1 > 0) == %d\n"
			   "#else\n%s is not 0x%llx %s\n#endif\n",
			   valid[i], (unsigned long long)v.v, valid[i],
			   v.is_unsigned, valid[i], (unsigned long long)v.v,
			   v.is_unsigned ? "unsigned" : "signed");
	}
	status = run_gcc(buf_str(&source), *row, &out);
	ck_assert_msg(!status, "%s", buf_str(&out));
	while (out.len && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	ck_assert_str_eq(buf_str(&out), "");
	eval_release(&e);
	buf_release(&source);
	buf_release(&out);
}

TEST(expressions_that_gcc_rejects_are_rejected)
{
	struct eval e;

	eval_setup(&e);
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		char *source = xasprintf("#if %s\n#endif\n", invalid[i]);
		struct buf out = { 0 };
		struct cpp_value v;

		/* With -w, gcc only warns of a number that is too large. */
		if (strncmp(invalid[i], "999", 3))
			ck_assert_msg(run_gcc(source, signs[0], &out), "%s",
				      invalid[i]);
		ck_assert_msg(eval(&e, invalid[i], &v), "%s", invalid[i]);
		ck_assert_int_ne(e.cpp.expansion.reason, REASON_NONE);
		buf_release(&out);
		free(source);
	}
	eval_release(&e);
}

TEST(signedness_of_characters_depends_on_the_target)
{
	struct cpp_value v;
	struct eval e;

	eval_setup(&e);
	e.cpp.char_unsigned = false;
	ck_assert_int_eq(eval(&e, "'\\377' < 0", &v), 0);
	ck_assert_uint_eq(v.v, 1);
	e.cpp.char_unsigned = true;
	ck_assert_int_eq(eval(&e, "'\\377' < 0", &v), 0);
	ck_assert_uint_eq(v.v, 0);
	ck_assert_int_eq(eval(&e, "'\\377' == 255", &v), 0);
	ck_assert_uint_eq(v.v, 1);
	ck_assert_int_eq(eval(&e, "'\\377\\377\\377\\377' < 0", &v), 0);
	ck_assert_uint_eq(v.v, 1);
	eval_release(&e);
}

TEST(nesting_depth_is_limited)
{
	struct buf s = { 0 };
	struct cpp_value v;
	struct eval e;

	eval_setup(&e);
	for (int i = 0; i < 100000; i++)
		buf_add_str(&s, i % 2 ? "(" : "!");
	ck_assert_int_ne(eval(&e, buf_str(&s), &v), 0);
	buf_reset(&s);
	for (int i = 0; i < 100000; i++)
		buf_add_str(&s, "1?1:");
	ck_assert_int_ne(eval(&e, buf_str(&s), &v), 0);
	eval_release(&e);
	buf_release(&s);
}
