/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * The scanner's reasons to reject a unit.  Each has a unit with that reason and
 * a similar unit without it.  A reason without a row is an error.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

#include "base/reason.h"

#include <sys/inotify.h>

#define SHORT_FILE "/sys/devices/system/cpu/online"
#define MANY(x)                                                               \
	x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x \
		x x x

/*
 * Options follow the source.  Special words: "clang" instead of gcc, "stdinc"
 * without -nostdinc, "no:WORD" a gcc that fails with that option,
 * "env:NAME=VALUE", "nothing" no words at all, "run:NAME" an entry of
 * `prepared`.
 */
static const struct reasoned {
	enum reason why;
	const char *source, *near; /* contents of unit.c */
	/* for both; a special last word only for the first */
	const char *options;
	const char *near_options;
} reasoned[] = {
	/* The command line. */
	{ REASON_NO_COMMAND, "", "", "nothing", "" },
	{ REASON_NOT_ONE_SOURCE, "", "", "a.c", "-O2" },
	{ REASON_SOURCE_LANGUAGE, "", "", "-std=c++11", "-std=c11" },
	{ REASON_TARGET, "", "", "clang --target=x86_64-apple-darwin",
	  "clang --target=aarch64-linux-gnu" },
	{ REASON_OPTION, "", "", "-imultilib dir.h", "-isystem dir.h" },
	{ REASON_NO_VALUE, "", "", "-I", "-I ." },
	{ REASON_SEARCH_DIRECTORY, "", "", "-I=dir.h", "-Idir.h" },
	{ REASON_SEARCH_DIRECTORY, "", "", "-Ia.h", "-Idir.h" },
	{ REASON_SEARCH_DIRECTORY, "", "", "clang -Ia.h", "clang -Inone" },
	{ REASON_NEWLINE, "", "", "-DX=1\n", "-DX=1" },
	{ REASON_UNSUPPORTED_DEFINITION, "", "", "-U1", "-Ux" },
	{ REASON_COMPILER_ENVIRONMENT, "", "", "env:COMPILER_PATH=/nowhere",
	  "env:COMPILER_PATH=" },
	/* Driver queries. */
	{ REASON_NO_MACROS, "", "", "-march=nonsense", "-march=x86-64" },
	{ REASON_NO_DIRECTORIES, "", "", "stdinc no:-v", "no:-v" },
	{ REASON_NO_OPERATOR, "#if __has_attribute(1)\n#endif\n",
	  "#if __has_attribute(x)\n#endif\n", "", NULL },
	/* Files. */
	{ REASON_NO_SOURCE, "", "", "run:no-source", "" },
	{ REASON_NO_INPUT, "", "", "-frandomize-layout-seed-file=none",
	  "-frandomize-layout-seed-file=a.h" },
	{ REASON_ASSEMBLER_UNREADABLE, "asm(\".include \\\"large\\\"\");\n",
	  "asm(\".incbin \\\"large\\\"\");\n", "run:large", NULL },
	{ REASON_ASSEMBLER_INCLUDES, "", "", "-Wa,more.s", "-Wa,a.h" },
	{ REASON_FILE_STAT, "#include \"loop\"\n",
	  "#if 0\n#include \"loop\"\n#endif\n", "run:loop", NULL },
	/* The kernel reports 4096 bytes, but the file has fewer. */
	{ REASON_FILE_CHANGES, "#include \"" SHORT_FILE "\"\n",
	  "asm(\".incbin \\\"" SHORT_FILE "\\\"\");\n", "", NULL },
	{ REASON_ENDLESS_INCLUDES, "#include \"bomb.h\"\n",
	  "#include \"many.h\"\n", "run:bomb", NULL },
	{ REASON_MANY_DIRECTIVES, "#include \"long.h\"\n",
	  "asm(\".incbin \\\"long.h\\\"\");\n", "run:long", NULL },
	{ REASON_MEMORY, "#include \"names.h\"\n", "#include \"names1.h\"\n",
	  "run:names", NULL },
	/* Directives. */
	{ REASON_PRAGMA_OPTIONS, "#pragma GCC optimize 2\n",
	  "#pragma GCC poison x\n", "-imacros unit.c", NULL },
	{ REASON_PRAGMA_OPTIONS, "#pragma GCC target(\"nonsense\")\n",
	  "#pragma GCC target(\"avx2\")\n", "", NULL },
	{ REASON_NO_HEADER, "#include \"none.h\"\n",
	  "#if 0\n#include \"none.h\"\n#endif\n", "", NULL },
	{ REASON_NO_INCBIN, "asm(\".incbin \\\"none\\\"\");\n",
	  "asm(\".incbin \\\"a.h\\\"\");\n", "", NULL },
	/* gcc uses the lowest byte. */
	{ REASON_NO_INCBIN, "asm(\"\\x12eincbin \\\"none\\\"\");\n",
	  "asm(\"\\x12fincbin \\\"none\\\"\");\n", "", NULL },
	{ REASON_NO_ASSEMBLER_FILE, "asm(\".include \\\"none\\\"\");\n",
	  "asm(\".include \\\"a.h\\\"\");\n", "", NULL },
	{ REASON_FILE_UNREADABLE, "#include \"dir.h/../fifo\"\n",
	  "#include \"dir.h/../a.h\"\n", "", NULL },
	{ REASON_INCLUDE_DEPTH, "#include \"unit.c\"\n",
	  "#ifndef A\n#define A\n#include \"unit.c\"\n#endif\n", "", NULL },
	{ REASON_DIRECTIVE, "#nonsense\n", "#if 0\n#nonsense\n#endif\n", "",
	  NULL },
	{ REASON_DIRECTIVE_ERROR, "#error\n", "#warning\n", "", NULL },
	{ REASON_EMBED, "#embed \"a.h\"\n", "#if 0\n#embed \"a.h\"\n#endif\n",
	  "", NULL },
	{ REASON_IMPORT, "#import \"a.h\"\n", "#include \"a.h\"\n", "", NULL },
	{ REASON_ASSERT, "#assert x(y)\n", "#if 0\n#assert x(y)\n#endif\n", "",
	  NULL },
	{ REASON_ELIFDEF, "#define X\n#if 0\n#elifdef X\n#endif\n",
	  "#define X\n#if 0\n#elif defined X\n#endif\n", "-std=c11", NULL },
	{ REASON_LINE_NAME, "#define L 3\n#line L\n", "#line 3 \"x\"\n", "",
	  NULL },
	{ REASON_CONDITIONALS, "#if 1\n", "#if 1\n#endif\n", "", NULL },
	{ REASON_CONDITION_NAME, "#ifdef 1\n#endif\n", "#ifdef a\n#endif\n", "",
	  NULL },
	{ REASON_INCLUDE_OPERAND, "#include x\n",
	  "#define x \"a.h\"\n#include x\n", "", NULL },
	{ REASON_MACRO_NAME, "#define 1\n", "#define a1\n", "", NULL },
	{ REASON_PRAGMA, "#pragma GCC dependency \"a.h\"\n",
	  "#pragma GCC poison a\n", "", NULL },
	{ REASON_PRAGMA, "#define P(x) _Pragma(#x)\nP(push_macro(x))\n",
	  "#define P(x) _Pragma(#x)\nP(push_macro(\"x\"))\n", "", NULL },
	{ REASON_PRAGMA, "#pragma foo __COUNTER__\n#if __COUNTER__\n#endif\n",
	  "#pragma foo __LINE__\n__COUNTER__\n#if __COUNTER__\n#endif\n", "",
	  NULL },
	{ REASON_PRAGMA, "int once; _Pragma(x)\n", "int once; _Pragma(\"x\")\n",
	  "", NULL },
	{ REASON_ASSEMBLY, "asm(\".inc%0\" :: \"i\"(x));\n",
	  "asm(\".inc\" \"bin \\\"a.h\\\"\");\n", "", NULL },
	{ REASON_UNSUPPORTED_BYTES, "lone\rreturn\n", "a\r\n", "", NULL },
	{ REASON_UNSUPPORTED_BYTES, "?\?=define X\n", "char *s = \"?\?\";\n",
	  "-std=c11", NULL },
	{ REASON_LINE_COMMENT, "// x\n", "/* // */\n", "-std=c89", NULL },
	{ REASON_IF_ERROR, "#if 1 +\n#endif\n",
	  "#if 0\n#if 1 +\n#endif\n"
	  "#endif\n",
	  "", NULL },
	{ REASON_IF_DEPTH,
	  "#if " MANY("((((((((") "1" MANY("))))))))") "\n#endif\n",
	  "#if ((((((((1))))))))\n#endif\n", "", NULL },
	{ REASON_DEFINED_NAME, "#if defined 1\n#endif\n",
	  "#if defined x\n#endif\n", "", NULL },
	{ REASON_SHIFT, "#if 1 << 64\n#endif\n", "#if 1 << 63\n#endif\n",
	  "clang", NULL },
	{ REASON_DIVISION, "#if 1 / 0\n#endif\n", "#if 0 && 1 / 0\n#endif\n",
	  "", NULL },
	{ REASON_PASTE, "#define C(a, b) a##b\n#if C(+, 1)\n#endif\n",
	  "#define C(a, b) a##b\n#if C(1, 1)\n#endif\n", "", NULL },
	{ REASON_OPEN_ARGUMENTS, "#define F(x) x\n#if F(1\n#endif\n",
	  "#define F(x) x\n#if F(1)\n#endif\n", "", NULL },
	{ REASON_OPEN_ARGUMENTS, "#define F(x) x\nF(1 __TIME__\n",
	  "#define F(x) x\nF(1 __TIME__\n)\n", "", NULL },
	{ REASON_ARGUMENT_COUNT, "#define F(x) x\n#if F(1, 2)\n#endif\n",
	  "#define F(x...) x\n#if F(1, 2)\n#endif\n", "", NULL },
	{ REASON_BAD_MACRO, "#define F(x) #y\n#if F(1)\n#endif\n",
	  "#define F(x) #y\n", "", NULL },
	{ REASON_ENDLESS_MACRO,
	  "#define A(x) x x x x x x x x\n"
	  "#if A(A(A(A(A(A(A(A(1))))))))\n#endif\n",
	  "#define A(x) x x\nint i[] = { A(1,) };\n", "", NULL },
	{ REASON_HAS_INCLUDE_PARENTHESES, "#if __has_include \"a.h\"\n#endif\n",
	  "#if __has_include(\"a.h\")\n#endif\n", "", NULL },
	{ REASON_HAS_INCLUDE_OPERAND, "#if __has_include(1)\n#endif\n",
	  "#if 0 && defined __has_include\n#endif\n", "", NULL },
	{ REASON_HAS_INCLUDE_OUTSIDE, "int __TIME__ = __has_include(\"a.h\");",
	  "int x = 1;", "", NULL },
	{ REASON_OPERATOR_PARENTHESES, "#if __has_attribute x\n#endif\n",
	  "#if __has_attribute(x)\n#endif\n", "", NULL },
	{ REASON_OPERATOR_OPERAND,
	  "#define x y\n#if __has_attribute(x)\n#endif\n",
	  "#define z y\n#if __has_attribute(x)\n#endif\n", "", NULL },
	{ REASON_LINE_MACRO, "#if __LINE__ \\\n== 1\n#endif\n",
	  "#line 7\n#if __LINE__ == 7\n#endif\n", "", NULL },
	{ REASON_FILE_MACRO, "#include __FILE__\n", "char *s = __FILE__;\n", "",
	  NULL },
};

