/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/metadata.h"

#include "kernel-run.h"
#include "suite.h"

#include <jansson.h>

static json_t *root;
static struct kernel_metadata m;
static struct events_tally tally;

static json_t *write_and_read(void)
{
	char *path = at("metadata.json");

	json_decref(root);
	ck_assert_msg(!kernel_metadata_write(path, &m, &err), "%s", err.text);
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
	m = (struct kernel_metadata){ .plan = &plan, .tally = &tally };
	root = NULL;
}

static void tear_down(void)
{
	json_decref(root);
	events_tally_release(&tally);
	run_tear_down();
}

static void put_release(const char *release)
{
	char *path = kernel_plan_path(&plan, "include/config/kernel.release");
	char *dir = str_dir(path);

	ck_assert(!fs_mkdirs(dir, 0777, &err));
	ck_assert(!fs_write(path, bytes_str(release), 0666, &err));
	free(dir);
	free(path);
}

START_TEST(early_it_has_build_and_a_failure)
{
	static const char *const groups[] = { "build",    "results", "source",
					      "compiler", "tools",   "hardware",
					      "uname",    "kfarm" };

	write_and_read();
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		ck_assert_msg(json_is_object(json_object_get(root, groups[i])),
			      "%s", groups[i]);
	ck_assert_str_eq(text("results", "status"), "FAIL");
	ck_assert_str_eq(text("build", "target_arch"), "arm64");
	ck_assert_str_eq(text("build", "kconfig"), "defconfig");
	ck_assert_uint_eq(json_array_size(get("build", "targets")), 2);
	ck_assert_str_eq(
		json_string_value(json_object_get(get("build", "environment"),
						  "KBUILD_BUILD_USER")),
		"kfarm");
	ck_assert_str_eq(text("source", "kernelversion"), "6.1.7-rc3");
	ck_assert(str_starts(text("tools", "make"), "GNU Make"));
	/* Nothing is known of these: no empty groups. */
	ck_assert_ptr_null(get("source", "kernelrelease"));
	ck_assert_ptr_null(json_object_get(root, "git"));
	ck_assert_ptr_null(json_object_get(root, "farm"));
	ck_assert_ptr_null(json_object_get(root, "artifacts"));
}
END_TEST

START_TEST(at_the_end_it_has_results_and_farm)
{
	struct strv targets = { 0 };
	struct events_event ev = events_new(EVENTS_NODE);
	struct kernel_artifacts a = { .vmlinux = { 1, 2, 3, 4 },
				      .build_dir_bytes = 5,
				      .text_offset = (char[]){ "0x10" } };
	json_t *part;

	words(&targets, "Image.gz modules");
	strv_add(&a.kernel, "Image.gz");
	strv_add(&a.kernel, "vmlinux");
	strv_add(&a.modules, "modules.tar.xz");
	strv_add(&a.module_names, "a.ko");
	m.targets = &targets;
	m.passed = true;
	ev.node = "neo4a";
	ev.text = "up";
	ev.slots = 8;
	events_tally_tell(&tally, &ev);
	ev = events_new(EVENTS_LOAD);
	ev.node = "neo4a";
	ev.jobs_done = 97;
	ev.cpu_ms = 1500;
	ev.sent = 10;
	ev.received = 20;
	ev.retries = 1;
	ev.failed = 2;
	events_tally_tell(&tally, &ev);
	ev = events_new(EVENTS_REASON);
	ev.reason = ".incbin";
	ev.local = 3;
	events_tally_tell(&tally, &ev);
	tally.remote = 97;
	tally.local = 3;
	tally.warnings = 7;
	tally.cpu_ms = 41500;
	tally.scan_ms = 1250;
	put_release("6.1.7-x\n");
	m.artifacts = &a;
	m.has_farm = true;
	write_and_read();
	ck_assert_str_eq(text("results", "status"), "PASS");
	ck_assert_int_eq(json_integer_value(get("results", "warnings")), 7);
	part = json_object_get(get("results", "targets"), "Image.gz");
	ck_assert_str_eq(json_string_value(json_object_get(part, "status")),
			 "PASS");
	part = json_object_get(get("results", "artifacts"), "kernel");
	ck_assert_uint_eq(json_array_size(part), 2);
	ck_assert_str_eq(text("source", "kernelrelease"), "6.1.7-x");
	ck_assert_uint_eq(json_array_size(get("artifacts", "modules")), 1);
	ck_assert_int_eq(json_integer_value(get("vmlinux", "bss_size")), 3);
	ck_assert_str_eq(text("system_map", "text_offset"), "0x10");
	ck_assert_int_eq(json_integer_value(get("resources", "disk_space")), 5);
	ck_assert_int_eq(json_integer_value(get("farm", "remote")), 97);
	part = json_object_get(get("farm", "reasons"), ".incbin");
	ck_assert_int_eq(json_integer_value(part), 3);
	ck_assert(json_real_value(get("farm", "cpu_seconds")) == 41.5);
	ck_assert(json_real_value(get("farm", "scan_seconds")) == 1.25);
	part = get("nodes", "neo4a");
	ck_assert_int_eq(json_integer_value(json_object_get(part, "jobs")), 97);
	ck_assert(json_real_value(json_object_get(part, "seconds")) == 1.5);
	kernel_artifacts_release(
		&(struct kernel_artifacts){ .kernel = a.kernel,
					    .modules = a.modules,
					    .module_names = a.module_names });
	strv_release(&targets);
}
END_TEST

