/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/group.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum ui_health ui_node_health(const struct ui_node *n)
{
	const struct ui_group *g = n->group_sums;
	const char *state = n->reported->state;

	if (g)
		return g->n_unusable        ? UI_HEALTH_UNUSABLE :
		       g->n_up < g->n_nodes ? UI_HEALTH_WAITING :
					      UI_HEALTH_GOOD;
	if (!ui_node_is_present(n))
		return UI_HEALTH_ABSENT;
	if (!ui_node_is_up(n) && strcmp(state, "connecting") != 0 &&
	    !str_starts(state, "drain"))
		return UI_HEALTH_UNUSABLE;
	if (n->reported->n_failed)
		return UI_HEALTH_FAULTY;
	return ui_node_is_up(n) ? UI_HEALTH_GOOD : UI_HEALTH_WAITING;
}

/* Compare two numbers for a descending order. */
static int compare_descending(unsigned a, unsigned b)
{
	return a > b ? -1 : a < b;
}

int ui_node_compare_health(const struct ui_node *a, const struct ui_node *b)
{
	const struct ui_group *x = a->group_sums, *y = b->group_sums;
	int order = x && y ? compare_descending(x->n_unusable, y->n_unusable) :
			     compare_descending(ui_node_health(a),
						ui_node_health(b));

	if (!order)
		order = compare_descending(a->reported->n_failed,
					   b->reported->n_failed);
	if (!order && x && y)
		order = compare_descending(x->n_nodes - x->n_up,
					   y->n_nodes - y->n_up);
	return order ? order : strverscmp(a->reported->name, b->reported->name);
}

bool ui_node_matches(const struct ui_node *n, const char *filter)
{
	return !filter || strcasestr(n->reported->name, filter);
}

/* Add a number, which can be unknown, to a sum, without an overflow. */
static void add_figure(int64_t *sum, int64_t n)
{
	if (*sum == EVENTS_UNKNOWN)
		*sum = n;
	else if (n != EVENTS_UNKNOWN && __builtin_add_overflow(*sum, n, sum))
		*sum = INT64_MAX;
}

static void add_node(struct ui_group *g, const struct ui_model *m,
		     const struct ui_node *n)
{
	enum ui_health health = ui_node_health(n);
	const struct events_node *from = n->reported;
	struct events_node *to = &g->reported;
	struct ui_node *sum = &g->sums;

	g->n_listed++;
	g->n_nodes += health != UI_HEALTH_ABSENT;
	g->n_up += ui_node_is_up(n);
	g->n_unusable += health == UI_HEALTH_UNUSABLE;
	if (ui_node_is_up(n))
		to->n_slots += ui_node_count_slots(m, n);
	to->n_jobs += from->n_jobs;
	to->n_failed += from->n_failed;
	to->n_retries += from->n_retries;
	add_figure(&to->cpu_ms, from->cpu_ms);
	add_figure(&to->sent_bytes, from->sent_bytes);
	add_figure(&to->received_bytes, from->received_bytes);
	add_figure(&sum->n_cores, n->n_cores);
	add_figure(&sum->memory, n->memory);
	add_figure(&sum->load, n->load);
	add_figure(&sum->other_load, n->other_load);
	if (n->temperature > sum->temperature)
		sum->temperature = n->temperature;
	for (unsigned i = 0; i < EVENTS_N_JOB_STATES; i++)
		sum->n_by_state[i] += n->n_by_state[i];
	sum->total_ms += n->total_ms;
	sum->n_timed += n->n_timed;
	sum->has_heartbeat |= n->has_heartbeat;
}

void ui_groups_sum(struct ui_groups *g, const struct ui_model *m,
		   const char *filter)
{
	g->n = m->groups.n;
	g->v = vec_reserve(g->v, &g->cap, g->n, sizeof(*g->v));
	for (size_t i = 0; i < g->n; i++) {
		struct ui_group *group = &g->v[i];
		char *name = m->groups.v[i];

		*group = (struct ui_group){
			.sums = { .reported = &group->reported,
				  .group_sums = group,
				  .n_cores = EVENTS_UNKNOWN,
				  .memory = EVENTS_UNKNOWN,
				  .load = EVENTS_UNKNOWN,
				  .other_load = EVENTS_UNKNOWN,
				  .temperature = EVENTS_UNKNOWN,
				  .clock_speed = EVENTS_UNKNOWN },
			.reported = { .entry.hash = map_hash(bytes_str(name)),
				      .name = name,
				      .state = group->state },
		};
	}
	for (size_t i = 0; i < m->n_nodes; i++) {
		const struct ui_node *n = m->nodes[i];

		if (!ui_node_is_local(n) && ui_node_matches(n, filter))
			add_node(&g->v[n->group], m, n);
	}
	for (size_t i = 0; i < g->n; i++)
		snprintf(g->v[i].state, sizeof(g->v[i].state), "%u/%u",
			 g->v[i].n_up, g->v[i].n_nodes);
}

void ui_groups_release(struct ui_groups *g)
{
	free(g->v);
	*g = (struct ui_groups){ 0 };
}
