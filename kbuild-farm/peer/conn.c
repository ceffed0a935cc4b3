/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/conn.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/work-timer.h"
#include "node/own-key.h"
#include "node/pool.h"
#include "node/transport-child.h"
#include "peer/neighbors.h"
#include "tls/dialer.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_STDERR_MAX 4096
/*
 * The command of a pool's member can print at most this many bytes of text
 * before HELLO.
 */
#define COMMAND_TEXT_MAX 4096

static void close_stderr(struct peer_transport *t)
{
	if (t->stderr_event)
		event_free(t->stderr_event);
	t->stderr_event = NULL;
	if (t->stderr_fd >= 0)
		close(t->stderr_fd);
	t->stderr_fd = -1;
}

/* Read all available text; close the descriptor at the end of the stream. */
static void read_stderr(struct peer_transport *t)
{
	char block[1024];
	ssize_t n = -1;

	while (t->stderr_fd >= 0 &&
	       (n = read(t->stderr_fd, block, sizeof(block))) > 0) {
		buf_add(&t->stderr_text, block, (size_t)n);
		if (t->stderr_text.len > CHILD_STDERR_MAX)
			buf_consume(&t->stderr_text,
				    t->stderr_text.len - CHILD_STDERR_MAX);
	}
	if (!n)
		close_stderr(t);
}

static void on_stderr_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_stderr(arg);
}

void peer_conn_init(struct peer_conn *l, struct peer_shared *shared,
		    const struct node_entry *entry, void *ctx)
{
	*l = (struct peer_conn){ .shared = shared,
				 .entry = entry,
				 .ctx = ctx,
				 .codec = entry->codec,
				 .transport.stderr_fd = -1 };
	TAILQ_INIT(&l->jobs);
}

static void restart_silence(struct peer_conn *l)
{
	/* Jobs of a kfarmd that serves other clients are no progress. */
	enum work_timer_scope scope = l->transport.pid ? WORK_TIMER_TREE :
							 WORK_TIMER_PROCESS;

	l->received_ms = clock_ms();
	work_timer_start(&l->silence, l->silence.pid, scope,
			 PEER_SILENCE_MAX_MS);
}

static void open_stream(struct peer_conn *l, const struct wire_io *io)
{
	const struct peer_shared *shared = l->shared;
	struct buf body = { 0 };

	restart_silence(l);
	l->greeting = l->silence;
	l->stream = wire_stream_new_io(shared->base, *io, l->ops, l->ops_ctx);
	if (l->entry->pool)
		wire_stream_skip_text(l->stream, COMMAND_TEXT_MAX);
	l->paths = wire_paths_new();
	l->flags = wire_flags_new();
	l->upload = peer_blob_upload_new(l->stream, shared->pool,
					 shared->packed);
	l->next_number = 0;
	wire_hello_encode_client(&body, l->only_version);
	peer_conn_send(l, WIRE_HELLO, &body, WIRE_PLAIN);
}

/*
 * Return the address to which the socket is connected, in the format of
 * NEIGHBOR, or NULL if the address is unknown.  The caller frees it.
 */
static char *format_address(int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof(at);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getpeername(fd, (struct sockaddr *)&at, &len) ||
	    getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return NULL;
	return xasprintf(at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
			 port);
}

static void on_connected(void *ctx, const struct wire_io *io,
			 const struct err *err)
{
	struct peer_conn *l = ctx;
	struct wire_io taken = { 0 };
	struct err why = { 0 };

	/*
	 * Copy `io` and `err`, because they belong to the dialer, which is
	 * freed below.
	 */
	if (io)
		taken = *io;
	else
		why = *err;
	tls_dialer_free(l->dialer);
	l->dialer = NULL;
	if (io)
		l->neighbor_address = format_address(taken.rfd);
	if (io)
		open_stream(l, &taken);
	else
		l->ops->on_close(l->ops_ctx, &why);
}

