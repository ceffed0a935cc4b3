/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/settings.h"

#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

int nodes_failed(const struct nodes_request *r, const struct err *err)
{
	log_error("nodes %s: %s", r->verb, err->text);
	return settings_interrupted() ? EXIT_INTERRUPTED : EXIT_USAGE;
}

int nodes_load(struct nodes_request *r, struct err *err)
{
	conf_free(r->conf);
	r->conf = NULL;
	node_roster_release(&r->roster);
	return settings_conf(&r->conf, &r->roster, err);
}

int nodes_select(const struct nodes_request *r, const struct node_entry ***out,
		 size_t *n, struct err *err)
{
	size_t most = r->words.n ? r->words.n : r->roster.n;
	const struct node_entry **list = xcalloc(most, sizeof(*list));

	for (*n = 0; *n < most; ++*n) {
		list[*n] = r->words.n ?
				   node_roster_get(&r->roster, r->words.v[*n]) :
				   &r->roster.v[*n];
		if (!list[*n]) {
			err_set(err, ENOENT, "there is no node \"%s\"",
				r->words.v[*n]);
			free(list);
			return -ENOENT;
		}
	}
	*out = list;
	return 0;
}

void nodes_note_if_empty(const struct nodes_request *r)
{
	char *file;

	if (r->roster.n || r->json)
		return;
	file = conf_user_file();
	log_info("no nodes in %s yet; add one with "
		 "`kfarm nodes add NAME ssh:HOST`",
		 file);
	free(file);
}
