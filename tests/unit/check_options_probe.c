/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "../lib/test.h"

#include "options/probe.h"

#define WARNINGS                                                        \
	"-Werror -D__KERNEL__ -Wall -Wundef -Werror=strict-prototypes " \
	"-Wno-trigraphs -fno-strict-aliasing -std=gnu11 "               \
	"-mgeneral-regs-only -mabi=lp64 -Wa,-march=armv8.5-a "

/* A command line and its properties; "" if it is not a probe. */
static const struct line {
	const char *line;
	/* q: query, i: reads stdin, n: reads /dev/null, r: is rejected */
	const char *properties;
	const char *output;
} lines[] = {
	/* kbuild */
	{ "gcc " WARNINGS "-c -x c /dev/null -o .tmp_12/tmp", "n",
	  ".tmp_12/tmp" },
	{ "gcc " WARNINGS "-c -x c /dev/null -o .tmp_12/tmp.o", "n",
	  ".tmp_12/tmp.o" },
	{ "gcc -Werror -m32 -E -x c /dev/null -o /dev/null", "n", NULL },
	{ "gcc -E -P -x c -", "i", NULL },
	{ "gcc -c -x assembler-with-cpp -o /dev/null -", "ni", NULL },
	{ "gcc -Wa,--version -c -x assembler-with-cpp /dev/null -o /dev/null",
	  "n", NULL },
	{ "gcc -S -x c -o .tmp_1/tmp -", "i", ".tmp_1/tmp" },
	{ "gcc -S -x c -m64 -O0 -mcmodel=kernel -fstack-protector - -o -", "i",
	  NULL },
	{ "gcc -c -x c - -o /tmp/tmp.DuXmsypnOQ.o", "i",
	  "/tmp/tmp.DuXmsypnOQ.o" },
	{ "gcc -c -x c - -o/tmp/tmp.DuXmsypnOQ", "i", "/tmp/tmp.DuXmsypnOQ" },
	{ "gcc -dM -E - -g", "i", NULL },
	{ "gcc --version", "q", NULL },
	{ "gcc -v", "q", NULL },
	{ "gcc -dumpmachine", "q", NULL },
	{ "gcc -print-file-name=plugin", "q", NULL },
	{ "gcc -Werror -gz=zlib -c -x c /dev/null -o .tmp_1/tmp.o", "n",
	  ".tmp_1/tmp.o" },
	{ "gcc -Werror -frandomize-layout-seed-file=/dev/null -c -x c "
	  "/dev/null -o .tmp_1/tmp.o",
	  "n", ".tmp_1/tmp.o" },
	{ "clang --target=aarch64-linux-gnu -Werror -Qunused-arguments "
	  "-mllvm -tsan-distinguish-volatile=1 -c -x c /dev/null -o .t/tmp.o",
	  "n", ".t/tmp.o" },
	{ "gcc -fno-such-option=2 -c -x c /dev/null -o .tmp_1/tmp", "nr",
	  ".tmp_1/tmp" },
	/*
	 * Command lines that read or write other files, or name other programs.
	 */
	{ "gcc -x c - -o /dev/null", "", NULL },
	{ "gcc -static -x c - -o /dev/null", "", NULL },
	{ "gcc -nostdlib -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -c a.c -o .tmp_1/tmp", "", NULL },
	{ "gcc -E a.c", "", NULL },
	{ "gcc -c -x c /dev/null", "", NULL },
	{ "gcc -c -x c /dev/null -o -", "", NULL },
	{ "gcc -c -x c /dev/null a.o -o .tmp_1/tmp", "", NULL },
	{ "gcc -c -x c++ /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -c /dev/null -x c -o .tmp_1/tmp", "", NULL },
	{ "gcc -c -x c /dev/null -o a.c", "", NULL },
	{ "gcc -c -x c /dev/null -o .tmp_1/tmp -o /dev/null", "", NULL },
	{ "gcc -c -E -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -M -x c /dev/null", "", NULL },
	{ "gcc -MD -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -Wp,-MMD,d -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -include a.h -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -Iinclude -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -B. -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -specs=x -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -wrapper a,b -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc @args -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -gsplit-dwarf -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -ftest-coverage -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -fstack-usage -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -Wa,-alh=x -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -Wa,-I. -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -fplugin=./a.so -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -fno-such-file=a/b -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc --no-such -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -c -x c /dev/null -o .tmp_1/tmp.c", "", NULL },
	{ "gcc -march=native -c -x c /dev/null -o .tmp_1/tmp", "nr",
	  ".tmp_1/tmp" },
	{ "gcc -DX=__TIME__ -E -", "", NULL },
	{ "gcc -DX=incbin -E -", "", NULL },
	{ "gcc -D X=incbin -E -", "", NULL },
	{ "gcc -DX=__INT8_C -c -x c - -o .tmp_1/tmp", "", NULL },
	/* Macros that could form a directive in the input. */
	{ "gcc -DX=\"armv8.5-a\" -c -x c /dev/null -o .tmp_1/tmp", "n",
	  ".tmp_1/tmp" },
	{ "gcc -DX=\".in\" -DY=\"cbin\" -c -x c - -o .tmp_1/tmp", "", NULL },
	{ "gcc -D X=\"cbin\" -c -x c - -o .tmp_1/tmp", "", NULL },
	{ "gcc -DX(s)=#s -c -x c - -o .tmp_1/tmp", "", NULL },
	{ "gcc -DX(s)=%:s -c -x c - -o .tmp_1/tmp", "", NULL },
	{ "gcc -DX(a,b)=a -c -x c - -o .tmp_1/tmp", "", NULL },
	{ "gcc -DX=1 -D__KERNEL__ -D Y -c -x c - -o .tmp_1/tmp", "i",
	  ".tmp_1/tmp" },
	{ "clang -mllvm -load=x.so -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -print-file-name=a/b", "", NULL },
	{ "gcc -print-file-name=..", "", NULL },
	{ "gcc -m32 -print-file-name=plugin", "", NULL },
	{ "gcc -print-prog-name=ld", "", NULL },
	{ "gcc -v -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc -### -c -x c /dev/null -o .tmp_1/tmp", "", NULL },
	{ "gcc --version -c a.c", "", NULL },
	{ "gcc --target-help", "", NULL },
	{ "gcc", "", NULL },
	{ "gcc -E", "", NULL },
	{ "gcc -E - -", "", NULL },
	{ "gcc -c -o", "", NULL },
};

