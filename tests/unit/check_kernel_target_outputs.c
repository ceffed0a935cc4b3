/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/target-outputs.h"

#include "kernel-run.h"
#include "kernel/archive.h"
#include "suite.h"

static struct kernel_target_outputs wants;

static void put_built(const char *name, const char *text)
{
	char *path = kernel_plan_path(&plan, name), *dir = str_dir(path);

	ck_assert_int_eq(fs_mkdirs(dir, 0755, &err), 0);
	ck_assert_int_eq(fs_write(path, bytes_str(text), 0644, &err), 0);
	free(dir);
	free(path);
}

/* A build directory with all targets. */
static void set_up(void)
{
	run_set_up();
	make_plan();
	put_built(".config", "\nCONFIG_MODULES=y\n");
	put_built("modules.order", "");
	put_built("vmlinux", "");
	put_built("arch/arm64/boot/Image", "");
	put_built("arch/arm64/boot/Image.gz", "");
	put_built("arch/arm64/boot/dts/a.dtb", "");
}

static char *look(const char *targets, const char *image)
{
	struct strv list = { 0 };

	words(&list, targets);
	kernel_target_outputs_release(&wants);
	kernel_target_outputs_find(&wants, &plan, &list, image);
	strv_release(&list);
	return strv_join(&wants.images, " ");
}

static const struct {
	const char *targets;
	bool prints;
} printers[] = {
	{ "", false },
	{ "help", true },
	{ "kernelrelease image_name", true },
	{ "perf-help listnewconfig", true },
	{ "help Image", false },
	{ "modules kernelversion", false },
	{ "helper", false },
	{ "menuconfig", false },
};

START_TEST(targets_that_only_print_are_known)
{
	struct strv list = { 0 };

	words(&list, printers[_i].targets);
	ck_assert_int_eq(kernel_target_is_print_only(&list),
			 printers[_i].prints);
	strv_release(&list);
}
END_TEST

static const struct {
	const char *targets;
	bool single;
} files[] = {
	{ "", false },
	{ "kernel/fork.o", true },
	{ "mm/slub.i mm/slub.s rockchip/rk3399.dtb", true },
	{ "kernel/fork.o mm/", false },
	{ "Image", false },
	{ "vmlinuz.efi", false },
};

START_TEST(targets_that_are_single_files_are_known)
{
	struct strv list = { 0 };

	words(&list, files[_i].targets);
	ck_assert_int_eq(kernel_targets_are_single_files(&list),
			 files[_i].single);
	strv_release(&list);
}
END_TEST

static const struct {
	const char *target;
	enum kernel_target_kind use;
} uses[] = {
	{ "Image", KERNEL_TARGET_KIND_BUILD },
	{ "olddefconfig", KERNEL_TARGET_KIND_BUILD },
	{ "menuconfig", KERNEL_TARGET_KIND_INTERACTIVE },
	{ "oldconfig", KERNEL_TARGET_KIND_INTERACTIVE },
	{ "help", KERNEL_TARGET_KIND_PRINT_TREE },
	{ "perf-help", KERNEL_TARGET_KIND_PRINT_TREE },
	{ "kernelversion", KERNEL_TARGET_KIND_PRINT_TREE },
	{ "listnewconfig", KERNEL_TARGET_KIND_PRINT_CONFIG },
	{ "helpnewconfig", KERNEL_TARGET_KIND_PRINT_CONFIG },
	{ "kernelrelease", KERNEL_TARGET_KIND_PRINT_SYNCED },
};

START_TEST(a_target_is_for_somebody)
{
	ck_assert_int_eq(kernel_target_kind(uses[_i].target), uses[_i].use);
}
END_TEST

static const struct {
	const char *targets, *images;
	bool kernel, modules, dtbs;
} samples[] = {
	{ "Image modules dtbs", "arch/arm64/boot/Image", true, true, true },
	{ "modules", "", false, true, false },
	{ "dtbs", "", false, false, true },
	{ "vmlinux", "", true, false, false },
	{ "", "arch/arm64/boot/Image.gz", true, true, true },
	{ "all", "arch/arm64/boot/Image.gz", true, true, true },
	{ "Image Image Image.gz",
	  "arch/arm64/boot/Image arch/arm64/boot/Image.gz", true, false,
	  false },
	{ "init/ kernel/fork.o fs/ext4/ext4.ko", "", false, false, false },
	{ "bzImage", "", false, false, false },
};

START_TEST(targets_tell_what_is_wanted)
{
	char *images = look(samples[_i].targets, "arch/arm64/boot/Image.gz");

	ck_assert_str_eq(images, samples[_i].images);
	ck_assert_int_eq(wants.kernel, samples[_i].kernel);
	ck_assert_int_eq(wants.modules, samples[_i].modules);
	ck_assert_int_eq(wants.dtbs, samples[_i].dtbs);
	free(images);
	kernel_target_outputs_release(&wants);
}
END_TEST

START_TEST(without_modules_in_the_configuration_none_are_installed)
{
	put_built(".config", "\n# CONFIG_MODULES is not set\n");
	free(look("all", NULL));
	ck_assert(!wants.modules);
	kernel_target_outputs_release(&wants);
}
END_TEST

