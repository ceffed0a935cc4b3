/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Units with scripted nodes: delivery, failures and local compiles. */
#include "../lib/test.h"
#include "coord-fixture.h"

#include "coord/internal.h"
#include "coord/unit.h"

#include "base/log.h"

#include <dirent.h>

FIXTURE(setup, teardown);
TIMEOUT(120);

TEST(without_nodes_the_wrapper_compiles)
{
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "no nodes configured");
	ck_assert(coord_is_busy(coord));
	wire_stream_free(wrapper);
	wrapper = NULL;
	turn_until(never, 50);
	ck_assert_uint_eq(stats()->n_local, 1);
	ck_assert_str_eq(stats()->reasons[0].text, "no nodes configured");
	ck_assert_str_eq(waiting_counts, "");
}

TEST(a_correct_result_of_a_node_is_delivered)
{
	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(stats()->n_remote, 1);
	ck_assert_uint_eq(first_node()->n_jobs, 1);
	ck_assert(!coord_is_busy(coord));
	ck_assert_str_eq(waiting_counts, "10");
}

/* Results after which another node must compile the unit. */
static const enum manner spoilers[] = { FLIPPED, SHORT, SWAPPED, FAILING,
					DEAD };

TEST_EACH(a_unit_that_fails_on_a_node_is_sent_to_another_node, spoilers)
{
	play_node(0, *row);
	play_node(1, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
	ck_assert_uint_eq(stats()->n_retried, 1);
	ck_assert_uint_eq(first_node()->n_failed, 1);
	ck_assert_str_ne(first_node()->state, "up");
	/*
	 * The job counts as local while its result is verified; no other state
	 * occurs.
	 */
	ck_assert_str_eq(waiting_counts, *row < FAILING ? "1010" : "10");
}

/*
 * The job itself can be the cause: a source that crashes a remote compiler also
 * crashes the local one.
 */
TEST(a_proven_node_backs_off_after_two_consecutive_failures)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	for (int i = 0; i < 3; i++) {
		nodes[0].manner = i == 1 ? HONEST : FAILING;
		compile_again("-Wall");
		turn_until(answered, 60000);
		ck_assert_int_eq(done, i == 1);
		ck_assert_str_eq(first_node()->state, "up");
	}
	compile_again("-Wextra");
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "node faults");
	ck_assert_str_eq(first_node()->state, "resting");
	ck_assert_uint_eq(first_node()->n_failed, 3);
}

TEST(a_unit_that_fails_on_three_nodes_is_compiled_locally)
{
	play_node(0, FLIPPED);
	play_node(1, FAILING);
	play_node(2, SWAPPED);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_ptr_nonnull(local_why);
	ck_assert_uint_eq(nodes[0].jobs + nodes[1].jobs + nodes[2].jobs, 3);
	ck_assert_str_eq(waiting_counts, "1010");
}

TEST(a_compile_error_is_repeated_locally_and_is_no_node_fault)
{
	play_node(0, COMPLAINING);
	play_node(1, HONEST);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "compile error");
	ck_assert_uint_eq(nodes[1].jobs, 0);
	ck_assert_uint_eq(first_node()->n_failed, 0);
	ck_assert_str_eq(first_node()->state, "up");
}

/* Nodes do not have the terminal's colours and width. */
TEST(on_a_terminal_a_unit_with_diagnostics_is_compiled_locally)
{
	play_node(0, WARNING);
	terminal = true;
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "diagnostics on a terminal");
}

TEST(on_a_terminal_a_unit_without_diagnostics_is_offloaded)
{
	play_node(0, HONEST);
	terminal = true;
	start();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
}

TEST(a_restricted_wrapper_compiles_locally)
{
	play_node(0, HONEST);
	confined = true;
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "closed output or tight limits");
	ck_assert_uint_eq(nodes[0].jobs, 0);
}

TEST(a_wrapper_with_another_root_compiles_itself)
{
	play_node(0, HONEST);
	other_root = "1:2:3";
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why,
			 "another root directory or mount namespace");
	ck_assert_uint_eq(nodes[0].jobs, 0);
}

