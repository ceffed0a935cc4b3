/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "admin/remote-script.h"
#include "admin/tune.h"
#include "base/format.h"
#include "base/json.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/spawn.h"
#include "base/task.h"
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "node/pool.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Remove "drain" of a node or pool from the user's file.  If another file sets
 * "drain", set it to false in the user's file instead.
 */
static int resume_node(const struct conf *conf, const char *section,
		       const char *name, struct err *err)
{
	struct strv values = { 0 }, origins = { 0 };
	char *file = conf_user_path(), *prefix = xasprintf("%s:", file);
	bool removable = true;

	conf_get_all_origins(conf, section, name, "drain", &values, &origins);
	for (size_t i = 0; i < origins.n; i++)
		removable &= str_starts(origins.v[i], prefix);
	strv_release(&origins);
	strv_release(&values);
	free(prefix);
	free(file);
	return removable ? conf_remove_key(section, name, "drain", err) :
			   conf_set(section, name, "drain", "false", err);
}

/*
 * The key "drain" of [import "LIST"] contains the names of the drained nodes of
 * the list.  If `drain` is true, add the name of the node to this key;
 * otherwise, remove the name from the key.
 */
static int drain_imported(const struct node_entry *e, bool drain,
			  struct err *err)
{
	struct strv all = { 0 }, names = { 0 };
	struct conf *conf = NULL;
	const char *before;
	char *value;
	int ret;

	/*
	 * Read the configuration again, because this command may already have
	 * changed the same list for another node.
	 */
	ret = conf_load(&conf, NULL, err);
	if (ret)
		return ret;
	before = conf_get(conf, "import", e->list, "drain");
	strv_split(&all, before ? before : "", " ");
	for (size_t i = 0; i < all.n; i++) {
		if (strcmp(all.v[i], e->name) != 0)
			strv_add(&names, all.v[i]);
	}
	if (drain)
		strv_add(&names, e->name);
	value = strv_join(&names, " ");
	ret = names.n ? conf_set("import", e->list, "drain", value, err) :
			conf_remove_key("import", e->list, "drain", err);
	free(value);
	strv_release(&names);
	strv_release(&all);
	conf_free(conf);
	return ret;
}

/*
 * Set or remove "drain" of the node or pool `name` in the configuration.  A
 * running build watches the configuration, so it needs no message.
 */
static int drain_node(const struct nodes_request *r, const char *name,
		      bool drain, struct err *err)
{
	const struct node_entry *e = node_roster_get(&r->roster, name);
	const struct node_pool *p = node_roster_get_pool(&r->roster, name);
	const char *section = p ? "pool" : "node";
	int ret;

	if ((p ? p->drained : e->drained) == drain) {
		log_info("%s: %s", name,
			 drain ? "already drained" : "not drained");
		return 0;
	}
	if (!p && e->list)
		ret = drain_imported(e, drain, err);
	else
		ret = drain ? conf_set(section, name, "drain", "true", err) :
			      resume_node(r->conf, section, name, err);
	if (!ret)
		log_info("%s: %s", name,
			 drain ? "drained; it gets no new jobs" :
				 "resumed; it gets jobs again");
	return ret;
}

/* The verbs `drain` and `resume`. */
static int nodes_drain_main(void *request)
{
	struct nodes_request *r = request;
	struct err err = { 0 };
	int ret = nodes_load(r, &err);

	/*
	 * Remove repeated names: r->conf and r->roster do not contain the
	 * changes of this command, so drain_node() would repeat a change.
	 */
	strv_unique(&r->words);
	/* An unknown name prevents all changes. */
	for (size_t i = 0; !ret && i < r->words.n; i++) {
		if (!node_roster_get_pool(&r->roster, r->words.v[i]) &&
		    !node_roster_get(&r->roster, r->words.v[i]))
			ret = node_roster_set_unknown(&r->roster, r->words.v[i],
						      &err);
	}
	for (size_t i = 0; !ret && i < r->words.n; i++)
		ret = drain_node(r, r->words.v[i], !strcmp(r->verb, "drain"),
				 &err);
	return ret ? nodes_log_error(r, &err) : EXIT_OK;
}