/* Commands of "run:NAME", in addition to the common files. */
static const char *const prepared[][2] = {
	{ "no-source", "rm unit.c" },
	{ "large", "truncate -s 17M large" },
	{ "loop", "ln -sf loop loop" },
	{ "bomb", "yes '#undef X' | head -n 1000 >many.h\n"
		  "yes '#include \"many.h\"' | head -n 400 >each.h\n"
		  "yes '#include \"each.h\"' | head -n 400 >bomb.h" },
	{ "long", "(echo '#ifndef X'; yes '#undef X' | head -n 530000; "
		  "echo '#endif') >long.h" },
	{ "names", "x=0123456789; x=$x$x$x$x$x; x=$x$x$x$x\n"
		   "for i in 1 2 3 4; do\n"
		   "seq -f \"#define NAME_$x$i%.0f 1\" 100000 >names$i.h\n"
		   "echo \"#include \\\"names$i.h\\\"\"; done >names.h" },
};

static void prepare(const char *name)
{
	for (size_t i = 0; i < sizeof(prepared) / sizeof(prepared[0]); i++) {
		if (!strcmp(prepared[i][0], name))
			compare_shell(prepared[i][1]);
	}
}

/* A gcc that fails with an option. */
static char *failing_compiler(const char *option)
{
	char *text = xasprintf("#!/bin/sh\ncase \" $* \" in\n"
			       "*' %s '*) exit 1 ;;\nesac\nexec gcc \"$@\"\n",
			       option);
	char *path = xasprintf("%s/failing", compare_dir);

	compare_file("failing", text);
	compare_shell("chmod +x failing");
	free(text);
	return path;
}

