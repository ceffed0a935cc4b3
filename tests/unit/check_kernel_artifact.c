/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/artifact.h"

#include "../lib/test.h"
#include "kernel-run.h"

static struct kernel_target_outputs outputs;
static struct kernel_artifacts got;

/* Build all targets of the miniature tree. */
static void set_up(void)
{
	char *targets[] = { (char[]){ "defconfig" }, (char[]){ "Image" },
			    (char[]){ "modules" }, (char[]){ "dtbs" }, NULL };

	run_set_up();
	words(&req.targets, "Image modules dtbs");
	start();
	must(kernel_build_run_make(&run, NULL, targets, &err));
	outputs = (struct kernel_target_outputs){ .kernel = true,
						  .modules = true,
						  .dtbs = true };
	strv_add(&outputs.images, "arch/arm64/boot/Image");
}

static void tear_down(void)
{
	kernel_artifacts_release(&got);
	kernel_target_outputs_release(&outputs);
	kernel_build_end(&run);
	run_tear_down();
}

static const struct kernel_artifact *find(const char *file)
{
	for (size_t i = 0; i < got.n; i++) {
		if (!strcmp(got.v[i].file, file))
			return &got.v[i];
	}
	ck_abort_msg("no %s", file);
	return NULL;
}

static void collect(void)
{
	kernel_artifacts_release(&got);
	must(kernel_artifact_collect(&got, &run, &outputs, &err));
}

/* Return the number of `make modules_install` executions. */
static size_t count_installs(void)
{
	char *path = kernel_plan_path(&plan, "installed"), *text;
	size_t n = 0;

	if (fs_exists(path)) {
		text = get_file(path);
		n = strlen(text) / strlen("modules\n");
		free(text);
	}
	free(path);
	return n;
}

FIXTURE(set_up, tear_down);
TIMEOUT(30);

TEST(collect_writes_all_artifacts_to_the_output_directory)
{
	const struct kernel_elfsize *size;

	collect();
	ck_assert(stands("out/config") && stands("out/Image"));
	ck_assert(stands("out/vmlinux") && stands("out/System.map"));
	ck_assert(stands("out/modules.tar.xz") && stands("out/dtbs.tar.xz"));
	ck_assert(!stands("out/.stage"));
	ck_assert_str_eq(find("Image")->goal, "kernel");
	ck_assert_str_eq(find("vmlinux")->goal, "debugkernel");
	ck_assert_uint_eq(find("modules.tar.xz")->archive_names.n, 1);
	ck_assert_str_eq(find("modules.tar.xz")->archive_names.v[0],
			 "lib/modules/6.1.7/a.ko");
	ck_assert_str_eq(find("dtbs.tar.xz")->archive_names.v[0],
			 "dtbs/rockchip/a.dtb");
	ck_assert_str_eq(got.text_offset, "0x0000");
	size = kernel_artifact_find_size(&got, "vmlinux");
	ck_assert_uint_gt(size->text_bytes, 1000);
	size = kernel_artifact_find_size(&got, "a.ko");
	ck_assert_uint_gt(size->text_bytes, 1000);
	size = kernel_artifact_find_size(&got, "arch/arm64/boot/Image");
	ck_assert_uint_gt(size->file_bytes, 0);
	ck_assert_uint_gt(got.build_dir_bytes, 1000);
	ck_assert(str_ends(buf_str(&told), ")\nphase artifacts\n") ||
		  str_ends(buf_str(&told), "defconfig\nphase artifacts\n"));
}

TEST(unchanged_modules_and_dtbs_are_taken_from_the_archive_cache)
{
	char *path = at("out/modules.tar.xz"), *first, *second;

	collect();
	ck_assert_uint_eq(got.n_packed, 2);
	ck_assert_uint_eq(count_installs(), 1);
	first = get_file(path);
	unlink(path);
	collect();
	ck_assert_uint_eq(got.n_packed, 0);
	ck_assert_uint_eq(got.n_cached, 2);
	ck_assert_uint_eq(count_installs(), 1);
	ck_assert_str_eq(find("modules.tar.xz")->archive_names.v[0],
			 "lib/modules/6.1.7/a.ko");
	second = get_file(path);
	ck_assert_str_eq(first, second);
	free(second);
	free(first);
	free(path);
}

