/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/target-outputs.h"

#include "../lib/test.h"
#include "kernel-run.h"
#include "kernel/archive.h"

static struct kernel_target_outputs outputs;

static void put_built(const char *name, const char *text)
{
	char *path = kernel_plan_path(&plan, name), *dir = str_dir(path);

	must(fs_mkdirs(dir, 0755, &err));
	must(fs_write(path, bytes_str(text), 0644, &err));
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

static char *find_outputs(const char *targets, const char *image)
{
	struct strv list = { 0 };

	words(&list, targets);
	kernel_target_outputs_release(&outputs);
	kernel_target_outputs_find(&outputs, &plan, &list, image);
	strv_release(&list);
	return strv_join(&outputs.images, " ");
}

static const struct {
	const char *targets;
	bool prints;
} print_only[] = {
	{ "", false },
	{ "help", true },
	{ "kernelrelease image_name", true },
	{ "perf-help listnewconfig", true },
	{ "help Image", false },
	{ "modules kernelversion", false },
	{ "helper", false },
	{ "menuconfig", false },
};

FIXTURE(set_up, run_tear_down);

TEST_EACH(print_only_targets_are_recognized, print_only)
{
	struct strv list = { 0 };

	words(&list, row->targets);
	ck_assert_int_eq(kernel_target_is_print_only(&list), row->prints);
	strv_release(&list);
}

static const struct {
	const char *targets;
	bool single;
} single_files[] = {
	{ "", false },
	{ "kernel/fork.o", true },
	{ "mm/slub.i mm/slub.s rockchip/rk3399.dtb", true },
	{ "kernel/fork.o mm/", false },
	{ "Image", false },
	{ "vmlinuz.efi", false },
};

TEST_EACH(single_file_targets_are_recognized, single_files)
{
	struct strv list = { 0 };

	words(&list, row->targets);
	ck_assert_int_eq(kernel_targets_are_single_files(&list), row->single);
	strv_release(&list);
}

TEST(targets_that_only_remove_files_are_recognized)
{
	static const char *const targets[] = { "mrproper clean", "clean all",
					       "" };

	for (int i = 0; i < 3; i++) {
		struct strv list = { 0 };

		words(&list, targets[i]);
		ck_assert_int_eq(kernel_target_is_clean_only(&list), !i);
		strv_release(&list);
	}
}

static const struct {
	const char *target;
	enum kernel_target_kind kind;
} kinds[] = {
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

TEST_EACH(a_target_is_classified_by_its_name, kinds)
{
	ck_assert_int_eq(kernel_target_kind(row->target), row->kind);
}

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

TEST_EACH(targets_determine_the_expected_outputs, samples)
{
	char *images = find_outputs(row->targets, "arch/arm64/boot/Image.gz");

	ck_assert_str_eq(images, row->images);
	ck_assert_int_eq(outputs.kernel, row->kernel);
	ck_assert_int_eq(outputs.modules, row->modules);
	ck_assert_int_eq(outputs.dtbs, row->dtbs);
	free(images);
	kernel_target_outputs_release(&outputs);
}

TEST(modules_are_no_output_if_config_modules_is_not_set)
{
	put_built(".config", "\n# CONFIG_MODULES is not set\n");
	free(find_outputs("all", NULL));
	ck_assert(!outputs.modules);
	kernel_target_outputs_release(&outputs);
}

TEST(target_kernel_resolves_to_the_image_named_by_make)
{
	char *targets;

	words(&req.targets, "kernel modules kernel");
	start();
	must(kernel_target_outputs_resolve(&run, &err));
	targets = strv_join(&run.targets, " ");
	ck_assert_str_eq(targets, "Image.gz modules");
	free(targets);
	targets = built("include/config/kernel.release");
	free(targets);
	kernel_build_end(&run);
}

TEST(targets_other_than_kernel_are_not_replaced)
{
	put_file("linux/drivers/mmc/Makefile", "", 0644);
	words(&req.targets, "Image drivers/mmc/");
	start();
	must(kernel_target_outputs_resolve(&run, &err));
	ck_assert_uint_eq(run.targets.n, 2);
	ck_assert_str_eq(run.targets.v[1], "drivers/mmc/");
	kernel_build_end(&run);
}

TEST(the_image_name_is_cached)
{
	char *name = NULL;

	start();
	must(kernel_target_outputs_image(&run, &name, &err));
	ck_assert_str_eq(name, "arch/arm64/boot/Image.gz");
	free(name);
	/* PATH now lacks make. */
	strv_release(&run.env);
	strv_add(&run.env, "PATH=/nonexistent");
	must(kernel_target_outputs_image(&run, &name, &err));
	ck_assert_str_eq(name, "arch/arm64/boot/Image.gz");
	free(name);
	kernel_build_end(&run);
}

TEST(an_invalid_cached_image_name_is_queried_again)
{
	char *name = NULL;
	struct digest key;

	start();
	ck_assert(kernel_archive_image_digest(&plan, &key));
	kernel_archive_cache_put(&run.archive_cache, "image_name", &key, NULL,
				 json_array());
	must(kernel_target_outputs_image(&run, &name, &err));
	ck_assert_str_eq(name, "arch/arm64/boot/Image.gz");
	free(name);
	kernel_build_end(&run);
}

TEST(a_changed_makefile_invalidates_the_cached_image_name)
{
	char *name = NULL;

	start();
	must(kernel_target_outputs_image(&run, &name, &err));
	free(name);
	put_file("linux/Makefile",
		 "image_name:\n\t@echo arch/arm64/boot/Other\n", 0644);
	must(kernel_target_outputs_image(&run, &name, &err));
	ck_assert_str_eq(name, "arch/arm64/boot/Other");
	free(name);
	kernel_build_end(&run);
}

TEST(unavailable_targets_are_skipped_with_a_note)
{
	put_built(".config", "# CONFIG_MODULES is not set\n");
	words(&req.targets, "Image modules modules_install dtbs");
	start();
	must(kernel_target_outputs_resolve(&run, &err));
	ck_assert_uint_eq(run.targets.n, 1);
	ck_assert_str_eq(run.targets.v[0], "Image");
	ck_assert(was_told("note skipping modules: CONFIG_MODULES is not "
			   "set\n"));
	ck_assert(was_told("note skipping dtbs: the tree has no "
			   "arch/arm64/boot/dts\n"));
	kernel_build_end(&run);
}

TEST(old_trees_use_silentoldconfig_instead_of_syncconfig)
{
	ck_assert_str_eq(kernel_config_sync_target(tree), "syncconfig");
	put_file("linux/scripts/kconfig/Makefile", "silentoldconfig:\n", 0644);
	ck_assert_str_eq(kernel_config_sync_target(tree), "silentoldconfig");
}