TEST(a_unit_with_a_refused_option_is_compiled_locally)
{
	play_node(0, REFUSING);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "option refused by the node");
	ck_assert_uint_eq(first_node()->n_failed, 0);
}

TEST(a_node_with_another_compiler_gets_no_job)
{
	play_node(0, STRANGE);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "no node has the toolchain");
	ck_assert_uint_eq(nodes[0].jobs, 0);
	ck_assert_str_eq(first_node()->state, "no toolchain");
}

TEST(a_unit_with_an_unknown_option_is_compiled_locally)
{
	play_node(0, HONEST);
	start();
	compile("-fnobody-knows-this");
	turn_until(answered, 60000);
	text_has(local_why, "unknown option");
	ck_assert_uint_eq(nodes[0].jobs, 0);
}

TEST(exit_of_the_wrapper_leaves_no_unit_and_no_temporary_file)
{
	char *tmp = at("..unit.o.d.kfarm.4711");

	play_node(0, HONEST);
	start();
	compile(NULL);
	/* The wrapper exits during input discovery. */
	turn_until(never, 30);
	wire_stream_free(wrapper);
	wrapper = NULL;
	turn_until(never, 300);
	ck_assert(!coord_is_busy(coord));
	ck_assert(!fs_exists(tmp));
	free(tmp);
}

/*
 * End the loop in the second call, which follows the callbacks that were
 * pending in the first call.
 */
static void stop_loop(evutil_socket_t fd, short what, void *arg)
{
	struct event **stop = arg;

	(void)fd;
	if (what == EV_READ)
		event_active(*stop, EV_TIMEOUT, 0);
	else
		event_base_loopbreak(base);
}

TEST(exit_of_the_wrapper_at_the_end_of_the_build_leaves_no_temporary_file)
{
	struct event *stop;
	char *tmp, *dep;
	int ends[2];

	play_node(0, HONEST);
	start();
	compile(NULL);
	tmp = temporary("unit.o");
	dep = temporary(".unit.o.d");
	turn_until(answered, 60000);
	expect_delivered();
	/*
	 * The loop ends after the coordinator has queued the exit of the
	 * wrapper and before it dispatches the queue.
	 */
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	stop = event_new(base, ends[0], EV_READ, stop_loop, &stop);
	event_add(stop, NULL);
	wire_stream_free(wrapper);
	wrapper = NULL;
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	event_base_loop(base, 0);
	coord_free(coord);
	coord = NULL;
	ck_assert(!fs_exists(tmp));
	ck_assert(!fs_exists(dep));
	event_free(stop);
	close(ends[0]);
	close(ends[1]);
	free(tmp);
	free(dep);
}

static bool was_asked(void)
{
	return nodes[0].jobs == 1;
}

static bool was_cancelled(void)
{
	return nodes[0].cancels == 1;
}

TEST(exit_of_the_wrapper_cancels_its_job)
{
	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(was_asked, 60000);
	wire_stream_free(wrapper);
	wrapper = NULL;
	turn_until(was_cancelled, 60000);
	ck_assert(!coord_is_busy(coord));
	ck_assert_str_eq(waiting_counts, "10");
}

TEST(a_node_without_heartbeats_is_lost)
{
	nodes[0].mute = true;
	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "node lost");
	ck_assert_str_eq(first_node()->reason, "silent for 5 s");
}

static struct events_event load; /* the last load event */

static void on_load_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_LOAD)
		load = *ev;
}

static bool is_heat_reported(void)
{
	struct wire_health health = wire_health_unknown;
	struct buf body = { 0 };

	if (load.node && load.celsius_milli != EVENTS_UNKNOWN)
		return true;
	health.foreign_milli = 250;
	health.temperature_mk = 334650;
	health.speed_milli = 666;
	wire_health_encode_at(&body, &health, WIRE_VERSION);
	say(&nodes[0], WIRE_HEALTH, &body);
	return false;
}

