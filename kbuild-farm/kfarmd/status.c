/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/status.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/json.h"
#include "base/list.h"
#include "base/metrics.h"
#include "base/outqueue.h"
#include "base/printable.h"
#include "base/socket.h"
#include "base/vec.h"
#include "kfarmd/session.h"
#include "kfarmd/toolchains.h"
#include "store/scratch-dir.h"
#include "store/store.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Limit on concurrent connections; further connections are closed. */
#define STATUS_CLIENTS_MAX 8
#define STATUS_TIMEOUT_S   5 /* limit for reading the reply */
#define STATUS_PAUSE_S     1 /* pause when no descriptor is available */
#define STATUS_BACKLOG     8

struct status_client {
	TAILQ_ENTRY(status_client) entry;
	struct kfarmd_status *status;
	struct outqueue queue;
	struct event *write_event;
};

struct kfarmd_status {
	struct kfarmd *daemon;
	struct event *listener;
	struct event *resume_timer;
	time_t start_s;
	TAILQ_HEAD(, status_client) clients;
	unsigned n_clients;
};

/* Names of the outcomes of jobs in the status. */
static const char *const end_names[KFARMD_N_ENDS] = {
	[KFARMD_END_OK] = "ok",
	[KFARMD_END_ERROR] = "error",
	[KFARMD_END_FAILED] = "failed",
	[KFARMD_END_DROPPED] = "dropped",
};

static json_t *finished_to_json(const struct kfarmd_finished *f)
{
	json_t *o = json_object();

	for (int i = 0; i < KFARMD_N_ENDS; i++)
		json_object_set_new(o, end_names[i],
				    json_integer((json_int_t)f->n_jobs[i]));
	json_object_set_new(o, "cpu", json_real((double)f->cpu_ms / 1000));
	return o;
}

/* Return (`milli` - `zero`) / 1000, or null if `milli` is unknown. */
static json_t *health_to_json(uint32_t milli, int64_t zero)
{
	return milli == WIRE_HEALTH_UNKNOWN ?
		       json_null() :
		       json_real((double)(milli - zero) / 1000);
}

static json_t *status_to_json(const struct kfarmd_status *s)
{
	struct kfarmd *a = s->daemon;
	const struct wire_health *health = kfarmd_session_read_health(a);
	json_t *o = json_object(), *slots, *store = json_object();
	struct store_stats n;

	slots = json_pack(
		"{s:i, s:i, s:i, s:i}", "limit", (int)a->slots.n_advertised,
		"compilers", (int)a->slots.max_running, "taken",
		(int)a->slots.n_jobs, "running", (int)a->slots.n_running);
	/* The used size is unknown until the store has counted its blobs. */
	store_stats(a->store, &n);
	json_object_set_new(store, "used",
			    n.counted ? json_integer((json_int_t)n.used_bytes) :
					json_null());
	json_object_set_new(store, "limit",
			    json_integer((json_int_t)n.limit_bytes));

	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(o, "software", json_text(KFARMD_SOFTWARE));
	json_object_set_new(o, "listen", json_text(a->listen_text));
	json_object_set_new(o, "began", json_integer(s->start_s));
	json_object_set_new(o, "fit", json_boolean(a->sandbox_check.usable));
	json_object_set_new(o, "slots", slots);
	json_object_set_new(o, "finished", finished_to_json(&a->finished));
	json_object_set_new(o, "health",
			    json_pack("{s:o, s:o}", "celsius",
				      health_to_json(health->temperature_mk,
						     WIRE_ZERO_CELSIUS_MK),
				      "speed",
				      health_to_json(health->speed_milli, 0)));
	json_object_set_new(o, "store", store);
	json_object_set_new(o, "clients", kfarmd_session_list_to_json(a));
	if (a->describe_relay)
		a->describe_relay(a->relay, o);
	return o;
}

