/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes.h"

#include "base/log.h"
#include "base/version.h"

#include <stdlib.h>

#define OURS "kfarmd " KFARM_VERSION

void nodes_note_versions(const struct nodes_survey *s)
{
	struct strv names = { 0 }, others = { 0 };
	char *list, *commanded, *versions;

	for (size_t i = 0; i < s->n; i++) {
		const char *software = s->nodes[i].hello.software;

		if (!software || str_equal(software, OURS))
			continue;
		strv_add(&names, s->nodes[i].entry->name);
		strv_add(&others, software);
	}
	strv_sort_unique(&others);
	list = strv_join(&names, ", ");
	commanded = strv_join(&names, " ");
	versions = strv_join(&others, ", ");
	if (names.n)
		log_info("%s run%s %s, this is kfarm " KFARM_VERSION ": `kfarm "
			 "nodes update %s`",
			 list, names.n == 1 ? "s" : "", versions, commanded);
	free(versions);
	free(commanded);
	free(list);
	strv_release(&others);
	strv_release(&names);
}
