/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli peer */
/* The report of `kfarm nodes check` (cli/nodes-check, admin/verdict). */
#include "cli/nodes-check.h"

#include "../lib/test.h"
#include "base/vec.h"
#include "golden.h"

static struct node_entry entry[] = {
	{ .name = (char *)"neo4a",
	  .address_text = (char *)"ssh:neo4a",
	  .address = { NODE_ADDRESS_SSH, (char *)"neo4a" } },
	{ .name = (char *)"a-board-with-a-long-name",
	  .address_text = (char *)"unix:/run/k",
	  .address = { NODE_ADDRESS_UNIX, (char *)"/run/k" } },
	{ .name = (char *)"c", .address = { NODE_ADDRESS_EXEC, (char *)"c" } },
	{ .name = (char *)"d", .address = { NODE_ADDRESS_EXEC, (char *)"d" } },
};

static struct admin_node_test_result node[4];
static struct admin_node_test trial = { .nodes = node };

/* A healthy node, which each test modifies. */
static struct admin_node_test_result *well(size_t i)
{
	struct admin_node_test_result *n = &node[i];

	admin_node_test_result_init(n, &entry[i]);
	n->up = n->fit = n->has_compiler = true;
	n->rtt_ms = 3;
	n->cores = 6;
	n->has_clock = n->has_free = true;
	n->clock_offset_ms = 120;
	n->free_mib = 12000;
	n->bandwidth = ADMIN_NODE_TEST_BANDWIDTH_MEASURED;
	n->bits_per_s = 94000000;
	n->canary = (struct admin_node_test_count){ .n_sent = 15,
						    .n_right = 15 };
	n->known_answer = (struct admin_node_test_count){ .n_sent = 1,
							  .n_right = 1 };
	trial.n_nodes = i + 1;
	return n;
}

static struct admin_node_test_result *down(size_t i, const char *why)
{
	struct admin_node_test_result *n = &node[i];

	admin_node_test_result_init(n, &entry[i]);
	n->error = xstrdup(why);
	trial.n_nodes = i + 1;
	return n;
}

static char *text_of_check(const struct nodes_check *c)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	nodes_check_print(out, c);
	nodes_burn_print(out, c);
	fclose(out);
	return text;
}

/* Compare the report with the golden file of that name; releases the nodes. */
static void shows(const char *name, bool good)
{
	struct nodes_check c;
	char *text, *golden = xasprintf("tests/data/nodes-check/%s.txt", name);

	nodes_check_judge(&c, &trial, "gcc 12.2.0");
	text = text_of_check(&c);
	golden_file(golden, text);
	free(golden);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_uint_le(strlen(line), 80);
	ck_assert_int_eq(nodes_check_has_passed(&c), good);
	nodes_check_release(&c);
	free(text);
	for (size_t i = 0; i < trial.n_nodes; i++)
		admin_node_test_result_release(&node[i]);
	trial = (struct admin_node_test){ .nodes = node };
}

TEST(healthy_nodes_pass_and_a_slow_link_gets_advice)
{
	well(0);
	well(1)->rtt_ms = 2345;
	well(2)->bits_per_s = 12345678;
	shows("good", true);
}

TEST(an_unreachable_node_gets_advice)
{
	down(0, "No route to host");
	down(1, "connect to /run/k: No such file or directory");
	down(2,
	     "kfarmd 9.0 speaks protocol 85 to 90, but this kfarm speaks 71 to 80");
	node[2].incompatible = true;
	shows("down", false);
}

TEST(a_failed_row_gets_advice)
{
	struct admin_node_test_result *n = well(0);

	n->clock_offset_ms = INT64_C(-315576000000);
	n->free_mib = 200;
	n->bits_per_s = 1100000;
	n = well(1);
	n->fit = n->has_compiler = false;
	n->error = xstrdup(
		"no sandbox: user: unshare: Operation not permitted; "
		"set the sysctl kernel.unprivileged_userns_clone to "
		"1");
	n->bandwidth = ADMIN_NODE_TEST_BANDWIDTH_UNTESTED;
	n->canary = n->known_answer = (struct admin_node_test_count){ 0 };
	n = well(2);
	n->clock_offset_ms = 60000;
	n->bandwidth = ADMIN_NODE_TEST_BANDWIDTH_TIMEOUT;
	n->bits_per_s = 262144;
	n->has_compiler = false;
	n->missing_reason = xstrdup(
		"no build of gcc-12.2.0 (x86_64-linux-gnu) for "
		"aarch64; run `kfarm toolchain install gcc-12.2.0 ... "
		"--nodes c`");
	n->canary = n->known_answer = (struct admin_node_test_count){ 0 };
	shows("failed", false);
}

