/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/step.h"

#include "base/str.h"
#include "coord/counterpart.h"
#include "peer/peer.h"

#include <errno.h>

static const enum sched_step sched_kind[] = {
	[WIRE_STEP_SYMBOLS] = SCHED_STEP_SYMBOLS,
	[WIRE_STEP_OBJECT] = SCHED_STEP_OBJECT,
	[WIRE_STEP_DEVICETREE] = SCHED_STEP_DEVICETREE,
};

unsigned coord_step_kind(const struct coord_unit *u)
{
	/* Any compile shows that the tree has what is needed now. */
	coord_counterpart_look(u->coord, u->ask.cwd);
	return u->stepped ? sched_kind[u->step.kind] : 0;
}

static bool is_for_ours(const struct coord_unit *u)
{
	const struct coord *c = u->coord;

	for (size_t i = 0; i < c->n_nodes; i++) {
		const char *host = NULL;

		if (peer_takes_steps(c->nodes[i]->peer, u->toolchain,
				     WIRE_STEP_SYMBOLS, &host) &&
		    !host)
			return true;
	}
	return false;
}

bool coord_step_waits(const struct coord_unit *u)
{
	return u->stepped && u->step.kind == WIRE_STEP_SYMBOLS &&
	       u->toolchain && coord_counterpart_is_making(u->coord) &&
	       !is_for_ours(u);
}

int coord_step_choose(struct coord_unit *u, struct coord_node *n)
{
	const struct inputs_tool *ours = u->inputs.tool;
	const char *host = NULL;

	u->asked = n;
	u->theirs = NULL;
	if (!ours)
		return 0;
	if (!peer_takes_steps(n->peer, u->toolchain,
			      (enum wire_step_kind)u->step.kind, &host))
		return -ENOTSUP;
	if (!host)
		return 0;
	u->counterpart = coord_counterpart_get(n->coord, host, ours);
	if (u->counterpart)
		u->theirs = u->counterpart->theirs;
	return u->theirs ? 0 : -ENOTSUP;
}

const struct inputs_tool *coord_step_tool(const struct coord_unit *u)
{
	return u->theirs ? u->theirs : u->inputs.tool;
}

void coord_step_failed(const struct coord_unit *u, const char *words)
{
	if (u->theirs && !atomic_load(&u->asked->right))
		coord_counterpart_was_wrong(u->counterpart, u->asked, u->theirs,
					    words);
}

const struct coord_proof *coord_step_proof(struct coord_unit *u)
{
	struct coord *c = u->coord;
	const struct coord_counterpart *p = u->counterpart;

	if (!u->theirs)
		return NULL;
	if (!u->proof_text)
		u->proof_text = xasprintf("%s/proof-%u.i", c->work,
					  c->next_work++);
	u->proof = (struct coord_proof){
		.ask = &u->ask,
		.command = &u->command,
		.step = &u->step,
		.text = u->proof_text,
		.stop = &c->ending,
		.program = &p->right,
		.node = &u->asked->right,
		.outdated = !coord_counterpart_is_current(p, u->asked,
							  u->theirs),
	};
	return &u->proof;
}

void coord_step_proven(const struct coord_unit *u)
{
	const struct coord_examination *e = &u->exam;

	if (e->proof && e->proven == COORD_PROVEN_NOW)
		coord_counterpart_was_right(u->counterpart, u->asked,
					    u->theirs);
	else if (e->proof && e->proven == COORD_PROVEN_WRONG)
		coord_counterpart_was_wrong(u->counterpart, u->asked, u->theirs,
					    e->err.text);
}