TEST(load_events_contain_health_and_traffic_of_a_node)
{
	struct events_subscriber listener = { .on_event = on_load_event };

	events_hub_subscribe(hub, &listener);
	play_node(0, BROODING);
	start();
	wait_for_cells();
	turn_until(is_heat_reported, 60000);
	ck_assert_str_eq(load.node, roster.v[0].name);
	ck_assert_int_eq(load.foreign_milli, 250);
	ck_assert_int_eq(load.celsius_milli, 61500);
	ck_assert_int_eq(load.speed_milli, 666);
	ck_assert_int_gt(load.sent_bytes, 0);
	ck_assert_int_gt(load.received_bytes, 0);
	events_hub_unsubscribe(hub, &listener);
}

TEST(a_late_job_gets_a_hedged_local_compile)
{
	char *tmp = at(".unit.o.kfarm.4711.hedge");

	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(stats()->n_hedged, 1);
	ck_assert_uint_eq(stats()->n_local, 1);
	turn_until(was_cancelled, 60000);
	ck_assert_str_eq(first_node()->state, "resting");
	ck_assert(!fs_exists(tmp));
	free(tmp);
}

TEST(a_hedge_with_a_temporary_name_in_its_object_has_failed)
{
	char *text = xasprintf("const char name[] = \"%s/unit.S\";\n", dir);

	write_file("unit.c", text);
	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_ptr_nonnull(local_why);
	ck_assert_str_eq(local_why, "slow or lost node");
	ck_assert_uint_eq(stats()->n_hedged, 1);
	free(text);
}

/* A hedged request would also write unit.su. */
TEST(a_late_job_with_side_outputs_becomes_a_local_compile)
{
	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile("-fstack-usage");
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "slow or lost node");
	ck_assert_uint_eq(stats()->n_hedged, 0);
	turn_until(was_cancelled, 60000);
}

/* A unit of 30,240 functions takes a local compiler at least 20 s. */
static const char slow_header[] =
	"int unit(int a);\n"
	"#define UNIT 3\n"
	"#define F(n) int f##n(int a, int *b) { while (a--) b[a] += b[a / 3]; "
	"return b[1##n]; }\n"
	"#define TEN(f, n) f(n##0) f(n##1) f(n##2) f(n##3) f(n##4) f(n##5) "
	"f(n##6) f(n##7) f(n##8) f(n##9)\n"
	"#define F2(n) TEN(F, n)\n"
	"#define F3(n) F2(n##0) F2(n##1) F2(n##2) F2(n##3) F2(n##4) F2(n##5)\n"
	"#define F4(n) F3(n##0) F3(n##1) F3(n##2) F3(n##3) F3(n##4) F3(n##5)\n"
	"#define F5(n) F4(n##0) F4(n##1) F4(n##2) F4(n##3) F4(n##4) F4(n##5)\n"
	"F5(1) F5(2) F5(3) F5(4) F5(5) F5(6) F5(7) F5(8) F5(9) F5(10) F5(11) "
	"F5(12) F5(13) F5(14)\n";

/* Return the log of the hedged local compile, if any; the caller frees it. */
static char *hedge_log(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char *found = NULL;

	ck_assert_ptr_nonnull(d);
	while (!found && (e = readdir(d))) {
		if (str_starts(e->d_name, "hedge-"))
			found = at(e->d_name);
	}
	closedir(d);
	return found;
}

static bool hedge_runs(void)
{
	char *log = hedge_log();

	free(log);
	return log || answered();
}

static char *unrenamed;

static bool is_cleaned_up(void)
{
	return !fs_exists(unrenamed);
}

TEST(a_result_of_the_node_ends_the_hedged_compile)
{
	char *log, *tmp = at(".unit.o.kfarm.4711.hedge");
	char *other = at(".unit.o.kfarm.47111-0123abcd.hedge.tmp");

	unrenamed = at(".unit.o.kfarm.4711-0123abcd.hedge.tmp");
	write_file("unit.h", slow_header);
	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile("-O2");
	turn_until(hedge_runs, 60000);
	log = hedge_log();
	ck_assert_ptr_nonnull(log);
	ck_assert(!answered());
	write_file(str_base(unrenamed), "as clang writes it");
	write_file(str_base(other), "somebody else's");
	nodes[0].manner = HONEST;
	send_answer(&nodes[0]);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert(!fs_exists(log));
	ck_assert(!fs_exists(tmp));
	ck_assert_uint_eq(nodes[0].cancels, 0);
	turn_until(is_cleaned_up, 60000);
	ck_assert(!fs_exists(unrenamed));
	ck_assert(fs_exists(other));
	free(unrenamed);
	free(other);
	free(log);
	free(tmp);
}

