/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"
#include "cli/table.h"

#include "admin/remote-script.h"
#include "admin/tune.h"
#include "base/json.h"
#include "base/log.h"
#include "base/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 16

/* One node with its profile, its plan and the result. */
struct tuned_node {
	const struct node_entry *entry;
	struct admin_profile profile;
	struct admin_tune plan;
	struct admin_tune_result result;
	size_t row; /* of `progress` */
	int ret; /* first failure, explained by `err`; or 0 */
	struct err err;
};

/* One `kfarm nodes tune`. */
struct tuning {
	const struct nodes_request *r;
	struct tuned_node *v;
	size_t n;
	struct progress *progress;
	const char *action;
	void (*on_node)(struct tuned_node *t, bool revert);
};

/* Run a script on a node with `input` as its stdin; `out` gets its stdout. */
static int run_node_script(struct tuned_node *t, struct buf *script,
			   struct buf *input, struct buf *out)
{
	const struct admin_remote_script remote = {
		.name = t->entry->name,
		.ssh = t->entry->ssh,
		.script = buf_bytes(script),
		.input = buf_bytes(input),
	};

	return admin_remote_script_run(&remote, out, &t->err);
}

/* Step of each_node(): read the current settings and plan the changes. */
static void read_node_settings(struct tuned_node *t, bool revert)
{
	struct buf script = { 0 }, input = { 0 }, out = { 0 };

	(void)revert;
	admin_tune_add_query_script(&t->profile, &script);
	t->ret = run_node_script(t, &script, &input, &out);
	if (!t->ret) {
		t->ret = admin_tune_parse(&t->plan, &t->profile,
					  buf_bytes(&out), &t->err);
		if (t->ret)
			err_wrap(&t->err, "node %s", t->entry->name);
	}
	buf_release(&script);
	buf_release(&out);
}

/* Step of each_node(): apply the plan, or revert to the previous settings. */
static void apply_node_settings(struct tuned_node *t, bool revert)
{
	struct buf script = { 0 }, input = { 0 }, out = { 0 };

	if (revert)
		admin_tune_add_revert_script(&script);
	else
		admin_tune_add_apply_script(&t->plan, &script, &input);
	t->ret = run_node_script(t, &script, &input, &out);
	if (!t->ret) {
		t->ret = admin_tune_result(&t->result, buf_bytes(&out),
					   &t->err);
		if (t->ret)
			err_wrap(&t->err, "node %s", t->entry->name);
	}
	buf_release(&script);
	buf_release(&input);
	buf_release(&out);
}

static void run_tuning_step(void *ctx, size_t i)
{
	struct tuning *all = ctx;
	struct tuned_node *t = &all->v[i];

	if (!t->ret)
		all->on_node(t, all->r->revert);
	progress_end(all->progress, t->row);
}

static void tick_tuning(void *ctx)
{
	progress_tick(((struct tuning *)ctx)->progress);
}

/* Run a step on all nodes concurrently, except on nodes that have failed. */
static void each_node(struct tuning *all, const char *doing,
		      void (*step)(struct tuned_node *t, bool revert))
{
	all->on_node = step;
	all->progress = progress_new();
	for (size_t i = 0; i < all->n; i++) {
		all->v[i].row = progress_add(all->progress,
					     all->v[i].entry->name);
		progress_set(all->progress, all->v[i].row, doing, 0, 0);
	}
	task_each(all->n < THREADS ? (unsigned)all->n : THREADS, all->n,
		  run_tuning_step, tick_tuning, all);
	progress_free(all->progress);
}

/* Format the value of a setting with its unit, or "-".  The caller frees it. */
static char *value_text(const struct admin_tune_item *item, const char *value)
{
	if (!value)
		return xstrdup("-");
	return item->is_service ? xstrdup(value) :
				  admin_tune_format_value(item->path, value);
}

/*
 * Print a table of the settings that are not skipped.  If `before` is true,
 * print the previous settings for a revert, without the column SETTING.
 */
static void print_items(const struct admin_tune_item *v, size_t n, bool before)
{
	struct table t = { .align = before ? "lll" : "llll" };

	for (size_t i = 0; i < n; i++) {
		if (v[i].skip_reason)
			continue;
		if (!t.fields.n)
			strv_split(&t.fields,
				   before ? "CURRENT PREVIOUS FILE" :
					    "SETTING CURRENT NEW FILE",
				   " ");
		if (!before)
			strv_add(&t.fields, v[i].name);
		strv_own(&t.fields, value_text(&v[i], v[i].current));
		strv_own(&t.fields, value_text(&v[i], v[i].wanted));
		strv_add(&t.fields, v[i].path);
	}
	if (t.fields.n)
		table_print(stdout, &t);
}

/*
 * Print the settings that cannot be applied, with the reason.  If the value has
 * a unit, it is printed after the name: ", 2208 MHz".
 */
