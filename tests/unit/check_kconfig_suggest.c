/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "kconfig/suggest.h"

#include "../lib/test.h"
#include "kernel-run.h"

static const struct {
	const char *text, *unknown;
} logs[] = {
	{ "make: *** No rule to make target 'Imag'.  Stop.\n", "Imag" },
	{ "make[1]: *** No rule to make target 'Imag'.\n"
	  "make: *** [Makefile:250: __sub-make] Error 2\n",
	  "Imag" },
	{ "make[3]: *** No rule to make target 'a.c', needed by 'a.o'.  Stop.\n",
	  NULL },
	{ "make: *** No rule to make target 'a.c', needed by 'a.o'.\n"
	  "make: *** No rule to make target 'b'.\n",
	  "b" },
	{ "make: *** No rule to make target 'x", NULL },
	{ "a.c:1:2: error: no\n", NULL },
};

FIXTURE(run_set_up, run_tear_down);

TEST_EACH(the_unknown_target_is_found_in_the_output_of_make, logs)
{
	char *unknown = kconfig_suggest_parse_no_rule(row->text);

	ck_assert_pstr_eq(unknown, row->unknown);
	free(unknown);
}

static const struct {
	const char *target, *best;
} targets[] = {
	{ "Imag", "Image" },
	{ "Image.gx", "Image.gz" },
	{ "modles", "modules" },
	{ "kernle", "kernel" },
	{ "vmlinus", "vmlinux" },
	{ "zImagee", "zImage" }, /* in BOOT_TARGETS */
	{ "uImag", "uImage" }, /* in the text of help */
	{ "xipimage", "xipImage" }, /* PHONY */
	{ "tinny_defconfig", "tiny_defconfig" },
	{ "olddefcofnig", "olddefconfig" }, /* in Kconfig's Makefile */
	{ "nothinglikeit", NULL },
	{ "dir/on.o", "dir/one.o" },
	{ "dir/on.i", "dir/one.i" },
	{ "dir/tow.dtb", "dir/two.dtb" },
	{ "dirr/", "dir/" },
	{ "arch/arm46/", "arch/arm64/" },
	{ "vendor/bord.dtb", "vendor/board.dtb" },
	{ "dir/notes.o", NULL },
	{ "nodir/one.o", NULL },
	{ "dir/one", "dir/one.o" },
	{ "dir/one.c", "dir/one.o" },
	{ "arch/arm64/boot/dts/vendor/board.dts", "vendor/board.dtb" },
	{ "commentword", NULL }, /* present, but not as a target */
	{ "recipeword", NULL },
};

TEST_EACH(a_similar_target_is_suggested, targets)
{
	char *want, *got;

	put_file("linux/arch/arm64/Makefile",
		 "# commentwore: is no target\n"
		 "BOOT_TARGETS = zImage Image\n"
		 "PHONY += xipImage $(BOOT_TARGETS)\n"
		 "recipe:\n\trecipewore\n"
		 "define archhelp\n"
		 "  @echo 'nothing'\n"
		 "\t@echo '* uImage   - wrapped'\n"
		 "endef\n",
		 0644);
	put_file("linux/scripts/kconfig/Makefile",
		 "olddefconfig oldnoconfig: $(obj)/conf\n", 0644);
	put_file("linux/arch/arm64/configs/tiny_defconfig", "", 0644);
	put_file("linux/dir/one.c", "", 0644);
	put_file("linux/dir/two.dts", "", 0644);
	put_file("linux/dir/note.txt", "", 0644);
	put_file("linux/arch/arm64/boot/dts/vendor/board.dts", "", 0644);
	make_plan();
	got = kconfig_suggest_target(
		plan.tree, plan.arch.srcarch, plan.arch.arch,
		buf_str(&plan.makefile_text), NULL, row->target);
	want = row->best ? xasprintf("no target \"%s\" for arm64; did you mean "
				     "\"%s\"?",
				     row->target, row->best) :
			   xasprintf("no target \"%s\" for arm64; `kfarm build "
				     "help` lists targets",
				     row->target);
	ck_assert_msg(strstr(got, want), "%s", got);
	free(want);
	free(got);
}

TEST(a_similar_configuration_is_suggested)
{
	char *question;

	put_file("linux/arch/arm64/configs/board_defconfig", "", 0644);
	question = kconfig_suggest_config(tree, "arm64", NULL,
					  "bord_defconfig");
	ck_assert_str_eq(question, "; did you mean \"board_defconfig\"?");
	free(question);
	question = kconfig_suggest_config(tree, "arm64", NULL, "tinyconfg");
	ck_assert_str_eq(question, "; did you mean \"tinyconfig\"?");
	free(question);
	question = kconfig_suggest_config(tree, "arm64", NULL, "my.config");
	ck_assert_str_eq(question, "");
	free(question);
}

TEST(similar_named_configurations_and_fragments_are_suggested)
{
	struct strv named = { 0 };
	char *question;

	strv_add(&named, "neo4-debug");
	question = kconfig_suggest_config(tree, "arm64", &named, "neo4-debgu");
	ck_assert_str_eq(question, "; did you mean \"neo4-debug\"?");
	free(question);
	question = kconfig_suggest_fragment(tree, "arm64", "tyni");
	ck_assert_str_eq(question, "; did you mean \"tiny\"?");
	free(question);
	question = kconfig_suggest_fragment(tree, "arm64", "borad.config");
	ck_assert_str_eq(question, "; did you mean \"board.config\"?");
	free(question);
	strv_release(&named);
}