/* Shell commands in the build directory that change an input or the cache. */
static const char *const changes[] = {
	"touch a.ko", /* equal content, but a new stamp */
	"cp /bin/false a.ko",
	"cp -p a.ko b && mv b a.ko",
	"echo kernel/b.ko >>modules.order",
	"echo 0001 T x >>System.map",
	"echo '# more' >>.config",
	"echo 6.1.8 >include/config/kernel.release",
	"echo 'modules_install: other\nother:\n' >>\"$tree/Makefile\"",
	"printf x | dd of=\"$XDG/modules.tar.xz\" conv=notrunc bs=1 seek=9 "
	"2>/dev/null",
	"rm \"$XDG/modules.tar.xz\"",
	"echo '{' >\"$XDG/record\"",
	"sed -i 's/\"key\"/\"ky\"/g' \"$XDG/record\"",
};

TEST_EACH(modules_are_installed_again_after_a_change_of_input_or_cache, changes)
{
	char *command;

	must(fs_mkdirs(plan.builddir.dir, 0777, &err));
	command = xasprintf("mkdir -p %s/include/config && "
			    "echo 6.1.7 >%s/include/config/kernel.release",
			    plan.builddir.dir, plan.builddir.dir);
	ck_assert_int_eq(system(command), 0);
	free(command);
	collect();
	kernel_archive_cache_close(&run.archive_cache);
	command = xasprintf("cd %s && tree=%s && XDG=$(echo "
			    "%s/.cache/kfarm/kept/*) && %s",
			    plan.builddir.dir, tree, top, *row);
	ck_assert_int_eq(system(command), 0);
	kernel_archive_cache_open(&run.archive_cache, plan.builddir.dir);
	collect();
	ck_assert_uint_eq(count_installs(), 2);
	/* The next build finds the archive unchanged. */
	collect();
	ck_assert_uint_eq(count_installs(), 2);
	free(command);
}

TEST(a_cached_archive_is_used_despite_invalid_types_in_its_record)
{
	char *command = xasprintf(
		"sed -i 's/\"lib[^\"]*\"/7/' %s/.cache/kfarm/kept/*/record",
		top);

	collect();
	kernel_archive_cache_close(&run.archive_cache);
	ck_assert_int_eq(system(command), 0);
	kernel_archive_cache_open(&run.archive_cache, plan.builddir.dir);
	collect();
	ck_assert_uint_eq(got.n_cached, 2);
	ck_assert_uint_eq(find("modules.tar.xz")->archive_names.n, 0);
	free(command);
}

TEST(other_make_settings_install_the_modules_again)
{
	collect();
	strv_add(&plan.settings, "INSTALL_MOD_STRIP=1");
	collect();
	ck_assert_uint_eq(count_installs(), 2);
}

static const struct {
	const char *variable;
	size_t n_installs;
} variables[] = {
	{ "KERNELRELEASE=6.1.8", 2 },
	{ "KBUILD_BUILD_HOST=a", 2 },
	/* Each terminal window has other values. */
	{ "KONSOLE_DBUS_SESSION=/Sessions/2", 1 },
	{ "KITTY_WINDOW_ID=2", 1 },
	{ "KDE_SESSION_UID=1000", 1 },
};

TEST_EACH(only_variables_of_make_install_the_modules_again, variables)
{
	struct strv all = { 0 };

	collect();
	strv_add_all(&all, plan.env);
	strv_add(&all, row->variable);
	plan.env = all.v;
	collect();
	ck_assert_uint_eq(count_installs(), row->n_installs);
	plan.env = env.v;
	strv_release(&all);
}

TEST(headers_are_archived_below_include_and_cached)
{
	char *targets[] = { (char[]){ "headers" }, NULL };

	must(kernel_build_run_make(&run, NULL, targets, &err));
	outputs.headers = true;
	collect();
	ck_assert_str_eq(find("headers.tar.xz")->archive_names.v[0],
			 "./include/linux/a.h");
	collect();
	ck_assert_uint_eq(got.n_cached, 3);
}

