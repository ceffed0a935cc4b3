/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes-check.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "kernel/compiler.h"
#include "kernel/rundir.h"
#include "peer/canary-db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BURN_TIME "1h" /* where none is given */

struct checking {
	struct nodes_request *r;
	struct peer_trial trial;
	struct kernel_compiler compiler;
	char *name; /* of the compiler, for people */
	char **live; /* of each node, shown */
	struct progress *progress;
};

/* ------------------------------------------------------------- progress */

static const char *const stages[] = {
	[PEER_TRIAL_GREET] = "waiting for its hello",
	[PEER_TRIAL_LINK] = "measuring its link",
	[PEER_TRIAL_COMPILER] = "sending the compiler",
	[PEER_TRIAL_CANARY] = "compiling the canary",
	[PEER_TRIAL_ANSWER] = "compiling a known answer",
	[PEER_TRIAL_READY] = "waiting for the others",
};

static void show_burning(struct checking *c, size_t i)
{
	char *text = nodes_burn_live(&c->trial.nodes[i]);

	progress_set(c->progress, i, text, 0, 0);
	free(c->live[i]);
	c->live[i] = text;
}

static void on_progress(void *ctx)
{
	struct checking *c = ctx;
	const struct peer_trial *t = &c->trial;

	for (size_t i = 0; i < t->n; i++) {
		if (t->stage[i] == PEER_TRIAL_OVER)
			progress_end(c->progress, i);
		else if (t->stage[i] == PEER_TRIAL_BURN)
			show_burning(c, i);
		else
			progress_set(c->progress, i, stages[t->stage[i]], 0, 0);
	}
	if (t->burnt_ms)
		progress_count(c->progress, t->n, "seconds", t->burnt_ms / 1000,
			       t->burn_ms / 1000);
	else if (t->sources)
		progress_count(c->progress, t->n,
			       "compiling here what is to come out",
			       t->sources_done, t->sources);
	progress_tick(c->progress);
}

/* --------------------------------------------------------- what is asked */

static bool is_node(const struct nodes_request *r, const char *word)
{
	return node_roster_get(&r->roster, word);
}

/*
 * The time of a burn-in is a word of its own, too, as people write it: one
 * that is a time, and no node's name.
 */
static int read_burn_time(struct checking *c, struct err *err)
{
	struct nodes_request *r = c->r;
	const char *text = r->burn_in;

	if (!text)
		return 0;
	for (size_t i = 0; !*text && i < r->words.n; i++) {
		char *word = r->words.v[i];

		if (!nodes_burn_time(word) || is_node(r, word))
			continue;
		c->trial.burn_ms = nodes_burn_time(word);
		free(word);
		memmove(&r->words.v[i], &r->words.v[i + 1],
			(r->words.n-- - i) * sizeof(*r->words.v));
		return 0;
	}
	c->trial.burn_ms = nodes_burn_time(*text ? text : BURN_TIME);
	return c->trial.burn_ms ?
		       0 :
		       err_set(err, EINVAL,
			       "--burn-in=%s: a time is a number with s, m, h "
			       "or d behind it, at most 7d",
			       text);
}

/* The architecture that the compiler shall be for. */
static int find_arch(const struct nodes_request *r, const struct strv *standard,
		     struct kernel_arch *arch, struct err *err)
{
	char host[32], *name;
	int ret;

	kernel_arch_host(host);
	if (r->arch)
		return kernel_arch_find(arch, NULL, r->arch, err);
	if (r->toolchain || !standard->n) {
		ret = kernel_arch_find(arch, NULL, host, err);
		arch->guessed = true;
		return ret;
	}
	name = xstrndup(standard->v[0], strcspn(standard->v[0], "="));
	ret = kernel_arch_find(arch, NULL, name, err);
	free(name);
	return ret;
}

