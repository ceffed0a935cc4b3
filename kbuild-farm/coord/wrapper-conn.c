/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/wrapper-conn.h"

#include "base/list.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/socket.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/internal.h"
#include "coord/unit.h"
#include "inputs/fixdep.h"
#include "wire/limits.h"
#include "wire/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG         4096
#define UNANSWERED_READ 4096 /* bytes per read */

struct fixdep_request {
	struct pool_work work; /* first member */
	struct coord *coord;
	struct coord_wrapper_conn *client; /* NULL: connection closed */
	bool working; /* a worker thread uses the request */
	struct wire_cc_fixdep message;
	struct buf head, rest;
	int ret;
	struct err err;
};

struct coord_wrapper_conn {
	TAILQ_ENTRY(coord_wrapper_conn) list_entry;
	struct coord_wrapper_conns *conns;
	struct wire_stream *stream;
	struct wire_cc_step step; /* received before a compile request */
	bool has_step; /* `step` is valid */
	struct coord_unit *unit; /* NULL: no compile requested */
	uint32_t pid; /* of the process that requested a compile; 0: none */
	struct fixdep_request *fixdep; /* NULL: no fixdep requested */
	bool reply_pending; /* the wrapper waits for a reply */
};

/*
 * Local compiles of wrappers to which the coordinator did not respond, for
 * example because it was stopped.  For each such compile, the wrapper appends a
 * line to a file (wire_cc_unanswered_path()).
 */
struct unanswered {
	char *path;
	int fd; /* -1 if the file cannot be created */
	off_t read_bytes; /* offset of the first unread byte */
	struct buf lines; /* bytes that were read but not reported */
	/*
	 * pids of the reported lines that take_unanswered() has not used yet
	 */
	uint32_t *pids;
	size_t n_pids;
};

struct coord_wrapper_conns {
	struct coord *coord;
	char *socket_path;
	char *stalled_path; /* path from wire_cc_stalled_path() */
	struct unanswered unanswered;
	struct event *listener;
	const struct coord_wrapper_conn_ops *ops;
	bool version_reported; /* the user was warned of another kfarm-cc */
	TAILQ_HEAD(, coord_wrapper_conn) list;
};

static void fixdep_request_free(struct fixdep_request *q)
{
	wire_cc_fixdep_release(&q->message);
	buf_release(&q->head);
	buf_release(&q->rest);
	free(q);
}

static void run_fixdep_on_thread(struct pool_work *w)
{
	struct fixdep_request *q = (struct fixdep_request *)w;
	const struct inputs_fixdep_call call = {
		.cwd = q->message.cwd,
		.depfile = q->message.depfile,
		.target = q->message.target,
	};

	q->ret = inputs_fixdep_run(q->coord->fixdep, q->message.program, &call,
				   &q->head, &q->rest, &q->err);
}

static void unanswered_init(struct unanswered *u, const char *socket)
{
	u->path = wire_cc_unanswered_path(socket);
	u->fd = open(u->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (u->fd < 0)
		log_warning("%s: %s; compiles that run while kfarm is stopped "
			    "are not counted",
			    u->path, strerror(errno));
}

static void unanswered_release(struct unanswered *u)
{
	if (u->fd >= 0) {
		close(u->fd);
		unlink(u->path);
	}
	buf_release(&u->lines);
	free(u->pids);
	free(u->path);
}

/*
 * Return true if a wrapper with this pid is connected, and the coordinator has
 * reported the result of its compile.
 */
static bool has_result(const struct coord_wrapper_conns *all, uint32_t pid)
{
	const struct coord_wrapper_conn *client;

	list_for_each(client, &all->list, list_entry) {
		if (client->pid == pid && client->unit &&
		    client->unit->reported_state == EVENTS_JOB_DONE)
			return true;
	}
	return false;
}

/*
 * Report that a wrapper compiled `source` because the coordinator did not
 * respond.  The event gets a job number that no unit has.
 */
static void report_unanswered(struct coord *c, const char *source)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	*VEC_ADD(c->units.v, c->units.n) = NULL;
	ev.job = (int64_t)c->units.n;
	ev.state = EVENTS_JOB_DONE;
	ev.file = source;
	ev.node = EVENTS_LOCAL;
	ev.reason = reason_text(REASON_NO_ANSWER);
	events_hub_publish(c->setup.hub, &ev);
}

/* Report the compile that the line "PID LINKED SOURCE" describes. */
static void report_unanswered_line(struct coord_wrapper_conns *all,
				   struct bytes line)
{
	struct unanswered *u = &all->unanswered;
	char *text = bytes_dup(line);
	char *source = text;
	unsigned long pid = strtoul(source, &source, 10);
	unsigned long linked = strtoul(source, &source, 10);

	/* A compile that also links counts as a job only with the cache. */
	bool is_job = *source == ' ' && (!linked || all->coord->setup.cache);

