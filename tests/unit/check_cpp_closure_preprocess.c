/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* san: long */
/*
 * Full preprocessing gives the same tokens as the compilers' -E.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

enum who {
	BOTH,
	GCC,
	CLANG,
};

#define NAMES                                                   \
	"#include \"s/../h.h\"\n__FILE__\n#include \"s/h.h\"\n" \
	"#if __has_include(\"./unit.c\")\n#endif\n__FILE__\n"
#define NAMES_H                                                \
	"__FILE__\n#ifndef G\n#define G\n#include \"s/h.h\"\n" \
	"#include \"s/../h.h\"\n__FILE__\n#endif\n"

static const struct text {
	const char *source;
	enum who who;
	const char *header; /* h.h */
	const char *option;
} texts[] = {
	{ "int x = 1;\n", BOTH, "", NULL },
	/* Lines. */
	{ "__LINE__ __LINE__ /*\n*/ __LINE__ \\\n__LINE__\n__LINE__\n", BOTH,
	  "", NULL },
	{ "#define f(x...) x\n#define L __LINE__\nf(\n __LINE__,\n L\n) L\n",
	  BOTH, "", NULL },
	{ "#define g(a) a __LINE__\ng(1\n)\ng(\n1) g(__LINE__\n)\n", BOTH, "",
	  NULL },
	{ "#define f(x...) x\n#define g(a) a __LINE__\nf(1\n g(2\n )\n "
	  "f(\n  g(3\n  )\n )\n)\n",
	  BOTH, "", NULL },
	{ "#define f() [__LINE__]\nf\n\n()\nf ( /*\n*/ )\n", BOTH, "", NULL },
	{ "#line 100 \"zz.y\"\n__LINE__ __FILE__\n__LINE__\n# 7 \"b\"\n"
	  "__LINE__ __FILE__\n#line 9\n__LINE__ __FILE__\n#if __LINE__ == 11\n"
	  "yes\n#endif\n",
	  BOTH, "", NULL },
	{ "__FILE__ __BASE_FILE__ __INCLUDE_LEVEL__\n#include \"h.h\"\n"
	  "__FILE__ __LINE__",
	  BOTH, "__FILE__ __BASE_FILE__ __INCLUDE_LEVEL__ __LINE__\n", NULL },
	{ "__FILE_NAME__\n#include \"s/h.h\"\n", BOTH, "", NULL },
	/* Calls that span several lines. */
	{ "#define f(x) [x]\nf\n(1) f (\n2\n) f f(3)\nf\n+ f\n", BOTH, "",
	  NULL },
	{ "#define f(x) [x]\n#define g f\ng(1) g\n(2)\n#define h f(\nh 3)\n",
	  BOTH, "", NULL },
	{ "#define f(x) [x]\nf\n#define y\n(3)\n", BOTH, "", NULL },
	{ "#define f(x) [x]\nf(\n#define y 5\ny\n#undef y\ny)\n", BOTH, "",
	  NULL },
	{ "#define f(x, y) [x|y]\nf(1\n#if 1 + __LINE__\n, 2\n#else\n, 3\n"
	  "#endif\n)\n",
	  BOTH, "", NULL },
	{ "#include \"h.h\"\n(1)\n", BOTH, "#define f(x) [x]\nf\n", NULL },
	{ "#define f(x) [x]\nf(\n#pragma foo\n1)\n", GCC, "", NULL },
	/* Expansion. */
	{ "#define f(x) x f\nf(1)(2)(3)\n#define o(x) x\no(o)(1) o(o(o)(2))\n",
	  BOTH, "", NULL },
	{ "#define a b\n#define b a\na b a b\n", BOTH, "", NULL },
	{ "#define E\n#define f(x) x\n-E- +E+ f(-)f(-) -f(-) .E. E.5 x E y\n",
	  BOTH, "", NULL },
	{ "#define s(x...) #x\n#define t(x...) s(x)\ns( a  b /* c */ \"d\\n\" "
	  "'\\'' ) s() t(__LINE__ t) s(a,b , c)\n",
	  BOTH, "", NULL },
	{ "#define s(x) #x\ns(a\nb) s(\n) s(@\\) s(\"a\\0b\")\n", BOTH, "",
	  NULL },
	{ "#define c(a, b) a##b\n#define d(a...) x##a\nc(,) c(1,) c(,2) "
	  "c(a,b)c c(+,+) c(1,e3) c(c,)(1,2) d() d(1,2)\n",
	  BOTH, "", NULL },
	{ "#define p(f, a...) f(f, ## a)\np(1) p(1,) p(1,2,3)\n", GCC, "",
	  NULL },
	{ "#define p(f, ...) f(__VA_OPT__(a ## f, ) __VA_ARGS__) "
	  "#__VA_OPT__(x __VA_ARGS__ y)\np(1) p(1,) p(1,2,3)\n",
	  GCC, "", "-std=gnu2x" },
	{ "#define p(f, ...) f(__VA_OPT__(a ## f, ) __VA_ARGS__)\n"
	  "p(1) p(1,) p(1,2,3)\n",
	  BOTH, "", "-std=gnu2x" },
	{ "__COUNTER__ __COUNTER__\n#define f(x) x x\nf(__COUNTER__)\n"
	  "#if __COUNTER__ == 3\nyes\n#endif\n__COUNTER__\n",
	  BOTH, "", NULL },
	{ "#define f(x) #x __DATE__ x\nf(__TIME__) __TIMESTAMP__\n", BOTH, "",
	  NULL },
	{ "__has_attribute(noreturn) __has_builtin(__builtin_expect)\n", BOTH,
	  "", NULL },
	/* Boundaries of tokens. */
	{ "a+++b---c->d<<=1>>=2...3.e-5+1e+x 0x1p-3 1.2.3 a.b <: <% %: L'x' "
	  "u8\"a\" U\"b\" @ ` $ a$b \\ x\n",
	  BOTH, "", NULL },
	{ "char *s = R\"x(\n)\" \\\n // not \" a comment\n)x\"; LR\"(a)\" "
	  "uR\"(\n)\" __LINE__\n__LINE__\n",
	  BOTH, "", NULL },
	{ "R\"(a)\" u8\"b\" 'abc' \"a\\\nb\" a\\\nb 1\\\n2 +\\\n+\n", BOTH, "",
	  "-std=gnu89" },
	{ "1'000'000 u8'a' 0x1'f\n", BOTH, "", "-std=gnu2x" },
	{ "don't do that\n\"neither\n", BOTH, "", NULL },
	{ "a // b \\\nc\nd /* // */ e\n", BOTH, "", NULL },
	{ "%:define X 1\nX %:%: X\n", BOTH, "", NULL },
	/* Pragmas. */
	{ "#define X 1\n#pragma push_macro(\"X\")\n#undef X\n#define X 2\nX\n"
	  "#pragma pop_macro(\"X\")\nX\n",
	  BOTH, "", NULL },
	{ "#define X 1\n_Pragma(\"push_macro(\\\"X\\\")\")\n#undef X\nX\n"
	  "_Pragma(\"pop_macro(\\\"X\\\")\") X\n",
	  BOTH, "", NULL },
	{ "#define P(x) _Pragma(#x) after\nP(foo bar) P(pack(4)) x\n"
	  "#define f(x) x\nf(before P(foo) x) f(f(_Pragma(\"foo\") y))\n",
	  BOTH, "", NULL },
	{ "#define P(x) _Pragma(#x)\n#include \"h.h\"\n#include \"h.h\"\n",
	  BOTH, "P(once)\ntwice\n", NULL },
	{ "#include \"h.h\"\n#include \"h.h\"\n", BOTH,
	  "#define O(a, b) a##b(\"once\")\nO(_Pra, gma) twice\n", NULL },
	{ "#define once 1\n#include \"h.h\"\n#include \"h.h\"\n", BOTH,
	  "#pragma once\ntwice\n", NULL },
	{ "#pragma GCC poison nothing\n#pragma STDC FP_CONTRACT ON\n"
	  "#pragma GCC diagnostic push\nx\n#pragma weak x\n",
	  BOTH, "", NULL },
	{ "x _Pragma(\"GCC poison FOR\") y\n", BOTH, "", NULL },
	{ "x\n#pragma foo __LINE__ \"s\" /* c */ ' \ny _Pragma(\"x\\\\y\") z\n",
	  BOTH, "", NULL },
	/* Files. */
	{ "#include \"h.h\"\n#include \"h.h\"\n", BOTH,
	  "before\n#ifndef G\n#define G\nonce\n#endif\n", NULL },
	{ "#include \"h.h\"\n#include \"h.h\"\n", BOTH,
	  "#ifndef G\n#define G\nonce\n#endif\nafter\n", NULL },
	{ "#include \"h.h\"\n#include \"h.h\"\n", BOTH,
	  "#ifndef G\n#define G\nonce\n#endif\n", NULL },
	{ "unit X __COUNTER__\n", BOTH, "text __COUNTER__\n#define X 1\n",
	  "-include h.h" },
	{ "unit X __COUNTER__\n", BOTH, "text __COUNTER__ f(\n#define X 1\n",
	  "-imacros h.h" },
	/* One file with several names, and one directory. */
	{ NAMES, BOTH, NAMES_H, NULL },
	{ NAMES, BOTH, NAMES_H, "-I." },
	{ NAMES, BOTH, NAMES_H, "-Is/.. -include h.h" },
	{ NAMES, BOTH, NAMES_H, "-Is -include s/h.h" },
	{ "#if 0\ndon't \" f(\n#else\nyes\n#endif\n#if 1\na\n#elif 0\nb\n#else"
	  "\nc\n#endif\nd\n",
	  BOTH, "", NULL },
};