/* A command line under construction. */
struct asked {
	struct strv argv, env;
	char *cc; /* NULL: not installed */
	bool stdinc, nothing;
};

static void take_option(struct asked *a, const char *word)
{
	if (!strcmp(word, "clang")) {
		free(a->cc);
		a->cc = compare_compiler("clang");
	} else if (!strcmp(word, "stdinc")) {
		a->stdinc = true;
	} else if (!strcmp(word, "nothing")) {
		a->nothing = true;
	} else if (str_starts(word, "no:")) {
		free(a->cc);
		a->cc = failing_compiler(word + 3);
	} else if (str_starts(word, "env:")) {
		strv_add(&a->env, word + 4);
	} else if (str_starts(word, "run:")) {
		prepare(word + 4);
	} else {
		strv_add(&a->argv, word);
	}
}

static enum reason why(struct cpp_scanner *s, const struct reasoned *r,
		       bool near, char **detail)
{
	const char *options = near && r->near_options ? r->near_options :
							r->options;
	struct asked a = { .cc = compare_compiler("gcc") };
	struct strv words = { 0 };
	struct options_command command;
	struct cpp_unit unit = { .cwd = compare_dir, .command = &command };
	struct cpp_closure c;
	enum reason got = near ? REASON_NONE : r->why;

	compare_file("unit.c", near ? r->near : r->source);
	strv_add(&a.argv, "cc");
	strv_add(&a.argv, "-c");
	strv_add(&a.argv, "unit.c");
	strv_add_all(&a.env, environ);
	strv_split(&words, options, " ");
	for (size_t i = 0; i < words.n; i++)
		take_option(&a, words.v[i]);
	if (!a.stdinc && !(words.n && !strcmp(words.v[words.n - 1], "-I")))
		strv_add(&a.argv, "-nostdinc");
	unit.compiler = a.cc;
	unit.env = a.env.v;
	options_command_parse(&command, a.argv.v + (a.nothing ? a.argv.n : 0));
	if (a.cc) {
		cpp_closure_find(s, &unit, &c);
		got = c.reason;
		*detail = c.detail ? xstrdup(c.detail) : NULL;
		cpp_closure_release(&c);
	}
	options_command_release(&command);
	strv_release(&words);
	strv_release(&a.argv);
	strv_release(&a.env);
	free(a.cc);
	return got;
}

