/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/coord-fixture.h - The coordinator between a wrapper and scripted
 * nodes, with the machine's own gcc as the compiler.
 */
#ifndef COORD_PLAY_H
#define COORD_PLAY_H

#include "../lib/scripted-node.h"
#include "../lib/test.h"

#include "cache/cache.h"
#include "coord/coord.h"

#include "events/totals.h"
#include "wire/cc.h"

static struct coord *coord;
static char *socket_path;
/* What the wrapper received. */
static const char *source = "unit.c";
static char *diagnostics; /* stderr of the compile */
static struct wire_stream *wrapper;
static char *local_why;
static char *printed; /* on stdout */
static bool done;
static struct wire_cc_step *step; /* tool step requested with a compile */
/* last announcement, SCHED_STEP_*; -1: none */
static int steps_wanted, steps_disabled;
static unsigned beats;
/* Pid of the last wrapper; the first one has 4711. */
static unsigned wrapper_pid = 4710;
static mode_t mask; /* umask of the wrapper */
static bool terminal; /* the wrapper's stderr is a terminal */
static bool confined; /* closed output or tight limits */
static const char *other_root; /* root of the wrapper; NULL: this process's */
static const char *canary_file, *data_dir; /* for coord_setup */
static struct peer_benchmark *tuning;
static struct cache *results; /* the result cache, or NULL */
static const char *variable; /* "NAME=VALUE" in the environment, or NULL */
static bool connects_on_demand, caches_only_remote;
static int64_t unit_cost_ms = EVENTS_UNKNOWN; /* in the baseline build */
static struct events_hub *hub;
static struct events_totals tally; /* totals of its events */
static struct events_subscriber counter = { .on_event = events_totals_add,
					    .ctx = &tally };
static char waiting_counts[64]; /* extra recipes, a digit for each change */

static bool answered(void)
{
	return done || local_why;
}

static bool has_step(enum wire_step_kind kind)
{
	return step && step->kind == kind;
}

/* Return the name of the wrapper's object. */
static const char *object_name(void)
{
	if (has_step(WIRE_STEP_DEVICETREE))
		return "unit.dtb";
	return has_step(WIRE_STEP_SYMBOLS) ? "" : "unit.o";
}

/* Add the arguments before the source. */
static void add_mode(struct strv *argv)
{
	bool tree = has_step(WIRE_STEP_DEVICETREE);

	strv_add(argv, step && !has_step(WIRE_STEP_OBJECT) ? "-E" : "-c");
	if (has_step(WIRE_STEP_SYMBOLS))
		return;
	strv_add(argv, "-o");
	strv_add(argv, tree ? "unit.tmp" : "unit.o");
	if (tree)
		strv_add(argv, "-xassembler-with-cpp");
}

static int wrapper_hears(void *ctx, uint16_t type, struct bytes body,
			 struct err *err)
{
	struct wire_cc_done m;

	(void)ctx;
	(void)err;
	if (type == WIRE_CC_BEAT)
		beats++;
	/* The wrapper receives exactly one reply. */
	ck_assert(type == WIRE_CC_BEAT || (!done && !local_why));
	if (type == WIRE_CC_LOCAL)
		local_why = bytes_dup(body);
	if (type == WIRE_CC_DONE) {
		ck_assert_int_eq(wire_cc_done_decode(&m, body), 0);
		ck_assert_str_eq(m.object, object_name());
		ck_assert_str_eq(m.dep, ".unit.o.d");
		ck_assert_int_eq(m.status, 0);
		diagnostics = bytes_dup(m.err);
		printed = bytes_dup(m.out);
		done = true;
		wire_cc_done_release(&m);
	}
	return 0;
}

static void wrapper_closed(void *ctx, const struct err *why)
{
	(void)ctx;
	(void)why;
}

/* Return the path of the temporary file that the last wrapper would rename. */
static char *temporary(const char *name)
{
	return xasprintf("%s/.%s.kfarm.%u", dir, name, wrapper_pid);
}

/*
 * Send a job like kfarm-cc, with a new pid for each wrapper.  After a wrapper
 * has exited, the coordinator stores the result and then removes the wrapper's
 * temporary files.  The next compile can already be running.
 */
