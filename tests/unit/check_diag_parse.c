/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: diag */
#include "../lib/test.h"

#include "diag/log.h"

static const struct diag_roots roots = { .tree = "/src/linux",
					 .build_dir = "/src/linux/build" };

/* Return the parts: "TOOL SEVERITY FILE LINE COLUMN FLAG OBJECT | TEXT". */
static char *parts(const char *line, const char *word, const char *object)
{
	const struct diag_target maker = { word, object };
	struct diag_line at = diag_line_classify(line);
	struct buf out = { 0 };
	struct diag d;

	ck_assert_msg(at.kind == DIAG_LINE_WARNING ||
			      at.kind == DIAG_LINE_ERROR ||
			      at.kind == DIAG_LINE_MAKE,
		      "%s: kind %d", line, at.kind);
	diag_parse(&d, line, &at, &roots, &maker);
	buf_printf(&out, "%s %s %s %u %u %s %s | %s", diag_tool_name(d.tool),
		   diag_severity_name(d.severity), d.file ? d.file : "-",
		   d.line, d.column, d.flag ? d.flag : "-",
		   d.object ? d.object : "-", d.text);
	diag_release(&d);
	return buf_steal(&out);
}

static const struct {
	const char *line, *word, *parts;
} lines[] = {
	/* gcc, clang */
	{ "kernel/a.c:12:3: warning: unused variable 'x' [-Wunused-variable]",
	  "CC",
	  "compiler warning kernel/a.c 12 3 -Wunused-variable x.o | unused "
	  "variable 'x'" },
	{ "/src/linux/fs/a.c:1:2: error: x [-Werror=unused]", "CC",
	  "compiler error fs/a.c 1 2 -Werror=unused x.o | x" },
	{ "../fs/a.c:1:2: error: x [-Werror,-Wunused]", "CC",
	  "compiler error fs/a.c 1 2 -Werror,-Wunused x.o | x" },
	{ "/src/linux/build/include/generated/a.h:1:2: warning: \"A\" redefined",
	  "CC",
	  "compiler warning include/generated/a.h 1 2 - x.o | \"A\" "
	  "redefined" },
	{ "/usr/include/a.h:1:2: warning: array [4] [-Wx]", "HOSTCC",
	  "compiler warning /usr/include/a.h 1 2 -Wx x.o | array [4]" },
	{ "../a/../a.h:1:2: fatal error: b.h: No such file or directory", "CC",
	  "compiler error a.h 1 2 - x.o | b.h: No such file or directory" },
	{ "cc1: error: bad value 'x' for '-march='", "CC",
	  "compiler error - 0 0 - x.o | bad value 'x' for '-march='" },
	{ "clang-14: warning: argument unused: '-x' [-Wunused-command-line]",
	  "CC",
	  "compiler warning - 0 0 -Wunused-command-line x.o | argument unused: "
	  "'-x'" },
	{ "aarch64-linux-gnu-gcc-12: fatal error: no input files", "CC",
	  "compiler error - 0 0 - x.o | no input files" },
	{ "<stdin>:1511:2: warning: #warning syscall x not implemented [-Wcpp]",
	  "CALL",
	  "compiler warning <stdin> 1511 2 -Wcpp x.o | #warning syscall x not "
	  "implemented" },
	{ "a.c:3:4: internal compiler error: Segmentation fault", "CC",
	  "compiler error a.c 3 4 - x.o | internal compiler error: "
	  "Segmentation fault" },
	{ "a.c:3: warning: text of a line alone [-Wx]", "CC",
	  "compiler warning a.c 3 0 -Wx x.o | text of a line alone" },
	/* the assembler */
	{ "kernel/a.S:3: Error: unknown mnemonic `foo' -- `foo x'", "AS",
	  "assembler error kernel/a.S 3 0 - x.o | unknown mnemonic `foo' -- "
	  "`foo x'" },
	{ "/tmp/ccAb12Cd.s:77: Warning: ignoring x", "CC",
	  "assembler warning x.o 77 0 - x.o | ignoring x" },
	{ "{standard input}:3: Warning: x", "CC",
	  "assembler warning x.o 3 0 - x.o | x" },
	{ "<inline asm>:1:2: error: invalid instruction", "CC",
	  "assembler error <inline asm> 1 2 - x.o | invalid instruction" },
	/* linkers */
	{ "ld: warning: a.o: missing .note.GNU-stack section", "LD",
	  "linker warning - 0 0 - x.o | a.o: missing .note.GNU-stack section" },
	{ "/usr/bin/aarch64-linux-gnu-ld.bfd: fs/a.o: warning: x", "LD",
	  "linker warning fs/a.o 0 0 - x.o | x" },
	{ "a.c:(.text+0x5): undefined reference to `g'", "LD",
	  "linker error a.c 0 0 - x.o | undefined reference to `g'" },
	{ "ld: fs/a.o:fs/a.c:3: multiple definition of `g'; x", "LD",
	  "linker error fs/a.o:fs/a.c 3 0 - x.o | multiple definition of `g'; "
	  "x" },
	{ "ld.lld: error: undefined symbol: f", "LD",
	  "linker error - 0 0 - x.o | undefined symbol: f" },
	{ "ld: /src/linux/build/a.o: error: no /src/linux/b (/src/linuxish)",
	  "LD", "linker error a.o 0 0 - x.o | no b (/src/linuxish)" },
	/* modpost */
	{ "WARNING: modpost: vmlinux.o: section mismatch in reference: f+0x10 "
	  "(section: .text) -> g (section: .init.text)",
	  "MODPOST",
	  "modpost warning vmlinux.o 0 0 - x.o | vmlinux.o: section mismatch "
	  "in reference: f+0x10 (section: .text) -> g (section: .init.text)" },
	{ "ERROR: modpost: \"f\" [fs/a.ko] undefined!", "MODPOST",
	  "modpost error fs/a.ko 0 0 - x.o | \"f\" [fs/a.ko] undefined!" },
	{ "ERROR: \"f\" [fs/a.ko] undefined!", NULL,
	  "modpost error fs/a.ko 0 0 - x.o | \"f\" [fs/a.ko] undefined!" },
	{ "WARNING: vmlinux.o(.text+0x1f): Section mismatch in reference from "
	  "the function f() to the variable .init.data:x",
	  "MODPOST",
	  "modpost warning vmlinux.o 0 0 - x.o | vmlinux.o(.text+0x1f): "
	  "Section mismatch in reference from the function f() to the variable "
	  ".init.data:x" },
	{ "FATAL: modpost: parse error in symbol dump file", "MODPOST",
	  "modpost error - 0 0 - x.o | parse error in symbol dump file" },
	{ "WARNING: modpost: missing MODULE_DESCRIPTION() in fs/a.o", "MODPOST",
	  "modpost warning - 0 0 - x.o | missing MODULE_DESCRIPTION() in "
	  "fs/a.o" },
	/* objtool */
	{ "vmlinux.o: warning: objtool: f()+0x1: unreachable instruction", "LD",
	  "objtool warning vmlinux.o 0 0 - x.o | f()+0x1: unreachable "
	  "instruction" },
	/* dtc */
	{ "arch/arm/boot/dts/a.dtsi:3.4-5.6: Warning (reg_format): /soc@0:reg: "
	  "bad",
	  "DTC",
	  "dtc warning arch/arm/boot/dts/a.dtsi 3 4 reg_format x.o | "
	  "/soc@0:reg: bad" },
	{ "Error: /src/linux/a.dts:3.4-5 syntax error", "DTC",
	  "dtc error a.dts 3 4 - x.o | syntax error" },
	{ "FATAL ERROR: Unable to parse input tree", "DTC",
	  "dtc error - 0 0 - x.o | Unable to parse input tree" },
	{ "a.dts:9.1: ERROR (phandle_references): /x: y", "DTC",
	  "dtc error a.dts 9 1 phandle_references x.o | /x: y" },
	{ "a.dtb: Warning (unit_address_vs_reg): Node /x has no reg", "DTC",
	  "dtc warning a.dtb 0 0 unit_address_vs_reg x.o | Node /x has no "
	  "reg" },
	{ "a.dts:3:10: fatal error: b.h: No such file or directory", "DTC",
	  "compiler error a.dts 3 10 - x.o | b.h: No such file or directory" },
	/* Kconfig */
	{ "arch/x/Kconfig:7:warning: ignoring type redefinition", NULL,
	  "kconfig warning arch/x/Kconfig 7 0 - .config | ignoring type "
	  "redefinition" },
	{ ".config:12:warning: override: reassigning to symbol A", NULL,
	  "kconfig warning .config 12 0 - .config | override: reassigning to "
	  "symbol A" },
	{ "WARNING: unmet direct dependencies detected for A", NULL,
	  "kconfig warning - 0 0 - .config | unmet direct dependencies "
	  "detected for A" },
	{ "error: recursive dependency detected!", NULL,
	  "kconfig error - 0 0 - .config | recursive dependency detected!" },
	{ "*** Configuration file \".config\" not found!", NULL,
	  "kconfig error - 0 0 - .config | Configuration file \".config\" not "
	  "found!" },
	{ "scripts/Kconfig.include:51: Sorry, this assembler is not supported.",
	  NULL,
	  "kconfig error scripts/Kconfig.include 51 0 - .config | Sorry, this "
	  "assembler is not supported." },
	/* kernel-doc */
	{ "../fs/a.c:12: warning: Function parameter or member 'x' not "
	  "described in 'y'",
	  "CC",
	  "kernel-doc warning fs/a.c 12 0 - x.o | Function parameter or member "
	  "'x' not described in 'y'" },
	{ "Warning: ../fs/a.c:12 function parameter 'x' not described in 'y'",
	  "CC",
	  "kernel-doc warning fs/a.c 12 0 - x.o | function parameter 'x' not "
	  "described in 'y'" },
	/* make, the shell, others */
	{ "make[3]: *** [/src/linux/scripts/Makefile.build:250: fs/a.o] Error "
	  "1",
	  "CC",
	  "make error scripts/Makefile.build 250 0 - fs/a.o | [fs/a.o] Error "
	  "1" },
	{ "make[3]: *** [fs/a.o] Error 1", "CC",
	  "make error - 0 0 - fs/a.o | [fs/a.o] Error 1" },
	{ "make: *** No rule to make target 'x'.  Stop.", "CC",
	  "make error - 0 0 - - | No rule to make target 'x'.  Stop." },
	{ "Makefile:12: *** missing separator.  Stop.", NULL,
	  "make error Makefile 12 0 - - | missing separator.  Stop." },
	{ "../fs/Makefile:3: warning: overriding recipe for target 'x'", NULL,
	  "make warning fs/Makefile 3 0 - - | overriding recipe for target "
	  "'x'" },
	{ "make[2]: warning: Clock skew detected.", NULL,
	  "make warning - 0 0 - - | Clock skew detected." },
	{ "/bin/sh: 1: flex: not found", "LEX",
	  "shell error - 0 0 - x.o | 1: flex: not found" },
	{ "FAILED: load BTF from vmlinux: Invalid argument", "BTFIDS",
	  "other error - 0 0 - x.o | load BTF from vmlinux: Invalid argument" },
	{ "WARN: multiple IDs found for 'x': 132, 3245 - using 132", "BTFIDS",
	  "other warning - 0 0 - x.o | multiple IDs found for 'x': 132, 3245 - "
	  "using 132" },
};

