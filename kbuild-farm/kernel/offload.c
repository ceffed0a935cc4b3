/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/offload.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/which.h"
#include "cache/cache.h"
#include "cache/remote.h"
#include "compiler/probe-deps.h"
#include "conf/conf.h"
#include "coord/coord.h"
#include "events/server.h"
#include "history/recorder.h"
#include "kernel/capacity.h"
#include "kernel/masquerade.h"
#include "machine/machine.h"
#include "node/limits.h"
#include "peer/canary-db.h"
#include "report/html.h"
#include "shell/stats.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define REQUIRED_WAIT_MS   10000 /* toolchain_wait_ms with nodes_required */
#define UPLOAD_MS          10000 /* maximum wait for uploads after a build */
#define UPLOAD_POLL_MS     100
#define UPLOAD_PROGRESS_MS 2000 /* interval of the messages about uploads */

void kernel_offload_report_estimate(struct kernel_offload_estimate *e,
				    struct history *h,
				    const struct events_event *build,
				    struct events_hub *hub)
{
	struct events_event ev = events_event_make(EVENTS_KIND_ESTIMATE);
	const struct history_costs *c = &e->costs;
	int64_t all = 0, cost = 0, next = 1;
	struct err ignored;

	if (!h || !build->series_key ||
	    history_costs_load(h, build->series_key, build->arch, &e->costs,
			       &ignored) ||
	    !build->from_scratch)
		return;
	for (size_t i = 0; i < c->n_completions; i++)
		all += c->completions[i].cpu_ms;
	if (!c->baseline.number || all < KERNEL_OFFLOAD_CURVE_POINTS)
		return;

	/*
	 * Publish a point of the progress curve each time that another
	 * 1/KERNEL_OFFLOAD_CURVE_POINTS of the total cost `all` is completed.
	 * The last point is the end of the build.
	 */
	ev.make_jobs = c->baseline.n_make_jobs;
	for (size_t i = 0; i < c->n_completions; i++) {
		cost += c->completions[i].cpu_ms;
		if (next == KERNEL_OFFLOAD_CURVE_POINTS)
			break;
		if (cost * KERNEL_OFFLOAD_CURVE_POINTS < all * next)
			continue;
		ev.n_total_jobs = (int64_t)i + 1;
		ev.cost_ms = cost;
		ev.wall_ms = c->completions[i].done_ms;
		events_hub_publish(hub, &ev);
		next = cost * KERNEL_OFFLOAD_CURVE_POINTS / all + 1;
		if (next > KERNEL_OFFLOAD_CURVE_POINTS)
			next = KERNEL_OFFLOAD_CURVE_POINTS;
	}
	e->has_curve = true;
	ev.n_total_jobs = c->baseline.n_jobs;
	ev.cost_ms = all;
	ev.wall_ms = c->baseline.wall_ms;
	events_hub_publish(hub, &ev);
}

int64_t kernel_offload_job_cost_ms(void *estimate, const char *object)
{
	const struct kernel_offload_estimate *e = estimate;
	const struct history_cost *c = e->costs.n_costs ?
					       history_cost_find(&e->costs,
								 object) :
					       NULL;

	return c && c->cpu_ms >= 0 ? c->cpu_ms : EVENTS_UNKNOWN;
}

void kernel_offload_estimate_release(struct kernel_offload_estimate *e)
{
	history_costs_release(&e->costs);
}

/* Runs on the thread of the probe cache. */
static void update_dependency_lists(void *arg)
{
	struct kernel_offload_probes *p = arg;
	struct err err;

	for (size_t i = 0; i < p->drivers.n; i++) {
		if (compiler_probe_deps_update(p->dir, p->drivers.v[i],
					       strv_list(&p->env), &err))
			log_debug("probe results not cached: %s", err.text);
	}
	compiler_probe_deps_update_requested(p->dir);
	compiler_probe_deps_trim(p->dir);
}

