/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/farm.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/which.h"
#include "coord/coord.h"
#include "events/server.h"
#include "history/record.h"
#include "kernel/capacity.h"
#include "kernel/links.h"
#include "kernel/nodes.h"
#include "node/inventory.h"
#include "node/limits.h"
#include "peer/canary-db.h"
#include "report/html.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* For the first node to come. */
#define READY_MS     1000
#define READY_SSH_MS 3000

void kernel_farm_init(struct kernel_farm *f, const struct node_roster *roster,
		      unsigned asked, struct events_hub *hub)
{
	struct wire_inventory inv = { 0 };
	struct node_limit limit;

	*f = (struct kernel_farm){ .has_nodes = roster->n > 0,
				   .roster = roster,
				   .began_ms = clock_ms(),
				   .hub = hub };
	f->counter = (struct events_consumer){ .told = events_tally_tell,
					       .ctx = &f->tally };
	events_hub_add(hub, &f->counter);
	node_inventory_collect(&inv, "");
	node_limit_local(&limit, &inv, 0);
	f->local_slots = limit.slots;
	/* Without nodes, -j sets the slots of this machine. */
	if (asked && (!roster->n || asked < limit.slots))
		f->local_slots = asked;
	f->capacity = kernel_capacity(NULL, "");
	free(limit.why);
	wire_inventory_release(&inv);
}

int kernel_farm_dirs(struct kernel_farm *f, struct err *err)
{
	return kernel_rundir_make(&f->rundir, f->local_slots, err);
}

