/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"
#include "cli/table.h"

#include "base/json.h"
#include "base/log.h"
#include "base/task.h"
#include "node/remote.h"
#include "node/tune-result.h"
#include "node/tune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 16

/* One node, from its profile to what came of it. */
struct tuned {
	const struct node_entry *entry;
	struct node_profile profile;
	struct node_tune plan;
	struct node_tune_result result;
	size_t row; /* of `progress` */
	int ret; /* of what failed, with `err` */
	struct err err;
};

struct tuning {
	const struct nodes_request *r;
	struct tuned *v;
	size_t n;
	struct progress *progress;
	const char *doing;
	void (*step)(struct tuned *t, bool revert);
};

/* ---------------------------------------------------------------- on nodes */

static int run_there(struct tuned *t, struct buf *script, struct buf *input,
		     struct buf *out)
{
	const struct node_remote remote = {
		.name = t->entry->name,
		.ssh = t->entry->ssh,
		.script = buf_bytes(script),
		.input = buf_bytes(input),
	};

	return node_remote_run(&remote, out, &t->err);
}

static void look_at_settings(struct tuned *t, bool revert)
{
	struct buf script = { 0 }, input = { 0 }, out = { 0 };

	(void)revert;
	node_tune_look(&t->profile, &script);
	t->ret = run_there(t, &script, &input, &out);
	if (!t->ret) {
		t->ret = node_tune_plan(&t->plan, &t->profile, buf_bytes(&out),
					&t->err);
		if (t->ret)
			err_wrap(&t->err, "node %s", t->entry->name);
	}
	buf_release(&script);
	buf_release(&out);
}

static void change_settings(struct tuned *t, bool revert)
{
	struct buf script = { 0 }, input = { 0 }, out = { 0 };

	if (revert)
		node_tune_revert(&script);
	else
		node_tune_apply(&t->plan, &script, &input);
	t->ret = run_there(t, &script, &input, &out);
	if (!t->ret) {
		t->ret = node_tune_result(&t->result, buf_bytes(&out), &t->err);
		if (t->ret)
			err_wrap(&t->err, "node %s", t->entry->name);
	}
	buf_release(&script);
	buf_release(&input);
	buf_release(&out);
}

static void step_one(void *ctx, size_t i)
{
	struct tuning *all = ctx;
	struct tuned *t = &all->v[i];

	if (!t->ret)
		all->step(t, all->r->revert);
	progress_end(all->progress, t->row);
}

static void tick_tuning(void *ctx)
{
	progress_tick(((struct tuning *)ctx)->progress);
}

/* Do `step` with all nodes at once, those that failed before left out. */
static void each_node(struct tuning *all, const char *doing,
		      void (*step)(struct tuned *t, bool revert))
{
	all->step = step;
	all->progress = progress_new();
	for (size_t i = 0; i < all->n; i++) {
		all->v[i].row = progress_add(all->progress,
					     all->v[i].entry->name);
		progress_set(all->progress, all->v[i].row, doing, 0, 0);
	}
	task_each(all->n < THREADS ? (unsigned)all->n : THREADS, all->n,
		  step_one, tick_tuning, all);
	progress_free(all->progress);
}

/* ------------------------------------------------------------- what it says */

static char *value_text(const struct node_tune_item *item, const char *value)
{
	if (!value)
		return xstrdup("-");
	return item->service ? xstrdup(value) :
			       node_tune_text(item->path, value);
}

/* A table of those that are to be set; without a first column of `before`. */
static void print_items(const struct node_tune_item *v, size_t n, bool before)
{
	struct table t = { .align = before ? "lll" : "llll" };

	for (size_t i = 0; i < n; i++) {
		if (v[i].skip)
			continue;
		if (!t.cells.n)
			strv_split(&t.cells,
				   before ? "NOW BEFORE FILE" :
					    "SETTING NOW WANTED FILE",
				   " ");
		if (!before)
			strv_add(&t.cells, v[i].what);
		strv_own(&t.cells, value_text(&v[i], v[i].now));
		strv_own(&t.cells, value_text(&v[i], v[i].wanted));
		strv_add(&t.cells, v[i].path);
	}
	if (t.cells.n)
		table_print(stdout, &t);
}

