/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* Directives, marks and tokens of a source; parsing of command lines. */
#include "../lib/test.h"

#include "cpp/cmdline.h"
#include "cpp/incbin-words.h"
#include "cpp/lex-directives.h"
#include "cpp/token.h"

static struct cpp_names *names;

static void setup(void)
{
	names = cpp_names_new();
}

static void teardown(void)
{
	cpp_names_free(names);
}

static struct cpp_text *lex(const char *s, unsigned mode)
{
	struct buf in = { 0 };
	struct cpp_text *t;

	buf_add_str(&in, s);
	t = cpp_lex_file(names, &in, mode, false);
	buf_release(&in);
	return t;
}

/*
 * One letter per directive, then ?  if the text can name files for the
 * assembler.
 */
static char *describe(const struct cpp_text *t)
{
	static const char letter[] = "INMDUdnieEFLfopqslX";
	struct buf b = { 0 };

	for (uint32_t i = 0; i < t->n_directives; i++)
		buf_add(&b, &letter[t->directives[i].op], 1);
	buf_add_str(&b, t->marks & CPP_MARK_ASM_FILE ? "?" : "");
	return buf_steal(&b);
}

static const struct {
	const char *source;
	unsigned mode;
	const char *list;
} shapes[] = {
	{ "", 0, "" },
	{ "\n\n", 0, "" },
	{ "text # include <x>\n", 0, "" },
	{ "#include <x>\n#include_next \"y\"\n#import <z>\n", 0, "INM" },
	{ "#define A\n#define B(x) x\n#undef A\n", 0, "DDU" },
	{ "#if X\n#elif Y\n#else\n#endif\n", 0, "ieLf" },
	{ "#ifdef X\n#ifndef Y\n#endif\n#endif\n", 0, "dnff" },
	{ "#if defined(X)\n#endif\n#if !defined X\n#endif\n", 0, "dfnf" },
	{ "#if defined(X) && 1\n#endif\n", 0, "if" },
	{ "#pragma once\n#pragma push_macro(\"X\")\n#pragma pop_macro(\"X\")"
	  "\n#pragma GCC system_header\n#pragma omp\n",
	  0, "opqs" },
	{ "#pragma push_macro(X)\n", 0, "X" },
	{ "# 1 \"x\"\n#ident \"y\"\n#\n#line 3\n#warning z\n", 0, "l" },
	{ "#unknown\n#error\n#embed <x>\n#assert x\n", 0, "XXXX" },
	{ "#unknown\n#include <x>\n", CPP_MODE_ASM, "I" },
	{ "\t.incbin \"x\"\n\t.include F\n", CPP_MODE_ASM, "?" },
	{ "\t.incbin \"x\"\n", 0, "?" },
	{ "asm(\".incbin \\\"x\\\"\");", 0, "?" },
	{ "asm(\".InCbin \\\"%0\\\"\");", 0, "?" },
	{ "#define A .incbin\n", CPP_MODE_ASM, "D?" },
	{ "x = s.included + s.incbins;\n", 0, "" },
	{ "#define 1\n#define\n#define defined\n", 0, "X" },
	{ "#elifdef X\n", 0, "E" },
	{ "lone\rreturn\n", 0, "X" },
	{ "R\"(\n#define A\n)\"", CPP_MODE_RAW_STRINGS, "" },
	{ "R\"(\n#define A\n)\"", 0, "D" },
	{ "R\"(\n#define A\n", CPP_MODE_RAW_STRINGS, "XD" },
	{ "1'0 '\n#define A '\n", CPP_MODE_DIGIT_SEPARATORS, "D" },
	{ "// x\n#define A\n", CPP_MODE_C90, "D" },
	{ "//\\\n#define A\n", CPP_MODE_C90, "" },
	{ "x /* \\", 0, "" },
	{ "#define A \\", 0, "D" },
	{ "#define A /* x", 0, "D" },
	{ "#include <x", 0, "I" },
	{ "\"", 0, "" },
	{ "'\\", 0, "" },
};