void kernel_offload_open_probes(struct kernel_offload_probes *p,
				char *const *drivers, char *const *env)
{
	char *cache = fs_cache_home(), *dir = xasprintf("%s/probes", cache);
	struct err err;

	free(cache);
	if (fs_mkdirs(dir, 0700, &err) || access(dir, W_OK)) {
		free(dir);
		return;
	}
	p->dir = dir;
	strv_add_all(&p->drivers, drivers);
	strv_add_all(&p->env, env);
	p->task = task_start(update_dependency_lists, p);
}

void kernel_offload_release_probes(struct kernel_offload_probes *p)
{
	if (p->task)
		task_join(p->task);
	strv_release(&p->drivers);
	strv_release(&p->env);
	free(p->dir);
	*p = (struct kernel_offload_probes){ 0 };
}

struct kernel_roster_watch {
	struct coord *coord;
	struct event *tick;
	/*
	 * digest of the configuration from which the coordinator's roster was
	 * loaded
	 */
	struct digest applied_digest;
	struct digest last_digest; /* digest one second ago */
};

static void on_configuration_check(evutil_socket_t fd, short what, void *arg)
{
	struct kernel_roster_watch *n = arg;
	struct digest before = n->last_digest;
	struct node_roster roster = { 0 };
	struct conf *conf = NULL;
	struct err err;
	int ret;

	(void)fd;
	(void)what;
	conf_digest_current(&n->last_digest);
	/*
	 * Wait until the files are stable: an editor may write more than once.
	 */
	if (digest_equal(&n->last_digest, &n->applied_digest) ||
	    !digest_equal(&n->last_digest, &before))
		return;
	n->applied_digest = n->last_digest;
	ret = conf_load(&conf, NULL, &err);
	if (!ret)
		ret = node_roster_load(&roster, conf, &err);
	conf_free(conf);
	if (ret) {
		log_warning("%s; continuing with the current nodes", err.text);
		return;
	}
	n->applied_digest = roster.stamp;
	kernel_capacity_limit_roster(&roster);
	coord_update_roster(n->coord, &roster);
}

/*
 * Watch the configuration for changes.  `roster` is the coordinator's initial
 * roster.  Returns NULL if that roster is not from the configuration or if
 * remote execution is disabled.
 */
static struct kernel_roster_watch *watch_roster(
	struct event_base *base, struct coord *coord,
	const struct node_roster *roster)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct kernel_roster_watch *n;

	if (roster->remote_disabled || !digest_is_set(&roster->stamp))
		return NULL;
	n = xcalloc(1, sizeof(*n));
	n->coord = coord;
	n->applied_digest = n->last_digest = roster->stamp;
	n->tick = event_new(base, -1, EV_PERSIST, on_configuration_check, n);
	if (!n->tick || event_add(n->tick, &second))
		str_out_of_memory();
	return n;
}

/* maximum wait for the first node; ssh: and exec: nodes connect more slowly */
#define READY_MS     1000
#define READY_SSH_MS 3000

void kernel_offload_init(struct kernel_offload *f,
			 const struct node_roster *roster, unsigned asked,
			 struct events_hub *hub)
{
	struct wire_inventory inv = { 0 };
	struct node_limit limit;

	*f = (struct kernel_offload){ .has_nodes = node_roster_has_nodes(
					      roster),
				      .roster = roster,
				      .hub = hub };
	f->totals_consumer = (struct events_subscriber){
		.on_event = events_totals_add, .ctx = &f->totals
	};
	events_hub_subscribe(hub, &f->totals_consumer);
	machine_inventory_collect(&inv, "");
	node_limit_local(&limit, &inv, 0);
	f->local_slots = limit.slots;
	/*
	 * With nodes, -j can only reduce the number of local slots.  Without
	 * nodes, it can also increase the number.
	 */
	if (asked && (!f->has_nodes || asked < limit.slots))
		f->local_slots = asked;
	f->job_capacity = kernel_capacity(NULL, "",
					  node_roster_count_files(roster));
	free(limit.reason);
	wire_inventory_release(&inv);
}

