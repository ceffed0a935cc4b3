/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/config.h"

#include "../lib/test.h"
#include "kernel-run.h"
#include "kernel/build.h"
#include "kernel/reproducer.h"
#include "kernel/target-outputs.h"

static struct stat config_stat(void)
{
	char *path = kernel_plan_path(&plan, ".config");
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	free(path);
	return st;
}

static void expect(const char *text)
{
	char *got;

	must(kernel_config_apply(&run, &err));
	got = built(".config");
	ck_assert_str_eq(got, text);
	free(got);
}

FIXTURE(run_set_up, run_tear_down);

TEST(fragments_are_merged_into_the_result_of_the_config_target)
{
	words(&req.fragments, "CONFIG_A=y tiny");
	start();
	expect("# Linux/arm64 config\nCONFIG_MODULES=y\nCONFIG_A=y\n"
	       "CONFIG_T=y\n");
	ck_assert(was_told("phase config\nactivity defconfig\n"
			   "activity olddefconfig\n"));
	kernel_build_end(&run);
}

TEST(the_record_of_a_removed_build_directory_is_removed)
{
	char *dirs[] = { at("first"), at("second"), at("third") };
	char *records = at(".cache/kfarm/config");
	struct strv names = { 0 };
	struct err ignored;

	words(&req.fragments, "CONFIG_A=y");
	for (size_t i = 0; i < 3; i++) {
		req.build_dir = dirs[i];
		start();
		must(kernel_config_apply(&run, &err));
		kernel_build_end(&run);
		if (!i)
			fs_remove(dirs[0], &ignored);
	}
	req.build_dir = NULL;
	fs_list(records, &names);
	ck_assert_uint_eq(names.n, 2);
	strv_release(&names);
	for (size_t i = 0; i < 3; i++)
		free(dirs[i]);
	free(records);
}

TEST(a_second_run_does_not_rewrite_the_configuration)
{
	struct stat a, b;

	words(&req.fragments, "CONFIG_A=y");
	start();
	must(kernel_config_apply(&run, &err));
	a = config_stat();
	kernel_build_end(&run);
	buf_reset(&told);
	start();
	must(kernel_config_apply(&run, &err));
	b = config_stat();
	ck_assert(a.st_ino == b.st_ino &&
		  a.st_mtim.tv_nsec == b.st_mtim.tv_nsec);
	ck_assert(!was_told("phase config"));
	kernel_build_end(&run);
}

TEST(a_manually_edited_configuration_is_saved_and_recreated)
{
	char *path, *saved, *got;

	req.kconfig = "defconfig";
	start();
	must(kernel_config_apply(&run, &err));
	path = kernel_plan_path(&plan, ".config");
	saved = kernel_plan_path(&plan, ".config.saved");
	ck_assert(!fs_exists(saved));
	must(fs_write(path, bytes_str("x\n"), 0644, &err));
	kernel_build_end(&run);
	start();
	expect("# Linux/arm64 config\nCONFIG_MODULES=y\n"
	       "# CONFIG_A is not set\n");
	got = built(".config.saved");
	ck_assert_str_eq(got, "x\n");
	ck_assert(was_told("which kfarm did not generate, is saved as"));
	kernel_build_end(&run);
	free(got);
	free(saved);
	free(path);
}

TEST(a_menuconfig_edit_is_saved_before_a_different_request)
{
	char *dir = at("given"), *path, *got;

	req.build_dir = dir;
	req.kconfig = "defconfig";
	start();
	must(kernel_config_apply(&run, &err));
	path = kernel_plan_path(&plan, ".config");
	must(fs_write(path, bytes_str("x\n"), 0644, &err));
	kernel_config_record_edit(&plan, "menuconfig");
	kernel_build_end(&run);
	words(&req.fragments, "CONFIG_A=y");
	start();
	must(kernel_config_apply(&run, &err));
	got = built(".config.saved");
	ck_assert_str_eq(got, "x\n");
	kernel_build_end(&run);
	free(got);
	free(path);
	free(dir);
}

TEST(no_saved_configuration_is_overwritten)
{
	char *path = NULL, *got;

	req.kconfig = "defconfig";
	for (int i = 0; i < 3; i++) {
		start();
		must(kernel_config_apply(&run, &err));
		path = kernel_plan_path(&plan, ".config");
		must(fs_write(path, bytes_str(i ? "y\n" : "x\n"), 0644, &err));
		free(path);
		kernel_build_end(&run);
	}
	got = built(".config.saved");
	ck_assert_str_eq(got, "x\n");
	free(got);
	got = built(".config.saved.1");
	ck_assert_str_eq(got, "y\n");
	free(got);
}