#define DEADLINE_MS 60000
#define OUTPUT_MAX  (1u << 20) /* maximum bytes of each output stream */

/* Arguments and results of run_switch(), which runs on another thread. */
struct switching {
	char *command; /* shell command that ends in on, off or reset */
	struct buf output, words; /* its stdout and stderr */
	int status;
	struct err err;
};

/*
 * Run the command in a process group of its own, so that the timeout also ends
 * its children.
 */
static int run_switch(void *arg)
{
	struct switching *s = arg;
	char *const argv[] = { "/bin/sh", "-c", s->command, NULL };
	const struct spawn what = { .argv = argv,
				    .stdio_fds = { -1, -1, -1 },
				    .own_group = true,
				    .killed_with_parent = true };
	const struct spawn_limits limits = { .max_bytes = OUTPUT_MAX,
					     .timeout_ms = DEADLINE_MS };

	return spawn_collect(&what, &limits, &s->output, &s->words, &s->status,
			     &s->err);
}

/* Print each line of `text` with the node's name in front. */
static void show_lines(FILE *to, const char *name, const struct buf *text)
{
	struct strv lines = { 0 };

	strv_split(&lines, buf_str(text), "\r\n");
	for (size_t i = 0; i < lines.n; i++) {
		printable_replace(lines.v[i], strlen(lines.v[i]), 0, ' ');
		fprintf(to, "%s: %s\n", name, lines.v[i]);
	}
	fflush(to);
	strv_release(&lines);
}

/* Run the power command of a node and print its output. */
static int switch_node(const struct nodes_request *r, const char *name,
		       const char *action)
{
	const char *command = conf_get(r->conf, "node", name, "power");
	struct switching s = { 0 };
	int ret;

	if (!command) {
		log_error(
			"%s: no power command is configured; set `power = COMMAND` in [node \"%s\"]",
			name, name);
		return -ENOENT;
	}
	s.command = xasprintf("%s %s", command, action);
	ret = progress_run(name, action, run_switch, &s);
	show_lines(stdout, name, &s.output);
	show_lines(stderr, name, &s.words);
	if (ret || s.status) {
		char *end = spawn_status_text(s.status);

		if (ret == -ETIMEDOUT)
			log_error(
				"%s: `%s` did not finish within %d s and was killed",
				name, s.command, DEADLINE_MS / 1000);
		else
			log_error("%s: `%s`: %s", name, s.command,
				  ret ? s.err.text : end);
		free(end);
		ret = -EIO;
	}
	buf_release(&s.output);
	buf_release(&s.words);
	free(s.command);
	return ret;
}

static int nodes_power_main(void *request)
{
	struct nodes_request *r = request;
	const char *action = r->words.v[--r->words.n];
	const struct node_entry **nodes;
	struct err err = { 0 };
	int status = EXIT_OK;
	size_t n;

	if (!str_list_has("on off reset", ' ', action)) {
		err_set(&err, EINVAL,
			"\"%s\": expected on, off or reset; usage: kfarm "
			"nodes power NAME... on|off|reset",
			action);
		return nodes_log_error(r, &err);
	}
	if (nodes_load(r, &err) || nodes_select(r, &nodes, &n, &err))
		return nodes_log_error(r, &err);
	for (size_t i = 0; i < n; i++) {
		if (switch_node(r, nodes[i]->name, action))
			status = EXIT_USAGE;
	}
	free(nodes);
	return status;
}

#define THREADS 16

/* One node with its profile, its plan and the result. */
struct tuned_node {
	const struct node_entry *entry;
	struct admin_profile profile;
	struct admin_tune plan;
	struct admin_tune_result result;
	size_t row; /* row of tuning.progress */
	int ret; /* first failure, explained by `err`; or 0 */
	struct err err;
};

/* One `kfarm nodes tune`. */
struct tuning {
	const struct nodes_request *r;
	struct tuned_node *v;
	size_t n;
	struct progress *progress;
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
 * Print a table of the settings that are not skipped.  If `before` is true, the
 * table has no column SETTING, and lists the previous values, which a revert
 * restores, instead of the new values.
 */
static void print_items(FILE *out, const struct admin_tune_item *v, size_t n,
			bool before)
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
		table_print(out, &t);
}

