/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/post-make.h"

#include "../lib/test.h"
#include "kernel-run.h"
#include "kernel/metadata.h"

static struct kernel_artifacts got;

static const char perf[] = "all:\n"
			   "\t@echo built >$(O)/perf\n"
			   "install-bin:\n"
			   "\t@mkdir -p $(DESTDIR)$(prefix)/bin\n"
			   "\t@cp $(O)/perf $(DESTDIR)$(prefix)/bin/\n";

/* A makefile whose selftests fail to build. */
static const char selftests[] =
	"all:\n"
	"\t@exit 1\n"
	"install:\n"
	"\t@echo $(KDIR) >$(INSTALL_PATH)/run_kselftest.sh\n";

static void tear_down(void)
{
	kernel_artifacts_release(&got);
	kernel_build_end(&run);
	run_tear_down();
}

static int run_actions(const char *targets)
{
	words(&req.targets, targets);
	start();
	ck_assert_int_eq(kernel_build_choose_jobs(&run), 0);
	kernel_goals_init(&run.goals, &plan, NULL, "");
	return kernel_post_make_run_all(&run, &got, &err);
}

static enum kernel_goal_status status_of(const char *name)
{
	for (size_t i = 0; i < run.goals.n; i++) {
		if (!strcmp(run.goals.v[i].name, name))
			return run.goals.v[i].status;
	}
	return KERNEL_GOAL_PENDING;
}

FIXTURE(run_set_up, tear_down);
TIMEOUT(30);

TEST(a_tool_is_built_in_the_build_directory_and_archived)
{
	put_file("linux/tools/perf/Makefile", perf, 0644);
	ck_assert_msg(!run_actions("perf"), "%s", err.text);
	ck_assert_int_eq(status_of("perf"), KERNEL_GOAL_PASS);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_str_eq(got.v[0].file, "perf.tar.xz");
	ck_assert(stands("out/.stage/perf/usr/bin/perf"));
	ck_assert(!stands("linux/tools/perf/perf"));
	free(built("tools/perf/perf"));
}

TEST(selftests_that_fail_to_build_are_a_warning)
{
	put_file("linux/tools/testing/selftests/Makefile", selftests, 0644);
	ck_assert_int_eq(run_actions("kselftest"), 0);
	ck_assert_int_eq(status_of("kselftest"), KERNEL_GOAL_WARNING);
	ck_assert(was_told("note kselftest is incomplete"));
}

TEST(an_ignored_error_of_the_installation_of_selftests_is_a_warning)
{
	put_file("linux/tools/testing/selftests/Makefile",
		 "all:\n"
		 "install:\n"
		 /* A NUL in the log does not hide the error. */
		 "\t@printf 'a\\0b\\n'\n"
		 "\t@no-such-program-for-kfarm $(INSTALL_PATH)\n",
		 0644);
	ck_assert_int_eq(run_actions("kselftest"), 0);
	ck_assert_int_eq(status_of("kselftest"), KERNEL_GOAL_WARNING);
	ck_assert(was_told("note kselftest is incomplete"));
	ck_assert_uint_eq(got.n, 1);
}

TEST(selftests_that_are_installed_without_an_error_pass)
{
	put_file("linux/tools/testing/selftests/Makefile",
		 "all:\ninstall:\n\t@echo x >$(INSTALL_PATH)/x\n", 0644);
	ck_assert_int_eq(run_actions("kselftest"), 0);
	ck_assert_int_eq(status_of("kselftest"), KERNEL_GOAL_PASS);
	ck_assert(!was_told("incomplete"));
}

TEST(a_failed_action_does_not_prevent_later_actions)
{
	put_file("linux/tools/perf/Makefile", "all:\n\t@exit 1\n", 0644);
	ck_assert_int_eq(run_actions("perf targz-pkg"), 2);
	ck_assert_int_eq(status_of("perf"), KERNEL_GOAL_FAIL);
	ck_assert_int_eq(status_of("targz-pkg"), KERNEL_GOAL_PASS);
	ck_assert_uint_eq(got.n, 1);
}

TEST(fail_fast_skips_the_actions_after_a_failed_action)
{
	req.fail_fast = true;
	put_file("linux/tools/perf/Makefile", "all:\n\t@exit 1\n", 0644);
	ck_assert_int_eq(run_actions("perf targz-pkg"), 2);
	ck_assert_int_eq(status_of("targz-pkg"), KERNEL_GOAL_SKIP);
	ck_assert_uint_eq(got.n, 0);
}

TEST(a_note_reports_a_package_that_is_not_found)
{
	char *text = xasprintf("%s\nrpm-pkg:\n\t@echo elsewhere\n", makefile);

	put_file("linux/Makefile", text, 0644);
	ck_assert_int_eq(run_actions("rpm-pkg targz-pkg"), 0);
	ck_assert(was_told("note rpm-pkg: package not found"));
	ck_assert(!was_told("note targz-pkg"));
	free(text);
}

TEST(decode_stacktrace_decodes_the_boot_log_with_vmlinux)
{
	char *log, *vmlinux;

	put_file("linux/scripts/decode_stacktrace.sh",
		 "#!/bin/sh\ncat \"$1\" -\n", 0755);
	make_plan();
	log = kernel_plan_path(&plan, "boot_log.txt");
	vmlinux = kernel_plan_path(&plan, "vmlinux");
	must(fs_mkdirs(plan.builddir.dir, 0755, &err));
	must(fs_write(log, bytes_str("log\n"), 0644, &err));
	must(fs_write(vmlinux, bytes_str("vmlinux\n"), 0644, &err));
	ck_assert_int_eq(run_actions("decode-stacktrace"), 0);
	ck_assert_str_eq(got.v[0].file, "decoded-stacktrace.txt");
	free(log);
	log = built("decoded-stacktrace.txt");
	ck_assert_str_eq(log, "vmlinux\nlog\n");
	free(vmlinux);
	free(log);
}

/* ---- versions of programs ---- */

static char *read_bc_version(void)
{
	json_t *all = kernel_metadata_list_tools(&plan);
	const char *line = json_string_value(json_object_get(all, "bc"));
	char *out = xstrdup(line ? line : "none");

	json_decref(all);
	return out;
}

TEST(the_version_of_a_program_is_cached_until_it_changes)
{
	char *line;

	start();
	put_file("tools/bc",
		 "#!/bin/sh\necho asked >>\"$HOME/asked\"\necho bc 7\n", 0755);
	free(read_bc_version());
	line = read_bc_version();
	ck_assert_str_eq(line, "bc 7");
	free(line);
	line = at("asked");
	ck_assert(stands("asked"));
	unlink(line);
	free(line);
	free(read_bc_version());
	ck_assert(!stands("asked"));
	put_file("tools/bc", "#!/bin/sh\necho bc 8 >&2\n", 0755);
	line = read_bc_version();
	ck_assert_str_eq(line, "bc 8");
	free(line);
	put_file("tools/bc", "#!/bin/sh\nexit 1\n", 0755);
	line = read_bc_version();
	ck_assert_str_eq(line, "none");
	free(line);
}
