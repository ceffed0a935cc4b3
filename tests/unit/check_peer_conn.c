/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "peer/conn.h"
#include "tls/dialer.h"

#include "../lib/test.h"
#include "../lib/turn-loop.h"
#include "base/child.h"

#include "tls-fixture.h"

#include <arpa/inet.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include "../lib/fake-names.h"

/* A machine that listens at one address. */
struct machine {
	struct event *accept_event;
	int fd;
	struct play_end *key; /* NULL: accepts connections but sends no data */
	struct play_end sessions[4];
	int silent_fds[4]; /* connections without a session, or -1 */
	unsigned n;
};

static struct play_end other; /* another machine's key */
static struct machine machines[2];
static uint16_t port;

static bool admit_all(void *ctx, const struct digest *pin)
{
	(void)ctx;
	(void)pin;
	return true;
}

static void on_handshake_done(void *ctx, int ret, const struct err *err)
{
	struct play_end *e = ctx;

	e->ret = ret;
	if (ret)
		e->err = *err;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct machine *m = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	struct play_end *e = &m->sessions[m->n];

	(void)what;
	ck_assert_int_ge(peer, 0);
	ck_assert_uint_lt(m->n, 4);
	m->silent_fds[m->n] = -1;
	if (!m->key) {
		m->silent_fds[m->n++] = peer;
		return;
	}
	m->n++;
	e->session = tls_session_accept(m->key->context, peer, admit_all, NULL);
	e->handshake = tls_handshake_new(base, e->session, 5000,
					 on_handshake_done, e);
}

