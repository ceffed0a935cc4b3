/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/settings.h"
#include "cli/toolchain-nodes.h"
#include "cli/toolchain.h"

#include "base/log.h"
#include "base/str.h"
#include "coord/coord.h"
#include "kernel/rundir.h"
#include "peer/canary-db.h"
#include "peer/tune.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 200

/* One compiler, timed on all nodes. */
struct tuning {
	const struct toolchain_request *r;
	const struct toolchain_installed *t;
	struct node_roster roster; /* entries borrowed */
	struct peer_tune tune;
	struct event_base *base;
	struct kernel_rundir rundir;
	struct coord *coord;
};

static void on_done(void *ctx)
{
	struct tuning *u = ctx;

	event_base_loopbreak(u->base);
}

/* SIGINT only sets a flag: look at it now and then. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct tuning *u = arg;

	(void)fd;
	(void)what;
	if (settings_interrupted())
		event_base_loopbreak(u->base);
}

static int pick_nodes(struct tuning *u, struct err *err)
{
	const char *which = u->r->nodes ? u->r->nodes : "all";
	int ret = toolchain_nodes_pick(&u->roster, &u->r->roster, which, err);

	u->tune.nodes = xcalloc(u->roster.n + 1, sizeof(*u->tune.nodes));
	for (size_t i = 0; i < u->roster.n; i++)
		u->tune.nodes[u->tune.n++].node = u->roster.v[i].name;
	return ret;
}

/* Talk to the nodes until each was tried, or the user interrupts. */
static int run_tuning(struct tuning *u, const char *driver, struct err *err)
{
	static const struct timeval often = { .tv_usec = TICK_MS * 1000 };
	char *canary_db = peer_canary_db_path();
	struct coord_setup setup = {
		.base = u->base,
		.socket = u->rundir.socket,
		.work = u->rundir.work,
		.roster = &u->roster,
		.local_slots = 1,
		.canary_db = canary_db,
		.tune = &u->tune,
	};
	struct event *tick = event_new(u->base, -1, EV_PERSIST, on_tick, u);
	int ret = coord_new(&u->coord, &setup, err);

	if (!tick || event_add(tick, &often))
		str_out_of_memory();
	if (!ret) {
		coord_expect(u->coord, driver, environ);
		event_base_dispatch(u->base);
		coord_free(u->coord);
	}
	event_free(tick);
	free(canary_db);
	return ret;
}

static void show_try(const struct peer_tune_node *n,
		     const struct peer_tune_try *t)
{
	const char *name = *t->id ? t->id : "what ships with the build";

	if (t->tried && t->is == PEER_CANARY_PASSED)
		printf("  %-50s %6u ms%s\n", name, t->cpu_ms,
		       t == n->best ? "  used from now on" : "");
	else if (t->tried && t->is == PEER_CANARY_FAILED)
		printf("  %-50s canary failed: %s\n", name, t->detail);
	else
		printf("  %-50s %s\n", name,
		       t->detail ? t->detail : "not tried");
}

/* True when something was found that can be used. */
static bool show_node(const struct peer_tune_node *n)
{
	printf("node %s:\n", n->node);
	for (size_t i = 0; i < n->n; i++)
		show_try(n, &n->v[i]);
	if (n->why)
		log_error("node %s: %s", n->node, n->why);
	else if (!n->n)
		log_error("node %s holds no build of this compiler and does "
			  "not run ours; `kfarm toolchain install ... --nodes "
			  "%s`",
			  n->node, n->node);
	return n->best != NULL;
}

static int tune_one(const struct toolchain_request *r,
		    const struct toolchain_installed *t, struct err *err)
{
	struct tuning u = { .r = r, .t = t };
	char *driver = toolchain_installed_driver(t);
	int ret = pick_nodes(&u, err), status = EXIT_OK;

	u.tune.done = on_done;
	u.tune.ctx = &u;
	u.base = event_base_new();
	if (!ret && !u.base)
		ret = err_set(err, ENOMEM, "no event loop");
	if (!ret)
		ret = kernel_rundir_make(&u.rundir, 1, err);
	if (!ret) {
		log_info("%s: each node compiles the canary %d times with each "
			 "build",
			 t->id, PEER_TUNE_ROUNDS);
		ret = run_tuning(&u, driver, err);
		kernel_rundir_release(&u.rundir);
	}
	if (!ret && settings_interrupted())
		ret = err_set(err, ECANCELED, "interrupted");
	for (size_t i = 0; !ret && i < u.tune.n; i++) {
		if (!show_node(&u.tune.nodes[i]))
			status = EXIT_USAGE;
	}
	peer_tune_release(&u.tune);
	if (u.base)
		event_base_free(u.base);
	free(u.roster.v);
	free(driver);
	return ret ? ret : status;
}

/* Toolchains for this machine: nodes must compile as they do. */
static bool runs_on_this_machine(const struct toolchain_installed *t)
{
	return !strcmp(t->host, toolchain_here());
}

static int tune_all(struct toolchain_request *r,
		    const struct toolchain_installed_list *list,
		    struct err *err)
{
	int status = EXIT_OK;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct toolchain_installed *t = &list->v[i];
		bool named = !r->words.n || strv_has(&r->words, t->id) ||
			     strv_has(&r->words, t->release);
		int ret;

		if (!named || !runs_on_this_machine(t))
			continue;
		n++;
		ret = tune_one(r, t, err);
		if (ret < 0)
			return ret;
		status = ret ? ret : status;
	}
	if (!n)
		return err_set(err, ENOENT,
			       "nothing like that is installed here for this "
			       "machine; `kfarm toolchain list`");
	return status;
}

int toolchain_tune_main(struct toolchain_request *r)
{
	struct toolchain_installed_list list = { 0 };
	struct err err = { 0 };
	int ret = toolchain_settings_installed(r, &list, &err);

	if (!ret)
		ret = tune_all(r, &list, &err);
	toolchain_installed_list_release(&list);
	return ret < 0 ? toolchain_failed(r, ret, &err) : ret;
}
