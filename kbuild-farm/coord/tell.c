/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "coord/state.h"
#include "coord/unit.h"

#include <string.h>

static void tell(const struct coord *c, struct coord_event *ev)
{
	ev->at_ms = clock_ms() - c->began_ms;
	if (c->sink)
		c->sink(c->sink_ctx, ev);
}

void coord_tell_unit(const struct coord_unit *u, enum event_job_state state,
		     const char *node, const char *reason, unsigned retries)
{
	struct coord_event ev = {
		.kind = EVENT_JOB,
		.job = u->id + 1,
		.state = state,
		.file = u->command.source,
		.node = node,
		.reason = reason,
		.remote = node && strcmp(node, "local"),
		.retries = retries,
	};

	tell(u->coord, &ev);
}

void coord_tell_node(const struct coord *c, const char *node, const char *state,
		     const char *reason)
{
	struct coord_event ev = {
		.kind = EVENT_NODE,
		.node = node,
		.text = state,
		.reason = reason,
	};

	tell(c, &ev);
}