static void listen_at(struct machine *m, const char *address,
		      struct play_end *key)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	socklen_t len = sizeof(in);
	int one = 1;

	inet_pton(AF_INET, address, &in.sin_addr);
	*m = (struct machine){ .key = key };
	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(m->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ck_assert_int_eq(bind(m->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(m->fd, 5), 0);
	ck_assert_int_eq(getsockname(m->fd, (struct sockaddr *)&in, &len), 0);
	port = ntohs(in.sin_port);
	m->accept_event = event_new(base, m->fd, EV_READ | EV_PERSIST,
				    on_accept, m);
	event_add(m->accept_event, NULL);
}

static void close_machine(struct machine *m)
{
	for (unsigned i = 0; i < m->n; i++) {
		tls_handshake_free(m->sessions[i].handshake);
		tls_session_free(m->sessions[i].session);
		if (m->silent_fds[i] >= 0)
			close(m->silent_fds[i]);
	}
	if (m->accept_event) {
		event_free(m->accept_event);
		close(m->fd);
	}
	*m = (struct machine){ 0 };
}

static struct tls_dialer *dialer;
static struct node_entry entry;
static struct wire_io io;
static struct err why;
static int calls;

static void on_connected(void *ctx, const struct wire_io *got,
			 const struct err *err)
{
	(void)ctx;
	calls++;
	io = got ? *got : (struct wire_io){ 0 };
	why = err ? *err : (struct err){ 0 };
	event_base_loopbreak(base);
}

static void set_up(void)
{
	play_begin();
	play_context(&other, true);
	port = 0;
	calls = 0;
}

static void tear_down(void)
{
	tls_dialer_free(dialer);
	if (io.ops)
		io.ops->free(io.ctx);
	io = (struct wire_io){ 0 };
	close_machine(&machines[0]);
	close_machine(&machines[1]);
	tls_context_free(other.context);
	tls_context_free(client.context);
	tls_context_free(server.context);
	event_base_free(base);
	node_address_release(&entry.address);
}

static void connect_to(const char *host)
{
	char *name, *service;

	entry.address = (struct node_address){
		.kind = NODE_ADDRESS_TLS, .text = xasprintf("%s:%u", host, port)
	};
	entry.pin = *tls_context_fingerprint(server.context);
	node_address_split(&entry.address, &name, &service);
	dialer = tls_dialer_new(base, client.context, name, service, &entry.pin,
				on_connected, NULL);
	free(name);
	free(service);
}

static void connect_and_wait(const char *host)
{
	connect_to(host);
	turn_loop(base, 60000);
	ck_assert_int_eq(calls, 1);
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_machine_with_the_pinned_key_is_connected)
{
	listen_at(&machines[0], "127.0.0.1", &server);
	connect_and_wait("127.0.0.1");
	ck_assert_ptr_nonnull(io.ops);
	ck_assert_int_eq(io.rfd, io.wfd);
	ck_assert_int_eq((int)io.ops->write(io.ctx, bytes_str("hello"), &why),
			 5);
}

TEST(a_machine_with_another_key_is_rejected)
{
	char actual[TLS_KEY_FINGERPRINT_SIZE], pinned[TLS_KEY_FINGERPRINT_SIZE];

	listen_at(&machines[0], "127.0.0.1", &other);
	connect_and_wait("127.0.0.1");
	ck_assert_ptr_null(io.ops);
	tls_key_format_fingerprint(tls_context_fingerprint(other.context),
				   actual);
	tls_key_format_fingerprint(tls_context_fingerprint(server.context),
				   pinned);
	text_is(why.text,
		"connect to 127.0.0.1, port %u: key mismatch: node has %s, "
		"configuration has %s: another machine, or a new key",
		port, actual, pinned);
}

TEST(of_several_addresses_the_one_with_the_pinned_key_is_used)
{
	listen_at(&machines[0], "127.0.0.2", &other);
	listen_at(&machines[1], "127.0.0.1", &server);
	connect_and_wait("127.0.0.3,127.0.0.2,127.0.0.1");
	ck_assert_ptr_nonnull(io.ops);
	ck_assert_uint_eq(machines[0].n, 1);
	ck_assert_uint_eq(machines[1].n, 1);
}

TEST(a_silent_machine_times_out_and_the_next_address_is_tried)
{
	listen_at(&machines[0], "127.0.0.2", NULL);
	listen_at(&machines[1], "127.0.0.1", &server);
	connect_and_wait("127.0.0.2,127.0.0.1");
	ck_assert_ptr_nonnull(io.ops);
	ck_assert_uint_eq(machines[0].n, 1);
}

TEST(a_freed_dialer_calls_no_callback)
{
	listen_at(&machines[0], "127.0.0.1", NULL);
	connect_to("127.0.0.1");
	for (int i = 0; i < 6000 && !machines[0].n; i++)
		turn_loop(base, 10);
	ck_assert_uint_eq(machines[0].n, 1);
	tls_dialer_free(dialer);
	dialer = NULL;
	turn_loop(base, 50);
	ck_assert_int_eq(calls, 0);
}

static int on_message(void *ctx, uint16_t type, struct bytes body,
		      struct err *err)
{
	(void)ctx;
	(void)type;
	(void)body;
	(void)err;
	return 0;
}

static void on_session_end(void *ctx, const struct err *err)
{
	on_connected(ctx, NULL, err);
}

static const struct {
	const char *command, *why;
} exits[] = {
	{ "false", "transport command ended: exit status 1" },
	{ "kill -9 $$",
	  "transport command ended: killed by signal 9 (Killed)" },
	{ "echo 'no route' >&2; exit 255", "no route" },
};

TEST_EACH(the_exit_of_a_transport_command_explains_a_closed_session, exits)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_message, .on_close = on_session_end
	};
	struct peer_shared shared = { .base = base,
				      .children = children_new(base) };
	struct peer_conn conn;
	siginfo_t info;
	char *text;

	entry.address = (struct node_address){ .kind = NODE_ADDRESS_EXEC,
					       .text = xstrdup(row->command) };
	peer_conn_init(&conn, &shared, &entry, NULL);
	ck_assert_int_eq(peer_conn_dial(&conn, &ops, NULL, &why), 0);
	turn_loop(base, 60000);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(peer_conn_await_exit(&conn, "not a kfarm message"), 0);
	ck_assert(!waitid(P_PID, (id_t)conn.transport.pid, &info,
			  WEXITED | WNOWAIT));
	ck_assert_int_eq(peer_conn_await_exit(&conn, why.text), 0);
	text = peer_conn_explain(&conn, why.text);
	ck_assert_str_eq(text, row->why);
	free(text);
	peer_conn_release(&conn);
	children_free(shared.children);
}

TEST(a_transport_command_can_outlive_its_session)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_message, .on_close = on_session_end
	};
	struct peer_shared shared = { .base = base,
				      .children = children_new(base) };
	struct peer_conn conn;
	char *text;

	entry.address = (struct node_address){
		.kind = NODE_ADDRESS_EXEC,
		.text = xstrdup("exec <&- >&-; exec sleep 1000")
	};
	peer_conn_init(&conn, &shared, &entry, NULL);
	ck_assert_int_eq(peer_conn_dial(&conn, &ops, NULL, &why), 0);
	turn_loop(base, 60000);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(peer_conn_await_exit(&conn, why.text), 1);
	text = peer_conn_explain(&conn, "");
	ck_assert_str_eq(text, "connection closed");
	free(text);
	peer_conn_release(&conn);
	children_free(shared.children);
}
