/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/link.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "node/command.h"
#include "node/own-key.h"
#include "peer/connect.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX 4096

static void close_stderr(struct peer_transport *t)
{
	if (t->readable)
		event_free(t->readable);
	t->readable = NULL;
	if (t->stderr_fd >= 0)
		close(t->stderr_fd);
	t->stderr_fd = -1;
}

/* All that is there now; closes it at its end. */
static void read_stderr(struct peer_transport *t)
{
	char block[1024];
	ssize_t n = -1;

	while (t->stderr_fd >= 0 &&
	       (n = read(t->stderr_fd, block, sizeof(block))) > 0) {
		buf_add(&t->words, block, (size_t)n);
		if (t->words.len > WORDS_MAX)
			buf_consume(&t->words, t->words.len - WORDS_MAX);
	}
	if (!n)
		close_stderr(t);
}

static void on_words(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_stderr(arg);
}

/* Connect or start the command; *fd is the caller's. */
static int transport_dial(struct peer_transport *t, struct event_base *base,
			  const struct node_address *to, int *fd,
			  struct err *err)
{
	struct node_dial dial;
	int ret;

	*t = (struct peer_transport){ .stderr_fd = -1 };
	ret = node_address_dial_quiet(to, &dial, &t->stderr_fd, err);
	if (ret)
		return ret;
	*fd = dial.fd;
	t->pid = dial.pid;
	if (t->stderr_fd < 0)
		return 0;
	t->readable = event_new(base, t->stderr_fd, EV_READ | EV_PERSIST,
				on_words, t);
	if (!t->readable || event_add(t->readable, NULL))
		str_out_of_memory();
	return 0;
}

/* The last line that the command wrote, else `why`, and what to do about it. */
static char *transport_reason(struct peer_transport *t, const char *why,
			      const struct node_address *to)
{
	char *words, *reason;

	read_stderr(t);
	words = node_command_last_line(&t->words);
	reason = node_command_advise(words ? words : why, &t->words, to);
	free(words);
	return reason;
}

/* Tell the command to end; `children` reaps it when it has. */
static void transport_end(struct peer_transport *t, struct children *children)
{
	close_stderr(t);
	buf_release(&t->words);
	if (t->pid > 0) {
		kill(-t->pid, SIGTERM);
		child_adopt(children, t->pid);
		t->pid = 0;
	}
}

void peer_link_init(struct peer_link *l, struct peer_farm *farm,
		    const struct node_entry *entry, void *ctx)
{
	*l = (struct peer_link){ .farm = farm,
				 .entry = entry,
				 .ctx = ctx,
				 .codec = entry->codec,
				 .transport.stderr_fd = -1 };
	TAILQ_INIT(&l->jobs);
}

static void open_stream(struct peer_link *l, const struct wire_io *io)
{
	const struct peer_farm *farm = l->farm;
	struct buf body = { 0 };

	l->heard_ms = clock_ms();
	l->stream = wire_stream_new_io(farm->base, *io, l->ops, l->ops_ctx);
	l->paths = wire_paths_new();
	l->flags = wire_flags_new();
	l->ship = peer_ship_new(l->stream, farm->pool, farm->packed);
	l->next_number = 0;
	wire_hello_encode_kfarm(&body);
	peer_link_send(l, WIRE_HELLO, &body, WIRE_PLAIN);
}

static void on_connected(void *ctx, const struct wire_io *io,
			 const struct err *err)
{
	struct peer_link *l = ctx;
	struct wire_io taken = { 0 };
	struct err why = { 0 };

	/* Both are of what is freed now. */
	if (io)
		taken = *io;
	else
		why = *err;
	peer_connect_free(l->connect);
	l->connect = NULL;
	if (io)
		open_stream(l, &taken);
	else
		l->ops->on_close(l->ops_ctx, &why);
}

