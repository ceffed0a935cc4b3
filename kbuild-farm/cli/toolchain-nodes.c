/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/toolchain-nodes.h"

#include "base/log.h"
#include "base/str.h"
#include "cli/progress.h"
#include "cli/toolchain.h"
#include "peer/canary-db.h"
#include "peer/survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_selected(const char *which, const char *name)
{
	return !strcmp(which, "all") || str_list_has(which, ',', name);
}

/* Check that each name in `which` is a node; for "all", that a node exists. */
static int check_names(const struct node_roster *roster, const char *which,
		       struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	if (!strcmp(which, "all"))
		return roster->n ? 0 :
				   err_set(err, ENOENT,
					   "no nodes configured; add one with "
					   "`kfarm nodes add NAME ADDRESS`");
	strv_split(&names, which, ",");
	for (size_t i = 0; i < names.n && !ret; i++) {
		if (!node_roster_get(roster, names.v[i]))
			ret = err_set(err, ENOENT,
				      "no such node \"%s\"; see `kfarm nodes "
				      "list`",
				      names.v[i]);
	}
	strv_release(&names);
	return ret;
}

int toolchain_nodes_select(struct node_roster *out,
			   const struct node_roster *all, const char *names,
			   struct err *err)
{
	int ret = check_names(all, names, err);

	*out = (struct node_roster){ 0 };
	if (ret)
		return ret;
	out->v = xcalloc(all->n + 1, sizeof(*out->v));
	for (size_t i = 0; i < all->n; i++) {
		if (is_selected(names, all->v[i].name))
			out->v[out->n++] = all->v[i];
	}
	return 0;
}

int toolchain_nodes_query(struct toolchain_nodes *out,
			  const struct node_roster *roster, const char *names,
			  struct err *err)
{
	int ret = check_names(roster, names, err);

	*out = (struct toolchain_nodes){ 0 };
	if (ret)
		return ret;
	out->nodes = xcalloc(roster->n + 1, sizeof(*out->nodes));
	for (size_t i = 0; i < roster->n; i++) {
		if (is_selected(names, roster->v[i].name))
			peer_survey_init(&out->nodes[out->n_nodes++],
					 &roster->v[i]);
	}
	return peer_survey_run(&(struct peer_survey_setup){ .nodes = out->nodes,
							    .n = out->n_nodes },
			       NULL, err);
}

bool toolchain_nodes_is_same_arch(const struct peer_survey_node *node)
{
	return strv_has(&node->fit.hosts, toolchain_host_arch());
}

void toolchain_nodes_release(struct toolchain_nodes *nodes)
{
	for (size_t i = 0; i < nodes->n_nodes; i++)
		peer_survey_release(&nodes->nodes[i]);
	free(nodes->nodes);
	*nodes = (struct toolchain_nodes){ 0 };
}

/*
 * Return the toolchain with the release and triplet of `t` that runs on the
 * build host, or NULL.  A canary test compares the objects that `t` compiles on
 * a node with the objects that the returned toolchain compiles.
 */
static const struct toolchain_installed *find_host_build(
	const struct toolchain_installed_list *list,
	const struct toolchain_installed *t)
{
	const char *here = toolchain_host_arch();

	for (size_t i = 0; i < list->n; i++) {
		const struct toolchain_installed *o = &list->v[i];

		if (digest_is_set(&o->manifest_id) && !strcmp(o->host, here) &&
		    !strcmp(o->release, t->release) &&
		    str_equal(o->triplet, t->triplet))
			return o;
	}
	return NULL;
}

/*
 * Set the result of the latest canary test of toolchain `t` on a node, if any.
 */
static void inspect_canary(struct toolchain_node_state *cell, const char *db,
			   const struct node_entry *node,
			   const struct toolchain_installed *ours,
			   const struct toolchain_installed *t)
{
	struct peer_canary_db_subject key = { .node = node->name };
	struct peer_canary_db_entry e;

	if (!ours)
		return;
	key.local_id = ours->manifest_id;
	peer_canary_db_digest(&key.sources);
	peer_canary_db_find_latest(db, &key, t->id, &e);
	if (e.status == PEER_CANARY_STATUS_PASSED) {
		cell->canary = "passed";
	} else if (e.status == PEER_CANARY_STATUS_FAILED) {
		cell->canary = "failed";
		if (!cell->detail)
			cell->detail = xasprintf("canary failed: %s", e.detail);
	}
	peer_canary_db_entry_release(&e);
}

