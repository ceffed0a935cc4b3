/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"

#include "kernel/summary.h"

static struct events_reason reasons[10] = {
	{ (char[]){ ".incbin" }, 12 }, { (char[]){ "gcc plugins" }, 11 },
	{ (char[]){ "c" }, 1 },        { (char[]){ "d" }, 1 },
	{ (char[]){ "e" }, 1 },        { (char[]){ "f" }, 1 },
	{ (char[]){ "g" }, 1 },        { (char[]){ "h" }, 1 },
	{ (char[]){ "i" }, 3 },        { (char[]){ "j" }, 4 },
};
static struct events_totals farm;
static struct kconfig_request request;
static struct kernel_plan plan;
static struct kernel_metadata sample;
static struct kernel_build_state run;
static const char *verb;
static char version[] = "6.1.192", compiler[] = "13.3.0";
static char no_links_reason[] = "CC consists of several words (env gcc)";

static void set_up(void)
{
	farm = (struct events_totals){ .n_remote = 2851,
				       .n_local = 23,
				       .n_retried = 4,
				       .n_hedged = 2,
				       .n_warnings = 3,
				       .cpu_ms = 41300,
				       .n_reasons = 2,
				       .reasons = reasons };
	request = (struct kconfig_request){ 0 };
	strv_split(&request.targets, "Image modules dtbs", " ");
	plan = (struct kernel_plan){
		.request = &request,
		.version = version,
		.arch = { .arch = "arm64" },
		.compiler = { .version = compiler },
	};
	run = (struct kernel_build_state){ 0 };
	sample = (struct kernel_metadata){ .plan = &plan,
					   .run = &run,
					   .wall_ms = 191600,
					   .totals = &farm,
					   .has_totals = true };
	verb = "built";
}

static void tear_down(void)
{
	strv_release(&request.targets);
	farm.reasons = NULL;
	farm.n_reasons = 0;
	events_totals_release(&farm);
}

static void expect(const char *want)
{
	struct buf out = { 0 };

	kernel_summary_text(&out, verb, &sample, "~/.cache/kfarm/builds/7");
	ck_assert_str_eq(buf_str(&out), want);
	buf_release(&out);
}

FIXTURE(set_up, tear_down);

TEST(tool_steps_have_a_line_in_the_summary)
{
	struct events_reason step_causes[] = {
		{ (char *)"no node runs tool steps", 5 },
		{ (char *)"unusual option", 4 }
	};

	farm.n_shell_steps = 372;
	farm.n_steps = 370;
	farm.n_local_steps = 9;
	farm.step_reasons = step_causes;
	farm.n_step_reasons = 2;
	expect("built Image modules dtbs: arm64, gcc-13.3.0, linux-6.1.192, "
	       "3:12 wall, build host 41 s CPU\n"
	       "jobs 2874: 2851 remote (99.1 %), 23 local (12 .incbin, 11 gcc "
	       "plugins), 4 retried, 2 duplicated\n"
	       "steps of kbuild 381: 370 on nodes, 11 local (5 no node runs "
	       "tool steps, 4 unusual option)\n"
	       "warnings 3, errors 0        output ~/.cache/kfarm/builds/7\n");
	farm.step_reasons = NULL;
	farm.n_step_reasons = 0;
	farm.n_cached_steps = 300;
	farm.n_steps = 70;
	expect("built Image modules dtbs: arm64, gcc-13.3.0, linux-6.1.192, "
	       "3:12 wall, build host 41 s CPU\n"
	       "jobs 2874: 2851 remote (99.1 %), 23 local (12 .incbin, 11 gcc "
	       "plugins), 4 retried, 2 duplicated\n"
	       "steps of kbuild 381: 70 on nodes, 300 cached, 11 local\n"
	       "warnings 3, errors 0        output ~/.cache/kfarm/builds/7\n");
	farm.n_cached_steps = 0;
}

