/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/use.h"

#include "base/str.h"
#include "peer/peer.h"

#include <sys/resource.h>

#define MILLI    1000
#define STALE_MS 5000 /* five beats missed */

/* `cpu_ms` is all that was used until `now_ms`. */
static void measure(struct coord_use *u, uint64_t now_ms, uint64_t cpu_ms)
{
	bool known = u->read_ms && now_ms > u->read_ms &&
		     now_ms - u->read_ms <= STALE_MS && cpu_ms > u->cpu_ms;

	u->milli = known ? (cpu_ms - u->cpu_ms) * MILLI /
				   (now_ms - u->read_ms) :
			   0;
	u->read_ms = now_ms;
	u->cpu_ms = cpu_ms;
}

static uint64_t milli_now(const struct coord_use *u, uint64_t now_ms)
{
	return u->read_ms && now_ms - u->read_ms <= STALE_MS ? u->milli : 0;
}

void coord_use_job(struct coord_node *n, uint32_t cpu_ms)
{
	n->beat_cpu_ms += cpu_ms;
}

static uint64_t in_ms(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * MILLI + (uint64_t)tv->tv_usec / 1000;
}

void coord_use_tick(struct coord *c, uint64_t now_ms)
{
	struct rusage own;

	if (!getrusage(RUSAGE_SELF, &own))
		measure(&c->use, now_ms,
			in_ms(&own.ru_utime) + in_ms(&own.ru_stime));
}

static uint64_t used_here(const struct coord *c, uint64_t now_ms)
{
	struct sched_figures figures;

	sched_figures(c->sched, &figures);
	return (uint64_t)figures.locals * MILLI + milli_now(&c->use, now_ms);
}

/* By the rest of the build on the machine of `n`. */
static uint64_t used_beside(const struct coord_node *n, uint64_t now_ms)
{
	const struct coord *c = n->coord;
	const char *boot_id = peer_boot_id(n->peer);
	uint64_t sum;

	if (!boot_id || !*boot_id)
		return 0;
	sum = str_equal(boot_id, c->boot_id) ? used_here(c, now_ms) : 0;
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct coord_node *other = c->nodes[i];
		uint64_t milli = milli_now(&other->use, now_ms);

		if (milli && other != n && !other->removed &&
		    str_equal(boot_id, peer_boot_id(other->peer)))
			sum += milli;
	}
	return sum;
}

void coord_use_beat(struct coord_node *n, uint64_t now_ms)
{
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	measure(&n->use, now_ms, figures.busy_ms + n->beat_cpu_ms);
	n->beat_cpu_ms = 0;
	n->beside_milli = used_beside(n, now_ms);
}

void coord_use_health(const struct coord_node *n, struct wire_health *out)
{
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	*out = *figures.health;
	if (out->foreign_milli == WIRE_HEALTH_UNKNOWN)
		return;
	out->foreign_milli = n->beside_milli < out->foreign_milli ?
				     out->foreign_milli -
					     (uint32_t)n->beside_milli :
				     0;
}
