/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "kconfig/suggest.h"

#include "kernel-run.h"
#include "suite.h"

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

START_TEST(make_says_what_it_does_not_know)
{
	char *unknown = kconfig_suggest_parse_no_rule(logs[_i].text);

	ck_assert_pstr_eq(unknown, logs[_i].unknown);
	free(unknown);
}
END_TEST

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
	{ "dir/one", NULL },
	{ "commentword", NULL }, /* present, but not as a target */
	{ "recipeword", NULL },
};

START_TEST(a_target_that_is_like_it_is_found)
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
		buf_str(&plan.makefile_text), targets[_i].target);
	want = targets[_i].best ?
		       xasprintf("no target \"%s\" for arm64; did you mean "
				 "\"%s\"?",
				 targets[_i].target, targets[_i].best) :
		       xasprintf("no target \"%s\" for arm64; `kfarm build "
				 "help` lists targets",
				 targets[_i].target);
	ck_assert_msg(strstr(got, want), "%s", got);
	free(want);
	free(got);
}
END_TEST

START_TEST(a_configuration_that_is_like_it_is_found)
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
END_TEST

START_TEST(names_of_the_configuration_file_and_fragments_are_found)
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
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

int main(void)
{
	Suite *s = suite_create("kconfig/suggest");
	TCase *tc = tcase_create("suggest");

	tcase_add_checked_fixture(tc, run_set_up, run_tear_down);
	tcase_add_loop_test(tc, make_says_what_it_does_not_know, 0,
			    COUNT(logs));
	tcase_add_loop_test(tc, a_target_that_is_like_it_is_found, 0,
			    COUNT(targets));
	tcase_add_test(tc, a_configuration_that_is_like_it_is_found);
	tcase_add_test(tc,
		       names_of_the_configuration_file_and_fragments_are_found);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