FIXTURE(setup, teardown);

TEST_EACH(a_file_is_lexed_into_its_directives, shapes)
{
	struct cpp_text *t = lex(row->source, row->mode);
	char *list = describe(t);

	ck_assert_str_eq(list, row->list);
	free(list);
	cpp_text_free(t);
}

TEST(a_conditional_refers_to_its_next_group)
{
	struct cpp_text *t = lex("#if A\n#if B\n#else\n#endif\n#elif C\n"
				 "#endif\n",
				 0);

	ck_assert_uint_eq(t->n_directives, 6);
	ck_assert_uint_eq(t->directives[0].next_group, 4);
	ck_assert_uint_eq(t->directives[1].next_group, 2);
	ck_assert_uint_eq(t->directives[2].next_group, 3);
	ck_assert_uint_eq(t->directives[4].next_group, 5);
	ck_assert(!t->reason);
	cpp_text_free(t);
}

static const struct {
	const char *source;
	const char *guard;
	enum reason reason;
} guards[] = {
	{ "#ifndef G\n#define G\n#endif\n", "G", REASON_NONE },
	{ "/* c */\n#if !defined(G)\nint x;\n#endif /* G */\n", "G",
	  REASON_NONE },
	{ "#ifndef G\n#else\n#endif\n", "", REASON_NONE },
	{ "#ifndef G\n#elif 1\n#endif\n", "", REASON_NONE },
	{ "#ifndef G\n#endif\n#define X\n", "", REASON_NONE },
	{ "#define X\n#ifndef G\n#endif\n", "", REASON_NONE },
	{ "#ifdef G\n#endif\n", "", REASON_NONE },
	{ "#ifndef G\n", "", REASON_CONDITIONALS },
	{ "#endif\n", "", REASON_CONDITIONALS },
	{ "#if 1\n#else\n#elif 1\n#endif\n", "", REASON_CONDITIONALS },
};

TEST_EACH(include_guards_are_recognised, guards)
{
	struct cpp_text *t = lex(row->source, 0);

	ck_assert_str_eq(cpp_names_get(names, t->guard)->s, row->guard);
	ck_assert_int_eq(t->reason, row->reason);
	cpp_text_free(t);
}

TEST(directives_have_their_line_numbers)
{
	struct cpp_text *t = lex("/*\n\n*/\n#define A \\\n 1\n\"x\\\ny\"\n"
				 "#include <b>\n#if /*\n*/ 1\n#endif",
				 0);

	ck_assert_uint_eq(t->n_directives, 4);
	ck_assert_uint_eq(t->directives[0].line, 4);
	ck_assert(t->directives[0].spliced);
	ck_assert_uint_eq(t->directives[1].line, 8);
	ck_assert(!t->directives[1].spliced);
	ck_assert_uint_eq(t->directives[2].line, 9);
	ck_assert_uint_eq(t->directives[3].line, 11);
	cpp_text_free(t);
}

