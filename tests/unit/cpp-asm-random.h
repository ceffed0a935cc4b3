/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp-asm-random.h - Random assembler texts with macros, repetitions,
 * conditions, labels and comments: lines() with errors, good_lines() without.
 */
#ifndef SCAN_ASM_RANDOM_H
#define SCAN_ASM_RANDOM_H

#include "base/buf.h"

#include "../lib/random.h"

/* A text under construction. */
struct text {
	struct buf b;
	unsigned depth;
	unsigned left; /* maximum number of further statements */
	bool in_macro;
	const char *comment;
	/* macros without errors have numbers from m_FIRST on */
	unsigned first, macros;
};

static void lines(struct text *t);

static void expression(struct text *t)
{
	static const char *const atom[] = {
		"0",  "1",   "2",       "3",    "-1",     "0x10",
		"s0", "s1",  "(1+2*3)", "(s0)", "(s1+1)", "l0-l0",
		"1b", "'a'", "~0",      "!s1",  "0b11",   "undefined_one",
	};
	static const char *const op[] = { "+",  "-",  "*",  "==", "!=", "<",
					  ">",  "<=", ">=", "&",  "|",  "&&",
					  "||", "<<", ">>", "^",  "<>" };

	if (t->in_macro && maybe(40))
		buf_printf(&t->b, "\\%c", "abc"[pick(3)]);
	else
		buf_add_str(&t->b, ONE_OF(atom));
	if (maybe(50))
		buf_printf(&t->b, "%s%s", ONE_OF(op), ONE_OF(atom));
}

static void argument(struct text *t)
{
	static const char *const list[] = {
		".incbin",
		"incbin",
		"\"f1\"",
		"f2",
		".in",
		"cbin",
		"bin",
		"i",
		"1",
		"2",
		"x",
		"a b",
		"\"a b\"",
		"(1, 2)",
		"[x, y]",
		"\"\"",
		"",
		"\".incbin\"",
		"\"incbin \\\"f3\\\"\"",
		"\".incbin \\\"f4\\\"\"",
		"\"nop; .incbin \\\"f5\\\"\"",
		"<.incbin \"f6\">",
		"<f7>",
		"%1+2",
		"%s0",
		"'c'",
		"!x",
		"a=f8",
		"b=.incbin",
		"c=\"f9\"",
		".INCBIN",
		"\"\"\"f10\"\"\"",
		"s0",
		"m0",
		"m1",
		"/* f11 */ f11",
		"x:",
		"nop",
	};

	if (t->in_macro && maybe(30))
		buf_printf(&t->b, "%s\\%c", maybe(20) ? ".in" : "",
			   "abc"[pick(3)]);
	else
		buf_add_str(&t->b, ONE_OF(list));
}

static void arguments(struct text *t)
{
	for (unsigned n = pick(4); n; n--) {
		argument(t);
		if (n > 1)
			buf_add_str(&t->b, maybe(70) ? ", " :
					   maybe(50) ? "," :
						       " ");
	}
}

/* Use the parameters in a macro's body. */
static void use(struct text *t)
{
	static const char *const list[] = {
		"\\a \"f12\"",
		"\\a\\b \"f13\"",
		".\\a \"f14\"",
		".in\\a \"f15\"",
		".inc\\()bin \"f16\"",
		".incbin \"\\a\"",
		".incbin \"\\a\\().x\"",
		".incbin \\b",
		".byte 0 # x\\@",
		"\\a",
		"\\b \\c",
		"\\a \\b, \\c",
		"\\c",
		".incbin \"\\b\\c\"",
		"a \"f17\"",
		"&a \"f18\"",
		".in&a& \"f19\"",
		".incbin \"&b\"",
		"\\a\\(); nop",
		"\\a: .incbin \"f20\"",
		"m\\a \\b",
		".ifc \\a,x\n.incbin \"f21\"\n.endif",
		".ifb \\a\n.incbin \"f22\"\n.else\n.incbin \"f23\"\n.endif",
		".ifnb \\b\n.incbin \"f24\"\n.endif",
		".ifeqs \"\\a\",\"x\"\n.incbin \"f25\"\n.endif",
		".exitm",
		".set s0, s0+1",
		".if s0 < 5\nm0 \\a\n.endif",
	};

	buf_add_str(&t->b, ONE_OF(list));
}