START_TEST(the_machine_has_cores_and_memory)
{
	write_and_read();
	ck_assert_int_ge(json_integer_value(get("hardware", "cores")), 1);
	ck_assert_int_gt(json_integer_value(get("hardware", "ram")), 32);
	ck_assert_int_ge(json_integer_value(get("hardware", "free_disk_space")),
			 0);
	ck_assert_str_eq(text("uname", "kernel"), "Linux");
	ck_assert(json_is_string(get("os", "name")));
	ck_assert_ptr_null(strpbrk(text("os", "name"), "\"\n"));
}
END_TEST

START_TEST(programs_say_their_version_in_one_line)
{
	put_file("tools/nice-ld", "#!/bin/sh\necho Nice ld 1.2\n", 0755);
	req.toolchain = "nice-";
	make_plan();
	write_and_read();
	ck_assert_str_eq(text("tools", "ld"), "Nice ld 1.2");
	ck_assert(str_starts(text("tools", "make"), "GNU Make"));
	ck_assert_ptr_null(strchr(text("tools", "make"), '\n'));
	/* Those that do not run are not there. */
	free(plan.make);
	plan.make = xstrdup("/nonexistent");
	plan.compiler.path[0] = '\0';
	write_and_read();
	ck_assert_ptr_null(get("tools", "make"));
	ck_assert_ptr_null(get("compiler", "version_full"));
}
END_TEST

START_TEST(bytes_that_are_no_utf_8_do_no_harm)
{
	words(&req.variables, "KCFLAGS=-D\xff\xfe");
	make_plan();
	write_and_read();
	ck_assert_uint_eq(json_array_size(get("build", "make_variables")), 1);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_named)
{
	ck_assert_int_lt(kernel_metadata_write("/nonexistent/m.json", &m, &err),
			 0);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/m.json"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/metadata");
	TCase *tc = tcase_create("metadata");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, early_it_has_build_and_a_failure);
	tcase_add_test(tc, at_the_end_it_has_results_and_farm);
	tcase_add_test(tc, the_machine_has_cores_and_memory);
	tcase_add_test(tc, programs_say_their_version_in_one_line);
	tcase_add_test(tc, bytes_that_are_no_utf_8_do_no_harm);
	tcase_add_test(tc, a_place_that_cannot_be_written_is_named);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
