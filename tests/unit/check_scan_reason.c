/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: scan */
/*
 * Each reason that a unit's text gives not to be scannable: a unit that has
 * it, and one that is near it and has not.
 */
#include "scan-compare.h"

#include "base/reason.h"

#include "suite.h"

#define MANY(x)                                                               \
	x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x \
		x x x

static const struct reasoned {
	enum reason why;
	const char *source, *near; /* of unit.c */
	const char *options; /* "": none; of clang where they name it */
} reasoned[] = {
	{ REASON_NO_HEADER, "#include \"none.h\"\n",
	  "#if 0\n#include \"none.h\"\n#endif\n", "" },
	{ REASON_NO_INCBIN, "asm(\".incbin \\\"none\\\"\");\n",
	  "asm(\".incbin \\\"a.h\\\"\");\n", "" },
	{ REASON_NO_ASSEMBLER_FILE, "asm(\".include \\\"none\\\"\");\n",
	  "asm(\".include \\\"a.h\\\"\");\n", "" },
	{ REASON_FILE_UNREADABLE, "#include \"dir.h/../fifo\"\n",
	  "#include \"dir.h/../a.h\"\n", "" },
	{ REASON_INCLUDE_DEPTH, "#include \"unit.c\"\n",
	  "#ifndef A\n#define A\n#include \"unit.c\"\n#endif\n", "" },
	{ REASON_DIRECTIVE, "#nonsense\n", "#if 0\n#nonsense\n#endif\n", "" },
	{ REASON_DIRECTIVE_ERROR, "#error\n", "#warning\n", "" },
	{ REASON_EMBED, "#embed \"a.h\"\n", "#if 0\n#embed \"a.h\"\n#endif\n",
	  "" },
	{ REASON_IMPORT, "#import \"a.h\"\n", "#include \"a.h\"\n", "" },
	{ REASON_ASSERT, "#assert x(y)\n", "#if 0\n#assert x(y)\n#endif\n",
	  "" },
	{ REASON_ELIFDEF, "#define X\n#if 0\n#elifdef X\n#endif\n",
	  "#define X\n#if 0\n#elif defined X\n#endif\n", "-std=c11" },
	{ REASON_LINE_NAME, "#define L 3\n#line L\n", "#line 3 \"x\"\n", "" },
	{ REASON_CONDITIONALS, "#if 1\n", "#if 1\n#endif\n", "" },
	{ REASON_CONDITION_NAME, "#ifdef 1\n#endif\n", "#ifdef a\n#endif\n",
	  "" },
	{ REASON_INCLUDE_OPERAND, "#include x\n",
	  "#define x \"a.h\"\n#include x\n", "" },
	{ REASON_MACRO_NAME, "#define 1\n", "#define a1\n", "" },
	{ REASON_PRAGMA, "#pragma GCC dependency \"a.h\"\n",
	  "#pragma GCC poison a\n", "" },
	{ REASON_PRAGMA, "#define P(x) _Pragma(#x)\nP(push_macro(x))\n",
	  "#define P(x) _Pragma(#x)\nP(push_macro(\"x\"))\n", "" },
	{ REASON_PRAGMA, "#pragma foo __COUNTER__\n#if __COUNTER__\n#endif\n",
	  "#pragma foo __LINE__\n__COUNTER__\n#if __COUNTER__\n#endif\n", "" },
	{ REASON_PRAGMA, "int once; _Pragma(x)\n", "int once; _Pragma(\"x\")\n",
	  "" },
	{ REASON_ASSEMBLY, "asm(\".inc%0\" :: \"i\"(x));\n",
	  "asm(\".inc\" \"bin \\\"a.h\\\"\");\n", "" },
	{ REASON_UNSUPPORTED_BYTES, "lone\rreturn\n", "a\r\n", "" },
	{ REASON_UNSUPPORTED_BYTES, "?\?=define X\n", "char *s = \"?\?\";\n",
	  "-std=c11" },
	{ REASON_LINE_COMMENT, "// x\n", "/* // */\n", "-std=c89" },
	{ REASON_IF_ERROR, "#if 1 +\n#endif\n",
	  "#if 0\n#if 1 +\n#endif\n"
	  "#endif\n",
	  "" },
	{ REASON_IF_DEPTH,
	  "#if " MANY("((((((((") "1" MANY("))))))))") "\n#endif\n",
	  "#if ((((((((1))))))))\n#endif\n", "" },
	{ REASON_DEFINED_NAME, "#if defined 1\n#endif\n",
	  "#if defined x\n#endif\n", "" },
	{ REASON_SHIFT, "#if 1 << 64\n#endif\n", "#if 1 << 63\n#endif\n",
	  "clang" },
	{ REASON_DIVISION, "#if 1 / 0\n#endif\n", "#if 0 && 1 / 0\n#endif\n",
	  "" },
	{ REASON_PASTE, "#define C(a, b) a##b\n#if C(+, 1)\n#endif\n",
	  "#define C(a, b) a##b\n#if C(1, 1)\n#endif\n", "" },
	{ REASON_OPEN_ARGUMENTS, "#define F(x) x\n#if F(1\n#endif\n",
	  "#define F(x) x\n#if F(1)\n#endif\n", "" },
	{ REASON_OPEN_ARGUMENTS, "#define F(x) x\nF(1 __TIME__\n",
	  "#define F(x) x\nF(1 __TIME__\n)\n", "" },
	{ REASON_ARGUMENT_COUNT, "#define F(x) x\n#if F(1, 2)\n#endif\n",
	  "#define F(x...) x\n#if F(1, 2)\n#endif\n", "" },
	{ REASON_BAD_MACRO, "#define F(x) #y\n#if F(1)\n#endif\n",
	  "#define F(x) #y\n", "" },
	{ REASON_ENDLESS_MACRO,
	  "#define A(x) x x x x x x x x\n"
	  "#if A(A(A(A(A(A(A(A(1))))))))\n#endif\n",
	  "#define A(x) x x\nint i[] = { A(1,) };\n", "" },
	{ REASON_HAS_INCLUDE_PARENTHESES, "#if __has_include \"a.h\"\n#endif\n",
	  "#if __has_include(\"a.h\")\n#endif\n", "" },
	{ REASON_HAS_INCLUDE_OPERAND, "#if __has_include(1)\n#endif\n",
	  "#if 0 && defined __has_include\n#endif\n", "" },
	{ REASON_HAS_INCLUDE_OUTSIDE, "int __TIME__ = __has_include(\"a.h\");",
	  "int x = 1;", "" },
	{ REASON_OPERATOR_PARENTHESES, "#if __has_attribute x\n#endif\n",
	  "#if __has_attribute(x)\n#endif\n", "" },
	{ REASON_OPERATOR_OPERAND,
	  "#define x y\n#if __has_attribute(x)\n#endif\n",
	  "#define z y\n#if __has_attribute(x)\n#endif\n", "" },
	{ REASON_LINE_MACRO, "#if __LINE__ \\\n== 1\n#endif\n",
	  "#line 7\n#if __LINE__ == 7\n#endif\n", "" },
	{ REASON_FILE_MACRO, "#include __FILE__\n", "char *s = __FILE__;\n",
	  "" },
};