TEST(a_configuration_equal_to_the_request_is_not_saved)
{
	char *path;

	req.kconfig = "defconfig";
	start();
	path = kernel_plan_path(&plan, ".config");
	must(fs_mkdirs(plan.builddir.dir, 0755, &err));
	must(fs_write(path,
		      bytes_str("# Linux/arm64 config\nCONFIG_MODULES=y\n"
				"# CONFIG_A is not set\n"),
		      0644, &err));
	must(kernel_config_apply(&run, &err));
	free(path);
	path = kernel_plan_path(&plan, ".config.saved");
	ck_assert(!fs_exists(path));
	free(path);
	kernel_build_end(&run);
}

TEST(a_configuration_with_rejected_settings_is_not_saved)
{
	char *frag = at("frag"), *path;

	req.kconfig = "defconfig";
	put_file("frag", "CONFIG_NODEP=y\n", 0644);
	strv_add(&req.fragments, frag);
	start();
	ck_assert_int_eq(kernel_config_apply(&run, &err), -EINVAL);
	kernel_build_end(&run);
	put_file("frag", "CONFIG_B=y\n", 0644);
	start();
	must(kernel_config_apply(&run, &err));
	path = kernel_plan_path(&plan, ".config.saved");
	ck_assert(!fs_exists(path));
	ck_assert(!was_told("not written by kfarm"));
	kernel_build_end(&run);
	free(path);
	free(frag);
}

/* The .config before a make that fails, or NULL. */
static const char *const before_failure[] = { NULL, "x\n" };

TEST_EACH(a_failed_make_does_not_change_the_configuration, before_failure)
{
	char *file = at("c"), *path, *saved, *got;

	put_file("c", "CONFIG_A=y\n", 0644);
	req.kconfig = file;
	words(&req.variables, "KCONFIG_FAILS=1");
	start();
	path = kernel_plan_path(&plan, ".config");
	saved = kernel_plan_path(&plan, ".config.saved");
	must(fs_mkdirs(plan.builddir.dir, 0755, &err));
	if (*row)
		must(fs_write(path, bytes_str(*row), 0644, &err));
	ck_assert_int_eq(kernel_config_apply(&run, &err), 2);
	ck_assert(!fs_exists(saved));
	ck_assert_int_eq(fs_exists(path), *row != NULL);
	if (*row) {
		got = get_file(path);
		ck_assert_str_eq(got, *row);
		free(got);
	}
	kernel_build_end(&run);
	free(saved);
	free(path);
	free(file);
}

TEST(a_menuconfig_edit_is_preserved_unlike_a_manual_edit)
{
	char *path, *target;

	words(&req.fragments, "CONFIG_A=y");
	start();
	must(kernel_config_apply(&run, &err));
	ck_assert_ptr_null(kernel_config_edit_target(&plan));
	path = kernel_plan_path(&plan, ".config");
	must(fs_write(path, bytes_str("CONFIG_B=y\n"), 0644, &err));
	ck_assert(!kernel_config_is_current(&plan));
	kernel_config_record_edit(&plan, "menuconfig");
	ck_assert(kernel_config_is_current(&plan));
	kernel_build_end(&run);
	start();
	expect("CONFIG_B=y\n");
	target = kernel_config_edit_target(&plan);
	ck_assert_pstr_eq(target, "menuconfig");
	free(target);
	/* A manual change: the file is recreated as requested. */
	must(fs_write(path, bytes_str("CONFIG_C=y\n"), 0644, &err));
	expect("# Linux/arm64 config\nCONFIG_MODULES=y\nCONFIG_A=y\n");
	ck_assert_ptr_null(kernel_config_edit_target(&plan));
	kernel_build_end(&run);
	free(path);
}

TEST(an_edited_fragment_is_merged_again)
{
	char *frag = at("frag");

	put_file("frag", "CONFIG_F=y\n", 0644);
	strv_add(&req.fragments, frag);
	start();
	must(kernel_config_apply(&run, &err));
	kernel_build_end(&run);
	put_file("frag", "CONFIG_F=m\n", 0644);
	start();
	expect("# Linux/arm64 config\nCONFIG_MODULES=y\n"
	       "# CONFIG_A is not set\nCONFIG_F=m\n");
	kernel_build_end(&run);
	free(frag);
}

