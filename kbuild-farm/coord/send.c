/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/send.h"

#include "base/str.h"
#include "coord/step.h"
#include "peer/peer.h"

#include <errno.h>

int coord_send(struct coord_unit *u, struct coord_node *n, uint32_t deadline_ms,
	       uint32_t *number)
{
	const struct inputs_result *in = &u->inputs;
	static const enum wire_lang langs[] = {
		[OPTIONS_C] = WIRE_LANG_C,
		[OPTIONS_ASM] = WIRE_LANG_ASM,
		[OPTIONS_PLAIN_ASM] = WIRE_LANG_PLAIN_ASM,
	};
	struct strv env = { 0 };
	struct peer_question q = {
		.lang = langs[u->command.lang],
		.deadline_ms = deadline_ms,
		.cwd = in->manifest.cwd,
		.source = u->command.source,
		.object = u->tree.blob ? u->command.object : u->object,
		.named = u->sides.named,
		.sides = u->sides.named ? (unsigned)u->sides.n : 0,
		.flags = &in->flags,
		.entry = in->manifest.entry,
		.n_entries = in->manifest.n,
		.language = in->language->entry,
		.n_language = in->language->n,
		.step = (enum wire_step_kind)u->step.kind,
		.arguments = strv_list(u->tree.blob ? &u->arguments :
						      &u->step.args),
	};
	int ret = coord_step_choose(u, n);

	if (ret)
		return ret;
	q.tool = coord_step_tool(u);
	coord_unit_node_env(u, &env);
	q.env = strv_list(&env);
	ret = peer_send(n->peer, u->toolchain, &q, number);
	strv_release(&env);
	return ret;
}

enum reason coord_send_failed(int ret)
{
	switch (ret) {
	case -ENOSPC:
		return REASON_MANY_NAMES;
	case -ESTALE:
		return REASON_COMPILER_CHANGED;
	case -ENOTSUP:
		return REASON_NO_STEPS;
	default:
		return REASON_MANY_OPTIONS;
	}
}
