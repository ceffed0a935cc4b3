/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/metadata.h"

#include "../lib/test.h"
#include "base/vec.h"
#include "kernel-run.h"

#include <jansson.h>

static json_t *root;
static struct kernel_metadata m;
static struct events_totals build_totals;

static json_t *write_and_read(void)
{
	char *path = at("metadata.json");

	json_decref(root);
	must(kernel_metadata_write(path, &m, &err));
	root = json_load_file(path, 0, NULL);
	ck_assert_ptr_nonnull(root);
	free(path);
	return root;
}

static json_t *get(const char *group, const char *key)
{
	return json_object_get(json_object_get(root, group), key);
}

static const char *text(const char *group, const char *key)
{
	return json_string_value(get(group, key));
}

static void set_up(void)
{
	run_set_up();
	words(&req.targets, "kernel modules");
	make_plan();
	run = (struct kernel_build_state){ .free_bytes = UINT64_C(7) << 20 };
	m = (struct kernel_metadata){ .plan = &plan,
				      .run = &run,
				      .totals = &build_totals };
	root = NULL;
}

static void tear_down(void)
{
	json_decref(root);
	kernel_goals_release(&run.goals);
	events_totals_release(&build_totals);
	run_tear_down();
}

static void put_release(const char *release)
{
	char *path = kernel_plan_path(&plan, "include/config/kernel.release");
	char *dir = str_dir(path);

	must(fs_mkdirs(dir, 0777, &err));
	must(fs_write(path, bytes_str(release), 0666, &err));
	free(dir);
	free(path);
}

FIXTURE(set_up, tear_down);

TEST(metadata_at_the_start_has_status_fail_and_all_base_groups)
{
	static const char *const groups[] = { "build",    "results",  "source",
					      "compiler", "hardware", "uname",
					      "kfarm" };

	write_and_read();
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		ck_assert_msg(json_is_object(json_object_get(root, groups[i])),
			      "%s", groups[i]);
	ck_assert_ptr_null(json_object_get(root, "tools"));
	ck_assert_str_eq(text("results", "status"), "FAIL");
	ck_assert_str_eq(text("build", "target_arch"), "arm64");
	ck_assert_str_eq(text("build", "kconfig"), "defconfig");
	ck_assert_uint_eq(json_array_size(get("build", "targets")), 2);
	ck_assert_str_eq(
		json_string_value(json_object_get(get("build", "environment"),
						  "KBUILD_BUILD_USER")),
		"kfarm");
	ck_assert_str_eq(text("source", "kernelversion"), "6.1.7-rc3");
	/* Unknown values do not create empty groups. */
	ck_assert_ptr_null(get("source", "kernelrelease"));
	ck_assert_ptr_null(json_object_get(root, "git"));
	ck_assert_ptr_null(json_object_get(root, "farm"));
	ck_assert_ptr_null(json_object_get(root, "artifacts"));
}

static void add_artifact(struct kernel_artifacts *a, const char *goal,
			 const char *file, const char *archive_name)
{
	struct kernel_artifact *one;

	kernel_artifact_add_copy(a, goal, "", file);
	one = &a->v[a->n - 1];
	one->present = true;
	if (archive_name)
		strv_add(&one->archive_names, archive_name);
}

static void add_size(struct kernel_artifacts *a, const char *name,
		     struct kernel_elfsize size)
{
	struct kernel_artifact_size *one = VEC_ADD(a->sizes, a->n_sizes);

	one->name = xstrdup(name);
	one->size = size;
}

static void add_farm_totals(void)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = "neo4a";
	ev.text = "up";
	ev.n_slots = 8;
	events_totals_add(&build_totals, &ev);
	ev = events_event_make(EVENTS_KIND_LOAD);
	ev.node = "neo4a";
	ev.n_done = 97;
	ev.cpu_ms = 1500;
	ev.sent_bytes = 10;
	ev.received_bytes = 20;
	ev.n_retries = 1;
	ev.n_failed = 2;
	events_totals_add(&build_totals, &ev);
	ev = events_event_make(EVENTS_KIND_REASON);
	ev.reason = ".incbin";
	ev.n_local = 3;
	events_totals_add(&build_totals, &ev);
	ev = events_event_make(EVENTS_KIND_STEPS);
	ev.reason = "objtool";
	ev.n_steps = 2;
	events_totals_add(&build_totals, &ev);
	build_totals.n_shell_lines = 9;
	build_totals.n_remote = 97;
	build_totals.n_local = 3;
	build_totals.n_warnings = 7;
	build_totals.cpu_ms = 41500;
	build_totals.scan_ms = 1250;
	m.has_totals = true;
}

static const char *nested(const char *group, const char *name, const char *key)
{
	return json_string_value(json_object_get(
		json_object_get(get(group, name), "kernel"), key));
}