/*
 * Print the profile of a node, the changes that the profile requires, and the
 * settings that cannot be applied.
 */
static void print_tune_plan(FILE *out, const struct tuned_node *t)
{
	const char *about = t->profile.about;

	fprintf(out, "%s%s%s: profile %s%s%s%s\n", t->entry->name,
		t->plan.model ? ", " : "", t->plan.model ? t->plan.model : "",
		t->profile.name, about ? " (" : "", about ? about : "",
		about ? ")" : "");
	if (t->profile.overclock_risk)
		fprintf(out, "OVERCLOCKING: %s\n", t->profile.overclock_risk);
	if (t->plan.warning)
		fprintf(out, "warning: %s\n", t->plan.warning);
	print_items(out, t->plan.v, t->plan.n, false);
	for (size_t i = 0; i < t->plan.n; i++) {
		const struct admin_tune_item *item = &t->plan.v[i];
		char *value = NULL;
		bool has_unit;

		if (!item->skip_reason)
			continue;
		if (item->wanted)
			value = admin_tune_format_value(item->path,
							item->wanted);
		/* Append a value with a unit to the name: ", 2208 MHz". */
		has_unit = value && strcmp(value, item->wanted);
		fprintf(out, "skipped: %s%s%s: %s%s%s%s\n", item->name,
			has_unit ? ", " : "", has_unit ? value : "",
			item->skip_reason, item->is_service ? "" : " (",
			item->is_service ? "" : item->path,
			item->is_service ? "" : ")");
		free(value);
	}
	if (!admin_tune_count_changes(&t->plan))
		fprintf(out,
			"none of the settings can be changed on this node\n");
}

/* Return true if the command must change settings of the node. */
static bool has_changes(const struct tuning *all, const struct tuned_node *t)
{
	if (t->ret)
		return false;
	return all->r->revert ? t->plan.n_previous > 0 :
				admin_tune_count_changes(&t->plan) > 0;
}

/* Return true if the node can apply its settings at each boot. */
static bool has_boot_script(const struct tuned_node *t)
{
	return strcmp(t->plan.init_system, "none") != 0;
}

