/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/hello.h"

#include "agent/agent.h"
#include "node/inventory.h"
#include "wire/msg.h"

void agent_hello_put(struct buf *body, const struct agent *a)
{
	struct wire_hello m = {
		.version_min = WIRE_VERSION_MIN,
		.version_max = WIRE_VERSION,
		.software = xstrdup(AGENT_SOFTWARE),
	};

	node_inventory_collect(&m.inventory, "");
	m.inventory.slots = a->slots_given;
	wire_hello_encode(body, &m);
	wire_hello_release(&m);
}

void agent_hello_put_fit(struct buf *body, const struct agent *a)
{
	const struct cell_check *check = &a->check;
	struct wire_fit m = { .fit = check->fit,
			      .layers = (char *)check->layers,
			      .why = (char *)check->why,
			      .hosts = a->hosts };

	wire_fit_encode(body, &m);
}
