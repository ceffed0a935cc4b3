/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* san: long */
/*
 * Unusual cases, each as a small tree.  The reference is the output of -M by
 * gcc and clang for the same tree.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

#include <stdint.h>

/* Headers available to each case, empty except for their guard. */
static const char *const headers[] = {
	"a.h",        "b.h",         "c.h",
	"sub/a.h",    "inc/d.h",     "inc/smart1,2.h",
	"inc2/d.h",   "inc2/e.h",    "inc/foo'bar.h",
	"inc/a//b.h", "inc/x+y~z.h",
};

/* The compilers' results differ, or one of them lacks the feature. */
enum only {
	BOTH,
	GCC,
};

static const struct odd {
	const char *source;
	const char *std; /* NULL: gnu11 */
	enum only only;
	bool refused; /* correctly not scannable */
} odd[] = {
	/* Lines, comments, quotes. */
	{ "#include \"a.h\"\n", NULL, BOTH, false },
	{ "#inc\\\nlude \"a.h\"\n", NULL, BOTH, false },
	{ "#include \"a\\\n.h\"\n", NULL, BOTH, false },
	{ "#include \"a.h\" \\", NULL, BOTH, false },
	{ "#include \"a.h\"", NULL, BOTH, false },
	{ "# /* c */ include /* d\n */ \"a.h\"\n", NULL, BOTH, false },
	{ "/* c */ #include \"a.h\"\n", NULL, BOTH, false },
	{ "/* c\n */ #include \"a.h\"\n", NULL, BOTH, false },
	{ "x #include \"a.h\"\n", NULL, BOTH, false },
	{ "//\\\n#include \"a.h\"\n", NULL, BOTH, false },
	{ "// \\ \n#include \"a.h\"\n", NULL, BOTH, false },
	{ "/\\\n/ x\n#include \"a.h\"\n", NULL, BOTH, false },
	{ "/\\\n* x\n#include \"a.h\"\n*\\\n/\n#include \"b.h\"\n", NULL, BOTH,
	  false },
	{ "char *s = \"/*\";\n#include \"a.h\"\n/* \" */\n", NULL, BOTH,
	  false },
	{ "char c = '\"';\n#include \"a.h\"\n", NULL, BOTH, false },
	{ "char *s = \"\\\\\";\n#include \"a.h\"\n", NULL, BOTH, false },
	{ "char *s = \"\\\"\\\n#include \";\n#include \"a.h\"\n", NULL, BOTH,
	  false },
	{ "#if 0\ndon't /* x\n#endif\n#include \"a.h\"\n", NULL, BOTH, false },
	{ "#if 0\n/* ' */\n#else\n#include \"a.h\"\n#endif\n", NULL, BOTH,
	  false },
	{ "char *s = R\"(\n#include \"a.h\"\n)\";\n#include \"b.h\"\n", NULL,
	  BOTH, false },
	{ "char *s = R\"x(\n)\"\n#include \"a.h\"\n)x\";\n", NULL, BOTH,
	  false },
	{ "char *s = R\"(\\\n#include \"a.h\"\n", "gnu89", BOTH, false },
	{ "#define R x\nchar *s = uR\"(\n#include \"a.h\"\n)\";\n", NULL, BOTH,
	  false },
	{ "x // c\n#include \"a.h\"\n// /*\n#include \"b.h\"\n// */\n", NULL,
	  BOTH, false },
	{ "\xef\xbb\xbf#include \"a.h\"\n", NULL, BOTH, false },
	{ "\t#\tinclude\t\"a.h\"\t\n", NULL, BOTH, false },
	{ "\f#include \"a.h\"\n\v#include \"b.h\"\n", NULL, BOTH, false },
	{ "#include \"a.h\"\r\n#include \"b.h\"\r\n", NULL, BOTH, false },
	{ "#if 1 \\\r\n && 0\r\n#include \"a.h\"\r\n#endif\r\n", NULL, BOTH,
	  false },
	{ "%:include \"a.h\"\n", NULL, BOTH, false },
	{ "%:define C(x, y) x %:%: y\n#if C(1, 2) == 12\n#include \"a.h\"\n"
	  "#endif\n",
	  NULL, BOTH, false },
	{ "?\?=include \"a.h\"\n", "c11", BOTH, true },
	{ "?\?=include \"a.h\"\n", NULL, BOTH, false },
	/* gcc would expand a macro in the operand. */
	{ "#ident \"x\"\n#include \"a.h\"\n", NULL, BOTH, false },
	{ "#if 0\n#ident __DATE__\n#endif\n#include \"a.h\"\n", NULL, BOTH,
	  false },
	{ "#ident __DATE__\n", NULL, BOTH, true },
	{ "#sccs __FILE__\n", NULL, BOTH, true },
	/* Names. */
	{ "#include <smart1,2.h>\n", NULL, BOTH, false },
	{ "#include <foo'bar.h>\n", NULL, BOTH, false },
	{ "#include <a//b.h>\n", NULL, BOTH, false },
	{ "#include <x+y~z.h>\n", NULL, BOTH, false },
	{ "#include \"sub/../a.h\"\n", NULL, BOTH, false },
	{ "#include \"./a.h\"\n", NULL, BOTH, false },
	{ "#include \"sub/a.h\" junk\n", NULL, BOTH, false },
	{ "#include <d.h>\n#include <e.h>\n", NULL, BOTH, false },
	{ "#include_next <d.h>\n", NULL, BOTH, false },
	/* Conditions. */
	{ "#if 0\n#elif 1\n#include \"a.h\"\n#elif 1\n#include \"b.h\"\n"
	  "#else\n#include \"c.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#if 0\n#if 1\n#else\n#include \"a.h\"\n#endif\n#else\n"
	  "#include \"b.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#if 1\n#elif 1 / 0\n#elif (\n#endif\n#include \"a.h\"\n", NULL, BOTH,
	  false },
	{ "#if 0\n#if garbage ( \" '\n#endif\n#bad\n#endif\n"
	  "#include \"a.h\"\n",
	  NULL, BOTH, false },
	{ "#ifndef X // y\n#include \"a.h\"\n#endif X\n", NULL, BOTH, false },
	{ "#if defined X || defined(Y) || !defined ( Z )\n#include \"a.h\"\n"
	  "#endif\n",
	  NULL, BOTH, false },
	{ "#define D defined(X)\n#define X\n#if D\n#include \"a.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#define Z(x) defined x\n#if Z(Z)\n#include \"a.h\"\n#endif\n", NULL,
	  BOTH, false },
	{ "#if __has_include(\"a.h\") && __has_include(<d.h>)\n"
	  "#include \"b.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#if __has_include(<nowhere.h>) || !defined __has_include\n"
	  "#include \"b.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#define H <d.h>\n#if __has_include(H)\n#include \"b.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#define d x\n#if __has_include(<d.h>)\n#include \"b.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#if __has_attribute(noreturn) && !__has_attribute(nonsense)\n"
	  "#include \"a.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#ifdef __has_builtin\n#if __has_builtin(__builtin_expect)\n"
	  "#include \"a.h\"\n#endif\n#endif\n",
	  NULL, BOTH, false },
	{ "#ifdef __has_feature\n#if !__has_feature(address_sanitizer)\n"
	  "#include \"a.h\"\n#endif\n#else\n#include \"b.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#elifdef X\n", NULL, BOTH, true },
	{ "#if __LINE__ == 1\n#include \"a.h\"\n#endif\n#if __LINE__ > 4\n"
	  "#include \"b.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#if __COUNTER__ == 0 && __COUNTER__ == 1\n#include \"a.h\"\n"
	  "#endif\n",
	  NULL, BOTH, false },
	{ "int x = __COUNTER__;\n#if __COUNTER__ == 1\n#include \"a.h\"\n"
	  "#endif\n",
	  NULL, BOTH, false },
	{ "#if __INCLUDE_LEVEL__ == 0\n#include \"a.h\"\n#endif\n", NULL, BOTH,
	  false },
	/* Computed includes. */
	{ "#define H \"a.h\"\n#include H\n", NULL, BOTH, false },
	{ "#define S(x...) T(x)\n#define T(x...) #x\n#define P inc\n"
	  "#include S(P/d.h)\n",
	  NULL, BOTH, false },
	{ "#define S(x...) T(x)\n#define T(x...) #x\n#define N smart1\n"
	  "#include S(inc/N,2.h)\n",
	  NULL, BOTH, false },
	{ "#define S(x...) T(x)\n#define T(x...) #x\n#define linux 1\n"
	  "#include S(inc/d.h)\n",
	  NULL, BOTH, false },
	{ "#define L <\n#define N d\n#include L N.h>\n", NULL, GCC, false },
	{ "#define H <d.h> x\n#include H\n", NULL, BOTH, false },
	{ "#define A(x) <x.h>\n#include A(d)\n", NULL, BOTH, false },
	{ "#define Q(x) B(x)\n#define B(x) #x\"\"\n#include Q(a.h)\n", NULL,
	  GCC, false },
	/* Macros that are redefined and restored. */
	{ "#define X 1\n#pragma push_macro(\"X\")\n#undef X\n#ifdef X\n"
	  "#include \"a.h\"\n#endif\n#pragma pop_macro(\"X\")\n#ifdef X\n"
	  "#include \"b.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "#pragma push_macro(\"X\")\n#define X\n#pragma pop_macro(\"X\")\n"
	  "#ifdef X\n#include \"a.h\"\n#endif\n",
	  NULL, BOTH, false },
	{ "_Pragma(\"push_macro(\\\"X\\\")\")\n#include \"a.h\"\n", NULL, BOTH,
	  false },
	{ "#define F(x) x\nF(\n#define Y\n)\n#ifdef Y\n#include \"a.h\"\n"
	  "#endif\n",
	  NULL, BOTH, false },
	{ "#define E(x) x)\n#define F(x) x\n#if F(E(1)\n#include \"a.h\"\n"
	  "#endif\n",
	  NULL, BOTH, true },
	{ "#define f(x) x f\n#define g(x) f(x)\n#if f(1)(0) + 0\n"
	  "#endif\n#include \"a.h\"\n",
	  NULL, BOTH, true },
	{ "#undef __GNUC__\n#ifndef __GNUC__\n#include \"a.h\"\n#endif\n", NULL,
	  BOTH, false },
	{ "#define X() 1\n#if X()\n#include \"a.h\"\n#endif\n", NULL, BOTH,
	  false },
	{ "#define X(x) 1 x\n#if X()\n#include \"a.h\"\n#endif\n", NULL, BOTH,
	  false },
	{ "#define X (1)\n#if X\n#include \"a.h\"\n#endif\n", NULL, BOTH,
	  false },
	{ "#define X(y)1\n#if X\n#include \"a.h\"\n#endif\n", NULL, BOTH,
	  false },
	/* Units that must be compiled locally. */
	{ "asm(\".incbin \\\"a.h\\\"\");\n", NULL, BOTH, false },
	{ "asm(\".inc\" \"bin \\\"a.h\\\"\");\n", NULL, BOTH, false },
	{ "asm(\".incbin \" NAME);\n", NULL, BOTH, false },
	{ "asm(\".in\" \"cb\" \"in \\\"a.h\\\"\");\n", NULL, BOTH, false },
	{ "asm(\".inc\\x62in \\\"a.h\\\"\");\n", NULL, BOTH, false },
	{ "asm(\"\\056incbin \\\"\\141.h\\\"\");\n", NULL, BOTH, false },
	{ "#define S(x) #x\nasm(S(.inc) \"bin \\\"a.h\\\"\");\n", NULL, BOTH,
	  false },
	{ "asm(\".macro m x\\n.inc\\\\x \\\"a.h\\\"\\n.endm\\nm bin\");\n",
	  NULL, BOTH, true },
	{ "asm(\".include \\\"x.s\\\"\");\n", NULL, BOTH, true },
	{ "__attribute__((section(\"x\\n.include \\\"x.s\\\"\\n\"))) int i;\n",
	  NULL, BOTH, true },
	{ "[[gnu::section(\"x\\n.include \\\"x.s\\\"\\n\")]] int i;\n", "gnu2x",
	  BOTH, true },
	{ "#if 0\nasm(\".incbin \" NAME);\n#endif\n", NULL, BOTH, false },
	{ "/* .incbin */ // .include\nint x;\n", NULL, BOTH, false },
	{ "#import \"a.h\"\n", NULL, BOTH, true },
	{ "#pragma GCC dependency \"a.h\"\n", NULL, BOTH, true },
};