/* Compare toolchain `t` on the node `n` with its copy on the build host. */
static void fill_node_state(struct toolchain_node_state *cell,
			    const struct peer_survey_node *n,
			    const struct toolchain_installed_list *list,
			    const struct toolchain_installed *t, const char *db)
{
	bool is_own = !strcmp(t->host, toolchain_host_arch());
	const struct peer_survey_toolchain *held = peer_survey_find(n, t->id);

	*cell = (struct toolchain_node_state){ .state = "ok" };
	if (!n->up) {
		cell->state = "down";
		return;
	}
	if (is_own && toolchain_nodes_is_same_arch(n) && !held) {
		cell->state = "not needed";
		return;
	}
	if (!strv_has(&n->fit.hosts, t->host)) {
		cell->state = "-";
		return;
	}
	if (!held) {
		cell->state = "missing";
	} else if (held->state == WIRE_HELD_DAMAGED) {
		cell->differs = true;
		cell->detail = xasprintf("damaged: %s",
					 held->detail ? held->detail : "?");
	} else if (!digest_equal(&held->dir_digest, &t->dir_digest)) {
		cell->differs = true;
		cell->detail = xstrdup("differs from the local toolchain");
	}
	if (cell->differs)
		cell->state = "different";
	inspect_canary(cell, db, n->entry, find_host_build(list, t), t);
}

int toolchain_nodes_inspect(const struct toolchain_nodes *nodes,
			    const struct toolchain_installed_list *list,
			    bool verify, struct toolchain_node_state *states,
			    struct err *err)
{
	struct peer_survey_setup setup = { .nodes = nodes->nodes,
					   .n = nodes->n_nodes,
					   .rehash = true };
	char *canary_db;
	int ret = verify ? peer_survey_run(&setup, NULL, err) : 0;

	if (ret)
		return ret;
	canary_db = peer_canary_db_path();
	for (size_t i = 0; i < list->n; i++) {
		for (size_t k = 0; k < nodes->n_nodes; k++)
			fill_node_state(&states[i * nodes->n_nodes + k],
					&nodes->nodes[k], list, &list->v[i],
					canary_db);
	}
	free(canary_db);
	return 0;
}

/* An upload of toolchains to all nodes. */
struct push {
	const struct toolchain_nodes *nodes;
	const atomic_bool *cancel;
	struct peer_bundle *bundles;
	size_t n_bundles;
	struct peer_survey_node *talk; /* the session with each node */
	struct progress *progress;
};

/* Read the toolchain `id` into the next bundle. */
static int read_bundle(struct push *p,
		       const struct toolchain_installed_list *all,
		       const char *id, struct err *err)
{
	const struct toolchain_installed *t, *ours;
	int ret = toolchain_settings_find(all, id, &t, err);

	if (ret)
		return ret;
	ours = find_host_build(all, t);
	ret = peer_bundle_read(&p->bundles[p->n_bundles], t,
			       ours ? &ours->manifest_id : NULL, p->cancel,
			       err);
	if (!ret)
		p->n_bundles++;
	return ret;
}

static void on_progress(void *ctx)
{
	struct push *p = ctx;

	for (size_t i = 0; i < p->nodes->n_nodes; i++) {
		const struct peer_blob_upload_stats *c =
			&p->talk[i].upload_stats;

		progress_set(p->progress, i,
			     c->bytes_sent < c->bytes_needed ? "sending" :
							       "waiting",
			     c->bytes_sent, c->bytes_needed);
	}
	progress_tick(p->progress);
}

