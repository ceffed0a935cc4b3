/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/server.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/socket.h"
#include "base/str.h"
#include "base/version.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* queue space reserved for EVENTS_KIND_DROPPED and EVENTS_KIND_DONE */
#define RESERVED_BYTES 4096
#define QUEUE_BYTES    (EVENTS_PENDING_MAX + RESERVED_BYTES)

void events_writer_init(struct events_writer *w, int fd, uint64_t now_ms)
{
	*w = (struct events_writer){ .start_s = time(NULL) -
						(int64_t)(now_ms / 1000) };
	outqueue_init(&w->queue, fd, QUEUE_BYTES);
}

/*
 * Queue the event.  Returns false and queues nothing if fewer than `spare`
 * bytes of the queue would remain free.
 */
static bool queue_event(struct events_writer *w, const struct events_event *ev,
			size_t spare)
{
	buf_reset(&w->line);
	events_encode(&w->line, ev);
	if (!outqueue_has_space(&w->queue, w->line.len + spare))
		return false;
	outqueue_add(&w->queue, buf_bytes(&w->line));
	return true;
}

static bool queue_dropped(struct events_writer *w, uint64_t at_ms, size_t spare)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DROPPED);

	if (!w->n_dropped)
		return true;
	ev.at_ms = at_ms;
	ev.n_dropped = (int64_t)w->n_dropped;
	if (!queue_event(w, &ev, spare))
		return false;
	w->n_dropped = 0;
	return true;
}

/* Queue the number of dropped events, if any, and then the event. */
static bool queue_in_order(struct events_writer *w,
			   const struct events_event *ev)
{
	size_t spare = ev->kind == EVENTS_KIND_DONE ? 0 : RESERVED_BYTES;

	return queue_dropped(w, ev->at_ms, spare) && queue_event(w, ev, spare);
}

void events_writer_add(void *ctx, const struct events_event *ev)
{
	struct events_writer *w = ctx;
	struct events_event first;

	if (w->queue.error)
		return;
	if (!w->started) {
		first = events_event_make(EVENTS_KIND_STREAM);
		first.version = EVENTS_VERSION;
		first.program = "kfarm " KFARM_VERSION;
		first.pid = getpid();
		first.start_s = w->start_s;
		w->started = queue_event(w, &first, 0);
	}
	if (queue_in_order(w, ev))
		return;
	/*
	 * One turn of the event loop can add more events than the queue holds,
	 * for example all warnings of a build.  Write the queued bytes, and
	 * drop the event only if the queue still lacks space.  A regular file
	 * always accepts the queued bytes.
	 */
	outqueue_flush(&w->queue, 0);
	if (!queue_in_order(w, ev))
		w->n_dropped++;
}

void events_writer_flush(struct events_writer *w, int timeout_ms)
{
	outqueue_flush(&w->queue, timeout_ms);
}

int events_writer_error(const struct events_writer *w)
{
	return w->queue.error;
}

void events_writer_release(struct events_writer *w)
{
	outqueue_release(&w->queue);
	buf_release(&w->line);
}

#define BACKLOG  16
#define FLUSH_MS 100
#define PAUSE_S  1 /* pause of the listener if no descriptors are left */

struct client {
	TAILQ_ENTRY(client) link;
	struct events_server *server;
	struct events_writer writer;
	/* fires when input arrives or when the client accepts more bytes */
	struct event *event;
	int fd;
	bool input_ended; /* the client has closed its sending side */
	bool waits; /* waiting until the client accepts more bytes */
};

struct events_server {
	struct events_hub *hub;
	struct event_base *base;
	struct events_subscriber consumer;
	struct event *listener;
	struct event *resume_timer; /* enables the listener again */
	char *path;
	TAILQ_HEAD(, client) clients;
	unsigned n_clients;
};

static void drop_client(struct client *c)
{
	struct events_server *s = c->server;

	TAILQ_REMOVE(&s->clients, c, link);
	s->n_clients--;
	if (!s->n_clients)
		events_hub_unsubscribe(s->hub, &s->consumer);
	event_free(c->event);
	events_writer_release(&c->writer);
	close(c->fd);
	free(c);
}

static void watch_client(struct client *c)
{
	short what = (c->input_ended ? 0 : EV_READ) | (c->waits ? EV_WRITE : 0);

	event_del(c->event);
	event_assign(c->event, c->server->base, c->fd, what | EV_PERSIST,
		     event_get_callback(c->event), c);
	if (what)
		event_add(c->event, NULL);
}

