/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/vec.h"
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/table.h"
#include "node/limits.h"
#include "report/html.h"
#include "sim/farm.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A simulated build. */
struct simulated_build {
	const char *policy;
	bool history; /* the costs of the jobs are known */
	uint64_t makespan_ms;
	unsigned efficiency_milli;
	int64_t idle_ms[SIM_IDLE_N]; /* core-milliseconds by cause */
};

/*
 * number of simulated builds: two with kfarm's dispatcher (without and with
 * history), and one with each other scheduler (without history)
 */
#define N_BUILDS (SIM_N_POLICIES + 1)

/* Size of the farm and of its jobs, and the lower bound of the makespan. */
struct farm_figures {
	unsigned n_nodes, n_cores, n_local_slots, n_jobs;
	uint64_t cpu_ms, bound_ms, critical_ms, capacity_ms, host_ms;
};

static const struct record_member farm_members[] = {
	{ RECORD_VALUE("nodes", farm_figures, n_nodes) },
	{ RECORD_VALUE("cores", farm_figures, n_cores) },
	{ RECORD_VALUE("local_slots", farm_figures, n_local_slots) },
	{ RECORD_VALUE("jobs", farm_figures, n_jobs) },
	{ RECORD_MILLI("cpu", farm_figures, cpu_ms) },
	{ RECORD_MILLI("bound", farm_figures, bound_ms) },
	{ RECORD_MILLI("critical_path", farm_figures, critical_ms) },
	{ RECORD_MILLI("capacity", farm_figures, capacity_ms) },
	{ RECORD_MILLI("host", farm_figures, host_ms) },
};
const struct record simulated_farm_record = RECORD(farm_figures, farm_members);

static char *format_policy(const void *build)
{
	const struct simulated_build *b = build;

	return xasprintf("%s%s", b->policy, b->history ? ", history" : "");
}

static char *format_efficiency(int64_t milli)
{
	return xasprintf("%lld.%lld %%", (long long)milli / 10,
			 (long long)milli % 10);
}

#define IDLE(n, name, key, cause)                           \
	RECORD_MILLI(key, simulated_build, idle_ms[cause]), \
		.decimals = 1, RECORD_COLUMN_RIGHT(n, name)

static const struct record_member idle_members[] = {
	{ IDLE(4, "SERIAL", "idle_serial", SIM_IDLE_SERIAL) },
	{ IDLE(5, "TAIL", "idle_tail", SIM_IDLE_TAIL) },
	{ IDLE(6, "HOST", "idle_host", SIM_IDLE_HOST) },
	{ IDLE(7, "TRANSFER", "idle_transfer", SIM_IDLE_TRANSFER) },
	{ IDLE(8, "POLICY", "idle_policy", SIM_IDLE_POLICY) },
};
static const struct record idle_record = RECORD(simulated_build, idle_members);

static const struct record_member build_members[] = {
	{ RECORD_VALUE("scheduler", simulated_build, policy),
	  RECORD_COLUMN(1, "SCHEDULER"), .format = format_policy },
	{ RECORD_VALUE("history", simulated_build, history) },
	{ RECORD_MILLI("seconds", simulated_build, makespan_ms), .decimals = 1,
	  RECORD_COLUMN_RIGHT(2, "SECONDS") },
	{ RECORD_MILLI("efficiency", simulated_build, efficiency_milli),
	  RECORD_COLUMN_RIGHT(3, "EFFICIENCY"),
	  .format_number = format_efficiency },
	{ .kind = RECORD_IS_PART, .of = &idle_record },
};
const struct record simulated_build_record = RECORD(simulated_build,
						    build_members);

static unsigned count_cores(const struct sim_node_setup *n)
{
	unsigned cores = 0;

	for (unsigned i = 0; i < n->n_classes; i++)
		cores += n->classes[i].n_cores;
	return cores;
}

/* If the file does not set the local slots, choose them as kfarm would. */
static void set_local_slots(struct sim_farm *f)
{
	unsigned host_cores = f->setup.n_host_cores, counted = 0;

	if (f->setup.n_local_slots)
		return;
	for (size_t i = 0; i < f->setup.n_nodes; i++)
		counted += node_limit_counted_cores(host_cores,
						    count_cores(&f->nodes[i]));
	f->setup.n_local_slots = node_limit_local_slots(host_cores, counted);
}

/* Read a recorded build with its units. */
static int read_recorded_build(const char *word, struct history_build *b,
			       struct history_details *d, struct err *err)
{
	struct history *h = NULL;
	long number = 0;
	int ret;