static void free_status_client(struct status_client *k)
{
	TAILQ_REMOVE(&k->status->clients, k, entry);
	k->status->n_clients--;
	event_free(k->write_event);
	close(k->queue.fd);
	outqueue_release(&k->queue);
	free(k);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct status_client *k = ctx;

	(void)fd;
	outqueue_flush(&k->queue, 0);
	if (!k->queue.pending.len || k->queue.error || what & EV_TIMEOUT)
		free_status_client(k);
}

static void on_status_requested(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval limit = { .tv_sec = STATUS_TIMEOUT_S };
	static const struct timeval rest = { .tv_sec = STATUS_PAUSE_S };
	struct kfarmd_status *s = ctx;
	int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct status_client *k;
	json_t *made;
	char *text;

	(void)what;
	if (one < 0) {
		/* Pause, or the loop would spin on the pending connection. */
		if (errno != EAGAIN && errno != EINTR &&
		    errno != ECONNABORTED) {
			event_del(s->listener);
			event_add(s->resume_timer, &rest);
		}
		return;
	}
	if (s->n_clients >= STATUS_CLIENTS_MAX) {
		close(one);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	made = status_to_json(s);
	text = json_dumps(made, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(made);
	if (!text)
		str_out_of_memory();
	k->status = s;
	outqueue_init(&k->queue, one, SIZE_MAX);
	outqueue_add(&k->queue, bytes_str(text));
	free(text);
	k->write_event = event_new(s->daemon->base, one, EV_WRITE | EV_PERSIST,
				   on_writable, k);
	if (!k->write_event || event_add(k->write_event, &limit))
		str_out_of_memory();
	TAILQ_INSERT_TAIL(&s->clients, k, entry);
	s->n_clients++;
}

static void on_status_pause_ended(evutil_socket_t fd, short what, void *ctx)
{
	struct kfarmd_status *s = ctx;

	(void)fd;
	(void)what;
	event_add(s->listener, NULL);
}

int kfarmd_status_new(struct kfarmd_status **out, struct kfarmd *a,
		      struct err *err)
{
	/*
	 * Name the scratch directory by its descriptor, because its real path
	 * can exceed the maximum length of a socket address.
	 */
	char *path = xasprintf("/proc/self/fd/%d/status",
			       store_scratch_fd(a->store));
	int fd = socket_listen(path, STATUS_BACKLOG, err);
	struct kfarmd_status *s;

	free(path);
	if (fd < 0)
		return fd;
	*out = s = xcalloc(1, sizeof(*s));
	s->daemon = a;
	s->start_s = time(NULL);
	TAILQ_INIT(&s->clients);
	s->listener = event_new(a->base, fd, EV_READ | EV_PERSIST,
				on_status_requested, s);
	s->resume_timer = evtimer_new(a->base, on_status_pause_ended, s);
	if (!s->listener || !s->resume_timer || event_add(s->listener, NULL))
		str_out_of_memory();
	return 0;
}

void kfarmd_status_free(struct kfarmd_status *s)
{
	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->clients))
		free_status_client(TAILQ_FIRST(&s->clients));
	close(event_get_fd(s->listener));
	event_free(s->listener);
	event_free(s->resume_timer);
	free(s);
}

#define REPLY_TIMEOUT_MS 2000 /* limit for all replies together */
#define REPLY_BYTES_MAX  (16u << 20) /* limit on one reply */

struct status_reply {
	char *name; /* scratch directory of the kfarmd: "PID.NUMBER" */
	int fd; /* -1: no kfarmd listens on the socket */
	struct buf text;
	json_t *json; /* NULL: no valid reply */
	bool shares_address; /* another kfarmd has the same address */
};

struct status_replies {
	struct status_reply *replies;
	size_t n_replies;
};

