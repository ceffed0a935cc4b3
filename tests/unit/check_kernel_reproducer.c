/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/module-build.h"
#include "kernel/reproducer.h"

static struct kconfig_request r;
static struct kernel_plan p;
static struct err err;

static void set_up(void)
{
	tree_set_up();
	r = (struct kconfig_request){ .directory = tree, .arch = "arm64" };
	err = (struct err){ 0 };
	setenv("PATH", str_find_env(env.v, "PATH"), 1);
}

static void tear_down(void)
{
	kernel_plan_release(&p);
	strv_release(&r.fragments);
	strv_release(&r.variables);
	strv_release(&r.environment);
	strv_release(&r.targets);
	tree_tear_down();
}

/* Write the script of the request to a file. */
static char *script(void)
{
	struct buf out = { 0 };
	char *path = at("script.sh");

	must(kernel_plan_init(&p, &r, env.v, &err));
	kernel_reproducer_script(&out, &p, 3);
	put_file("script.sh", buf_str(&out), 0755);
	buf_release(&out);
	return path;
}

static void run(const char *path)
{
	char *command = xasprintf("sh '%s' >'%s/out' 2>&1", path, top);
	char *out = at("out"), *output;
	int status = system(command);

	output = get_file(out);
	ck_assert_msg(!status, "%s", output);
	free(output);
	free(out);
	free(command);
}

FIXTURE(set_up, tear_down);

TEST(the_script_runs_make_with_the_settings_of_the_build)
{
	char *want, *got, *path;

	r.build_dir = "/b";
	words(&r.targets, "Image modules");
	words(&r.environment, "KCFLAGS=-g");
	words(&r.variables, "ARCH=arm64 W=1");
	path = script();
	want = xasprintf("set -e\n"
			 "jobs=-j3\n"
			 "case ${1-} in\n"
			 "--kfarm) exec kfarm run -- sh \"$0\" --on-farm ;;\n"
			 "--on-farm) jobs= ;;\n"
			 "esac\n"
			 "here=$(cd \"$(dirname \"$0\")\" && pwd)\n"
			 "tree=%s\n"
			 "build=/b\n"
			 "# 6.1.7-rc3\n"
			 "# gcc-%s\n"
			 "export KCFLAGS=-g\n"
			 "export CROSS_COMPILE=aarch64-linux-gnu-\n"
			 "mkdir -p \"$build\"\n"
			 "cd \"$tree\"\n"
			 "make O=/b ARCH=arm64 W=1 defconfig\n"
			 "set --\n"
			 "set -- \"$@\" Image\n"
			 "! grep -qx CONFIG_MODULES=y \"$build/.config\" || "
			 "set -- \"$@\" modules\n"
			 "[ $# = 0 ] || "
			 "make $jobs O=/b ARCH=arm64 W=1 \"$@\"\n",
			 tree, p.compiler.version);
	got = get_file(path);
	ck_assert_str_eq(got, want);
	free(want);
	free(got);
	free(path);
}

TEST(the_script_exports_the_variables_that_kbuild_reads)
{
	static const char *const settings[] = {
		"KCONFIG_ALLCONFIG=/all.config",
		"KCONFIG_SEED=7",
		"HOSTCXXFLAGS=-O1",
		"HOSTLDLIBS=-lm",
		"USERCFLAGS=-g",
		"CC_COMPAT=arm-gcc",
		"LD_COMPAT=arm-ld",
		"INSTALL_MOD_STRIP=1",
		"KDEB_PKGVERSION=9-1",
		"DPKG_FLAGS=-d",
		"RPMOPTS=-q",
	};
	char *path, *got;

	words(&r.targets, "Image");
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		strv_add(&env, settings[i]);
	strv_add(&env, "KERNEL=no");
	path = script();
	got = get_file(path);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		char *line = xasprintf("export %s\n", settings[i]);

		text_has(got, line);
		free(line);
	}
	ck_assert_ptr_null(strstr(got, "KERNEL="));
	free(got);
	free(path);
}