static void block(struct text *t, const char *end)
{
	buf_add_str(&t->b, "\n");
	t->depth++;
	lines(t);
	t->depth--;
	buf_add_str(&t->b, end);
}

static void macro(struct text *t)
{
	static const char *const formals[] = {
		"",
		"a",
		"a b c",
		"a, b, c",
		"a=.incbin, b=\"f26\"",
		"a:req b c:vararg",
		"b:vararg",
		"a, b=f27",
		"c a b",
		"a= b= c=.in",
	};
	bool outer = t->in_macro;

	buf_printf(&t->b, ".%s m%u%s%s", maybe(10) ? "MACRO" : "macro", pick(4),
		   maybe(20) ? "," : " ", ONE_OF(formals));
	t->in_macro = true;
	block(t, maybe(5) ? "x1: .endm" : ".endm");
	t->in_macro = outer;
}

static void repetition(struct text *t)
{
	bool outer = t->in_macro;

	if (maybe(30)) {
		buf_printf(&t->b, ".rept %u", pick(4));
		block(t, ".endr");
		return;
	}
	if (maybe(20)) {
		buf_printf(&t->b, ".irpc %c,%s", "abc"[pick(3)],
			   maybe(50) ? "ixb" : "\"1 2\"");
	} else {
		buf_printf(&t->b, ".irp %c,", "abc"[pick(3)]);
		arguments(t);
	}
	t->in_macro = true;
	block(t, ".endr");
	t->in_macro = outer;
}

static void condition(struct text *t)
{
	static const char *const kind[] = { "if",   "ifeq", "ifne", "ifgt",
					    "ifge", "iflt", "ifle" };

	if (maybe(20)) {
		buf_printf(&t->b, ".if%sdef %s", maybe(50) ? "n" : "",
			   maybe(50) ? "s0" : "undefined_one");
	} else {
		buf_printf(&t->b, ".%s ", ONE_OF(kind));
		expression(t);
	}
	block(t, "");
	if (maybe(30)) {
		buf_add_str(&t->b, ".elseif ");
		expression(t);
		block(t, "");
	}
	if (maybe(50)) {
		buf_add_str(&t->b, ".else");
		block(t, "");
	}
	buf_add_str(&t->b, ".endif");
}

static void plain(struct text *t)
{
	static const char *const list[] = {
		"nop",
		".incbin \"f30\"",
		".INCBIN \"f32\"",
		"\t.incbin /* c */ \"f33\"",
		".incbin \"f\\\"34\"",
		".incbin f35",
		"l1: l2: .incbin \"f36\"",
		"1: .incbin \"f37\"",
		"nop; .incbin \"f38\"",
		".ascii \"; .incbin \\\"f39\\\"\"",
		".incbin \"f40\",1,2",
		".byte ';' ; .incbin \"f41\"",
		"/* .incbin \"f42\" */",
		"# .incbin \"f43\"",
		"# 12 \"f44\"",
		".altmacro\n.macro ma x\nLOCAL l\nl: .incbin \"f&x\"\n"
		".endm\n.noaltmacro",
		".altmacro\nma 56\nma %s0\n.noaltmacro\n.purgem ma",
		".altmacro\nm0 <.incbin \"f55\">, %1+2\n.noaltmacro",
		".purgem m0",
		".purgem m1, m2",
		"s0 = 1",
		"s1 == s0 + 1",
		".set s1, 3",
		".equ s0, s1 - 1",
		".equiv s2, 4",
		"LOCAL x, y",
		".print \"x;y\"",
		".ifb \"a;b\"\n.endif",
		"/* a\n b */ .incbin \"f46\"",
		".ascii \"a\n.incbin \\\"f47\\\" \"",
		"m0: .incbin \"f48\"",
		".incbin \"f49\" # c",
		".incbin \"f50\" // c",
		".incbin \"f51\" @ c",
		".incbin \"f52\" ! c",
		".title \"a;.incbin \\\"f53\\\"\"",
		"m3 : .incbin \"f54\"",
		".exitm",
		"m0 ; m1",
	};

	buf_add_str(&t->b, ONE_OF(list));
}