	/*
	 * If the coordinator has reported a result that the wrapper did not
	 * wait for, do not count the compile twice.
	 */
	if (pid && has_result(all, (uint32_t)pid))
		is_job = false;
	else if (pid)
		*VEC_ADD(u->pids, u->n_pids) = (uint32_t)pid;
	if (is_job)
		report_unanswered(all->coord, source + 1);
	free(text);
}

void coord_wrapper_conns_report_unanswered(struct coord_wrapper_conns *all)
{
	struct unanswered *u = &all->unanswered;
	char block[UNANSWERED_READ];
	const uint8_t *end;
	ssize_t n;

	while (u->fd >= 0 &&
	       (n = pread(u->fd, block, sizeof(block), u->read_bytes)) > 0) {
		u->read_bytes += n;
		buf_add(&u->lines, block, (size_t)n);
		while ((end = memchr(u->lines.data, '\n', u->lines.len))) {
			size_t len = (size_t)(end - u->lines.data);

			report_unanswered_line(all,
					       bytes_of(u->lines.data, len));
			buf_consume(&u->lines, len + 1);
		}
	}
}

/*
 * Return true if the wrapper gave up waiting for a response, that is, if it
 * appended a line to the file.  Also remove the wrapper's pid from u->pids, so
 * that each line is used once.
 */
static bool take_unanswered(const struct coord_wrapper_conn *client)
{
	struct unanswered *u = &client->conns->unanswered;

	coord_wrapper_conns_report_unanswered(client->conns);
	for (size_t i = 0; i < u->n_pids; i++) {
		if (u->pids[i] != client->pid)
			continue;
		u->pids[i] = u->pids[--u->n_pids];
		return true;
	}
	return false;
}

bool coord_wrapper_conn_gave_up(struct coord_unit *u)
{
	if (u->conn && !u->unanswered)
		u->unanswered = take_unanswered(u->conn);
	return u->unanswered;
}

static void wrapper_conn_free(struct coord_wrapper_conn *client)
{
	struct coord_wrapper_conns *all = client->conns;

	if (client->unit) {
		coord_wrapper_conn_gave_up(client->unit);
		all->ops->on_job_closed(client->unit);
	} else {
		take_unanswered(client);
	}
	if (client->fixdep) {
		client->fixdep->client = NULL;
		if (!client->fixdep->working)
			fixdep_request_free(client->fixdep);
	}
	if (client->has_step)
		wire_cc_step_release(&client->step);
	TAILQ_REMOVE(&all->list, client, list_entry);
	wire_stream_free(client->stream);
	free(client);
}

static void on_fixdep_done(struct pool_work *w)
{
	struct fixdep_request *q = (struct fixdep_request *)w;
	const struct wire_cc_fixed fixed = {
		.before_command = buf_bytes(&q->head),
		.after_command = buf_bytes(&q->rest),
	};
	struct coord_wrapper_conn *client = q->client;
	struct buf body = { 0 };

	q->working = false;
	if (!client) {
		fixdep_request_free(q);
	} else if (q->coord->ending) {
		return;
	} else if (q->ret) {
		coord_wrapper_conn_send_local(client, q->err.text);
	} else if (q->rest.len > WIRE_CC_FIXED_MAX) {
		coord_wrapper_conn_send_local(client, "fixdep output too long");
	} else {
		client->reply_pending = false;
		wire_cc_fixed_encode(&body, &fixed);
		wire_stream_send(client->stream, WIRE_CC_FIXED,
				 buf_bytes(&body), WIRE_PLAIN);
		buf_release(&body);
	}
}

#define MALFORMED "malformed request"

/*
 * Reject a request that kfarm-cc of this version does not send.  The format of
 * the requests depends on the version.  The sender can be another version if
 * kfarm-cc was replaced during the build, either by an upgrade or because a
 * kfarm of another version updated the links of `kfarm run`.
 */
static int reject_request(struct coord_wrapper_conns *all, const char *why,
			  struct err *err)
{
	if (!all->version_reported)
		log_warning("kfarm-cc: %s; another version may have replaced "
			    "it during the build; such compiles run locally",
			    why);
	all->version_reported = true;
	return err_set(err, EPROTO, "%s", why);
}

static int on_fixdep(struct coord_wrapper_conn *client, struct bytes body,
		     struct err *err)
{
	struct coord *c = client->conns->coord;
	struct fixdep_request *q;
	struct wire_cc_fixdep ask;

	if (wire_cc_fixdep_decode(&ask, body))
		return reject_request(client->conns, MALFORMED, err);
	/*
	 * If the wrapper has another root directory or mount namespace, a path
	 * of the request can name another file for the coordinator.
	 */
	if (strcmp(ask.root, c->root) != 0) {
		coord_wrapper_conn_send_local(client, reason_text(REASON_ROOT));
		wire_cc_fixdep_release(&ask);
		return 0;
	}
	q = xcalloc(1, sizeof(*q));
	q->work.run = run_fixdep_on_thread;
	q->work.on_done = on_fixdep_done;
	q->coord = c;
	q->client = client;
	q->working = true;
	q->message = ask;
	client->reply_pending = true;
	client->fixdep = q;
	pool_add(c->pool, &q->work);
	return 0;
}

