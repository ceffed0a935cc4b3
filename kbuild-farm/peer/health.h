/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/health.h - when to dial a node, and whether one that failed gets jobs.
 *
 *	NORMAL -> RESTING -> PROVING -> NORMAL
 *
 * A node that failed a job is RESTING (the circuit breaker is open), then gets
 * a unit whose answer is known; only when it is right the node gets jobs again.
 * OUT is for the rest of the build.
 */
#ifndef PEER_HEALTH_H
#define PEER_HEALTH_H

#include "peer/peer.h"

struct peer_health;

/*
 * Dials at once, from the loop.  `changed` is called when its name, its detail
 * or what is usable has changed; all jobs of a node that is not up are over.
 */
struct peer_health *peer_health_new(struct peer *p, struct event_base *base,
				    void (*changed)(void *ctx), void *ctx);
void peer_health_free(struct peer_health *h);

/* What struct peer_ops tells. */
void peer_health_state(struct peer_health *h, enum peer_state state,
		       const char *why);
void peer_health_probed(struct peer_health *h, enum peer_probed is,
			const char *why);
void peer_health_worn(struct peer_health *h);
/* Once a second. */
void peer_health_tick(struct peer_health *h);

/*
 * It failed a job: what went wrong, in words.  The node rests, and jobs that
 * still run there may end.  `wrong`: it answered something false, which counts
 * as a strike; with the third it is out.
 */
void peer_health_fault(struct peer_health *h, bool wrong, const char *why);
/*
 * It could not do a job.  That may be the job's fault, whose compiler crashes
 * here too: a node that did others right rests only when the next one, which
 * is another job, fails as well.
 */
void peer_health_suspect(struct peer_health *h, const char *why);
/* It did a job right. */
void peer_health_success(struct peer_health *h);

/* Is it connected, and not suspect?  It gets jobs unless it is worn. */
bool peer_health_up(const struct peer_health *h);
bool peer_health_usable(const struct peer_health *h);
/* It is neither up nor lost yet. */
bool peer_health_undecided(const struct peer_health *h);
/* "up", "down", "resting" ... and why it is not up; the latter may be NULL. */
const char *peer_health_name(const struct peer_health *h);
const char *peer_health_detail(const struct peer_health *h);
unsigned peer_health_errors(const struct peer_health *h);

#endif