/* The clock or the temperature that it does not get: ", 2208 MHz"; or "". */
static char *refused_text(const struct node_tune_item *item)
{
	char *text = item->wanted ? node_tune_text(item->path, item->wanted) :
				    NULL;
	bool has_unit = text && strcmp(text, item->wanted);
	char *out = has_unit ? xasprintf(", %s", text) : xstrdup("");

	free(text);
	return out;
}

static void print_skipped(const struct node_tune *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct node_tune_item *item = &plan->v[i];
		char *value;

		if (!item->skip)
			continue;
		value = refused_text(item);
		printf("skipped: %s%s: %s%s%s%s\n", item->what, value,
		       item->skip, item->service ? "" : " (",
		       item->service ? "" : item->path,
		       item->service ? "" : ")");
		free(value);
	}
}

static void print_tune_plan(const struct tuned *t)
{
	const char *about = t->profile.about;

	printf("%s%s%s: profile %s%s%s%s\n", t->entry->name,
	       t->plan.model ? ", " : "", t->plan.model ? t->plan.model : "",
	       t->profile.name, about ? " (" : "", about ? about : "",
	       about ? ")" : "");
	if (t->profile.overclock)
		printf("OVERCLOCKING: %s\n", t->profile.overclock);
	if (t->plan.warning)
		printf("warning: %s\n", t->plan.warning);
	print_items(t->plan.v, t->plan.n, false);
	print_skipped(&t->plan);
	if (!node_tune_count(&t->plan))
		printf("nothing of it can be set here\n");
}

static void print_revert(const struct tuned *t)
{
	printf("%s: %s\n", t->entry->name,
	       t->plan.n_before ? "back to what was there before" :
				  "it was not tuned");
	print_items(t->plan.before, t->plan.n_before, true);
}

/* Has anything of this node to be done? */
static bool has_work(const struct tuning *all, const struct tuned *t)
{
	if (t->ret)
		return false;
	return all->r->revert ? t->plan.n_before > 0 :
				node_tune_count(&t->plan) > 0;
}

static void print_result(const struct tuning *all, const struct tuned *t)
{
	const char *name = t->entry->name;

	for (size_t i = 0; i < t->result.n_failed; i++)
		log_error("%s: %s: %s", name, t->result.failed[i].path,
			  t->result.failed[i].why);
	if (all->r->json)
		return;
	printf("%s: %zu %s", name, t->result.done,
	       all->r->revert ? "as before" : "set, now and at each start");
	if (t->result.back)
		printf("; %zu of another profile as before it", t->result.back);
	printf("%s\n", t->result.n_failed ? "; not all" : "");
	if (!all->r->revert && !strcmp(t->plan.start, "none"))
		log_warning("%s: nothing that kfarm knows starts things there: "
			    "have /etc/kfarm/tune.sh run at each start, or it "
			    "is as before after the next",
			    name);
}

/* -------------------------------------------------------------------- JSON */

static json_t *items_json(const struct node_tune_item *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "setting", json_text(v[i].what));
		json_object_set_new(o, v[i].service ? "service" : "file",
				    json_text(v[i].path));
		json_object_set_new(o, "now", json_text(v[i].now));
		json_object_set_new(o, "wanted", json_text(v[i].wanted));
		json_object_set_new(o, "skipped", json_text(v[i].skip));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *failures_json(const struct node_tune_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_failed; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "file", json_text(r->failed[i].path));
		json_object_set_new(o, "why", json_text(r->failed[i].why));
		json_array_append_new(list, o);
	}
	return list;
}

static void print_tune_json(const struct tuning *all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < all->n; i++) {
		const struct tuned *t = &all->v[i];
		json_t *o = json_object();

		json_object_set_new(o, "name", json_text(t->entry->name));
		json_object_set_new(o, "profile", json_text(t->profile.name));
		json_object_set_new(o, "overclock",
				    json_text(t->profile.overclock));
		json_object_set_new(o, "model", json_text(t->plan.model));
		json_object_set_new(o, "warning", json_text(t->plan.warning));
		json_object_set_new(o, "error",
				    json_text(t->ret ? t->err.text : NULL));
		json_object_set_new(o, "settings",
				    items_json(t->plan.v, t->plan.n));
		json_object_set_new(
			o, "before",
			items_json(t->plan.before, t->plan.n_before));
		json_object_set_new(o, "set",
				    json_integer((json_int_t)t->result.done));
		json_object_set_new(o, "failed", failures_json(&t->result));
		json_array_append_new(list, o);
	}
	table_json(json_pack("{s:o}", "nodes", list));
}

