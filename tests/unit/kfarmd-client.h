/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kfarmd-client.h - A client for the tests of kfarmd, which stores
 * received messages and sends the requested blobs.  kfarmd-fixture.h has the
 * other messages that it sends, and kfarmd-node.h starts a kfarmd.
 */
#ifndef UNIT_KFARMD_CLIENT_H
#define UNIT_KFARMD_CLIENT_H

#include "../lib/test.h"
#include "base/clock.h"
#include "compiler/manifest.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

#include <event2/event.h>

#define CLIENT_JOBS  64
#define CLIENT_CELLS 40
#define CLIENT_VIEWS (1u << 16)
#define CLIENT_DROPS 16
#define CLIENT_MS    60000 /* limit for any event on a busy machine */
#define GCC          "/usr/bin/gcc"

/* The messages about one job. */
struct heard {
	struct buf stream[WIRE_N_OUTPUTS];
	bool has_result, has_fail;
	struct wire_result result;
	struct wire_fail fail;
};

/* A sent VIEW, whose NEED can refer to it. */
struct sent_view {
	uint32_t cell, view, n;
	struct digest *digest; /* of each entry */
};

struct client {
	struct wire_stream *stream;
	struct wire_intern *paths;
	struct wire_intern *flags;

	bool has_hello, has_fit, closed;
	struct wire_hello hello;
	struct wire_fit fit;
	char *bye;
	unsigned beats;
	unsigned healths;
	unsigned heats;
	int version; /* maximum protocol version; 0: the newest */
	bool has_machine;
	struct wire_machine machine;
	struct wire_health health; /* the last HEALTH */
	uint64_t beat_at; /* clock_ms() of the last heartbeat */
	uint64_t most_silence; /* longest interval between two heartbeats */
	unsigned most_running; /* maximum number of jobs in a heartbeat */
	uint32_t most_cpu; /* of any job in any heartbeat */

	unsigned n_have[CLIENT_CELLS];
	struct wire_have have[CLIENT_CELLS];
	uint32_t last_view[CLIENT_CELLS];
	struct sent_view view[CLIENT_VIEWS];
	unsigned n_views;
	unsigned next_need; /* index in `view` after that of the last NEED */
	unsigned n_need; /* number of NEED messages */
	unsigned n_needed; /* number of blobs that they requested */
	bool withholds; /* do not send blobs */

	struct heard job[CLIENT_JOBS];

	unsigned n_leases; /* number of LEASE messages */
	struct wire_lease lease; /* the last LEASE */

	/* For installed toolchains, by the number of the DROP. */
	bool has_dropped[CLIENT_DROPS];
	struct wire_dropped dropped[CLIENT_DROPS];
	bool has_held; /* the last HELD of a reply has arrived */
	struct wire_held held; /* the last HELD */
};

/* Blobs of trees; those of toolchains are in their files. */
struct client_blob {
	struct digest digest;
	struct buf content;
};

static struct event_base *client_base;
static struct compiler_manifest client_gcc;
static struct client_blob *client_blobs;
static size_t client_n_blobs;

/* Return the version of the client's session. */
static inline int client_version(const struct client *c)
{
	return c->version ? c->version : WIRE_VERSION;
}

/* ------------------------------------------------------------- sending */

static inline void client_send(struct client *c, enum wire_type type,
			       struct buf *body)
{
	wire_stream_send(c->stream, type, buf_bytes(body), WIRE_LZO);
	buf_release(body);
}

static inline void client_send_blob(struct client *c, const struct digest *d,
				    struct bytes content)
{
	uint64_t offset = 0;

	do {
		size_t n = content.len - offset < WIRE_CHUNK_MAX ?
				   content.len - offset :
				   WIRE_CHUNK_MAX;
		struct wire_blob m = { .digest = *d,
				       .size = content.len,
				       .offset = offset,
				       .data = bytes_of(content.data + offset,
							n) };
		struct buf body = { 0 };

		wire_blob_encode(&body, &m);
		wire_stream_send(c->stream, WIRE_BLOB, buf_bytes(&body),
				 WIRE_PLAIN);
		buf_release(&body);
		offset += n;
	} while (offset < content.len);
}

