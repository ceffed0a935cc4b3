/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* san: long */
/*
 * Words with a special meaning for the preprocessor: built-in names, pragmas
 * that change macros, and features of only some standards.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

/* h.h detects its second inclusion, because A is then defined. */
#define TWICE    "\n#ifdef A\n#undef A\n#else\n#define A\n#endif\n"
#define IF(x)    "#if " x "\n#include \"a.h\"\n#else\n#include \"b.h\"\n#endif\n"
#define IFDEF(x) IF("defined " x)

static const struct word {
	const char *line;
	const char *source;
	const char *header; /* h.h, or s/h.h below -isystem */
	/* compilers with an equal result: "gcc", "clang", both, or "" */
	const char *right;
	const char *refused; /* the same: correctly not scannable */
} words[] = {
	/* Built in, but not among the macros that the compiler prints. */
	{ "", IFDEF("__FILE_NAME__"), "", "gcc clang", "" },
	{ "", IFDEF("__BASE_FILE__"), "", "gcc clang", "" },
	{ "", IFDEF("__FLT_EVAL_METHOD__"), "", "gcc clang", "" },
	{ "-fms-extensions", IFDEF("__pragma"), "", "gcc clang", "" },
	{ "-fms-extensions", IFDEF("__identifier"), "", "gcc clang", "" },
	/* __COUNTER__ increments with each expansion. */
	{ "", IFDEF("__COUNTER__"), "", "gcc clang", "" },
	{ "",
	  "#define C(a, b) a##b\nint z = C(__COUN,TER__);\n" IF(
		  "__COUNTER__ == 1"),
	  "", "gcc clang", "" },
	{ "", "#line __COUNTER__\n" IF("__COUNTER__ == 1"), "", "",
	  "gcc clang" },
	{ "",
	  "#pragma redefine_extname foo __COUNTER__\n" IF("__COUNTER__ == 1"),
	  "", "", "gcc clang" },
	{ "-DG", "#include \"h.h\"\n" IF("__COUNTER__ == 1"),
	  "int z = __COUNTER__;\n#ifndef G\n#define G\n#endif\n", "gcc clang",
	  "" },
	/* Pieces of .incbin outside an active guard. */
	{ "-DG", "#include \"h.h\"\nasm(\"bin \\\"a.h\\\"\");\n",
	  "#ifndef G\n#define G\n#endif\nchar c[] = \".inc\";\n", "gcc clang",
	  "" },
	/*
	 * Pragmas that change macros.  check_cpp_pragma.c tests those that are
	 * supported by driver queries.
	 */
	{ "", "#pragma GCC target(\"avx2\")\n" IFDEF("__AVX2__"), "", "clang",
	  "" },
	{ "", "#pragma GCC optimize(\"O3\")\n" IFDEF("__OPTIMIZE__"), "",
	  "clang", "" },
	{ "", "#pragma GCC push_options\n#pragma GCC pop_options\n", "",
	  "gcc clang", "" },
	{ "", "#pragma GCC reset_options\n", "", "gcc clang", "" },
	{ "", "#define T _Pragma(\"GCC optimize(3)\")\nT\n", "", "gcc clang",
	  "" },
	{ "", "#define P(x) _Pragma(#x)\nP(GCC target(\"avx2\"))\n", "",
	  "gcc clang", "" },
	{ "",
	  "#define S(x) #x\n#define P(x) _Pragma(S(GCC x))\n"
	  "P(target(\"avx2\"))\n",
	  "", "gcc clang", "" },
	{ "", "#if 0\n#pragma GCC target(\"avx2\")\n#endif\n", "", "gcc", "" },
	{ "",
	  "#pragma GCC diagnostic push\n#pragma GCC unroll 4\n"
	  "#pragma GCC visibility push(hidden)\n",
	  "", "gcc clang", "" },
	/* Text of Linux and glibc that must remain scannable. */
	{ "",
	  "#define S(x...) #x\n#define D(s) _Pragma(S(GCC diagnostic s))\n"
	  "D(push) int once; char c[] = \"GCC target\"; D(pop)\n",
	  "", "gcc", "" },
	{ "",
	  "#define W(m) _Pragma (#m)\n#define X(m) W(GCC warning m)\n"
	  "/* once, GCC target */ // once\nchar c[] = \"at_once\" // GCC\n;",
	  "", "gcc clang", "" },
	{ "",
	  "#define F _Pragma(\"GCC unroll 8\") for\n"
	  "#pragma once\nint once;\n",
	  "", "gcc", "" },
	/* #pragma once by an operator. */
	{ "", IF("1"), "_Pragma(\"once\")" TWICE, "gcc", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "_Pragma(\"once\")" TWICE, "gcc clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "_Pragma /* c */\n(\n\" once \")" TWICE, "gcc clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "_Pragma(L\"once\")" TWICE, "gcc clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "_Pragma(u8\"once\")" TWICE, "clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "_Pragma(\"/**/once\")" TWICE, "gcc clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "#define O _Pragma(\"once\")\nO" TWICE, "gcc clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "#define P(x) _Pragma(#x)\nP(once)" TWICE, "gcc clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "#define E\n_Pragma(E \"once\")" TWICE, "gcc clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "#define Q _Pragma\nQ(\"once\")" TWICE, "gcc clang", "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "#define Q(a, b) a##b(\"once\")\nQ(_Pra, gma)" TWICE, "gcc clang",
	  "" },
	{ "", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "#define Q(a, b) a##b(\"once\")\nQ(_P, ragma)" TWICE, "gcc clang",
	  "" },
	{ "-DP(x)=_Pragma(#x)", "#include \"h.h\"\n#include \"h.h\"\n",
	  "P(once)\n", "gcc clang", "" },
	{ "-fms-extensions", "#include \"h.h\"\n#include \"h.h\"\n" IFDEF("A"),
	  "__pragma(once)" TWICE, "", "clang" },
	{ "", "_Pragma(\"GCC system_header\")\n", "", "gcc clang", "" },
	/* #elifdef */
	{ "-std=c11", "#define X\n#if 0\n#elifdef X\n#include \"a.h\"\n#endif",
	  "", "", "gcc clang" },
	{ "-std=c99", "#if 1\n#elifndef X\n#include \"a.h\"\n#endif", "", "",
	  "clang" },
	{ "-std=c11", "#if 0\n#if 0\n#elifdef X\n#endif\n#endif\n", "",
	  "gcc clang", "" },
	{ "-std=gnu11",
	  "#define X\n#if 0\n#elifdef X\n#include \"a.h\"\n#endif", "",
	  "gcc clang", "" },
	{ "-std=c2x", "#if 0\n#elifndef X\n#include \"a.h\"\n#endif", "",
	  "gcc clang", "" },
	/* Line comments before C99. */
	{ "-std=c89", "// /*\n#include \"a.h\"\n/* */\n", "", "", "clang" },
	{ "-ansi -isystem s", "#include <h.h>\n",
	  "// /*\n#include \"../a.h\"\n/* */\n", "", "gcc clang" },
	{ "-std=c89", "/* // */\n#include \"a.h\"\n", "", "gcc clang", "" },
	{ "-std=gnu89", "// /*\n#include \"a.h\"\n/* */\n", "", "gcc clang",
	  "" },
	/* Characters and numbers of C23. */
	{ "-std=gnu2x", IF("u8'\\377' < 0"), "", "", "gcc" },
	{ "-std=gnu2x", IF("u8'a' - 200 < 0"), "", "", "gcc" },
	{ "-std=gnu2x",
	  "#define IGN(x)\nIGN(.5'0 + '/*')\n#include \"a.h\"\n/* */\n", "",
	  "gcc clang", "" },
	{ "-std=gnu2x",
	  "#define IGN(x)\nIGN('a'1'2 + '/*')\n#include \"a.h\"\n/* */\n", "",
	  "gcc clang", "" },
	{ "-std=gnu2x",
	  "#define IGN(x)\nIGN(1.e+5'0'f + '/*')\n#include \"a.h\"\n/* */\n",
	  "", "gcc clang", "" },
	{ "-std=gnu2x",
	  "#define IGN(x)\nIGN(x.L'/*' b.c'1')\n#include \"a.h\"\n/* */\n", "",
	  "gcc clang", "" },
	/* Comments inside a header's name, blanks before its end. */
	{ "-I.",
	  "#if __has_include(<a/*b.h>) || '*/>) || 0 //'\n"
	  "#include \"a.h\"\n#endif\n",
	  "", "", "gcc clang" },
	{ "-I.", IF("__has_include(<none.h>) /* < 1 */"), "", "gcc clang", "" },
	{ "-I.", "#define GT >\n#include <a.h GT\n", "", "gcc", "" },
	{ "-I.", "#define GT >\n" IF("__has_include(<a.h GT)"), "", "",
	  "clang" },
	{ "-I.", "#define LT <\n#include LT./a.h>\n", "", "gcc clang", "" },
};

static void check(const struct word *w, const char *name)
{
	char *cc = compare_compiler(name), *text;
	char *copy = xstrdup(w->line), *rest = copy, *one;
	struct cpp_scanner *s = compare_scan();
	struct strv argv = { 0 };
	enum compare_result r;

	strv_add(&argv, "cc");
	while ((one = strsep(&rest, " "))) {
		if (*one)
			strv_add(&argv, one);
	}
	strv_add(&argv, "-nostdinc");
	strv_add(&argv, "-c");
	strv_add(&argv, "unit.c");
	if (cc) {
		bool refused = strstr(w->refused, name);

		r = compare_unit(s, cc, argv.v, &text);
		ck_assert_msg(refused ? r == COMPARE_REFUSED :
					r == COMPARE_EQUAL,
			      "%s: %d\n%s\n%s", name, r, w->source, text);
		free(text);
	}
	strv_release(&argv);
	cpp_scanner_free(s);
	free(copy);
	free(cc);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(120);

TEST_EACH(special_words_are_scanned_like_the_compiler_or_rejected, words)
{
	static const char *const name[] = { "gcc", "clang" };

	compare_file("a.h", "");
	compare_file("b.h", "");
	compare_file("h.h", row->header);
	compare_file("s/h.h", row->header);
	compare_file("unit.c", row->source);
	for (int i = 0; i < 2; i++) {
		if (strstr(row->right, name[i]) ||
		    strstr(row->refused, name[i]))
			check(row, name[i]);
	}
}

TEST(a_nul_byte_is_scanned_as_a_blank)
{
	static const char source[] = "#define X\0Y\n#ifdef X\n"
				     "#include \"a.h\"\n#endif\n";
	char *argv[] = { "cc", "-c", "unit.c", NULL };
	struct cpp_scanner *s = compare_scan();
	char *cc = compare_compiler("gcc"), *text;
	char *path = xasprintf("%s/unit.c", compare_dir);
	struct err err;

	compare_file("a.h", "");
	must(fs_write(path, bytes_of(source, sizeof(source) - 1), 0644, &err));
	ck_assert_msg(compare_unit(s, cc, argv, &text) == COMPARE_EQUAL, "%s",
		      text);
	free(text);
	free(path);
	cpp_scanner_free(s);
	free(cc);
}
