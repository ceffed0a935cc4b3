/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/toolchain-nodes.h"

#include "base/log.h"
#include "base/str.h"
#include "cli/progress.h"
#include "cli/toolchain.h"
#include "peer/canary-data.h"
#include "peer/canary-db.h"
#include "peer/tools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- asking */

static bool is_selected(const char *which, const char *name)
{
	return !strcmp(which, "all") || str_list_has(which, ',', name);
}

/* Every name of the list must be a node's. */
static int check_names(const struct node_roster *roster, const char *which,
		       struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	if (!strcmp(which, "all"))
		return roster->n ? 0 :
				   err_set(err, ENOENT,
					   "no nodes are configured; `kfarm "
					   "nodes add NAME ADDRESS`");
	strv_split(&names, which, ",");
	for (size_t i = 0; i < names.n && !ret; i++) {
		if (!node_roster_get(roster, names.v[i]))
			ret = err_set(err, ENOENT,
				      "no node is called \"%s\"; `kfarm nodes "
				      "list` names them",
				      names.v[i]);
	}
	strv_release(&names);
	return ret;
}

int toolchain_nodes_pick(struct node_roster *out, const struct node_roster *all,
			 const char *which, struct err *err)
{
	int ret = check_names(all, which, err);

	*out = (struct node_roster){ 0 };
	if (ret)
		return ret;
	out->v = xcalloc(all->n + 1, sizeof(*out->v));
	for (size_t i = 0; i < all->n; i++) {
		if (is_selected(which, all->v[i].name))
			out->v[out->n++] = all->v[i];
	}
	return 0;
}

int toolchain_nodes_ask(struct toolchain_nodes *out,
			const struct node_roster *roster, const char *which,
			struct err *err)
{
	int ret = check_names(roster, which, err);

	*out = (struct toolchain_nodes){ 0 };
	if (ret)
		return ret;
	out->v = xcalloc(roster->n + 1, sizeof(*out->v));
	for (size_t i = 0; i < roster->n; i++) {
		if (is_selected(which, roster->v[i].name))
			peer_tools_init(&out->v[out->n++], &roster->v[i]);
	}
	return peer_tools_run(
		&(struct peer_tools_setup){ .nodes = out->v, .n = out->n },
		NULL, err);
}

bool toolchain_nodes_same(const struct peer_tools_node *node)
{
	return strv_has(&node->fit.hosts, toolchain_here());
}

void toolchain_nodes_release(struct toolchain_nodes *nodes)
{
	for (size_t i = 0; i < nodes->n; i++)
		peer_tools_release(&nodes->v[i]);
	free(nodes->v);
	*nodes = (struct toolchain_nodes){ 0 };
}

/* ----------------------------------------------------------- the table */

static void look_at_build(struct toolchain_node_cell *cell,
			  const struct peer_tool *held,
			  const struct toolchain_installed *t)
{
	if (!held) {
		cell->state = "missing";
	} else if (held->state == WIRE_HELD_DAMAGED) {
		cell->is_different = true;
		cell->detail = xasprintf("damaged: %s",
					 held->detail ? held->detail : "?");
	} else if (!digest_equal(&held->tree, &t->tree)) {
		cell->is_different = true;
		cell->detail = xstrdup("not what is installed here");
	} else {
		cell->state = "ok";
	}
	if (cell->is_different)
		cell->state = "different";
}

/* This machine's own build of the same compiler: what a canary is about. */
static const struct toolchain_installed *build_for_here(
	const struct toolchain_installed_list *list,
	const struct toolchain_installed *t)
{
	const char *here = toolchain_here();

	for (size_t i = 0; i < list->n; i++) {
		const struct toolchain_installed *o = &list->v[i];

		if (digest_is_known(&o->content) && !strcmp(o->host, here) &&
		    !strcmp(o->release, t->release) &&
		    str_equal(o->triplet, t->triplet))
			return o;
	}
	return NULL;
}

