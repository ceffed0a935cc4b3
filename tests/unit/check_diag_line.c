/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: diag */
#include "../lib/test.h"

#include "diag/line.h"

static const struct {
	const char *line;
	enum diag_line_kind kind;
} kinds[] = {
	{ "", DIAG_LINE_OTHER },
	{ "  CC      kernel/fork.o", DIAG_LINE_KBUILD },
	{ "  CC [M]  fs/ext4/balloc.o", DIAG_LINE_KBUILD },
	{ "  HOSTCC  scripts/dtc/dtc.o", DIAG_LINE_KBUILD },
	{ "  KSYMS   .tmp_vmlinux.kallsyms1.S", DIAG_LINE_KBUILD },
	{ "  CC\tkernel/fork.o", DIAG_LINE_KBUILD },
	{ "# CC      kernel/fork.o", DIAG_LINE_KBUILD },
	{ "  gcc -Wall -c -o a.o a.c", DIAG_LINE_KBUILD },
	{ "# CONFIG_X is not set", DIAG_LINE_OTHER },
	{ "  10 | a -o b", DIAG_LINE_INDENTED },
	{ "make[1]: Entering directory '/b: warning'", DIAG_LINE_OTHER },
	{ "# configuration written to .config", DIAG_LINE_OTHER },
	{ "a.c:1:2: warning: unused variable 'x' [-Wunused-variable]",
	  DIAG_LINE_WARNING },
	{ "../a/b.c:11: warning: x", DIAG_LINE_WARNING },
	{ "a.c:1:2: error: x", DIAG_LINE_ERROR },
	{ "a.c:1:2: fatal error: x.h: No such file or directory",
	  DIAG_LINE_ERROR },
	{ "a.c:1:2: note: declared here", DIAG_LINE_NOTE },
	{ "a.c: In function 'main':", DIAG_LINE_NOTE },
	{ "a.c: At top level:", DIAG_LINE_NOTE },
	{ "In file included from a.h:3,", DIAG_LINE_NOTE },
	{ "                 from a.c:1:", DIAG_LINE_INDENTED },
	{ "    1 | int x;", DIAG_LINE_INDENTED },
	{ "      |     ^", DIAG_LINE_INDENTED },
	{ "        ^~~~", DIAG_LINE_CARET },
	{ "cc1: all warnings being treated as errors", DIAG_LINE_NOTE },
	{ "cc1: error: unrecognized command-line option", DIAG_LINE_ERROR },
	{ "gcc: fatal error: no input files", DIAG_LINE_ERROR },
	{ "compilation terminated.", DIAG_LINE_NOTE },
	{ "2 warnings and 1 error generated.", DIAG_LINE_NOTE },
	{ "a.S: Assembler messages:", DIAG_LINE_NOTE },
	{ "a.S:3: Error: unknown mnemonic `foo'", DIAG_LINE_ERROR },
	{ "{standard input}:3: Warning: x", DIAG_LINE_WARNING },
	{ "ld: a.o: in function `f':", DIAG_LINE_NOTE },
	{ "a.c:(.text+0x5): undefined reference to `g'", DIAG_LINE_ERROR },
	{ "ld: warning: a.o: missing .note.GNU-stack section",
	  DIAG_LINE_WARNING },
	{ "collect2: error: ld returned 1 exit status", DIAG_LINE_NOTE },
	{ "ld.lld: error: undefined symbol: f", DIAG_LINE_ERROR },
	{ ">>> referenced by a.c", DIAG_LINE_NOTE },
	{ "make[3]: *** [scripts/Makefile.build:250: a.o] Error 1",
	  DIAG_LINE_MAKE },
	{ "make: *** No rule to make target 'x'.  Stop.", DIAG_LINE_ERROR },
	{ "  ERROR: Kernel configuration is invalid.", DIAG_LINE_ERROR },
	{ "         include/generated/autoconf.h or include/config/auto.conf "
	  "are missing.",
	  DIAG_LINE_INDENTED },
	{ "make: *** Waiting for unfinished jobs....", DIAG_LINE_NOTE },
	{ "make[2]: *** [Makefile:1: a.o] Interrupt", DIAG_LINE_NOTE },
	{ "make[1]: [Makefile:9: x] Error 1 (ignored)", DIAG_LINE_OTHER },
	{ "Makefile:12: *** missing separator.  Stop.", DIAG_LINE_ERROR },
	{ "make: warning: Clock skew detected.", DIAG_LINE_WARNING },
	{ "Makefile:3: warning: overriding recipe for target 'x'",
	  DIAG_LINE_WARNING },
	{ "arch/x/Kconfig:7:warning: ignoring type redefinition",
	  DIAG_LINE_WARNING },
	{ ".config:12:warning: override: reassigning to symbol A",
	  DIAG_LINE_WARNING },
	{ "WARNING: unmet direct dependencies detected for A",
	  DIAG_LINE_WARNING },
	{ "WARNING: modpost: missing MODULE_LICENSE()", DIAG_LINE_WARNING },
	{ "ERROR: modpost: \"f\" [a.ko] undefined!", DIAG_LINE_ERROR },
	{ "vmlinux.o: warning: objtool: f()+0x1: x", DIAG_LINE_WARNING },
	{ "a.dts:3.4-5.6: Warning (reg_format): x", DIAG_LINE_WARNING },
	{ "Error: a.dts:3.4-5 syntax error", DIAG_LINE_ERROR },
	{ "/bin/sh: 1: flex: not found", DIAG_LINE_ERROR },
	{ "***", DIAG_LINE_NOTE },
	{ "*** Default configuration is based on 'defconfig'",
	  DIAG_LINE_OTHER },
	{ "*** Default configuration is based on target 'allnoconfig'",
	  DIAG_LINE_OTHER },
	{ "*** End of the configuration.", DIAG_LINE_OTHER },
	{ "*** Execute 'make' to start the build or try 'make help'.",
	  DIAG_LINE_OTHER },
	{ "*** The source tree is not clean, please run 'make mrproper'",
	  DIAG_LINE_ERROR },
	{ "*** in /src/linux", DIAG_LINE_NOTE },
	{ "*** Configuration file \".config\" not found!", DIAG_LINE_ERROR },
	{ "*** Please run some configurator (e.g. \"make oldconfig\" or",
	  DIAG_LINE_NOTE },
	{ "*** \"make menuconfig\" or \"make xconfig\").", DIAG_LINE_NOTE },
	{ "*** Can't find default configuration \"arch/x/configs/y\"!",
	  DIAG_LINE_ERROR },
	{ "*** The configuration requires explicit update.", DIAG_LINE_ERROR },
	{ "*** Error during sync of the configuration.", DIAG_LINE_ERROR },
	{ "*** Assembler is too old.", DIAG_LINE_NOTE },
	{ "***   Minimum GNU assembler version: 2.25.0", DIAG_LINE_NOTE },
	{ "scripts/Kconfig.include:51: Sorry, this assembler is not "
	  "supported.",
	  DIAG_LINE_ERROR },
};