TEST(metadata_at_the_end_has_results_artifacts_and_farm_counts)
{
	struct kernel_artifacts a = { .build_dir_bytes = 5,
				      .text_offset = (char[]){ "0x10" } };
	json_t *part;

	add_artifact(&a, "kernel", "Image.gz", NULL);
	add_artifact(&a, "debugkernel", "System.map", NULL);
	add_artifact(&a, "debugkernel", "vmlinux", NULL);
	add_artifact(&a, "modules", "modules.tar.xz", "lib/modules/6.1/a.ko");
	add_size(&a, "vmlinux", (struct kernel_elfsize){ 1, 2, 3, 4 });
	add_size(&a, "a.ko", (struct kernel_elfsize){ 5, 6, 7, 8 });
	kernel_goals_init(&run.goals, &plan, "Image.gz", "CONFIG_A=y\n");
	run.goals.v[0].status = KERNEL_GOAL_PASS;
	m.passed = true;
	add_farm_totals();
	put_release("6.1.7-x\n");
	m.artifacts = &a;
	write_and_read();
	ck_assert_str_eq(text("results", "status"), "PASS");
	ck_assert_int_eq(json_integer_value(get("results", "warnings")), 7);
	ck_assert_str_eq(nested("results", "targets", "status"), "PASS");
	part = json_object_get(get("results", "targets"), "modules");
	ck_assert_str_eq(json_string_value(json_object_get(part, "status")),
			 "SKIP");
	ck_assert_str_eq(json_string_value(json_object_get(part, "reason")),
			 "CONFIG_MODULES is not set");
	part = json_object_get(get("results", "artifacts"), "kernel");
	ck_assert_uint_eq(json_array_size(part), 1);
	part = json_object_get(get("results", "artifacts"), "debugkernel");
	ck_assert_uint_eq(json_array_size(part), 2);
	ck_assert_str_eq(text("source", "kernelrelease"), "6.1.7-x");
	ck_assert_uint_eq(json_array_size(get("artifacts", "modules")), 1);
	ck_assert_int_eq(json_integer_value(get("vmlinux", "bss_size")), 3);
	part = json_object_get(get("sizes", "a.ko"), "text");
	ck_assert_int_eq(json_integer_value(part), 5);
	ck_assert_str_eq(text("system_map", "text_offset"), "0x10");
	ck_assert_int_eq(json_integer_value(get("resources", "disk_space")), 1);
	ck_assert_int_eq(json_integer_value(get("farm", "remote")), 97);
	part = json_object_get(get("farm", "reasons"), ".incbin");
	ck_assert_int_eq(json_integer_value(part), 3);
	part = get("farm", "shell");
	ck_assert_int_eq(json_integer_value(json_object_get(part, "lines")), 9);
	part = json_object_get(part, "step_reasons");
	ck_assert_int_eq(json_integer_value(json_object_get(part, "objtool")),
			 2);
	ck_assert_int_eq(json_real_value(get("farm", "cpu_seconds")), 41.5);
	ck_assert_int_eq(json_real_value(get("farm", "scan_seconds")), 1.25);
	part = get("nodes", "neo4a");
	ck_assert_int_eq(json_integer_value(json_object_get(part, "jobs")), 97);
	ck_assert_int_eq(json_real_value(json_object_get(part, "seconds")),
			 1.5);
	a.text_offset = NULL;
	kernel_artifacts_release(&a);
}

TEST(a_goal_with_a_warning_sets_the_status_to_warning)
{
	kernel_goals_init(&run.goals, &plan, "Image.gz", "CONFIG_A=y\n");
	run.goals.v[0].status = KERNEL_GOAL_WARNING;
	m.passed = true;
	write_and_read();
	ck_assert_str_eq(text("results", "status"), "WARNING");
	ck_assert_str_eq(nested("results", "targets", "status"), "WARNING");
}

TEST(metadata_describes_the_hardware_and_the_operating_system)
{
	write_and_read();
	ck_assert_int_ge(json_integer_value(get("hardware", "cores")), 1);
	ck_assert_int_gt(json_integer_value(get("hardware", "ram")), 32);
	ck_assert_int_eq(json_integer_value(get("hardware", "free_disk_space")),
			 7);
	ck_assert_str_eq(text("uname", "kernel"), "Linux");
	ck_assert(json_is_string(get("os", "name")));
	ck_assert_ptr_null(strpbrk(text("os", "name"), "\"\n"));
}

TEST(tool_versions_have_one_line_and_are_omitted_if_unavailable)
{
	struct kernel_artifacts none = { 0 };

	put_file("tools/nice-ld", "#!/bin/sh\necho Nice ld 1.2\n", 0755);
	m.artifacts = &none;
	req.toolchain = "nice-";
	make_plan();
	write_and_read();
	ck_assert_str_eq(text("tools", "ld"), "Nice ld 1.2");
	text_starts(text("tools", "make"), "GNU Make");
	ck_assert_ptr_null(strchr(text("tools", "make"), '\n'));
	/* Programs that do not run are omitted. */
	free(plan.make_path);
	plan.make_path = xstrdup("/nonexistent");
	plan.compiler.path[0] = '\0';
	write_and_read();
	ck_assert_ptr_null(get("tools", "make"));
	ck_assert_ptr_null(get("compiler", "version_full"));
}

TEST(each_list_of_diagnostics_has_at_most_1000_entries)
{
	json_t *diagnostics;

	for (unsigned line = 1; line <= 1002; line++) {
		struct diag d = { .file = xstrdup("kernel/fork.c"),
				  .line = line,
				  .text = xstrdup("unused") };

		diag_set_add(&run.log.found, &d);
	}
	diag_compare(&run.log.found, &run.baseline.diags, NULL, NULL);
	run.log.found.entries[0]->status = DIAG_STATUS_SAME;
	write_and_read();
	diagnostics = json_object_get(root, "diagnostics");
	ck_assert_uint_eq(json_object_size(diagnostics), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(diagnostics, "new")),
			  1000);
	ck_assert_uint_eq(json_array_size(json_object_get(diagnostics, "same")),
			  1);
	diag_set_release(&run.log.found);
}

TEST(variables_with_invalid_utf_8_are_written)
{
	words(&req.variables, "KCFLAGS=-D\xff\xfe");
	make_plan();
	write_and_read();
	ck_assert_uint_eq(json_array_size(get("build", "make_variables")), 1);
}

TEST(an_error_names_an_unwritable_path)
{
	ck_assert_int_lt(kernel_metadata_write("/nonexistent/m.json", &m, &err),
			 0);
	text_has(err.text, "/nonexistent/m.json");
}