/* Read the reply until the peer closes or `deadline` passes. */
static void read_status_reply(struct status_reply *k, uint64_t deadline)
{
	struct pollfd fd = { .fd = k->fd, .events = POLLIN };
	char block[65536];
	ssize_t n = 1;

	while (n > 0 && k->text.len < REPLY_BYTES_MAX) {
		uint64_t now = clock_ms();

		if (poll(&fd, 1, now < deadline ? (int)(deadline - now) : 0) <=
		    0)
			return;
		n = read(k->fd, block, sizeof(block));
		if (n > 0)
			buf_add(&k->text, block, (size_t)n);
	}
	k->json = json_loadb(buf_str(&k->text), k->text.len, 0, NULL);
	if (!json_is_object(k->json)) {
		json_decref(k->json);
		k->json = NULL;
	}
}

static int query_all_daemons(struct status_replies *all, const char *dir,
			     struct err *err)
{
	char *path = xasprintf("%s/live", dir);
	int live = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	uint64_t deadline = clock_ms() + REPLY_TIMEOUT_MS;
	struct strv names = { 0 };

	*all = (struct status_replies){ 0 };
	if (live < 0) {
		ret = errno == ENOENT ? 0 : err_errno(err, "%s", path);
		free(path);
		return ret;
	}
	ret = store_scratch_dir_list(live, &names);
	if (ret)
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	for (size_t i = 0; i < names.n; i++) {
		struct status_reply *k = VEC_ADD(all->replies, all->n_replies);
		int fd = openat(live, names.v[i],
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					O_CLOEXEC);
		char *socket_path = xasprintf("/proc/self/fd/%d/status", fd);
		struct err ignored;

		k->name = xstrdup(names.v[i]);
		k->fd = fd < 0 ? -1 : socket_connect(socket_path, &ignored);
		free(socket_path);
		if (fd >= 0)
			close(fd);
	}
	for (size_t i = 0; i < all->n_replies; i++) {
		if (all->replies[i].fd >= 0)
			read_status_reply(&all->replies[i], deadline);
	}
	strv_release(&names);
	close(live);
	free(path);
	return ret;
}

static const char *json_text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static long long json_int_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static void put_each(struct buf *out, const json_t *o, const char *name,
		     void (*put)(struct buf *out, const json_t *one))
{
	const json_t *list = json_object_get(o, name);

	for (size_t i = 0; i < json_array_size(list); i++)
		put(out, json_array_get(list, i));
}

static void put_job_status(struct buf *out, const json_t *job)
{
	buf_printf(out, "    %-9s %6.1f s  ", json_text_of(job, "state"),
		   json_number_value(json_object_get(job, "seconds")));
	printable_add_escaped(out, bytes_str(json_text_of(job, "file")), 0);
	buf_add_str(out, "\n");
}

static void put_sandbox(struct buf *out, const json_t *cell)
{
	const char *compiler = json_text_of(cell, "compiler");
	const char *id = json_text_of(cell, "kept");

	buf_printf(out, "    sandbox %lld, %s: ", json_int_of(cell, "cell"),
		   json_text_of(cell, "state"));
	printable_add_escaped(out,
			      bytes_str(*id       ? id :
					*compiler ? compiler :
						    "toolchain installation"),
			      0);
	buf_add_str(out, "\n");
}

static void put_client_status(struct buf *out, const json_t *client)
{
	const char *software = json_text_of(client, "software");
	const char *name = json_text_of(client, "client");
	size_t jobs = json_array_size(json_object_get(client, "jobs"));

	buf_add_str(out, "  ");
	printable_add_escaped(out, bytes_str(json_text_of(client, "from")), 0);
	if (*name) {
		buf_add_str(out, " (");
		printable_add_escaped(out, bytes_str(name), 0);
		buf_add_str(out, ")");
	}
	buf_add_str(out, ", ");
	printable_add_escaped(
		out, bytes_str(*software ? software : "no HELLO yet"), 0);
	buf_printf(out, ", for %.0f s, %zu job%s",
		   json_number_value(json_object_get(client, "seconds")), jobs,
		   format_plural(jobs));
	if (json_int_of(client, "lease"))
		buf_printf(out, ", lease %lld", json_int_of(client, "lease"));
	buf_add_str(out, "\n");
	put_each(out, client, "cells", put_sandbox);
	put_each(out, client, "jobs", put_job_status);
}