TEST(disabled_programs_have_a_line_each_in_the_summary)
{
	struct events_disabled disabled[] = {
		{ (char *)"objtool", NULL, (char *)"cannot read x", 4 },
		{ (char *)"gcc", (char *)"neo4a", NULL, 3 },
	};

	farm.disabled = disabled;
	farm.n_disabled = 2;
	expect("built Image modules dtbs: arm64, gcc-13.3.0, linux-6.1.192, "
	       "3:12 wall, build host 41 s CPU\n"
	       "jobs 2874: 2851 remote (99.1 %), 23 local (12 .incbin, 11 gcc "
	       "plugins), 4 retried, 2 duplicated\n"
	       "disabled: objtool on all nodes after 4 failures\n"
	       "disabled: gcc on node neo4a after 3 failures\n"
	       "warnings 3, errors 0        output ~/.cache/kfarm/builds/7\n");
	farm.disabled = NULL;
	farm.n_disabled = 0;
}

TEST(the_summary_of_a_build_has_three_lines)
{
	expect("built Image modules dtbs: arm64, gcc-13.3.0, linux-6.1.192, "
	       "3:12 wall, build host 41 s CPU\n"
	       "jobs 2874: 2851 remote (99.1 %), 23 local (12 .incbin, 11 gcc "
	       "plugins), 4 retried, 2 duplicated\n"
	       "warnings 3, errors 0        output ~/.cache/kfarm/builds/7\n");
}

static const struct {
	int64_t number;
	unsigned warnings, errors;
	struct diag_change change;
	const char *words;
} compared[] = {
	{ 0, 3, 1, { .n_new = { 9, 9 } }, "warnings 3, errors 1  " },
	{ 5, 3, 0, { .n_same = 3 }, "warnings 3 (0 new), errors 0  " },
	{ 5,
	  3,
	  2,
	  { .n_new = { 1, 2 } },
	  "warnings 3 (1 new), errors 2 (2 new)  " },
	{ 5,
	  0,
	  0,
	  { .n_removed = { 4, 1 } },
	  "warnings 0 (0 new, 4 gone), errors 0 (0 new, 1 gone)  " },
	/* The units with these diagnostics were not compiled again. */
	{ 5,
	  0,
	  0,
	  { .n_carried = { 2, 1 } },
	  "warnings 0 (2 carried), errors 0 (1 carried)  " },
	/* The previous build was interrupted after it found a new warning. */
	{ 5,
	  0,
	  0,
	  { .n_new = { 1, 0 }, .n_carried = { 2, 0 } },
	  "warnings 0 (1 new, 2 carried), errors 0  " },
	{ 5,
	  1,
	  0,
	  { .n_removed = { 3, 0 }, .n_carried = { 2, 0 } },
	  "warnings 1 (0 new, 3 gone, 2 carried), errors 0  " },
};

TEST_EACH(new_removed_and_carried_diagnostics_are_counted, compared)
{
	struct buf out = { 0 };

	farm.n_warnings = row->warnings;
	farm.n_errors = row->errors;
	run.baseline.build_number = row->number;
	run.baseline.change = row->change;
	kernel_summary_text(&out, verb, &sample, "x");
	ck_assert_msg(strstr(buf_str(&out), row->words) != NULL, "%s",
		      buf_str(&out));
	buf_release(&out);
}

TEST(a_brief_summary_wraps_only_a_long_output_path)
{
	struct buf out = { 0 };

	run.baseline.build_number = 5;
	run.baseline.change = (struct diag_change){ .n_new = { 1, 0 } };
	kernel_summary_line(&out, verb, &sample, "output ~/7");
	farm.n_remote = 0;
	farm.n_local = 1;
	strv_release(&request.targets);
	strv_add(&request.targets, "x");
	kernel_summary_line(&out, "failed", &sample, "/7");
	plan.builddir.dir = (char[]){ "/b" };
	kernel_summary_line(&out, "cleaned", &sample, NULL);
	ck_assert_str_eq(
		buf_str(&out),
		"built Image modules dtbs: arm64, gcc-13.3.0, 3:12 wall, 2874 "
		"jobs (2851 remote), warnings 3 (1 new), errors 0\n"
		"  output ~/7\n"
		"failed x: arm64, gcc-13.3.0, 3:12 wall, 1 job, warnings 3 "
		"(1 new), errors 0, /7\n"
		"cleaned /b: arm64, gcc-13.3.0, 3:12 wall, 1 job, warnings 3 "
		"(1 new), errors 0\n");
	buf_release(&out);
}