/* Return the file of the toolchain with this digest, or NULL. */
static inline const char *client_tool(const struct digest *d)
{
	for (size_t i = 0; i < client_gcc.entries.n; i++) {
		const struct compiler_entry *e = &client_gcc.entries.v[i];

		if (e->kind == COMPILER_ENTRY_FILE &&
		    digest_equal(&e->digest, d))
			return e->path;
	}
	return NULL;
}

static inline void client_supply(struct client *c, const struct digest *d)
{
	struct buf content = { 0 };
	struct err err = { 0 };
	const char *path;

	for (size_t i = 0; i < client_n_blobs; i++) {
		if (digest_equal(&client_blobs[i].digest, d)) {
			client_send_blob(c, d,
					 buf_bytes(&client_blobs[i].content));
			return;
		}
	}
	path = client_tool(d);
	ck_assert_ptr_nonnull(path);
	must(fs_read(path, 1u << 30, &content, &err));
	client_send_blob(c, d, buf_bytes(&content));
	buf_release(&content);
}

/* ----------------------------------------------------------- receiving */

/*
 * Find the view of a NEED.  A search for each of many thousands would take so
 * long that kfarmd closes the session, so try the view after the last one.
 */
static inline const struct sent_view *client_find_view(
	struct client *c, const struct wire_need *m)
{
	unsigned found = c->n_views, next = c->next_need;

	if (next < c->n_views && c->view[next].cell == m->cell &&
	    c->view[next].view == m->view)
		return &c->view[c->next_need++];
	for (unsigned i = 0; i < c->n_views; i++) {
		if (c->view[i].cell == m->cell && c->view[i].view == m->view)
			found = i;
	}
	ck_assert_uint_lt(found, c->n_views);
	c->next_need = found + 1;
	return &c->view[found];
}

static inline void client_need(struct client *c, struct bytes body)
{
	struct wire_need m;
	const struct sent_view *v;

	ck_assert_int_eq(wire_need_decode(&m, body), 0);
	v = client_find_view(c, &m);
	c->n_need++;
	c->n_needed += m.n_indices;
	for (uint32_t i = 0; i < m.n_indices && !c->withholds; i++) {
		ck_assert_uint_lt(m.indices[i], v->n);
		client_supply(c, &v->digest[m.indices[i]]);
	}
	wire_need_release(&m);
}

static inline void client_have(struct client *c, struct bytes body)
{
	struct wire_have m;

	ck_assert_int_eq(wire_have_decode(&m, body), 0);
	ck_assert_uint_lt(m.cell, CLIENT_CELLS);
	wire_have_release(&c->have[m.cell]);
	c->have[m.cell] = m;
	c->n_have[m.cell]++;
}

static inline void client_output(struct client *c, struct bytes body)
{
	struct wire_piece m;

	ck_assert_int_eq(wire_piece_decode(&m, body), 0);
	ck_assert_uint_lt(m.job, CLIENT_JOBS);
	ck_assert(!c->job[m.job].has_result);
	buf_add_bytes(&c->job[m.job].stream[m.stream], m.data);
}

static inline void client_result(struct client *c, struct bytes body)
{
	struct wire_result m;

	ck_assert_int_eq(wire_result_decode_at(&m, body, client_version(c)), 0);
	ck_assert_uint_lt(m.job, CLIENT_JOBS);
	ck_assert(!c->job[m.job].has_result && !c->job[m.job].has_fail);
	c->job[m.job].has_result = true;
	c->job[m.job].result = m;
}

static inline void client_fail(struct client *c, struct bytes body)
{
	struct wire_fail m;

	ck_assert_int_eq(wire_fail_decode_at(&m, body, client_version(c)), 0);
	ck_assert_uint_lt(m.job, CLIENT_JOBS);
	ck_assert(!c->job[m.job].has_result && !c->job[m.job].has_fail);
	c->job[m.job].has_fail = true;
	c->job[m.job].fail = m;
}

