/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/disable.h"

#include "sched/node.h"

#define FAILURES_MAX 3

/* Report that a program is disabled, or enabled again if `n_failures` is 0. */
static void report_disabled(struct sched *s, const struct sched_toolchain *tc,
			    uint32_t node, unsigned program,
			    unsigned n_failures)
{
	sched_add_action(
		s, &(struct sched_action){ .kind = SCHED_ACT_REPORT_DISABLED,
					   .node = node,
					   .toolchain = tc->number,
					   .program = program,
					   .n_failures = n_failures });
}

/* Disable or enable a program on all nodes after a change of its records. */
static void update_program(struct sched *s, struct sched_toolchain *tc,
			   unsigned i)
{
	unsigned program = 1u << i, n_failures = 0, n_nodes = 0;
	bool succeeded = false, everywhere;

	for (size_t k = 0; k < tc->n_sandboxes; k++) {
		const struct sched_program_record *r =
			&tc->sandboxes[k].programs[i];

		n_failures += r->n_failures;
		n_nodes += r->n_failures > 0;
		succeeded |= r->succeeded;
	}
	everywhere = !succeeded && n_nodes > 1 && n_failures >= FAILURES_MAX;
	if (everywhere != !!(tc->disabled & program)) {
		tc->disabled ^= program;
		report_disabled(s, tc, SCHED_ALL_NODES, program,
				everywhere ? n_failures : 0);
	}
	for (size_t k = 0; k < tc->n_sandboxes; k++) {
		struct sched_sandbox_state *c = &tc->sandboxes[k];
		bool disabled = everywhere ||
				c->programs[i].n_failures >= FAILURES_MAX;

		if (disabled == !!(c->disabled & program))
			continue;
		c->disabled ^= program;
		sched_node_refresh(s, s->nodes[k]);
		tc->recheck_ready = true;
	}
}

void sched_disable_add_failure(struct sched *s, const struct sched_unit *u)
{
	struct sched_toolchain *tc = u->toolchain;
	unsigned i = (unsigned)__builtin_ctz(u->failed);
	struct sched_program_record *r =
		&tc->sandboxes[u->node->number].programs[i];

	if (++r->n_failures == FAILURES_MAX)
		report_disabled(s, tc, u->node->number, u->failed,
				r->n_failures);
	update_program(s, tc, i);
}

void sched_disable_add_success(struct sched *s, const struct sched_unit *u)
{
	struct sched_toolchain *tc = u->toolchain;
	struct sched_sandbox_state *c = &tc->sandboxes[u->node->number];
	unsigned programs = u->steps;

	/* For genksyms and dtc, the compiler only preprocesses. */
	if (!(u->steps & ~(unsigned)SCHED_STEP_OBJECT))
		programs |= SCHED_COMPILER;
	for (unsigned i = 0; i < SCHED_N_PROGRAMS; i++) {
		struct sched_program_record *r = &c->programs[i];
		unsigned n_failures = r->n_failures;

		if (!(programs & 1u << i) || (r->succeeded && !n_failures))
			continue;
		*r = (struct sched_program_record){ .succeeded = true };
		if (n_failures >= FAILURES_MAX)
			report_disabled(s, tc, u->node->number, 1u << i, 0);
		update_program(s, tc, i);
	}
}

void sched_disable_forget(struct sched *s, const struct sched_node *n)
{
	for (size_t t = 0; t < s->n_toolchains; t++) {
		struct sched_toolchain *tc = s->toolchains[t];
		struct sched_sandbox_state *c = &tc->sandboxes[n->number];

		for (unsigned i = 0; i < SCHED_N_PROGRAMS; i++) {
			if (c->programs[i].n_failures >= FAILURES_MAX)
				report_disabled(s, tc, n->number, 1u << i, 0);
			c->programs[i] = (struct sched_program_record){ 0 };
			update_program(s, tc, i);
		}
	}
}

unsigned sched_disabled(const struct sched *s, uint32_t node,
			uint32_t toolchain)
{
	return toolchain < s->n_toolchains && node < s->n_nodes ?
		       s->toolchains[toolchain]->sandboxes[node].disabled :
		       0;
}

bool sched_is_compiler_disabled(const struct sched *s, uint32_t node)
{
	for (uint32_t t = 0; t < s->n_toolchains; t++) {
		if (sched_disabled(s, node, t) & SCHED_COMPILER)
			return true;
	}
	return false;
}
