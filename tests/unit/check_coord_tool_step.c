/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Tool steps with scripted nodes. */
#include "../lib/test.h"
#include "coord-fixture.h"

static struct wire_cc_step asked;

/* An arbitrary program: this test itself. */
static void put_tool(void)
{
	char *path = at("tool");
	struct buf text = { 0 };
	struct err err;

	must(fs_read("/proc/self/exe", 64 << 20, &text, &err));
	must(fs_write(path, buf_bytes(&text), 0755, &err));
	buf_release(&text);
	free(path);
}

static const char *last_step; /* of a finished job */
static char *last_file; /* of a job in flight */

static void on_job_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_JOB && ev->state == EVENTS_JOB_QUEUED) {
		free(last_file);
		last_file = xstrdup(ev->file);
	}
	if (ev->kind == EVENTS_KIND_JOB && ev->state == EVENTS_JOB_DONE)
		last_step = ev->step;
	else if (ev->kind == EVENTS_KIND_JOB && ev->state != EVENTS_JOB_QUEUED)
		ck_assert_ptr_null(ev->step);
}

static struct events_subscriber listener = { .on_event = on_job_event };

static void set_up_step(void)
{
	setup();
	last_step = NULL;
	events_hub_subscribe(hub, &listener);
	put_tool();
	asked = (struct wire_cc_step){ .program = at("tool") };
	strv_add(&asked.args, "-r");
	strv_add(&asked.args, "/dev/null");
	step = &asked;
}

static void tear_down_step(void)
{
	wire_cc_step_release(&asked);
	free(last_file);
	last_file = NULL;
	step = NULL;
	teardown();
}

static void expect_step(const struct node *n, enum wire_step_kind kind)
{
	char *path = at("tool");

	ck_assert_uint_eq(n->steps, 1);
	ck_assert_int_eq(n->step.kind, kind);
	ck_assert_str_eq(wire_paths_get(n->paths, n->step.tool), path);
	ck_assert_int_eq(told(n, "tool"), WIRE_INODE_FILE);
	ck_assert_uint_eq(n->step.args.n, 2);
	ck_assert_str_eq(n->step.args.v[0], "-r");
	free(path);
}

/* Wait until a node has run the tool step, or it must run locally. */
static void ask_a_node(void)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
}

FIXTURE(set_up_step, tear_down_step);
TIMEOUT(300);

TEST(a_symbols_step_runs_on_a_node)
{
	char *tmp, *dep;
	struct buf list = { 0 };
	struct err err;

	ask_a_node();
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	ck_assert_str_eq(printed, "#symbols\n");
	tmp = temporary("unit.o");
	dep = temporary(".unit.o.d");
	ck_assert(!fs_exists(tmp));
	must(fs_read(dep, 1 << 20, &list, &err));
	ck_assert_str_eq(buf_str(&list), "unit.o: unit.c unit.h\n");
	expect_step(&nodes[0], WIRE_STEP_SYMBOLS);
	ck_assert_uint_eq(stats()->n_remote, 1);
	ck_assert_str_eq(last_step, "symbols");
	buf_release(&list);
	free(tmp);
	free(dep);
}

/* Compare the last job's text as the node received it. */
static void expect_text(const struct node *n, const char *want)
{
	struct buf got = { 0 };
	struct err err;

	must(fs_read(n->job.source, 1 << 20, &got, &err));
	ck_assert_str_eq(buf_str(&got), want);
	ck_assert_int_eq(told(n, str_skip_dir(n->job.source, dir)),
			 WIRE_INODE_FILE);
	buf_release(&got);
}

TEST(a_symbols_step_of_source_text_runs_on_a_node)
{
	char *dep = at("..unit.o.d.kfarm.4711"), *path;
	struct buf list = { 0 };
	struct err err;

	source = "-";
	asked.text = xstrdup("#include <unit.h>\nEXPORT_SYMBOL(unit);\n");
	ask_a_node();
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	ck_assert_str_eq(printed, "#symbols\n");
	must(fs_read(dep, 1 << 20, &list, &err));
	ck_assert_str_eq(buf_str(&list), "-: unit.h\n");
	expect_step(&nodes[0], WIRE_STEP_SYMBOLS);
	ck_assert_int_eq(nodes[0].job.lang, WIRE_LANG_C);
	expect_text(&nodes[0], "#line 1 \"<stdin>\"\n#include <unit.h>\n"
			       "EXPORT_SYMBOL(unit);\n");
	ck_assert_str_eq(last_file, "unit.o");
	/* The file is removed with its unit. */
	path = xstrdup(nodes[0].job.source);
	wire_stream_free(wrapper);
	wrapper = NULL;
	turn_until(never, 20);
	ck_assert(!fs_exists(path));
	source = "unit.c";
	buf_release(&list);
	free(path);
	free(dep);
}

/*
 * Includes of the text are searched like those of any source, but the text
 * itself has no file name.
 */
static const struct {
	const char *text, *why;
} bad_texts[] = {
	{ "#include <nowhere.h>\n", "header not found" },
	{ "#include <base.h>\n", "__BASE_FILE__ of a text" },
	{ "#include <base.h>\nA(__TI,ME__)\n", "__BASE_FILE__ of a text" },
};

TEST_EACH(source_text_that_is_not_scannable_is_processed_locally, bad_texts)
{
	source = "-";
	asked.text = xstrdup(row->text);
	write_file("base.h", "char *base = __BASE_FILE__;\n");
	ask_a_node();
	ck_assert_msg(local_why, "done");
	ck_assert_str_eq(local_why, row->why);
	ck_assert_uint_eq(nodes[0].steps, 0);
	source = "unit.c";
}