TEST(a_random_configuration_is_copied_from_the_scripts_directory)
{
	char *path, *file, *got;

	r.kconfig = "randconfig";
	words(&r.targets, "modules");
	path = script();
	put_file("config", "CONFIG_MODULES=y\nCONFIG_RANDOM=y\n", 0644);
	run(path);
	file = kernel_plan_path(&p, ".config");
	got = get_file(file);
	ck_assert_str_eq(got, "CONFIG_MODULES=y\nCONFIG_RANDOM=y\n");
	free(got);
	free(file);
	free(path);
}

TEST(without_a_copied_configuration_the_script_makes_a_random_one)
{
	char *path, *file, *got;

	r.kconfig = "randconfig";
	words(&r.targets, "modules");
	path = script();
	run(path);
	file = kernel_plan_path(&p, ".config");
	got = get_file(file);
	text_has(got, "# Linux/arm64 config\n");
	free(got);
	free(file);
	free(path);
}

TEST(the_script_configures_and_builds_the_kernel)
{
	char *path, *image, *got;

	words(&r.targets, "kernel modules");
	words(&r.fragments, "CONFIG_A=y tiny.config");
	strv_add(&r.fragments, "CONFIG_S=\"it's $HOME\"");
	path = script();
	run(path);
	free(path);
	path = xasprintf("%s/.config", p.builddir.dir);
	got = get_file(path);
	ck_assert_str_eq(got, "# Linux/arm64 config\nCONFIG_MODULES=y\n"
			      "CONFIG_A=y\nCONFIG_T=y\n"
			      "CONFIG_S=\"it's $HOME\"\n");
	free(got);
	image = xasprintf("%s/arch/arm64/boot/Image.gz", p.builddir.dir);
	got = get_file(image);
	ck_assert_str_eq(got, "kfarm\n");
	free(got);
	free(image);
	free(path);
}

TEST(the_script_installs_modules_and_makes_packages)
{
	char *path, *root = at("root"), *setting;

	setting = xasprintf("INSTALL_MOD_PATH=%s", root);
	words(&r.targets, "modules_install targz-pkg");
	words(&r.variables, setting);
	path = script();
	run(path);
	ck_assert(stands("root/lib/modules/6.1.7/a.ko"));
	free(path);
	path = kernel_plan_path(&p, "linux-6.1.7-arm64.tar.gz");
	ck_assert(fs_exists(path));
	free(path);
	free(setting);
	free(root);
}

TEST(the_script_skips_modules_that_the_configuration_disables)
{
	char *path, *file;

	put_file("no.config", "CONFIG_Q=y\n", 0644);
	file = at("no.config");
	r.kconfig = file;
	words(&r.targets, "modules modules_install");
	path = script();
	run(path);
	free(path);
	path = kernel_plan_path(&p, "modules.order");
	ck_assert(!fs_exists(path));
	free(path);
	free(file);
}

TEST(an_existing_config_is_copied_from_the_scripts_directory)
{
	char *dir = at("b"), *path;

	put_file("b/.config", "kept\n", 0644);
	r.build_dir = dir;
	words(&r.targets, "modules");
	path = script();
	fs_remove(dir, &err);
	put_file("config", "from beside\n", 0644);
	run(path);
	free(path);
	path = at("b/.config");
	free(dir);
	dir = get_file(path);
	ck_assert_str_eq(dir, "from beside\n");
	free(dir);
	free(path);
}

/* This tree has no target modules_prepare, so the script would fail. */
TEST(the_script_does_not_prepare_a_prepared_build_directory)
{
	const char *const *name = kernel_module_prepared_files;
	char *dir = at("b"), *path, *variable = xasprintf("M=%s/hello", top);

	for (; *name; name++) {
		path = xasprintf("b/%s", *name);
		put_file(path, "", 0644);
		free(path);
	}
	put_file("b/.config", "kept\n", 0644);
	put_file("linux/kernel/bounds.c", "", 0644);
	put_file("hello/Makefile", "", 0644);
	r.build_dir = dir;
	strv_add(&r.variables, variable);
	words(&r.targets, "modules");
	path = script();
	run(path);
	ck_assert(stands("b/modules.order"));
	free(path);
	free(variable);
	free(dir);
}

