/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Jobs of scripted nodes: sandboxes, inputs, backups and verification. */
#include "../lib/test.h"
#include "coord-fixture.h"

FIXTURE(setup, teardown);
TIMEOUT(240);

TEST(a_node_preprocesses_and_the_depfile_omits_system_headers)
{
	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
	ck_assert_uint_eq(stats()->n_remote, 1);
	ck_assert_int_eq(told(&nodes[0], "unit.c"), WIRE_INODE_FILE);
	ck_assert_int_eq(told(&nodes[0], "unit.h"), WIRE_INODE_FILE);
}

TEST(a_second_job_has_under_200_bytes_and_no_input_update)
{
	unsigned views;

	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	views = nodes[0].views;
	compile_again(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 2);
	ck_assert_uint_eq(nodes[0].views, views);
	ck_assert_uint_lt(nodes[0].job_bytes, 200);
}

/* PIN exists since version 9. */
TEST_RANGE(a_job_is_pinned_to_the_class_that_finishes_it_first, 8, 10)
{
	nodes[0].version = (uint16_t)_i;
	nodes[0].classes = PLAYED_CORES;
	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
	ck_assert_uint_eq(nodes[0].pins, _i >= 9);
	ck_assert_uint_eq(nodes[0].pin.class, 0);
}

static bool both_have_a_job(void)
{
	return answered() || (nodes[0].jobs && nodes[1].jobs);
}

static bool loser_is_cancelled(void)
{
	return nodes[0].cancels + nodes[1].cancels + nodes[2].cancels > 0;
}

/* The node with the number `_i` returns the result first. */
TEST_RANGE(a_late_unit_gets_a_second_node_and_the_first_result_wins, 0, 2)
{
	unit_cost_ms = 500;
	play_node(0, BROODING);
	play_node(1, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(both_have_a_job, 60000);
	ck_assert(!answered());
	nodes[_i].manner = HONEST;
	send_answer(&nodes[_i]);
	turn_until(answered, 60000);
	expect_delivered();
	turn_until(loser_is_cancelled, 60000);
	ck_assert_uint_eq(nodes[!_i].cancels, 1);
	ck_assert_uint_eq(nodes[_i].cancels, 0);
	ck_assert_uint_eq(stats()->n_hedged, 1);
	ck_assert_uint_eq(stats()->n_remote, 1);
	ck_assert_uint_eq(stats()->nodes[_i]->n_jobs, 1);
	/* The result of the other node is ignored. */
	nodes[!_i].manner = HONEST;
	send_answer(&nodes[!_i]);
	turn_until(never, 50);
	ck_assert_uint_eq(stats()->n_remote, 1);
}

static unsigned n_nodes_with_a_job(void)
{
	return !!nodes[0].jobs + !!nodes[1].jobs + !!nodes[2].jobs;
}

static bool a_node_has_a_job(void)
{
	return n_nodes_with_a_job() == 1;
}

static bool two_nodes_have_a_job(void)
{
	return n_nodes_with_a_job() == 2;
}

static bool all_nodes_have_a_job(void)
{
	return answered() || n_nodes_with_a_job() == 3;
}

/* Return the number of a node that has a job and is not `a` or `b`. */
static size_t find_job(size_t a, size_t b)
{
	for (size_t i = 0; i < 3; i++) {
		if (i != a && i != b && nodes[i].jobs)
			return i;
	}
	ck_abort_msg("no node has a job");
}

TEST(a_retry_of_a_lost_job_is_cancelled_when_its_backup_succeeds)
{
	size_t lost, late, backup;

	unit_cost_ms = 500;
	for (int i = 0; i < 3; i++)
		play_node(i, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(a_node_has_a_job, 60000);
	lost = find_job(3, 3);
	wire_stream_free(nodes[lost].stream);
	nodes[lost].stream = NULL;
	turn_until(two_nodes_have_a_job, 60000);
	late = find_job(lost, 3);
	turn_until(all_nodes_have_a_job, 60000);
	ck_assert(!answered());
	backup = find_job(lost, late);
	nodes[backup].manner = HONEST;
	send_answer(&nodes[backup]);
	turn_until(answered, 60000);
	expect_delivered();
	turn_until(loser_is_cancelled, 60000);
	ck_assert_uint_eq(nodes[late].cancels, 1);
	ck_assert_uint_eq(nodes[backup].cancels, 0);
	ck_assert_uint_eq(stats()->n_remote, 1);
}

TEST(only_one_of_two_simultaneous_results_is_delivered)
{
	unit_cost_ms = 500;
	play_node(0, BROODING);
	play_node(1, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(both_have_a_job, 60000);
	nodes[0].manner = nodes[1].manner = HONEST;
	send_answer(&nodes[0]);
	send_answer(&nodes[1]);
	turn_until(answered, 60000);
	expect_delivered();
	turn_until(never, 50);
	ck_assert_uint_eq(stats()->n_remote, 1);
	compile_again(NULL);
	turn_until(answered, 60000);
	expect_delivered();
}

TEST(a_job_of_a_node_with_equal_cores_is_not_pinned)
{
	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].pins, 0);
}

static bool cell_is_asked(void)
{
	return nodes[0].ready;
}

static bool is_scanned(void)
{
	return answered() || coord_scan_us(coord);
}

TEST(a_unit_waits_for_a_requested_sandbox)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };

	play_node(0, SILENT);
	start();
	coord_announce_compiler(coord, gcc, env);
	turn_until(cell_is_asked, 60000);
	compile(NULL);
	turn_until(is_scanned, 60000);
	turn_until(never, 20);
	ck_assert_msg(!answered(), "%s", local_why ? local_why : "done");
	nodes[0].manner = HONEST;
	be_ready(&nodes[0]);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
}

