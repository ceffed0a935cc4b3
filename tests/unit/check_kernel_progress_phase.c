/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/progress.h"

#include "base/str.h"
#include "suite.h"

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

START_TEST(a_line_tells_what_comes_next)
{
	struct kernel_progress_step got = kernel_progress_step_after(
		lines[_i].line);

	ck_assert_msg(str_equal(got.phase, lines[_i].phase), "%s: %s",
		      lines[_i].line, got.phase ? got.phase : "nothing");
	ck_assert_msg(str_equal(got.activity, lines[_i].activity), "%s: %s",
		      lines[_i].line, got.activity ? got.activity : "nothing");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/progress-phase");
	TCase *tc = tcase_create("lines");

	tcase_add_loop_test(tc, a_line_tells_what_comes_next, 0,
			    sizeof(lines) / sizeof(*lines));
	suite_add_tcase(s, tc);
	return suite_run(s);
}