static void put_member_status(struct buf *out, const json_t *member)
{
	const char *problem = json_text_of(member, "problem");
	long long slots = json_int_of(member, "slots");

	buf_printf(out, "  member %s: ", json_text_of(member, "name"));
	if (*problem)
		printable_add_escaped(out, bytes_str(problem), 0);
	else
		buf_printf(out, "%lld slot%s", slots, format_plural(slots));
	buf_add_str(out, "\n");
}

static void put_daemon(struct buf *out, const struct status_reply *k)
{
	const json_t *slots = json_object_get(k->json, "slots");
	const char *listen = json_text_of(k->json, "listen");

	if (!k->json) {
		buf_printf(out, "kfarmd %.*s: %s\n", (int)strcspn(k->name, "."),
			   k->name, k->fd < 0 ? "not listening" : "no reply");
		return;
	}
	buf_printf(out, "kfarmd %lld (%s, ", json_int_of(k->json, "pid"),
		   json_text_of(k->json, "software"));
	if (*listen)
		printable_add_escaped(out, bytes_str(listen), 0);
	else
		buf_add_str(out, "--stdio");
	buf_printf(out,
		   "): %lld of %lld slots in use, %lld of %lld compilers "
		   "running\n",
		   json_int_of(slots, "taken"), json_int_of(slots, "limit"),
		   json_int_of(slots, "running"),
		   json_int_of(slots, "compilers"));
	put_each(out, k->json, "members", put_member_status);
	put_each(out, k->json, "clients", put_client_status);
}

/*
 * Return the status of the store, preferably from a kfarmd that reports the
 * used size.
 */
static const json_t *find_store_status(const struct status_replies *all)
{
	const json_t *store = NULL;

	for (size_t i = 0; i < all->n_replies; i++) {
		const json_t *one = json_object_get(all->replies[i].json,
						    "store");

		if (one &&
		    (!store || json_is_integer(json_object_get(one, "used"))))
			store = one;
	}
	return store;
}

static void print_status_text(const struct status_replies *all, const char *dir,
			      const struct wire_held *held)
{
	const double gib = 1 << 30;
	const json_t *store = find_store_status(all);
	struct buf out = { 0 };

	for (size_t i = 0; i < all->n_replies; i++)
		put_daemon(&out, &all->replies[i]);
	if (store) {
		buf_printf(&out, "store %s: ", dir);
		if (json_is_integer(json_object_get(store, "used")))
			buf_printf(&out, "%.2f of ",
				   (double)json_int_of(store, "used") / gib);
		buf_printf(&out, "%.2f GiB\n",
			   (double)json_int_of(store, "limit") / gib);
	}
	for (uint32_t i = 0; i < held->n_toolchains; i++)
		buf_printf(&out, "toolchain %s%s\n", held->toolchains[i].id,
			   held->toolchains[i].state == WIRE_HELD_DAMAGED ?
				   ", damaged" :
				   "");
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
}

