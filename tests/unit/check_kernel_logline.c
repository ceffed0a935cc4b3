/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/logline.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	const char *line;
	enum kernel_logline kind;
} kinds[] = {
	{ "", KERNEL_LINE_OTHER },
	{ "  CC      kernel/fork.o", KERNEL_LINE_OTHER },
	{ "  CC [M]  fs/ext4/balloc.o", KERNEL_LINE_OTHER },
	{ "  HOSTCC  scripts/dtc/dtc.o", KERNEL_LINE_OTHER },
	{ "  KSYMS   .tmp_vmlinux.kallsyms1.S", KERNEL_LINE_OTHER },
	{ "make[1]: Entering directory '/b: warning'", KERNEL_LINE_OTHER },
	{ "# configuration written to .config", KERNEL_LINE_OTHER },
	{ "a.c:1:2: warning: unused variable 'x' [-Wunused-variable]",
	  KERNEL_LINE_WARNING },
	{ "../a/b.c:11: warning: x", KERNEL_LINE_WARNING },
	{ "a.c:1:2: error: x", KERNEL_LINE_ERROR },
	{ "a.c:1:2: fatal error: x.h: No such file or directory",
	  KERNEL_LINE_ERROR },
	{ "a.c:1:2: note: declared here", KERNEL_LINE_NOTE },
	{ "a.c: In function 'main':", KERNEL_LINE_NOTE },
	{ "a.c: At top level:", KERNEL_LINE_NOTE },
	{ "In file included from a.h:3,", KERNEL_LINE_NOTE },
	{ "                 from a.c:1:", KERNEL_LINE_INDENTED },
	{ "    1 | int x;", KERNEL_LINE_INDENTED },
	{ "      |     ^", KERNEL_LINE_INDENTED },
	{ "        ^~~~", KERNEL_LINE_CARET },
	{ "cc1: all warnings being treated as errors", KERNEL_LINE_NOTE },
	{ "cc1: error: unrecognized command-line option", KERNEL_LINE_ERROR },
	{ "gcc: fatal error: no input files", KERNEL_LINE_ERROR },
	{ "compilation terminated.", KERNEL_LINE_NOTE },
	{ "2 warnings and 1 error generated.", KERNEL_LINE_NOTE },
	{ "a.S: Assembler messages:", KERNEL_LINE_NOTE },
	{ "a.S:3: Error: unknown mnemonic `foo'", KERNEL_LINE_ERROR },
	{ "{standard input}:3: Warning: x", KERNEL_LINE_WARNING },
	{ "ld: a.o: in function `f':", KERNEL_LINE_NOTE },
	{ "a.c:(.text+0x5): undefined reference to `g'", KERNEL_LINE_ERROR },
	{ "ld: warning: a.o: missing .note.GNU-stack section",
	  KERNEL_LINE_WARNING },
	{ "collect2: error: ld returned 1 exit status", KERNEL_LINE_NOTE },
	{ "ld.lld: error: undefined symbol: f", KERNEL_LINE_ERROR },
	{ ">>> referenced by a.c", KERNEL_LINE_NOTE },
	{ "make[3]: *** [scripts/Makefile.build:250: a.o] Error 1",
	  KERNEL_LINE_MAKE },
	{ "make: *** No rule to make target 'x'.  Stop.", KERNEL_LINE_ERROR },
	{ "make: *** Waiting for unfinished jobs....", KERNEL_LINE_NOTE },
	{ "make[2]: *** [Makefile:1: a.o] Interrupt", KERNEL_LINE_NOTE },
	{ "make[1]: [Makefile:9: x] Error 1 (ignored)", KERNEL_LINE_OTHER },
	{ "Makefile:12: *** missing separator.  Stop.", KERNEL_LINE_ERROR },
	{ "make: warning: Clock skew detected.", KERNEL_LINE_WARNING },
	{ "Makefile:3: warning: overriding recipe for target 'x'",
	  KERNEL_LINE_WARNING },
	{ "arch/x/Kconfig:7:warning: ignoring type redefinition",
	  KERNEL_LINE_WARNING },
	{ ".config:12:warning: override: reassigning to symbol A",
	  KERNEL_LINE_WARNING },
	{ "WARNING: unmet direct dependencies detected for A",
	  KERNEL_LINE_WARNING },
	{ "WARNING: modpost: missing MODULE_LICENSE()", KERNEL_LINE_WARNING },
	{ "ERROR: modpost: \"f\" [a.ko] undefined!", KERNEL_LINE_ERROR },
	{ "vmlinux.o: warning: objtool: f()+0x1: x", KERNEL_LINE_WARNING },
	{ "a.dts:3.4-5.6: Warning (reg_format): x", KERNEL_LINE_WARNING },
	{ "Error: a.dts:3.4-5 syntax error", KERNEL_LINE_ERROR },
	{ "/bin/sh: 1: flex: not found", KERNEL_LINE_ERROR },
	{ "***", KERNEL_LINE_NOTE },
	{ "*** Default configuration is based on 'defconfig'",
	  KERNEL_LINE_OTHER },
	{ "*** Default configuration is based on target 'allnoconfig'",
	  KERNEL_LINE_OTHER },
	{ "*** End of the configuration.", KERNEL_LINE_OTHER },
	{ "*** Execute 'make' to start the build or try 'make help'.",
	  KERNEL_LINE_OTHER },
	{ "*** The source tree is not clean, please run 'make mrproper'",
	  KERNEL_LINE_ERROR },
	{ "*** in /src/linux", KERNEL_LINE_NOTE },
	{ "*** Configuration file \".config\" not found!", KERNEL_LINE_ERROR },
	{ "*** Please run some configurator (e.g. \"make oldconfig\" or",
	  KERNEL_LINE_NOTE },
	{ "*** \"make menuconfig\" or \"make xconfig\").", KERNEL_LINE_NOTE },
	{ "*** Can't find default configuration \"arch/x/configs/y\"!",
	  KERNEL_LINE_ERROR },
	{ "*** The configuration requires explicit update.",
	  KERNEL_LINE_ERROR },
	{ "*** Error during sync of the configuration.", KERNEL_LINE_ERROR },
	{ "*** Assembler is too old.", KERNEL_LINE_NOTE },
	{ "***   Minimum GNU assembler version: 2.25.0", KERNEL_LINE_NOTE },
	{ "scripts/Kconfig.include:51: Sorry, this assembler is not "
	  "supported.",
	  KERNEL_LINE_ERROR },
};