static void compile(const char *extra)
{
	static const struct wire_stream_ops ops = {
		.on_msg = wrapper_hears, .on_close = wrapper_closed
	};
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct wire_cc_job m = { .pid = ++wrapper_pid,
				 .umask = mask,
				 .tty_stderr = terminal,
				 .restricted = confined,
				 .root = other_root ? xstrdup(other_root) :
						      wire_cc_root(),
				 .cwd = dir,
				 .compiler = gcc };
	struct buf body = { 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strv_add(&m.argv, "gcc");
	strv_add(&m.argv, "-Wp,-MMD,.unit.o.d");
	strv_add(&m.argv, "-O2");
	if (extra)
		strv_add(&m.argv, extra);
	if (step && step->text) {
		strv_add(&m.argv, "-I.");
		strv_add(&m.argv, "-xc");
	}
	add_mode(&m.argv);
	strv_add(&m.argv, source);
	strv_add(&m.env, "PATH=/usr/bin:/bin");
	if (variable)
		strv_add(&m.env, variable);
	strcpy(sun.sun_path, socket_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	wrapper = wire_stream_new(base, fd, fd, &ops, NULL);
	if (step) {
		wire_cc_step_encode(&body, step);
		wire_stream_send(wrapper, WIRE_CC_STEP, buf_bytes(&body),
				 WIRE_PLAIN);
		buf_reset(&body);
	}
	wire_cc_job_encode(&body, &m);
	wire_stream_send(wrapper, WIRE_CC_JOB, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	strv_release(&m.argv);
	strv_release(&m.env);
	free(m.root);
}

/* Free the reply to the wrapper, and remove its temporary files. */
static void forget_answer(void)
{
	char *tmp = temporary("unit.o"), *dep = temporary(".unit.o.d");

	wire_stream_free(wrapper);
	wrapper = NULL;
	free(local_why);
	free(diagnostics);
	free(printed);
	local_why = diagnostics = printed = NULL;
	done = false;
	turn_until(never, 20);
	unlink(tmp);
	unlink(dep);
	free(tmp);
	free(dep);
}

/* Compile another unit after the reply to the previous one. */
__attribute__((unused)) static void compile_again(const char *extra)
{
	forget_answer();
	compile(extra);
}

static void compile_whole(void)
{
	char *argv[] = { gcc,          (char *)"-O2",        (char *)"-c",
			 (char *)"-o", (char *)"expected.o", (char *)"unit.c",
			 NULL };
	struct spawn what = { .argv = argv,
			      .cwd = dir,
			      .stdio_fds = { -1, -1, -1 } };
	struct err err;
	char *path = at("expected.o");
	pid_t pid;

	must(spawn_start(&what, &pid, &err));
	ck_assert_int_eq(spawn_wait(pid), 0);
	must(fs_read(path, 1 << 20, &object, &err));
	free(path);
}

static void setup(void)
{
	static const char unit[] =
		"#include \"unit.h\"\nint unit(int a) { return a * UNIT; }\n";
	static const char header[] = "#define UNIT 3\nint unit(int a);\n";
	char *c, *h;
	struct err err;

	tempdir_make(dir);
	mask = umask(0);
	umask(mask);
	c = at("unit.c");
	h = at("unit.h");
	fs_write(c, bytes_str(unit), 0644, &err);
	fs_write(h, bytes_str(header), 0644, &err);
	free(c);
	free(h);
	base = event_base_new();
	hub = events_hub_new();
	events_hub_subscribe(hub, &counter);
	gcc = which_compiler("gcc", "/usr/bin:/bin", NULL);
	ck_assert_ptr_nonnull(gcc);
	socket_path = at("socket");
	steps_wanted = -1;
	compile_whole();
}

static void on_waiting(void *ctx, unsigned n)
{
	(void)ctx;
	ck_assert_uint_lt(n, 10);
	waiting_counts[strlen(waiting_counts)] = (char)('0' + n);
}

static void on_steps(void *ctx, unsigned wanted, unsigned disabled)
{
	(void)ctx;
	steps_wanted = (int)wanted;
	steps_disabled = (int)disabled;
}

static int64_t cost_in_baseline_ms(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return unit_cost_ms;
}

static void start(void)
{
	struct coord_setup s = { .base = base,
				 .cost_ms = cost_in_baseline_ms,
				 .socket_path = socket_path,
				 .work_dir = dir,
				 .toolchain_wait_ms = 100000,
				 .roster = &roster,
				 .connects_on_demand = connects_on_demand,
				 .local_slots = 1,
				 .canary_db = canary_file,
				 .data_dir = data_dir,
				 .benchmark = tuning,
				 .cache = results,
				 .caches_only_remote = caches_only_remote,
				 .hub = hub,
				 .on_waiting_changed = on_waiting,
				 .on_steps_changed = on_steps };
	struct err err;

	must(coord_new(&coord, &s, &err));
}

static bool all_have_cells(void)
{
	for (size_t i = 0; i < roster.n; i++) {
		if (!nodes[i].cells || nodes[i].ready)
			return false;
	}
	return true;
}

/* Wait until each node has its sandbox. */
__attribute__((unused)) static void wait_for_cells(void)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };

	coord_announce_compiler(coord, gcc, env);
	turn_until(all_have_cells, 60000);
	ck_assert(all_have_cells());
	/* Final messages arrive within a few turns of the loop. */
	for (int i = 0; i < 100; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void teardown(void)
{
	if (wrapper)
		wire_stream_free(wrapper);
	free(diagnostics);
	free(printed);
	coord_free(coord);
	cache_free(results);
	end_nodes();
	events_hub_free(hub);
	events_totals_release(&tally);
	event_base_free(base);
	tempdir_remove(dir);
}

/* Check that the temporary files contain the object and its list completely. */
static void expect_delivered(void)
{
	char *path = temporary("unit.o"), *dep = temporary(".unit.o.d");
	struct buf got = { 0 }, list = { 0 };
	struct err err;

	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	must(fs_read(path, 1 << 20, &got, &err));
	ck_assert(bytes_equal(buf_bytes(&got), buf_bytes(&object)));
	must(fs_read(dep, 1 << 20, &list, &err));
	ck_assert_str_eq(buf_str(&list), "unit.o: unit.c unit.h\n");
	buf_release(&got);
	buf_release(&list);
	free(path);
	free(dep);
}

/* Return the totals of its events, and update its nodes' counts. */
static const struct events_totals *stats(void)
{
	coord_report_final_loads(coord);
	return &tally;
}

__attribute__((unused)) static const struct events_node *first_node(void)
{
	return stats()->nodes[0];
}

#endif