int kernel_offload_make_dirs(struct kernel_offload *f, struct err *err)
{
	int ret = kernel_capacity_check_files(err);

	return ret ? ret :
		     kernel_rundir_create(&f->rundir, f->local_slots, err);
}

/* Return the CPU time that this process and its children have used, in us. */
static uint64_t used_cpu_us(void)
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
	return us;
}

void kernel_offload_exclude_used_cpu(struct kernel_offload *f)
{
	f->excluded_cpu_us = used_cpu_us();
}

void kernel_offload_report_load(const struct kernel_offload *f)
{
	struct events_event ev = events_event_make(EVENTS_KIND_HOST);

	if (f->coord) {
		coord_report_unanswered_jobs(f->coord);
		coord_report_final_loads(f->coord);
		ev.scan_ms = (int64_t)coord_scan_us(f->coord) / 1000;
	}
	ev.cpu_ms = (int64_t)((used_cpu_us() - f->excluded_cpu_us) / 1000);
	kernel_shell_report(&f->shell, f->hub, &ev);
}

static void report_notes(struct kernel_offload *f, struct strv *notes)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NOTE);

	for (size_t i = 0; i < notes->n; i++) {
		ev.text = notes->v[i];
		events_hub_publish(f->hub, &ev);
	}
	strv_add_all(&f->notes, strv_list(notes));
	strv_release(notes);
}

void kernel_offload_report_start(struct kernel_offload *f,
				 struct events_event *build)
{
	struct strv notes = { 0 };

	f->history_record = history_recorder_new(f->hub, &notes);
	report_notes(f, &notes);
	events_hub_publish(f->hub, build);
	/* Without nodes, an incremental build needs no costs and no curve. */
	if (f->history_record && (build->from_scratch || f->has_nodes))
		kernel_offload_report_estimate(
			&f->estimate, history_recorder_db(f->history_record),
			build, f->hub);
	if (f->estimate.has_curve && f->coord)
		coord_expect_units(f->coord, f->estimate.costs.baseline.n_jobs);
}

void kernel_offload_report_end(struct kernel_offload *f,
			       struct events_event *done, const char *report)
{
	struct strv notes = { 0 };
	struct err err = { 0 };
	struct history *h;
	int64_t number;

	events_totals_fill_jobs(&f->totals, done);
	if (f->history_record)
		history_recorder_finish(f->history_record, done, &notes);
	if (f->history_record && report) {
		h = history_recorder_db(f->history_record);
		number = history_recorder_build_number(f->history_record);
		if (h && number && report_html_write(h, number, report, &err))
			strv_addf(&notes, "report not written: %s", err.text);
	}
	report_notes(f, &notes);
	number = history_recorder_build_number(f->history_record);
	if (number)
		done->history_id = number;
	events_hub_publish(f->hub, done);
}

static void on_waiting_changed(void *ctx, unsigned n)
{
	struct kernel_offload *f = ctx;

	f->n_waiting = n;
	kernel_jobserver_set_waiting(&f->jobserver, n);
}

static void on_tool_steps_changed(void *ctx, unsigned wanted, unsigned disabled)
{
	const struct kernel_offload *f = ctx;

	kernel_shell_set_tool_steps(&f->shell, wanted, disabled);
}

/*
 * Announce the compilers, so that nodes get the toolchains before the first
 * compile, and open the probe cache before the first probe.
 */