static int dial_tls(struct peer_link *l, struct err *err)
{
	struct peer_farm *farm = l->farm;
	int ret = farm->tls ? 0 : node_own_key_context(&farm->tls, err);

	if (!ret)
		l->connect = peer_connect_new(farm->base, farm->tls, l->entry,
					      on_connected, l);
	return ret;
}

int peer_link_dial(struct peer_link *l, const struct wire_stream_ops *ops,
		   void *ctx, struct err *err)
{
	struct wire_io io;
	int fd, ret;

	l->ops = ops;
	l->ops_ctx = ctx;
	l->heard_ms = clock_ms();
	if (l->entry->address.kind == NODE_TLS)
		return dial_tls(l, err);
	ret = transport_dial(&l->transport, l->farm->base, &l->entry->address,
			     &fd, err);
	if (ret)
		return ret;
	io = wire_io_of(fd, fd);
	open_stream(l, &io);
	return 0;
}

static void close_stream(struct peer_link *l)
{
	peer_connect_free(l->connect);
	l->connect = NULL;
	if (!l->stream)
		return;
	peer_ship_free(l->ship);
	l->ship = NULL;
	l->sent_before += wire_stream_sent(l->stream);
	l->received_before += wire_stream_received(l->stream);
	wire_stream_free(l->stream);
	l->stream = NULL;
	wire_intern_free(l->paths);
	wire_intern_free(l->flags);
}

void peer_link_close(struct peer_link *l)
{
	close_stream(l);
	transport_end(&l->transport, l->farm->children);
	wire_heat_release(&l->heat);
	l->hello_seen = l->fit_seen = l->machine_seen = false;
}

void peer_link_release(struct peer_link *l)
{
	peer_link_close(l);
	if (l->greeted)
		wire_hello_release(&l->hello);
	wire_fit_release(&l->fit);
	wire_machine_release(&l->machine);
}

static int hear_hello(struct peer_link *l, struct bytes body, struct err *err)
{
	struct wire_hello m;

	if (l->hello_seen)
		return err_set(err, EPROTO, "it said hello twice");
	if (wire_hello_decode(&m, body))
		return err_set(err, EPROTO, "its hello is broken");
	if (l->greeted)
		wire_hello_release(&l->hello);
	wire_machine_release(&l->machine);
	l->hello = m;
	l->greeted = l->hello_seen = true;
	if (wire_hello_version(&m) < 0)
		return err_set(
			err, EPROTONOSUPPORT,
			"%s speaks protocol %u to %u, this kfarm %u to "
			"%u; %s",
			m.software, m.version_min, m.version_max,
			WIRE_VERSION_MIN, WIRE_VERSION,
			m.version_max < WIRE_VERSION_MIN ?
				"`kfarm nodes update` brings this one's" :
				"this kfarm is the older one: upgrade it");
	return 0;
}

static int hear_fit(struct peer_link *l, struct bytes body, struct err *err)
{
	struct wire_fit m;

	if (l->fit_seen)
		return err_set(err, EPROTO, "it spoke of its sandbox twice");
	if (wire_fit_decode(&m, body))
		return err_set(err, EPROTO,
			       "what it says of its sandbox is broken");
	wire_fit_release(&l->fit);
	l->fit = m;
	l->fit_seen = true;
	/* What the machine is comes right behind it, where it comes. */
	return wire_hello_version(&l->hello) < WIRE_WITH_MACHINE;
}

static int hear_machine(struct peer_link *l, struct bytes body, struct err *err)
{
	struct wire_machine m;

	if (wire_hello_version(&l->hello) < WIRE_WITH_MACHINE)
		return err_set(err, EPROTO, "this version has no MACHINE");
	if (!l->fit_seen || l->machine_seen)
		return err_set(err, EPROTO,
			       "it spoke of its machine at a wrong time");
	if (wire_machine_decode(&m, body))
		return err_set(err, EPROTO,
			       "what it says of its machine is broken");
	wire_machine_release(&l->machine);
	l->machine = m;
	l->machine_seen = true;
	return 1;
}

