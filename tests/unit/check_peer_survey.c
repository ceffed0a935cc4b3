/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
/* Surveys that only identify nodes and make no further requests. */
#include "../lib/busy.h"
#include "../lib/test.h"

#include "peer/survey.h"

#include "base/clock.h"
#include "base/vec.h"
#include "wire/stream.h"

#include <poll.h>

/*
 * The nodes of this test are this program itself, started as "exec:PROGRAM
 * --node KIND" with the session on descriptors 0 and 1.
 */
static char self[4096];

struct fake {
	const char *kind;
	struct wire_conn *conn;
};

static bool is(const struct fake *f, const char *kind)
{
	return !strcmp(f->kind, kind);
}

static void fake_flush(struct fake *f)
{
	struct bytes b;

	while ((b = wire_conn_pending(f->conn)).len) {
		ssize_t n = write(1, b.data, b.len);

		if (n < 0)
			_exit(0);
		wire_conn_consume(f->conn, (size_t)n);
	}
}

static void fake_send(struct fake *f, uint16_t type, struct buf *body)
{
	wire_conn_send(f->conn, type, buf_bytes(body), WIRE_PLAIN);
	buf_release(body);
	fake_flush(f);
}

static void fake_hello(struct fake *f)
{
	struct wire_hello m = { .version_min = WIRE_VERSION_MIN,
				.version_max = WIRE_VERSION,
				.software = (char *)"kfarmd 9" };
	struct buf body = { 0 };

	if (is(f, "slow start"))
		be_busy(8000);
	if (is(f, "future"))
		m.version_min = m.version_max = 77;
	if (is(f, "version 7"))
		m.version_max = 7;
	m.inventory = (struct wire_inventory){ .machine = (char *)"aarch64",
					       .host = (char *)"board",
					       .boot_id = (char *)"boot",
					       .cores = 6,
					       .memory_mib = 4096,
					       .available_mib = 3000,
					       .load_milli = 120 };
	wire_hello_encode(&body, &m);
	fake_send(f, WIRE_HELLO, &body);
	if (is(f, "hello twice")) {
		wire_hello_encode(&body, &m);
		fake_send(f, WIRE_HELLO, &body);
	}
}

static void fake_machine(struct fake *f)
{
	struct wire_machine m = { .model = (char *)"a board",
				  .health = wire_health_unknown };
	struct buf body = { 0 };

	wire_machine_encode(&body, &m);
	if (is(f, "odd machine"))
		body.len--;
	fake_send(f, WIRE_MACHINE, &body);
}

static void fake_fit(struct fake *f)
{
	struct wire_fit m = { .usable = !is(f, "unfit"),
			      .layers = (char *)"user mount" };
	struct buf body = { 0 };

	m.reason = (char *)(m.usable ? "" : "no user namespaces: sysctl x=1");
	wire_fit_encode(&body, &m);
	if (is(f, "broken"))
		body.len--;
	fake_send(f, WIRE_FIT, &body);
}

/* A node sends LEASE while it executes jobs of another client. */
static void fake_lease(struct fake *f)
{
	struct wire_lease m = { .n_slots = 2 };
	struct buf body = { 0 };

	wire_lease_encode(&body, &m);
	fake_send(f, WIRE_LEASE, &body);
}

/* The node sends heartbeats, so it is not silent. */
static void fake_heartbeats(struct fake *f)
{
	struct wire_beat m = { 0 };
	struct buf body = { 0 };

	for (;;) {
		wire_beat_encode(&body, &m);
		fake_send(f, WIRE_BEAT, &body);
		usleep(100000);
	}
}

/* RELAY arrives later than MACHINE. */
static void fake_relay(struct fake *f)
{
	struct wire_relay m = { 0 };
	struct buf body = { 0 };

	strv_add(&m.members, "board1");
	strv_add(&m.members, "inner/board2");
	usleep(20000);
	wire_relay_encode(&body, &m);
	strv_release(&m.members);
	if (is(f, "odd relay"))
		body.len--;
	fake_send(f, WIRE_RELAY, &body);
}

static void fake_session(struct fake *f)
{
	struct buf none = { 0 };

	if (is(f, "fit first"))
		fake_fit(f);
	fake_hello(f);
	if (is(f, "dies"))
		_exit(9);
	if (is(f, "odd message"))
		fake_send(f, WIRE_JOB, &none);
	if (is(f, "machine first"))
		fake_machine(f);
	if (is(f, "no fit"))
		return;
	fake_fit(f);
	if (is(f, "busy"))
		fake_lease(f);
	if (is(f, "no machine"))
		fake_heartbeats(f);
	if (!is(f, "version 7"))
		fake_machine(f);
	if (is(f, "relay") || is(f, "odd relay"))
		fake_relay(f);
}