TEST(an_existing_configuration_is_not_changed)
{
	char *dir = at("b");

	put_file("b/.config", "mine\n", 0644);
	req.build_dir = dir;
	start();
	expect("mine\n");
	ck_assert(!was_told("phase"));
	kernel_build_end(&run);
	free(dir);
}

TEST(a_fragment_is_merged_into_an_existing_configuration)
{
	char *dir = at("b");

	put_file("b/.config", "CONFIG_M=y\n", 0644);
	req.build_dir = dir;
	words(&req.fragments, "CONFIG_A=y");
	start();
	expect("CONFIG_M=y\nCONFIG_A=y\n");
	kernel_build_end(&run);
	free(dir);
}

TEST(an_error_lists_the_settings_that_kconfig_rejected)
{
	char *path;

	words(&req.fragments, "CONFIG_NODEP=y CONFIG_A=y");
	start();
	ck_assert_int_eq(kernel_config_apply(&run, &err), -EINVAL);
	text_has(err.text, "CONFIG_NODEP: requested y, got n");
	ck_assert_ptr_null(strstr(err.text, "CONFIG_A:"));
	path = kernel_plan_path(&plan, ".config");
	text_ends(err.text, path);
	ck_assert_int_eq(access(path, F_OK), 0);
	free(path);
	/* A failure is not recorded as success. */
	err = (struct err){ 0 };
	ck_assert_int_eq(kernel_config_apply(&run, &err), -EINVAL);
	kernel_build_end(&run);
}

/* Apply the requested configuration.  Return true if make recreates it. */
static bool runs_config_target(void)
{
	bool made;

	buf_reset(&told);
	start();
	must(kernel_config_apply(&run, &err));
	made = was_told("phase config\n");
	kernel_build_end(&run);
	return made;
}

TEST(allow_mismatch_accepts_settings_that_kconfig_rejected)
{
	static const char line[] = "CONFIG_NODEP: requested y, got n";

	words(&req.fragments, "CONFIG_NODEP=y CONFIG_A=y");
	req.allow_mismatch = true;
	for (int i = 0; i < 2; i++) {
		buf_reset(&told);
		start();
		must(kernel_config_apply(&run, &err));
		ck_assert_int_eq(was_told("phase config\n"), i == 0);
		ck_assert(was_told("note CONFIG_NODEP: requested y, got n\n"));
		ck_assert_uint_eq(run.config.stamp.rejected.n, 1);
		ck_assert_str_eq(run.config.stamp.rejected.v[0], line);
		ck_assert(kernel_config_is_current(&plan));
		kernel_build_end(&run);
	}
	req.allow_mismatch = false;
	buf_reset(&told);
	start();
	ck_assert(!kernel_config_is_current(&plan));
	ck_assert_int_eq(kernel_config_apply(&run, &err), -EINVAL);
	text_has(err.text, line);
	text_has(err.text, "--allow-config-mismatch");
	ck_assert(!was_told("phase config"));
	kernel_build_end(&run);
}

/* A file of the tree, and whether the .config depends on it. */
static const struct {
	const char *file;
	bool is_input;
} tree_files[] = {
	{ "linux/Kconfig", true },
	{ "linux/arch/arm64/Kconfig", true },
	{ "linux/lib/Kconfig", true },
	{ "linux/arch/arm64/configs/board_defconfig", true },
	{ "linux/arch/arm64/configs/new_defconfig", false },
	{ "linux/arch/arm64/configs/generic/el.config", true },
	{ "linux/arch/arm64/Makefile", true },
	{ "linux/kernel/configs/tiny.config", true },
	{ "linux/arch/x86/Makefile", false },
	{ "linux/lib/Makefile", false },
};