static inline void client_lease(struct client *c, struct bytes body)
{
	ck_assert_int_eq(wire_lease_decode(&c->lease, body), 0);
	c->n_leases++;
}

static inline void client_dropped(struct client *c, struct bytes body)
{
	struct wire_dropped m;

	ck_assert_int_eq(wire_dropped_decode(&m, body), 0);
	ck_assert_uint_lt(m.request_id, CLIENT_DROPS);
	ck_assert(!c->has_dropped[m.request_id]);
	if (getenv("V"))
		fprintf(stderr, "DROPPED %u: %u %s\n", m.request_id, m.state,
			m.detail);
	c->has_dropped[m.request_id] = true;
	c->dropped[m.request_id] = m;
}

static inline void client_held(struct client *c, struct bytes body)
{
	wire_held_release(&c->held);
	ck_assert_int_eq(wire_held_decode(&c->held, body), 0);
	c->has_held = c->held.last;
}

static inline void client_beat(struct client *c, struct bytes body)
{
	uint64_t now = clock_ms();
	struct wire_beat m;

	ck_assert_int_eq(wire_beat_decode_at(&m, body, client_version(c)), 0);
	if (c->beat_at && now - c->beat_at > c->most_silence)
		c->most_silence = now - c->beat_at;
	c->beat_at = now;
	c->beats++;
	if (m.n_jobs > c->most_running)
		c->most_running = m.n_jobs;
	for (unsigned i = 0; i < m.n_jobs; i++) {
		if (m.jobs[i].cpu_ms > c->most_cpu)
			c->most_cpu = m.jobs[i].cpu_ms;
	}
	wire_beat_release(&m);
}

static inline void client_health(struct client *c, struct bytes body)
{
	struct wire_health *m = &c->health;

	ck_assert_int_eq(wire_health_decode_at(m, body, client_version(c)), 0);
	c->healths++;
}

static inline void client_heat(struct client *c, struct bytes body)
{
	struct wire_heat heat;

	ck_assert_int_eq(wire_heat_decode(&heat, body), 0);
	ck_assert_uint_eq(heat.n_classes, c->machine.n_classes);
	wire_heat_release(&heat);
	c->heats++;
}

static inline void client_machine(struct client *c, struct bytes body)
{
	ck_assert(c->has_fit && !c->has_machine);
	ck_assert_int_eq(
		wire_machine_decode_at(&c->machine, body, client_version(c)),
		0);
	c->has_machine = true;
}

static inline void client_bye(struct client *c, struct bytes body)
{
	ck_assert_int_eq(wire_bye_decode(&c->bye, body), 0);
	if (getenv("V"))
		fprintf(stderr, "BYE %s\n", c->bye);
}

static inline void client_fit(struct client *c, struct bytes body)
{
	ck_assert_int_eq(wire_fit_decode(&c->fit, body), 0);
	c->has_fit = true;
}

static inline int client_on_msg(void *ctx, uint16_t type, struct bytes body,
				struct err *err)
{
	struct client *c = ctx;

	(void)err;
	ck_assert_int_eq(c->has_hello, (type != WIRE_HELLO));
	ck_assert(c->has_fit || type == WIRE_HELLO || type == WIRE_FIT);
	switch (type) {
	case WIRE_HELLO:
		ck_assert_int_eq(wire_hello_decode(&c->hello, body), 0);
		c->has_hello = true;
		break;
	case WIRE_FIT:
		client_fit(c, body);
		break;
	case WIRE_BYE:
		client_bye(c, body);
		break;
	case WIRE_HAVE:
		client_have(c, body);
		break;
	case WIRE_NEED:
		client_need(c, body);
		break;
	case WIRE_BEAT:
		client_beat(c, body);
		break;
	case WIRE_HEALTH:
		client_health(c, body);
		break;
	case WIRE_HEAT:
		client_heat(c, body);
		break;
	case WIRE_MACHINE:
		client_machine(c, body);
		break;
	case WIRE_OUTPUT:
		client_output(c, body);
		break;
	case WIRE_RESULT:
		client_result(c, body);
		break;
	case WIRE_FAIL:
		client_fail(c, body);
		break;
	case WIRE_LEASE:
		client_lease(c, body);
		break;
	case WIRE_DROPPED:
		client_dropped(c, body);
		break;
	case WIRE_HELD:
		client_held(c, body);
		break;
	default:
		ck_abort_msg("message of type %u", type);
	}
	return 0;
}