static void do_nothing(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

static struct coord_unit *only_unit(void)
{
	size_t i = 0;

	while (!coord->units.v[i])
		i++;
	return coord->units.v[i];
}

static bool result_is_queued(void)
{
	return coord->queue.n &&
	       coord->queue.v[coord->queue.n - 1].event.kind == SCHED_EV_RESULT;
}

static bool hedge_has_ended(void)
{
	return !only_unit()->hedge;
}

/* The dispatcher receives the result and then the end of the hedge. */
TEST(a_hedge_that_ends_in_the_turn_of_the_result_leaves_no_files)
{
	struct event *kick, *none = evtimer_new(base, do_nothing, NULL);

	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(hedge_runs, 60000);
	/* Let the events wait in the queue. */
	kick = coord->timers.kick;
	coord->timers.kick = none;
	event_del(coord->timers.sched);
	nodes[0].manner = HONEST;
	send_answer(&nodes[0]);
	turn_until(result_is_queued, 60000);
	turn_until(hedge_has_ended, 60000);
	ck_assert(!answered());
	coord->timers.kick = kick;
	coord->timers.sched_ms = 0;
	event_free(none);
	event_active(kick, EV_TIMEOUT, 0);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(stats()->n_hedged, 1);
}

TEST(files_are_packed_with_the_strongest_codec_of_a_node)
{
	play_node(0, HONEST);
	play_node(1, HONEST);
	roster.v[0].codec = WIRE_PLAIN;
	roster.v[1].codec = WIRE_ZSTD;
	start();
	ck_assert_int_eq(coord->codec, WIRE_ZSTD);
}

static bool two_beats(void)
{
	return beats >= 2;
}

TEST(a_waiting_wrapper_receives_heartbeats)
{
	struct err err;
	char *silent;

	play_node(0, HONEST);
	/*
	 * The connection is open, but no HELLO arrives: the node stays
	 * undecided.
	 */
	event_del(nodes[0].listener);
	start();
	compile(NULL);
	silent = at("socket.silent");
	must(fs_write(silent, bytes_str(""), 0600, &err));
	turn_until(two_beats, 60000);
	ck_assert_uint_ge(beats, 2);
	/* The marker of a silent coordinator is outdated and removed. */
	ck_assert(!fs_exists(silent));
	free(silent);
	ck_assert(!answered());
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "no node is up");
}

static void expect_local(const char *why)
{
	play_node(0, HONEST);
	start();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, why);
	ck_assert_uint_eq(nodes[0].jobs, 0);
}

TEST(an_object_with_an_unusual_mode_is_compiled_locally)
{
	char *path = at("unit.o");
	struct err err;

	must(fs_write(path, bytes_str("x"), 0600, &err));
	free(path);
	expect_local("output is not a plain file of the usual mode");
}

TEST(under_another_umask_the_wrapper_compiles)
{
	mask ^= 022;
	expect_local("another umask");
}

TEST(a_source_that_is_a_fifo_is_compiled_locally)
{
	char *path = at("unit.c");

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	free(path);
	expect_local("source is not a plain file");
}

TEST(the_coordinator_does_not_spin_without_free_descriptors)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct rlimit few = { .rlim_cur = 64, .rlim_max = 64 };
	int fd, client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t end = clock_ms() + 1500;
	unsigned turns = 0;

	start();
	strcpy(sun.sun_path, socket_path);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&sun, sizeof(sun)),
			 0);
	while (clock_ms() < end) {
		event_base_loop(base, EVLOOP_ONCE);
		turns++;
	}
	ck_assert_uint_lt(turns, 50);
}