TEST(a_summary_without_jobs_has_no_percentage)
{
	farm = (struct events_totals){ .n_warnings = 3, .cpu_ms = 41300 };
	strv_release(&request.targets);
	sample.wall_ms = 3661000;
	expect("built all: arm64, gcc-13.3.0, linux-6.1.192, 1:01:01 wall, "
	       "build host 41 s CPU\n"
	       "jobs 0\n"
	       "warnings 3, errors 0        output ~/.cache/kfarm/builds/7\n");
}

TEST(the_summary_names_the_directory_of_external_modules)
{
	static char dir[] = "/hello";

	farm = (struct events_totals){ .cpu_ms = 41300 };
	strv_release(&request.targets);
	plan.module.dir = dir;
	expect("built modules of /hello: arm64, gcc-13.3.0, linux-6.1.192, "
	       "3:12 wall, build host 41 s CPU\n"
	       "jobs 0\n"
	       "warnings 0, errors 0        output ~/.cache/kfarm/builds/7\n");
}

TEST(the_summary_gives_the_reason_for_a_build_without_links)
{
	sample.has_totals = false;
	plan.compiler.no_masquerade_reason = no_links_reason;
	verb = "failed";
	expect("failed Image modules dtbs: arm64, gcc-13.3.0, linux-6.1.192, "
	       "3:12 wall, build host 41 s CPU\n"
	       "jobs unknown: all local, not offloaded (CC consists of several "
	       "words (env gcc))\n"
	       "warnings 3, errors 0        output ~/.cache/kfarm/builds/7\n");
}

static struct kernel_artifact_size measured[] = {
	{ (char[]){ "vmlinux" }, { 1780071, 1120144, 240632, 4559912 } },
	{ (char[]){ "arch/arm64/boot/Image" }, { .file_bytes = 3151880 } },
	{ (char[]){ "fs/a.ko" }, { 10, 20, 30, 5000 } },
	{ (char[]){ "fs/b.ko" }, { 1, 2, 3, 6000 } },
};
static struct kernel_artifacts artifacts = { .sizes = measured, .n_sizes = 4 };

TEST(sizes_skipped_and_incomplete_goals_have_lines)
{
	struct kernel_goal goals[] = {
		{ .name = (char[]){ "modules" },
		  .status = KERNEL_GOAL_SKIP,
		  .skip_reason = (char[]){ "CONFIG_MODULES is not set" } },
		{ .name = (char[]){ "kselftest" },
		  .status = KERNEL_GOAL_WARNING },
		{ .name = (char[]){ "Image" }, .status = KERNEL_GOAL_PASS },
	};

	run.goals.v = goals;
	run.goals.n = 3;
	sample.artifacts = &artifacts;
	expect("built kselftest Image: arm64, gcc-13.3.0, linux-6.1.192, "
	       "3:12 wall, build host 41 s CPU\n"
	       "jobs 2874: 2851 remote (99.1 %), 23 local (12 .incbin, 11 gcc "
	       "plugins), 4 retried, 2 duplicated\n"
	       "sizes Image 3151880, vmlinux 4559912 (text 1780071, data "
	       "1120144, bss 240632)\n"
	       "skipped modules: CONFIG_MODULES is not set\n"
	       "kselftest is incomplete; see build.log\n"
	       "warnings 3, errors 0        output ~/.cache/kfarm/builds/7\n");
}

TEST(a_skipped_goal_is_not_listed_as_built)
{
	struct kernel_goal goal = {
		.name = (char[]){ "modules" },
		.status = KERNEL_GOAL_SKIP,
		.skip_reason = (char[]){ "CONFIG_MODULES is not set" },
	};
	struct buf out = { 0 };

	run.goals.v = &goal;
	run.goals.n = 1;
	kernel_summary_line(&out, "built", &sample, "output b");
	ck_assert_str_eq(buf_str(&out),
			 "built nothing: arm64, gcc-13.3.0, 3:12 wall, 2874 "
			 "jobs (2851 remote), warnings 3, errors 0\n"
			 "  output b\n");
	buf_reset(&out);
	kernel_summary_line(&out, "failed", &sample, "output b");
	ck_assert(str_starts(buf_str(&out), "failed Image modules dtbs: "));
	buf_release(&out);
}