static struct admin_node_test_result *lost(size_t i,
					   enum admin_node_test_stage stage)
{
	struct admin_node_test_result *n = well(i);

	n->lost_stage = stage;
	n->lost_reason = xstrdup("read: Connection reset by peer");
	return n;
}

TEST(a_lost_session_fails_the_row_whose_test_it_ended)
{
	struct admin_node_test_result *n;

	n = lost(0, ADMIN_NODE_TEST_STAGE_BANDWIDTH);
	n->bandwidth = ADMIN_NODE_TEST_BANDWIDTH_UNTESTED;
	n->has_compiler = false;
	n->canary = n->known_answer = (struct admin_node_test_count){ 0 };
	n = lost(1, ADMIN_NODE_TEST_STAGE_COMPILER);
	n->has_compiler = false;
	n->canary = n->known_answer = (struct admin_node_test_count){ 0 };
	n = lost(2, ADMIN_NODE_TEST_STAGE_CANARY);
	n->canary.n_wrong = 1;
	n->canary.first_error = xstrdup("object differs from the local one");
	n->known_answer = (struct admin_node_test_count){ 0 };
	n = lost(3, ADMIN_NODE_TEST_STAGE_READY);
	shows("lost", false);
}

/* The errors of a node with two addresses, and of a relay with two members. */
TEST(errors_of_several_addresses_or_members_are_one_problem)
{
	struct admin_node_test_result *n;

	down(0, "connect to n3, port 3634: fd77::13: key mismatch: node has "
		"SHA256:a, configuration has SHA256:b: another machine, or a "
		"new key; 10.77.0.13: key mismatch: node has SHA256:a, "
		"configuration has SHA256:b: another machine, or a new key");
	n = well(1);
	n->fit = n->has_compiler = false;
	n->error = xstrdup("no member is usable: a: connect to n1, port 3634: "
			   "fd77::11: Connection refused; 10.77.0.11: "
			   "Connection refused; b: drained");
	n->bandwidth = ADMIN_NODE_TEST_BANDWIDTH_UNTESTED;
	n->canary = n->known_answer = (struct admin_node_test_count){ 0 };
	down(2, "connect to n2, port 3634: node rejected the key of this "
		"machine: SHA256:c is not in /etc/kfarm/clients on the node; "
		"add it there, or run `kfarm nodes update` if `kfarm nodes "
		"add` installed kfarmd");
	shows("several", false);
}

TEST(wrong_damaged_and_failed_results_are_distinguished)
{
	struct admin_node_test_result *n = well(0);

	n->canary = (struct admin_node_test_count){
		.n_sent = 15,
		.n_right = 12,
		.n_wrong = 3,
		.first_error = xstrdup(
			"simd.c: object differs from the local one"),
	};
	n = well(1);
	n->canary = (struct admin_node_test_count){
		.n_sent = 15,
		.n_right = 14,
		.n_damaged = 1,
		.first_error = xstrdup("asm.c: result digest mismatch"),
	};
	n->known_answer = (struct admin_node_test_count){
		.n_sent = 1,
		.n_wrong = 1,
		.first_error = xstrdup("wrong result of the known-answer test"),
	};
	n = well(2);
	n->canary = (struct admin_node_test_count){
		.n_sent = 15,
		.n_failed = 15,
		.first_error = xstrdup("asm.c: no room\033[2J in /var/lib"),
	};
	shows("wrong", false);
}

static void burnt(struct admin_node_test_result *n, unsigned right)
{
	trial.burn_in_elapsed_ms = 600000;
	n->burn_in.n_sent = n->burn_in.n_right = right;
	n->cpu_ms = right * 1500;
	n->max_mk = WIRE_ZERO_CELSIUS_MK + 61000;
	n->min_speed_milli = 1000;
	n->units[0].n_right = right;
}