static bool cell_is_ready(void)
{
	return !nodes[0].lacks && nodes[0].blobs && !nodes[0].ready;
}

TEST(a_unit_is_compiled_locally_during_the_toolchain_upload)
{
	play_node(0, PONDERING);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "toolchain on its way to the nodes");
	/* All blobs have arrived, or are still in flight. */
	nodes[0].manner = NEEDY;
	be_ready(&nodes[0]);
	turn_until(cell_is_ready, 120000);
	ck_assert_uint_gt(nodes[0].blobs, 3);
	compile_again(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
}

TEST(a_blob_that_is_requested_again_is_sent_again)
{
	play_node(0, NEEDY_AGAIN);
	start();
	wait_for_cells();
	ck_assert_uint_gt(nodes[0].lost, 0);
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
	ck_assert_uint_eq(first_node()->n_failed, 0);
}

TEST(an_unfit_node_gets_no_job_and_its_reason_is_reported)
{
	play_node(0, UNFIT);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "no node is fit");
	ck_assert_str_eq(first_node()->state, "unfit");
	ck_assert_str_eq(first_node()->reason, "seccomp is missing");
	ck_assert_uint_eq(nodes[0].cells, 0);
	ck_assert_uint_eq(coord_remote_slots(coord), 0);
}

TEST(a_node_of_another_architecture_gets_no_job)
{
	nodes[0].machine = "s390x";
	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "no node has the toolchain");
	ck_assert_str_eq(first_node()->state, "no toolchain");
	text_has(first_node()->reason, ", not on s390x");
	ck_assert_uint_eq(nodes[0].cells, 0);
}

TEST(a_result_that_read_an_unlisted_file_is_rejected)
{
	play_node(0, FOREIGN);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "read a file unknown to the scan");
	ck_assert_uint_eq(first_node()->n_failed, 0);
}