/* The CPU time of this process and of all that it waited for. */
static uint64_t our_cpu_ms(void)
{
	static const int whose[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	uint64_t us = 0;

	for (int i = 0; i < 2; i++) {
		struct rusage r;

		getrusage(whose[i], &r);
		us += (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) *
			      1000000 +
		      (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
	}
	return us / 1000;
}

void kernel_farm_tell_figures(const struct kernel_farm *f)
{
	struct events_event ev = events_new(EVENTS_HOST);

	if (f->coord) {
		coord_tell_figures(f->coord);
		ev.scan_ms = (int64_t)coord_scan_us(f->coord) / 1000;
	}
	ev.cpu_ms = (int64_t)our_cpu_ms();
	kernel_shell_tell(&f->shell, f->hub, &ev);
}

static void tell_history_notes(struct kernel_farm *f, struct strv *notes)
{
	struct events_event ev = events_new(EVENTS_NOTE);

	for (size_t i = 0; i < notes->n; i++) {
		ev.text = notes->v[i];
		events_hub_tell(f->hub, &ev);
	}
	strv_add_all(&f->notes, strv_list(notes));
	strv_release(notes);
}

void kernel_farm_tell_build(struct kernel_farm *f, struct events_event *build)
{
	struct strv notes = { 0 };

	f->record = history_record_new(f->hub, &notes);
	tell_history_notes(f, &notes);
	events_hub_tell(f->hub, build);
	if (f->record)
		kernel_estimate_tell(&f->estimate,
				     history_record_history(f->record), build,
				     f->hub);
}

/* Nothing depends on it. */
static void make_report(const struct kernel_farm *f, const char *path,
			struct strv *notes)
{
	struct history *h = history_record_history(f->record);
	int64_t number = history_record_number(f->record);
	struct err err = { 0 };

	if (h && number && report_html_write(h, number, path, &err))
		strv_addf(notes, "no report: %s", err.text);
}

int64_t kernel_farm_tell_done(struct kernel_farm *f, struct events_event *done,
			      const char *report)
{
	struct strv notes = { 0 };
	int64_t number;

	done->remote_n = f->tally.remote;
	done->local = f->tally.local;
	if (f->record)
		history_record_end(f->record, done, &notes);
	if (f->record && report)
		make_report(f, report, &notes);
	tell_history_notes(f, &notes);
	number = history_record_number(f->record);
	if (number)
		done->history = number;
	events_hub_tell(f->hub, done);
	return number;
}

static void on_waiting(void *ctx, unsigned n)
{
	struct kernel_farm *f = ctx;

	f->waiting = n;
	kernel_jobserver_set_waiting(&f->jobserver, n);
}

static void on_steps(void *ctx, bool wanted)
{
	const struct kernel_farm *f = ctx;

	kernel_shell_want_steps(&f->shell, wanted);
}

/* What decides which files a compiler of the build reads and runs. */
static void compiler_env(struct strv *out,
			 const struct kernel_farm_setup *setup)
{
	const char *libraries = setup->env ?
					str_env(setup->env, "LD_LIBRARY_PATH") :
					NULL;

	strv_addf(out, "PATH=%s", setup->path);
	if (libraries)
		strv_addf(out, "LD_LIBRARY_PATH=%s", libraries);
}

/*
 * So toolchains are on their way to nodes before the first compile, and the
 * first question can be remembered.
 */
static void expect_compilers(struct kernel_farm *f,
			     const struct kernel_farm_setup *setup)
{
	static char *const usual[] = { "cc", "gcc", NULL };
	struct strv env = { 0 }, drivers = { 0 };

	compiler_env(&env, setup);
	for (char *const *name = setup->expect ? setup->expect : usual; *name;
	     name++) {
		char *driver = which_compiler(*name, setup->path, f->links);

		if (driver && setup->expect)
			coord_expect(f->coord, driver, env.v);
		if (driver)
			strv_own(&drivers, driver);
	}
	if (!setup->forget_probes)
		kernel_probes_open(&f->probes, strv_list(&drivers), env.v);
	strv_release(&drivers);
	strv_release(&env);
}

/* Tools are copied for the run alone: nothing that lasts may name a copy. */
static int prepare_links(struct kernel_farm *f,
			 const struct kernel_farm_setup *setup,
			 struct strv *skipped, struct err *err)
{
	char *wrapper = kernel_links_wrapper();
	int ret;

	if (!wrapper)
		return err_set(err, ENOENT,
			       "kfarm-cc is neither beside kfarm nor in PATH; "
			       "install kfarm again");
	if (setup->lasting) {
		ret = kernel_links_lasting(&f->links, wrapper, setup->path,
					   skipped, err);
	} else {
		f->links = xstrdup(f->rundir.links);
		ret = kernel_links_make(f->rundir.dir, wrapper, setup->path,
					skipped, err);
		if (!ret)
			ret = kernel_links_tools(f->links, setup->path, err);
	}
	free(wrapper);
	return ret < 0 ? ret : 0;
}

int kernel_farm_open(struct kernel_farm *f,
		     const struct kernel_farm_setup *setup,
		     struct strv *skipped, struct err *err)
{
	struct coord_setup s = {
		.base = setup->base,
		.socket = f->rundir.socket,
		.work = f->rundir.work,
		.roster = f->roster,
		.local_slots = f->local_slots,
		.trees = setup->trees,
		.hub = f->hub,
		.cost_ms = kernel_estimate_cost,
		.cost_ctx = &f->estimate,
		.waiting = on_waiting,
		.waiting_ctx = f,
		.steps = on_steps,
		.steps_ctx = f,
	};
	char *cache = fs_cache_home();
	char *answers = xasprintf("%s/scan", cache);
	char *canary_db = peer_canary_db_path(), *data = fs_data_home();
	int ret;

	s.canary_db = canary_db;
	s.data = data;
	s.cache_dir = answers;
	ret = prepare_links(f, setup, skipped, err);
	if (!ret && setup->shell)
		ret = kernel_shell_open(&f->shell, f->rundir.shell, err);
	kernel_shell_set_roster(&f->shell, f->roster);
	if (!ret)
		ret = coord_new(&f->coord, &s, err);
	if (!ret)
		ret = events_server_new(&f->events, f->hub, setup->base,
					f->rundir.events, err);
	if (!ret) {
		f->nodes = kernel_nodes_new(setup->base, f->coord, f->roster);
		expect_compilers(f, setup);
	}
	free(answers);
	free(cache);
	free(canary_db);
	free(data);
	return ret;
}

void kernel_farm_env(const struct kernel_farm *f, struct strv *out)
{
	strv_addf(out, "KFARM_SOCKET=%s", f->rundir.socket);
	strv_addf(out, "KFARM_LINKS=%s", f->links);
	strv_addf(out, "KFARM_SLOTS=%s", f->rundir.slots);
	if (f->probes.dir)
		strv_addf(out, "KFARM_PROBES=%s", f->probes.dir);
}

static void on_ready(void *ctx)
{
	struct kernel_farm *f = ctx;

	f->ready = true;
}

int kernel_farm_await(struct kernel_farm *f, struct event_base *base,
		      const int *stopped)
{
	unsigned limit_ms = READY_MS;

	for (size_t i = 0; i < f->roster->n; i++) {
		if (f->roster->v[i].address.kind != NODE_TLS)
			limit_ms = READY_SSH_MS;
	}
	coord_when_ready(f->coord, limit_ms, on_ready, f);
	while (!f->ready && !*stopped) {
		if (event_base_loop(base, EVLOOP_ONCE) < 0)
			break;
	}
	return *stopped ? -EINTR : 0;
}

bool kernel_farm_is_busy(const struct kernel_farm *f)
{
	return f->coord && coord_is_busy(f->coord);
}

unsigned kernel_farm_nodes_up(const struct kernel_farm *f)
{
	unsigned up = 0;

	for (size_t i = 0; i < f->tally.n_nodes; i++) {
		const struct events_node *n = f->tally.node[i];

		up += n->slots > 0 && events_node_is_up(n);
	}
	return up;
}

unsigned kernel_farm_local(const struct kernel_farm *f)
{
	return f->coord ? coord_local_slots(f->coord) : f->local_slots;
}

unsigned kernel_farm_jobs(const struct kernel_farm *f, unsigned asked)
{
	unsigned slots = kernel_farm_local(f);

	if (f->coord)
		slots += coord_remote_slots(f->coord);
	return asked ? asked : slots > f->capacity ? f->capacity : slots;
}

int kernel_farm_tokens(struct kernel_farm *f, unsigned asked, struct err *err)
{
	int ret = kernel_jobserver_start(&f->jobserver, f->local_slots,
					 asked ? asked : f->capacity, err);

	if (!ret)
		kernel_jobserver_set_waiting(&f->jobserver, f->waiting);
	return ret;
}

void kernel_farm_offer(const struct kernel_farm *f, struct strv *out,
		       char *const *env)
{
	char *flags;

	if (!f->jobserver.broker)
		return;
	flags = kernel_jobserver_flags(&f->jobserver,
				       str_env(env, "MAKEFLAGS"));
	strv_addf(out, "MAKEFLAGS=%s", flags);
	free(flags);
}

void kernel_farm_close(struct kernel_farm *f)
{
	kernel_jobserver_stop(&f->jobserver);
	kernel_nodes_free(f->nodes);
	f->nodes = NULL;
	coord_free(f->coord);
	f->coord = NULL;
	events_hub_stop(f->hub);
	events_server_free(f->events);
	f->events = NULL;
}

void kernel_farm_release(struct kernel_farm *f)
{
	kernel_rundir_release(&f->rundir);
	history_record_free(f->record);
	f->record = NULL;
	kernel_estimate_release(&f->estimate);
	strv_release(&f->notes);
	if (f->hub)
		events_hub_remove(f->hub, &f->counter);
	events_tally_release(&f->tally);
	kernel_shell_release(&f->shell);
	kernel_probes_release(&f->probes);
	free(f->links);
	f->links = NULL;
}
