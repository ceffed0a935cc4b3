/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/*
 * Scripted nodes of another architecture: this machine's own gcc compiles in
 * place of their native toolchain.
 */
#include "../lib/test.h"
#include "coord-fixture.h"

#include "peer/canary-db.h"
#include "peer/native-toolchain.h"
#include "toolchain/installed.h"

static const char installed_hex[] =
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char other_hex[] =
	"ff23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static char *canary_path, *installed_id;
static size_t n_canaries;

/* Return gcc's output for `option`, without the newline. */
static char *gcc_output(const char *option)
{
	char *argv[] = { gcc, (char *)option, NULL };
	struct spawn child = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err;
	int status;
	char *text;

	must(spawn_collect_stdout(&child, 1000, 60000, &out, &status, &err));
	text = xstrndup((char *)out.data, strcspn(buf_str(&out), "\n"));
	buf_release(&out);
	return text;
}

static void setup_native(void)
{
	char *version, *triplet;

	setup();
	peer_canary_db_sources(&n_canaries);
	canary_file = canary_path = at("state/canary.json");
	version = gcc_output("-dumpfullversion");
	triplet = gcc_output("-dumpmachine");
	installed_id = xasprintf("gcc-%s-%s-on-arm64", version, triplet);
	free(version);
	free(triplet);
	for (int i = 0; i < 2; i++) {
		nodes[i].machine = "aarch64";
		nodes[i].held = installed_id;
		nodes[i].held_host = "arm64";
		nodes[i].held_content = installed_hex;
	}
}

static void teardown_native(void)
{
	teardown();
	free(canary_path);
	free(installed_id);
}

static bool node_is_down(void)
{
	return first_node()->reason && !events_node_is_up(first_node());
}

static bool canary_is_recorded(void)
{
	return fs_exists(canary_path);
}

static bool all_canaries_sent(void)
{
	return nodes[0].canaries == n_canaries;
}

static bool has_sandbox(void)
{
	return nodes[0].cells && !nodes[0].ready;
}

/* Start a build, wait for `ready`, and compile one unit. */
static void build(bool (*ready)(void))
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };

	start();
	coord_announce_compiler(coord, gcc, env);
	turn_until(ready, 60000);
	ck_assert(ready());
	/* Final messages arrive within a few turns of the loop. */
	for (int i = 0; i < 100; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	compile(NULL);
	turn_until(answered, 60000);
}

/* Build again, with new connections. */
static void build_again(bool (*ready)(void))
{
	wire_stream_free(wrapper);
	wrapper = NULL;
	coord_free(coord);
	turn_until(never, 20);
	free(local_why);
	free(diagnostics);
	free(printed);
	local_why = diagnostics = printed = NULL;
	done = false;
	for (size_t i = 0; i < roster.n; i++) {
		nodes[i].canaries = nodes[i].held_cells = nodes[i].jobs = 0;
		nodes[i].cells = 0;
	}
	build(ready);
}

static bool reason_has(const char *word)
{
	return node_is_down() && strstr(first_node()->reason, word);
}

FIXTURE(setup_native, teardown_native);
TIMEOUT(240);

TEST(a_node_of_another_architecture_gets_jobs_after_its_canary)
{
	play_node(0, HONEST);
	build(canary_is_recorded);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].held_cells, 1);
	ck_assert_uint_eq(nodes[0].canaries, n_canaries);
	ck_assert_uint_eq(nodes[0].jobs, 1);
}

TEST(a_canary_is_run_once_per_toolchain_digest)
{
	play_node(0, HONEST);
	build(canary_is_recorded);
	build_again(has_sandbox);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].canaries, 0);
	ck_assert_uint_eq(nodes[0].jobs, 1);
	/* Different content under the same name must pass the canary again. */
	nodes[0].held_content = other_hex;
	build_again(all_canaries_sent);
	ck_assert_uint_eq(nodes[0].held_cells, 1);
}

TEST(a_sandbox_that_is_lost_during_its_canary_is_requested_again)
{
	play_node(0, LOSING);
	build(canary_is_recorded);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].held_cells, 2);
	ck_assert_uint_eq(nodes[0].canaries, 1 + n_canaries);
	ck_assert_uint_eq(nodes[0].jobs, 1);
}

TEST_RANGE(a_node_with_a_failed_canary_gets_no_job_in_this_or_a_later_build, 0,
	   2)
{
	play_node(0, HONEST);
	nodes[0].miscompiled = _i ? NULL : "switches.c";
	nodes[0].talkative = _i ? "warnings.c" : NULL;
	build(node_is_down);
	ck_assert(reason_has(_i ? "canary failed: warnings.c" :
				  "canary failed: switches.c"));
	ck_assert_str_eq(local_why, "no node has the toolchain");
	ck_assert_uint_eq(nodes[0].shuts, 1);
	build_again(node_is_down);
	ck_assert(reason_has("canary failed: "));
	ck_assert_str_eq(local_why, "no node has the toolchain");
	ck_assert_uint_eq(nodes[0].jobs, 0);
	ck_assert_uint_eq(nodes[0].canaries, 0);
}