static void parse(const struct line *l, struct options_probe *p, bool *is_probe)
{
	struct strv words = { 0 };
	struct options_command c;

	strv_split(&words, l->line, " ");
	options_command_parse(&c, strv_list(&words));
	*is_probe = options_probe_parse(p, &c);
	if (*is_probe && l->output) {
		const char *word = words.v[p->output_index];

		ck_assert_msg(p->output && str_ends(word, l->output) &&
				      !strcmp(p->output, l->output),
			      "%s", l->line);
	}
	ck_assert_msg(!*is_probe || !p->output == !l->output, "%s", l->line);
	options_command_release(&c);
	strv_release(&words);
}

TEST_EACH(a_probe_is_recognized_by_its_command_line, lines)
{
	struct options_probe p;
	bool is_probe;

	parse(row, &p, &is_probe);
	ck_assert_msg(is_probe == (*row->properties != '\0'), "%s", row->line);
	if (!is_probe)
		return;
	ck_assert_msg(p.query == !!strchr(row->properties, 'q'), "%s",
		      row->line);
	ck_assert_msg(p.reads_stdin == !!strchr(row->properties, 'i'), "%s",
		      row->line);
	ck_assert_msg(p.reads_null == !!strchr(row->properties, 'n'), "%s",
		      row->line);
	ck_assert_msg(p.must_be_rejected == !!strchr(row->properties, 'r'),
		      "%s", row->line);
}