TEST(the_table_of_sizes_is_sorted_by_descending_file_size)
{
	struct buf out = { 0 };

	kernel_summary_sizes(&out, &artifacts);
	ck_assert_str_eq(
		buf_str(&out),
		"      text       data        bss       file  name\n"
		"   1780071    1120144     240632    4559912  vmlinux\n"
		"         -          -          -    3151880  "
		"arch/arm64/boot/Image\n"
		"         1          2          3       6000  fs/b.ko\n"
		"        10         20         30       5000  fs/a.ko\n");
	buf_release(&out);
}

TEST(at_most_10_new_diagnostics_are_listed)
{
	struct diag_set *found = &run.log.found;
	struct buf out = { 0 };
	const char *text;

	for (unsigned i = 1; i <= 13; i++) {
		struct diag d = { .file = xstrdup("a.c"),
				  .line = i,
				  .column = 2,
				  .text = xstrdup("x") };

		if (i == 3)
			d.severity = DIAG_SEV_ERROR;
		ck_assert(diag_set_add(found, &d));
		found->entries[i - 1]->status = i == 1 ? DIAG_STATUS_SAME :
							 DIAG_STATUS_NEW;
	}
	kernel_summary_text(&out, verb, &sample, "x");
	ck_assert_ptr_null(strstr(buf_str(&out), "new:"));
	run.baseline.build_number = 3;
	kernel_summary_text(&out, verb, &sample, "x");
	text = strstr(buf_str(&out), "new:");
	text_starts(text, "new: a.c:2:2: warning: x\n"
			  "new: a.c:3:2: error\n");
	text_has(text, "new: a.c:11:2: warning: x\n"
		       "new: 2 more, see metadata.json\n"
		       "warnings ");
	diag_set_release(found);
	buf_release(&out);
}

TEST(changed_sizes_are_listed_against_the_baseline)
{
	struct history_size before[] = {
		{ (char[]){ "vmlinux" }, 1780000, 1120144, 240633, 4559000 },
		{ (char[]){ "fs/a.ko" }, 10, 20, 30, 5000 },
		{ (char[]){ "fs/gone.ko" }, 1, 1, 1, 1 },
	};
	struct kernel_baseline e = {
		.sized_number = 7, .sizes = { .sizes = before, .n_sizes = 3 }
	};
	struct buf out = { 0 };

	kernel_summary_size_changes(&out, &artifacts, &e);
	ck_assert_str_eq(
		buf_str(&out),
		"\nagainst build 7:\n"
		"       +71          -         -1       +912  vmlinux\n"
		"                                        new  "
		"arch/arm64/boot/Image\n"
		"                                        new  fs/b.ko\n"
		"                                       gone  fs/gone.ko\n");
	e.sized_number = 0;
	buf_reset(&out);
	kernel_summary_size_changes(&out, &artifacts, &e);
	ck_assert_str_eq(buf_str(&out), "");
	buf_release(&out);
}

TEST(rare_reasons_are_summed_as_others)
{
	struct err err = { 0 };

	farm.n_reasons = 10;
	ck_assert(kernel_summary_is_remote_low(&farm, 100, &err));
	text_ends(err.text,
		  "; local jobs: 12 (.incbin), 11 (gcc plugins), 1 (c), 1 (d), "
		  "1 (e), 1 (f), 1 (g), 1 (h), 7 (others)");
}

TEST(the_remote_share_is_rounded_down)
{
	ck_assert_uint_eq(kernel_summary_permille(0, 0), 0);
	ck_assert_uint_eq(kernel_summary_permille(5, 0), 1000);
	ck_assert_uint_eq(kernel_summary_permille(99999, 1), 999);
	ck_assert_uint_eq(kernel_summary_permille(4000000000u, 4000000000u),
			  500);
}

static void add_node(const char *name, const char *state, const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = name;
	ev.text = state;
	ev.reason = reason;
	events_totals_add(&farm, &ev);
}

/* tear_down() frees these except the reasons, which are static. */
static void add_nodes(void)
{
	add_node("local", "", NULL);
	add_node("a", "up", NULL);
	add_node("b", "down", "no route to host");
	add_node("c", "no toolchain", NULL);
	add_node("d", "resting", "wrong object");
}