static bool has_short_file(void)
{
	struct stat st;

	return !stat(SHORT_FILE, &st) && st.st_size == 4096;
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(300);

TEST_EACH(each_reason_occurs_and_a_similar_unit_is_scannable, reasoned)
{
	struct cpp_scanner *s = compare_scan();
	char *detail = NULL;
	enum reason got;

	if (row->why == REASON_FILE_CHANGES && !has_short_file()) {
		cpp_scanner_free(s);
		SKIP("this kernel reports the actual size");
	}
	compare_file("a.h", "");
	compare_file("dir.h/x", "");
	compare_file("more.s", ".include \"a.h\"\n");
	compare_shell("mkfifo fifo");
	got = why(s, row, false, &detail);
	ck_assert_msg(got == row->why, "%s, not %s (%s):\n%s", reason_text(got),
		      reason_text(row->why), detail ? detail : "", row->source);
	free(detail);
	detail = NULL;
	got = why(s, row, true, &detail);
	ck_assert_msg(got == REASON_NONE, "%s (%s):\n%s", reason_text(got),
		      detail ? detail : "", row->near);
	free(detail);
	cpp_scanner_free(s);
}

TEST(the_detail_of_a_reason_names_the_unknown_item)
{
	static const char *const open[][2] = {
		{ "#pragma GCC dependency \"a.h\"\n", "GCC dependency" },
		{ "asm(\".inc%0\" :: \"i\"(x));\n",
		  "directive with a computed name" },
	};

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		struct reasoned r = { .source = open[i][0], .options = "" };
		struct cpp_scanner *s = compare_scan();
		char *detail = NULL;

		compare_file("a.h", "");
		why(s, &r, false, &detail);
		ck_assert_msg(detail && strstr(detail, open[i][1]), "%s: %s",
			      open[i][0], detail ? detail : "nothing");
		free(detail);
		cpp_scanner_free(s);
	}
}

