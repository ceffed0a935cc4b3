/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/build.h"

#include "../lib/test.h"
#include "kernel-run.h"

/* Each target, and whether the tree proves that make has no rule for it. */
static const struct {
	const char *target;
	bool unknown;
} targets[] = {
	/* named targets */
	{ "Image", false },
	{ "Imgae", true },
	{ "kernel", false }, /* a target of kfarm */
	{ "perf", false },
	{ "olddefconfig", false }, /* %config */
	{ "defcofnig", true },
	{ "zImage.bin", false }, /* zImage.% */
	{ "zImag", true },
	{ "small_boardconfig2", false }, /* $(sizes)_boardconfig2 */
	{ "small_board", true },
	{ "help-neo4", false }, /* addprefix */
	{ "neo4.srec", false }, /* addsuffix */
	{ "tftp", false }, /* in an included file */
	{ "deep", false }, /* in a nested include */
	{ "platform-image", false },
	{ "xs", true }, /* "%s" is no pattern */
	{ "COPYING", false }, /* an existing file */
	{ "Kconfig", true }, /* make does nothing for a source */
	{ "Makefile", true },
	/* single files */
	{ "dir/one.o", false },
	{ "dir/one.i", false },
	{ "dir/one.ko", false },
	{ "dir/oen.o", true },
	{ "dir/many.o", false }, /* linked from other objects */
	{ "dir/man.o", true },
	{ "dir/table.o", false }, /* its source is generated */
	{ "dir/oid-asn1.o", false },
	{ "dir/shipped.o", false },
	{ "dir/sub/listed.o", false }, /* listed by the Makefile of dir */
	{ "dir/sub/lost.o", true },
	{ "dir/unroll4.o", false }, /* unroll%.c */
	{ "dir/.hidden.o", false },
	{ "nodir/one.o", true },
	{ "lib/any.o", false }, /* lib/%.o in the top Makefile */
	{ "var/any.o", false }, /* $(NAME).o */
	{ "/nodir/one.o", false }, /* an absolute path */
	{ "gen/any.o", false }, /* generated from a file with a fixed name */
	{ "inc/any.o", false }, /* possibly in an included file */
	{ "made/any.o", false }, /* a directory of the build directory */
	{ "stray.o", true },
	/* directories and other paths */
	{ "dir/", false },
	{ "dri/", true },
	{ "tools/x/", false }, /* tools/% */
	{ "dir/program", false },
	{ "dir/one.c", true },
	{ "dir/table.c", false }, /* generated; a makefile names it */
	{ "dir/config.h", false }, /* generated; it has a saved command */
	{ "dir/one", true }, /* the suffix .o is missing */
	{ "tools/host", false }, /* tools/%, although host.c exists */
	/* device trees */
	{ "vendor/board.dtb", false },
	{ "vendor/bord.dtb", true },
	{ "vendor/both.dtb", false }, /* made of other device trees */
	{ "novendor/board.dtb", true },
	/* make would add the directory again */
	{ "arch/arm64/boot/dts/vendor/board.dtb", true },
};

static void put_tree(void)
{
	char *path = at("linux/Makefile"), *text = get_file(path), *all;

	all = xasprintf("%s"
			"zImage.%%: Image\n"
			"$(sizes)_boardconfig2:\n"
			"boards := $(addprefix help-, neo4) \\\n"
			"\t$(addsuffix .srec, neo4)\n"
			"show:\n"
			"\t@printf \"%%s\" x\n"
			"tools/%%: FORCE\n"
			"flags := -Ia \\\n"
			"\t\t-include $(srctree)/a.h \\\n"
			"\t\t-Ib\n"
			"single := %%.o %%.ko %%.i\n"
			"%%.dtb: dtbs\n"
			"include $(srctree)/arch/$(SRCARCH)/Makefile\n"
			"-include include/config/auto.conf more.mk\n"
			"include $(addprefix $(srctree)/, $(include-y))\n",
			text);
	put_file("linux/Makefile", all, 0644);
	put_file("linux/arch/arm64/Makefile",
		 "include arch/$(SRCARCH)/own\n"
		 "include $(patsubst %/,arch/arm64/%/Platform,$(platform-y))\n",
		 0644);
	put_file("linux/arch/arm64/own", "tftp:\ninclude $(srctree)/deeper\n",
		 0644);
	put_file("linux/deeper", "deep:\n", 0644);
	put_file("linux/arch/arm64/neo/Platform", "platform-image:\n", 0644);
	put_file("linux/COPYING", "", 0644);
	put_file("linux/Kconfig", "", 0644);
	put_file("linux/tools/host.c", "", 0644);
	put_file("linux/dir/Makefile",
		 "obj-$(CONFIG_A) += many.o sub/listed.o\n"
		 "many-y := a.o b.o\n"
		 "$(obj)/table.c: $(obj)/mktable\n"
		 "$(obj)/unroll%.c: $(src)/unroll.awk\n",
		 0644);
	put_file("linux/dir/one.c", "", 0644);
	put_file("linux/dir/table.c", "", 0644);
	put_file("linux/dir/config.h", "", 0644);
	put_file("linux/dir/.config.h.cmd", "", 0644);
	put_file("linux/dir/oid.asn1", "", 0644);
	put_file("linux/dir/shipped.c_shipped", "", 0644);
	put_file("linux/dir/sub/other.c", "", 0644);
	put_file("linux/gen/Makefile",
		 "$(obj)/%.c: $(src)/gen.sh FORCE\n\tsh $< >$@\n", 0644);
	put_file("linux/var/Makefile",
		 "NAME := $(notdir $(src))\nobj-m := $(NAME).o\n", 0644);
	put_file("linux/inc/Makefile", "include $(srctree)/dir/objects\n",
		 0644);
	put_file("linux/arch/arm64/boot/dts/vendor/board.dts", "", 0644);
	put_file("linux/arch/arm64/boot/dts/vendor/Makefile",
		 "dtb-y += both.dtb\n"
		 "both-dtbs := board.dtb overlay.dtbo\n",
		 0644);
	put_file("build/made/x", "", 0644);
	req.build_dir = at("build");
	free(all);
	free(text);
	free(path);
}