/* No advice about cables for a node on the build host, as in a container. */
TEST(a_slow_node_on_the_build_host_gets_advice_about_load)
{
	struct admin_node_test_result *n;

	for (size_t i = 0; i < 4; i++)
		well(i)->is_build_host = true;
	node[0].bits_per_s = 1100000;
	node[1].bits_per_s = 12345678;
	node[2].bandwidth = ADMIN_NODE_TEST_BANDWIDTH_TIMEOUT;
	node[2].bits_per_s = 262144;
	n = &node[3];
	burnt(n, 300);
	n->n_lost = 2;
	n->lost_reason = xstrdup("silent for 30 s");
	shows("build-host", false);
}

TEST(a_burn_in_of_good_nodes_is_a_table)
{
	burnt(well(0), 4812);
	burnt(well(1), 17);
	node[1].max_mk = node[1].min_speed_milli = WIRE_HEALTH_UNKNOWN;
	trial.cancelled = true;
	shows("burn-good", true);
}

TEST(a_burn_in_reports_errors_restarts_and_throttling)
{
	struct admin_node_test_result *n = well(0);

	burnt(n, 1200);
	n->burn_in.n_sent += 4;
	n->burn_in.n_wrong = 3;
	n->burn_in.n_crashed = 1;
	n->burn_in.first_error = xstrdup(
		"burn-3.c: object differs from the local one");
	n->burn_in.first_error_ms = 125000;
	n->units[2] = (struct admin_node_test_unit){ .n_right = 100,
						     .n_wrong = 3 };
	n = well(1);
	burnt(n, 300);
	n->n_lost = 2;
	n->n_restarts = 1;
	n = well(2);
	burnt(n, 3000);
	n->min_speed_milli = 714;
	n->max_throttled = 4;
	n->class_text = xstrdup(
		"2 Cortex-A72 at 1800 MHz, 4 Cortex-A53 at 1416 "
		"MHz");
	n->throttled_ms = 245000;
	shows("burn-bad", false);
}

static struct admin_node_test_class class_of(const char *name, unsigned cpus,
					     unsigned right)
{
	return (struct admin_node_test_class){
		.name = xstrdup(name),
		.n_cpus = cpus,
		.burn_in = { .n_sent = right, .n_right = right },
		.cpu_ms = right * 1500,
		.min_speed_milli = 1000,
	};
}

/* A big.LITTLE board: 2 and 4 tested cores, and a class that is not tested. */
static struct admin_node_test_result *two_classes(size_t i)
{
	struct admin_node_test_result *n = well(i);

	burnt(n, 1200);
	n->class_text = xstrdup(
		"2 Cortex-A72 at 1800 MHz, 4 Cortex-A53 at 1416 "
		"MHz");
	*VEC_ADD(n->class_results, n->n_classes) = class_of("Cortex-A72", 2,
							    700);
	*VEC_ADD(n->class_results, n->n_classes) = class_of("Cortex-A53", 4,
							    500);
	*VEC_ADD(n->class_results, n->n_classes) = class_of("Cortex-A35", 0, 0);
	*VEC_ADD(n->zones, n->n_zones) = (struct admin_node_test_zone){
		xstrdup("cpu-thermal"), WIRE_ZERO_CELSIUS_MK + 61000
	};
	*VEC_ADD(n->zones, n->n_zones) = (struct admin_node_test_zone){
		xstrdup("gpu-thermal"), WIRE_ZERO_CELSIUS_MK - 4500
	};
	return n;
}

TEST(a_burn_in_reports_each_core_class)
{
	struct admin_node_test_result *n = two_classes(0);

	n->burn_in.n_sent += 3;
	n->burn_in.n_wrong = n->class_results[0].burn_in.n_wrong = 3;
	n->class_results[0].burn_in.n_sent += 3;
	n->burn_in.first_error = xstrdup(
		"burn-3.c: object differs from the local one");
	n->burn_in.first_error_ms = 125000;
	n->units[2] = (struct admin_node_test_unit){ .n_right = 100,
						     .n_wrong = 3 };
	n = two_classes(1);
	n->min_speed_milli = n->class_results[0].min_speed_milli = 666;
	n->max_throttled = n->class_results[0].max_throttled = 2;
	n->throttled_ms = n->class_results[0].throttled_ms = 245000;
	n = well(2);
	burnt(n, 3000);
	n->class_text = xstrdup(
		"4 Cortex-A53 at 1512 MHz, 4 Cortex-A53 at 1000 "
		"MHz");
	n->classes_merged = true;
	shows("burn-classes", false);
}