static int hear_heat(struct peer_link *l, struct bytes body, struct err *err)
{
	struct wire_heat m;

	if (!l->machine_seen || wire_hello_version(&l->hello) < WIRE_WITH_PIN)
		return err_set(err, EPROTO, "HEAT is not due");
	if (wire_heat_decode(&m, body))
		return err_set(err, EPROTO, "broken HEAT");
	wire_heat_release(&l->heat);
	l->heat = m;
	return 0;
}

bool peer_link_is_known(const struct peer_link *l)
{
	return l->fit_seen &&
	       (l->machine_seen ||
		wire_hello_version(&l->hello) < WIRE_WITH_MACHINE);
}

int peer_link_hear(struct peer_link *l, uint16_t type, struct bytes body,
		   struct err *err)
{
	l->heard_ms = clock_ms();
	if (type == WIRE_HELLO)
		return hear_hello(l, body, err);
	if (type == WIRE_BYE)
		return wire_bye_end(body, err);
	if (!l->hello_seen)
		return err_set(err, EPROTO, "it did not say hello");
	if (type == WIRE_FIT)
		return hear_fit(l, body, err);
	if (type == WIRE_MACHINE)
		return hear_machine(l, body, err);
	if (type == WIRE_HEAT)
		return hear_heat(l, body, err);
	if (type == WIRE_HEALTH &&
	    wire_hello_version(&l->hello) < WIRE_WITH_HEALTH)
		return err_set(err, EPROTO, "this version has no HEALTH");
	if (!peer_link_is_known(l) && type != WIRE_BEAT && type != WIRE_HEALTH)
		return err_set(err, EPROTO, "it sends a message of type %u",
			       type);
	return 1;
}

char *peer_link_reason(struct peer_link *l, const char *why)
{
	return l->hello_seen ?
		       xstrdup(why) :
		       transport_reason(&l->transport, why, &l->entry->address);
}

/* EPIPE and ECONNRESET: our hello came to somebody who was leaving. */
static bool has_left(const char *why)
{
	return !*why || str_starts(why, "write: ") || str_starts(why, "read: ");
}

static char *how_it_ended(struct peer_transport *t)
{
	char *how, *text;

	if (!t->pid)
		return xstrdup("it closed the connection");
	how = spawn_status_text(node_command_end(t->pid));
	t->pid = 0;
	text = xasprintf("its command ended: %s", how);
	free(how);
	return text;
}

char *peer_link_end(struct peer_link *l, const char *why)
{
	bool left = has_left(why);
	char *how, *words, *all, *reason;

	close_stream(l);
	how = left ? how_it_ended(&l->transport) : xstrdup(why);
	if (l->hello_seen)
		return how;
	read_stderr(&l->transport);
	words = node_command_last_line(&l->transport.words);
	if (words)
		all = left ? xstrdup(words) : xasprintf("%s (%s)", why, words);
	else
		all = xstrdup(how);
	reason = node_command_advise(all, &l->transport.words,
				     &l->entry->address);
	free(all);
	free(words);
	free(how);
	return reason;
}

void peer_link_send(const struct peer_link *l, enum wire_type type,
		    struct buf *body, enum wire_codec codec)
{
	wire_stream_send(l->stream, type, buf_bytes(body), codec);
	buf_release(body);
}

void peer_link_send_paths(const struct peer_link *l)
{
	struct buf body = { 0 };

	while (wire_paths_message(l->paths, &body))
		peer_link_send(l, WIRE_PATHS, &body, l->codec);
}

void peer_link_send_flags(const struct peer_link *l)
{
	struct buf body = { 0 };

	while (wire_flags_message(l->flags, &body))
		peer_link_send(l, WIRE_FLAGS, &body, l->codec);
}

void peer_link_event(const struct peer_link *l,
		     const struct inputs_toolchain *tc, const char *reason)
{
	l->farm->ops->event(l->ctx, tc, reason);
}