	if (strcmp(word, "latest") != 0 &&
	    str_parse_number(word, 1, LONG_MAX, &number))
		return err_set(err, EINVAL,
			       "invalid build \"%s\": expected \"latest\" or a "
			       "number that `kfarm history` lists",
			       word);
	ret = history_db_open(&h, err);
	if (ret == -ENOENT)
		err_set(err, ENOENT, "the history has no builds yet");
	if (!ret)
		ret = history_build_find(h, number, b, err);
	if (!ret)
		ret = history_read_units(h, b->number, d, err);
	history_db_close(h);
	return ret;
}

static int run_policy(const struct sim_farm *f, enum sim_policy policy,
		      bool history, struct sim_result *out, struct err *err)
{
	struct sim_setup setup = f->setup;
	struct sim_job_setup *jobs;
	int ret;

	setup.policy = policy;
	jobs = xcalloc(setup.n_jobs, sizeof(*jobs));
	memcpy(jobs, f->jobs, setup.n_jobs * sizeof(*jobs));
	for (size_t i = 0; !history && i < setup.n_jobs; i++)
		jobs[i].predicted_ms = 0;
	setup.jobs = jobs;
	ret = sim_run_build(&setup, out);
	free(jobs);
	return ret ? err_set(err, EDEADLK,
			     "with the scheduler \"%s\", the simulated build "
			     "does not end; set `returns` for a node, or "
			     "remove "
			     "`dies`",
			     sim_policy_name(policy)) :
		     0;
}

/* Simulate kfarm without and with history, and then the other schedulers. */
static int run_all(const struct sim_farm *f, struct simulated_build *builds,
		   struct sim_result *with_history, struct err *err)
{
	for (unsigned i = 0; i < N_BUILDS; i++) {
		enum sim_policy policy = i ? (enum sim_policy)(i - 1) :
					     SIM_KFARM;
		struct simulated_build *b = &builds[i];
		struct sim_result result;
		bool history = i == 1;
		int ret = run_policy(f, policy, history, &result, err);

		b->policy = sim_policy_name(policy);
		b->history = history;
		b->makespan_ms = result.makespan_ms;
		if (result.makespan_ms)
			b->efficiency_milli = (unsigned)(result.bound_ms *
							 1000 /
							 result.makespan_ms);
		for (unsigned k = 0; k < SIM_IDLE_N; k++)
			b->idle_ms[k] = (int64_t)result.idle_core_ms[k];
		if (history)
			*with_history = result;
		else
			sim_result_release(&result);
		if (ret)
			return ret;
	}
	return 0;
}

static json_t *simulation_json(const struct farm_figures *f,
			       const struct simulated_build *builds)
{
	return json_pack("{s:o, s:o}", "farm",
			 record_to_json(&simulated_farm_record, f), "builds",
			 record_array_to_json(&simulated_build_record, builds,
					      N_BUILDS));
}

static void print_simulation(const struct farm_figures *f,
			     const struct simulated_build *builds)
{
	struct table t = { 0 };

	printf("farm: %u node%s with %u core%s, and %u local slot%s\n"
	       "jobs: %u, %.1f s of CPU time on a core of speed 1\n"
	       "lower bound: %.1f s (critical path %.1f s, work / capacity "
	       "%.1f s, build host %.1f s)\n\n",
	       f->n_nodes, format_plural(f->n_nodes), f->n_cores,
	       format_plural(f->n_cores), f->n_local_slots,
	       format_plural(f->n_local_slots), f->n_jobs,
	       (double)f->cpu_ms / 1000, (double)f->bound_ms / 1000,
	       (double)f->critical_ms / 1000, (double)f->capacity_ms / 1000,
	       (double)f->host_ms / 1000);
	for (unsigned i = 0; i < N_BUILDS; i++)
		table_add_record(&t, &simulated_build_record, &builds[i]);
	table_print(stdout, &t);
}

static void set_figures(struct farm_figures *out, const struct sim_farm *f,
			const struct sim_result *r)
{
	*out = (struct farm_figures){
		.n_nodes = (unsigned)f->setup.n_nodes,
		.n_local_slots = f->setup.n_local_slots,
		.n_jobs = (unsigned)f->setup.n_jobs,
		.bound_ms = r->bound_ms,
		.critical_ms = r->critical_ms,
		.capacity_ms = r->capacity_ms,
		.host_ms = r->host_ms,
	};
	for (size_t i = 0; i < f->setup.n_nodes; i++)
		out->n_cores += count_cores(&f->nodes[i]);
	for (size_t i = 0; i < f->setup.n_jobs; i++)
		out->cpu_ms += f->jobs[i].cost_ms;
}