static void line(struct text *t)
{
	if (t->left)
		t->left--;
	if (maybe(10))
		buf_add_str(&t->b, "\t");
	if (maybe(2))
		buf_printf(&t->b, "x%u: ", pick(3));
	if (t->in_macro && maybe(45))
		use(t);
	else if (t->left && t->depth < 4 && maybe(18))
		macro(t);
	else if (t->left && t->depth < 4 && maybe(15))
		repetition(t);
	else if (t->left && t->depth < 4 && maybe(15))
		condition(t);
	else if (maybe(45)) {
		buf_printf(&t->b, "%c%u ", maybe(5) ? 'M' : 'm', pick(4));
		arguments(t);
	} else {
		plain(t);
	}
	if (maybe(3))
		buf_printf(&t->b, " %s c \"", t->comment);
	buf_add_str(&t->b, maybe(8) ? ";" : "\n");
}

static void lines(struct text *t)
{
	for (unsigned n = 1 + pick(t->depth ? 3 : 7); n; n--)
		line(t);
}

/* ---- texts valid for every assembler, except for missing files ---- */

static void good_macro(struct text *t)
{
	static const char *const body[] = {
		".incbin \"\\a\"",
		".incbin \"\\a\\()\\b\\().x\"",
		".ifc \\a,x\n.incbin \"f60\"\n.else\n.byte 1\n.endif",
		".ifb \\b\n.incbin \"f61\"\n.endif",
		".ifnb \\b\n.incbin \"f62\"\n.endif",
		".ifeqs \"\\a\",\"y\"\n.incbin \"f63\"\n.endif",
		"\\d \"f64\"",
		".in\\e \"f65\"",
		"\\().\\()incbin \"f66\"",
		".irp i,\\a,\\b,3\n.incbin \"g\\i\"\n.endr",
		".irpc i,\\a\n.incbin \"h\\i\"\n.endr",
		"\\v",
		".if \\n > 2\n.incbin \"f67\"\n.exitm\n.endif",
		".rept \\n\n.incbin \"f68\"\n.endr",
		".set s0, s0 + \\n",
	};
	unsigned n = 1 + pick(4);

	buf_printf(&t->b,
		   ".macro m_%u n=1, a=f69, b, d=.incbin, e=cbin, "
		   "v:vararg\n",
		   t->first + t->macros);
	while (n--)
		buf_printf(&t->b, "%s\n", ONE_OF(body));
	buf_add_str(&t->b, ".endm\n");
	t->macros++;
}

static void good_call(struct text *t)
{
	static const char *const arguments[] = {
		"",
		"1",
		"3, x",
		"0, y, z",
		"4 f70 f71",
		"n=2, b=f72",
		"d=.ascii",
		"e=clude_not",
		"1, \"a b\", c",
		"1, x, y, .ascii, cbin, .incbin \"f73\"",
		"1, x, y, .ascii, cbin, m_0 3, w",
		"2,y,,.incbin",
		"1, \"a;b\"",
	};

	buf_printf(&t->b, "m_%u %s\n", t->first + pick(t->macros),
		   ONE_OF(arguments));
}

static void good_line(struct text *t)
{
	static const char *const list[] = {
		".incbin \"f80\"",
		"nop; .INCBIN \"f81\"",
		".ascii \"; .incbin \\\"f82\\\"\"",
		"/* .incbin \"f83\" */",
		"1: .incbin \"f84\",1,2",
		".set s0, 1",
		".set s1, s0 * 2 + 1",
		".if s0 == 1\n.incbin \"f85\"\n.else\n.incbin "
		"\"f86\"\n.endif",
		".if s0 < 3 && s1 >= s0\n.incbin \"f87\"\n.elseif s0 & "
		"4\n.incbin \"f88\"\n.endif",
		".ifdef s0\n.incbin \"f89\"\n.endif",
		".byte ';', '\"'",
		".rept 2\n.set s0, s0 + 1\n.endr",
	};

	if (maybe(20))
		good_macro(t);
	else if (t->macros && maybe(50))
		good_call(t);
	else
		buf_printf(&t->b, "%s\n", ONE_OF(list));
}

static void good_lines(struct text *t)
{
	buf_add_str(&t->b, ".set s0, 0\n.set s1, 0\n");
	for (unsigned n = 4 + pick(12); n; n--)
		good_line(t);
}

#endif
