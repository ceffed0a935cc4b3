/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "base/log.h"
#include "node/identity.h"

#include <stdlib.h>

void nodes_identity_check(struct peer_tools_node *nodes, size_t n)
{
	struct node_identity *v = xcalloc(n + 1, sizeof(*v));
	size_t *index = xcalloc(n + 1, sizeof(*index)), up = 0;
	struct strv told = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!nodes[i].up)
			continue;
		index[up] = i;
		v[up++] = (struct node_identity){
			.name = nodes[i].entry->name,
			.key = &nodes[i].entry->pin,
			.boot_id = nodes[i].hello.inventory.boot_id,
			.machine = &nodes[i].machine,
		};
	}
	for (size_t i = 0; i < up; i++) {
		bool bars;
		char *words = node_identity_among(v, up, i, &bars);

		/* Both of two have the same. */
		if (words && !strv_has(&told, words)) {
			log_warning("%s", words);
			strv_add(&told, words);
		}
		if (bars)
			nodes[index[i]].barred = words;
		else
			free(words);
	}
	strv_release(&told);
	free(index);
	free(v);
}