static void look_at_canary(struct toolchain_node_cell *cell, const char *db,
			   const struct node_entry *node,
			   const struct toolchain_installed *ours,
			   const struct toolchain_installed *t)
{
	struct peer_canary_db_key key = { .node = node->name };
	struct peer_canary_db_entry e;

	if (!ours)
		return;
	key.ours = ours->content;
	peer_canary_digest(&key.sources);
	peer_canary_db_last(db, &key, t->id, &e);
	if (e.is == PEER_CANARY_PASSED) {
		cell->canary = "passed";
	} else if (e.is == PEER_CANARY_FAILED) {
		cell->canary = "failed";
		if (!cell->detail)
			cell->detail = xasprintf("canary failed: %s", e.detail);
	}
	peer_canary_db_entry_release(&e);
}

static void fill_list_cell(struct toolchain_node_cell *cell,
			   const struct peer_tools_node *n,
			   const struct toolchain_installed_list *list,
			   const struct toolchain_installed *t, const char *db)
{
	bool is_own = !strcmp(t->host, toolchain_here());
	const struct peer_tool *held = peer_tools_find(n, t->id);

	*cell = (struct toolchain_node_cell){ 0 };
	if (!n->up) {
		cell->state = "down";
	} else if (is_own && toolchain_nodes_same(n) && !held) {
		cell->state = "not needed";
	} else if (!strv_has(&n->fit.hosts, t->host)) {
		cell->state = "-";
	} else {
		look_at_build(cell, held, t);
		look_at_canary(cell, db, n->entry, build_for_here(list, t), t);
	}
}

int toolchain_nodes_look(const struct toolchain_nodes *nodes,
			 const struct toolchain_installed_list *list,
			 bool verify, struct toolchain_node_cell *cells,
			 struct err *err)
{
	struct peer_tools_setup setup = { .nodes = nodes->v,
					  .n = nodes->n,
					  .verify = true };
	char *canary_db;
	int ret = verify ? peer_tools_run(&setup, NULL, err) : 0;

	if (ret)
		return ret;
	canary_db = peer_canary_db_path();
	for (size_t i = 0; i < list->n; i++) {
		for (size_t k = 0; k < nodes->n; k++)
			fill_list_cell(&cells[i * nodes->n + k], &nodes->v[k],
				       list, &list->v[i], canary_db);
	}
	free(canary_db);
	return 0;
}

/* -------------------------------------------------------------- pushing */

struct push {
	const struct toolchain_nodes *nodes;
	const atomic_bool *cancel;
	struct peer_bundle *bundles;
	size_t n_bundles;
	struct peer_tools_node *talk;
	struct progress *progress;
};

static int read_bundle(struct push *p,
		       const struct toolchain_installed_list *all,
		       const char *id, struct err *err)
{
	const struct toolchain_installed *t, *ours;
	int ret = toolchain_settings_find(all, id, &t, err);

	if (ret)
		return ret;
	ours = build_for_here(all, t);
	ret = peer_bundle_read(&p->bundles[p->n_bundles], t,
			       ours ? &ours->content : NULL, p->cancel, err);
	if (!ret)
		p->n_bundles++;
	return ret;
}

/* Those of the bundles that the node runs. */
static void prepare_node(struct push *p, size_t i)
{
	const struct peer_tools_node *node = &p->nodes->v[i];
	const struct peer_bundle **list = xcalloc(p->n_bundles + 1,
						  sizeof(*list));
	struct peer_tools_node *n = &p->talk[i];

	peer_tools_init(n, node->entry);
	n->bundle = list;
	for (size_t g = 0; g < p->n_bundles; g++) {
		if (strv_has(&node->fit.hosts, p->bundles[g].host))
			list[n->n_bundles++] = &p->bundles[g];
	}
	progress_add(p->progress, node->entry->name);
}

static void on_progress(void *ctx)
{
	struct push *p = ctx;

	for (size_t i = 0; i < p->nodes->n; i++) {
		const struct peer_ship_count *c = &p->talk[i].count;

		progress_set(p->progress, i,
			     c->bytes_sent < c->bytes_needed ? "sending" :
							       "waiting",
			     c->bytes_sent, c->bytes_needed);
	}
	progress_tick(p->progress);
}

static char *amount_sent(const struct peer_ship_count *c)
{
	if (!c->files_sent)
		return xstrdup("nothing had to be sent");
	return xasprintf("%u files with %.1f MiB sent", c->files_sent,
			 (double)c->bytes_sent / (1 << 20));
}

