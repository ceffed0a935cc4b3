/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/probe.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "node/command.h"
#include "wire/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELLO_MS     3000
#define SSH_HELLO_MS 8000
#define LAST_WORDS   512

struct round;

/* The conversation with one node. */
struct talk {
	struct round *round;
	struct node_probe *out;
	struct wire_stream *stream; /* NULL: over */
	struct event *timer;
	pid_t pid;
	int stderr_fd;
	struct event *complaint;
	struct buf words; /* the end of what the command wrote to stderr */
	uint64_t began_ms;
	bool waiting; /* this round is not over for it */
};

struct round {
	struct event_base *base;
	const struct node_probe_setup *setup;
	struct talk *talks;
	size_t waiting;
};

static void arm(struct talk *t, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
			      .tv_usec = ms % 1000 * 1000L };

	event_add(t->timer, &tv);
}

static void wait_for(struct talk *t, unsigned ms)
{
	if (!t->waiting) {
		t->waiting = true;
		t->round->waiting++;
	}
	arm(t, ms);
}

/* This round is over for it. */
static void done(struct talk *t)
{
	event_del(t->timer);
	if (!t->waiting)
		return;
	t->waiting = false;
	if (!--t->round->waiting)
		event_base_loopbreak(t->round->base);
}

static void read_words(struct talk *t)
{
	char block[1024];
	ssize_t n = 0;

	while (t->stderr_fd >= 0 &&
	       (n = read(t->stderr_fd, block, sizeof(block))) > 0) {
		buf_add(&t->words, block, (size_t)n);
		if (t->words.len > LAST_WORDS)
			buf_consume(&t->words, t->words.len - LAST_WORDS);
	}
	if (!n && t->complaint)
		event_del(t->complaint);
}

/*
 * It left without a word to us: what its command wrote to stderr says most,
 * then how the command ended.
 */
static char *why_gone(struct talk *t)
{
	char *words, *how, *why;
	int status;

	if (!t->pid)
		return xstrdup("it closed the connection");
	status = node_command_end(t->pid);
	t->pid = 0;
	read_words(t);
	words = node_command_last_line(&t->words);
	if (words && !t->out->software)
		return words;
	free(words);
	how = spawn_status_text(status);
	why = xasprintf("its command ended: %s", how);
	free(how);
	return why;
}

static char *why_ended(struct talk *t, const char *why)
{
	char *words, *both;

	read_words(t);
	words = node_command_last_line(&t->words);
	if (!words || t->out->software) {
		free(words);
		return xstrdup(why);
	}
	both = xasprintf("%s (%s)", why, words);
	free(words);
	return both;
}

/* EPIPE and ECONNRESET: our hello came to somebody who was leaving. */
static bool left_early(const char *why)
{
	return str_starts(why, "write: ") || str_starts(why, "read: ");
}

static void down(struct talk *t, const char *why)
{
	struct node_probe *p = t->out;

	char *reason;

	wire_stream_free(t->stream);
	t->stream = NULL;
	reason = !*why || left_early(why) ? why_gone(t) : why_ended(t, why);
	p->why = p->software ? xstrdup(reason) : node_command_advise(reason);
	free(reason);
	p->up = false;
	/* Others are waited for in the loop: it ends meanwhile. */
	if (t->pid)
		kill(-t->pid, SIGTERM);
	done(t);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct talk *t = arg;
	char *why;

	(void)fd;
	(void)what;
	why = xasprintf(
		"%s within %llu s",
		t->out->software ? "no word about its sandbox" : "no answer",
		(unsigned long long)(clock_ms() - t->began_ms + 500) / 1000);
	down(t, why);
	free(why);
}

static void on_complaint(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_words(arg);
}

static int on_hello(struct talk *t, struct bytes body, struct err *err)
{
	struct node_probe *p = t->out;
	struct wire_hello m;

	if (p->software)
		return err_set(err, EPROTO, "it said hello twice");
	if (wire_hello_decode(&m, body))
		return err_set(err, EPROTO, "its hello is broken");
	if (wire_hello_version(&m) < 0) {
		err_set(err, EPROTO,
			"%s speaks protocol %u to %u, this kfarm %u to %u",
			m.software, m.version_min, m.version_max,
			WIRE_VERSION_MIN, WIRE_VERSION);
		wire_hello_release(&m);
		return -EPROTO;
	}
	p->software = m.software;
	p->inventory = m.inventory;
	p->rtt_ms = (unsigned)(clock_ms() - t->began_ms);
	return 0;
}