START_TEST(lines_are_told_apart)
{
	ck_assert_msg(kernel_logline_kind(kinds[_i].line) == kinds[_i].kind,
		      "%s: %d", kinds[_i].line,
		      kernel_logline_kind(kinds[_i].line));
}
END_TEST

START_TEST(an_escape_sequence_may_be_cut)
{
	char text[] = "ab\033[3";
	char lone[] = "ab\033";
	char osc[] = "ab\033]8;;x";

	ck_assert_uint_eq(kernel_logline_clean(text, 5), 2);
	ck_assert_uint_eq(kernel_logline_clean(lone, 3), 2);
	ck_assert_uint_eq(kernel_logline_clean(osc, 9), 2);
}
END_TEST

static const struct {
	const char *raw, *clean;
} steering[] = {
	{ "\033[31mred\033[m\tand\007 plain", "red\tand plain" },
	{ "a\xc2\x9b"
	  "31mb",
	  "a??31mb" }, /* CSI of C1 */
	{ "a\x9b"
	  "31mb",
	  "a?31mb" }, /* the same as a raw byte */
	{ "if (x) { /*\xe2\x80\xae } */", "if (x) { /*??? } */" }, /* U+202E */
	{ "\xe2\x81\xa6x\xe2\x81\xa9", "???x???" },
	{ "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x80\x98x\xe2\x80\x99",
	  "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x80\x98x\xe2\x80\x99" },
};

START_TEST(nothing_steers_a_terminal)
{
	char text[64];
	size_t n;

	strcpy(text, steering[_i].raw);
	n = kernel_logline_clean(text, strlen(text));
	text[n] = '\0';
	ck_assert_str_eq(text, steering[_i].clean);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/logline");
	TCase *tc = tcase_create("logline");

	tcase_add_loop_test(tc, lines_are_told_apart, 0,
			    sizeof(kinds) / sizeof(*kinds));
	tcase_add_test(tc, an_escape_sequence_may_be_cut);
	tcase_add_loop_test(tc, nothing_steers_a_terminal, 0,
			    sizeof(steering) / sizeof(*steering));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