static int choose_compiler_of_check(struct checking *c, struct err *err)
{
	struct strv standard = { 0 }, none = { 0 };
	struct kernel_compiler_request request = {
		.toolchain = c->r->toolchain,
		.variables = &none,
		.env = environ,
		.standard = &standard,
	};
	struct kernel_arch arch;
	int ret = settings_standard(&standard, err);

	if (!ret)
		ret = find_arch(c->r, &standard, &arch, err);
	if (!ret)
		ret = kernel_compiler_choose(&c->compiler, &arch, &request,
					     err);
	if (!ret && !*c->compiler.path)
		ret = err_set(err, ENOENT, "%s is no compiler of one word",
			      c->compiler.name);
	if (!ret)
		c->name = xasprintf("%s %s", c->compiler.name,
				    c->compiler.version);
	strv_release(&standard);
	return ret;
}

static int pick_checked(struct checking *c, struct err *err)
{
	const struct node_entry **nodes;
	int ret = nodes_select(c->r, &nodes, &c->trial.n, err);

	if (ret) {
		c->trial.n = 0;
		return ret;
	}
	c->trial.nodes = xcalloc(c->trial.n + 1, sizeof(*c->trial.nodes));
	for (size_t i = 0; i < c->trial.n; i++)
		peer_trial_node_init(&c->trial.nodes[i], nodes[i]);
	free(nodes);
	return 0;
}

/* ------------------------------------------------------------ all of it */

static int run_trial(struct checking *c, struct err *err)
{
	struct peer_trial *t = &c->trial;
	char *db = peer_canary_db_path(), *data = fs_data_home();
	struct kernel_rundir rundir;
	int ret = kernel_rundir_make(&rundir, 1, err);

	if (ret)
		goto out;
	t->driver = c->compiler.path;
	t->env = environ;
	t->work = rundir.work;
	t->canary_db = db;
	t->data = data;
	t->cancel = settings_catch_signals();
	t->progress = on_progress;
	t->ctx = c;
	c->live = xcalloc(t->n + 1, sizeof(*c->live));
	c->progress = progress_new();
	for (size_t i = 0; i < t->n; i++)
		progress_add(c->progress, t->nodes[i].entry->name);
	progress_add(c->progress, "burn-in");
	ret = peer_trial_run(t, err);
	progress_free(c->progress);
	kernel_rundir_release(&rundir);
out:
	free(data);
	free(db);
	return ret;
}

static int report_check(const struct checking *c)
{
	struct nodes_check found;
	int status;

	nodes_check_judge(&found, &c->trial, c->name);
	if (c->r->json) {
		table_json(nodes_check_json(&found));
	} else {
		nodes_check_text(stdout, &found);
		nodes_burn_text(stdout, &found);
	}
	status = nodes_check_is_good(&found) && !c->trial.compiler_why ?
			 EXIT_OK :
			 EXIT_USAGE;
	nodes_check_release(&found);
	if (c->trial.cancelled) {
		log_error("nodes check: interrupted; what was not tried is -");
		status = EXIT_INTERRUPTED;
	}
	return status;
}

static void release_checking(struct checking *c)
{
	for (size_t i = 0; i < c->trial.n; i++) {
		peer_trial_node_release(&c->trial.nodes[i]);
		if (c->live)
			free(c->live[i]);
	}
	free(c->live);
	free(c->trial.nodes);
	free(c->trial.compiler_why);
	free(c->name);
	kernel_compiler_release(&c->compiler);
}

int nodes_check_main(struct nodes_request *r)
{
	struct checking c = { .r = r };
	struct err err = { 0 };
	int ret = nodes_load(r, &err), status = EXIT_USAGE;

	if (!ret)
		ret = read_burn_time(&c, &err);
	if (!ret)
		ret = pick_checked(&c, &err);
	if (!ret)
		nodes_note_if_empty(r);
	if (!ret)
		ret = choose_compiler_of_check(&c, &err);
	if (!ret)
		ret = run_trial(&c, &err);
	status = ret ? nodes_failed(r, &err) : report_check(&c);
	release_checking(&c);
	return status;
}