TEST(json_contains_core_classes_and_thermal_zones)
{
	struct admin_node_test_result *n = two_classes(0);
	struct nodes_check c;
	json_t *all;
	char *text;

	n->burn_in.first_error = xstrdup("burn-3.c: exit status 1");
	n->burn_in.first_error_ms = 125000;
	n->class_results[0].min_speed_milli = 666;
	nodes_check_judge(&c, &trial, "gcc 12.2.0");
	all = nodes_check_json(&c);
	text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	golden_file("tests/data/nodes-check/burn-classes.json", text);
	free(text);
	json_decref(all);
	nodes_check_release(&c);
	admin_node_test_result_release(&node[0]);
	trial = (struct admin_node_test){ .nodes = node };
}

TEST(identical_errors_point_to_a_different_compiler_build)
{
	struct admin_node_test_result *n = well(0);

	burnt(n, 700);
	n->burn_in.n_sent += 100;
	n->burn_in.n_wrong = 100;
	n->burn_in.first_error = xstrdup(
		"burn-3.c: object differs from the local one");
	n->units[2] = (struct admin_node_test_unit){ .n_wrong = 100 };
	shows("burn-same", false);
}

TEST(equal_wrong_results_of_all_nodes_blame_the_build_host)
{
	for (size_t i = 0; i < 2; i++) {
		struct admin_node_test_result *n = well(i);

		burnt(n, 700);
		n->burn_in.n_sent += 100;
		n->burn_in.n_wrong = 100;
		n->burn_in.first_error = xstrdup(
			"burn-3.c: object differs from the local one");
		n->units[2] = (struct admin_node_test_unit){
			.n_wrong = 100, .wrong_digest = { .b = { 7 } }
		};
	}
	ck_assert_int_eq(admin_verdict_find_odd_unit(node, 2), 2);
	ck_assert_int_eq(admin_verdict_find_odd_unit(node, 1), -1);
	node[1].units[2].wrong_digest.b[0] = 8;
	ck_assert_int_eq(admin_verdict_find_odd_unit(node, 2), -1);
	node[1].units[2].wrong_digest.b[0] = 7;
	node[1].units[2].n_right = 1;
	ck_assert_int_eq(admin_verdict_find_odd_unit(node, 2), -1);
	node[1].units[2].n_right = 0;
	shows("burn-host", false);
}

TEST(json_has_every_row)
{
	struct nodes_check c;
	json_t *all, *rows;

	well(0)->clock_offset_ms = 99000;
	nodes_check_judge(&c, &trial, "gcc 12.2.0");
	all = nodes_check_json(&c);
	rows = json_object_get(json_array_get(json_object_get(all, "nodes"), 0),
			       "rows");
	ck_assert_uint_eq(json_array_size(rows), ADMIN_VERDICT_ROW_COUNT);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(rows, ADMIN_VERDICT_ROW_CLOCK),
				 "state")),
			 "failed");
	json_decref(all);
	nodes_check_release(&c);
	admin_node_test_result_release(&node[0]);
}

TEST(a_burn_in_time_has_a_unit_and_is_at_most_7_days)
{
	ck_assert_uint_eq(nodes_burn_parse_time("30s"), 30000);
	ck_assert_uint_eq(nodes_burn_parse_time("10m"), 600000);
	ck_assert_uint_eq(nodes_burn_parse_time("8h"), 28800000);
	ck_assert_uint_eq(nodes_burn_parse_time("7d"), 604800000);
	ck_assert_uint_eq(nodes_burn_parse_time("8d"), 0);
	ck_assert_uint_eq(nodes_burn_parse_time("0s"), 0);
	ck_assert_uint_eq(nodes_burn_parse_time("10"), 0);
	ck_assert_uint_eq(nodes_burn_parse_time(""), 0);
	ck_assert_uint_eq(nodes_burn_parse_time("neo4a"), 0);
	ck_assert_uint_eq(nodes_burn_parse_time("-1m"), 0);
}