/* Write what the client accepts, and wait for writability if bytes are left. */
static void flush_client(struct client *c)
{
	bool waits;

	events_writer_flush(&c->writer, 0);
	if (events_writer_error(&c->writer)) {
		drop_client(c);
		return;
	}
	waits = c->writer.queue.pending.len > 0;
	if (!waits)
		c->writer.queue.max_bytes = QUEUE_BYTES;
	if (waits == c->waits)
		return;
	c->waits = waits;
	watch_client(c);
}

/* Return true if the client has closed both directions of the connection. */
static bool has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

static void on_client(evutil_socket_t fd, short what, void *ctx)
{
	struct client *c = ctx;
	char ignored[256];
	ssize_t n = 1;

	if (what & EV_READ)
		n = read(fd, ignored, sizeof(ignored));
	if (!n && !has_hung_up(fd)) {
		/*
		 * Continue to send events, because the client has closed only
		 * its sending side.  If it also closes its receiving side, a
		 * write fails.
		 */
		c->input_ended = true;
		watch_client(c);
		n = 1;
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		flush_client(c);
	else
		drop_client(c);
}

static bool is_same_user(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (peer.uid == geteuid() || !peer.uid);
}

static void add_client(struct events_server *s, int fd)
{
	struct client *c = xcalloc(1, sizeof(*c));
	struct outqueue *queue = &c->writer.queue;

	c->server = s;
	c->fd = fd;
	events_writer_init(&c->writer, fd, events_hub_elapsed_ms(s->hub));
	c->event = event_new(s->base, fd, EV_READ | EV_PERSIST, on_client, c);
	if (!c->event || event_add(c->event, NULL))
		str_out_of_memory();
	TAILQ_INSERT_TAIL(&s->clients, c, link);
	if (!s->n_clients++)
		events_hub_subscribe(s->hub, &s->consumer);
	/*
	 * QUEUE_BYTES does not apply to the snapshot.  Otherwise, a client
	 * would receive EVENTS_KIND_DROPPED in a large snapshot, connect again,
	 * and never get the whole snapshot.
	 */
	queue->max_bytes = SIZE_MAX;
	events_hub_send_snapshot(s->hub, events_writer_add, &c->writer);
	queue->max_bytes = queue->pending.len + QUEUE_BYTES;
	flush_client(c);
}

static void on_connect(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval pause = { .tv_sec = PAUSE_S };
	struct events_server *s = ctx;
	int one;

	(void)what;
	while ((one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	       0) {
		if (is_same_user(one) && s->n_clients < EVENTS_CLIENTS_MAX)
			add_client(s, one);
		else
			close(one);
	}
	/*
	 * No descriptors are left: pause, because the loop would spin on the
	 * pending connection.
	 */
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		event_del(s->listener);
		event_add(s->resume_timer, &pause);
	}
}

static void on_pause_ended(evutil_socket_t fd, short what, void *ctx)
{
	struct events_server *s = ctx;

	(void)fd;
	(void)what;
	event_add(s->listener, NULL);
}

static void on_event(void *ctx, const struct events_event *ev)
{
	struct events_server *s = ctx;
	struct client *c;

	list_for_each(c, &s->clients, link)
		events_writer_add(&c->writer, ev);
}

static void on_due(void *ctx, uint64_t at_ms)
{
	struct events_server *s = ctx;
	struct client *c, *next;

	(void)at_ms;
	list_for_each_safe(c, &s->clients, link, next)
		flush_client(c);
}

int events_server_new(struct events_server **out, struct events_hub *hub,
		      struct event_base *base, const char *path,
		      struct err *err)
{
	int fd = socket_listen(path, BACKLOG, err);
	struct events_server *s;

	if (fd < 0)
		return fd;
	*out = s = xcalloc(1, sizeof(*s));
	s->hub = hub;
	s->base = base;
	s->path = xstrdup(path);
	s->consumer = (struct events_subscriber){ .on_event = on_event,
						  .on_due = on_due,
						  .ctx = s };
	TAILQ_INIT(&s->clients);
	s->listener = event_new(base, fd, EV_READ | EV_PERSIST, on_connect, s);
	s->resume_timer = evtimer_new(base, on_pause_ended, s);
	if (!s->listener || !s->resume_timer || event_add(s->listener, NULL))
		str_out_of_memory();
	return 0;
}

void events_server_free(struct events_server *s)
{
	uint64_t deadline = clock_ms() + FLUSH_MS;
	struct client *c;

	if (!s)
		return;
	while ((c = TAILQ_FIRST(&s->clients))) {
		uint64_t now = clock_ms();

		events_writer_flush(&c->writer,
				    now < deadline ? (int)(deadline - now) : 0);
		drop_client(c);
	}
	close(event_get_fd(s->listener));
	event_free(s->listener);
	event_free(s->resume_timer);
	unlink(s->path);
	free(s->path);
	free(s);
}