static const struct {
	const char *source;
	unsigned marks;
} marks[] = {
	{ "x = __TIME__;", CPP_MARK_TIME },
	{ "x = __DATE__;", CPP_MARK_TIME },
	{ "#define A __TIMESTAMP__\n", CPP_MARK_TIME },
	{ "x = a__TIME__ + __TIME__b;", 0 },
	{ "/* __TIME__ */ // __DATE__\n", 0 },
	{ "x = __COUNTER__;", CPP_MARK_COUNTER },
	{ "#if __COUNTER__\n#endif\n", 0 },
	{ "x = __BASE_FILE__;", CPP_MARK_BASE_FILE },
	{ "#define A __BASE_FILE__\n", CPP_MARK_BASE_FILE },
	{ "x = __BASE_FILE + a__BASE_FILE__;", 0 },
	{ "#line 3\n", CPP_MARK_LINE },
	/* Pieces that ## can join, at any distance. */
	{ "C(__TIME,STAMP__)", CPP_MARK_TIME_PASTED },
	{ "C(__TI, ME__)", CPP_MARK_TIME_PASTED },
	{ "C(_,_DATE__)", CPP_MARK_TIME_PASTED },
	{ "C(__,TIME__)", CPP_MARK_TIME_PASTED },
	{ "C(__D,ATE__)", CPP_MARK_TIME_PASTED },
	{ "C(__DAT,E__)", CPP_MARK_TIME_PASTED },
	{ "C(__DATE_,_)", CPP_MARK_TIME_PASTED },
	{ "#define T __TIM ## E__\n", CPP_MARK_TIME_PASTED },
	{ "#define T(x) x##ME__\n", CPP_MARK_TIME_PASTED },
	{ "#define T(x) __##x##__\n", CPP_MARK_TIME_PASTED },
	{ "#define T(x) a __ ## x ## __, 1\n", CPP_MARK_TIME_PASTED },
	{ "#define T(x) __##x##_##y\n", 0 },
	{ "#define T(x) y##__##x##__\n", 0 },
	{ "#define T(x) a__##x##__\n", 0 },
	{ "x = __T + __D + TIME + DATE + ___ + __;", 0 },
	{ "x = a__TIME + __TIMER + __DATA + aTIME__ + E__x;", 0 },
	{ "#define T(__T) __T x __inline__ __volatile__\n", 0 },
	{ "/* __TIME */ \"__TIME STAMP__\"", 0 },
};

TEST_EACH(time_counter_and_file_macros_are_marked, marks)
{
	struct cpp_text *t = lex(row->source, 0);

	ck_assert_uint_eq(t->marks, row->marks);
	cpp_text_free(t);
}

