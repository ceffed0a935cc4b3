/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/metrics.h"

#include "base/bytes.h"
#include "base/metrics.h"
#include "base/replace.h"
#include "base/vec.h"
#include "events/event.h"
#include "history/read.h"
#include "nightly/build-matrix.h"
#include "nightly/notify.h"
#include "nightly/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	RESULT,
	END,
	DURATION,
	ERRORS,
	WARNINGS,
	NEW_WARNINGS,
	JOBS,
	LOCAL_JOBS,
	RETRIED_JOBS,
	DUPLICATED_JOBS,
	HOST_CPU,
	COMPILE_CPU,
	NODE_JOBS,
	NODE_FAILURES,
	NODE_CPU,
	NODE_CLOCK,
	NODE_TEMPERATURE,

	N_METRICS,
};

/* All metrics are gauges: a newer result replaces the values. */
static const struct {
	const char *name, *help;
} metrics[N_METRICS] = {
	[RESULT] = { "kfarm_nightly_result",
		     "1 for the result of the build, 0 for the others: PASS, "
		     "WARN (new warnings), FAIL, ERROR (not built)." },
	[END] = { "kfarm_nightly_end_timestamp_seconds",
		  "End of the build in seconds since 1970." },
	[DURATION] = { "kfarm_nightly_duration_seconds",
		       "Duration of the build." },
	[ERRORS] = { "kfarm_nightly_errors", "Errors in the log." },
	[WARNINGS] = { "kfarm_nightly_warnings", "Warnings in the log." },
	[NEW_WARNINGS] = { "kfarm_nightly_new_warnings",
			   "Warnings that the baseline does not have." },
	[JOBS] = { "kfarm_nightly_jobs",
		   "Jobs by place: local, remote (on nodes), cache, "
		   "cache_server." },
	[LOCAL_JOBS] = { "kfarm_nightly_local_jobs",
			 "Jobs on the build host by reason." },
	[RETRIED_JOBS] = { "kfarm_nightly_retried_jobs",
			   "Repeated executions of jobs after a node failed "
			   "or an input changed." },
	[DUPLICATED_JOBS] = { "kfarm_nightly_duplicated_jobs",
			      "Jobs that were executed twice." },
	[HOST_CPU] = { "kfarm_nightly_host_cpu_seconds",
		       "CPU time of the build on the build host." },
	[COMPILE_CPU] = { "kfarm_nightly_compile_cpu_seconds",
			  "CPU time of the compilers on all machines; "
			  "elapsed time for compiles on the build host." },
	[NODE_JOBS] = { "kfarm_nightly_node_jobs",
			"Jobs that the node finished." },
	[NODE_FAILURES] = { "kfarm_nightly_node_failures",
			    "Failures of the node, including lost connections "
			    "and wrong results." },
	[NODE_CPU] = { "kfarm_nightly_node_cpu_seconds",
		       "CPU time of the jobs on the node." },
	[NODE_CLOCK] = { "kfarm_nightly_node_clock_ratio",
			 "Lowest clock limit of the node during the build, "
			 "relative to its maximum clock." },
	[NODE_TEMPERATURE] = { "kfarm_nightly_node_temperature_celsius",
			       "Highest temperature of the node during the "
			       "build." },
};

/*
 * All samples of a metric must be consecutive, but the results are read one
 * after the other, so each metric has a separate buffer.
 */
struct samples {
	struct buf of[N_METRICS];
	const struct nightly_result *result; /* source of the labels */
};

/*
 * Add a sample with the labels of the result and, if `label` is not NULL, with
 * this label.
 */
static void add_labelled_sample(struct samples *s, int metric,
				const char *label, const char *label_value,
				double value)
{
	const struct nightly_result *r = s->result;
	const char *const labels[] = {
		"nightly", r->name,     "build",   r->build,    "arch",
		r->arch,   "config",    r->config, "toolchain", r->toolchain,
		label,     label_value, NULL,
	};

	metrics_add_sample(&s->of[metric], metrics[metric].name, labels, value);
}

static void add_sample(struct samples *s, int metric, double value)
{
	add_labelled_sample(s, metric, NULL, NULL, value);
}

static double to_seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static void add_result_samples(struct samples *s)
{
	static const char *const words[] = { "PASS", "WARN", "FAIL", "ERROR" };
	const struct nightly_result *r = s->result;
	double duration = to_seconds((int64_t)r->wall_ms);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		add_labelled_sample(
			s, RESULT, "result", words[i],
			!strcmp(words[i], nightly_notify_result_word(r)));
	add_sample(s, END, (double)r->began_s + duration);
	add_sample(s, DURATION, duration);
	add_sample(s, ERRORS, r->n_errors);
	add_sample(s, WARNINGS, r->n_warnings);
	add_sample(s, NEW_WARNINGS, r->n_new_warnings);
}

static void add_node_samples(struct samples *s, const struct history_node *n)
{
	add_labelled_sample(s, NODE_JOBS, "node", n->name, (double)n->n_jobs);
	add_labelled_sample(s, NODE_FAILURES, "node", n->name,
			    (double)n->n_failed);
	add_labelled_sample(s, NODE_CPU, "node", n->name,
			    to_seconds(n->cpu_ms));
	if (n->min_speed_milli)
		add_labelled_sample(s, NODE_CLOCK, "node", n->name,
				    (double)n->min_speed_milli / 1000);
	if (n->max_celsius_milli)
		add_labelled_sample(s, NODE_TEMPERATURE, "node", n->name,
				    (double)n->max_celsius_milli / 1000);
}