static int dial_tls(struct peer_conn *l, struct err *err)
{
	struct peer_shared *shared = l->shared;
	char *host, *port;
	int ret = 0;

	if (!shared->tls)
		ret = node_own_key_context(&shared->tls, err);
	if (ret)
		return ret;
	node_address_split(&l->entry->address, &host, &port);
	l->dialer = tls_dialer_new(shared->base, shared->tls, host, port,
				   &l->entry->pin, on_connected, l);
	free(host);
	free(port);
	return 0;
}

int peer_conn_dial(struct peer_conn *l, const struct wire_stream_ops *ops,
		   void *ctx, struct err *err)
{
	struct peer_transport *t = &l->transport;
	struct peer_shared *shared = l->shared;
	struct node_transport dial;
	struct wire_io io;
	int ret;

	l->ops = ops;
	l->ops_ctx = ctx;
	l->silence.pid = 0;
	restart_silence(l);
	if (l->entry->address.kind == NODE_ADDRESS_TLS)
		return dial_tls(l, err);
	*t = (struct peer_transport){ .stderr_fd = -1 };
	ret = node_address_open(&l->entry->address, &dial, &t->stderr_fd, err);
	if (ret)
		return ret;
	t->pid = dial.pid;
	if (node_entry_is_local(l->entry))
		l->silence.pid = dial.pid ? dial.pid : socket_peer_pid(dial.fd);
	if (t->stderr_fd >= 0) {
		t->stderr_event = event_new(shared->base, t->stderr_fd,
					    EV_READ | EV_PERSIST,
					    on_stderr_readable, t);
		if (!t->stderr_event || event_add(t->stderr_event, NULL))
			str_out_of_memory();
	}
	io = wire_io_from_fds(dial.fd, dial.fd);
	open_stream(l, &io);
	return 0;
}

static void close_stream(struct peer_conn *l)
{
	tls_dialer_free(l->dialer);
	l->dialer = NULL;
	if (!l->stream)
		return;
	peer_neighbors_leave(l->shared->neighbors, l);
	free(l->neighbor_address);
	l->neighbor_address = NULL;
	peer_blob_upload_free(l->upload);
	l->upload = NULL;
	l->prior_sent_bytes += wire_stream_sent_bytes(l->stream);
	l->prior_received_bytes += wire_stream_received_bytes(l->stream);
	wire_stream_free(l->stream);
	l->stream = NULL;
	wire_intern_free(l->paths);
	wire_intern_free(l->flags);
}

void peer_conn_close(struct peer_conn *l)
{
	struct peer_transport *t = &l->transport;

	close_stream(l);
	close_stderr(t);
	buf_release(&t->stderr_text);
	if (t->pid > 0 && l->entry->pool) {
		/*
		 * A pool member gets more time to exit, because the engine that
		 * runs it (such as slurm) can be slow.
		 */
		child_adopt_ending(l->shared->children, t->pid,
				   l->hello_received ? NODE_POOL_TERM_MS : 0,
				   NODE_POOL_KILL_MS);
		t->ending_pid = t->pid;
	} else if (t->pid > 0) {
		kill(-t->pid, SIGTERM);
		/* The command is reaped later. */
		child_adopt(l->shared->children, t->pid);
	}
	t->pid = 0;
	wire_heat_release(&l->heat);
	l->hello_received = l->fit_received = l->machine_received = false;
}

bool peer_conn_is_ending(const struct peer_conn *l)
{
	pid_t pid = l->transport.ending_pid;

	return pid && children_has(l->shared->children, pid);
}

void peer_conn_release(struct peer_conn *l)
{
	peer_conn_close(l);
	if (l->has_hello)
		wire_hello_release(&l->hello);
	wire_fit_release(&l->fit);
	wire_machine_release(&l->machine);
}