static int fake_msg(void *ctx, uint16_t type, struct bytes body,
		    struct err *err)
{
	struct fake *f = ctx;
	struct buf out = { 0 };

	(void)body;
	(void)err;
	if (type == WIRE_BYE && !is(f, "deaf"))
		_exit(0);
	if (type == WIRE_HELLO && is(f, "bye")) {
		wire_bye_encode(&out, "no disk");
		fake_send(f, WIRE_BYE, &out);
	} else if (type == WIRE_HELLO && !is(f, "mute")) {
		fake_session(f);
	}
	return 0;
}

static int fake_node(const char *kind)
{
	struct fake f = { .kind = kind };
	char block[4096];
	struct err err;
	ssize_t n;

	f.conn = wire_conn_new(fake_msg, &f);
	while ((n = read(0, block, sizeof(block))) > 0) {
		if (wire_conn_feed(f.conn, bytes_of(block, (size_t)n), &err))
			return 4;
	}
	return 0;
}

/* glibc passes the arguments of main() to constructors. */
__attribute__((constructor)) static void run_as_node(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "--node"))
		exit(fake_node(argv[2]));
}

static void find_self(void)
{
	ck_assert_int_ge(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
}

static void init_entry(struct node_entry *e, const char *kind)
{
	*e = (struct node_entry){ .name = xstrdup(kind) };
	e->address.text = str_starts(kind, "sh ") ?
				  xstrdup(kind + 3) :
				  xasprintf("exec %s --node '%s'", self, kind);
}

static void run_for(struct peer_survey_node *out, const char *const *kinds,
		    size_t n, unsigned hello_ms)
{
	static struct node_entry entries[16];
	struct peer_survey_setup setup = { .nodes = out,
					   .n = n,
					   .identify_only = true,
					   .hello_timeout_ms = hello_ms };
	struct err err = { 0 };

	for (size_t i = 0; i < n; i++) {
		init_entry(&entries[i], kinds[i]);
		peer_survey_init(&out[i], &entries[i]);
	}
	must(peer_survey_run(&setup, NULL, &err));
	for (size_t i = 0; i < n; i++) {
		free(entries[i].name);
		free(entries[i].address.text);
	}
}

/* Survey nodes that answer or disconnect before any timeout. */
static void run(struct peer_survey_node *out, const char *const *kinds,
		size_t n)
{
	run_for(out, kinds, n, 60000);
}

FIXTURE_ONCE(find_self, NULL);
TIMEOUT(30);

TEST(a_survey_returns_hello_fit_and_machine_of_a_node)
{
	static const char *const kinds[] = { "good" };
	struct peer_survey_node p;

	run(&p, kinds, 1);
	ck_assert(p.up);
	ck_assert_ptr_null(p.why);
	ck_assert_str_eq(p.hello.software, "kfarmd 9");
	ck_assert_str_eq(p.hello.inventory.machine, "aarch64");
	ck_assert_uint_eq(p.hello.inventory.cores, 6);
	ck_assert(p.fit.usable);
	ck_assert_str_eq(p.fit.layers, "user mount");
	ck_assert_str_eq(p.fit.reason, "");
	ck_assert_str_eq(p.machine.model, "a board");
	peer_survey_release(&p);
}

TEST(a_node_of_version_7_is_up_without_a_machine_report)
{
	static const char *const kinds[] = { "version 7" };
	struct peer_survey_node p;

	run(&p, kinds, 1);
	ck_assert(p.up);
	ck_assert_uint_eq(p.hello.inventory.cores, 6);
	ck_assert_ptr_null(p.machine.model);
	peer_survey_release(&p);
}

TEST(a_node_without_sandbox_support_is_up_but_not_usable)
{
	static const char *const kinds[] = { "unfit" };
	struct peer_survey_node p;

	run(&p, kinds, 1);
	ck_assert(p.up);
	ck_assert(!p.fit.usable);
	ck_assert_str_eq(p.fit.reason, "no user namespaces: sysctl x=1");
	peer_survey_release(&p);
}

TEST(a_node_that_executes_jobs_of_other_clients_is_up)
{
	static const char *const kinds[] = { "busy" };
	struct peer_survey_node p;

	run(&p, kinds, 1);
	ck_assert_pstr_eq(p.why, NULL);
	ck_assert(p.up);
	ck_assert_str_eq(p.machine.model, "a board");
	peer_survey_release(&p);
}

TEST(a_node_on_a_busy_build_host_has_more_time)
{
	static const char *const kinds[] = { "slow start" };
	struct peer_survey_node p;

	run_for(&p, kinds, 1, 4000);
	ck_assert_pstr_eq(p.why, NULL);
	ck_assert(p.up);
	peer_survey_release(&p);
}

#define TEXT_OF(number)        TEXT_OF_EXPANDED(number)
#define TEXT_OF_EXPANDED(text) #text
#define SUPPORTED_VERSIONS \
	TEXT_OF(WIRE_VERSION_MIN) " to " TEXT_OF(WIRE_VERSION)

static const struct down_node {
	const char *kind, *why;
} down_nodes[] = {
	{ "sh exit 3", "transport command ended: exit status 3" },
	{ "sh kill -9 $$",
	  "transport command ended: killed by signal 9 (Killed)" },
	{ "sh echo first; echo 'no route' >&2; exit 255", NULL },
	{ "sh echo 'no route' >&2; exit 255", "no route" },
	{ "sh echo 'sh: kfarmd: not found' >&2; exit 127",
	  "sh: kfarmd: not found; install kfarmd on the node, or correct the "
	  "command of its address" },
	{ "sh echo Welcome to this node; sleep 60",
	  "not a kfarm message: \"Welcome to this node\"; the startup "
	  "files of the node's shell must not print anything" },
	{ "sh cat /dev/zero", NULL },
	{ "sh exec yes", NULL },
	{ "sh exec sleep 60", "no answer within 4 s" },
	{ "sh echo hmm >&2; exec sleep 60", "no answer within 4 s (hmm)" },
	{ "mute", "no answer within 4 s" },
	{ "bye", "connection closed by peer: no disk" },
	{ "future",
	  "kfarmd 9 speaks protocol 77 to 77, but this kfarm speaks " SUPPORTED_VERSIONS
	  "; update kfarm on this machine" },
	{ "hello twice", "unexpected second HELLO" },
	{ "no fit", "no FIT received within 4 s" },
	{ "no machine", "no MACHINE received within 4 s" },
	{ "machine first", "unexpected MACHINE" },
	{ "odd machine", "malformed MACHINE" },
	{ "fit first", "message before HELLO" },
	{ "broken", "malformed FIT" },
	{ "dies", "transport command ended: exit status 9" },
	{ "odd message", "unexpected message of type 12" },
};

TEST_EACH(a_survey_gives_the_reason_why_a_node_is_down, down_nodes)
{
	const char *why = row->why;
	bool silent = why && strstr(why, "within 4 s");
	uint64_t began = clock_ms();
	struct peer_survey_node p;

	run_for(&p, &row->kind, 1, silent ? 4000 : 60000);
	ck_assert(!p.up);
	ck_assert_ptr_nonnull(p.why);
	ck_assert_str_ne(p.why, "");
	if (why)
		ck_assert_str_eq(p.why, why);
	ck_assert_uint_lt(clock_ms() - began, 50000);
	peer_survey_release(&p);
}

TEST(a_survey_queries_all_nodes_concurrently)
{
	static const char *const kinds[] = { "mute",        "good", "mute",
					     "sh sleep 60", "good", "mute" };
	struct peer_survey_node p[6];
	uint64_t began = clock_ms();

	run_for(p, kinds, 6, 15000);
	/* In sequence, they would take a minute. */
	ck_assert_uint_lt(clock_ms() - began, 50000);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(p[i].up, !strcmp(kinds[i], "good"));
		peer_survey_release(&p[i]);
	}
}