static enum reason why(struct scan *s, const struct reasoned *r,
		       const char *source, char **detail)
{
	bool clang = !strcmp(r->options, "clang");
	char *cc = compare_compiler(clang ? "clang-14" : "gcc");
	struct strv argv = { 0 };
	struct scan_closure c;
	enum reason got = r->why;

	strv_add(&argv, "cc");
	if (*r->options && !clang)
		strv_add(&argv, r->options);
	strv_add(&argv, "-nostdinc");
	strv_add(&argv, "-c");
	strv_add(&argv, "unit.c");
	compare_file("unit.c", source);
	if (cc) {
		compare_closure(s, cc, argv.v, &c);
		got = c.why;
		*detail = c.detail ? xstrdup(c.detail) : NULL;
		scan_closure_release(&c);
	}
	strv_release(&argv);
	free(cc);
	return got;
}

START_TEST(a_reason_has_its_units)
{
	const struct reasoned *r = &reasoned[_i];
	struct scan *s = compare_scan();
	char *detail = NULL;
	enum reason got;

	compare_file("a.h", "");
	compare_file("dir.h/x", "");
	compare_shell("mkfifo fifo");
	got = why(s, r, r->source, &detail);
	ck_assert_msg(got == r->why, "%s, not %s (%s):\n%s", reason_words(got),
		      reason_words(r->why), detail ? detail : "", r->source);
	free(detail);
	detail = NULL;
	got = why(s, r, r->near, &detail);
	ck_assert_msg(got == REASON_NONE, "%s (%s):\n%s", reason_words(got),
		      detail ? detail : "", r->near);
	free(detail);
	scan_free(s);
}
END_TEST

/* What is open is said. */
START_TEST(a_reason_names_what_is_open)
{
	static const char *const open[][2] = {
		{ "#pragma GCC dependency \"a.h\"\n", "GCC dependency" },
		{ "asm(\".inc%0\" :: \"i\"(x));\n",
		  "a directive whose name is made" },
	};

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		struct reasoned r = { .options = "" };
		struct scan *s = compare_scan();
		char *detail = NULL;

		compare_file("a.h", "");
		why(s, &r, open[i][0], &detail);
		ck_assert_msg(detail && strstr(detail, open[i][1]), "%s: %s",
			      open[i][0], detail ? detail : "nothing");
		free(detail);
		scan_free(s);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("scan/reason");
	TCase *tc = tcase_create("reason");

	tcase_add_checked_fixture(tc, compare_setup, compare_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_reason_has_its_units, 0,
			    (int)(sizeof(reasoned) / sizeof(reasoned[0])));
	tcase_add_test(tc, a_reason_names_what_is_open);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
