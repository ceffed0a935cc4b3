/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/trial-heat.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>

#define ZONES_MOST WIRE_ZONES /* of names that a node may make up */

/* How many classes that jobs may run on have this model? */
static unsigned count_model(const struct wire_machine *m, const char *model)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_classes; i++)
		n += m->classes[i].usable &&
		     str_equal(m->classes[i].model, model);
	return n;
}

static char *name_of_class(const struct wire_machine *m, unsigned i)
{
	const struct wire_core_class *c = &m->classes[i];

	if (*c->model && count_model(m, c->model) == 1)
		return xstrdup(c->model);
	return c->max_khz ? xasprintf("%u MHz", c->max_khz / 1000) :
			    xasprintf("class %u", i);
}

static bool has_same_classes(const struct peer_trial_node *is,
			     const struct wire_machine *m)
{
	bool same = is->n_classes == m->n_classes;

	for (unsigned i = 0; same && i < m->n_classes; i++) {
		char *name = name_of_class(m, i);

		same = str_equal(name, is->class[i].name);
		free(name);
	}
	return same;
}

static unsigned count_usable(const struct wire_machine *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_classes; i++)
		n += m->classes[i].usable != 0;
	return n;
}

void trial_heat_classes(struct trial_node *n, const struct peer_figures *now)
{
	struct peer_trial_node *is = n->is;
	const struct wire_machine *m = now->machine;

	if (!is->up && now->pins) {
		is->n_classes = m->n_classes;
		is->class = xcalloc(m->n_classes + 1u, sizeof(*is->class));
		for (unsigned i = 0; i < m->n_classes; i++)
			is->class[i] = (struct peer_trial_class){
				.name = name_of_class(m, i),
				.cpus = m->classes[i].usable,
				.slowest_milli = WIRE_HEALTH_UNKNOWN,
			};
	}
	is->is_whole = !now->pins && count_usable(m) > 1;
	n->pins = now->pins && m->n_classes && has_same_classes(is, m);
}

/* The least clock and the most CPUs below theirs; true: there are some. */
static bool note_clock(uint32_t *slowest, uint32_t *most, uint32_t speed,
		       uint32_t throttled)
{
	if (speed < *slowest)
		*slowest = speed;
	if (throttled != WIRE_HEALTH_UNKNOWN && throttled > *most)
		*most = throttled;
	return speed < 1000;
}

static void note_zone(struct peer_trial_node *is, const char *name, uint32_t mk)
{
	struct peer_trial_zone *z = NULL;

	for (unsigned i = 0; !z && i < is->n_zones; i++) {
		if (str_equal(is->zone[i].name, name))
			z = &is->zone[i];
	}
	if (!z && is->n_zones == ZONES_MOST)
		return;
	if (!z) {
		z = VEC_ADD(is->zone, is->n_zones);
		z->name = xstrdup(name);
	}
	if (mk > z->hottest_mk)
		z->hottest_mk = mk;
}

static void note_classes(struct peer_trial_node *is, const struct wire_heat *h,
			 uint64_t ms)
{
	for (unsigned i = 0; i < is->n_classes && i < h->n_classes; i++) {
		struct peer_trial_class *c = &is->class[i];

		if (note_clock(&c->slowest_milli, &c->throttled,
			       h->classes[i].speed_milli,
			       h->classes[i].throttled))
			c->throttled_ms += ms;
	}
	for (unsigned i = 0; i < h->n_zones; i++)
		note_zone(is, h->zones[i].name, h->zones[i].temperature_mk);
}

void trial_heat_note(struct trial_node *n, const struct peer_figures *now,
		     uint64_t now_ms)
{
	struct peer_trial_node *is = n->is;
	const struct wire_health *h = now->health;
	uint64_t ms = n->tick_ms ? now_ms - n->tick_ms : 0;

	n->tick_ms = now_ms;
	if (n->stage != PEER_TRIAL_BURN)
		return;
	if (h->temperature_mk != WIRE_HEALTH_UNKNOWN &&
	    (is->hottest_mk == WIRE_HEALTH_UNKNOWN ||
	     h->temperature_mk > is->hottest_mk))
		is->hottest_mk = h->temperature_mk;
	if (note_clock(&is->slowest_milli, &is->throttled, h->speed_milli,
		       h->throttled))
		is->throttled_ms += ms;
	note_classes(is, now->heat, ms);
}
