/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* The list of builds for several architectures and configurations. */
#include "../lib/test.h"

#include "cli/build.h"

#include "cli/cmd.h"

static struct build_options options;
static struct build_list list;
static char *no_env[] = { NULL };
static char *arm_env[] = { (char[]){ "ARCH=arm" }, NULL };

static void set_up(void)
{
	options = (struct build_options){ 0 };
	list = (struct build_list){ 0 };
}

static void tear_down(void)
{
	build_list_release(&list);
	strv_release(&options.arches);
	strv_release(&options.kconfigs);
	strv_release(&options.request.variables);
	strv_release(&options.request.environment);
}

/*
 * Return the names for -a and -k, such as "arm64-defconfig x86_64-defconfig".
 */
static char *names_of(const char *arches, const char *kconfigs,
		      char *const *env)
{
	struct strv names = { 0 };
	char *all;

	strv_split(&options.arches, arches, " ");
	strv_split(&options.kconfigs, kconfigs, " ");
	build_list_make(&list, &options, env);
	for (size_t i = 0; i < list.n_builds; i++)
		strv_add(&names, list.builds[i].name);
	all = strv_join(&names, " ");
	strv_release(&names);
	return all;
}

static void assert_names(const char *arches, const char *kconfigs,
			 const char *wanted)
{
	char *names = names_of(arches, kconfigs, arm_env);

	ck_assert_str_eq(names, wanted);
	free(names);
}

FIXTURE(set_up, tear_down);

TEST(each_architecture_is_built_with_each_configuration)
{
	assert_names("arm64 x86_64", "defconfig a/board.config",
		     "arm64-defconfig arm64-board x86_64-defconfig "
		     "x86_64-board");
	ck_assert_str_eq(list.builds[1].request.arch, "arm64");
	ck_assert_str_eq(list.builds[1].request.kconfig, "a/board.config");
	ck_assert_uint_eq(list.builds[3].request.part_number, 4);
	ck_assert_uint_eq(list.builds[3].request.n_parts, 4);
	ck_assert_str_eq(list.builds[3].request.part_name, "x86_64-board");
}

TEST(a_repeated_architecture_or_configuration_is_built_once)
{
	assert_names("arm64 x86_64 arm64", "tinyconfig tinyconfig",
		     "arm64-tinyconfig x86_64-tinyconfig");
}

TEST(a_single_build_is_not_a_part)
{
	options.request.output_dir = "/out";
	assert_names("arm64 arm64", "", "arm64-defconfig");
	ck_assert_uint_eq(list.builds[0].request.n_parts, 0);
	ck_assert_ptr_null(list.builds[0].request.part_name);
	ck_assert_ptr_null(list.builds[0].request.kconfig);
	ck_assert_str_eq(list.builds[0].request.output_dir, "/out");
}

TEST(each_of_several_builds_has_an_output_directory)
{
	options.request.output_dir = "/out";
	assert_names("arm64 x86_64", "", "arm64-defconfig x86_64-defconfig");
	ck_assert_str_eq(list.builds[1].request.output_dir,
			 "/out/x86_64-defconfig");
}

TEST(the_default_architecture_is_that_of_the_environment)
{
	assert_names("", "a b", "arm-a arm-b");
	ck_assert_ptr_null(list.builds[0].request.arch);
}

TEST(a_variable_of_make_overrides_the_environment)
{
	strv_add(&options.request.variables, "ARCH=riscv");
	strv_add(&options.request.environment, "ARCH=mips");
	assert_names("", "a b", "riscv-a riscv-b");
}

TEST(configurations_of_equal_base_names_have_different_names)
{
	char *names = names_of("arm64", "a/x.config b/x.config c", no_env);

	ck_assert_str_ne(list.builds[0].name, list.builds[1].name);
	text_starts(list.builds[0].name, "arm64-x-");
	text_starts(list.builds[1].name, "arm64-x-");
	ck_assert_str_eq(list.builds[2].name, "arm64-c");
	free(names);
}

TEST(build_names_contain_no_password)
{
	assert_names("arm64", "https://me:secret@host/board.config",
		     "arm64-board");
	ck_assert_str_eq(list.builds[0].config, "https://host/board.config");
	ck_assert_str_eq(list.builds[0].request.kconfig,
			 "https://me:secret@host/board.config");
}

TEST(build_names_contain_no_parent_directory)
{
	assert_names("../x", "..", "x-_.");
}

/* From the best to the worst. */
static const int order[] = { 0, 101, 125, 2, 1, 255, 130 };
#define N_ORDER ((int)(sizeof(order) / sizeof(*order)))

TEST_RANGE(the_worse_of_two_statuses_is_returned, 0, N_ORDER)
{
	for (int i = 0; i < N_ORDER; i++) {
		int worse = order[i > _i ? i : _i];

		ck_assert_int_eq(build_status_worse(order[_i], order[i]),
				 worse);
		ck_assert_int_eq(build_status_worse(order[i], order[_i]),
				 worse);
	}
}

TEST(another_status_of_make_ranks_between_125_and_1)
{
	ck_assert_int_eq(build_status_worse(125, 3), 3);
	ck_assert_int_eq(build_status_worse(3, 1), 1);
}