TEST_EACH(diagnostics_of_each_tool_are_split_into_fields, lines)
{
	char *got = parts(row->line, row->word, "x.o");

	ck_assert_str_eq(got, row->parts);
	free(got);
}

/* Malformed lines; lines without a diagnostic are not parsed. */
static const char *const hostile[] = {
	":: warning: ",
	"a.c:99999999999999999999:99999999999999999999: warning: x",
	"a.c:-1:.: warning: [",
	"[: warning: ] []",
	"Error: :",
	"Error: :1.2 ",
	"FATAL ERROR: ",
	"WARNING: modpost: ",
	"ERROR: modpost: \"",
	"ERROR: modpost: \" [",
	"make: *** [",
	"make: *** []",
	"make: *** [: ] Error 1",
	"make: *** [a:: b] Error 1",
	"a: Warning (: x",
	"a: Warning () x",
	"a.dts:.-: Warning (a b): x",
	"/: warning: -",
	"/..:1: warning: /src/linux//src/linux/build/",
	"../../../../..:1: warning: x",
	"x: warning: y [-W]",
	"x: warning:  [-Wa]",
	"sh: ",
};

TEST_EACH(hostile_diagnostics_yield_a_text_and_a_valid_tool, hostile)
{
	struct diag_line at = diag_line_classify(*row);
	const struct diag_target maker = { "", "" };
	struct diag d;

	if (at.kind == DIAG_LINE_OTHER || at.kind == DIAG_LINE_NOTE)
		return;
	diag_parse(&d, *row, &at, &roots, &maker);
	ck_assert_ptr_nonnull(d.text);
	ck_assert(d.tool < DIAG_N_TOOLS);
	diag_release(&d);
}