TEST(the_script_contains_the_base_configuration_file)
{
	char *base = at("my.config"), *path, *got;

	put_file("my.config", "CONFIG_Q=y\nCONFIG_NODEP=y\n", 0644);
	r.kconfig = base;
	words(&r.targets, "modules");
	path = script();
	unlink(base);
	run(path);
	free(path);
	path = xasprintf("%s/.config", p.builddir.dir);
	got = get_file(path);
	ck_assert_str_eq(got, "CONFIG_Q=y\n");
	free(got);
	free(path);
	free(base);
}

/* Some lines look like shell code or the delimiter of a here-document. */
TEST_RANGE(shell_code_in_a_fragment_or_base_file_is_not_executed, 0, 2)
{
	char *file = at("evil.config"), *text, *path, *got;

	text = xasprintf("CONFIG_Q=y\nEND_OF_KFARM_TEXT\ntouch %s/owned\n"
			 "END_OF_KFARM_TEXT_\n$(touch %s/owned)\n",
			 top, top);
	put_file("evil.config", text, 0644);
	r.kconfig = _i ? file : NULL;
	if (!_i)
		strv_add(&r.fragments, file);
	words(&r.targets, "modules");
	path = script();
	run(path);
	ck_assert(!stands("owned"));
	free(path);
	path = xasprintf("%s/.config", p.builddir.dir);
	got = get_file(path);
	text_has(got, "CONFIG_Q=y\n");
	/* Only the settings of a fragment are used, but a base is copied. */
	ck_assert_int_eq(!!strstr(got, "\nEND_OF_KFARM_TEXT\n"), _i);
	free(got);
	free(path);
	free(text);
	free(file);
}

TEST(the_script_adds_the_compiler_directory_to_path)
{
	char *prefix = at("tools/nice-"), *path, *got;

	r.toolchain = prefix;
	words(&r.targets, "compile");
	path = script();
	setenv("PATH", "/usr/bin:/bin", 1);
	run(path);
	got = get_file(path);
	text_has(got, "\nexport CROSS_COMPILE=nice-\n");
	text_has(got, "/tools:\"$PATH\"\n");
	free(got);
	free(path);
	free(prefix);
}

TEST(the_script_exports_kbuild_variables_of_the_environment)
{
	char *path, *got;

	set_env("KBUILD_BUILD_USER=me and you");
	set_env("KCFLAGS=-g1");
	set_env("EDITOR=vi");
	path = script();
	got = get_file(path);
	text_has(got, "export KBUILD_BUILD_USER='me and you'\n");
	text_has(got, "export KCFLAGS=-g1\n");
	text_has(got, "export KBUILD_BUILD_HOST=kfarm\n");
	ck_assert_ptr_null(strstr(got, "EDITOR"));
	free(got);
	free(path);
}

TEST(the_printed_plan_consists_of_comments)
{
	struct buf out = { 0 };
	const char *line;
	char *compiler;

	free(script());
	compiler = xasprintf("# compiler  %s %s (%s)\n", p.compiler.name,
			     p.compiler.version, p.compiler.path);
	kernel_reproducer_plan(&out, &p, "/out");
	kernel_reproducer_plan(&out, &p, "/out\ntouch owned\033[2J");
	for (line = buf_str(&out); *line; line = strchr(line, '\n') + 1)
		ck_assert_int_eq(line[0], '#');
	text_has(buf_str(&out), "linux-6.1.7-rc3");
	text_has(buf_str(&out), "# arch      arm64 (arch/arm64)\n");
	text_has(buf_str(&out), compiler);
	text_has(buf_str(&out), "# output    /out\n");
	ck_assert_ptr_null(strchr(buf_str(&out), '\033'));
	free(compiler);
	buf_release(&out);
}