/* Use a new name for the compiler, with which a node creates a sandbox. */
static void use_own_name(void)
{
	char *name = at("own-gcc");

	ck_assert_int_eq(symlink(gcc, name), 0);
	free(gcc);
	gcc = name;
	play_node(0, HONEST);
	start();
	wait_for_cells();
	/* Wait, so that the file has a different time stamp. */
	turn_until(never, 50);
}

TEST(a_compiler_with_only_a_new_ctime_stays_in_use)
{
	struct stat before, after;
	char *other;

	use_own_name();
	other = at("other-name");
	ck_assert_int_eq(lstat(gcc, &before), 0);
	ck_assert_int_eq(linkat(AT_FDCWD, gcc, AT_FDCWD, other, 0), 0);
	ck_assert_int_eq(lstat(gcc, &after), 0);
	ck_assert(before.st_ctim.tv_sec != after.st_ctim.tv_sec ||
		  before.st_ctim.tv_nsec != after.st_ctim.tv_nsec);
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	/* By now, the check that runs each second has run. */
	turn_until(never, 2500);
	compile_again("-Wall");
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(stats()->n_remote, 2);
	free(other);
}

/* Receive what is logged. */
static void on_log(void *ctx, const char *line)
{
	struct buf *log = ctx;

	buf_add_str(log, line);
	buf_add_str(log, "\n");
}

static bool closed;

static void on_wrapper_closed(void *ctx, const struct err *why)
{
	(void)ctx;
	(void)why;
	closed = true;
}

static bool is_closed(void)
{
	return closed;
}

/* Connect as a wrapper, and send a message that has only one byte. */
static void send_one_byte(uint16_t type)
{
	static const struct wire_stream_ops ops = {
		.on_msg = wrapper_hears, .on_close = on_wrapper_closed
	};
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, socket_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	wrapper = wire_stream_new(base, fd, fd, &ops, NULL);
	closed = false;
	wire_stream_send(wrapper, type, bytes_str("x"), WIRE_PLAIN);
	turn_until(is_closed, 60000);
	ck_assert(closed);
	wire_stream_free(wrapper);
	wrapper = NULL;
}

static const struct foreign_request {
	uint16_t type;
	const char *why;
} foreign_requests[] = {
	{ WIRE_CC_JOB, "malformed request" },
	{ WIRE_CC_FIXDEP, "malformed request" },
	{ WIRE_CC_STEP, "malformed request" },
	{ WIRE_RELAY, "unexpected message" },
};

TEST_EACH(a_wrapper_of_another_version_is_reported_once, foreign_requests)
{
	struct buf log = { 0 };
	char *want = xasprintf("kfarm: warning: kfarm-cc: %s; another version "
			       "may have replaced it during the build; such "
			       "compiles run locally\n",
			       row->why);

	start();
	log_set_sink(on_log, &log);
	send_one_byte(row->type);
	send_one_byte(row->type);
	log_set_sink(NULL, NULL);
	ck_assert_str_eq(buf_str(&log), want);
	buf_release(&log);
	free(want);
}

TEST(a_wrong_result_is_logged_with_the_member_of_the_relay)
{
	struct buf log = { 0 };

	play_node(0, FLIPPED);
	nodes[0].member = "rack/board1";
	start();
	wait_for_cells();
	log_set_sink(on_log, &log);
	compile(NULL);
	turn_until(answered, 60000);
	log_set_sink(NULL, NULL);
	ck_assert_msg(strstr(buf_str(&log), "/rack/board1: "), "%s",
		      buf_str(&log));
	buf_release(&log);
}

/* The relay remains usable, unless its other member is wrong as well. */
TEST(a_relay_excludes_the_member_with_a_wrong_result)
{
	play_node(0, FLIPPED);
	nodes[0].member = "board1";
	nodes[0].other = "board2";
	nodes[0].listed = "board1 board2";
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_uint_eq(nodes[0].exclusions, 1);
	ck_assert_uint_eq(nodes[0].jobs, 1);
	/* The next wrong result counts as a fault of the relay itself. */
	for (int i = 0; i < 2; i++) {
		compile_again(i ? "-Wall" : "-Wextra");
		turn_until(answered, 60000);
	}
	ck_assert_uint_eq(nodes[0].exclusions, 1);
	ck_assert_uint_eq(nodes[0].jobs, 2);
}