/* Print the number of applied settings and each failure. */
static void print_result(const struct tuning *all, const struct tuned_node *t)
{
	const char *name = t->entry->name;
	bool at_boot = has_boot_script(t);

	for (size_t i = 0; i < t->result.n_failed; i++)
		log_error("%s: %s: %s", name, t->result.failed[i].path,
			  t->result.failed[i].why);
	if (all->r->json)
		return;
	printf("%s: %zu setting%s %s", name, t->result.n_applied,
	       format_plural(t->result.n_applied),
	       all->r->revert ? "restored" :
	       at_boot        ? "applied; reapplied at boot" :
				"applied");
	if (t->result.n_restored)
		printf("; %zu setting%s of another profile restored",
		       t->result.n_restored,
		       format_plural(t->result.n_restored));
	printf("%s\n", t->result.n_failed ? "; others failed" : "");
	if (!all->r->revert && !at_boot)
		log_warning("%s: unknown init system: the settings are lost at "
			    "the next boot; to apply them again, run "
			    "/etc/kfarm/tune.sh at each boot",
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
	bool overclock = false, permanent = true;
	struct strv list = { 0 };
	char *names, *line = NULL;
	size_t size = 0;
	ssize_t n;
	int ret;

	for (size_t i = 0; i < all->n; i++) {
		if (!has_changes(all, &all->v[i]))
			continue;
		strv_addf(&list, "%s%s", all->v[i].entry->name,
			  all->r->revert || has_boot_script(&all->v[i]) ?
				  "" :
				  " (until the next boot)");
		permanent = permanent && has_boot_script(&all->v[i]);
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
		if (all->r->revert)
			fprintf(stderr, "Restore these settings on %s? [y/N] ",
				names);
		else
			fprintf(stderr,
				"Apply these settings%s on %s%s? [y/N] ",
				permanent ? " permanently" : "", names,
				overclock ? ", including OVERCLOCKING" : "");
		n = getline(&line, &size, stdin);
		ret = n > 0 && (line[0] == 'y' || line[0] == 'Y');
		free(line);
		if (!ret)
			log_info("nothing was changed");
	}
	free(names);
	return ret;
}

/* Read, confirm and apply the settings; return the exit status. */
static int tune_nodes(struct tuning *all)
{
	FILE *out = all->r->json ? stderr : stdout;
	/* With --json, show the user what the question is about. */
	bool shown = !all->r->json || (!all->r->dry_run && !all->r->yes);
	struct err err = { 0 };
	int consent = 0, status = EXIT_OK;

	each_node(all, "reading settings", read_node_settings);
	for (size_t i = 0; shown && i < all->n; i++) {
		const struct tuned_node *t = &all->v[i];

		if (t->ret)
			continue;
		if (!all->r->revert) {
			print_tune_plan(out, t);
			continue;
		}
		fprintf(out, "%s: %s\n", t->entry->name,
			t->plan.n_previous ? "previous settings" : "not tuned");
		print_items(out, t->plan.previous, t->plan.n_previous, true);
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

static int nodes_tune_main(void *request)
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
		const char *name = nodes[i]->name, *profile = r->profile;
		struct tuned_node *t = &all.v[i];

		t->entry = nodes[i];
		if (!profile)
			profile = conf_get(r->conf, "node", name, "profile");
		if (!profile)
			profile = "generic";
		if (admin_profile_find(&t->profile, profile, &err))
			ret = -EINVAL;
		/*
		 * A node without an ssh address cannot be tuned.  Record this
		 * error for the node, and tune the other nodes.
		 */
		if (!ret && !nodes[i]->ssh)
			t->ret = nodes_set_no_ssh(nodes[i], EHOSTUNREACH,
						  &t->err);
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

#define AT(member) offsetof(struct nodes_request, member)

/* Parse --burn-in[=TIME]; "" means the default duration. */
static int parse_burn_in(void *at, const struct args *a, struct err *err)
{
	int ret = args_text(at, a, err);

	if (!ret && !a->value)
		*(const char **)at = "";
	return ret;
}

static const struct args_option options[] = {
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "slots", "N", "maximum number of concurrent jobs", args_text,
	  AT(slots), 0 },
	{ 0, "codec", "C", "none, lzo or zstd", args_text, AT(codec), 0 },
	{ 0, "profile", "PROFILE", "board profile: generic, nanopi-neo4 ...",
	  args_text, AT(profile), 0 },
	{ 0, "dry-run", NULL, "print the changes without making them",
	  args_flag, AT(dry_run), 0 },
	{ 0, "revert", NULL, "restore the previous settings", args_flag,
	  AT(revert), 0 },
	{ 0, "yes", NULL, "do not ask for confirmation", args_flag, AT(yes),
	  0 },
	{ 0, "key", "KEY", "key of a tls: node or of a list", args_text,
	  AT(key), 0 },
	{ 0, "key-file", "FILE", "file with the key of a list", args_text,
	  AT(key_file), 0 },
	{ 0, "remove", "TEAM", "remove an imported list", args_text,
	  AT(removed_list), 0 },
	{ 0, "state", "STATE", "list nodes in this state: up, down ...",
	  args_comma_list, AT(states), 0 },
	{ 0, "site", "SITE", "list nodes of this site", args_comma_list,
	  AT(sites), 0 },
	{ 0, "pool", "ENGINE|POOL",
	  "ENGINE of the pool to add, or POOL to list", args_text, AT(pool),
	  0 },
	{ 0, "port", "N", "port of kfarmd (default: 3634)", args_text, AT(port),
	  0 },
	{ 0, "ssh", NULL, "install no service; connect by ssh", args_flag,
	  AT(ssh_only), 0 },
	{ 0, "manual", NULL, "only print the commands to run", args_flag,
	  AT(manual), 0 },
	{ 0, "keep", NULL, "do not change the node itself", args_flag, AT(keep),
	  0 },
	{ 't', "toolchain", "TOOLCHAIN", "compiler for the check", args_text,
	  AT(toolchain), 0 },
	{ 'a', "arch", "ARCH", "target architecture of the check", args_text,
	  AT(arch), 0 },
	{ 0, "burn-in", "[=TIME]", "stress all cores for TIME (default: 1h)",
	  parse_burn_in, AT(burn_in_time), 0 },
	{ 0, "simulate", "FARM", "simulate a build on the farm in a file",
	  args_text, AT(farm_file), 0 },
	{ 0, "build", "NUMBER|latest", "simulate this recorded build",
	  args_text, AT(build), 0 },
	{ 0, "gantt", "FILE", "write an SVG chart of the simulated build",
	  args_text, AT(gantt_file), 0 },
	{ 0 },
};

static const struct cmd_verb verbs[] = {
	{ "list", " [PATTERN]...", "json state site pool", 0, 1000,
	  "list the nodes and their states", nodes_survey_main },
	{ "add", " NAME ADDRESS", "slots codec key pool port ssh manual", 0, 2,
	  "add a machine as a node: install kfarmd by ssh", nodes_add_main },
	{ "import", " [URL|FILE]", "key key-file remove", 0, 1,
	  "import or refresh signed lists of nodes", nodes_import_main },
	{ "remove", " NAME...", "keep", 1, 1000,
	  "remove nodes and pools, undo the changes of add",
	  nodes_remove_main },
	{ "update", " [NAME]...", "", 0, 1000,
	  "install this version's kfarmd on nodes", nodes_update_main },
	{ "rekey", " NAME...", "", 1, 1000,
	  "replace keys of nodes, e.g. after copying a disk",
	  nodes_rekey_main },
	{ "drain", " NAME...", "", 1, 1000, "send no more jobs to nodes",
	  nodes_drain_main },
	{ "resume", " NAME...", "", 1, 1000, "send jobs to drained nodes again",
	  nodes_drain_main },
	{ "probe", " [NAME]...", "json", 0, 1000,
	  "print all details of each node", nodes_survey_main },
	{ "limits", "", "json simulate build gantt", 0, 0,
	  "explain the jobs per node and make's -j", nodes_survey_main },
	{ "tune", " NAME...", "profile dry-run revert yes json", 1, 1000,
	  "apply a board profile: clocks and services", nodes_tune_main },
	{ "power", " NAME... on|off|reset", "", 2, 1001,
	  "run the configured power command", nodes_power_main },
	{ "check", " [NAME]...", "json burn-in toolchain arch", 0, 1000,
	  "test nodes or pools and suggest remedies", nodes_check_main },
	{ 0 },
};

static const struct cmd_option_help option_helps[] = {
	{ "add", "key", "KEY", "key of the kfarmd of a tls: node" },
	{ "add", "pool", "ENGINE", "add a pool of this ENGINE" },
	{ "import", "key", "KEY", "key that signs the list" },
	{ "list", "pool", "POOL", "list this pool" },
	{ 0 },
};

static int nodes_main(char *const *argv)
{
	struct nodes_request r = { 0 };
	const struct cmd_verb *verb;
	int status = EXIT_USAGE;

	verb = cmd_verb_parse(&cmd_nodes, argv, &r, &r.words);
	if (verb) {
		r.verb = verb->name;
		status = verb->run(&r);
	}
	strv_release(&r.words);
	strv_release(&r.states);
	strv_release(&r.sites);
	node_roster_release(&r.roster);
	conf_free(r.conf);
	return status;
}

const struct cmd cmd_nodes = {
	.name = "nodes",
	.usage = "VERB [OPTION]... [ARGUMENT]...",
	.help = "list, add, import, drain and test the nodes of the farm",
	.options = options,
	.verbs = verbs,
	.option_helps = option_helps,
	.extra_help =
		"For an ADDRESS ssh:[USER@]HOST, kfarm installs kfarmd.  tls:HOST[:PORT],\nexec:COMMAND and unix:PATH are only added to the configuration.\n"
		"Quote a COMMAND with blanks: 'exec:kfarmd --stdio'.\n"
		"With --pool ENGINE, NAME is optional and there is no ADDRESS.  ENGINE is docker,\nkubernetes, nomad, podman, slurm or ssh.\n",
	.extra_help_verb = "add",
	.run = nodes_main,
};
