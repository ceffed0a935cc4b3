/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/settings.h"
#include "cli/table.h"

#include "base/fs.h"
#include "base/log.h"
#include "conf/schema.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The command line, and what the configuration says. */
struct request {
	struct strv words; /* after the verb */
	bool json;
	const char *slots, *codec;
	struct conf *conf;
	struct node_roster roster;
};

#define AT(member) offsetof(struct request, member)

static const struct args_option options[] = {
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "slots", "N", "jobs at once at most", args_text, AT(slots), 0 },
	{ 0, "codec", "C", "none, lzo or zstd", args_text, AT(codec), 0 },
	{ 0 },
};

static int nodes_failed(const char *verb, const struct err *err)
{
	log_error("nodes %s: %s", verb, err->text);
	return EXIT_USAGE;
}

/* Read the configuration; it may be empty. */
static int load_nodes(struct request *r, struct err *err)
{
	conf_free(r->conf);
	r->conf = NULL;
	node_roster_release(&r->roster);
	return settings_conf(&r->conf, &r->roster, err);
}

/* The nodes that were named, or all; -ENOENT for a name that is none. */
static int select_nodes(const struct request *r, const struct node_entry ***out,
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

static int all_get_jobs(const struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!s->nodes[i].fit.fit)
			return EXIT_USAGE;
	}
	return EXIT_OK;
}

static void note_if_empty(const struct request *r)
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

/* What list, probe and limits have in common. */
static int survey(struct request *r, const char *verb,
		  void (*as_text)(FILE *, const struct nodes_survey *),
		  json_t *(*as_json)(const struct nodes_survey *))
{
	const struct node_entry **nodes;
	struct nodes_survey s;
	struct err err = { 0 };
	size_t n;
	int status;

	if (load_nodes(r, &err) || select_nodes(r, &nodes, &n, &err))
		return nodes_failed(verb, &err);
	note_if_empty(r);
	status = nodes_survey(&s, nodes, n, &err);
	free(nodes);
	if (status)
		return nodes_failed(verb, &err);
	if (r->json)
		table_json(as_json(&s));
	else
		as_text(stdout, &s);
	status = all_get_jobs(&s);
	nodes_survey_release(&s);
	return status;
}

static void list_text(FILE *out, const struct nodes_survey *s)
{
	if (s->n)
		nodes_text_list(out, s);
}

static int verb_list(struct request *r)
{
	return survey(r, "list", list_text, nodes_json_list);
}

static int verb_probe(struct request *r)
{
	return survey(r, "probe", nodes_text_probe, nodes_json_list);
}

static int verb_limits(struct request *r)
{
	return survey(r, "limits", nodes_text_limits, nodes_json_limits);
}

static int check_option(const char *key, const char *value, struct err *err)
{
	const struct conf_key *k = conf_schema_find("node", "", key);
	int ret = value ? conf_schema_check(k, value, err) : 0;

	if (ret)
		err_wrap(err, "--%s", key);
	return ret;
}

static int check_new(struct request *r, struct err *err)
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
	ret = load_nodes(r, err);
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

static int write_new(const struct request *r, struct err *err)
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
static int show_new(struct request *r, struct err *err)
{
	const struct node_entry *e;
	struct nodes_survey s;
	int ret = load_nodes(r, err);

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

static int verb_add(struct request *r)
{
	struct err err = { 0 };

	if (check_new(r, &err) || write_new(r, &err) || show_new(r, &err))
		return nodes_failed("add", &err);
	return EXIT_OK;
}

static int remove_node(const struct request *r, const char *name)
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
		nodes_failed("remove", &err);
	free(at);
	return EXIT_USAGE;
}

static int verb_remove(struct request *r)
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

static const struct verb {
	struct cmd_verb about;
	int (*run)(struct request *r);
} verbs[] = {
	{ { "list", "", "json", 0, 0, "a line for each node: how it is" },
	  verb_list },
	{ { "add", " NAME ADDRESS", "slots codec", 2, 2,
	    "write a node to the configuration, and probe it" },
	  verb_add },
	{ { "remove", " NAME...", "", 1, 1000,
	    "take nodes out of the configuration" },
	  verb_remove },
	{ { "probe", " [NAME]...", "json", 0, 1000, "all about each node" },
	  verb_probe },
	{ { "limits", "", "json", 0, 0,
	    "how many jobs each gets, the -j that follows, and why" },
	  verb_limits },
};

static const struct cmd_verb *nodes_verb(size_t i)
{
	return i < sizeof(verbs) / sizeof(*verbs) ? &verbs[i].about : NULL;
}

static int nodes_main(char *const *argv)
{
	struct request r = { 0 };
	const struct verb *verb;
	struct err err = { 0 };
	int status = EXIT_USAGE;

	verb = (const struct verb *)cmd_verb_parse(&cmd_nodes, argv, &r,
						   &r.words, &err);
	if (!verb)
		log_error("nodes: %s", err.text);
	else
		status = verb->run(&r);
	strv_release(&r.words);
	node_roster_release(&r.roster);
	conf_free(r.conf);
	return status;
}

const struct cmd cmd_nodes = {
	.name = "nodes",
	.usage = "VERB [OPTION]... [ARGUMENT]...",
	.help = "list, add, remove, probe and limit the nodes of the farm",
	.options = options,
	.verb = nodes_verb,
	.more = "ADDRESS is ssh:[USER@]HOST, exec:COMMAND or unix:PATH.\n",
	.run = nodes_main,
};
