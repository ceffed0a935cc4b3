/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/status.h"

#include "agent/agent.h"
#include "agent/session.h"
#include "base/json.h"
#include "base/list.h"
#include "base/outlet.h"
#include "base/socket.h"
#include "store/store.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ASKERS_MAX 8 /* at once; the next is closed at once */
#define ASKER_S    5 /* to take the answer */
#define BACKLOG    8

struct asker {
	TAILQ_ENTRY(asker) link;
	struct agent_status *status;
	struct outlet out;
	struct event *event;
};

struct agent_status {
	struct agent *agent;
	struct event *listener;
	time_t began;
	TAILQ_HEAD(, asker) askers;
	unsigned n_askers;
};

static json_t *slots_json(const struct agent_slots *s)
{
	return json_pack("{s:i, s:i, s:i, s:i}", "limit", (int)s->limit,
			 "compilers", (int)s->run, "taken", (int)s->held,
			 "running", (int)s->running);
}

/* What it holds is not known before the collector has looked once. */
static json_t *store_json(struct store *store)
{
	struct store_stats n;
	json_t *o = json_object();

	store_stats(store, &n);
	json_object_set_new(o, "used",
			    n.counted ? json_integer((json_int_t)n.used) :
					json_null());
	json_object_set_new(o, "limit", json_integer((json_int_t)n.limit));
	return o;
}

static json_t *status_json(const struct agent_status *s)
{
	const struct agent *a = s->agent;
	json_t *o = json_object();

	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(o, "software", json_text(AGENT_SOFTWARE));
	json_object_set_new(o, "listen", json_text(a->listen));
	json_object_set_new(o, "began", json_integer(s->began));
	json_object_set_new(o, "fit", json_boolean(a->check.fit));
	json_object_set_new(o, "slots", slots_json(&a->slots));
	json_object_set_new(o, "store", store_json(a->store));
	json_object_set_new(o, "clients", agent_sessions_json(a));
	return o;
}

static void free_asker(struct asker *k)
{
	TAILQ_REMOVE(&k->status->askers, k, link);
	k->status->n_askers--;
	event_free(k->event);
	close(k->out.fd);
	outlet_release(&k->out);
	free(k);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct asker *k = ctx;

	(void)fd;
	outlet_flush(&k->out, 0);
	if (!k->out.waiting.len || k->out.error || what & EV_TIMEOUT)
		free_asker(k);
}

static void answer_asker(struct agent_status *s, int fd)
{
	static const struct timeval limit = { .tv_sec = ASKER_S };
	struct asker *k = xcalloc(1, sizeof(*k));
	json_t *made = status_json(s);
	char *text = json_dumps(made, JSON_COMPACT | JSON_REAL_PRECISION(6));

	json_decref(made);
	if (!text)
		str_out_of_memory();
	k->status = s;
	outlet_init(&k->out, fd, SIZE_MAX);
	outlet_add(&k->out, bytes_str(text));
	free(text);
	k->event = event_new(s->agent->base, fd, EV_WRITE | EV_PERSIST,
			     on_writable, k);
	if (!k->event || event_add(k->event, &limit))
		str_out_of_memory();
	TAILQ_INSERT_TAIL(&s->askers, k, link);
	s->n_askers++;
}

static void on_ask(evutil_socket_t fd, short what, void *ctx)
{
	struct agent_status *s = ctx;
	int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (one >= 0 && s->n_askers < ASKERS_MAX)
		answer_asker(s, one);
	else if (one >= 0)
		close(one);
}

int agent_status_new(struct agent_status **out, struct agent *a,
		     struct err *err)
{
	/* The path itself may be longer than a socket's can be. */
	char *path = xasprintf("/proc/self/fd/%d/status",
			       store_private_dir(a->store));
	int fd = socket_listen(path, BACKLOG, err);
	struct agent_status *s;

	free(path);
	if (fd < 0)
		return fd;
	*out = s = xcalloc(1, sizeof(*s));
	s->agent = a;
	s->began = time(NULL);
	TAILQ_INIT(&s->askers);
	s->listener = event_new(a->base, fd, EV_READ | EV_PERSIST, on_ask, s);
	if (!s->listener || event_add(s->listener, NULL))
		str_out_of_memory();
	return 0;
}

void agent_status_free(struct agent_status *s)
{
	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->askers))
		free_asker(TAILQ_FIRST(&s->askers));
	close(event_get_fd(s->listener));
	event_free(s->listener);
	free(s);
}