static void print_skipped(const struct admin_tune *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct admin_tune_item *item = &plan->v[i];
		char *value = NULL;
		bool has_unit;

		if (!item->skip_reason)
			continue;
		if (item->wanted)
			value = admin_tune_format_value(item->path,
							item->wanted);
		has_unit = value && strcmp(value, item->wanted);
		printf("skipped: %s%s%s: %s%s%s%s\n", item->name,
		       has_unit ? ", " : "", has_unit ? value : "",
		       item->skip_reason, item->is_service ? "" : " (",
		       item->is_service ? "" : item->path,
		       item->is_service ? "" : ")");
		free(value);
	}
}

/* Print the profile of a node and the changes that it requires. */
static void print_tune_plan(const struct tuned_node *t)
{
	const char *about = t->profile.about;

	printf("%s%s%s: profile %s%s%s%s\n", t->entry->name,
	       t->plan.model ? ", " : "", t->plan.model ? t->plan.model : "",
	       t->profile.name, about ? " (" : "", about ? about : "",
	       about ? ")" : "");
	if (t->profile.overclock_risk)
		printf("OVERCLOCKING: %s\n", t->profile.overclock_risk);
	if (t->plan.warning)
		printf("warning: %s\n", t->plan.warning);
	print_items(t->plan.v, t->plan.n, false);
	print_skipped(&t->plan);
	if (!admin_tune_count_changes(&t->plan))
		printf("none of the settings can be changed on this node\n");
}

/* Return true if the command must change settings of the node. */
static bool has_changes(const struct tuning *all, const struct tuned_node *t)
{
	if (t->ret)
		return false;
	return all->r->revert ? t->plan.n_previous > 0 :
				admin_tune_count_changes(&t->plan) > 0;
}

/* Print the number of applied settings and each failure. */
static void print_result(const struct tuning *all, const struct tuned_node *t)
{
	const char *name = t->entry->name;

	for (size_t i = 0; i < t->result.n_failed; i++)
		log_error("%s: %s: %s", name, t->result.failed[i].path,
			  t->result.failed[i].why);
	if (all->r->json)
		return;
	printf("%s: %zu setting%s %s", name, t->result.n_applied,
	       t->result.n_applied == 1 ? "" : "s",
	       all->r->revert ? "restored" : "applied; reapplied at boot");
	if (t->result.n_restored)
		printf("; %zu setting%s of another profile restored",
		       t->result.n_restored,
		       t->result.n_restored == 1 ? "" : "s");
	printf("%s\n", t->result.n_failed ? "; others failed" : "");
	if (!all->r->revert && !strcmp(t->plan.init_system, "none"))
		log_warning("%s: unknown init system: run /etc/kfarm/tune.sh "
			    "at each boot, or the settings are lost at the "
			    "next one",
			    name);
}

/* Return settings with their current and wanted values as JSON. */
static json_t *items_json(const struct admin_tune_item *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "setting", json_text(v[i].name));
		json_object_set_new(o, v[i].is_service ? "service" : "file",
				    json_text(v[i].path));
		json_object_set_new(o, "now", json_text(v[i].current));
		json_object_set_new(o, "wanted", json_text(v[i].wanted));
		json_object_set_new(o, "skipped", json_text(v[i].skip_reason));
		json_array_append_new(list, o);
	}
	return list;
}

/* Print plan and result of all nodes as JSON. */
static void print_tune_json(const struct tuning *all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < all->n; i++) {
		const struct tuned_node *t = &all->v[i];
		json_t *o = json_object(), *failed = json_array();

		for (size_t k = 0; k < t->result.n_failed; k++) {
			const char *path = t->result.failed[k].path;
			const char *why = t->result.failed[k].why;
			json_t *f = json_object();

			json_object_set_new(f, "file", json_text(path));
			json_object_set_new(f, "why", json_text(why));
			json_array_append_new(failed, f);
		}
		json_object_set_new(o, "name", json_text(t->entry->name));
		json_object_set_new(o, "profile", json_text(t->profile.name));
		json_object_set_new(o, "overclock",
				    json_text(t->profile.overclock_risk));
		json_object_set_new(o, "model", json_text(t->plan.model));
		json_object_set_new(o, "warning", json_text(t->plan.warning));
		json_object_set_new(o, "error",
				    json_text(t->ret ? t->err.text : NULL));
		json_object_set_new(o, "settings",
				    items_json(t->plan.v, t->plan.n));
		json_object_set_new(
			o, "before",
			items_json(t->plan.previous, t->plan.n_previous));
		json_object_set_new(
			o, "set",
			json_integer((json_int_t)t->result.n_applied));
		json_object_set_new(o, "failed", failed);
		json_array_append_new(list, o);
	}
	table_print_json(json_pack("{s:o}", "nodes", list));
}

