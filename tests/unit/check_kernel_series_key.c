/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/series-key.h"

static struct kconfig_request r;
static struct kernel_plan p;
static struct err err;
static char first[DIGEST_HEX], second[DIGEST_HEX];

static void make_plan(void)
{
	kernel_plan_release(&p);
	must(kernel_plan_init(&p, &r, env.v, &err));
}

static void compute_key(char out[static DIGEST_HEX])
{
	char *id;

	make_plan();
	id = kernel_plan_toolchain_id(&p);
	kernel_series_key_of_plan(&p, id, out);
	free(id);
}

static void set_up(void)
{
	tree_set_up();
	r = (struct kconfig_request){ .directory = tree, .arch = "arm64" };
	err = (struct err){ 0 };
	compute_key(first);
}

static void tear_down(void)
{
	kernel_plan_release(&p);
	strv_release(&r.variables);
	strv_release(&r.environment);
	strv_release(&r.targets);
	strv_release(&r.fragments);
	tree_tear_down();
}

static void expect_same(void)
{
	compute_key(second);
	ck_assert_str_eq(first, second);
}

static void expect_different(void)
{
	compute_key(second);
	ck_assert_str_ne(first, second);
	memcpy(first, second, DIGEST_HEX);
}

FIXTURE(set_up, tear_down);

TEST(inputs_that_affect_the_kernel_change_the_key)
{
	ck_assert_uint_eq(strlen(first), 64);
	words(&r.targets, "Image");
	expect_different();
	words(&r.variables, "KCFLAGS=-g");
	expect_different();
	words(&r.environment, "LOCALVERSION=-x");
	expect_different();
	r.kconfig = "tinyconfig";
	expect_different();
	words(&r.fragments, "CONFIG_A=y");
	expect_different();
	r.fragments.v[0][9] = 'n';
	expect_different();
	r.toolchain = "nice-";
	expect_different();
	r.arch = "x86_64";
	r.toolchain = "gcc";
	expect_different();
}

TEST(options_that_do_not_affect_the_kernel_keep_the_key)
{
	r.jobs = 7;
	r.output_dir = "/elsewhere";
	r.fail_fast = r.verbose = r.no_remote = r.print_sizes = true;
	expect_same();
	words(&r.variables, "V=1");
	expect_same();
	words(&r.variables, "KBUILD_VERBOSE=1");
	expect_same();
}

TEST(the_build_directory_affects_the_key_only_without_option_k)
{
	r.kconfig = "tinyconfig";
	expect_different();
	r.build_dir = "/some/dir";
	expect_same();
	/* The existing .config is the configuration. */
	r.kconfig = NULL;
	expect_different();
	r.build_dir = "/other/dir";
	expect_different();
}

TEST(all_paths_of_a_build_directory_have_the_same_key)
{
	char *dir = at("dir"), *link = at("link"), *dots = at("link/../dir");
	char *linked_tree = at("linked-tree"), *id;

	must(fs_mkdirs(dir, 0755, &err));
	ck_assert_int_eq(symlink(dir, link), 0);
	ck_assert_int_eq(symlink(tree, linked_tree), 0);
	r.build_dir = dir;
	expect_different();
	r.build_dir = link;
	expect_same();
	r.build_dir = dots;
	expect_same();
	free(p.tree);
	p.tree = xstrdup(linked_tree);
	id = kernel_plan_toolchain_id(&p);
	kernel_series_key_of_plan(&p, id, second);
	free(id);
	ck_assert_str_eq(first, second);
	r.build_dir = NULL;
	free(linked_tree);
	free(dots);
	free(link);
	free(dir);
}

TEST(the_second_build_in_a_default_directory_has_the_same_key)
{
	char *config;

	make_plan();
	config = xasprintf("%s/.config", p.builddir.dir);
	must(fs_mkdirs(p.builddir.dir, 0755, &err));
	must(fs_write(config, bytes_str("CONFIG_A=y\n"), 0644, &err));
	expect_same();
	ck_assert_int_eq(p.kconfig.base, KCONFIG_BASE_EXISTING);
	free(config);
}

TEST(the_key_depends_on_the_content_of_a_fragment)
{
	char *name = at("x.config");

	put_file("x.config", "CONFIG_A=y\n", 0644);
	strv_add(&r.fragments, name);
	expect_different();
	put_file("x.config", "CONFIG_A=n\n", 0644);
	expect_different();
	free(name);
}

TEST(the_toolchain_id_appends_12_digits_to_the_compiler_name)
{
	char *id, *text, *driver = at("tools/nice-gcc");

	r.toolchain = "nice-";
	make_plan();
	id = kernel_plan_toolchain_id(&p);
	text = kernel_plan_compiler_name(&p);
	ck_assert_msg(str_starts(id, text), "%s", id);
	ck_assert_uint_eq(strlen(id), strlen(text) + 13);
	free(text);
	free(id);
	free(driver);
}

TEST(a_build_directory_without_kernel_objects_is_fresh)
{
	make_plan();
	ck_assert(kernel_builddir_is_fresh(&p));
	r.build_dir = top;
	free(p.builddir.dir);
	p.builddir.dir = at("build");
	put_file("build/.config", "", 0644);
	put_file("build/scripts/basic/x.o", "", 0644);
	put_file("build/scripts/y.o", "", 0644);
	put_file("build/include/config/auto.conf", "", 0644);
	ck_assert(kernel_builddir_is_fresh(&p));
	put_file("build/kernel/bounds.s", "", 0644);
	ck_assert(!kernel_builddir_is_fresh(&p));
	must(fs_remove(p.builddir.dir, &err));
	put_file("build/vmlinux", "", 0644);
	ck_assert(!kernel_builddir_is_fresh(&p));
}

TEST(the_key_of_a_command_depends_on_arguments_and_directory)
{
	char *argv[] = { (char[]){ "make" }, (char[]){ "all" }, NULL };
	struct kernel_user_command_request request = { .argv = argv };
	struct kernel_user_command c = { .request = &request };

	kernel_series_key_of_command(&c, first);
	request.jobs = 5;
	kernel_series_key_of_command(&c, second);
	ck_assert_str_eq(first, second);
	argv[1][0] = 'b';
	kernel_series_key_of_command(&c, second);
	ck_assert_str_ne(first, second);
	argv[1][0] = 'a';
	ck_assert_int_eq(chdir(top), 0);
	kernel_series_key_of_command(&c, second);
	ck_assert_str_ne(first, second);
	ck_assert_int_eq(chdir("/"), 0);
}