FIXTURE(run_set_up, run_tear_down);

TEST_EACH(a_target_is_unknown_only_if_no_rule_can_make_it, targets)
{
	put_tree();
	words(&req.targets, row->target);
	make_plan();
	ck_assert_int_eq(kernel_build_check(&plan, &err),
			 row->unknown ? -EINVAL : 0);
	/* git bisect skips a revision without the target. */
	ck_assert_int_eq(plan.revision_unsupported, row->unknown);
}

TEST(the_error_lists_each_unknown_target_once)
{
	put_tree();
	words(&req.targets, "Imgae modules dir/oen.o Imgae");
	make_plan();
	err_is(kernel_build_check(&plan, &err), -EINVAL,
	       "unknown targets:\n"
	       "  this tree has no target \"Imgae\" for arm64; did you "
	       "mean \"Image\"?\n"
	       "  this tree has no target \"dir/oen.o\" for arm64; did "
	       "you mean \"dir/one.o\"?");
}

TEST(a_dtb_is_suggested_relative_to_the_dts_directory)
{
	put_tree();
	words(&req.targets, "arch/arm64/boot/dts/vendor/board.dtb");
	make_plan();
	err_is(kernel_build_check(&plan, &err), -EINVAL,
	       "this tree has no target \"arch/arm64/boot/dts/vendor/board.dtb\""
	       " for arm64; did you mean \"vendor/board.dtb\"?");
}

TEST(an_external_module_gets_suggestions_from_its_directory)
{
	char *text, *want = xasprintf("%s/hello has no target \"helo.ko\" for "
				      "arm64; did you mean \"hello.ko\"?",
				      top);

	put_tree();
	put_file("hello/Makefile", "obj-m := hello.o\n", 0644);
	put_file("hello/hello.c", "", 0644);
	text = xasprintf("M=%s/hello", top);
	strv_add(&req.variables, text);
	free(text);
	words(&req.targets, "helo.ko");
	make_plan();
	err_is(kernel_build_check(&plan, &err), -EINVAL, want);
	free(want);
}

TEST(an_include_of_an_unknown_variable_permits_any_target)
{
	put_tree();
	put_file("linux/arch/arm64/own", "-include $(MY_TARGETS)\n", 0644);
	words(&req.targets, "Imgae");
	make_plan();
	must(kernel_build_check(&plan, &err));
}

TEST(a_multi_line_include_permits_any_target)
{
	put_tree();
	put_file("linux/arch/arm64/own", "include \\\n\tmine\n", 0644);
	words(&req.targets, "Imgae");
	make_plan();
	must(kernel_build_check(&plan, &err));
}

TEST(the_variable_makefiles_permits_any_target)
{
	put_tree();
	set_env("MAKEFILES=/tmp/my.mk");
	words(&req.targets, "Imgae");
	make_plan();
	must(kernel_build_check(&plan, &err));
}

TEST(a_gnumakefile_precedes_the_makefile_of_the_tree)
{
	put_tree();
	put_file("linux/GNUmakefile", "include Makefile\nImgae: Image\n", 0644);
	words(&req.targets, "Imgae");
	make_plan();
	must(kernel_build_check(&plan, &err));
}