TEST_EACH(only_changed_kconfig_inputs_recreate_the_configuration, tree_files)
{
	struct stat a, b;

	put_file("linux/Kconfig", "source \"arch/$(SRCARCH)/Kconfig\"\n", 0644);
	put_file("linux/arch/arm64/Kconfig", "source \"lib/Kconfig\"\n", 0644);
	put_file("linux/lib/Kconfig", "config A\n\tbool \"A\"\n", 0644);
	put_file("linux/lib/Makefile", "\n", 0644);
	/* The Makefile for MIPS merges such files. */
	put_file("linux/arch/arm64/configs/generic/el.config", "\n", 0644);
	req.kconfig = "board_defconfig";
	words(&req.fragments, "CONFIG_A=y");
	ck_assert(runs_config_target());
	ck_assert(!runs_config_target());
	a = config_stat();
	put_file(row->file,
		 str_ends(row->file, "Kconfig") ?
			 "# something else\nconfig A\n" :
			 "# something else\n",
		 0644);
	ck_assert_int_eq(runs_config_target(), row->is_input);
	ck_assert(!runs_config_target());
	/* The result is equal, so make rebuilds nothing. */
	b = config_stat();
	ck_assert_int_eq(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
	ck_assert_int_eq(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
}

/* Kconfig may have read the old content. */
TEST(an_input_that_changes_during_the_config_target_recreates_the_configuration)
{
	char *text = xasprintf("%sboard_defconfig:\n"
			       "\t@echo CONFIG_B=y > $(out)/.config\n"
			       "\t@echo '# new' >> $(CURDIR)/Kconfig\n",
			       makefile);

	put_file("linux/Kconfig", "config B\n\tbool \"B\"\n", 0644);
	put_file("linux/Makefile", text, 0644);
	req.kconfig = "board_defconfig";
	ck_assert(runs_config_target());
	put_file("linux/Makefile", makefile, 0644);
	ck_assert(runs_config_target());
	ck_assert(!runs_config_target());
	free(text);
}

/* Variables of two builds, and whether the .config depends on the change. */
static const struct {
	const char *first, *second;
	bool is_input;
} variable_changes[] = {
	{ NULL, "W=1", false },
	{ NULL, "W=1e", false },
	{ NULL, "W=1c", true }, /* warnings of Kconfig */
	{ "C=1", "C=2", false },
	{ NULL, "V=1", false },
	{ "CF=-Wx", "CHECK=smatch", false },
	{ NULL, "INSTALL_MOD_PATH=/tmp/x", false },
	{ NULL, "KCFLAGS=-O1", false },
	{ NULL, "KCFLAGS+=-O1", false },
	{ NULL, "W+=1c", true },
	{ NULL, "ARCH=arm64", false },
	{ NULL, "KBUILD_DEFCONFIG=other_defconfig", true },
	{ "KCONFIG_SEED=1", "KCONFIG_SEED=2", true },
	{ NULL, "SOMETHING=1", true },
};

TEST_EACH(only_variables_that_affect_kconfig_recreate_the_configuration,
	  variable_changes)
{
	if (row->first)
		words(&req.variables, row->first);
	words(&req.fragments, "CONFIG_A=y");
	ck_assert(runs_config_target());
	strv_release(&req.variables);
	words(&req.variables, row->second);
	ck_assert_int_eq(runs_config_target(), row->is_input);
	ck_assert(!runs_config_target());
}

static const char *const kconfig_settings[] = {
	"KCONFIG_ALLCONFIG=/tmp/all.config",
	"KBUILD_KCONFIG=Kconfig.own",
	"KBUILD_DEFCONFIG=other_defconfig",
};

TEST_EACH(kconfig_variables_of_the_environment_recreate_the_configuration,
	  kconfig_settings)
{
	words(&req.fragments, "CONFIG_A=y");
	ck_assert(runs_config_target());
	set_env(*row);
	ck_assert(runs_config_target());
	ck_assert(!runs_config_target());
}

/* `git checkout` of another revision and back changes only the mtimes. */
TEST(an_mtime_change_alone_does_not_recreate_the_configuration)
{
	static const struct timespec old[2];
	char *path = at("linux/Kconfig");

	put_file("linux/Kconfig", "config A\n", 0644);
	words(&req.fragments, "CONFIG_A=y");
	ck_assert(runs_config_target());
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	ck_assert(!runs_config_target());
	ck_assert(!runs_config_target());
	put_file("linux/Kconfig", "config A\nconfig B\n", 0644);
	ck_assert(runs_config_target());
	free(path);
}

/* A Kconfig file, a setting, and the error before the build or NULL. */
static const struct {
	const char *kconfig, *setting, *problem;
} unknown[] = {
	{ "config BLOCK\n", "CONFIG_BLOCK=y", NULL },
	{ "config BLOCK\n", "CONFIG_BLOK=y",
	  "Kconfig would reject settings from -K: CONFIG_BLOK=y: no such "
	  "symbol for arm64; did you mean CONFIG_BLOCK?; use "
	  "--allow-config-mismatch to build anyway" },
	{ "config BLOCK\n", "CONFIG_BLOK=n", NULL },
	/* The parser does not find all entries. */
	{ "config BLOCK\nsource \"$(DIR)/Kconfig\"\n", "CONFIG_BLOK=y", NULL },
	{ "config $(name)\n", "CONFIG_BLOK=y", NULL },
};

TEST_EACH(unknown_symbols_are_rejected_before_the_build, unknown)
{
	const char *problem = row->problem;

	put_file("linux/Kconfig", row->kconfig, 0644);
	words(&req.fragments, row->setting);
	make_plan();
	ck_assert_int_eq(kernel_build_check(&plan, &err),
			 problem ? -EINVAL : 0);
	ck_assert_str_eq(err.text, problem ? problem : "");
	/* git bisect skips a revision without the symbol. */
	ck_assert_int_eq(plan.revision_unsupported, problem != NULL);
	req.allow_mismatch = true;
	must(kernel_build_check(&plan, &err));
}

static const char *const tiny_names[] = { "tiny", "tiny.config",
					  "kernel/configs/tiny.config" };

/* make ignores stale symbols in the fragments of the kernel. */
TEST_EACH(a_stale_symbol_in_a_fragment_of_the_tree_is_a_note, tiny_names)
{
	char *note = xasprintf("CONFIG_NODEP: requested y (%s:2), got n: no "
			       "such symbol for arm64",
			       *row);

	put_file("linux/Kconfig", "config A\n\tbool \"a\"\n", 0644);
	put_file("linux/kernel/configs/tiny.config",
		 "CONFIG_A=y\nCONFIG_NODEP=y\n", 0644);
	words(&req.fragments, *row);
	start();
	must(kernel_build_check(&plan, &err));
	must(kernel_config_apply(&run, &err));
	ck_assert(was_told(note));
	kernel_build_end(&run);
	free(note);
}

TEST(the_error_lists_all_unknown_symbols)
{
	put_file("linux/Kconfig", "config BLOCK\n", 0644);
	put_file("linux/arch/x86/Kconfig", "config X\n", 0644);
	words(&req.fragments, "CONFIG_X=m CONFIG_BLOCK=y CONFIG_S=\"a\"");
	make_plan();
	err_is(kernel_build_check(&plan, &err), -EINVAL,
	       "Kconfig would reject settings from -K:\n"
	       "  CONFIG_X=m: no such symbol for arm64; it exists for "
	       "x86\n"
	       "  CONFIG_S=\"a\": no such symbol for arm64\n"
	       "  use --allow-config-mismatch to build anyway");
}

TEST(a_menuconfig_edit_is_preserved_when_the_tree_changes)
{
	struct buf script = { 0 };
	char *path;

	put_file("linux/Kconfig", "config A\n", 0644);
	words(&req.fragments, "CONFIG_A=y");
	ck_assert(runs_config_target());
	make_plan();
	path = kernel_plan_path(&plan, ".config");
	must(fs_write(path, bytes_str("CONFIG_B=y\n"), 0644, &err));
	kernel_config_record_edit(&plan, "menuconfig");
	put_file("linux/Kconfig", "config AA\n", 0644);
	ck_assert(!runs_config_target());
	/* The reproducer script builds with the edited file. */
	kernel_reproducer_script(&script, &plan, 1);
	text_has(buf_str(&script), "\"$here/config\"");
	ck_assert_ptr_null(strstr(buf_str(&script), "CONFIG_A=y"));
	ck_assert_ptr_null(strstr(buf_str(&script), " defconfig\n"));
	buf_release(&script);
	free(path);
}

TEST(menuconfig_without_changes_is_not_recorded_as_an_edit)
{
	words(&req.fragments, "CONFIG_A=y");
	ck_assert(runs_config_target());
	make_plan();
	kernel_config_record_edit(&plan, "menuconfig");
	ck_assert_ptr_null(kernel_config_edit_target(&plan));
}

/* make updates the file itself, for example after a compiler update. */
TEST(a_configuration_updated_by_make_is_current_after_a_sync)
{
	char *path, *done;

	words(&req.fragments, "CONFIG_A=y");
	start();
	must(kernel_config_apply(&run, &err));
	path = kernel_plan_path(&plan, ".config");
	done = kernel_plan_path(&plan, "include/config/auto.conf");
	must(fs_write(path, bytes_str("CONFIG_A=y\nCONFIG_CC=1\n"), 0644,
		      &err));
	/* A manual change, which make has not processed. */
	kernel_config_update_stamp(&run);
	ck_assert(!kernel_config_is_current(&plan));
	must(kernel_config_sync(&run, &err));
	ck_assert(fs_exists(done));
	kernel_config_update_stamp(&run);
	ck_assert(kernel_config_is_current(&plan));
	kernel_build_end(&run);
	free(done);
	free(path);
}

/* An input that changes after a sync by make is not in the .config. */
TEST(an_input_that_changes_after_the_sync_recreates_the_configuration)
{
	char *path;

	put_file("linux/Kconfig", "config A\n\tbool \"A\"\n", 0644);
	words(&req.fragments, "CONFIG_A=y");
	start();
	must(kernel_config_apply(&run, &err));
	path = kernel_plan_path(&plan, ".config");
	must(fs_write(path, bytes_str("CONFIG_A=y\nCONFIG_CC=1\n"), 0644,
		      &err));
	must(kernel_config_sync(&run, &err));
	put_file("linux/Kconfig", "config A\n\tbool \"new\"\n", 0644);
	kernel_config_update_stamp(&run);
	kernel_build_end(&run);
	ck_assert(runs_config_target());
	free(path);
}

TEST(a_new_configuration_is_synced_after_the_clock_was_set_back)
{
	struct timespec future[2] = { { .tv_sec = time(NULL) + 3600 },
				      { .tv_sec = time(NULL) + 3600 } };
	char *dir = at("given"), *done;

	req.build_dir = dir;
	words(&req.fragments, "CONFIG_A=y");
	start();
	must(kernel_config_apply(&run, &err));
	must(kernel_config_sync(&run, &err));
	done = kernel_plan_path(&plan, "include/config/auto.conf");
	ck_assert_int_eq(utimensat(AT_FDCWD, done, future, 0), 0);
	kernel_build_end(&run);
	/* An unchanged configuration needs no update. */
	put_file("linux/kernel/configs/tiny.config", "CONFIG_T=n\n", 0644);
	start();
	must(kernel_config_apply(&run, &err));
	ck_assert(kernel_config_is_synced(&plan));
	kernel_build_end(&run);
	words(&req.fragments, "CONFIG_Q=y");
	start();
	must(kernel_config_apply(&run, &err));
	ck_assert(!kernel_config_is_synced(&plan));
	must(kernel_config_sync(&run, &err));
	ck_assert(kernel_config_is_synced(&plan));
	kernel_build_end(&run);
	free(done);
	free(dir);
}

TEST(a_failed_config_target_does_not_update_the_stamp)
{
	char *dir = at("given");
	char *text = xasprintf("%sboard_defconfig:\n\t@false\n", makefile);

	req.build_dir = dir;
	req.kconfig = "defconfig";
	start();
	must(kernel_config_apply(&run, &err));
	must(kernel_config_sync(&run, &err));
	kernel_build_end(&run);
	put_file("linux/Makefile", text, 0644);
	req.kconfig = "board_defconfig";
	start();
	ck_assert_int_eq(kernel_config_apply(&run, &err), 2);
	ck_assert(kernel_config_is_synced(&plan));
	kernel_config_update_stamp(&run);
	ck_assert(!kernel_config_is_current(&plan));
	kernel_build_end(&run);
	free(text);
	free(dir);
}

TEST(a_base_file_is_completed_by_olddefconfig)
{
	char *path = at("my.config");

	put_file("my.config", "CONFIG_Q=y\nCONFIG_NODEP=y\n", 0644);
	req.kconfig = path;
	start();
	expect("CONFIG_Q=y\n");
	kernel_build_end(&run);
	free(path);
}

TEST(a_failed_config_target_returns_the_status_of_make)
{
	put_file("linux/Makefile",
		 "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 1\n", 0644);
	start();
	ck_assert_int_eq(kernel_config_apply(&run, &err), 2);
	kernel_build_end(&run);
}

TEST(kfarm_writes_only_the_config_to_the_build_directory)
{
	char *command;

	words(&req.fragments, "CONFIG_A=y");
	start();
	must(kernel_config_apply(&run, &err));
	command = xasprintf("test \"$(ls -A %s)\" = .config",
			    plan.builddir.dir);
	ck_assert_int_eq(system(command), 0);
	free(command);
	kernel_build_end(&run);
}