static int on_fit(struct talk *t, struct bytes body, struct err *err)
{
	struct node_probe *p = t->out;
	struct wire_fit m;

	if (p->layers)
		return err_set(err, EPROTO, "it spoke of its sandbox twice");
	if (wire_fit_decode(&m, body))
		return err_set(err, EPROTO,
			       "what it says of its sandbox is broken");
	p->up = true;
	p->fit = m.fit;
	p->layers = xstrdup(m.layers);
	p->lacks = m.fit ? NULL : xstrdup(m.why);
	wire_fit_release(&m);
	done(t);
	return 0;
}

static int on_bye(struct bytes body, struct err *err)
{
	char *why = NULL;

	if (wire_bye_decode(&why, body))
		return err_set(err, EPROTO, "its goodbye is broken");
	err_set(err, ECONNRESET, "it says: %s", *why ? why : "bye");
	free(why);
	return -ECONNRESET;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct talk *t = ctx;

	if (type == WIRE_HELLO)
		return on_hello(t, body, err);
	if (type == WIRE_BYE)
		return on_bye(body, err);
	if (!t->out->software)
		return err_set(err, EPROTO, "it did not say hello");
	if (type == WIRE_FIT)
		return on_fit(t, body, err);
	return type == WIRE_BEAT ?
		       0 :
		       err_set(err, EPROTO, "it sends a message of type %u",
			       type);
}

static void on_close(void *ctx, const struct err *why)
{
	down(ctx, why->text);
}

static void say_hello(struct talk *t)
{
	struct buf body = { 0 };

	wire_hello_encode_kfarm(&body);
	wire_stream_send(t->stream, WIRE_HELLO, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

static unsigned hello_limit(const struct talk *t)
{
	unsigned given = t->round->setup->hello_ms;

	if (given)
		return given;
	return t->out->entry->address.kind == NODE_SSH ? SSH_HELLO_MS :
							 HELLO_MS;
}

static void begin(struct talk *t)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	struct event_base *base = t->round->base;
	struct node_dial line;
	struct err err = { 0 };

	t->began_ms = clock_ms();
	if (node_address_dial_quiet(&t->out->entry->address, &line,
				    &t->stderr_fd, &err)) {
		t->out->why = xstrdup(err.text);
		return;
	}
	t->pid = line.pid;
	t->stream = wire_stream_new(base, line.fd, line.fd, &ops, t);
	t->timer = event_new(base, -1, 0, on_timer, t);
	if (t->stderr_fd >= 0)
		t->complaint = event_new(base, t->stderr_fd,
					 EV_READ | EV_PERSIST, on_complaint, t);
	if (t->complaint)
		event_add(t->complaint, NULL);
	say_hello(t);
	wait_for(t, hello_limit(t));
}

static void end(struct talk *t)
{
	wire_stream_free(t->stream);
	if (t->pid)
		node_command_end(t->pid);
	if (t->timer)
		event_free(t->timer);
	if (t->complaint)
		event_free(t->complaint);
	if (t->stderr_fd >= 0)
		close(t->stderr_fd);
	buf_release(&t->words);
}

static void run(struct round *r)
{
	size_t n = r->setup->n;

	for (size_t i = 0; i < n; i++)
		begin(&r->talks[i]);
	if (r->waiting)
		event_base_dispatch(r->base);
	/* All are told to go before the first one is waited for. */
	for (size_t i = 0; i < n; i++) {
		wire_stream_free(r->talks[i].stream);
		r->talks[i].stream = NULL;
	}
	for (size_t i = 0; i < n; i++)
		end(&r->talks[i]);
}

int node_probe(struct node_probe *out, const struct node_probe_setup *setup,
	       struct err *err)
{
	struct round r = { .setup = setup, .base = event_base_new() };

	if (!r.base)
		return err_set(err, ENOMEM, "no event loop");
	r.talks = xcalloc(setup->n, sizeof(*r.talks));
	for (size_t i = 0; i < setup->n; i++) {
		out[i] = (struct node_probe){ .entry = setup->nodes[i] };
		r.talks[i] = (struct talk){ .round = &r,
					    .out = &out[i],
					    .stderr_fd = -1 };
	}
	run(&r);
	event_base_free(r.base);
	free(r.talks);
	return 0;
}

void node_probe_release(struct node_probe *p)
{
	free(p->layers);
	free(p->lacks);
	free(p->why);
	free(p->software);
	wire_inventory_release(&p->inventory);
	*p = (struct node_probe){ 0 };
}