static const struct {
	const char *source;
	unsigned mode;
	bool may;
} pieces[] = {
	{ "\".inc\" \"bin \\\"x\\\"\"", 0, true },
	{ "\".\" \"incbin x\"", 0, true },
	{ "\".incbi\" \"n\"", 0, true },
	{ "D(\"include x\") \"\\n\\t.\"", 0, true },
	{ "S(.) \"include x\"", 0, true },
	{ "#define NAME \"incbin\"\nf(NAME, \"It ends.\")", 0, false },
	{ "x ? \".\" : \"include/x\"; { \"include\", 1 }", 0, false },
	{ "\"x .inc\" A \"lude y\"", 0, true },
	{ "#define A \".inc\"\nA \"bin x\"", 0, true },
	{ "\"It ends.\" \"binary\" \"including\"", 0, false },
	/* More than two pieces, and other spellings. */
	{ "asm(\".in\" \"cb\" \"in x\");", 0, true },
	{ "J(\".\", \"in\", \"c\", \"bin x\")", 0, true },
	{ "x ? \"in\" : \"c\"; y(\"i\", 1); \"bin x\"", 0, false },
	{ "#define M(x) asm(\".\" x)\nM(\"inc\" \"bin x\")", 0, true },
	{ "#define M(x) asm(\".\" x)\n#define B \"bin x\"\nM(\"inc\" B)", 0,
	  true },
	{ "{ 1, \"in\" }, { 2, \"c\" }, { 3, \"bin\" }", 0, false },
	{ "asm(\"in %0\" : : \"c\" (x)); \"bin x\"", 0, false },
	{ "asm(\".INC\" \"Bin x\");", 0, true },
	{ "asm(\".inc\\x62in x\");", 0, true },
	{ "asm(\"\\056incbin x\");", 0, true },
	{ "asm(\".inc\\u0062in x\");", 0, true },
	/* Text that becomes a string. */
	{ "S(.inc) S(bin)", 0, true },
	{ "S(CAT(.inc,bin))", 0, true },
	{ "#define I .inc\n", 0, true },
	{ "S(.C(inc,bin))", 0, true },
	{ "struct s a = { .in = 1, .inc = 2 };", 0, false },
	{ "f(a.in, b->inc, c[1].in);", 0, false },
	{ "#define D(n) asm(\".in\" #n)\n", 0, true },
	{ "#define D(a, b) asm(\".\" #a #b)\n", 0, true },
	{ "#define D(a) puts(\"x.\" #a \".\")\n", 0, false },
	{ "D(incbin)", 0, true },
	{ "#define X include\n", 0, true },
	/* Macros, operands and dialects of the assembler in strings. */
	{ "asm(\".macro m x\\n .inc\\\\x\\n\");", 0, true },
	{ "asm(\".altmacro\\n.inc&x\");", 0, true },
	{ "asm(\".\\\\a\\\\()bin\");", 0, true },
	{ "asm(\".inc%c0\" : : \"i\"(x));", 0, true },
	{ "asm(\".inc{bin|x} y\");", 0, true },
	{ "asm(\"{.inc|nop}bin y\");", 0, true },
	{ "asm(\".m .inc\\n\");", 0, true },
	{ "puts(\" .\\0\");", 0, false },
	{ "printf(\"%d.%d ...in use .index 1.i\\n\");", 0, false },
	/* Assembler text. */
	{ "\t.macro m d\n\t.inc\\d \"x\"\n\t.endm\n\tm bin\n", CPP_MODE_ASM,
	  true },
	{ "\t.macro m d=bin\n\t.inc\\d \"x\"\n\t.endm\n", CPP_MODE_ASM, true },
	{ "\t.irp d,bin\n\t.inc\\d \"x\"\n", CPP_MODE_ASM, true },
	{ "\t.irpc d,b\n\t.inc\\d\()in \"x\"\n", CPP_MODE_ASM, true },
	{ "\t.macro m a, b\n\t\\a\\b \"x\"\n\t.endm\n\tm .inc, bin\n",
	  CPP_MODE_ASM, true },
	{ "\tm \".inc\", \"bin\"\n", CPP_MODE_ASM, true },
	{ "\tm INC, Bin\n", CPP_MODE_ASM, true },
	{ "#define D(x) .x\nD(incbin) \"x\"\n", CPP_MODE_ASM, true },
	{ "#define N include\n.N \"x\"\n", CPP_MODE_ASM, true },
	{ "CAT(.inc,bin) \"x\"\n", CPP_MODE_ASM, true },
	{ "CAT(CAT(in, c), bin) \"x\"\n", CPP_MODE_ASM, true },
	{ ".\\\nincbin \"x\"\n", CPP_MODE_ASM, true },
	{ "don't m incbin\n", CPP_MODE_ASM, true },
	{ "\tm in, cb, in\n", CPP_MODE_ASM, true },
	{ "\tm inc, b, i, n\n", CPP_MODE_ASM, true },
	{ "\tm in, c, b, in\n", CPP_MODE_ASM,
	  false }, /* frequent in kernel sources */
	/* Text from Linux: parameters, instructions, comments, messages. */
	{ "\t.macro m in, c, b=1\n\tb\\c \\in\n\tcb 1f\n\tin %dx, c\n",
	  CPP_MODE_ASM, false },
	{ "#define m(inc, bin) x inc, bin ## 1\n", CPP_MODE_ASM, false },
	{ "\tinc %eax\n1:\tincl %ebx # c in b\n\tb.ne 1b @ c\n", CPP_MODE_ASM,
	  false },
	{ "\t.error \"in b c\"\n# in c or b\n", CPP_MODE_ASM, false },
};

/* Return true if the parts of a text can be joined to .incbin or .include. */
static bool may_name_a_file(const char *source, unsigned mode)
{
	struct cpp_text *t = lex(source, mode);
	bool may = (t->marks & CPP_MARK_ASM_FILE) ||
		   cpp_incbin_words_is_complete(&t->incbin_words);

	cpp_text_free(t);
	return may;
}

TEST_EACH(incbin_and_include_words_in_pieces_are_detected, pieces)
{
	ck_assert_msg(may_name_a_file(row->source, row->mode) == row->may, "%s",
		      row->source);
}

