/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/client.h"

#include "base/list.h"
#include "base/socket.h"
#include "base/str.h"
#include "wire/limits.h"
#include "wire/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

struct coord_client {
	TAILQ_ENTRY(coord_client) link;
	struct coord_clients *all;
	struct wire_stream *stream;
	struct wire_cc_step step; /* that came in front of a compile */
	bool stepped; /* one did */
	void *unit; /* NULL: no compile was asked for */
	void *fixdep; /* NULL: nothing about fixdep was */
	bool waits; /* for an answer */
};

struct coord_clients {
	struct event_base *base;
	char *socket;
	char *silent; /* wire_cc_silent_file() */
	struct event *listener;
	const struct coord_client_ops *ops;
	void *ctx;
	TAILQ_HEAD(, coord_client) list;
};

static void client_free(struct coord_client *client)
{
	struct coord_clients *all = client->all;

	if (client->unit)
		all->ops->left(all->ctx, client->unit);
	if (client->fixdep)
		all->ops->fixdep_left(client->fixdep);
	if (client->stepped)
		wire_cc_step_release(&client->step);
	TAILQ_REMOVE(&all->list, client, link);
	wire_stream_free(client->stream);
	free(client);
}

static int on_fixdep(struct coord_client *client, struct bytes body,
		     struct err *err)
{
	struct coord_clients *all = client->all;
	struct wire_cc_fixdep ask;

	if (wire_cc_fixdep_decode(&ask, body))
		return err_set(err, EPROTO, "a broken question");
	client->waits = true;
	client->fixdep = all->ops->fixdep_asked(all->ctx, client, &ask);
	wire_cc_fixdep_release(&ask);
	return 0;
}

static int on_step(struct coord_client *client, struct bytes body,
		   struct err *err)
{
	if (client->stepped)
		return err_set(err, EPROTO, "an unexpected message");
	if (wire_cc_step_decode(&client->step, body))
		return err_set(err, EPROTO, "a broken question");
	client->stepped = true;
	return 0;
}

static int on_job(struct coord_client *client, struct bytes body,
		  struct err *err)
{
	struct coord_clients *all = client->all;
	struct wire_cc_job ask;

	if (wire_cc_job_decode(&ask, body))
		return err_set(err, EPROTO, "a broken question");
	client->waits = true;
	client->unit = all->ops->asked(all->ctx, client, &ask,
				       client->stepped ? &client->step : NULL);
	client->stepped = false;
	wire_cc_job_release(&ask);
	if (!client->unit)
		return err_set(err, EPROTO, "a question that is no job");
	return 0;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct coord_client *client = ctx;

	if (client->unit || client->fixdep)
		return err_set(err, EPROTO, "an unexpected message");
	if (type == WIRE_CC_STEP)
		return on_step(client, body, err);
	if (type == WIRE_CC_JOB)
		return on_job(client, body, err);
	if (type == WIRE_CC_FIXDEP && !client->stepped)
		return on_fixdep(client, body, err);
	return err_set(err, EPROTO, "an unexpected message");
}

static void on_close(void *ctx, const struct err *why)
{
	(void)why;
	client_free(ctx);
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	struct coord_clients *all = arg;
	int one;

	(void)what;
	while ((one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	       0) {
		struct coord_client *client = xcalloc(1, sizeof(*client));

		client->all = all;
		client->stream = wire_stream_new(all->base, one, one, &ops,
						 client);
		TAILQ_INSERT_TAIL(&all->list, client, link);
	}
	/* Out of descriptors: rest until the next beat instead of spinning. */
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		event_del(all->listener);
}

int coord_clients_new(struct coord_clients **out, struct event_base *base,
		      const char *socket, const struct coord_client_ops *ops,
		      void *ctx, struct err *err)
{
	int fd = socket_listen(socket, BACKLOG, err);
	struct coord_clients *all;

	if (fd < 0)
		return fd;
	*out = all = xcalloc(1, sizeof(*all));
	all->base = base;
	all->socket = xstrdup(socket);
	all->silent = wire_cc_silent_file(socket);
	all->ops = ops;
	all->ctx = ctx;
	TAILQ_INIT(&all->list);
	all->listener = event_new(base, fd, EV_READ | EV_PERSIST, on_connect,
				  all);
	if (!all->listener || event_add(all->listener, NULL))
		str_out_of_memory();
	return 0;
}

void coord_clients_free(struct coord_clients *all)
{
	struct coord_client *client;

	if (!all)
		return;
	while ((client = TAILQ_FIRST(&all->list)))
		client_free(client);
	close(event_get_fd(all->listener));
	event_free(all->listener);
	unlink(all->socket);
	unlink(all->silent);
	free(all->socket);
	free(all->silent);
	free(all);
}

void coord_clients_beat(struct coord_clients *all)
{
	struct coord_client *client;

	unlink(all->silent);
	event_add(all->listener, NULL);
	list_for_each(client, &all->list, link) {
		if (client->waits)
			wire_stream_send(client->stream, WIRE_CC_BEAT,
					 bytes_of(NULL, 0), WIRE_PLAIN);
	}
}

void coord_client_local(struct coord_client *client, const char *why)
{
	client->waits = false;
	wire_stream_send(client->stream, WIRE_CC_LOCAL, bytes_str(why),
			 WIRE_PLAIN);
}

void coord_client_done(struct coord_client *client,
		       const struct wire_cc_done *done)
{
	struct buf body = { 0 };

	client->waits = false;
	wire_cc_done_encode(&body, done);
	wire_stream_send(client->stream, WIRE_CC_DONE, buf_bytes(&body),
			 WIRE_PLAIN);
	buf_release(&body);
}

void coord_client_fixed(struct coord_client *client,
			const struct wire_cc_fixed *fixed)
{
	struct buf body = { 0 };

	client->waits = false;
	wire_cc_fixed_encode(&body, fixed);
	wire_stream_send(client->stream, WIRE_CC_FIXED, buf_bytes(&body),
			 WIRE_PLAIN);
	buf_release(&body);
}