TEST_RANGE(the_reason_for_a_missing_toolchain_advises_its_installation, 0, 2)
{
	play_node(0, HONEST);
	nodes[0].held = _i ? "gcc-4.9.4-aarch64-linux-on-arm64" : NULL;
	build(node_is_down);
	ck_assert_str_eq(local_why, "no node has the toolchain");
	ck_assert(reason_has("kfarm toolchain install gcc-"));
	ck_assert(reason_has("--nodes node0"));
	ck_assert_str_eq(first_node()->state, "no toolchain");
	ck_assert_uint_eq(nodes[0].cells, 0);
}

TEST_RANGE(an_installed_toolchain_without_a_valid_digest_is_not_used, 0, 2)
{
	play_node(0, HONEST);
	nodes[0].held_content = _i ? "0123" : "not hexadecimal";
	build(node_is_down);
	ck_assert(reason_has("did not report the digest"));
	ck_assert_uint_eq(nodes[0].jobs, 0);
	ck_assert_uint_eq(nodes[0].canaries, 0);
}

static bool benchmark_done;

static void on_benchmark_done(void *ctx)
{
	(void)ctx;
	benchmark_done = true;
}

static bool is_benchmark_done(void)
{
	return benchmark_done;
}

/* Benchmark the toolchains of node0.  The caller releases *t. */
static void run_benchmark(struct peer_benchmark *t)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };

	*t = (struct peer_benchmark){ .nodes = xcalloc(1, sizeof(*t->nodes)),
				      .n_nodes = 1,
				      .on_done = on_benchmark_done };
	t->nodes[0].node = roster.v[0].name;
	tuning = t;
	benchmark_done = false;
	start();
	coord_announce_compiler(coord, gcc, env);
	turn_until(is_benchmark_done, 240000);
	ck_assert(benchmark_done);
	ck_assert_uint_eq(t->nodes[0].n_candidates, 2);
	coord_free(coord);
	coord = NULL;
	tuning = NULL;
}

/* The node can run the build host's toolchain and a native one. */
TEST_RANGE(a_build_uses_the_faster_toolchain_of_the_benchmark, 0, 2)
{
	struct peer_benchmark t;

	nodes[0].machine = machine_here();
	nodes[0].fit_host = "arm64";
	nodes[0].cpu_ms = _i ? 20 : 5; /* the uploaded toolchain takes 10 */
	play_node(0, HONEST);
	run_benchmark(&t);
	ck_assert_ptr_nonnull(t.nodes[0].best);
	ck_assert_uint_eq(nodes[0].canaries,
			  2 * PEER_BENCHMARK_ROUNDS * n_canaries);
	peer_benchmark_release(&t);
	nodes[0].held_cells = nodes[0].cells = 0;
	build(has_sandbox);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].held_cells, _i ? 0 : 1);
	ck_assert_uint_eq(nodes[0].jobs, 1);
}

TEST(a_lost_sandbox_fails_only_one_candidate_of_the_benchmark)
{
	const struct peer_benchmark_candidate *v;
	struct peer_benchmark t;

	nodes[0].machine = machine_here();
	nodes[0].fit_host = "arm64";
	nodes[0].cpu_ms = 20;
	play_node(0, LOSING);
	run_benchmark(&t);
	v = t.nodes[0].candidates;
	ck_assert_int_eq(v[0].status, PEER_CANARY_STATUS_ERROR);
	ck_assert_str_eq(v[0].detail, "as told");
	ck_assert_int_eq(v[1].status, PEER_CANARY_STATUS_PASSED);
	ck_assert_uint_eq(v[1].cpu_ms, 20 * n_canaries);
	ck_assert_ptr_eq(t.nodes[0].best, &v[1]);
	ck_assert_uint_eq(nodes[0].canaries,
			  1 + PEER_BENCHMARK_ROUNDS * n_canaries);
	peer_benchmark_release(&t);
}

/* Install a toolchain of two files on disk. */
static void install(void)
{
	struct toolchain_installed t = { .id = installed_id,
					 .release = (char *)"gcc-0.0.0",
					 .version = (char *)"0.0.0",
					 .host = (char *)"arm64",
					 .relative_prefix = (char *)"gcc",
					 .driver = (char *)"gcc",
					 .date = (char *)"" };
	char *bin = xasprintf("%s/data/toolchains/%s/gcc/bin", dir,
			      installed_id);
	char *one = xasprintf("%s/gcc", bin), *two = xasprintf("%s/as", bin);
	struct compiler_entries files;
	struct err err;

	must(fs_mkdirs(bin, 0755, &err));
	must(fs_write(one, bytes_str("one"), 0755, &err));
	must(fs_write(two, bytes_str("two"), 0755, &err));
	t.triplet = gcc_output("-dumpmachine");
	t.dir = xasprintf("%s/data/toolchains/%s", dir, installed_id);
	must(toolchain_dir_digest_read(&files, t.dir, NULL, &err));
	toolchain_dir_digest_compute(&files, &t.dir_digest);
	must(toolchain_installed_write(&t, &err));
	compiler_entries_release(&files);
	free(t.triplet);
	free(t.dir);
	free(one);
	free(two);
	free(bin);
}

