/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/coord.h - the dispatcher inside `kfarm build`: takes jobs from
 * kfarm-cc, has them compiled by nodes, and says who compiled what.
 *
 * One thread, one libevent base, which the caller runs.  See HACKING.md for
 * the life of a job.
 */
#ifndef COORD_COORD_H
#define COORD_COORD_H

#include "events/hub.h"
#include "node/roster.h"
#include "wire/msg.h"

struct event_base;
struct coord;
struct peer_tune;

struct coord_setup {
	struct event_base *base;
	const char *socket; /* path of the Unix socket to make */
	const char *work; /* a private directory for probe objects */
	const struct node_roster *roster; /* empty: all jobs are local */
	unsigned local_slots; /* compiles at once on this machine, with no
				 nodes to feed (node/limits.h) */
	char *const *trees; /* source and build directory; ends in NULL, may
			       be NULL */
	/*
	 * How long a job waits for a toolchain that no node lacks bytes of
	 * and that is not there yet, before a local slot takes it; 0: 1 s.
	 */
	unsigned patience_ms;
	/*
	 * Where canaries are recorded (peer/canary-db.h); NULL: a node that
	 * does not run our compiler gets no job, whatever it holds.
	 */
	const char *canary_db;
	const char *data; /* toolchains of this machine; may be NULL */
	struct peer_tune *tune; /* take no jobs, time canaries; may be NULL */
	const char *cache_dir; /* for what compilers answered; NULL: none */
	/* Hears of jobs and nodes, and may ask for something; may be NULL. */
	struct events_hub *hub;
	/*
	 * The CPU time that the compile of an object took in an earlier build,
	 * in ms, or EVENTS_UNKNOWN: it is told with EVENTS_QUEUED.  May be
	 * NULL.
	 */
	int64_t (*cost_ms)(void *ctx, const char *object);
	void *cost_ctx;
	/*
	 * NULL, or called when it changes with how many recipes make may run
	 * beside as many as there are local slots (coord/slots.h).
	 */
	void (*waiting)(void *ctx, unsigned n);
	void *waiting_ctx;
	/*
	 * NULL: there are no steps beside compiles; or called when it changes
	 * whether a node would take one.  At first none does.
	 */
	void (*steps)(void *ctx, bool wanted);
	void *steps_ctx;
};

/* Makes the socket and starts to connect the nodes. */
int coord_new(struct coord **out, const struct coord_setup *setup,
	      struct err *err);
/*
 * A compiler that will be used: begin to list it, and to make cells for it,
 * before its first job comes.  `driver` is its absolute path, `env` that of
 * the build.
 */
void coord_expect(struct coord *c, const char *driver, char *const *env);
/*
 * The configuration has other nodes now, which are in `roster`; it is empty
 * when this returns.  Those that are new are dialed, those that are gone get no
 * more jobs, one with another address or key is dialed anew, and draining is
 * heard of.
 */
void coord_follow(struct coord *c, struct node_roster *roster);
/*
 * Calls `ready` once, from the loop, when every node is up or has failed; when
 * some are up and for a moment no other came, as one that is dead is not waited
 * for; or after `limit_ms`.
 */
void coord_when_ready(struct coord *c, unsigned limit_ms,
		      void (*ready)(void *ctx), void *ctx);
/* Sum of the slots of the nodes that are up. */
unsigned coord_remote_slots(const struct coord *c);
/* Compiles at once on this machine, beside feeding these nodes. */
unsigned coord_local_slots(const struct coord *c);
/* Is a job not done? */
bool coord_is_busy(const struct coord *c);
/* Tell how each node does now (EVENTS_LOAD): before the end, the last time. */
void coord_tell_figures(const struct coord *c);
/* CPU time of finding, listing and checking inputs so far. */
uint64_t coord_scan_us(const struct coord *c);
/* Cancels all jobs, ends all children, removes the socket. */
void coord_free(struct coord *c);

#endif
