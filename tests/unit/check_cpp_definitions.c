/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * Selection of the definitions that a unit can look up.  The property test in
 * check_cpp_property.c compares the selection with compilers.
 */
#include "../lib/test.h"
#include "cpp-compare.h"
#include "cpp/definitions.h"

/* Eight names in capitals, so that one other name may be among them. */
static const char definitions[] = "#define A 1\n"
				  "#define B 2\n"
				  "#define B_MODULE 1\n"
				  "#define C64BIT (A)\n"
				  "#define NAME \"word\"\n"
				  "#define E1 1\n"
				  "#define LONG_NAME 7\n"
				  "#define LAST\n";

static const struct use {
	const char *name;
	const char *text; /* of the source, which includes the definitions */
	const char *option; /* NULL, or an option */
	const char *want; /* selected names, each followed by a space */
} uses[] = {
	/* The body of C64BIT always has A as a word. */
	{ "nothing", "int x;\n", NULL, "A " },
	{ "text", "int x = B;\n", NULL, "A B " },
	{ "comment", "int x; /* B */ // E1\n", NULL, "A " },
	{ "string", "char *x = \"B E1\";\n", NULL, "A B E1 " },
	{ "constant", "int x = 'B';\n", NULL, "A B " },
	{ "skipped text", "#if 0\nB\n#endif\n", NULL, "A B " },
	{ "skipped quote", "#if 0\ndon't B\n#endif\n", NULL, "A B " },
	{ "ifdef", "#ifdef B\n#endif\n", NULL, "A B " },
	{ "spliced directive", "#ifdef LONG_\\\nNAME\n#endif\n", NULL,
	  "A LONG_NAME " },
	{ "defined", "#if defined(B) || !defined E1\n#endif\n", NULL,
	  "A B E1 " },
	{ "elif", "#if 1\n#elif E1\n#endif\n", NULL, "A E1 " },
	{ "undef", "#undef B\n", NULL, "A B " },
	{ "redefinition", "#define NAME \"word\"\n", NULL, "A NAME " },
	{ "body", "#define f(x) x + B\n", NULL, "A B " },
	{ "parameter", "#define f(E1) E1\n", NULL, "A E1 " },
	{ "pragma", "#pragma foo B\n", NULL, "A B " },
	{ "push_macro", "#pragma push_macro(\"B\")\n", NULL, "A B " },
	{ "operator", "_Pragma(\"push_macro(\\\"B\\\")\")\n", NULL, "A B " },
	{ "longer words", "int LONG_NAMES, A_LAST;\n", NULL, "A " },
	{ "paste", "#define m(x) x##_MODULE\nm(B)\n", NULL, "A B B_MODULE " },
	{ "paste a number", "int C; m(64BIT)\n", NULL, "A C64BIT " },
	{ "paste a counter", "int E; __COUNTER__\n", NULL, "A E1 " },
	{ "paste three", "int NA; int M; int E;\n", NULL, "A NAME E1 " },
	{ "no first part", "int _MODULE, AME, AST_NAME;\n", NULL, "A " },
	{ "parts in strings", "char *x = \"NA\" \"ME\"; int y = 'E';\n", NULL,
	  "A " },
	{ "parts in parameters", "#define f(NA, ME) NA ME\n", NULL, "A " },
	{ "parts in a call in a string",
	  "_Pragma(\"clang loop unroll_count(CAT(NA, ME))\")\n", NULL,
	  "A NAME " },
	{ "parts after a raw string",
	  "#define s(x) R\"(a\"b)\" NA##x \"\" ME\n", NULL, "A NAME " },
	{ "parts after a quote", "#define s don't \"NA\" ME\n", NULL,
	  "A NAME " },
	{ "parts after constants", "#define s 'x' \"NA\" '\\'' ME\n", NULL,
	  "A " },
	{ "parts in a defined name", "#define NA\n#ifdef ME\n#endif\n", NULL,
	  "A " },
	{ "command line", "int x;\n", "-DX=B", "A B " },
	{ "command line, undefined", "int x;\n", "-UB", "A B " },
	{ "debug information", "int x = B;\n", "-g", "A B " },
	{ "macros in it", "int x = B;\n", "-g3", NULL },
	{ "macros in it, by gdb's format", "int x;\n", "-ggdb3", NULL },
	{ "split word", "int LONG_\\\nNAME;\n", NULL, NULL },
	{ "embedded", "asm(\".incbin \\\"defs.h\\\"\");\n", NULL, NULL },
};

