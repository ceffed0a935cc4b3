/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/client.h"

#include "base/str.h"
#include "coord/job.h"
#include "wire/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

struct coord_client {
	TAILQ_ENTRY(coord_client) link;
	struct coord *coord;
	struct wire_stream *stream;
	struct coord_job *job; /* NULL: nothing asked yet */
};

static void client_free(struct coord_client *client)
{
	if (client->job)
		coord_job_end(client->job);
	TAILQ_REMOVE(&client->coord->clients, client, link);
	wire_stream_free(client->stream);
	free(client);
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct coord_client *client = ctx;
	struct wire_cc_job ask;

	if (type != WIRE_CC_JOB || client->job)
		return err_set(err, EPROTO, "an unexpected message");
	if (wire_cc_job_decode(&ask, body))
		return err_set(err, EPROTO, "a broken question");
	client->job = coord_job_new(client->coord, client, &ask);
	wire_cc_job_release(&ask);
	if (!client->job)
		return err_set(err, EPROTO, "a question that is no job");
	return 0;
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
	struct coord *c = arg;
	int one;

	(void)what;
	while ((one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	       0) {
		struct coord_client *client = xcalloc(1, sizeof(*client));

		client->coord = c;
		client->stream = wire_stream_new(c->base, one, one, &ops,
						 client);
		TAILQ_INSERT_TAIL(&c->clients, client, link);
	}
	/* Out of descriptors: rest until the next beat instead of spinning. */
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		event_del(c->listener);
}

int coord_client_listen(struct coord *c, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(c->socket) >= sizeof(at.sun_path))
		return err_set(err, ENAMETOOLONG, "socket %s", c->socket);
	strcpy(at.sun_path, c->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(fd, BACKLOG)) {
		int ret = err_errno(err, "socket %s", c->socket);

		if (fd >= 0)
			close(fd);
		return ret;
	}
	c->listener = event_new(c->base, fd, EV_READ | EV_PERSIST, on_connect,
				c);
	if (!c->listener || event_add(c->listener, NULL))
		str_out_of_memory();
	return 0;
}

void coord_client_local(struct coord_client *client, const char *why)
{
	wire_stream_send(client->stream, WIRE_CC_LOCAL, bytes_str(why),
			 WIRE_PLAIN);
}

void coord_client_done(struct coord_client *client,
		       const struct wire_cc_done *done)
{
	struct buf body = { 0 };

	wire_cc_done_encode(&body, done);
	wire_stream_send(client->stream, WIRE_CC_DONE, buf_bytes(&body),
			 WIRE_PLAIN);
	buf_release(&body);
}

void coord_client_beat_all(struct coord *c)
{
	struct coord_client *client;

	unlink(c->silent);
	event_add(c->listener, NULL);
	list_for_each(client, &c->clients, link) {
		if (client->job && client->job->state != JOB_LOCAL &&
		    client->job->state != JOB_DONE)
			wire_stream_send(client->stream, WIRE_CC_BEAT,
					 bytes_of(NULL, 0), WIRE_PLAIN);
	}
}

void coord_client_free_all(struct coord *c)
{
	struct coord_client *client;

	while ((client = TAILQ_FIRST(&c->clients)))
		client_free(client);
	if (c->listener) {
		close(event_get_fd(c->listener));
		event_free(c->listener);
		unlink(c->socket);
		unlink(c->silent);
	}
}
