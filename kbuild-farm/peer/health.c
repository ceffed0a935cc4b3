/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/health.h"

#include "base/str.h"

#include <event2/event.h>
#include <stdlib.h>

#define STRIKES 3

enum health {
	NORMAL,
	RESTING,
	PROVING,
	OUT,
};

struct peer_health {
	struct peer *peer;
	void (*changed)(void *ctx);
	void *ctx;
	struct event *timer; /* next dial, next probe */
	enum health health;
	char *detail; /* why it is not up; NULL when it is */
	bool was_up;
	bool worn; /* no jobs until its next conversation */
	bool did_jobs; /* right ones */
	bool suspected; /* the last job failed, perhaps by its own fault */
	unsigned faults; /* in a row; decides how long it rests */
	unsigned strikes; /* wrong answers in this build */
	unsigned errors;
};

static void set_health(struct peer_health *h, enum health health,
		       const char *detail)
{
	char *copy = detail ? xstrdup(detail) : NULL;

	free(h->detail);
	h->detail = copy;
	h->health = health;
	h->changed(h->ctx);
}

static void after_ms(struct peer_health *h, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_add(h->timer, &tv);
}

/* 1, 2, 4 ... 60 s, a fifth more or less so that nodes do not march in step. */
static uint64_t rest_ms(const struct peer_health *h)
{
	uint64_t s = h->faults > 6 ? 60 : 1u << (h->faults ? h->faults - 1 : 0);
	uint64_t ms = (s > 60 ? 60 : s) * 1000;

	return ms - ms / 5 + (uint64_t)random() % (ms * 2 / 5 + 1);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct peer_health *h = arg;

	(void)fd;
	(void)what;
	if (peer_state(h->peer) == PEER_DOWN)
		peer_dial(h->peer);
	else if (h->health == RESTING && peer_probe(h->peer))
		h->health = PROVING;
	else if (h->health == RESTING)
		after_ms(h, 1000);
}

struct peer_health *peer_health_new(struct peer *p, struct event_base *base,
				    void (*changed)(void *ctx), void *ctx)
{
	struct peer_health *h = xcalloc(1, sizeof(*h));

	h->peer = p;
	h->changed = changed;
	h->ctx = ctx;
	h->timer = event_new(base, -1, 0, on_timer, h);
	if (!h->timer)
		str_out_of_memory();
	after_ms(h, 0);
	return h;
}

void peer_health_free(struct peer_health *h)
{
	event_free(h->timer);
	free(h->detail);
	free(h);
}

static void take_out(struct peer_health *h, const char *why)
{
	event_del(h->timer);
	set_health(h, OUT, why);
}

void peer_health_state(struct peer_health *h, enum peer_state state,
		       const char *why)
{
	struct peer_figures figures;

	h->worn = false;
	if (state == PEER_UNFIT) {
		set_health(h, NORMAL, why);
	} else if (state == PEER_UP) {
		/* One that failed before must first show a right answer. */
		if (h->was_up && h->faults) {
			char *detail = h->detail ? xstrdup(h->detail) : NULL;

			set_health(h, RESTING, detail);
			free(detail);
			after_ms(h, 1);
		} else {
			set_health(h, NORMAL, NULL);
		}
		h->was_up = true;
	} else {
		peer_figures(h->peer, &figures);
		h->errors += figures.inventory != NULL;
		h->faults++;
		if (state == PEER_STRANGE) {
			take_out(h, why);
		} else {
			set_health(h, NORMAL, why);
			after_ms(h, rest_ms(h));
		}
	}
}

void peer_health_fault(struct peer_health *h, bool wrong, const char *why)
{
	h->errors++;
	h->faults++;
	h->strikes += wrong;
	if (h->strikes >= STRIKES) {
		h->errors++;
		peer_hang_up(h->peer);
		take_out(h, why);
	} else if (peer_state(h->peer) == PEER_UP && h->health != RESTING) {
		set_health(h, RESTING, why);
		after_ms(h, rest_ms(h));
	}
}

void peer_health_suspect(struct peer_health *h, const char *why)
{
	if (h->did_jobs && !h->suspected && peer_health_up(h)) {
		h->errors++;
		h->suspected = true;
	} else {
		peer_health_fault(h, false, why);
	}
}

static void recover(struct peer_health *h)
{
	h->faults = 0;
	h->suspected = false;
	if (h->health == PROVING)
		set_health(h, NORMAL, NULL);
}

void peer_health_success(struct peer_health *h)
{
	h->did_jobs = true;
	recover(h);
}

void peer_health_probed(struct peer_health *h, enum peer_probed is,
			const char *why)
{
	/* Another fault came meanwhile. */
	if (h->health != PROVING)
		return;
	if (is == PEER_PROBED_RIGHT)
		recover(h);
	else
		peer_health_fault(h, is == PEER_PROBED_WRONG, why);
}

void peer_health_worn(struct peer_health *h)
{
	h->worn = true;
}

void peer_health_tick(struct peer_health *h)
{
	if (!h->worn || peer_jobs(h->peer))
		return;
	/* Nothing runs there: begin anew at once. */
	h->worn = false;
	peer_renew(h->peer);
	peer_dial(h->peer);
}

bool peer_health_up(const struct peer_health *h)
{
	return peer_state(h->peer) == PEER_UP && h->health == NORMAL;
}

bool peer_health_usable(const struct peer_health *h)
{
	return peer_health_up(h) && !h->worn;
}

bool peer_health_undecided(const struct peer_health *h)
{
	enum peer_state state = peer_state(h->peer);

	return state == PEER_GREETING ||
	       (state == PEER_DOWN && !h->faults && h->health != OUT);
}

const char *peer_health_name(const struct peer_health *h)
{
	static const char *const states[] = {
		[PEER_DOWN] = "down",   [PEER_GREETING] = "connecting",
		[PEER_UP] = "up",       [PEER_UNFIT] = "unfit",
		[PEER_STRANGE] = "out",
	};

	if (h->health == OUT)
		return "out";
	if (h->health != NORMAL && peer_state(h->peer) == PEER_UP)
		return "resting";
	return states[peer_state(h->peer)];
}

const char *peer_health_detail(const struct peer_health *h)
{
	return h->detail;
}

unsigned peer_health_errors(const struct peer_health *h)
{
	return h->errors;
}