static int handle_hello(struct peer_conn *l, struct bytes body, struct err *err)
{
	struct wire_hello m;

	if (l->hello_received)
		return err_set(err, EPROTO, "unexpected second HELLO");
	if (wire_hello_decode(&m, body))
		return err_set(err, EPROTO, "malformed HELLO");
	if (l->has_hello)
		wire_hello_release(&l->hello);
	wire_machine_release(&l->machine);
	l->hello = m;
	l->has_hello = l->hello_received = true;
	l->version = wire_hello_negotiate(&m);
	if (l->only_version && l->version > l->only_version)
		l->version = l->only_version;
	if (l->only_version && l->version >= 0 &&
	    (l->version < l->only_version || l->version < (int)m.version_min))
		return err_set(
			err, EPROTONOSUPPORT,
			"%s speaks protocol %u to %u, but the build host speaks %d",
			m.software, m.version_min, m.version_max,
			l->only_version);
	if (l->version < 0)
		return err_set(
			err, EPROTONOSUPPORT,
			"%s speaks protocol %u to %u, but this kfarm speaks "
			"%u to %u; %s",
			m.software, m.version_min, m.version_max,
			WIRE_VERSION_MIN, WIRE_VERSION,
			m.version_max < WIRE_VERSION_MIN ?
				"run `kfarm nodes update` to update the node" :
				"update kfarm on this machine");
	return 0;
}

static int handle_fit(struct peer_conn *l, struct bytes body, struct err *err)
{
	struct wire_fit m;

	if (l->fit_received)
		return err_set(err, EPROTO, "unexpected second FIT");
	if (wire_fit_decode(&m, body))
		return err_set(err, EPROTO, "malformed FIT");
	wire_fit_release(&l->fit);
	l->fit = m;
	l->fit_received = true;
	/*
	 * If the negotiated version has the message MACHINE, the greeting is
	 * not complete yet (0): the node sends MACHINE next.  Otherwise, FIT
	 * completes the greeting (1).
	 */
	return !wire_type_name(WIRE_MACHINE, l->version);
}

static int handle_machine(struct peer_conn *l, struct bytes body,
			  struct err *err)
{
	struct wire_machine m;

	if (!l->fit_received || l->machine_received)
		return err_set(err, EPROTO, "unexpected MACHINE");
	if (wire_machine_decode_at(&m, body, l->version))
		return err_set(err, EPROTO, "malformed MACHINE");
	wire_machine_release(&l->machine);
	l->machine = m;
	l->machine_received = true;
	if (l->entry->site && !l->shared->neighbors)
		l->shared->neighbors = peer_neighbors_new();
	peer_neighbors_join(l->shared->neighbors, l);
	return 1;
}

static int handle_heat(struct peer_conn *l, struct bytes body, struct err *err)
{
	struct wire_heat m;

	if (!l->machine_received)
		return err_set(err, EPROTO, "unexpected HEAT");
	if (wire_heat_decode_at(&m, body, l->version))
		return err_set(err, EPROTO, "malformed HEAT");
	wire_heat_release(&l->heat);
	l->heat = m;
	return 0;
}

bool peer_conn_is_identified(const struct peer_conn *l)
{
	return l->fit_received && (l->machine_received ||
				   !wire_type_name(WIRE_MACHINE, l->version));
}

int peer_conn_handle_message(struct peer_conn *l, uint16_t type,
			     struct bytes body, struct err *err)
{
	restart_silence(l);
	if (type == WIRE_HELLO)
		return handle_hello(l, body, err);
	if (type == WIRE_BYE)
		return wire_bye_to_error(body, err);
	if (!l->hello_received)
		return err_set(err, EPROTO, "message before HELLO");
	if (!wire_type_name(type, l->version))
		return err_set(err, EPROTO,
			       "unexpected message of type %u in version %d of "
			       "the protocol",
			       type, l->version);
	if (type == WIRE_FIT)
		return handle_fit(l, body, err);
	if (type == WIRE_MACHINE)
		return handle_machine(l, body, err);
	if (type == WIRE_HEAT)
		return handle_heat(l, body, err);
	if (!peer_conn_is_identified(l) && type != WIRE_BEAT &&
	    type != WIRE_HEALTH && type != WIRE_LEASE)
		return err_set(err, EPROTO, "unexpected message of type %u",
			       type);
	return 1;
}