static void expect_compilers(struct kernel_offload *f,
			     const struct kernel_offload_setup *setup)
{
	static char *const usual[] = { "cc", "gcc", NULL };
	char *const *name = setup->expected_compilers;
	const char *libraries = setup->env ? str_find_env(setup->env,
							  "LD_LIBRARY_PATH") :
					     NULL;
	struct strv env = { 0 }, drivers = { 0 };

	/* These variables determine which files a compiler reads and runs. */
	strv_addf(&env, "PATH=%s", setup->path);
	if (libraries)
		strv_addf(&env, "LD_LIBRARY_PATH=%s", libraries);
	for (name = name ? name : usual; *name; name++) {
		char *driver = which_compiler(*name, setup->path,
					      f->masquerade_dir);

		if (driver && setup->expected_compilers)
			coord_announce_compiler(f->coord, driver, env.v);
		if (driver)
			strv_own(&drivers, driver);
	}
	if (!setup->no_probe_cache)
		kernel_offload_open_probes(&f->probes, strv_list(&drivers),
					   env.v);
	strv_release(&drivers);
	strv_release(&env);
}

/*
 * Create the masquerade directory.  A permanent directory gets no copies of
 * binutils: build systems would record the paths of the copies, which are
 * removed at the end of the run.
 */
static int prepare_masquerade(struct kernel_offload *f,
			      const struct kernel_offload_setup *setup,
			      struct strv *skipped, struct err *err)
{
	char *wrapper = kernel_masquerade_find_wrapper();
	struct err full;
	int ret;

	if (!wrapper)
		return err_set(err, ENOENT,
			       "kfarm-cc: not found next to kfarm or in PATH; "
			       "reinstall kfarm");
	if (setup->permanent) {
		ret = kernel_masquerade_make_permanent(
			&f->masquerade_dir, wrapper, setup->path, skipped, err);
	} else {
		f->masquerade_dir = xstrdup(f->rundir.masquerade);
		ret = kernel_masquerade_make(f->rundir.dir, wrapper,
					     setup->path, skipped, err);
		if (!ret)
			ret = kernel_masquerade_copy_tools(f->masquerade_dir,
							   setup->path, err);
		if (ret == -ENOSPC || ret == -EDQUOT) {
			full = *err;
			err_set(err, -ret,
				"runtime directory: %s; free some space or set "
				"XDG_RUNTIME_DIR to another directory",
				full.text);
		}
	}
	free(wrapper);
	return ret;
}

/* Open the result cache.  The build continues without it after an error. */
static void open_cache(struct kernel_offload *f,
		       const struct cache_setup *setup)
{
	struct strv notes = { 0 };
	struct err err;

	if (cache_open(&f->cache, setup, &err))
		strv_addf(&notes, "the result cache is not used: %s", err.text);
	else if (setup->remote.url &&
		 cache_remote_open(&f->remote_cache, f->cache, setup, &err))
		strv_addf(&notes, "the remote result cache is not used: %s",
			  err.text);
	report_notes(f, &notes);
}

/*
 * Called when the build calls a compiler through ccache or a similar program,
 * which kfarm replaces.
 */
static void on_launcher(void *ctx)
{
	struct kernel_offload *f = ctx;
	struct strv notes = { 0 };

	if (f->launched)
		return;
	f->launched = true;
	strv_addf(&notes,
		  "ccache and similar launchers are skipped; the result cache "
		  "%s",
		  f->cache ? "replaces them" : "is disabled");
	report_notes(f, &notes);
}

int kernel_offload_open(struct kernel_offload *f,
			const struct kernel_offload_setup *setup,
			struct strv *skipped, struct err *err)
{
	struct coord_setup s = {
		.base = setup->base,
		.socket_path = f->rundir.socket,
		.work_dir = f->rundir.work,
		.roster = f->roster,
		.local_slots = f->local_slots,
		.connects_on_demand = setup->connects_on_demand,
		.toolchain_wait_ms = setup->nodes_required ? REQUIRED_WAIT_MS :
							     0,
		/*
		 * A cached result counts as a result of a node.  If a build
		 * fails because too few of its jobs ran on nodes, the results
		 * of its local compiles must not be in the cache.  Otherwise,
		 * the build would succeed when it is repeated.
		 */
		.caches_only_remote = setup->nodes_required,
		.trees = setup->tree_dirs,
		.hub = f->hub,
		.cost_ms = kernel_offload_job_cost_ms,
		.cost_ctx = &f->estimate,
		.on_waiting_changed = on_waiting_changed,
		.waiting_ctx = f,
		.on_steps_changed = on_tool_steps_changed,
		.steps_ctx = f,
		.on_object = setup->on_object,
		.object_ctx = setup->object_ctx,
		.on_launcher = on_launcher,
		.launcher_ctx = f,
	};
	char *cache = fs_cache_home();
	char *scan_dir = xasprintf("%s/scan", cache);
	char *canary_db = peer_canary_db_path(), *data = fs_data_home();
	int ret;