TEST(without_rsync_a_note_replaces_the_archive_of_headers)
{
	char *tools = at("no-tools"), *path = xasprintf("PATH=%s", tools);
	char *const only[] = { path, NULL };

	outputs.kernel = outputs.modules = outputs.dtbs = false;
	outputs.headers = true;
	buf_add_str(&plan.makefile_text, "\n\trsync -mrl usr/include\n");
	plan.env = only;
	collect();
	ck_assert(!stands("out/headers.tar.xz"));
	ck_assert(was_told("note no headers.tar.xz: rsync not found in PATH"));
	free(path);
	free(tools);
}

TEST(legacy_device_trees_are_archived_without_dtbs_install)
{
	outputs.dtbs = false;
	outputs.dtbs_legacy = true;
	collect();
	ck_assert_str_eq(find("dtbs.tar.xz")->archive_names.v[0], "dtbs/a.dtb");
}

TEST(outputs_of_post_make_actions_are_moved_and_archived)
{
	char *from = at("a.deb"), *dir = at("stage");

	put_file("a.deb", "deb", 0644);
	put_file("stage/usr/bin/perf", "perf", 0755);
	kernel_artifact_add_copy(&got, "bindeb-pkg", from, "a.deb");
	kernel_artifact_mark_moved(&got);
	kernel_artifact_add_archive(&got, "perf", dir, ".", "perf.tar.xz");
	must(kernel_artifact_collect(&got, &run, &outputs, &err));
	ck_assert(stands("out/a.deb") && !stands("a.deb"));
	ck_assert(stands("out/perf.tar.xz"));
	ck_assert_str_eq(find("perf.tar.xz")->archive_names.v[0],
			 "./usr/bin/perf");
	free(dir);
	free(from);
}

TEST(only_requested_artifacts_are_collected)
{
	outputs.kernel = outputs.modules = outputs.dtbs = false;
	strv_release(&outputs.images);
	must(kernel_artifact_collect(&got, &run, &outputs, &err));
	ck_assert(stands("out/config"));
	ck_assert(!stands("out/vmlinux") && !stands("out/modules.tar.xz"));
}

/* Plain make may have changed the directory since the last build. */
TEST(each_build_with_artifacts_measures_the_disk_usage)
{
	struct kernel_target_outputs none = { 0 };
	char *path = kernel_plan_path(&plan, "new.o");
	char *content = xcalloc(1, 1000000);
	uint64_t bytes;

	collect();
	bytes = got.build_dir_bytes;
	must(fs_write(path, bytes_of(content, 1000000), 0644, &err));
	collect();
	ck_assert_uint_ge(got.build_dir_bytes, bytes + 1000000);
	kernel_artifacts_release(&got);
	must(kernel_artifact_collect(&got, &run, &none, &err));
	ck_assert_uint_eq(got.build_dir_bytes, 0);
	free(content);
	free(path);
}

TEST(no_vmlinux_omits_vmlinux_but_not_system_map)
{
	req.no_vmlinux = true;
	must(kernel_artifact_collect(&got, &run, &outputs, &err));
	ck_assert(!stands("out/vmlinux"));
	ck_assert(stands("out/System.map"));
}

TEST(a_failed_install_returns_makes_status_and_leaves_no_archive)
{
	put_file("linux/Makefile", "modules_install:\n\t@exit 1\n", 0644);
	ck_assert_int_eq(kernel_artifact_collect(&got, &run, &outputs, &err),
			 2);
	ck_assert(!stands("out/.stage") && !stands("out/modules.tar.xz"));
}

TEST(an_error_names_an_output_directory_replaced_by_a_file)
{
	struct err ignored;

	fs_remove(out_dir, &ignored);
	put_file("out", "", 0644);
	ck_assert_int_lt(kernel_artifact_collect(&got, &run, &outputs, &err),
			 0);
	text_has(err.text, out_dir);
}