static void check_text(const struct text *t, const char *name, const char *file)
{
	char *cc = compare_compiler(name), *text;
	char *copy = xstrdup(t->option ? t->option : ""), *rest = copy, *one;
	struct cpp_scanner *s = compare_scan();
	struct strv argv = { 0 };
	bool broken;

	/*
	 * From release 15 on, clang gives one file with several names another
	 * of them in __FILE__.  No file that the scanner lists depends on this.
	 */
	if (cc && !strcmp(t->source, NAMES) && tokens_clang_release(cc) > 14) {
		test_skip("this clang names a file with several names "
			  "differently");
		free(cc);
		cc = NULL;
	}
	strv_add(&argv, "cc");
	while ((one = strsep(&rest, " "))) {
		if (*one)
			strv_add(&argv, one);
	}
	strv_add(&argv, "-c");
	strv_add(&argv, file);
	compare_file(file, t->source);
	compare_file("h.h", t->header);
	compare_file("s/h.h", "__FILE_NAME__ __FILE__\n");
	/* Twice: with an empty and with a filled cache. */
	for (int i = 0; cc && i < 2; i++) {
		text = compare_tokens(s, cc, argv.v, &broken);
		ck_assert_msg(!broken, "%s gives up:\n%s", name, t->source);
		ck_assert_msg(!text, "%s:\n%s\n%s", name, t->source, text);
	}
	strv_release(&argv);
	cpp_scanner_free(s);
	free(copy);
	free(cc);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(120);

TEST_EACH(tokens_of_c_sources_equal_those_of_the_compilers, texts)
{
	if (row->who != CLANG)
		check_text(row, "gcc", "unit.c");
	if (row->who != GCC)
		check_text(row, "clang", "unit.c");
}

/* Line breaks count, and an unknown directive is text. */
static const struct text assembly[] = {
	{ "#define f(x) [x]\n#define g f\nf\n(1) a\n g\n b f(\n2\n) c\n", BOTH,
	  "", NULL },
	{ "# it is f(1) don't\n#nn\n# 33 \"x\"\n#define f(x) [x]\n# f(1)\n",
	  BOTH, "", NULL },
	{ "#define f(x) [x]\nf(\n#define q 5\nq)\n.x f(1)f(2)\n", BOTH, "",
	  NULL },
	{ ".macro m a, b\n\\a\\()x \\b\n.endm\n#define A .inc ## foo\nA \"x\"\n"
	  "mov $1, %eax; $x 1b 1f 'a '\"\n@ c 'x\n",
	  BOTH, "", NULL },
	{ "/* a\n b */ x // y\n#if 1\n z\n#endif\n__LINE__\n", BOTH, "", NULL },
	{ "#include \"h.h\"\na\n", BOTH, "b; c\n\n d\n", NULL },
	{ "#define E\nE\nE a\n E E\nb E\nc\n", BOTH, "", NULL },
	{ "#define t(x...) x\nt(a\nb\nc) d\ne t(t\n(f)\n) g\n", BOTH, "",
	  NULL },
	{ "#define f(x) x\n#define g(x) f(x) h\na\ng(f)\nb\n", BOTH, "", NULL },
	{ "a = b ## c\n#define p(x, y) x ## y x\np(., a) p(%, b) p(a, .)\n",
	  BOTH, "", NULL },
};

TEST_EACH(assembler_text_keeps_its_lines, assembly)
{
	check_text(row, "gcc", "unit.S");
	check_text(row, "clang", "unit.S");
}
