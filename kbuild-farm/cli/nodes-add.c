/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"

#include "base/fs.h"
#include "base/log.h"
#include "conf/schema.h"

#include <errno.h>
#include <stdlib.h>

static int check_option(const char *key, const char *value, struct err *err)
{
	const struct conf_key *k = conf_schema_find("node", "", key);
	int ret = value ? conf_schema_check(k, value, err) : 0;

	if (ret)
		err_wrap(err, "--%s", key);
	return ret;
}

static int check_new(struct nodes_request *r, struct err *err)
{
	const char *name = r->words.v[0];
	struct node_address address;
	char *file;
	int ret;

	ret = node_roster_check_name(name, err);
	if (!ret)
		ret = node_address_parse(&address, r->words.v[1], err);
	if (ret)
		return ret;
	node_address_release(&address);
	ret = check_option("slots", r->slots, err);
	if (!ret)
		ret = check_option("codec", r->codec, err);
	if (ret)
		return ret;
	/* KFARM_CONFIG may name a file that is made now. */
	file = conf_user_file();
	ret = nodes_load(r, err);
	if (ret == -ENOENT && !fs_exists(file))
		ret = 0;
	free(file);
	if (!ret && node_roster_get(&r->roster, name))
		ret = err_set(err, EEXIST,
			      "there is a node \"%s\" already; `kfarm nodes "
			      "remove %s` first",
			      name, name);
	return ret;
}

static int write_new(const struct nodes_request *r, struct err *err)
{
	const char *name = r->words.v[0];
	int ret = conf_set("node", name, "address", r->words.v[1], err);

	if (!ret && r->slots)
		ret = conf_set("node", name, "slots", r->slots, err);
	if (!ret && r->codec)
		ret = conf_set("node", name, "codec", r->codec, err);
	return ret;
}

/* The node is in the file; this only shows whether it works. */
static int show_new(struct nodes_request *r, struct err *err)
{
	const struct node_entry *e;
	struct nodes_survey s;
	int ret = nodes_load(r, err);

	if (ret)
		return ret;
	e = node_roster_get(&r->roster, r->words.v[0]);
	if (!e)
		return err_set(err, EIO, "%s was not read back", r->words.v[0]);
	ret = nodes_survey(&s, &e, 1, err);
	if (ret)
		return ret;
	nodes_text_probe(stdout, &s);
	if (nodes_reason(&s.nodes[0]))
		log_warning("%s was added, but gets no jobs as it is now",
			    e->name);
	nodes_survey_release(&s);
	return 0;
}

int nodes_add_main(struct nodes_request *r)
{
	struct err err = { 0 };

	if (check_new(r, &err) || write_new(r, &err) || show_new(r, &err))
		return nodes_failed(r, &err);
	return EXIT_OK;
}