/*
 * Ask the user to confirm the changes, unless --yes is given.  Returns 1 if
 * they are confirmed; 0 if they are not, or if no node needs a change; or
 * -EPERM with `err` set if kfarm cannot ask because it has no terminal.
 */
static int ask_consent(const struct tuning *all, struct err *err)
{
	bool overclock = false;
	struct strv list = { 0 };
	char *names, *line = NULL;
	size_t size = 0;
	ssize_t n;
	int ret;

	for (size_t i = 0; i < all->n; i++) {
		if (!has_changes(all, &all->v[i]))
			continue;
		strv_add(&list, all->v[i].entry->name);
		overclock |= all->v[i].profile.overclock_risk &&
			     !all->r->revert;
	}
	if (!list.n)
		return 0;
	names = strv_join(&list, ", ");
	strv_release(&list);
	if (all->r->yes) {
		ret = 1;
	} else if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		ret = err_set(
			err, EPERM,
			"nothing was changed: without a terminal, --yes is required");
	} else {
		fflush(stdout);
		fprintf(stderr,
			all->r->revert ?
				"Restore these settings on %s? [y/N] " :
			overclock ? "Apply these settings permanently on %s, "
				    "including OVERCLOCKING? [y/N] " :
				    "Apply these settings permanently on %s? "
				    "[y/N] ",
			names);
		n = getline(&line, &size, stdin);
		ret = n > 0 && (line[0] == 'y' || line[0] == 'Y');
		free(line);
		if (!ret)
			log_info("nothing was changed");
	}
	free(names);
	return ret;
}

/*
 * Find the profile of a node: the value of --profile, the configured profile,
 * or "generic".  Returns 0, or -EINVAL with `err` set if the profile is
 * invalid.  If the node has no ssh address, only sets t->ret and t->err, so
 * that the command continues with the other nodes.
 */
static int prepare_tuned(const struct tuning *all, struct tuned_node *t,
			 struct err *err)
{
	const struct nodes_request *r = all->r;
	const char *name = t->entry->name, *profile = r->profile;

	if (!profile)
		profile = conf_get(r->conf, "node", name, "profile");
	if (admin_profile_find(&t->profile, profile ? profile : "generic", err))
		return -EINVAL;
	if (!t->entry->ssh)
		t->ret = err_set(
			&t->err, EHOSTUNREACH,
			"node %s: no ssh address is configured; set `ssh = "
			"[USER@]HOST` in [node \"%s\"]",
			name, name);
	return 0;
}

/* Read, confirm and apply the settings; return the exit status. */
static int tune_nodes(struct tuning *all)
{
	struct err err = { 0 };
	int consent = 0, status = EXIT_OK;

	each_node(all, "reading settings", read_node_settings);
	for (size_t i = 0; !all->r->json && i < all->n; i++) {
		const struct tuned_node *t = &all->v[i];

		if (t->ret)
			continue;
		if (!all->r->revert) {
			print_tune_plan(t);
			continue;
		}
		printf("%s: %s\n", t->entry->name,
		       t->plan.n_previous ? "previous settings" : "not tuned");
		print_items(t->plan.previous, t->plan.n_previous, true);
	}
	if (!all->r->dry_run)
		consent = ask_consent(all, &err);
	if (consent > 0)
		each_node(all,
			  all->r->revert ? "restoring settings" :
					   "applying settings",
			  apply_node_settings);
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].ret)
			log_error("%s", all->v[i].err.text);
		else if (consent > 0 && has_changes(all, &all->v[i]))
			print_result(all, &all->v[i]);
		if (all->v[i].ret || all->v[i].result.n_failed)
			status = EXIT_USAGE;
	}
	if (all->r->json)
		print_tune_json(all);
	return consent < 0 ? nodes_log_error(all->r, &err) : status;
}

int nodes_tune_main(void *request)
{
	struct nodes_request *r = request;
	const struct node_entry **nodes = NULL;
	struct tuning all = { .r = r };
	struct err err = { 0 };
	int status, ret = nodes_load(r, &err);

	if (!ret)
		ret = nodes_select(r, &nodes, &all.n, &err);
	if (ret)
		return nodes_log_error(r, &err);
	all.v = xcalloc(all.n, sizeof(*all.v));
	for (size_t i = 0; !ret && i < all.n; i++) {
		all.v[i].entry = nodes[i];
		ret = prepare_tuned(&all, &all.v[i], &err);
	}
	status = ret ? nodes_log_error(r, &err) : tune_nodes(&all);
	for (size_t i = 0; i < all.n; i++) {
		admin_profile_release(&all.v[i].profile);
		admin_tune_release(&all.v[i].plan);
		admin_tune_result_release(&all.v[i].result);
	}
	free(all.v);
	free(nodes);
	return status;
}
