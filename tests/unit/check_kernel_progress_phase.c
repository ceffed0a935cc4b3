/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"

#include "kernel/progress.h"

/* Output of make for Linux 4.19 to 6.1; NULL: the same phase or activity. */
static const struct {
	const char *line, *phase, *activity;
} lines[] = {
	{ "  HOSTCC  scripts/basic/fixdep", NULL, "host programs" },
	{ "  CC      scripts/mod/empty.o", NULL, "host programs" },
	{ "  CC      kernel/bounds.s", NULL, "generated headers" },
	{ "  CC      init/main.o", "compile", NULL },
	{ "  CC [M]  fs/ext4/balloc.o", "compile", NULL },
	{ "  CC      init/version-timestamp.o", NULL, NULL },
	{ "  AR      fs/built-in.a", NULL, NULL },
	{ "  AR      built-in.a", "link", "vmlinux.o" },
	{ "  AR      vmlinux.a", "link", "vmlinux.o" },
	{ "  LD      vmlinux.o", "modpost", NULL },
	{ "  LD      fs/ext4/ext4.o", NULL, NULL },
	{ "  MODPOST Module.symvers", "modpost", NULL },
	{ "  MODPOST vmlinux.symvers", "modpost", NULL },
	{ "  CC      .vmlinux.export.o", NULL, NULL },
	{ "  LD      .tmp_vmlinux.kallsyms1", "link", "vmlinux" },
	{ "  KSYMS   .tmp_vmlinux.kallsyms1.S", "link", "vmlinux" },
	{ "  BTF     .btf.vmlinux.bin.o", "link", "vmlinux" },
	{ "  LD      vmlinux", "link", "kernel image" },
	{ "  CC [M]  fs/ext4/ext4.mod.o", "modules", NULL },
	{ "  LD [M]  fs/ext4/ext4.ko", "modules", NULL },
	{ "  LD [M]  fs/ext4/ext4.o", NULL, NULL },
	{ "  DTC     arch/arm64/boot/dts/rockchip/rk3399.dtb", "dtbs", NULL },
	{ "  OBJCOPY arch/arm64/boot/Image", NULL, NULL },
	{ "  HOSTLD  scripts/dtc/dtc", NULL, "host programs" },
	{ "  LEX     scripts/dtc/dtc-lexer.lex.c", NULL, "host programs" },
	{ "  UPD     include/config/kernel.release", NULL,
	  "generated headers" },
	{ "  WRAP    arch/arm64/include/generated/asm/kvm_para.h", NULL,
	  "generated headers" },
	{ "  SYNC    include/config/auto.conf", NULL, "generated headers" },
	{ "  DESCEND objtool", NULL, "objtool" },
	{ "  DESCEND bpf/resolve_btfids", NULL, NULL },
	{ "  CALL    scripts/checksyscalls.sh", NULL, NULL },
	{ "gcc -c a.c", NULL, NULL },
	{ "CC x.o", NULL, NULL },
	{ "  CC", NULL, NULL },
	{ "  CC [M", NULL, NULL },
	{ "  ", NULL, NULL },
	{ "", NULL, NULL },
	{ "   CC      init/main.o", NULL, NULL },
};

/* Objects as make spells them. */
static const struct {
	const char *object;
	bool compiles;
} objects[] = {
	{ "init/main.o", true },
	{ "arch/arm64/kernel/vdso/note.o", true },
	{ "/home/a/module/a.o", true },
	{ "scripts/mod/empty.o", false },
	{ "scripts/basic/fixdep", false },
	{ "arch/x86/tools/relocs_64.o", false },
	{ "tools/objtool/check.o", false },
	{ "/home/a/build/tools/objtool/check.o", false },
	{ "kernel/bounds.s", false },
	{ "init/version-timestamp.o", false },
	{ "arch/arm64/boot/dts/rockchip/rk3399.dtb", false },
};

TEST_EACH(the_compile_of_an_object_of_the_kernel_starts_a_phase, objects)
{
	ck_assert_msg(kernel_progress_is_compile(row->object) == row->compiles,
		      "%s", row->object);
}

TEST_EACH(a_line_of_make_determines_the_next_phase_and_activity, lines)
{
	struct kernel_progress_stage got = kernel_progress_after(row->line);

	ck_assert_msg(str_equal(got.phase, row->phase), "%s: %s", row->line,
		      got.phase ? got.phase : "nothing");
	ck_assert_msg(str_equal(got.activity, row->activity), "%s: %s",
		      row->line, got.activity ? got.activity : "nothing");
}