static void print_status_json(const struct status_replies *all, const char *dir,
			      const struct wire_held *held)
{
	json_t *daemons = json_array(), *tools = json_array(), *made;

	for (size_t i = 0; i < all->n_replies; i++)
		json_array_append(daemons, all->replies[i].json);
	for (uint32_t i = 0; i < held->n_toolchains; i++)
		json_array_append_new(
			tools, json_pack("{s:s, s:s, s:b}", "id",
					 held->toolchains[i].id, "host",
					 held->toolchains[i].host, "damaged",
					 held->toolchains[i].state ==
						 WIRE_HELD_DAMAGED));
	made = json_pack("{s:o, s:o, s:o}", "store", json_text(dir), "kfarmds",
			 daemons, "kept", tools);
	json_dumpf(made, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(made);
}

/* A metric with one value per kfarmd, taken from the status of the kfarmd. */
struct daemon_metric {
	const char *name, *help;
	/* `group` is NULL if `key` is a member of the top-level object */
	const char *group, *key;
	enum metrics_type type;
};

static const struct daemon_metric daemon_metrics[] = {
	{ "kfarmd_slots", "Jobs that the node accepts at the same time.",
	  "slots", "limit", METRICS_GAUGE },
	{ "kfarmd_slots_used", "Jobs that the node has accepted.", "slots",
	  "taken", METRICS_GAUGE },
	{ "kfarmd_compilers", "Compilers that can run at the same time.",
	  "slots", "compilers", METRICS_GAUGE },
	{ "kfarmd_compilers_running", "Compilers that run.", "slots", "running",
	  METRICS_GAUGE },
	{ "kfarmd_job_cpu_seconds_total", "CPU time of all ended jobs.",
	  "finished", "cpu", METRICS_COUNTER },
	{ "kfarmd_clients", "Build hosts that are connected.", NULL, "clients",
	  METRICS_GAUGE },
	{ "kfarmd_members_usable", "Members of a relay that can execute jobs.",
	  NULL, "usable_members", METRICS_GAUGE },
	{ "kfarmd_usable", "Whether the sandbox works, so that jobs can run.",
	  NULL, "fit", METRICS_GAUGE },
	{ "kfarmd_temperature_celsius", "Temperature of the hottest sensor.",
	  "health", "celsius", METRICS_GAUGE },
	{ "kfarmd_clock_ratio",
	  "Clock limit of the slowest cores, relative to their maximum clock.",
	  "health", "speed", METRICS_GAUGE },
	{ "kfarmd_start_time_seconds", "Start time in seconds since 1970.",
	  NULL, "began", METRICS_GAUGE },
};

/* Return true if another kfarmd has the same address as the reply `i`. */
static bool is_address_shared(const struct status_replies *all, size_t i)
{
	const char *address = json_text_of(all->replies[i].json, "listen");

	for (size_t k = 0; k < all->n_replies; k++) {
		if (k != i &&
		    !strcmp(json_text_of(all->replies[k].json, "listen"),
			    address))
			return true;
	}
	return false;
}

/*
 * Add a sample if the kfarmd has replied and the number is known.  `result` is
 * the value of the label "result"; NULL: the sample has no such label.
 */
static void add_daemon_sample(struct buf *b, const char *metric,
			      const struct status_reply *reply,
			      const char *result, const char *group,
			      const char *key)
{
	const json_t *status = reply->json;
	const json_t *o = group ? json_object_get(status, group) : status;
	const json_t *value = json_object_get(o, key);
	const char *listen = json_text_of(status, "listen");
	char pid[24];
	/*
	 * The label "pid" is necessary because several kfarmds can have the
	 * same label "listen".  Kfarmds without an address, of which one runs
	 * per build host, have the label "stdio".  Other kfarmds can listen on
	 * the same port in different network namespaces, or at the same
	 * relative path.
	 */
	const char *const labels[] = { "pid",
				       pid,
				       "listen",
				       *listen ? listen : "stdio",
				       result ? "result" : NULL,
				       result,
				       NULL };

	if (!value || json_is_null(value))
		return;
	snprintf(pid, sizeof(pid), "%lld", json_int_of(status, "pid"));
	metrics_add_sample(
		b, metric,
		*listen && !reply->shares_address ? labels + 2 : labels,
		json_is_array(value)   ? (double)json_array_size(value) :
		json_is_boolean(value) ? json_is_true(value) :
					 json_number_value(value));
}

static void add_daemon_metrics(struct buf *b, const struct status_replies *all)
{
	static const char jobs[] = "kfarmd_jobs_total";

	for (size_t i = 0; i < ARRAY_SIZE(daemon_metrics); i++) {
		const struct daemon_metric *m = &daemon_metrics[i];

		metrics_add_head(b, m->name, m->type, m->help);
		for (size_t k = 0; k < all->n_replies; k++)
			add_daemon_sample(b, m->name, &all->replies[k], NULL,
					  m->group, m->key);
	}
	metrics_add_head(b, jobs, METRICS_COUNTER,
			 "Jobs that have ended, by result: ok, error (of the "
			 "compiler), failed (on the node), dropped (by the "
			 "build host).");
	for (size_t k = 0; k < all->n_replies; k++) {
		for (int i = 0; i < KFARMD_N_ENDS; i++)
			add_daemon_sample(b, jobs, &all->replies[k],
					  end_names[i], "finished",
					  end_names[i]);
	}
}

/* Add a metric with one sample, or without a sample if the value is NAN. */
static void add_metric(struct buf *b, const char *name, const char *help,
		       double value)
{
	metrics_add_head(b, name, METRICS_GAUGE, help);
	if (!isnan(value))
		metrics_add_sample(b, name, NULL, value);
}

static void print_status_metrics(struct status_replies *all,
				 const struct wire_held *held)
{
	static const char toolchains[] = "kfarmd_toolchains";
	const json_t *store = find_store_status(all);
	unsigned n_up = 0, n_damaged = 0;
	struct buf out = { 0 };

	for (size_t i = 0; i < all->n_replies; i++) {
		n_up += all->replies[i].json != NULL;
		all->replies[i].shares_address = is_address_shared(all, i);
	}
	for (uint32_t i = 0; i < held->n_toolchains; i++)
		n_damaged += held->toolchains[i].state == WIRE_HELD_DAMAGED;
	add_metric(&out, "kfarmd_up", "Number of kfarmds that reply.", n_up);
	add_metric(&out, "kfarmd_silent",
		   "Number of kfarmds that run but do not reply.",
		   (double)(all->n_replies - n_up));
	add_daemon_metrics(&out, all);
	add_metric(&out, "kfarmd_store_bytes", "Size of the store.",
		   json_is_integer(json_object_get(store, "used")) ?
			   (double)json_int_of(store, "used") :
			   NAN);
	add_metric(&out, "kfarmd_store_limit_bytes",
		   "Maximum size of the store.",
		   store ? (double)json_int_of(store, "limit") : NAN);
	metrics_add_head(&out, toolchains, METRICS_GAUGE,
			 "Installed toolchains, by state.");
	metrics_add_sample(&out, toolchains,
			   (const char *const[]){ "state", "intact", NULL },
			   (double)(held->n_toolchains - n_damaged));
	metrics_add_sample(&out, toolchains,
			   (const char *const[]){ "state", "damaged", NULL },
			   (double)n_damaged);
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
}

int kfarmd_status_query(const struct kfarmd_settings *settings, const char *dir,
			const char *toolchains_dir, struct err *err)
{
	static const atomic_bool never;
	struct wire_held tools = { 0 };
	struct status_replies all;
	struct err ignored;
	int ret = query_all_daemons(&all, dir, err);

	/*
	 * If the directory of toolchains cannot be read, no toolchain is
	 * listed.
	 */
	if (!ret)
		kfarmd_toolchains_list(toolchains_dir, false, &never, &tools,
				       &ignored);
	if (!ret && settings->json)
		print_status_json(&all, dir, &tools);
	else if (!ret && settings->prometheus)
		print_status_metrics(&all, &tools);
	else if (!ret && all.n_replies)
		print_status_text(&all, dir, &tools);
	ret = ret ? ret : (int)all.n_replies;
	wire_held_release(&tools);
	for (size_t i = 0; i < all.n_replies; i++) {
		free(all.replies[i].name);
		if (all.replies[i].fd >= 0)
			close(all.replies[i].fd);
		buf_release(&all.replies[i].text);
		json_decref(all.replies[i].json);
	}
	free(all.replies);
	return ret;
}