TEST(pure_text_is_short_and_refers_to_no_file_or_time)
{
	static const char *const good[] = {
		"",
		"int main(void) { return 0; }\n",
		".arch armv8.5-a+memtag\nirg x0, x0\n",
		"#ifdef __clang__\nx\n",
		"#if defined(__clang__)\nx\n",
		"int f(int *x) { asm goto (\".long (%l[bar]) - .\": \"+m\"(*x) "
		"::: bar); return *x; bar: return 0; }",
		"int main(void) { asm volatile(\"and w0, w0, %w0\" :: "
		"\"K\" (4294967295)); return 0; }",
		"void foo(void) { asm inline (\"\"); }",
		"asm(\"mov %%eax, %0\\n\" \"\\tmov %[x], %1\");",
		"asm(\"mov %eax, %ebx\");",
		"vpmovm2b %k1,%zmm5 {%k1} // text\n",
		"mov r0, #1\n  # text\n#\n",
	};
	static const char *const bad[] = {
		"#include <stdio.h>\n",
		"# inc\\\nlude \"a.h\"\n",
		"asm(\".inc\" \"bin \\\"a\\\"\");",
		".macro a b\n.inc\\()bin \"x\"\n",
		".INCLUDE \"x\"",
		"#pragma GCC dependency \"a\"\n",
		"_Pragma(\"x\")",
		"#embed \"a\"\n",
		"__has_include(\"a\")",
		"const char *t = __TIME__;",
		"__DATE__",
		"__TIMESTAMP__",
		"#define J(a, b) a ## b\nJ(__DA, TE__)",
		"__DA %:%: TE__",
		"__DA ?\?=?\?= TE__",
		"#define A \".in\"\n#define B \"cbin 1\"\nasm(A B);",
		"# define\tA \".in\"",
		"#define/**/A \".in\"",
		"#def\\\nine A \".in\"",
		"char *t = __DA\\\nTE__;",
		"char *t = __DA\\ \nTE__;",
		"asm(\".\\u0069ncbin\");",
		"asm(\".\\o{151}ncbin\");",
		"asm(\".mac\" \"ro f y\\n.\\\\y\\\\()cbin \\\"F\\\"\");",
		".MACRO f y\n.\\y\\()cbin \"F\"\n.ENDM\nf in\n",
		"asm(\".\\x69ncbin\");",
		"asm(\".\\151ncbin\");",
		".irp x, in\n.\\x\\()cbin \"a\"\n.endr\n",
		"#import \"a.h\"\n",
		/* gcc assembles each of these as .incbin "a". */
		"void f(void) { asm(\".in{c|x}bin \\\"a\\\"\" ::); }",
		"void f(void) { asm(\".in\\{c|x}bin \\\"a\\\"\" ::); }",
		"extern char incb; void f(void) { "
		"asm(\".%c0in \\\"a\\\"\" :: \"i\"(&incb)); }",
		"extern char c; void f(void) { "
		"asm(\".in\" \"%c[x]\" \"bin \\\"a\\\"\" :: [x] \"i\"(&c)); }",
		"extern char i asm(\"in\"), c asm(\"cbin\"); void f(void) { "
		"asm(\".%c0%c1 \\\"a\\\"\" :: \"i\"(&i), \"i\"(&c)); }",
		"asm(\".in\" /*x*/ \"cbin \\\"a\\\"\");",
		"asm(\".in\" //x\n\"cbin \\\"a\\\"\");",
		"asm(\".in\" __USER_LABEL_PREFIX__ \"cbin \\\"a\\\"\");",
		"asm(__INT8_C(\".in\") __INT8_C(\"cbin \\\"a\\\"\"));",
		"asm(\".in\"\n#if 1\n\"cbin \\\"a\\\"\"\n#endif\n);",
		"asm(\".in\"\n%:if 1\n\"cbin \\\"a\\\"\"\n%:endif\n);",
		"asm(R\"x(.in)x\" \"cbin \\\"a\\\"\");",
		"char c = '\"'; void f(void) { "
		"asm(\".in{c|x}bin \\\"a\\\"\" ::); } char d = '\"';",
		/* An unterminated string. */
		"char *s = \"a\n\";",
		"char *s = \"a",
		/* gcc's diagnostics quote lines of the named file. */
		"# 1 \"a.c\"\nint x = ;\n",
		"int y;\n # line 1 \"a.c\"\nint x = ;\n",
		"%:line 1 \"a.c\"\nint x = ;\n",
	};
	char *longest = xcalloc(1, OPTIONS_PROBE_INPUT_MAX_BYTES + 2);

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_assert_msg(options_probe_is_pure_text(bytes_str(good[i])),
			      "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!options_probe_is_pure_text(bytes_str(bad[i])),
			      "%s", bad[i]);
	memset(longest, 'a', OPTIONS_PROBE_INPUT_MAX_BYTES);
	ck_assert(options_probe_is_pure_text(bytes_str(longest)));
	longest[OPTIONS_PROBE_INPUT_MAX_BYTES] = 'a';
	ck_assert(!options_probe_is_pure_text(bytes_str(longest)));
	free(longest);
}

TEST(an_unknown_option_is_recognized_in_the_diagnostics)
{
	ck_assert(options_probe_is_rejected(bytes_str(
		"gcc: error: unrecognized command-line option '-fx'\n")));
	ck_assert(options_probe_is_rejected(
		bytes_str("clang: error: unknown argument: '-fx'\n")));
	ck_assert(!options_probe_is_rejected(
		bytes_str("error: -fx needs a file")));
}
