/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/progress.h"

#include "base/str.h"
#include "suite.h"

/* Output of make for Linux 4.19 to 6.1; NULL: the same phase. */
static const struct {
	const char *line, *phase;
} lines[] = {
	{ "  HOSTCC  scripts/basic/fixdep", NULL },
	{ "  CC      scripts/mod/empty.o", NULL },
	{ "  CC      kernel/bounds.s", NULL },
	{ "  CC      init/main.o", "compile" },
	{ "  CC [M]  fs/ext4/balloc.o", "compile" },
	{ "  CC      init/version-timestamp.o", NULL },
	{ "  AR      fs/built-in.a", NULL },
	{ "  AR      built-in.a", "link" },
	{ "  AR      vmlinux.a", "link" },
	{ "  LD      vmlinux.o", "modpost" },
	{ "  LD      fs/ext4/ext4.o", NULL },
	{ "  MODPOST Module.symvers", "modpost" },
	{ "  MODPOST vmlinux.symvers", "modpost" },
	{ "  CC      .vmlinux.export.o", NULL },
	{ "  LD      .tmp_vmlinux.kallsyms1", "link" },
	{ "  KSYMS   .tmp_vmlinux.kallsyms1.S", "link" },
	{ "  BTF     .btf.vmlinux.bin.o", "link" },
	{ "  LD      vmlinux", "link" },
	{ "  CC [M]  fs/ext4/ext4.mod.o", "modules" },
	{ "  LD [M]  fs/ext4/ext4.ko", "modules" },
	{ "  LD [M]  fs/ext4/ext4.o", NULL },
	{ "  DTC     arch/arm64/boot/dts/rockchip/rk3399.dtb", "dtbs" },
	{ "  OBJCOPY arch/arm64/boot/Image", NULL },
	{ "  CALL    scripts/checksyscalls.sh", NULL },
	{ "gcc -c a.c", NULL },
	{ "CC x.o", NULL },
	{ "  CC", NULL },
	{ "  CC [M", NULL },
	{ "  ", NULL },
	{ "", NULL },
	{ "   CC      init/main.o", NULL },
};

START_TEST(a_line_tells_what_comes_next)
{
	const char *got = kernel_progress_phase_after(lines[_i].line);

	ck_assert_msg(str_equal(got, lines[_i].phase), "%s: %s", lines[_i].line,
		      got ? got : "nothing");
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
