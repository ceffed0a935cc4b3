/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/artifact.h"

#include "kernel-run.h"
#include "suite.h"

static struct kernel_wants wants;
static struct kernel_artifacts got;

/* Build all of the miniature tree. */
static void set_up(void)
{
	char *targets[] = { (char[]){ "defconfig" }, (char[]){ "Image" },
			    (char[]){ "modules" }, (char[]){ "dtbs" }, NULL };

	run_set_up();
	words(&req.targets, "Image modules dtbs");
	start();
	ck_assert_int_eq(kernel_run_make(&run, NULL, targets, &err), 0);
	wants = (struct kernel_wants){ .kernel = true,
				       .modules = true,
				       .dtbs = true };
	strv_add(&wants.images, "arch/arm64/boot/Image");
}

static void tear_down(void)
{
	kernel_artifacts_release(&got);
	kernel_wants_release(&wants);
	kernel_run_end(&run);
	run_tear_down();
}

START_TEST(all_of_it_comes_to_the_output_directory)
{
	ck_assert_msg(!kernel_artifact_collect(&got, &run, &wants, &err), "%s",
		      err.text);
	ck_assert(stands("out/config") && stands("out/Image"));
	ck_assert(stands("out/vmlinux") && stands("out/System.map"));
	ck_assert(stands("out/modules.tar.xz") && stands("out/dtbs.tar.xz"));
	ck_assert(!stands("out/.stage"));
	ck_assert_uint_eq(got.module_names.n, 1);
	ck_assert_str_eq(got.module_names.v[0], "a.ko");
	ck_assert_str_eq(got.dtb_names.v[0], "a.dtb");
	ck_assert_str_eq(got.text_offset, "0x0000");
	ck_assert_uint_gt(got.vmlinux.text, 1000);
	ck_assert_uint_gt(got.build_dir_bytes, 1000);
	ck_assert(str_ends(buf_str(&told), ")\nphase artifacts\n") ||
		  str_ends(buf_str(&told), "defconfig\nphase artifacts\n"));
}
END_TEST

START_TEST(only_what_is_wanted_comes)
{
	wants.kernel = wants.modules = wants.dtbs = false;
	strv_release(&wants.images);
	ck_assert_int_eq(kernel_artifact_collect(&got, &run, &wants, &err), 0);
	ck_assert(stands("out/config"));
	ck_assert(!stands("out/vmlinux") && !stands("out/modules.tar.xz"));
}
END_TEST

START_TEST(vmlinux_may_stay_behind)
{
	req.no_vmlinux = true;
	ck_assert_int_eq(kernel_artifact_collect(&got, &run, &wants, &err), 0);
	ck_assert(!stands("out/vmlinux"));
	ck_assert(stands("out/System.map"));
}
END_TEST

START_TEST(a_failing_install_is_a_status_and_leaves_nothing)
{
	put_file("linux/Makefile", "modules_install:\n\t@exit 1\n", 0644);
	ck_assert_int_eq(kernel_artifact_collect(&got, &run, &wants, &err), 2);
	ck_assert(!stands("out/.stage") && !stands("out/modules.tar.xz"));
}
END_TEST

START_TEST(an_output_directory_that_went_away_is_an_error)
{
	struct err ignored;

	fs_remove(out_dir, &ignored);
	put_file("out", "", 0644);
	ck_assert_int_lt(kernel_artifact_collect(&got, &run, &wants, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, out_dir));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/artifact");
	TCase *tc = tcase_create("artifact");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, all_of_it_comes_to_the_output_directory);
	tcase_add_test(tc, only_what_is_wanted_comes);
	tcase_add_test(tc, vmlinux_may_stay_behind);
	tcase_add_test(tc, a_failing_install_is_a_status_and_leaves_nothing);
	tcase_add_test(tc, an_output_directory_that_went_away_is_an_error);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