static void add_build_samples(struct samples *s, const struct history_build *b,
			      const struct history_details *d)
{
	const struct {
		const char *place;
		int64_t n_jobs;
	} places[] = {
		{ "local", b->n_local },
		{ "remote", b->n_remote },
		{ "cache", b->n_cached - b->n_cached_remote },
		{ "cache_server", b->n_cached_remote },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		add_labelled_sample(s, JOBS, "place", places[i].place,
				    (double)places[i].n_jobs);
	for (size_t i = 0; i < d->n_reasons; i++)
		add_labelled_sample(s, LOCAL_JOBS, "reason", d->reasons[i].text,
				    (double)d->reasons[i].n_jobs);
	add_sample(s, RETRIED_JOBS, (double)b->n_retried);
	add_sample(s, DUPLICATED_JOBS, (double)b->n_hedged);
	add_sample(s, HOST_CPU, to_seconds(b->host_ms));
	add_sample(s, COMPILE_CPU, to_seconds(b->cpu_ms));
	for (size_t i = 0; i < d->n_nodes; i++) {
		if (strcmp(d->nodes[i].name, EVENTS_LOCAL) != 0)
			add_node_samples(s, &d->nodes[i]);
	}
}

/*
 * Add the samples whose values come from the history.  Does nothing if `h` is
 * NULL or does not contain the build.
 */
static void add_history_samples(struct samples *s, struct history *h)
{
	struct history_build b = { 0 };
	struct history_details d = { 0 };
	struct err ignored;

	/* Skip a running or killed build, whose record lacks the totals. */
	if (h && s->result->history_id &&
	    !history_build_find_output(h, s->result->dir, &b, &ignored) &&
	    b.state != HISTORY_STATE_RUNNING &&
	    b.state != HISTORY_STATE_KILLED &&
	    !history_read_units(h, b.number, &d, &ignored))
		add_build_samples(s, &b, &d);
	history_details_release(&d);
	history_build_release(&b);
}

static int add_job_samples(struct samples *s, const struct nightly_job *job,
			   struct history *h, struct err *err)
{
	struct nightly_store store;
	struct strv builds = { 0 };
	int ret = nightly_store_read(&store, job->results_dir, err);

	nightly_store_link_results(&store);
	nightly_build_matrix_list_names(&builds, job);
	for (size_t i = 0; !ret && i < builds.n; i++) {
		s->result = nightly_store_latest(&store, builds.v[i]);
		if (!s->result)
			continue;
		add_result_samples(s);
		add_history_samples(s, h);
	}
	strv_release(&builds);
	nightly_store_release(&store);
	return ret;
}

/*
 * Serialize runs of two jobs that end at the same time: the process that writes
 * the file last must also have read the results of the other job.  If the file
 * system does not support locks, the file can lack these results until the next
 * run.
 */
static int lock_results(const struct nightly_jobs *jobs)
{
	char *dir = jobs->n_jobs ? str_dir(jobs->jobs[0].results_dir) : NULL;
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0)
		flock(fd, LOCK_EX);
	free(dir);
	return fd;
}

/* Set `err` to `why` and a remedy for the error `ret`; return `ret`. */
static int fail_with_remedy(int ret, const char *why, struct err *err)
{
	return err_set(err, -ret, "%s; %s, or change nightly.metrics", why,
		       ret == -ENOSPC || ret == -EDQUOT ?
			       "free disk space" :
		       ret == -ENOENT || ret == -ENOTDIR ?
			       "create its directory" :
			       "allow this user to create files in its "
			       "directory");
}

int nightly_metrics_check(const struct nightly_jobs *jobs, struct err *err)
{
	char *dir;
	int ret = 0;

	if (!jobs->metrics_path)
		return 0;
	dir = str_dir(jobs->metrics_path);
	if (access(dir, W_OK | X_OK)) {
		struct err why;

		ret = err_errno(&why, "%s", jobs->metrics_path);
		fail_with_remedy(ret, why.text, err);
	}
	free(dir);
	return ret;
}

static int replace_metrics(const char *path, struct bytes text, struct err *err)
{
	struct replace r;
	struct err why;
	/*
	 * node_exporter ignores the temporary file, because its name ends in a
	 * number instead of ".prom".
	 */
	int ret = replace_open(&r, path, 0644, &why);

	if (!ret) {
		/* Override the umask: node_exporter runs as another user. */
		ret = fchmod(r.fd, 0644) ? -errno : bytes_write(r.fd, text);
		ret = replace_close(&r, ret, &why);
	}
	return ret ? fail_with_remedy(ret, why.text, err) : 0;
}

int nightly_metrics_write(const struct nightly_jobs *jobs, struct err *err)
{
	struct samples s = { 0 };
	struct history *h = NULL;
	struct buf text = { 0 };
	struct err ignored;
	int lock, ret = 0;

	if (!jobs->metrics_path)
		return 0;
	lock = lock_results(jobs);
	if (history_db_open(&h, &ignored))
		h = NULL;
	for (size_t i = 0; !ret && i < jobs->n_jobs; i++)
		ret = add_job_samples(&s, &jobs->jobs[i], h, err);
	history_db_close(h);
	for (int i = 0; i < N_METRICS; i++) {
		metrics_add_head(&text, metrics[i].name, METRICS_GAUGE,
				 metrics[i].help);
		buf_add(&text, s.of[i].data, s.of[i].len);
		buf_release(&s.of[i]);
	}
	if (!ret)
		ret = replace_metrics(jobs->metrics_path, buf_bytes(&text),
				      err);
	buf_release(&text);
	if (lock >= 0)
		close(lock);
	return ret;
}