/* A line for each of its bundles: false when one is not there. */
static bool report_node(const struct peer_tools_node *n)
{
	char *sent = amount_sent(&n->count);
	bool good = n->up;

	for (size_t b = 0; b < n->n_bundles; b++) {
		const struct peer_tools_answer *a = &n->given[b];

		if (a->ok)
			printf("node %s: %s: ok, %s\n", n->entry->name,
			       n->bundle[b]->id, sent);
		else if (a->detail)
			log_error("node %s: %s: %s", n->entry->name,
				  n->bundle[b]->id, a->detail);
		good = good && a->ok;
	}
	if (!n->up)
		log_error("node %s: %s%s", n->entry->name, n->why,
			  n->count.files_sent ?
				  "; what came is kept, and the same command "
				  "goes on from there" :
				  "");
	free(sent);
	return good;
}

static unsigned run_push(struct push *p)
{
	struct peer_tools_setup setup = { .n = p->nodes->n,
					  .progress = on_progress,
					  .ctx = p,
					  .cancel = p->cancel };
	struct store_packed_stats stats = { 0 };
	unsigned failed = 0;
	struct err err;

	p->talk = xcalloc(p->nodes->n + 1, sizeof(*p->talk));
	p->progress = progress_new();
	for (size_t i = 0; i < p->nodes->n; i++)
		prepare_node(p, i);
	setup.nodes = p->talk;
	if (peer_tools_run(&setup, &stats, &err) && err.text[0])
		log_error("%s", err.text);
	progress_free(p->progress);
	for (size_t i = 0; i < p->nodes->n; i++) {
		failed += !report_node(&p->talk[i]);
		peer_tools_release(&p->talk[i]);
		free((void *)p->talk[i].bundle);
	}
	if (stats.made)
		log_info("%llu files compressed once for all nodes: %.1f MiB "
			 "of %.1f MiB",
			 (unsigned long long)stats.made,
			 (double)stats.packed_bytes / (1 << 20),
			 (double)stats.raw_bytes / (1 << 20));
	free(p->talk);
	return failed;
}

unsigned toolchain_nodes_push(const struct toolchain_nodes *nodes,
			      const struct toolchain_installed_list *list,
			      const struct strv *ids, const atomic_bool *cancel)
{
	struct push p = { .nodes = nodes, .cancel = cancel };
	unsigned failed;
	struct err err;
	int ret = 0;

	p.bundles = xcalloc(ids->n + 1, sizeof(*p.bundles));
	for (size_t i = 0; i < ids->n && !ret; i++)
		ret = read_bundle(&p, list, ids->v[i], &err);
	if (ret)
		log_error("%s", err.text);
	failed = ret ? (unsigned)nodes->n : run_push(&p);
	for (size_t i = 0; i < p.n_bundles; i++)
		peer_bundle_release(&p.bundles[i]);
	free(p.bundles);
	return failed;
}

unsigned toolchain_nodes_drop(const struct toolchain_nodes *nodes,
			      const char *id)
{
	char *ids[] = { (char *)id, NULL };
	struct peer_tools_setup setup = { .n = nodes->n };
	struct peer_tools_node *talk = xcalloc(nodes->n + 1, sizeof(*talk));
	unsigned failed = 0;
	struct err err = { 0 };

	for (size_t i = 0; i < nodes->n; i++) {
		peer_tools_init(&talk[i], nodes->v[i].entry);
		talk[i].drop = ids;
		talk[i].n_drops = peer_tools_find(&nodes->v[i], id) != NULL;
	}
	setup.nodes = talk;
	if (peer_tools_run(&setup, NULL, &err))
		log_error("%s", err.text);
	for (size_t i = 0; i < nodes->n; i++) {
		const struct peer_tools_node *n = &talk[i];
		bool good = n->up && (!n->n_drops || n->dropped[0].ok);

		if (!n->up)
			log_error("node %s: %s", n->entry->name, n->why);
		else if (!good)
			log_error("node %s: %s: %s", n->entry->name, id,
				  n->dropped[0].detail);
		else if (n->n_drops)
			printf("node %s: %s: removed\n", n->entry->name, id);
		failed += !good;
		peer_tools_release(&talk[i]);
	}
	free(talk);
	return failed;
}