	kernel_jobserver_reserve(&f->jobserver);
	f->connects_on_demand = setup->connects_on_demand;
	s.canary_db = canary_db;
	s.data_dir = data;
	s.cache_dir = scan_dir;
	ret = prepare_masquerade(f, setup, skipped, err);
	if (!ret && setup->shell_enabled)
		ret = kernel_shell_open(&f->shell, f->rundir.shell, err);
	kernel_shell_set_roster(&f->shell, f->roster);
	if (!ret && setup->cache)
		open_cache(f, setup->cache);
	if (!ret && setup->launched)
		on_launcher(f);
	s.cache = f->cache;
	s.remote_cache = f->remote_cache;
	if (!ret)
		ret = coord_new(&f->coord, &s, err);
	if (!ret)
		ret = events_server_new(&f->server, f->hub, setup->base,
					f->rundir.events, err);
	if (!ret) {
		f->roster_watch = watch_roster(setup->base, f->coord,
					       f->roster);
		expect_compilers(f, setup);
	}
	free(scan_dir);
	free(cache);
	free(canary_db);
	free(data);
	return ret;
}

void kernel_offload_add_env(const struct kernel_offload *f, struct strv *out)
{
	strv_addf(out, "KFARM_SOCKET=%s", f->rundir.socket);
	strv_addf(out, "KFARM_LINKS=%s", f->masquerade_dir);
	strv_addf(out, "KFARM_SLOTS=%s", f->rundir.slots);
	if (f->probes.dir)
		strv_addf(out, "KFARM_PROBES=%s", f->probes.dir);
	/*
	 * A ccache that is called by its path is not masqueraded.  With this
	 * variable, it runs the compiler and does not use its own cache.
	 */
	if (f->launched)
		strv_add(out, "CCACHE_DISABLE=1");
}

static void on_ready(void *ctx)
{
	struct kernel_offload *f = ctx;

	f->nodes_settled = true;
}

int kernel_offload_wait_nodes(struct kernel_offload *f, struct event_base *base,
			      const int *stopped)
{
	unsigned limit_ms = READY_MS;

	for (size_t i = 0; i < f->roster->n; i++) {
		if (f->roster->v[i].address.kind != NODE_ADDRESS_TLS)
			limit_ms = READY_SSH_MS;
	}
	coord_when_ready(f->coord, limit_ms, on_ready, f);
	while (!f->nodes_settled && !*stopped) {
		if (event_base_loop(base, EVLOOP_ONCE) < 0)
			break;
	}
	return *stopped ? -EINTR : 0;
}

unsigned kernel_offload_nodes_up(const struct kernel_offload *f)
{
	unsigned up = 0;

	for (size_t i = 0; i < f->totals.n_nodes; i++) {
		const struct events_node *n = f->totals.nodes[i];

		up += n->n_slots > 0 && events_node_is_up(n);
	}
	return up;
}

unsigned kernel_offload_local_slots(const struct kernel_offload *f)
{
	return f->coord ? coord_local_slots(f->coord) : f->local_slots;
}

