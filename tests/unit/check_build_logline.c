/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base conf wire options tree toolchain node coord build scan store */
#include "build/logline.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	const char *line;
	enum build_logline kind;
} kinds[] = {
	{ "", BUILD_LINE_OTHER },
	{ "  CC      kernel/fork.o", BUILD_LINE_OTHER },
	{ "  CC [M]  fs/ext4/balloc.o", BUILD_LINE_OTHER },
	{ "  HOSTCC  scripts/dtc/dtc.o", BUILD_LINE_OTHER },
	{ "  KSYMS   .tmp_vmlinux.kallsyms1.S", BUILD_LINE_OTHER },
	{ "make[1]: Entering directory '/b: warning'", BUILD_LINE_OTHER },
	{ "# configuration written to .config", BUILD_LINE_OTHER },
	{ "a.c:1:2: warning: unused variable 'x' [-Wunused-variable]",
	  BUILD_LINE_WARNING },
	{ "../a/b.c:11: warning: x", BUILD_LINE_WARNING },
	{ "a.c:1:2: error: x", BUILD_LINE_ERROR },
	{ "a.c:1:2: fatal error: x.h: No such file or directory",
	  BUILD_LINE_ERROR },
	{ "a.c:1:2: note: declared here", BUILD_LINE_NOTE },
	{ "a.c: In function 'main':", BUILD_LINE_NOTE },
	{ "a.c: At top level:", BUILD_LINE_NOTE },
	{ "In file included from a.h:3,", BUILD_LINE_NOTE },
	{ "                 from a.c:1:", BUILD_LINE_INDENTED },
	{ "    1 | int x;", BUILD_LINE_INDENTED },
	{ "      |     ^", BUILD_LINE_INDENTED },
	{ "        ^~~~", BUILD_LINE_CARET },
	{ "cc1: all warnings being treated as errors", BUILD_LINE_NOTE },
	{ "cc1: error: unrecognized command-line option", BUILD_LINE_ERROR },
	{ "gcc: fatal error: no input files", BUILD_LINE_ERROR },
	{ "compilation terminated.", BUILD_LINE_NOTE },
	{ "2 warnings and 1 error generated.", BUILD_LINE_NOTE },
	{ "a.S: Assembler messages:", BUILD_LINE_NOTE },
	{ "a.S:3: Error: unknown mnemonic `foo'", BUILD_LINE_ERROR },
	{ "{standard input}:3: Warning: x", BUILD_LINE_WARNING },
	{ "ld: a.o: in function `f':", BUILD_LINE_NOTE },
	{ "a.c:(.text+0x5): undefined reference to `g'", BUILD_LINE_ERROR },
	{ "ld: warning: a.o: missing .note.GNU-stack section",
	  BUILD_LINE_WARNING },
	{ "collect2: error: ld returned 1 exit status", BUILD_LINE_NOTE },
	{ "ld.lld: error: undefined symbol: f", BUILD_LINE_ERROR },
	{ ">>> referenced by a.c", BUILD_LINE_NOTE },
	{ "make[3]: *** [scripts/Makefile.build:250: a.o] Error 1",
	  BUILD_LINE_MAKE },
	{ "make: *** No rule to make target 'x'.  Stop.", BUILD_LINE_ERROR },
	{ "make: *** Waiting for unfinished jobs....", BUILD_LINE_NOTE },
	{ "make[2]: *** [Makefile:1: a.o] Interrupt", BUILD_LINE_NOTE },
	{ "make[1]: [Makefile:9: x] Error 1 (ignored)", BUILD_LINE_OTHER },
	{ "Makefile:12: *** missing separator.  Stop.", BUILD_LINE_ERROR },
	{ "make: warning: Clock skew detected.", BUILD_LINE_WARNING },
	{ "Makefile:3: warning: overriding recipe for target 'x'",
	  BUILD_LINE_WARNING },
	{ "arch/x/Kconfig:7:warning: ignoring type redefinition",
	  BUILD_LINE_WARNING },
	{ ".config:12:warning: override: reassigning to symbol A",
	  BUILD_LINE_WARNING },
	{ "WARNING: unmet direct dependencies detected for A",
	  BUILD_LINE_WARNING },
	{ "WARNING: modpost: missing MODULE_LICENSE()", BUILD_LINE_WARNING },
	{ "ERROR: modpost: \"f\" [a.ko] undefined!", BUILD_LINE_ERROR },
	{ "vmlinux.o: warning: objtool: f()+0x1: x", BUILD_LINE_WARNING },
	{ "a.dts:3.4-5.6: Warning (reg_format): x", BUILD_LINE_WARNING },
	{ "Error: a.dts:3.4-5 syntax error", BUILD_LINE_ERROR },
	{ "/bin/sh: 1: flex: not found", BUILD_LINE_ERROR },
	{ "***", BUILD_LINE_NOTE },
	{ "*** Default configuration is based on 'defconfig'",
	  BUILD_LINE_OTHER },
	{ "*** Default configuration is based on target 'allnoconfig'",
	  BUILD_LINE_OTHER },
	{ "*** End of the configuration.", BUILD_LINE_OTHER },
	{ "*** Execute 'make' to start the build or try 'make help'.",
	  BUILD_LINE_OTHER },
	{ "*** The source tree is not clean, please run 'make mrproper'",
	  BUILD_LINE_ERROR },
	{ "*** in /src/linux", BUILD_LINE_NOTE },
	{ "*** Configuration file \".config\" not found!", BUILD_LINE_ERROR },
	{ "*** Please run some configurator (e.g. \"make oldconfig\" or",
	  BUILD_LINE_NOTE },
	{ "*** \"make menuconfig\" or \"make xconfig\").", BUILD_LINE_NOTE },
	{ "*** Can't find default configuration \"arch/x/configs/y\"!",
	  BUILD_LINE_ERROR },
	{ "*** The configuration requires explicit update.", BUILD_LINE_ERROR },
	{ "*** Error during sync of the configuration.", BUILD_LINE_ERROR },
	{ "*** Assembler is too old.", BUILD_LINE_NOTE },
	{ "***   Minimum GNU assembler version: 2.25.0", BUILD_LINE_NOTE },
	{ "scripts/Kconfig.include:51: Sorry, this assembler is not "
	  "supported.",
	  BUILD_LINE_ERROR },
};

START_TEST(lines_are_told_apart)
{
	ck_assert_msg(build_logline_kind(kinds[_i].line) == kinds[_i].kind,
		      "%s: %d", kinds[_i].line,
		      build_logline_kind(kinds[_i].line));
}
END_TEST

START_TEST(an_escape_sequence_may_be_cut)
{
	char text[] = "ab\033[3";
	char lone[] = "ab\033";
	char osc[] = "ab\033]8;;x";

	ck_assert_uint_eq(build_logline_clean(text, 5), 2);
	ck_assert_uint_eq(build_logline_clean(lone, 3), 2);
	ck_assert_uint_eq(build_logline_clean(osc, 9), 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("build/logline");
	TCase *tc = tcase_create("logline");

	tcase_add_loop_test(tc, lines_are_told_apart, 0,
			    sizeof(kinds) / sizeof(*kinds));
	tcase_add_test(tc, an_escape_sequence_may_be_cut);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