/* Print a line per bundle.  Returns true if all uploads to `n` succeeded. */
static bool report_node(const struct peer_survey_node *n)
{
	const struct peer_blob_upload_stats *stats = &n->upload_stats;
	bool good = n->up;
	char *sent;

	if (stats->n_files_sent)
		sent = xasprintf("%u files (%.1f MiB) sent",
				 stats->n_files_sent,
				 (double)stats->bytes_sent / (1 << 20));
	else
		sent = xstrdup("already up to date");

	for (size_t b = 0; b < n->n_bundles; b++) {
		const struct peer_survey_outcome *a = &n->bundle_outcomes[b];

		if (a->succeeded)
			printf("node %s: %s: ok, %s\n", n->entry->name,
			       n->bundles[b]->id, sent);
		else if (a->detail)
			log_error("node %s: %s: %s", n->entry->name,
				  n->bundles[b]->id, a->detail);
		good = good && a->succeeded;
	}
	if (!n->up)
		log_error("node %s: %s%s", n->entry->name, n->why,
			  stats->n_files_sent ? "; the same command continues" :
						"");
	free(sent);
	return good;
}

/* Upload to all nodes concurrently; return the number of failed nodes. */
static unsigned run_push(struct push *p)
{
	struct peer_survey_setup setup = { .n = p->nodes->n_nodes,
					   .on_progress = on_progress,
					   .ctx = p,
					   .cancel = p->cancel };
	struct store_packed_cache_stats stats = { 0 };
	unsigned failed = 0;
	struct err err;

	p->talk = xcalloc(p->nodes->n_nodes + 1, sizeof(*p->talk));
	p->progress = progress_new();
	for (size_t i = 0; i < p->nodes->n_nodes; i++) {
		const struct peer_survey_node *node = &p->nodes->nodes[i];
		const struct peer_bundle **list = xcalloc(p->n_bundles + 1,
							  sizeof(*list));
		struct peer_survey_node *n = &p->talk[i];

		/* Send only the bundles that run on the node. */
		peer_survey_init(n, node->entry);
		n->bundles = list;
		for (size_t k = 0; k < p->n_bundles; k++) {
			if (strv_has(&node->fit.hosts, p->bundles[k].host))
				list[n->n_bundles++] = &p->bundles[k];
		}
		progress_add(p->progress, node->entry->name);
	}
	setup.nodes = p->talk;
	if (peer_survey_run(&setup, &stats, &err) && err.text[0])
		log_error("%s", err.text);
	progress_free(p->progress);
	for (size_t i = 0; i < p->nodes->n_nodes; i++) {
		failed += !report_node(&p->talk[i]);
		peer_survey_release(&p->talk[i]);
		free((void *)p->talk[i].bundles);
	}
	if (stats.n_packed)
		log_info("%llu files compressed once for all nodes: %.1f MiB "
			 "of %.1f MiB",
			 (unsigned long long)stats.n_packed,
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
	failed = ret ? (unsigned)nodes->n_nodes : run_push(&p);
	for (size_t i = 0; i < p.n_bundles; i++)
		peer_bundle_release(&p.bundles[i]);
	free(p.bundles);
	return failed;
}

unsigned toolchain_nodes_remove(const struct toolchain_nodes *nodes,
				const char *id)
{
	char *ids[] = { (char *)id, NULL };
	struct peer_survey_setup setup = { .n = nodes->n_nodes };
	struct peer_survey_node *talk = xcalloc(nodes->n_nodes + 1,
						sizeof(*talk));
	unsigned failed = 0;
	struct err err = { 0 };

	for (size_t i = 0; i < nodes->n_nodes; i++) {
		peer_survey_init(&talk[i], nodes->nodes[i].entry);
		talk[i].removals = ids;
		talk[i].n_removals = peer_survey_find(&nodes->nodes[i], id) !=
				     NULL;
	}
	setup.nodes = talk;
	if (peer_survey_run(&setup, NULL, &err))
		log_error("%s", err.text);
	for (size_t i = 0; i < nodes->n_nodes; i++) {
		const struct peer_survey_node *n = &talk[i];
		bool good = n->up && (!n->n_removals ||
				      n->removal_outcomes[0].succeeded);

		if (!n->up)
			log_error("node %s: %s", n->entry->name, n->why);
		else if (!good)
			log_error("node %s: %s: %s", n->entry->name, id,
				  n->removal_outcomes[0].detail);
		else if (n->n_removals)
			printf("node %s: %s: removed\n", n->entry->name, id);
		failed += !good;
		peer_survey_release(&talk[i]);
	}
	free(talk);
	return failed;
}