TEST(text_is_split_into_c_tokens)
{
	static const char text[] = "a+b ## 0x1.8p-3+.5 \"s\\\"\" 'c' L'd' "
				   "<<= ... -> %: @";
	static const uint8_t kind[] = {
		CPP_TOK_NAME,   CPP_TOK_PUNCT, CPP_TOK_NAME,   CPP_TOK_PUNCT,
		CPP_TOK_NUMBER, CPP_TOK_PUNCT, CPP_TOK_NUMBER, CPP_TOK_STRING,
		CPP_TOK_CHAR,   CPP_TOK_CHAR,  CPP_TOK_PUNCT,  CPP_TOK_PUNCT,
		CPP_TOK_PUNCT,  CPP_TOK_PUNCT, CPP_TOK_OTHER,
	};
	struct cpp_tokens *t;

	t = cpp_tokens_new(names, text, strlen(text), CPP_MODE_RAW_STRINGS);
	ck_assert_uint_eq(t->n_tokens, sizeof(kind));
	for (uint32_t i = 0; i < t->n_tokens; i++)
		ck_assert_uint_eq(t->tokens[i].kind, kind[i]);
	ck_assert_str_eq(cpp_names_get(names, t->tokens[4].id)->s, "0x1.8p-3");
	free(t);
}

TEST(an_interned_name_keeps_its_number)
{
	char s[16];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5000; i++) {
			snprintf(s, sizeof(s), "name%d", i);
			ck_assert_uint_eq(cpp_names_intern(names, s, strlen(s)),
					  WORDS + (uint32_t)i);
		}
	}
	ck_assert_str_eq(cpp_names_get(names, WORDS + 4321)->s, "name4321");
	ck_assert_uint_eq(cpp_names_intern(names, "defined", 7), WORD_DEFINED);
}

TEST(a_command_line_is_parsed_into_its_parts)
{
	char *argv[] = { "cc",         "-Wp,-MMD,x.d",
			 "-nostdinc",  "-Ia",
			 "-I",         "b",
			 "-isystem",   "c",
			 "-include",   "gettimeofday.c",
			 "-DX",        "-DY=2",
			 "-UX",        "-O2",
			 "-Wall",      "-fmacro-prefix-map=/x/=",
			 "-std=gnu11", "-Wa,-march=x,macros.s",
			 "-c",         "-o",
			 "x.o",        "x.c",
			 NULL };
	struct options_command c;
	struct cpp_cmdline l;
	char *defines;

	options_command_parse(&c, argv);
	cpp_cmdline_parse(&l, &c, NULL);
	ck_assert_int_eq(l.reason, REASON_NONE);
	ck_assert_str_eq(l.source, "x.c");
	ck_assert_uint_eq(l.n_dirs, 3);
	ck_assert_str_eq(l.dirs[1].path, "b");
	ck_assert_int_eq(l.dirs[2].kind, CPP_DIR_SYSTEM);
	ck_assert_uint_eq(l.includes.n, 1);
	ck_assert_uint_eq(l.query_flags.n, 2); /* -O2 -std=gnu11 */
	ck_assert_str_eq(l.asm_files.v[0], "macros.s");
	defines = strv_join(&l.defines, "|");
	ck_assert_str_eq(defines, "#define X 1|#define Y 2|#undef X");
	free(defines);
	cpp_cmdline_release(&l);
	options_command_release(&c);
}

TEST(an_environment_that_adds_directories_is_refused)
{
	char *argv[] = { "cc", "-c", "x.c", NULL };
	char *env[] = { "CPATH=/x", NULL }, *empty[] = { "CPATH=", NULL };
	struct options_command c;
	struct cpp_cmdline l;

	options_command_parse(&c, argv);
	cpp_cmdline_parse(&l, &c, env);
	ck_assert_int_eq(l.reason, REASON_CPATH);
	ck_assert_str_eq(l.detail, "CPATH");
	cpp_cmdline_release(&l);
	cpp_cmdline_parse(&l, &c, empty);
	ck_assert_int_eq(l.reason, REASON_NONE);
	cpp_cmdline_release(&l);
	options_command_release(&c);
}