static inline void client_on_close(void *ctx, const struct err *why)
{
	struct client *c = ctx;

	(void)why;
	c->closed = true;
}

/* ----------------------------------------------------------- life cycle */

static inline void client_attach_io(struct client *c, struct wire_io io)
{
	static const struct wire_stream_ops ops = {
		.on_msg = client_on_msg,
		.on_close = client_on_close,
	};

	c->paths = wire_paths_new();
	c->flags = wire_flags_new();
	c->stream = wire_stream_new_io(client_base, io, &ops, c);
}

static inline void client_attach(struct client *c, int fd)
{
	client_attach_io(c, wire_io_from_fds(fd, fd));
}

static inline void client_greet(struct client *c)
{
	struct buf body = { 0 };

	wire_hello_encode_client(&body, 0);
	client_send(c, WIRE_HELLO, &body);
}

static inline void client_release(struct client *c)
{
	wire_stream_free(c->stream);
	wire_intern_free(c->paths);
	wire_intern_free(c->flags);
	wire_hello_release(&c->hello);
	wire_fit_release(&c->fit);
	wire_machine_release(&c->machine);
	free(c->bye);
	for (int i = 0; i < CLIENT_CELLS; i++)
		wire_have_release(&c->have[i]);
	for (int i = 0; i < CLIENT_DROPS; i++)
		wire_dropped_release(&c->dropped[i]);
	wire_held_release(&c->held);
	for (unsigned i = 0; i < c->n_views; i++)
		free(c->view[i].digest);
	for (int i = 0; i < CLIENT_JOBS; i++) {
		for (int k = 0; k < WIRE_N_OUTPUTS; k++)
			buf_release(&c->job[i].stream[k]);
		if (c->job[i].has_fail)
			wire_fail_release(&c->job[i].fail);
	}
	memset(c, 0, sizeof(*c));
}

/* Run the loop until *flag, for at most `ms`.  Returns *flag. */
static inline bool client_wait_ms(const bool *flag, unsigned ms)
{
	uint64_t deadline = clock_ms() + ms;
	struct timeval tick = { .tv_usec = 5000 };

	while (!*flag && clock_ms() < deadline) {
		event_base_loopexit(client_base, &tick);
		event_base_loop(client_base, EVLOOP_ONCE);
	}
	return *flag;
}

static inline void client_wait(const bool *flag)
{
	ck_assert_msg(client_wait_ms(flag, CLIENT_MS), "waited in vain");
}

static inline void client_idle(unsigned ms)
{
	bool never = false;

	client_wait_ms(&never, ms);
}

static inline void client_wait_job(struct client *c, unsigned job)
{
	struct heard *h = &c->job[job];
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while (!h->has_result && !h->has_fail && clock_ms() < deadline) {
		ck_assert_msg(!c->closed, "job %u: it hung up: %s", job,
			      c->bye ? c->bye : "");
		client_wait_ms(&h->has_result, 5);
	}
	ck_assert_msg(h->has_result || h->has_fail, "job %u: no answer", job);
}

/* Wait until the node has sent HAVE `n` times for a sandbox. */
static inline const struct wire_have *client_wait_have(struct client *c,
						       unsigned cell,
						       unsigned n)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while (c->n_have[cell] < n && !c->closed && clock_ms() < deadline)
		client_idle(5);
	ck_assert_msg(c->n_have[cell] >= n, "cell %u: no word (%s)", cell,
		      c->bye ? c->bye : "");
	return &c->have[cell];
}

/* Check that kfarmd sends a BYE with `word` and disconnects. */
static inline void client_expect_bye(struct client *c, const char *word)
{
	client_wait(&c->closed);
	ck_assert_ptr_nonnull(c->bye);
	ck_assert_msg(strstr(c->bye, word), "it said: %s", c->bye);
}

#endif