static int on_job(struct coord_wrapper_conn *client, struct bytes body,
		  struct err *err)
{
	struct coord_wrapper_conns *all = client->conns;
	struct wire_cc_job ask;

	if (wire_cc_job_decode(&ask, body))
		return reject_request(all, MALFORMED, err);
	client->reply_pending = true;
	client->pid = ask.pid;
	if (ask.linked && !all->coord->setup.cache) {
		coord_wrapper_conn_send_local(client, "no result cache");
		wire_cc_job_release(&ask);
		return 0;
	}
	client->unit = all->ops->on_job_requested(
		all->coord, client, &ask,
		client->has_step ? &client->step : NULL);
	client->has_step = false;
	wire_cc_job_release(&ask);
	if (!client->unit)
		return err_set(err, EPROTO, "not a compile request");
	return 0;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct coord_wrapper_conn *client = ctx;

	if (client->unit || client->fixdep)
		return err_set(err, EPROTO, "unexpected message");
	if (type == WIRE_CC_JOB)
		return on_job(client, body, err);
	if (type == WIRE_CC_FIXDEP && !client->has_step)
		return on_fixdep(client, body, err);
	if (type != WIRE_CC_STEP || client->has_step)
		return reject_request(client->conns, "unexpected message", err);
	if (wire_cc_step_decode(&client->step, body))
		return reject_request(client->conns, MALFORMED, err);
	client->has_step = true;
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	(void)why;
	wrapper_conn_free(ctx);
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	struct coord_wrapper_conns *all = arg;
	int one;

	(void)what;
	while ((one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	       0) {
		struct coord_wrapper_conn *client = xcalloc(1, sizeof(*client));

		client->conns = all;
		client->stream = wire_stream_new(all->coord->base, one, one,
						 &ops, client);
		TAILQ_INSERT_TAIL(&all->list, client, list_entry);
	}
	/*
	 * Other errors, such as EMFILE, would occur again at once, so accept no
	 * connections until the next heartbeat.
	 */
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		event_del(all->listener);
}

int coord_wrapper_conns_new(struct coord *c,
			    const struct coord_wrapper_conn_ops *ops,
			    struct err *err)
{
	int fd = socket_listen(c->setup.socket_path, BACKLOG, err);
	struct coord_wrapper_conns *all;

	if (fd < 0)
		return fd;
	c->wrapper_conns = all = xcalloc(1, sizeof(*all));
	all->coord = c;
	all->socket_path = xstrdup(c->setup.socket_path);
	all->stalled_path = wire_cc_stalled_path(all->socket_path);
	unanswered_init(&all->unanswered, all->socket_path);
	all->ops = ops;
	TAILQ_INIT(&all->list);
	all->listener = event_new(c->base, fd, EV_READ | EV_PERSIST, on_connect,
				  all);
	if (!all->listener || event_add(all->listener, NULL))
		str_out_of_memory();
	return 0;
}

void coord_wrapper_conns_free(struct coord_wrapper_conns *all)
{
	struct coord_wrapper_conn *client;

	if (!all)
		return;
	while ((client = TAILQ_FIRST(&all->list)))
		wrapper_conn_free(client);
	close(event_get_fd(all->listener));
	event_free(all->listener);
	unlink(all->socket_path);
	unlink(all->stalled_path);
	unanswered_release(&all->unanswered);
	free(all->socket_path);
	free(all->stalled_path);
	free(all);
}

void coord_wrapper_conns_send_beat(struct coord_wrapper_conns *all)
{
	struct coord_wrapper_conn *client;

	unlink(all->stalled_path);
	event_add(all->listener, NULL);
	list_for_each(client, &all->list, list_entry) {
		if (client->reply_pending)
			wire_stream_send(client->stream, WIRE_CC_BEAT,
					 bytes_of(NULL, 0), WIRE_PLAIN);
	}
}

void coord_wrapper_conn_send_local(struct coord_wrapper_conn *client,
				   const char *why)
{
	client->reply_pending = false;
	wire_stream_send(client->stream, WIRE_CC_LOCAL, bytes_str(why),
			 WIRE_PLAIN);
}

void coord_wrapper_conn_send_done(struct coord_wrapper_conn *client,
				  const struct wire_cc_done *done)
{
	struct buf body = { 0 };

	client->reply_pending = false;
	wire_cc_done_encode(&body, done);
	wire_stream_send(client->stream, WIRE_CC_DONE, buf_bytes(&body),
			 WIRE_PLAIN);
	buf_release(&body);
}