static struct cpp_scanner *new_scanner(void)
{
	const struct cpp_setup setup = { .query = compare_ask,
					 .cache_dir = compare_cache,
					 .selects_definitions = true };

	return cpp_scanner_new(&setup);
}

/* Return the names in a list of directives, each followed by a space. */
static char *names_of(const char *list)
{
	struct buf b = { 0 };

	if (!list)
		return NULL;
	for (; *list; list = strchr(list, '\n') + 1) {
		const char *name = strchr(list, ' ') + 1;

		buf_add(&b, name, strcspn(name, " (\n"));
		buf_add_str(&b, " ");
	}
	return buf_steal(&b);
}

/* Scan unit.c or unit.S and return the selected names of `header`. */
static char *selected(const char *cc, const char *source, const char *option,
		      const char *header)
{
	struct cpp_scanner *s = new_scanner();
	struct strv argv = { 0 };
	struct cpp_closure c;
	char *names = NULL;

	strv_add(&argv, "cc");
	strv_add(&argv, "-nostdinc");
	if (option)
		strv_add(&argv, option);
	strv_add(&argv, "-c");
	strv_add(&argv, source);
	compare_closure(s, cc, argv.v, &c);
	ck_assert_msg(!c.reason, "%s: %s", reason_text(c.reason), c.detail);
	for (size_t i = 0; i < c.n_files; i++) {
		if (!strcmp(c.files[i].path, header))
			names = names_of(c.files[i].definitions);
	}
	cpp_closure_release(&c);
	cpp_scanner_free(s);
	strv_release(&argv);
	return names;
}

FIXTURE(compare_setup, compare_teardown);

TEST_EACH(definitions_that_a_unit_can_look_up_are_selected, uses)
{
	char *cc = compare_compiler("gcc"), *names, *source;

	source = xasprintf("#include \"defs.h\"\n%s", row->text);
	compare_file("defs.h", definitions);
	compare_file("unit.c", source);
	names = selected(cc, "unit.c", row->option, "defs.h");
	if (row->want)
		ck_assert_str_eq(names, row->want);
	else
		ck_assert_ptr_null(names);
	free(names);
	free(source);
	free(cc);
}

static const struct header {
	const char *text;
	const char *want; /* NULL: not a definition header */
} headers[] = {
	{ "#define X1\n#undef X2\n", "" },
	{ "/* X1 */\n#ifndef GUARD_H\n#define GUARD_H\n#define X1\n#endif\n",
	  "GUARD_H GUARD_H " },
	{ "#ifndef _GUARD\n#define _GUARD\n#define X1\n#define X2\n#define X3\n"
	  "#define X4\n#define X5\n#define X6\n#endif\n",
	  "_GUARD _GUARD " },
	/* Two directives for one name. */
	{ "#undef X1\n#define X1\n#define X2\n", "X1 X1 " },
	{ "#define X1 1\n#define X1 it's\n#define X2\n", "X1 X1 " },
	{ "#define X1 it's\n#define X1 1\n#define X2\n", "X1 X1 " },
	{ "#define X1\n#define x\n", "x " },
	{ "#define X1\n#define x\n#define y\n", NULL },
	{ "#define X1\nint y;\n", NULL },
	{ "#define X1\n#include \"empty.h\"\n", NULL },
	{ "#define X1\n#ifdef X2\n#endif\n", NULL },
	{ "#define X1\n#pragma once\n", NULL },
	{ "#define X1\n#pragma foo\n", NULL },
	{ "#define X1\n#ident \"x\"\n", NULL },
	{ "#define X1\n# 3 \"x\"\n", NULL },
	{ "/* empty */\n", NULL },
	/* Compilers check definitions that are not used, */
	{ "#define X1 \"a\"\n#define X2(a b) 1\n", "X2 " },
	{ "#define X1\n#define X2 it's\n", "X2 " },
	{ "#define X1\n#define X2 \"x\n", "X2 " },
	{ "#define X1\n#define X2 a ##\n", "X2 " },
	{ "#define X1\n#define X2 __VA_ARGS__\n", "X2 " },
	{ "#define X1\n#define X2\"x\"\n", "X2\"x\" " },
	{ "#define X1\n#define X2 \"\\\"\"\n", "X2 " },
	{ "#define X1\n#undef X2 x\n", NULL },
	/* comments and bytes. */
	{ "#define X1 /* /* */\n", NULL },
	{ "#define X1 // /* */\n", "" },
	{ "#define X1 // \\\n#define X2\n", NULL },
	{ "#define X1 /* ?\?/ */\n", NULL },
	{ "#define X1 /* \xe2\x80\xae */\n", NULL },
	{ "#define X1 /* \f */\n", NULL },
	{ "#define X1", NULL },
	{ "#ifndef GUARD\n#define GARD\n#define X1\n#endif\n", NULL },
};

