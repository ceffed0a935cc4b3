/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `kfarm nodes drain` and `resume`; a build that runs hears it by itself. */
#include "cli/cmd.h"
#include "cli/nodes.h"

#include <stdlib.h>

static int write_drained(struct nodes_request *r, bool drain)
{
	const struct node_entry **nodes = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int ret = nodes_load(r, &err);

	if (!ret)
		ret = nodes_select(r, &nodes, &n, &err);
	for (size_t i = 0; !ret && i < n; i++) {
		if (nodes[i]->drain != drain)
			ret = conf_set("node", nodes[i]->name, "drain",
				       drain ? "true" : "false", &err);
	}
	free(nodes);
	return ret ? nodes_failed(r, &err) : EXIT_OK;
}

int nodes_drain_main(struct nodes_request *r)
{
	return write_drained(r, true);
}

int nodes_resume_main(struct nodes_request *r)
{
	return write_drained(r, false);
}