/* The scanner's reasons are the last ones in base/reason-list.h. */
TEST(each_reason_has_a_row)
{
	for (enum reason why = REASON_NO_COMMAND; why <= REASON_FILE_MACRO;
	     why++) {
		bool has = false;

		for (size_t i = 0; i < sizeof(reasoned) / sizeof(reasoned[0]);
		     i++)
			has |= reasoned[i].why == why;
		ck_assert_msg(has, "%s", reason_text(why));
	}
	ck_assert_int_eq(REASON_FILE_MACRO + 1, N_REASONS);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(60);

/* Units that name a FIFO.  The members are those of `reasoned`. */
static const struct reasoned fifos[] = {
	{ REASON_FILE_UNREADABLE, "#include \"fifo\"\n", "", "", NULL },
	{ REASON_FILE_UNREADABLE, "", "", "-include fifo", NULL },
	{ REASON_FILE_UNREADABLE, "", "", "-imacros link", NULL },
	{ REASON_ASSEMBLER_UNREADABLE, "", "", "-Wa,fifo", NULL },
	{ REASON_ASSEMBLER_UNREADABLE, "asm(\".include \\\"fifo\\\"\");\n", "",
	  "", NULL },
};

TEST_EACH(a_fifo_is_not_opened, fifos)
{
	struct cpp_scanner *s = compare_scan();
	char *detail = NULL, *fifo = xasprintf("%s/fifo", compare_dir),
	     events[4096];
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	enum reason got;

	compare_shell("mkfifo fifo && ln -s fifo link");
	ck_assert_int_ge(inotify_add_watch(watch, fifo, IN_OPEN), 0);
	got = why(s, row, false, &detail);
	ck_assert_str_eq(reason_text(got), reason_text(row->why));
	ck_assert_int_eq(read(watch, events, sizeof(events)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(watch);
	free(fifo);
	free(detail);
	cpp_scanner_free(s);
}