TEST_EACH(definitions_are_selected_only_from_definition_headers, headers)
{
	char *cc = compare_compiler("gcc"), *names;

	compare_file("defs.h", row->text);
	compare_file("empty.h", "");
	compare_file("unit.c", "#include \"defs.h\"\n");
	names = selected(cc, "unit.c", NULL, "defs.h");
	if (row->want)
		ck_assert_str_eq(names, row->want);
	else
		ck_assert_ptr_null(names);
	free(names);
	free(cc);
}

TEST(a_name_defined_in_two_headers_is_selected)
{
	char *cc = compare_compiler("gcc"), *names;

	compare_file("defs.h", "#define X1 1\n#define X2 1\n");
	compare_file("other.h", "#define X2 2\n#define X3 1\n");
	compare_file("unit.c", "#include \"defs.h\"\n#include \"other.h\"\n");
	names = selected(cc, "unit.c", NULL, "other.h");
	ck_assert_str_eq(names, "X2 ");
	free(names);
	free(cc);
}

TEST(definitions_are_selected_for_assembler_sources)
{
	char *cc = compare_compiler("gcc"), *names;

	compare_file("defs.h", definitions);
	compare_file("unit.S",
		     "#include \"defs.h\"\n# don't E1\nmov $B, %eax\n");
	names = selected(cc, "unit.S", NULL, "defs.h");
	ck_assert_str_eq(names, "A B E1 ");
	free(names);
	free(cc);
}

TEST(debug_information_of_clang_prevents_a_selection)
{
	char *cc = compare_compiler("clang"), *names;

	if (!cc)
		return;
	compare_file("defs.h", definitions);
	compare_file("unit.c", "#include \"defs.h\"\n");
	names = selected(cc, "unit.c", NULL, "defs.h");
	ck_assert_str_eq(names, "A ");
	free(names);
	ck_assert_ptr_null(selected(cc, "unit.c", "-g", "defs.h"));
	free(cc);
}

/* gcc omits columns if it runs out of source locations. */
TEST(a_huge_unit_has_no_selection)
{
	char *cc = compare_compiler("gcc"), *names;
	struct buf lines = { 0 };

	for (size_t i = 0; i < CPP_LOCATIONS_MAX / 4096 / 2; i++)
		buf_add_str(&lines, "\n");
	compare_file("defs.h", definitions);
	compare_file("lines.h", buf_str(&lines));
	compare_file("unit.c", "#include \"defs.h\"\n#include \"lines.h\"\n");
	names = selected(cc, "unit.c", NULL, "defs.h");
	ck_assert_str_eq(names, "A ");
	free(names);
	compare_file("unit.c", "#include \"defs.h\"\n#include \"lines.h\"\n"
			       "#include \"lines.h\"\n");
	ck_assert_ptr_null(selected(cc, "unit.c", NULL, "defs.h"));
	buf_release(&lines);
	free(cc);
}
