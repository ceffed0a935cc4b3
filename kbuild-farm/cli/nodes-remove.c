/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

static int remove_node(const struct nodes_request *r, const char *name)
{
	struct err err = { 0 };
	int ret = conf_remove("node", name, &err);
	char *at;

	if (!ret)
		return EXIT_OK;
	at = r->conf ? conf_where(r->conf, "node", name, "address") : NULL;
	if (ret == -ENOENT && at)
		log_error("nodes remove: \"%s\" is set in %s; change that file",
			  name, at);
	else if (ret == -ENOENT)
		log_error("nodes remove: there is no node \"%s\"", name);
	else
		nodes_failed(r, &err);
	free(at);
	return EXIT_USAGE;
}

int nodes_remove_main(struct nodes_request *r)
{
	struct err err = { 0 };
	int status = EXIT_OK;

	/* A bad value elsewhere must not keep a node from being removed. */
	if (conf_load(&r->conf, NULL, &err))
		log_warning("%s", err.text);
	for (size_t i = 0; i < r->words.n; i++) {
		if (remove_node(r, r->words.v[i]))
			status = EXIT_USAGE;
	}
	return status;
}