/*
 * Return true if `why` states no reason for the end of the session.  A read or
 * write error (EPIPE, ECONNRESET) is not a reason: it only shows that the
 * remote side closed the connection.
 */
static bool is_closed_by_node(const char *why)
{
	return !*why || str_starts(why, "write: ") || str_starts(why, "read: ");
}

static char *describe_child_exit(int wait_status)
{
	char *how = spawn_status_text(wait_status);
	char *text = xasprintf("transport command ended: %s", how);

	free(how);
	return text;
}

bool peer_conn_await_exit(struct peer_conn *l, const char *why)
{
	siginfo_t info = { 0 };

	if (l->hello_received || !is_closed_by_node(why) || !l->transport.pid ||
	    waitid(P_PID, (id_t)l->transport.pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) ||
	    info.si_pid)
		return false;
	close_stream(l);
	return true;
}

char *peer_conn_explain(struct peer_conn *l, const char *why)
{
	struct peer_transport *t = &l->transport;
	char *how = NULL, *words, *reason;
	const char *cause;
	int status;

	if (l->hello_received)
		return xstrdup(*why ? why : "connection closed");
	if (is_closed_by_node(why) && t->pid &&
	    node_transport_child_wait(t->pid, 0, &status)) {
		how = describe_child_exit(status);
		/* Also stop background processes of the command. */
		kill(-t->pid, SIGTERM);
		t->pid = 0;
	}
	read_stderr(t);
	words = node_transport_child_last_line(&t->stderr_text);
	cause = words ? words : how ? how : *why ? why : "connection closed";
	if (l->entry->pool)
		reason = xasprintf("%s; check `start` in [pool \"%s\"]", cause,
				   l->entry->pool);
	else
		reason = node_transport_child_explain(cause, &t->stderr_text,
						      &l->entry->address);
	free(words);
	free(how);
	return reason;
}

char *peer_conn_close_and_explain(struct peer_conn *l, const char *why)
{
	struct peer_transport *t = &l->transport;
	bool closed = is_closed_by_node(why);
	char *how, *words, *all, *reason;

	close_stream(l);
	if (closed && t->pid) {
		how = describe_child_exit(node_transport_child_stop(t->pid));
		t->pid = 0;
	} else {
		how = xstrdup(closed ? "connection closed by the node" : why);
	}
	if (l->hello_received)
		return how;
	read_stderr(t);
	words = node_transport_child_last_line(&t->stderr_text);
	if (words)
		all = closed ? xstrdup(words) :
			       xasprintf("%s (%s)", why, words);
	else
		all = xstrdup(how);
	reason = node_transport_child_explain(all, &t->stderr_text,
					      &l->entry->address);
	free(all);
	free(words);
	free(how);
	return reason;
}

void peer_conn_send(const struct peer_conn *l, enum wire_type type,
		    struct buf *body, enum wire_codec codec)
{
	wire_stream_send(l->stream, type, buf_bytes(body), codec);
	buf_release(body);
}

void peer_conn_send_paths(const struct peer_conn *l)
{
	struct buf body = { 0 };

	while (wire_paths_put_new(l->paths, &body))
		peer_conn_send(l, WIRE_PATHS, &body, l->codec);
}

void peer_conn_send_weight(const struct peer_conn *l)
{
	const struct wire_weight m = {
		.percent = (uint8_t)l->shared->weight_percent
	};
	struct buf body = { 0 };

	if (!m.percent || !wire_type_name(WIRE_WEIGHT, l->version))
		return;
	wire_weight_encode_at(&body, &m, l->version);
	peer_conn_send(l, WIRE_WEIGHT, &body, WIRE_PLAIN);
}
