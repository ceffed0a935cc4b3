/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/door.h"

#include "agent/acceptor.h"
#include "agent/agent.h"
#include "agent/gate.h"
#include "agent/port.h"
#include "agent/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/socket.h"
#include "base/vec.h"
#include "tls/clients.h"
#include "tls/cpu.h"
#include "tls/handshake.h"
#include "tls/io.h"
#include "tls/key.h"
#include "tls/pin.h"
#include "tls/session.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Lines about strangers: so many, and then one in so many milliseconds. */
#define WORDS    8
#define WORDS_MS 5000

struct agent_door {
	struct agent *agent;
	struct agent_gate *gate;
	struct tls_context *context;
	struct tls_clients *clients;
	struct agent_acceptor **acceptors;
	size_t n;
	uint64_t words_ms; /* that were used up by lines, up to now */
	unsigned unsaid; /* lines that were too many */
};

struct guest {
	struct agent_guest in; /* the first member */
	struct agent_door *door;
	struct tls_session *session;
	struct tls_handshake *handshake;
	char *from;
};

/* Who knocks all day shall not fill the log. */
static void log_stranger(struct agent_door *d, const char *from,
			 const char *why)
{
	uint64_t now = clock_ms();
	uint64_t most = (uint64_t)WORDS * WORDS_MS;

	if (d->words_ms < now)
		d->words_ms = now;
	if (d->words_ms + WORDS_MS > now + most) {
		d->unsaid++;
		return;
	}
	d->words_ms += WORDS_MS;
	if (d->unsaid)
		log_warning("%u more who came were refused", d->unsaid);
	d->unsaid = 0;
	log_warning("refused %s: %s", from, why);
}

static void end_guest(struct guest *g, bool admitted)
{
	agent_gate_leave(g->door->gate, &g->in, admitted);
	tls_handshake_free(g->handshake);
	tls_session_free(g->session);
	free(g->from);
	free(g);
}

static const char *name_of_client(struct agent_door *d,
				  const struct digest *pin)
{
	struct err problem;
	const char *name = tls_clients_find(d->clients, pin, &problem);

	if (problem.text[0])
		log_warning("%s", problem.text);
	return name;
}

static bool on_key(void *ctx, const struct digest *pin)
{
	const struct guest *g = ctx;

	return name_of_client(g->door, pin) != NULL;
}

static void admit_guest(struct guest *g)
{
	struct agent *a = g->door->agent;
	struct digest pin = *tls_session_peer(g->session);
	const char *name = name_of_client(g->door, &pin);
	struct wire_io io = tls_io(g->session);

	log_info("%s is %s, with %s", g->from, name ? name : "gone",
		 tls_session_cipher(g->session));
	g->session = NULL;
	agent_session_start(a, io,
			    &(struct agent_caller){ .from = g->from,
						    .client = name,
						    .pin = &pin });
	end_guest(g, true);
}

static void on_handshake(void *ctx, int ret, const struct err *err)
{
	struct guest *g = ctx;

	if (!ret) {
		admit_guest(g);
		return;
	}
	log_stranger(g->door, g->from, err->text);
	end_guest(g, false);
}

static void on_connection(void *ctx, int fd)
{
	struct agent_door *d = ctx;
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	struct agent_guest *leaves;
	struct guest *g;

	/* It may have left already. */
	if (getpeername(fd, (struct sockaddr *)&from, &len)) {
		close(fd);
		return;
	}
	g = xcalloc(1, sizeof(*g));
	g->door = d;
	g->from = agent_port_peer(&from);
	if (!agent_gate_enter(d->gate, &g->in, (struct sockaddr *)&from,
			      clock_ms(), &leaves)) {
		log_stranger(d, g->from, "it has failed too often");
		close(fd);
		free(g->from);
		free(g);
		return;
	}
	if (leaves) {
		log_stranger(d, ((struct guest *)leaves)->from,
			     "others came while it said nothing");
		end_guest((struct guest *)leaves, false);
	}
	socket_set_tcp(fd);
	g->session = tls_session_accept(d->context, fd, on_key, g);
	g->handshake = tls_handshake_new(d->agent->base, g->session,
					 AGENT_DOOR_S * 1000, on_handshake, g);
}

static int make_context(struct agent_door *d, const char *dir, struct err *err)
{
	char *path = xasprintf("%s/key.pem", dir);
	char pin[TLS_PIN_TEXT];
	struct tls_key *key;
	int ret = tls_key_load(&key, path, err);
	unsigned self = geteuid();

	/* Root's, too: agent/main.c gave up its power over others' files. */
	if (ret == -EACCES)
		err_set(err, EACCES,
			"%s: user %u, as whom kfarmd runs, may not read it: "
			"chown %u %s",
			path, self, self, path);
	if (ret == -ENOENT)
		err_wrap(err, "kfarmd --init makes it");
	if (!ret) {
		tls_pin_text(tls_key_pin(key), pin);
		log_info("the key of this node is %s", pin);
		ret = tls_context_new(&d->context, key, tls_cpu_has_aes(), err);
		tls_key_free(key);
	}
	free(path);
	return ret;
}

static int open_door_at(struct agent_door *d, const char *place,
			struct strv *at, struct err *err)
{
	char *where;
	int fd, ret = agent_port_listen(place, &fd, &where, err);

	if (ret)
		return ret;
	strv_own(at, where);
	*VEC_ADD(d->acceptors, d->n) = agent_acceptor_new(d->agent->base, fd,
							  on_connection, d);
	return 0;
}

int agent_door_new(struct agent_door **out, struct agent *a,
		   const struct strv *places, const char *dir, struct strv *at,
		   struct err *err)
{
	struct agent_door *d = xcalloc(1, sizeof(*d));
	char *clients = xasprintf("%s/clients", dir);
	int ret;

	d->agent = a;
	d->gate = agent_gate_new();
	d->clients = tls_clients_new(clients);
	a->clients = d->clients;
	free(clients);
	ret = make_context(d, dir, err);
	for (size_t i = 0; i < places->n && !ret; i++)
		ret = open_door_at(d, places->v[i], at, err);
	/* Whatever is wrong with the list is said now. */
	if (!ret)
		name_of_client(d, tls_context_pin(d->context));
	if (ret) {
		agent_door_free(d);
		return ret;
	}
	*out = d;
	return 0;
}

void agent_door_free(struct agent_door *d)
{
	struct agent_guest *g;

	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		agent_acceptor_free(d->acceptors[i]);
	free(d->acceptors);
	while ((g = agent_gate_first(d->gate)))
		end_guest((struct guest *)g, false);
	agent_gate_free(d->gate);
	tls_context_free(d->context);
	d->agent->clients = NULL;
	tls_clients_free(d->clients);
	free(d);
}