/* Compile sub/unit.c, while the current directory also has a unit.c. */
static void compile_in_sub(const char *assembled)
{
	char *sub = at("sub"), *c = at("unit.c"), *h = at("unit.h");
	char *sub_c = at("sub/unit.c"), *sub_h = at("sub/unit.h");
	struct err err;

	ck_assert_int_eq(mkdir(sub, 0700), 0);
	ck_assert_int_eq(rename(c, sub_c), 0);
	ck_assert_int_eq(rename(h, sub_h), 0);
	must(fs_write(c, bytes_str("int other;\n"), 0600, &err));
	source = "sub/unit.c";
	dep_text = "unit.o: sub/unit.c /usr/include/stdc-predef.h "
		   "sub/unit.h\n";
	as_text = assembled;
	play_node(0, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	free(sub);
	free(c);
	free(h);
	free(sub_c);
	free(sub_h);
}

TEST(the_source_name_in_an_object_is_no_assembled_file)
{
	compile_in_sub("out.o: unit.c /.kfarm/tmp/ccAbCdEf.s\n");
	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	ck_assert_uint_eq(stats()->n_remote, 1);
}

TEST(a_result_that_assembled_an_unlisted_file_is_rejected)
{
	compile_in_sub("out.o: expected.o /.kfarm/tmp/ccAbCdEf.s\n");
	ck_assert_str_eq(local_why, "assembled a file unknown to the scan");
	ck_assert_uint_eq(first_node()->n_failed, 0);
}

TEST(a_job_with_a_missing_input_is_sent_twice_then_run_locally)
{
	play_node(0, MISSING);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "input missing on the node");
	ck_assert_uint_eq(nodes[0].jobs, 2);
	ck_assert_uint_eq(first_node()->n_failed, 0);
}

TEST(a_header_changed_during_a_job_causes_a_second_job)
{
	play_node(0, TOUCHING);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 2);
	ck_assert_uint_eq(stats()->n_retried, 1);
	ck_assert_uint_gt(nodes[0].views, 2);
}

TEST(diagnostics_of_a_good_compile_are_passed_on)
{
	play_node(0, WARNING);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_str_eq(diagnostics, "bad");
}

TEST(diagnostics_with_control_characters_cause_a_local_compile)
{
	play_node(0, STEERING);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "control characters in diagnostics");
}

TEST(a_lost_sandbox_is_requested_again)
{
	play_node(0, LOSING);
	play_node(1, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].cells, 1 + nodes[0].lost);
}

/* Two directories that can both contain the header. */
static void make_dirs(void)
{
	char *a = at("a"), *b = at("b");
	struct err err;

	must(fs_mkdirs(a, 0755, &err));
	must(fs_mkdirs(b, 0755, &err));
	free(a);
	free(b);
	write_file("a/deep.h", "\n");
	write_file("b/deep.h", "\n");
}

#define PLAIN_DEPS "unit.o: unit.c /usr/include/stdc-predef.h unit.h"

TEST(a_removed_header_is_removed_from_the_input_root)
{
	char *path = at("a/deep.h"), *dirs = xasprintf("-I%s/a", dir);
	char *deps = xasprintf(PLAIN_DEPS " %s\n", path);

	make_dirs();
	write_file("unit.h", "#include <deep.h>\n#define UNIT 3\n"
			     "int unit(int a);\n");
	dep_text = deps;
	play_node(0, HONEST);
	start();
	compile(dirs);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why);
	ck_assert_int_eq(told(&nodes[0], "a/deep.h"), WIRE_INODE_FILE);
	ck_assert_int_eq(unlink(path), 0);
	write_file("unit.h", "#if __has_include(<deep.h>)\n#error x\n#endif\n"
			     "#define UNIT 3\nint unit(int a);\n");
	dep_text = PLAIN_DEPS "\n";
	compile_again(dirs);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why);
	ck_assert_int_eq(told(&nodes[0], "a/deep.h"), WIRE_INODE_ABSENT);
	free(path);
	free(dirs);
	free(deps);
}

TEST(a_directory_can_be_replaced_by_a_symbolic_link)
{
	char *path = at("a/deep.h"), *a = at("a");
	char *dirs = xasprintf("-I%s", dir);
	char *deps = xasprintf(PLAIN_DEPS " %s\n", path);

	make_dirs();
	write_file("unit.h", "#include <a/deep.h>\n#define UNIT 3\n"
			     "int unit(int a);\n");
	dep_text = deps;
	play_node(0, HONEST);
	start();
	compile(dirs);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(a), 0);
	ck_assert_int_eq(symlink("b", a), 0);
	compile_again(dirs);
	turn_until(answered, 60000);
	ck_assert_msg(done, "%s", local_why);
	ck_assert_int_eq(told(&nodes[0], "a"), WIRE_INODE_SYMLINK);
	ck_assert_int_eq(told(&nodes[0], "b/deep.h"), WIRE_INODE_FILE);
	free(path);
	free(a);
	free(dirs);
	free(deps);
}