unsigned kernel_offload_job_limit(const struct kernel_offload *f,
				  unsigned asked)
{
	unsigned slots = kernel_offload_local_slots(f);

	if (f->coord)
		slots += coord_remote_slots(f->coord);
	return asked                   ? asked :
	       slots > f->job_capacity ? f->job_capacity :
					 slots;
}

int kernel_offload_start_jobserver(struct kernel_offload *f, unsigned asked,
				   unsigned make_release, struct err *err)
{
	int ret = kernel_jobserver_start(&f->jobserver, f->local_slots,
					 asked ? asked : f->job_capacity, err);

	if (!ret)
		kernel_jobserver_set_waiting(&f->jobserver, f->n_waiting);
	if (!ret && f->shell.dir &&
	    make_release >= KERNEL_JOBSERVER_FIFO_RELEASE)
		shell_stats_set_jobserver(f->shell.dir, f->jobserver.make_fds);
	return ret;
}

void kernel_offload_add_makeflags(const struct kernel_offload *f,
				  struct strv *out, char *const *env)
{
	char *flags;

	if (!f->jobserver.broker_pid)
		return;
	flags = kernel_jobserver_makeflags(&f->jobserver,
					   str_find_env(env, "MAKEFLAGS"));
	strv_addf(out, "MAKEFLAGS=%s", flags);
	free(flags);
}

/*
 * Wait a limited time for the uploads, log the progress and any problem, and
 * close the remote result cache.
 */
static void close_remote_cache(struct kernel_offload *f,
			       struct event_base *base, const int *stopped)
{
	uint64_t start_ms = clock_ms(), took_ms = 0;
	struct cache_remote_stats s;
	unsigned n, n_shown = 0;

	if (!f->remote_cache)
		return;
	while ((n = cache_remote_wait(f->remote_cache, UPLOAD_POLL_MS)) &&
	       !*stopped && took_ms < UPLOAD_MS) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		took_ms = clock_ms() - start_ms;
		if (took_ms < (n_shown + 1) * UPLOAD_PROGRESS_MS)
			continue;
		n_shown++;
		log_info("uploading %u result%s to the remote cache; Ctrl-C "
			 "cancels the upload",
			 n, format_plural(n));
	}
	cache_remote_stats(f->remote_cache, &s);
	if (n)
		log_warning("%u result%s not uploaded", n,
			    n == 1 ? " was" : "s were");
	if (s.trusts_only_own && s.n_misses && !s.n_hits)
		log_warning(
			"no remote result was used, because only results "
			"signed with this user's key are trusted; set `trust = "
			"FINGERPRINT` in [cache] to trust other keys");
	log_debug("remote result cache: %u hits, %u misses, %u failures, "
		  "%u uploads",
		  s.n_hits, s.n_misses, s.n_failed, s.n_uploaded);
	cache_remote_free(f->remote_cache);
	f->remote_cache = NULL;
}

void kernel_offload_close(struct kernel_offload *f, struct event_base *base,
			  const int *stopped)
{
	kernel_jobserver_stop(&f->jobserver);
	if (f->roster_watch)
		event_free(f->roster_watch->tick);
	free(f->roster_watch);
	f->roster_watch = NULL;
	coord_free(f->coord);
	f->coord = NULL;
	close_remote_cache(f, base, stopped);
	cache_free(f->cache);
	f->cache = NULL;
	events_hub_stop(f->hub);
	events_server_free(f->server);
	f->server = NULL;
}

void kernel_offload_release(struct kernel_offload *f)
{
	kernel_rundir_release(&f->rundir);
	history_recorder_free(f->history_record);
	f->history_record = NULL;
	kernel_offload_estimate_release(&f->estimate);
	strv_release(&f->notes);
	if (f->hub)
		events_hub_unsubscribe(f->hub, &f->totals_consumer);
	events_totals_release(&f->totals);
	kernel_shell_release(&f->shell);
	kernel_offload_release_probes(&f->probes);
	free(f->masquerade_dir);
	f->masquerade_dir = NULL;
}