START_TEST(kernel_is_what_image_name_says)
{
	char *targets;

	words(&req.targets, "kernel modules kernel");
	start();
	ck_assert_msg(!kernel_target_outputs_resolve(&run, &err), "%s",
		      err.text);
	targets = strv_join(&run.targets, " ");
	ck_assert_str_eq(targets, "Image.gz modules");
	free(targets);
	targets = built("include/config/kernel.release");
	free(targets);
	kernel_build_end(&run);
}
END_TEST

START_TEST(other_targets_start_nothing)
{
	put_file("linux/drivers/mmc/Makefile", "", 0644);
	words(&req.targets, "Image drivers/mmc/");
	start();
	ck_assert_int_eq(kernel_target_outputs_resolve(&run, &err), 0);
	ck_assert_uint_eq(run.targets.n, 2);
	ck_assert_str_eq(run.targets.v[1], "drivers/mmc/");
	kernel_build_end(&run);
}
END_TEST

START_TEST(the_images_name_is_asked_once)
{
	char *name = NULL;

	start();
	ck_assert_int_eq(kernel_target_outputs_image(&run, &name, &err), 0);
	ck_assert_str_eq(name, "arch/arm64/boot/Image.gz");
	free(name);
	/* PATH now lacks make. */
	strv_release(&run.env);
	strv_add(&run.env, "PATH=/nonexistent");
	ck_assert_int_eq(kernel_target_outputs_image(&run, &name, &err), 0);
	ck_assert_str_eq(name, "arch/arm64/boot/Image.gz");
	free(name);
	kernel_build_end(&run);
}
END_TEST

START_TEST(a_name_that_is_none_is_asked_again)
{
	char *name = NULL;
	struct digest key;

	start();
	ck_assert(kernel_archive_image_digest(&plan, &key));
	kernel_archive_cache_put(&run.archive_cache, "image_name", &key, NULL,
				 json_array());
	ck_assert_int_eq(kernel_target_outputs_image(&run, &name, &err), 0);
	ck_assert_str_eq(name, "arch/arm64/boot/Image.gz");
	free(name);
	kernel_build_end(&run);
}
END_TEST

START_TEST(another_makefile_may_name_another_image)
{
	char *name = NULL;

	start();
	ck_assert_int_eq(kernel_target_outputs_image(&run, &name, &err), 0);
	free(name);
	put_file("linux/Makefile",
		 "image_name:\n\t@echo arch/arm64/boot/Other\n", 0644);
	ck_assert_int_eq(kernel_target_outputs_image(&run, &name, &err), 0);
	ck_assert_str_eq(name, "arch/arm64/boot/Other");
	free(name);
	kernel_build_end(&run);
}
END_TEST

START_TEST(what_there_is_nothing_of_is_skipped_with_the_reason)
{
	put_built(".config", "# CONFIG_MODULES is not set\n");
	words(&req.targets, "Image modules modules_install dtbs");
	start();
	ck_assert_int_eq(kernel_target_outputs_resolve(&run, &err), 0);
	ck_assert_uint_eq(run.targets.n, 1);
	ck_assert_str_eq(run.targets.v[0], "Image");
	ck_assert(was_told("note skipping modules: CONFIG_MODULES is not "
			   "set\n"));
	ck_assert(was_told("note skipping dtbs: the tree has no "
			   "arch/arm64/boot/dts\n"));
	kernel_build_end(&run);
}
END_TEST

START_TEST(old_trees_have_another_name_for_syncconfig)
{
	ck_assert_str_eq(kernel_config_sync_target(tree), "syncconfig");
	put_file("linux/scripts/kconfig/Makefile", "silentoldconfig:\n", 0644);
	ck_assert_str_eq(kernel_config_sync_target(tree), "silentoldconfig");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/target-outputs");
	TCase *tc = tcase_create("target");

	tcase_add_checked_fixture(tc, set_up, run_tear_down);
	tcase_add_loop_test(tc, a_target_is_for_somebody, 0,
			    sizeof(uses) / sizeof(*uses));
	tcase_add_loop_test(tc, targets_that_only_print_are_known, 0,
			    sizeof(printers) / sizeof(*printers));
	tcase_add_loop_test(tc, targets_that_are_single_files_are_known, 0,
			    sizeof(files) / sizeof(*files));
	tcase_add_loop_test(tc, targets_tell_what_is_wanted, 0,
			    sizeof(samples) / sizeof(*samples));
	tcase_add_test(tc,
		       without_modules_in_the_configuration_none_are_installed);
	tcase_add_test(tc, kernel_is_what_image_name_says);
	tcase_add_test(tc, other_targets_start_nothing);
	tcase_add_test(tc, the_images_name_is_asked_once);
	tcase_add_test(tc, a_name_that_is_none_is_asked_again);
	tcase_add_test(tc, another_makefile_may_name_another_image);
	tcase_add_test(tc, what_there_is_nothing_of_is_skipped_with_the_reason);
	tcase_add_test(tc, old_trees_have_another_name_for_syncconfig);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