TEST(a_long_text_is_cut_at_a_character_boundary)
{
	struct buf line = { 0 };
	struct diag_line at;
	const struct diag_target maker = { 0 };
	struct diag d;

	buf_add_str(&line, "a.c:1:1: warning: x");
	for (int i = 0; i < 1 << 18; i++)
		buf_add_str(&line, "\xe2\x80\x98");
	at = diag_line_classify(buf_str(&line));
	diag_parse(&d, buf_str(&line), &at, &roots, &maker);
	/* 1 + 3 n */
	ck_assert_uint_eq(strlen(d.text), DIAG_TEXT_MAX - 1);
	diag_release(&d);
	buf_release(&line);
}

static const struct {
	const char *a, *b;
	bool same;
} pairs[] = {
	{ "a.c:1:2: warning: x", "a.c:9:9: warning: x", true },
	{ "a.c:1:2: warning: x", "b.c:1:2: warning: x", false },
	{ "a.c:1:2: warning: x", "a.c:1:2: error: x", false },
	/* of the compiler, and of the assembler */
	{ "a.c:1: warning: x", "a.c:1: Warning: x", false },
	{ "a.c:1:2: warning: x [-Wa]", "a.c:1:2: warning: x [-Wb]", false },
	{ "a.c:1:2: warning: the frame size of 1040 bytes is larger",
	  "a.c:1:2: warning: the frame size of 1056 bytes is larger", true },
	{ "a.c:1:2: warning: unused variable 'x1'",
	  "a.c:1:2: warning: unused variable 'x2'", false },
	{ "a.o: warning: objtool: f()+0x1a3: x",
	  "a.o: warning: objtool: f()+0x1b4: x", true },
	{ "a.dts:3.4-5.6: Warning (x): /i2c@1000: y",
	  "a.dts:3.4-5.6: Warning (x): /i2c@2000: y", false },
	{ "a.dts:3.4-5.6: Warning (x): /a: also at b.dtsi:3.4-5.6",
	  "a.dts:9.9-9.9: Warning (x): /a: also at b.dtsi:13.4-15.6", true },
	{ "/tmp/ccAAAAAA.s:1: Warning: x", "/tmp/ccBBBBBB.s:2: Warning: x",
	  true },
	{ "../fs/a.c:1:1: warning: x", "/src/linux/fs/a.c:1:1: warning: x",
	  true },
};

static uint64_t identity_of(const char *line)
{
	const struct diag_target maker = { "CC", "a.o" };
	struct diag_line at = diag_line_classify(line);
	uint64_t hash;
	struct diag d;

	diag_parse(&d, line, &at, &roots, &maker);
	hash = diag_hash(&d);
	diag_release(&d);
	return hash;
}

TEST_EACH(equal_diagnostics_of_two_builds_have_equal_hashes, pairs)
{
	ck_assert_msg((identity_of(row->a) == identity_of(row->b)) == row->same,
		      "%s / %s", row->a, row->b);
}

TEST(a_parsed_diagnostic_is_formatted_as_the_original_line)
{
	static const char line[] = "a.c:1:2: warning: x [-Wa]";
	const struct diag_target maker = { 0 };
	struct diag_line at = diag_line_classify(line);
	struct buf out = { 0 };
	struct diag d;

	diag_parse(&d, line, &at, &roots, &maker);
	diag_format(&out, &d);
	ck_assert_str_eq(buf_str(&out), line);
	ck_assert_int_eq(diag_tool_parse(diag_tool_name(d.tool)), d.tool);
	diag_release(&d);
	buf_release(&out);
}