/*
 * The toolchain of the node was replaced by another client: after a canary (0),
 * before the first use, with an installation on the build host (1), or between
 * the list and the sandbox (2).
 */
TEST_RANGE(a_toolchain_that_was_replaced_on_the_node_gets_no_job, 0, 3)
{
	char *data = at("data");

	if (_i == 1) {
		install();
		data_dir = data;
	}
	nodes[0].held_tree = installed_hex;
	play_node(0, HONEST);
	if (_i != 1) {
		build(canary_is_recorded);
		expect_delivered();
		nodes[0].held_content = other_hex;
	}
	if (_i == 2)
		nodes[0].held_tree_later = other_hex;
	else
		nodes[0].held_tree = other_hex;
	if (_i == 1)
		build(node_is_down);
	else
		build_again(node_is_down);
	ck_assert(
		reason_has("not the toolchain that the build host installed or "
			   "tested; run `kfarm toolchain install gcc-"));
	ck_assert_str_eq(local_why, "no node has the toolchain");
	ck_assert_uint_eq(nodes[0].held_cells, _i == 2 ? 1 : 0);
	ck_assert_uint_eq(nodes[0].canaries, 0);
	ck_assert_uint_eq(nodes[0].jobs, 0);
	free(data);
}

/* A result of an earlier version has no digest of the toolchain's files. */
TEST(a_canary_result_without_a_digest_of_the_files_is_not_used)
{
	play_node(0, HONEST);
	build(canary_is_recorded);
	nodes[0].held_tree = installed_hex;
	build_again(all_canaries_sent);
	expect_delivered();
	build_again(has_sandbox);
	ck_assert_uint_eq(nodes[0].canaries, 0);
	ck_assert_uint_eq(nodes[0].jobs, 1);
}

TEST_RANGE(a_missing_toolchain_is_uploaded_only_with_sync_toolchains, 0, 3)
{
	char *data = at("data");

	install();
	data_dir = data;
	nodes[0].held = NULL;
	nodes[0].fit_host = "arm64";
	nodes[0].refuses = _i == 2;
	roster.sync_toolchains = _i != 1;
	play_node(0, HONEST);
	roster.sync_toolchains = _i != 1;
	if (!_i)
		nodes[0].held_later = installed_id;
	build(_i ? node_is_down : canary_is_recorded);
	if (_i) {
		ck_assert(reason_has("kfarm toolchain install"));
		ck_assert_uint_eq(nodes[0].bundles, _i == 2 ? 1 : 0);
	} else {
		expect_delivered();
		ck_assert_uint_eq(nodes[0].bundles, 1);
	}
	free(data);
}

static const struct id_case {
	const char *id, *host, *version, *machine;
	bool is_clang, same;
} id_cases[] = {
	{ "gcc-13.3.0-aarch64-linux-on-arm64", "arm64", "13.3.0",
	  "aarch64-linux", false, true },
	{ "gcc-13.3.0-aarch64-linux-on-arm64", "arm64", "13.3.0",
	  "aarch64-linux-gnu", false, true },
	{ "gcc-13.3.0-aarch64-linux", "x86_64", "13.3.0", "aarch64-linux",
	  false, true },
	{ "gcc-13.3.0-arm-linux-gnueabi-on-arm64", "arm64", "13.3.0",
	  "arm-linux-gnueabi", false, true },
	{ "clang-18.1.8-on-arm64", "arm64", "18.1.8", "x86_64-linux-gnu", true,
	  true },
	{ "gcc-13.3.0-aarch64-linux-on-arm64", "arm64", "13.3", "aarch64-linux",
	  false, false },
	{ "gcc-13.3.0-aarch64-linux-on-arm64", "arm64", "13.2.0",
	  "aarch64-linux", false, false },
	{ "gcc-13.3.0-aarch64_be-linux-on-arm64", "arm64", "13.3.0",
	  "aarch64-linux", false, false },
	{ "gcc-13.3.0-arm-linux-gnueabi-on-arm64", "arm64", "13.3.0",
	  "arm-linux-gnueabihf", false, false },
	{ "gcc-13.3.0-aarch64-linux-on-arm64", "arm64", "13.3.0",
	  "aarch64-linux", true, false },
	{ "gcc-13.3.0", "arm64", "13.3.0", "aarch64-linux", false, false },
	{ "gcc-13.3.0-", "arm64", "13.3.0", "aarch64-linux", false, false },
};

TEST_EACH(an_id_matches_only_the_same_release_and_triplet, id_cases)
{
	struct compiler_manifest m = { .version = (char *)row->version,
				       .machine = (char *)row->machine,
				       .is_clang = row->is_clang };

	ck_assert_int_eq(peer_native_toolchain_matches(row->id, row->host, &m),
			 row->same);
}
