/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/enrolment.h"
#include "cli/nodes.h"

#include "base/log.h"
#include "cli/settings.h"

#include <errno.h>

static int rekey_node(const struct nodes_request *r, const struct node_entry *e,
		      struct err *err)
{
	struct enrol_wish wish = { .what = ENROL_DO_REKEY,
				   .mode = ENROL_SERVICE };
	struct enrol_answer a = { 0 };
	int ret;

	if (e->address.kind != NODE_TLS)
		return err_set(err, EINVAL,
			       "node %s: %s: only a service has a key, at an "
			       "address tls:HOST",
			       e->name, e->address_text);
	if (!e->ssh)
		return err_set(err, EINVAL,
			       "node %s: nothing says how ssh reaches it: "
			       "write `ssh = USER@HOST` below [node \"%s\"]",
			       e->name, e->name);
	ret = enrolment_run(e->name, e->ssh, &wish, "making a new key", &a,
			    err);
	if (!ret && !a.key)
		ret = err_set(err, EPROTO, "node %s: its new key is not told",
			      e->name);
	if (!ret)
		ret = enrolment_check_key(&r->roster, e->name, a.key, err);
	if (!ret)
		ret = conf_set("node", e->name, "key", a.key, err);
	if (!ret)
		printf("%s: %s\n", e->name, a.key);
	enrol_answer_release(&a);
	return ret;
}

int nodes_rekey_main(struct nodes_request *r)
{
	const struct node_entry **nodes = NULL;
	struct err err = { 0 };
	int status = EXIT_OK;
	size_t n;

	if (nodes_load(r, &err) || nodes_select(r, &nodes, &n, &err))
		return nodes_failed(r, &err);
	for (size_t i = 0; i < n && !settings_interrupted(); i++) {
		if (rekey_node(r, nodes[i], &err))
			status = nodes_failed(r, &err);
	}
	free(nodes);
	return status;
}