/* ---- the chart ---- */

/* Add each core class of a simulated node to the chart, as a node. */
static void add_classes(struct history_details *d,
			const struct sim_node_setup *n)
{
	for (unsigned i = 0; i < n->n_classes; i++) {
		struct history_node *to = VEC_ADD(d->nodes, d->n_nodes);

		to->n_slots = n->classes[i].n_cores;
		to->name = n->n_classes == 1 ?
				   xstrdup(n->name) :
				   xasprintf("%s x %.3g", n->name,
					     1 / n->classes[i].slowness);
	}
}

/* Return the chart index of the core class on which `r` ran. */
static int64_t find_class(const struct sim_farm *f, const struct sim_run *r)
{
	const struct sim_node_setup *n = &f->nodes[r->node];
	unsigned core = r->core, class = 0;
	int64_t index = 0;

	for (uint32_t i = 0; i < r->node; i++)
		index += f->nodes[i].n_classes;
	for (; core >= n->classes[class].n_cores; class ++)
		core -= n->classes[class].n_cores;
	return index + class;
}

static void add_run(struct history_details *d, const struct sim_farm *f,
		    const struct sim_run *r)
{
	const char *name = f->jobs[r->job].name;
	bool remote = r->node != SIM_LOCAL;

	/*
	 * If a remote run returned no result, draw it like a job that only
	 * waited on the node.
	 */
	*VEC_ADD(d->units, d->n_units) = (struct history_unit){
		.object = name ? xstrdup(name) : xasprintf("job %u", r->job),
		.node_index = remote ? find_class(f, r) : -1,
		.reason_index = -1,
		.sent_ms = (int64_t)r->began_ms,
		.run_ms = (int64_t)(remote && !r->completed ? r->ended_ms :
							      r->began_ms),
		.received_ms = (int64_t)r->ended_ms,
		.done_ms = (int64_t)r->ended_ms,
		.cpu_ms = -1,
		.remote = remote,
	};
}

static int write_chart(const struct sim_farm *f, const struct sim_result *r,
		       const char *path, struct err *err)
{
	struct report_data d = { .build.wall_ms = (int64_t)r->makespan_ms };
	struct buf svg = { 0 };
	int ret;

	for (size_t i = 0; i < f->setup.n_nodes; i++)
		add_classes(&d.details, &f->nodes[i]);
	for (size_t i = 0; i < r->n_runs; i++)
		add_run(&d.details, f, &r->runs[i]);
	report_timeline_svg(&svg, &d);
	ret = fs_write_follow(path, buf_bytes(&svg), err);
	buf_release(&svg);
	report_data_release(&d);
	return ret;
}

int nodes_simulate_main(const struct nodes_request *r)
{
	struct simulated_build builds[N_BUILDS] = { 0 };
	struct history_details details = { 0 };
	struct history_build build = { 0 };
	struct sim_result result = { 0 };
	struct farm_figures figures;
	struct sim_farm farm;
	struct err err = { 0 };
	const char *word;
	int ret = sim_farm_read(&farm, r->farm_file, &err);

	if (ret)
		goto out;
	word = r->build ? r->build : farm.definition.build;
	if (word) {
		ret = read_recorded_build(word, &build, &details, &err);
		if (!ret)
			ret = sim_farm_set_build(&farm, &build, &details, &err);
	} else {
		ret = sim_farm_generate_jobs(&farm, &err);
		if (ret)
			err_wrap(&err, "%s", r->farm_file);
	}
	if (ret)
		goto out;
	set_local_slots(&farm);
	ret = run_all(&farm, builds, &result, &err);
	if (ret)
		goto out;
	if (r->gantt_file)
		ret = write_chart(&farm, &result, r->gantt_file, &err);
	if (ret)
		goto out;
	set_figures(&figures, &farm, &result);
	if (r->json)
		table_print_json(simulation_json(&figures, builds));
	else
		print_simulation(&figures, builds);
out:
	sim_result_release(&result);
	sim_farm_release(&farm);
	history_details_release(&details);
	history_build_release(&build);
	return ret ? nodes_log_error(r, &err) : EXIT_OK;
}