TEST_EACH(lines_are_classified_by_kind, kinds)
{
	ck_assert_msg(diag_line_classify(row->line).kind == row->kind, "%s: %d",
		      row->line, diag_line_classify(row->line).kind);
}

TEST(truncated_escape_sequences_are_removed)
{
	char text[] = "ab\033[3";
	char lone[] = "ab\033";
	char osc[] = "ab\033]8;;x";

	ck_assert_uint_eq(diag_line_strip_controls(text, 5), 2);
	ck_assert_uint_eq(diag_line_strip_controls(lone, 3), 2);
	ck_assert_uint_eq(diag_line_strip_controls(osc, 9), 2);
}

static const struct {
	const char *raw, *clean;
} steering[] = {
	{ "\033[31mred\033[m\tand\007 plain", "red\tand plain" },
	{ "\033[1mbold\033(B\033[m off \033(", "bold off " },
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

TEST_EACH(terminal_control_characters_are_removed_or_replaced, steering)
{
	char text[64];
	size_t n;

	strcpy(text, row->raw);
	n = diag_line_strip_controls(text, strlen(text));
	text[n] = '\0';
	ck_assert_str_eq(text, row->clean);
}

static const struct {
	const char *line;
	bool said;
} full[] = {
	{ "a.c:1:1: fatal error: closing dependency file .a.o.d: No space left "
	  "on device",
	  true },
	{ "/tmp/cc.s: Fatal error: can't write 72 bytes to section .text of "
	  "a.o: 'No space left on device'",
	  true },
	{ "ld: final link failed: No space left on device", true },
	{ "ld: final link failed: bad value", false },
	{ "", false },
};

TEST_EACH(messages_about_a_full_disk_are_recognized, full)
{
	ck_assert_int_eq(diag_line_is_disk_full(row->line), row->said);
}