TEST(an_object_step_runs_on_a_node)
{
	asked.kind = WIRE_STEP_OBJECT;
	ask_a_node();
	expect_delivered();
	expect_step(&nodes[0], WIRE_STEP_OBJECT);
	ck_assert_str_eq(last_step, "object");
}

static void ask_for_tree(void)
{
	asked.kind = WIRE_STEP_DEVICETREE;
	strv_release(&asked.args);
	strv_split(&asked.args, "-o unit.dtb -b 0 -i. -d unit.list unit.tmp",
		   " ");
}

static void expect_content(const char *name, struct bytes want)
{
	char *path = at(name);
	struct buf got = { 0 };
	struct err err;

	must(fs_read(path, 1 << 20, &got, &err));
	ck_assert(bytes_equal(buf_bytes(&got), want));
	buf_release(&got);
	free(path);
}

TEST(a_devicetree_step_delivers_blob_text_and_lists)
{
	const struct node *n = &nodes[0];

	ask_for_tree();
	ask_a_node();
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	ck_assert_str_eq(printed, "");
	expect_content(".unit.dtb.kfarm.4711",
		       bytes_of(step_blob, sizeof(step_blob)));
	expect_content(".unit.tmp.kfarm.4711", bytes_str("/dts-v1/;\n"));
	expect_content(".unit.list.kfarm.4711",
		       bytes_str("unit.dtb: unit.tmp\n"));
	expect_content("..unit.o.d.kfarm.4711",
		       bytes_str("unit.o: unit.c unit.h\n"));
	ck_assert_uint_eq(n->step.args.n, 1);
	ck_assert_str_eq(n->step.args.v[0], "-b0");
	ck_assert_str_eq(n->job.object, "unit.tmp");
	ck_assert_int_eq(n->job.lang, WIRE_LANG_ASM);
	ck_assert_uint_eq(n->job.n_sides, 0);
	ck_assert_str_eq(last_step, "devicetree");
}

TEST(a_node_of_version_10_gets_no_devicetree_step)
{
	ask_for_tree();
	nodes[0].version = 10;
	ask_a_node();
	ck_assert_msg(local_why, "done");
	ck_assert_str_eq(local_why, "no node runs tool steps");
	ck_assert_uint_eq(nodes[0].jobs, 0);
}

/* A node lacks the files that dtc itself would search. */
static const struct {
	const char *text;
	bool stays;
} trees[] = {
	{ "/dts-v1/;\n/include/ \"unit.h\"\n", true },
	{ "/ { a = /incbin/(\"unit.h\"); };\n", true },
	{ "/* /include/ \"unit.h\" */ // /incbin/\n", false },
	{ "/ { a = \"/include/\"; b = <&include>; };\n", false },
	/* No assembler reads this text. */
	{ "/ { a = \".incbin\"; }; .include \"unit.h\"\n", false },
};

TEST_EACH(a_devicetree_with_include_or_incbin_is_made_locally, trees)
{
	char *text = xasprintf("#include \"unit.h\"\n%s", row->text);

	ask_for_tree();
	write_file("unit.c", text);
	free(text);
	ask_a_node();
	if (row->stays) {
		ck_assert_msg(local_why, "done");
		ck_assert_str_eq(local_why,
				 "device tree with /include/ or /incbin/");
		ck_assert_uint_eq(nodes[0].jobs, 0);
	} else {
		ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	}
}

TEST(a_second_step_needs_no_input_update)
{
	unsigned views;

	ask_a_node();
	views = nodes[0].views;
	compile_again(NULL);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	ck_assert_uint_eq(nodes[0].steps, 2);
	ck_assert_uint_eq(nodes[0].views, views);
}

TEST(a_node_of_version_9_gets_compiles_but_no_steps)
{
	nodes[0].version = 9;
	ask_a_node();
	ck_assert_msg(local_why, "done");
	ck_assert_str_eq(local_why, "no node runs tool steps");
	ck_assert_int_eq(steps_wanted, -1);
	step = NULL;
	compile_again(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].steps, 0);
	ck_assert_ptr_null(last_step);
}

TEST(a_step_whose_program_is_a_script_runs_locally)
{
	char *path = at("tool");

	unlink(path);
	free(path);
	write_file("tool", "#!/bin/sh\n");
	ask_a_node();
	ck_assert_msg(local_why, "done");
	ck_assert_str_eq(local_why, "program of a step cannot be shipped");
	ck_assert_uint_eq(nodes[0].jobs, 0);
}

static bool are_wanted(void)
{
	return steps_wanted >= 0;
}

static bool are_not(void)
{
	return !steps_wanted;
}

TEST(the_coordinator_announces_whether_steps_are_requested)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	turn_until(are_wanted, 60000);
	ck_assert_int_eq(steps_wanted, 7);
	wire_stream_free(nodes[0].stream);
	event_free(nodes[0].listener);
	nodes[0].stream = NULL;
	nodes[0].listener = NULL;
	turn_until(are_not, 60000);
	ck_assert_int_eq(steps_wanted, 0);
}

TEST(disabled_steps_are_not_requested)
{
	roster.steps_disabled = true;
	play_node(0, HONEST);
	start();
	wait_for_cells();
	step = NULL;
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_int_eq(steps_wanted, -1);
}

/* A tool step without a compile is an invalid request. */
TEST(a_step_without_a_compile_gets_no_reply)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	asked.kind = WIRE_STEP_SYMBOLS;
	source = "/dev/null";
	compile(NULL);
	turn_until(answered, 100);
	ck_assert(!answered());
	source = "unit.c";
	compile_again(NULL);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
}