static void write_headers(void)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		char *s = xasprintf("#ifndef H%zu\n#define H%zu\n#endif\n", i,
				    i);

		compare_file(headers[i], s);
		free(s);
	}
}

static void check_odd(const struct odd *o, const char *name)
{
	char *cc = compare_compiler(name);
	struct cpp_scanner *s = compare_scan();
	struct strv argv = { 0 };
	enum compare_result r;
	char *text;

	if (cc) {
		strv_add(&argv, "cc");
		strv_addf(&argv, "-std=%s", o->std ? o->std : "gnu11");
		strv_add(&argv, "-nostdinc");
		strv_add(&argv, "-Iinc");
		strv_add(&argv, "-Iinc2");
		strv_add(&argv, "-c");
		strv_add(&argv, "unit.c");
		compare_file("unit.c", o->source);
		r = compare_unit(s, cc, argv.v, &text);
		ck_assert_msg(o->refused ? r == COMPARE_REFUSED ||
						   r == COMPARE_BROKEN :
					   r == COMPARE_EQUAL,
			      "%s: %d\n%s\n%s", name, r, o->source, text);
		free(text);
	}
	strv_release(&argv);
	cpp_scanner_free(s);
	free(cc);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(300);

TEST_EACH(closures_of_unusual_sources_equal_those_of_the_compilers, odd)
{
	write_headers();
	check_odd(row, "gcc");
	if (row->only == BOTH)
		check_odd(row, "clang");
}

static const struct odd_asm {
	const char *source;
	const char *inputs; /* in addition to those of -M */
	bool refused;
} odd_asm[] = {
	{ "# a comment's apostrophe /* \n#include \"a.h\"\n", "", false },
	{ "#ifdef __ASSEMBLER__\n# include \"a.h\"\n#endif\n", "", false },
	{ "# 33 \"x.c\"\n# if it is\n# text\n#endif\n", "", true },
	{ "#ifdef X\n# unknown\n#else\n#include \"a.h\"\n#endif\n", "", false },
	{ "#define C(a, b) a ## b\n C(x, +)\n#include \"a.h\"\n", "", false },
	{ "\t.incbin \"a.h\"\n", "a.h", false },
	{ "\t.incbin \"d.h\", 1, 2\n", "inc/d.h", false },
	{ "#define F \"b.h\"\n\t.incbin F\n", "b.h", false },
	{ "\t.incbin F\n", "", false },
	{ "\t.incbin \"none\"\n", "", true },
	{ "\t.include \"b.h\"\n", "b.h", false },
	{ "#if 0\n\t.include \"none\"\n#endif\n", "", false },
	{ "\t.INCBIN \"a.h\"\n", "a.h", false },
	{ "\t.macro m d\n\t.inc\\d \"a.h\"\n\t.endm\n\tm bin\n", "a.h", false },
	{ "#define D(x) .x\nD(incbin) \"a.h\"\n", "a.h", false },
	{ "#define N incbin\n.N \"a.h\"\n", "a.h", false },
	{ "#define C(a, b) a##b\nC(.inc,bin) \"a.h\"\n", "a.h", false },
	{ ".\\\nincbin \"a.h\"\n", "a.h", false },
	{ "#define D(x) .x\nD(include) \"b.h\"\n", "b.h", false },
	{ "x: .ascii \"don't\" ; # don't\n#include \"a.h\"\n", "", false },
	{ "x: /* c\n#include \"a.h\"\n*/ nop // x\n#include \"b.h\"\n", "",
	  false },
};

TEST_EACH(closures_of_assembler_sources_equal_those_of_gcc, odd_asm)
{
	char *argv[] = { "cc", "-nostdinc", "-Iinc", "-c", "unit.S", NULL };
	struct cpp_scanner *s = compare_scan();
	char *cc = compare_compiler("gcc"), *text, *joined;
	struct strv inputs = { 0 };
	enum compare_result r;
	struct cpp_closure c;

	ck_assert_ptr_nonnull(cc);
	write_headers();
	compare_file("unit.S", row->source);
	r = compare_unit(s, cc, argv, &text);
	ck_assert_msg(row->refused ? r != COMPARE_EQUAL : r == COMPARE_EQUAL,
		      "%d\n%s\n%s", r, row->source, text);
	compare_closure(s, cc, argv, &c);
	for (size_t i = 0; i < c.n_files; i++) {
		if (c.files[i].kind == CPP_FILE_INPUT)
			strv_add(&inputs, c.files[i].path);
	}
	joined = inputs.n ? strv_join(&inputs, " ") : xstrdup("");
	ck_assert_str_eq(joined, row->inputs);
	cpp_closure_release(&c);
	strv_release(&inputs);
	cpp_scanner_free(s);
	free(joined);
	free(text);
	free(cc);
}

/* Options that affect the search for headers. */
static const char *const lines[] = {
	"-Iinc -Iinc2",
	"-Iinc2 -Iinc",
	"-iquoteinc -Iinc2",
	"-iquote inc -I inc2 -I inc",
	"-Iinc -isysteminc -Iinc2",
	"-idirafter inc -Iinc2",
	"-idirafter inc -isystem inc2",
	"-Inone -Iinc/../inc -Iinc2 -Ilink",
	"-Ilink -Iinc2 -Iinc",
	"-Iinc -I./inc -Iinc2/",
	"-Iinc -include a.h -include b.h",
	"-Iinc -include d.h -imacros e.h -Iinc2",
	"-Iinc -include ./a.h",
	"-Iinc -DX=1 -UX -DX",
	"-Iinc -Wp,-DX,-MMD,x.d",
	"-Iinc -Iinc2 -Wp,-UX -O2 -fno-common -mno-sse -DMODULE",
	"-Iinc -Iinc2 -ffreestanding -std=c99",
	"-nostdinc -Iinc -funsigned-char",
	"-Iinc -Iinc2 -funsigned-char -fshort-wchar",
};

static const char searching[] =
	"#include \"d.h\"\n#include <d.h>\n#ifdef X\n#include \"sub/a.h\"\n"
	"#endif\n#if '\\377' < 0 || L'a' - 98 > 0\n#include \"c.h\"\n#endif\n"
	"#include \"next.h\"\n";

static void check_line(const char *name, const char *text_line,
		       const char *more)
{
	struct strv argv = { 0 };
	struct cpp_scanner *s = compare_scan();
	char *cc = compare_compiler(name), *text;
	char *copy = xstrdup(text_line), *rest = copy, *word;
	enum compare_result r;

	strv_add(&argv, "cc");
	while ((word = strsep(&rest, " ")))
		strv_add(&argv, word);
	if (*more)
		strv_add(&argv, more);
	strv_add(&argv, "-c");
	strv_add(&argv, "unit.c");
	if (cc) {
		r = compare_unit(s, cc, argv.v, &text);
		ck_assert_msg(r == COMPARE_EQUAL || r == COMPARE_BROKEN,
			      "%s %s: %d\n%s", name, text_line, r, text);
		free(text);
	}
	strv_release(&argv);
	cpp_scanner_free(s);
	free(copy);
	free(cc);
}

TEST_EACH(headers_are_searched_in_the_order_of_the_compilers, lines)
{
	char *link = xasprintf("%s/link", compare_dir);

	write_headers();
	ck_assert_int_eq(symlink("inc", link), 0);
	compare_file("inc/next.h", "#include_next <next.h>\n");
	compare_file("inc2/next.h", "#include <e.h>\n");
	compare_file("next.h", "#include_next <next.h>\n#include \"d.h\"\n");
	compare_file("unit.c", searching);
	check_line("gcc", *row, "-nostdinc");
	check_line("clang", *row, "-nostdinc");
	free(link);
}

TEST(the_compilers_own_headers_are_found)
{
	static const char source[] = "#include <stdarg.h>\n"
				     "#include <stdint.h>\n"
				     "#include <limits.h>\n";

	compare_file("unit.c", source);
	check_line("gcc", "-O2", "");
	check_line("gcc", "-ffreestanding", "");
	check_line("gcc", "-m32", "");
	check_line("gcc", "-isystem /usr/include", "");
	check_line("gcc", "-fno-canonical-system-headers", "");
	check_line("clang", "-O2", "");
	/* clang accepts the first of these only with the second. */
	check_line("clang",
		   "-ftrivial-auto-var-init=zero -enable-trivial-auto-var-init"
		   "-zero-knowing-it-will-be-removed-from-clang",
		   "");
	check_line("aarch64-linux-gnu-gcc", "-O2", "");
}

/* Unsupported command lines. */
static const char *const refused[] = {
	"-c unit.c other.c",
	"-c @file",
	"-c -",
	"-c unit.cc",
	"-c -I- unit.c",
	"-c --nonsense unit.c",
	"-c unit.c -x c++",
	"-c -specs=x unit.c",
	"-c -fplugin=x.so unit.c",
	"-c",
	"-c -Xpreprocessor -DX unit.c",
	"-c -Wp,-MG unit.c",
	"-c -MG unit.c",
	"-c -traditional-cpp unit.c",
	"-c -I=inc unit.c",
};

TEST_EACH(unsupported_command_lines_are_rejected, refused)
{
	char *copy = xstrdup(*row), *rest = copy, *word;
	char *cc = compare_compiler("gcc");
	struct strv argv = { 0 };
	struct cpp_scanner *s = compare_scan();
	struct cpp_closure c;

	compare_file("unit.c", "int x;\n");
	strv_add(&argv, "cc");
	while ((word = strsep(&rest, " ")))
		strv_add(&argv, word);
	compare_closure(s, cc, argv.v, &c);
	ck_assert_msg(c.reason != REASON_NONE, "%s", *row);
	ck_assert_uint_eq(c.n_files, 0);
	cpp_closure_release(&c);
	strv_release(&argv);
	cpp_scanner_free(s);
	free(copy);
	free(cc);
}

/* Sources that must be rejected quickly with a reason. */
static const char *const bombs[] = {
	"#include \"unit.c\"\n",
	("#define A(x) x x\n#define B(x) A(A(A(A(A(A(A(A(x))))))))\n"
	 "#if B(B(B(B(1))))\n#endif\n"),
	("#define B(x) C(x x) C(x x)\n#define C(x) D(x x) D(x x)\n"
	 "#define D(x) E(x x) E(x x)\n#define E(x) F(x x) F(x x)\n"
	 "#define F(x) G(x x) G(x x)\n#define G(x) H(x x) H(x x)\n"
	 "#define H(x) I(x x) I(x x)\n#define I(x) J(x x) J(x x)\n"
	 "#define J(x) x x x x x x\n#if B(B(1 1 1 1))\n#endif\n"),
	"#if ((((((((((((((((((((((((((((((((((((((((\n#endif\n",
	"#if 1\n",
	"#else\n",
	"#if 1\n#else\n#else\n#endif\n",
	"#include \"fifo\"\n",
	"#if 1 +\n#endif\n",
	"#if\n#endif\n",
	"#ifdef\n#endif\n",
	"#define\n",
	"#error x\n",
	"#include\n",
	"#include <x\n",
	"#include \"\"\n",
	"#nonsense\n",
};

TEST_EACH(macro_bombs_and_errors_yield_a_reason, bombs)
{
	char *argv[] = { "cc", "-nostdinc", "-c", "unit.c", NULL };
	char *cc = compare_compiler("gcc");
	struct cpp_scanner *s = compare_scan();
	struct cpp_closure c;

	compare_shell("mkfifo fifo");
	compare_file("unit.c", *row);
	compare_closure(s, cc, argv, &c);
	ck_assert_msg(c.reason != REASON_NONE, "%s", *row);
	cpp_closure_release(&c);
	cpp_scanner_free(s);
	free(cc);
}

struct excluded {
	const char *compiler;
	const char *command; /* makes copy.h, which equals once.h */
};

static const struct excluded excluded[] = {
	{ "gcc", "cp -p once.h copy.h" },
	{ "gcc", "ln once.h copy.h" },
	{ "clang", "ln once.h copy.h" },
};

/* Whether the file is excluded depends on its stamp, which is then checked. */
TEST_EACH(the_closure_has_the_files_that_pragma_once_excludes, excluded)
{
	char *argv[] = { "cc", "-nostdinc", "-c", "unit.c", NULL };
	char *cc = compare_compiler(row->compiler), *text;
	struct cpp_scanner *s = compare_scan();
	struct cpp_closure c;

	if (!cc)
		goto out;
	compare_file("once.h", "#pragma once\nint once;\n");
	compare_shell(row->command);
	compare_file("unit.c", "#include \"once.h\"\n#include \"copy.h\"\n");
	ck_assert_int_eq(compare_unit(s, cc, argv, &text), COMPARE_EQUAL);
	compare_closure(s, cc, argv, &c);
	ck_assert_uint_eq(c.n_files, 3);
	ck_assert_str_eq(c.files[2].path, "copy.h");
	ck_assert_int_eq(c.files[2].kind, CPP_FILE_PROBED);
	cpp_closure_release(&c);
	free(text);
out:
	cpp_scanner_free(s);
	free(cc);
}

TEST(a_header_of_64_mib_is_read)
{
	static const char filler[] = "/* it's filler: \" */ int x;\n";
	size_t n = 0;
	char *big;
	char *argv[] = { "cc", "-nostdinc", "-c", "unit.c", NULL };
	char *cc = compare_compiler("gcc"), *text;
	struct cpp_scanner *s = compare_scan();

	compare_shell("touch a.h");
	for (big = xmalloc((64 << 20) + 128); n < 64 << 20;
	     n += sizeof(filler) - 1)
		memcpy(big + n, filler, sizeof(filler) - 1);
	strcpy(big + n, "#include \"a.h\"\n");
	compare_file("big.h", big);
	free(big);
	compare_file("unit.c", "#include \"big.h\"\n");
	ck_assert_int_eq(compare_unit(s, cc, argv, &text), COMPARE_EQUAL);
	free(text);
	cpp_scanner_free(s);
	free(cc);
}

TEST(closures_are_correct_with_a_memory_limit_of_1_byte)
{
	struct cpp_setup setup = { .query = compare_ask,
				   .max_memory_bytes = 1 };
	char *argv[] = { "cc", "-c", "unit.c", NULL };
	char *cc = compare_compiler("gcc"), *text;
	struct cpp_scanner *s = cpp_scanner_new(&setup);

	compare_file("unit.c", "#include <stdint.h>\n");
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(compare_unit(s, cc, argv, &text),
				 COMPARE_EQUAL);
		free(text);
	}
	cpp_scanner_free(s);
	free(cc);
}

TEST(driver_queries_are_cached_between_scanners)
{
	char *cache = xasprintf("%s/cache", compare_dir);
	struct cpp_setup setup = { .query = compare_ask, .cache_dir = cache };
	char *argv[] = { "cc", "-c", "unit.c", NULL };
	char *cc = compare_compiler("gcc"), *text;

	compare_file("unit.c", "#include <stddef.h>\n"
			       "#if __has_attribute(cold)\n#endif\n");
	for (int i = 0; i < 2; i++) {
		struct cpp_scanner *s = cpp_scanner_new(&setup);
		struct cpp_stats st;

		ck_assert_int_eq(compare_unit(s, cc, argv, &text),
				 COMPARE_EQUAL);
		cpp_scanner_stats(s, &st);
		ck_assert_uint_eq(st.n_queries, i ? 0 : 3);
		free(text);
		cpp_scanner_free(s);
	}
	free(cache);
	free(cc);
}