TEST(each_node_that_is_not_up_has_a_line)
{
	add_nodes();
	expect("built Image modules dtbs: arm64, gcc-13.3.0, linux-6.1.192, "
	       "3:12 wall, build host 41 s CPU\n"
	       "jobs 2874: 2851 remote (99.1 %), 23 local (12 .incbin, 11 gcc "
	       "plugins), 4 retried, 2 duplicated\n"
	       "node b: down: no route to host\n"
	       "node c: no toolchain\n"
	       "node d: resting, no jobs until it passes a known-answer test: "
	       "wrong object\n"
	       "warnings 3, errors 0        output ~/.cache/kfarm/builds/7\n");
}

TEST(each_line_of_a_command_summary_starts_with_kfarm)
{
	struct buf out = { 0 };

	add_nodes();
	kernel_summary_user_command(&out, "make", NULL, 191600, &farm);
	text_starts(buf_str(&out),
		    "kfarm: ran make: 3:12 wall, build host 41 s CPU\n"
		    "kfarm: jobs 2874: 2851 remote");
	text_has(buf_str(&out), "\nkfarm: node b: down: no route to host"
				"\nkfarm: node c: no toolchain\n");
	ck_assert_ptr_null(strstr(buf_str(&out), "node a"));
	buf_release(&out);
	kernel_summary_user_command(&out, "make", "exit status 2", 191600,
				    &farm);
	text_starts(buf_str(&out), "kfarm: make: exit status 2: 3:12 wall");
	buf_release(&out);
}

static int min_remote_percent;

static void expect_advice(const char *bypassing, const char *want)
{
	struct strv compilers = { 0 };
	struct buf out = { 0 };

	strv_split(&compilers, bypassing, " ");
	kernel_summary_advice(&out, &farm, &compilers, min_remote_percent);
	ck_assert_str_eq(buf_str(&out), want);
	buf_release(&out);
	strv_release(&compilers);
}

TEST(the_advice_explains_bypassed_local_and_missing_compiles)
{
	struct events_reason local[] = { { (char[]){ "C++" }, 40 },
					 { (char[]){ ".incbin" }, 12 } };
	struct events_reason one[] = { { (char[]){ "C++" }, 1 } };

	expect_advice("", "");
	expect_advice(
		"/usr/bin/cc /opt/gcc",
		"kfarm: compiles by /usr/bin/cc, /opt/gcc bypassed kfarm; call "
		"the compiler by name or through kfarm-cc, see BUILD SYSTEMS "
		"in kfarm-run(1)\n");
	farm.reasons = local;
	expect_advice(
		"",
		"kfarm: 40 C++ units were compiled locally: nodes compile only "
		"C and assembler\n");
	farm.reasons = one;
	farm.n_reasons = 1;
	expect_advice(
		"",
		"kfarm: 1 C++ unit was compiled locally: nodes compile only C "
		"and assembler\n");
	farm = (struct events_totals){ .n_warnings = 3, .cpu_ms = 41300 };
	/* make was probably up to date. */
	expect_advice("", "");
	min_remote_percent = 90;
	expect_advice(
		"",
		"kfarm: --require-remote 90 was not checked: no compile went "
		"through kfarm; for compilers called by path, see BUILD "
		"SYSTEMS in kfarm-run(1)\n");
	expect_advice(
		"cc",
		"kfarm: compiles by cc bypassed kfarm; call the compiler by "
		"name or through kfarm-cc, see BUILD SYSTEMS in "
		"kfarm-run(1)\n");
}

TEST(a_remote_share_below_the_minimum_is_an_error)
{
	struct err err = { 0 };

	ck_assert(!kernel_summary_is_remote_low(&farm, 0, &err));
	ck_assert(!kernel_summary_is_remote_low(&farm, 99, &err));
	ck_assert_str_eq(err.text, "");
	ck_assert(kernel_summary_is_remote_low(&farm, 100, &err));
	text_ends(err.text, "100 % are required; local jobs: 12 (.incbin), 11 "
			    "(gcc plugins)");
	farm.n_remote = farm.n_local = 0;
	ck_assert(!kernel_summary_is_remote_low(&farm, 100, &err));
}