TEST(a_relay_is_reported_with_its_members)
{
	const char *const kinds[] = { "good", "relay", "odd relay", "deaf",
				      "version 7" };
	struct peer_survey_node p[ARRAY_SIZE(kinds)];

	run_for(p, kinds, ARRAY_SIZE(kinds), 20000);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		ck_assert(p[i].up);
		ck_assert(p[i].is_relay == !strcmp(kinds[i], "relay"));
		ck_assert(!p[i].is_relay || p[i].members.n == 2);
		ck_assert(!p[i].is_relay ||
			  !strcmp(p[i].members.v[1], "inner/board2"));
		peer_survey_release(&p[i]);
	}
}

TEST(a_node_with_a_missing_socket_is_down)
{
	struct node_entry e = { .name = (char *)"u",
				.address = { NODE_ADDRESS_UNIX,
					     (char *)"/nowhere/s" } };
	struct peer_survey_node p;
	struct peer_survey_setup setup = { .nodes = &p,
					   .n = 1,
					   .identify_only = true };
	struct err err = { 0 };

	peer_survey_init(&p, &e);
	must(peer_survey_run(&setup, NULL, &err));
	ck_assert(!p.up);
	ck_assert_str_eq(p.why,
			 "connect to /nowhere/s: No such file or directory");
	peer_survey_release(&p);
}

TEST(a_survey_of_no_nodes_succeeds)
{
	struct peer_survey_setup setup = { .n = 0, .identify_only = true };
	struct err err = { 0 };

	must(peer_survey_run(&setup, NULL, &err));
}