/* Only the member with the wrong result executes jobs. */
static const struct {
	const char *listed, *wrong;
} last_members[] = {
	{ "board1", "board1" },
	{ "rack rack/board1", "rack/board1" },
};

TEST_EACH(the_last_member_of_a_relay_is_not_excluded, last_members)
{
	play_node(0, FLIPPED);
	nodes[0].listed = row->listed;
	nodes[0].member = row->wrong;
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_uint_eq(nodes[0].jobs, 1);
	ck_assert_uint_eq(nodes[0].exclusions, 0);
}

/* The relay "rack" stays listed, but it has no member left. */
TEST(a_listed_relay_without_members_is_not_counted_as_a_member)
{
	play_node(0, FLIPPED);
	nodes[0].member = "rack/board1";
	nodes[0].other = "board2";
	nodes[0].listed = "rack rack/board1 board2";
	nodes[0].listed_later = "rack board2";
	start();
	wait_for_cells();
	for (int i = 0; i < 2; i++) {
		i ? compile_again("-Wall") : compile(NULL);
		turn_until(answered, 60000);
	}
	ck_assert_uint_eq(nodes[0].jobs, 2);
	ck_assert_uint_eq(nodes[0].exclusions, 1);
}

TEST(an_excluded_member_that_is_down_is_not_counted)
{
	play_node(0, FLIPPED);
	nodes[0].member = "board1";
	nodes[0].other = "board2";
	nodes[0].listed = "board1 board2";
	nodes[0].listed_later = "board2 board3";
	start();
	wait_for_cells();
	for (int i = 0; i < 2; i++) {
		i ? compile_again("-Wall") : compile(NULL);
		turn_until(answered, 60000);
	}
	ck_assert_uint_eq(nodes[0].exclusions, 2);
}

TEST(a_replaced_compiler_invalidates_results_of_nodes)
{
	struct buf log = { 0 };
	char *want;

	use_own_name();
	log_set_sink(on_log, &log);
	want = xasprintf("%s changed during the build", gcc);
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_int_eq(unlink(gcc), 0);
	ck_assert_int_eq(symlink("/bin/true", gcc), 0);
	compile_again("-Wall");
	turn_until(answered, 60000);
	ck_assert_msg(local_why, "an answer of the old compiler was taken");
	ck_assert_str_eq(local_why, "compiler changed during the build");
	ck_assert_uint_eq(stats()->n_remote, 1);
	ck_assert_uint_le(nodes[0].jobs, 2);
	log_set_sink(NULL, NULL);
	ck_assert_msg(strstr(buf_str(&log), want) != NULL, "%s", buf_str(&log));
	buf_release(&log);
	free(want);
}

/* ------------------------------------------------ coord_when_ready() */

static void set_flag(void *flag)
{
	*(bool *)flag = true;
}

/* Timers expire in order, however slow the machine is. */
static void expect_flag(evutil_socket_t fd, short what, void *flag)
{
	(void)fd;
	(void)what;
	ck_assert_msg(*(bool *)flag, "the limit of the wait has passed");
}

static struct event *marker;

static bool is_connected(void)
{
	return nodes[0].stream;
}

static bool is_over(void)
{
	return !event_pending(marker, EV_TIMEOUT, NULL);
}

TEST(a_node_that_comes_up_does_not_extend_the_wait_for_the_nodes)
{
	const struct timeval late = { .tv_usec = 700000 };
	bool ready = false;

	play_node(0, HONEST);
	play_node(1, HONEST);
	/* Connections are established, but there is no HELLO. */
	event_del(nodes[1].listener);
	start();
	/* The next turns of the loop bring HELLO. */
	turn_until(is_connected, 60000);
	coord_when_ready(coord, 400, set_flag, &ready);
	marker = event_new(base, -1, 0, expect_flag, &ready);
	ck_assert_int_eq(event_add(marker, &late), 0);
	turn_until(is_over, 60000);
	ck_assert(is_over());
	event_free(marker);
}
