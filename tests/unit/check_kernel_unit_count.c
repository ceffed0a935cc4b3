/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
/*
 * Unit counts of a small tree with the supported kbuild constructs.  The
 * Makefiles create the file "ran" if make runs a recipe or $(shell).
 */
#include "kernel/unit-count.h"

#include "../lib/test.h"
#include "base/vec.h"
#include "kernel-tree.h"

#include <event2/event.h>

static struct kernel_plan plan;
static struct kernel_unit_count count;
static struct event_base *base;
static char *build;
static int64_t counted;

static const struct {
	const char *name, *text;
} files[] = {
	{ "build/.config", "CONFIG_MODULES=y\nCONFIG_A=y\nCONFIG_M=m\n"
			   "# CONFIG_OFF is not set\nCONFIG_S=\"a b\"\n" },
	{ "linux/Kbuild", "obj-y += a/\nobj-y += $(ARCH_DRIVERS)\n"
			  "obj-$(CONFIG_M) += m/\nobj-$(CONFIG_OFF) += off/\n"
			  "always-y += bounds.h\n" },
	/* 5: one.o, p1.o, p2.o, lib.o and vdso.o */
	{ "linux/a/Makefile",
	  "obj-$(CONFIG_A) := one.o parts.o sub/\nparts-y := p1.o\n"
	  "parts-$(CONFIG_A) += p2.o\nparts-$(CONFIG_OFF) += p3.o\n"
	  "obj-$(CONFIG_OFF) += off.o\nlib-y := lib.o\nsetup-y := s1.o s2.o\n"
	  "targets += vdso.o vdso.so lib.o\n"
	  "x := $(shell touch $(srctree)/ran)\n"
	  "$(obj)/one.o: FORCE\n\ttouch $(srctree)/ran\n"
	  "$(srctree)/a/Makefile: FORCE\n\ttouch $(srctree)/ran\n" },
	/* 2: setup.o has no parts in this directory */
	{ "linux/a/sub/Makefile", "obj-y := setup.o\nobj-m := later.o\n"
				  "include $(srctree)/$(src)/more.mk\n" },
	{ "linux/a/sub/more.mk", "obj-y += two.o\n" },
	/* 4: m1.o, m2.o, mod.mod.o, and later.o of a/sub with its .mod.o */
	{ "linux/m/Makefile", "obj-m := mod.o\nmod-objs := m1.o m2.o\n"
			      "obj-y += builtin/\n" },
	{ "linux/off/Makefile", "obj-y := no.o\n" },
	{ "linux/arch/arm64/Makefile", "drivers-$(CONFIG_A) += arch/arm64/d/\n"
				       "all:\n\ttouch $(srctree)/ran\n" },
	/* 1 */
	{ "linux/arch/arm64/d/Makefile", "obj-y := d.o\n" },
	/* 2 */
	{ "linux/arch/arm64/boot/Makefile", "targets := Image b1.o b2.o\n" },
	/* 3 */
	{ "linux/arch/arm64/boot/dts/Makefile", "subdir-y += v\n" },
	{ "linux/arch/arm64/boot/dts/v/Makefile",
	  "dtb-$(CONFIG_A) += x.dtb y.dtb\ny-dtbs := x.dtb z.dtb o.dtbo\n" },
	/* 2: tool has parts; one is compiled and linked in one step */
	{ "linux/scripts/Makefile", "hostprogs-always-y += tool one\n"
				    "tool-objs := t1.o t2.o\n" },
};

static void set_up(void)
{
	static char make[] = "/usr/bin/make";

	tree_set_up();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_file(files[i].name, files[i].text, 0644);
	build = at("build");
	base = event_base_new();
	counted = 0;
	plan = (struct kernel_plan){ .env = env.v,
				     .tree = tree,
				     .make_path = make,
				     .arch = { .arch = "arm64",
					       .srcarch = "arm64" },
				     .builddir = { .dir = build } };
}

static void tear_down(void)
{
	strv_release(&plan.vars);
	strv_release(&plan.settings);
	event_base_free(base);
	free(build);
	tree_tear_down();
}

static void on_counted(void *ctx, int64_t n_units)
{
	ck_assert_ptr_eq(ctx, &counted);
	ck_assert_int_eq(counted, 0);
	counted = n_units;
}

/* Return the count for these targets, 0 if unknown. */
static int64_t count_targets(const char *targets)
{
	struct strv list = { 0 };
	char *ran = xasprintf("%s/ran", tree);

	counted = 0;
	strv_split(&list, targets, " ");
	kernel_unit_count_start(&count, base, &plan, &list, on_counted,
				&counted);
	while (count.task && event_base_loop(base, EVLOOP_ONCE) == 0)
		;
	kernel_unit_count_stop(&count);
	ck_assert(!fs_exists(ran));
	free(ran);
	strv_release(&list);
	return counted;
}

#define BUILTIN 10 /* a/, a/sub and arch/arm64/d, and the host program */
#define MODULES 5

static const struct {
	const char *targets;
	int64_t n;
} selections[] = {
	{ "vmlinux", BUILTIN },
	{ "Image", BUILTIN + 2 },
	{ "Image.gz modules", BUILTIN + 2 + MODULES },
	{ "", BUILTIN + 2 + MODULES + 3 },
	{ "all", BUILTIN + 2 + MODULES + 3 },
	/* vdso.o is in `targets`, and the host program is always made. */
	{ "modules", 4 + MODULES },
	{ "Image kernel/fork.o", 0 },
	{ "htmldocs", 0 },
};

FIXTURE(set_up, tear_down);

TEST_EACH(the_count_depends_on_the_targets, selections)
{
	ck_assert_msg(count_targets(row->targets) == row->n, "%s: %d",
		      row->targets, (int)counted);
}

TEST(an_external_module_is_not_counted)
{
	strv_add(&plan.settings, "M=m");
	ck_assert_int_eq(count_targets(""), 0);
}

TEST(the_count_is_unknown_if_a_makefile_fails)
{
	put_file("linux/a/Makefile", "$(error too old)\n", 0644);
	ck_assert_int_eq(count_targets(""), 0);
}

/* As in Linux 5.10, where the top Makefile lists the directories. */
TEST(an_old_tree_is_counted_by_its_standard_directories)
{
	put_file("linux/Kbuild", "always-y += bounds.h\n", 0644);
	put_file("linux/kernel/Makefile", "obj-y := fork.o exit.o\n", 0644);
	put_file("linux/net/Makefile", "obj-y := off.o\n", 0644);
	/* kernel/, arch/arm64/d and the host program */
	ck_assert_int_eq(count_targets("vmlinux"), 2 + 1 + 2);
}

TEST(a_stopped_count_neither_waits_for_make_nor_reports)
{
	struct strv none = { 0 };

	put_file("make", "#!/bin/sh\nexec sleep 1000\n", 0755);
	plan.make_path = at("make");
	kernel_unit_count_start(&count, base, &plan, &none, on_counted,
				&counted);
	kernel_unit_count_stop(&count);
	ck_assert_int_eq(counted, 0);
	free(plan.make_path);
}