/* ----------------------------------------------------------------- consent */

/* "neo4a, neo4b" of those with something to do; the caller frees it. */
static char *those_with_work(const struct tuning *all, bool *overclock)
{
	struct strv names = { 0 };
	char *text;

	*overclock = false;
	for (size_t i = 0; i < all->n; i++) {
		if (!has_work(all, &all->v[i]))
			continue;
		strv_add(&names, all->v[i].entry->name);
		*overclock |= all->v[i].profile.overclock && !all->r->revert;
	}
	text = names.n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return text;
}

static bool answers_yes(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n = getline(&line, &room, stdin);
	bool yes = n > 0 && (line[0] == 'y' || line[0] == 'Y');

	free(line);
	return yes;
}

/* 1: yes; 0: no, or nothing is to be done; -EPERM with `err`. */
static int ask_consent(const struct tuning *all, struct err *err)
{
	bool overclock;
	char *names = those_with_work(all, &overclock);
	int ret;

	if (!names)
		return 0;
	if (all->r->yes) {
		ret = 1;
	} else if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		ret = err_set(err, EPERM,
			      "nothing was changed: there is no terminal to "
			      "ask at; say --yes");
	} else {
		fflush(stdout);
		fprintf(stderr,
			all->r->revert ? "Set %s back to this? [y/N] " :
			overclock ? "Set this on %s, for good, OVERCLOCKING "
				    "included? [y/N] " :
				    "Set this on %s, for good? [y/N] ",
			names);
		ret = answers_yes();
		if (!ret)
			log_info("nothing was changed");
	}
	free(names);
	return ret;
}

/* --------------------------------------------------------------------- all */

static int prepare_tuned(const struct tuning *all, struct tuned *t,
			 struct err *err)
{
	const struct nodes_request *r = all->r;
	const char *name = t->entry->name, *profile = r->profile;

	if (!profile)
		profile = conf_get(r->conf, "node", name, "profile");
	if (node_profile_find(&t->profile, profile ? profile : "generic", err))
		return -EINVAL;
	if (!t->entry->ssh)
		t->ret = err_set(
			&t->err, EHOSTUNREACH,
			"node %s: kfarm does not know how to get a shell "
			"there; say so in the configuration: `ssh = "
			"[USER@]HOST` in [node \"%s\"]",
			name, name);
	return 0;
}

static int tune_nodes(struct tuning *all)
{
	struct err err = { 0 };
	int consent = 0, status = EXIT_OK;

	each_node(all, "looking", look_at_settings);
	for (size_t i = 0; !all->r->json && i < all->n; i++) {
		if (all->v[i].ret)
			continue;
		if (all->r->revert)
			print_revert(&all->v[i]);
		else
			print_tune_plan(&all->v[i]);
	}
	if (!all->r->dry_run)
		consent = ask_consent(all, &err);
	if (consent > 0)
		each_node(all, all->r->revert ? "setting back" : "setting",
			  change_settings);
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].ret)
			log_error("%s", all->v[i].err.text);
		else if (consent > 0 && has_work(all, &all->v[i]))
			print_result(all, &all->v[i]);
		if (all->v[i].ret || all->v[i].result.n_failed)
			status = EXIT_USAGE;
	}
	if (all->r->json)
		print_tune_json(all);
	return consent < 0 ? nodes_failed(all->r, &err) : status;
}

int nodes_tune_main(struct nodes_request *r)
{
	const struct node_entry **nodes = NULL;
	struct tuning all = { .r = r };
	struct err err = { 0 };
	int status, ret = nodes_load(r, &err);

	if (!ret)
		ret = nodes_select(r, &nodes, &all.n, &err);
	if (ret)
		return nodes_failed(r, &err);
	all.v = xcalloc(all.n, sizeof(*all.v));
	for (size_t i = 0; !ret && i < all.n; i++) {
		all.v[i].entry = nodes[i];
		ret = prepare_tuned(&all, &all.v[i], &err);
	}
	status = ret ? nodes_failed(r, &err) : tune_nodes(&all);
	for (size_t i = 0; i < all.n; i++) {
		node_profile_release(&all.v[i].profile);
		node_tune_release(&all.v[i].plan);
		node_tune_result_release(&all.v[i].result);
	}
	free(all.v);
	free(nodes);
	return status;
}
