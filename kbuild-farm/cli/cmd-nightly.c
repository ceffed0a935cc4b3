/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/digest.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/vec.h"
#include "cli/cmd.h"
#include "cli/config-sources.h"
#include "cli/nightly.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "kconfig/kconfig.h"
#include "nightly/build-matrix.h"
#include "nightly/child.h"
#include "nightly/metrics.h"
#include "nightly/notify.h"
#include "nightly/report-text.h"
#include "nightly/run.h"
#include "nightly/send.h"
#include "nightly/store.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Return the oldest result of the series of bad results that ends with `r`, or
 * NULL if `r` is good or NULL.
 */
static const struct nightly_result *first_bad(const struct nightly_result *r)
{
	const struct nightly_result *bad = NULL;

	for (; r && r->end != NIGHTLY_END_GOOD; r = r->previous)
		bad = r;
	return bad;
}

/*
 * `kfarm nightly list` reads only the directories of results.  It takes no lock
 * and opens no repository.
 */

/* Maximum widths of the fields, which limit a line to 80 columns. */
#define NAME_MAX_WIDTH     10
#define BUILD_MAX_WIDTH    22
#define REVISION_MAX_WIDTH 15

/* One build of a job with its latest result. */
struct listed {
	const struct nightly_job *job;
	const struct nightly_build *plan;
	const struct nightly_result *last; /* NULL: never built */
	/*
	 * oldest result in the series of bad results that ends with `last`;
	 * NULL if `last` is not bad
	 */
	const struct nightly_result *first_bad;
};

/* One job with its builds and their results. */
struct job_results {
	const struct nightly_job *job;
	struct nightly_build_matrix builds;
	struct nightly_store store;
	struct listed *rows;
	size_t n_rows;
};

/* Read the results of a job and match them with its builds. */
static int read_job_results(struct job_results *j,
			    const struct nightly_job *job, struct err *err)
{
	int ret;

	*j = (struct job_results){ .job = job };
	ret = nightly_store_read(&j->store, job->results_dir, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < j->store.damaged.n; i++)
		log_warning("%s/%s is damaged and therefore not listed",
			    j->store.dir, j->store.damaged.v[i]);
	nightly_store_link_results(&j->store);
	nightly_build_matrix_init(&j->builds, job);
	for (size_t i = 0; i < j->builds.n_builds; i++) {
		const struct nightly_build *p = &j->builds.builds[i];
		struct listed *l = VEC_ADD(j->rows, j->n_rows);

		l->job = job;
		l->plan = p;
		l->last = nightly_store_latest(&j->store, p->name);
		l->first_bad = first_bad(l->last);
	}
	return 0;
}

/*
 * Return the content of `text`, shortened with "..." to at most `most` bytes,
 * and release `text`.  The caller frees the result.
 */
static char *cut_cell(struct buf *text, size_t most)
{
	struct buf out = { 0 };

	if (text->len <= most)
		return buf_steal(text);
	nightly_report_add_truncated(&out, buf_str(text), most - strlen("..."));
	buf_release(text);
	return buf_steal(&out);
}

/* Add the row of one build. */
static void add_listed_row(struct table *t, const struct listed *l)
{
	const struct nightly_result *r = l->last;
	struct buf name = { 0 }, build = { 0 }, revision = { 0 }, date = { 0 };

	buf_add_str(&name, l->job->name);
	strv_own(&t->fields, cut_cell(&name, NAME_MAX_WIDTH));

	nightly_report_add_printable(&build, l->plan->name);
	strv_own(&t->fields, cut_cell(&build, BUILD_MAX_WIDTH));

	strv_add(&t->fields, r ? nightly_notify_result_word(r) : "-");
	if (r && r->end != NIGHTLY_END_BROKEN)
		strv_addf(&t->fields, "%u/%u", r->n_errors, r->n_warnings);
	else
		strv_add(&t->fields, "-");
	if (r) {
		nightly_report_add_short_revision(&revision, r);
		strv_own(&t->fields, cut_cell(&revision, REVISION_MAX_WIDTH));
		nightly_report_add_date(&date, r->began_s);
		strv_own(&t->fields, buf_steal(&date));
	} else {
		strv_add(&t->fields, "never built");
		strv_add(&t->fields, "-");
	}
}

/*
 * Format the line below the row of a build, with the first bad and the last
 * good result.  Returns "" if the build has no result or its last result is
 * good.
 */
static char *format_bad(const struct listed *l)
{
	struct buf out = { 0 };
	const struct nightly_result *good;

	if (!l->first_bad)
		return xstrdup("");
	good = l->last->last_good;
	buf_add_str(&out, "    since ");
	nightly_report_add_short_revision(&out, l->first_bad);
	buf_add_str(&out, " (");
	nightly_report_add_date(&out, l->first_bad->began_s);
	buf_add_str(&out, good ? "); good at " : "); never good");
	if (good) {
		nightly_report_add_short_revision(&out, good);
		buf_add_str(&out, " (");
		nightly_report_add_date(&out, good->began_s);
		buf_add_str(&out, ")");
	}
	return buf_steal(&out);
}

/* Print the table of builds with a line below the row of each bad build. */
static void print_nightlies(const struct job_results *v, size_t n)
{
	struct table t = { .align = "lllrll" };

	strv_split(&t.fields, "NIGHTLY BUILD STATE ERR/WARN REVISION BUILT",
		   " ");
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n_rows; k++) {
			add_listed_row(&t, &v[i].rows[k]);
			strv_own(&t.below, format_bad(&v[i].rows[k]));
		}
	}
	table_print(stdout, &t);
}

/* Return commit, time and directory of a result, or null. */
static json_t *short_json(const struct nightly_result *r)
{
	json_t *o;

	if (!r)
		return json_null();
	o = json_object();
	json_object_set_new(o, "commit", json_text(r->commit));
	json_object_set_new(o, "describe", json_text(r->describe));
	json_object_set_new(o, "began", json_integer(r->began_s));
	json_object_set_new(o, "dir", json_text(r->dir));
	return o;
}

/*
 * Return a build as JSON; a build that has no result lacks the members of a
 * result.
 */
static json_t *listed_json(const struct listed *l)
{
	const struct nightly_result *r = l->last;
	json_t *o = json_object();

	json_object_set_new(o, "build", json_text(l->plan->name));
	json_object_set_new(o, "arch", json_text(l->plan->arch_text));
	json_object_set_new(o, "config", json_text(l->plan->config_text));
	json_object_set_new(o, "toolchain",
			    json_text(r ? r->toolchain : l->plan->toolchain));
	json_object_set_new(
		o, "result",
		json_text(r ? nightly_notify_result_word(r) : NULL));
	if (!r)
		return o;
	json_object_set_new(o, "commit", json_text(r->commit));
	json_object_set_new(o, "describe", json_text(r->describe));
	json_object_set_new(o, "began", json_integer(r->began_s));
	json_object_set_new(o, "wall_ms", json_integer((json_int_t)r->wall_ms));
	json_object_set_new(o, "status", json_integer(r->status));
	json_object_set_new(o, "errors", json_integer(r->n_errors));
	json_object_set_new(o, "new_errors", json_integer(r->n_new_errors));
	json_object_set_new(o, "warnings", json_integer(r->n_warnings));
	json_object_set_new(o, "new_warnings", json_integer(r->n_new_warnings));
	json_object_set_new(o, "history", json_integer(r->history_id));
	json_object_set_new(o, "dir", json_text(r->dir));
	json_object_set_new(o, "bad_since", short_json(l->first_bad));
	json_object_set_new(
		o, "last_good",
		short_json(r->end == NIGHTLY_END_GOOD ? r : r->last_good));
	return o;
}

/* Print the jobs with their builds as JSON. */
static void print_nightlies_json(const struct job_results *v, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object(), *builds = json_array();

		for (size_t k = 0; k < v[i].n_rows; k++)
			json_array_append_new(builds,
					      listed_json(&v[i].rows[k]));
		json_object_set_new(o, "name", json_text(v[i].job->name));
		json_object_set_new(o, "tree", json_text(v[i].job->tree));
		json_object_set_new(o, "results",
				    json_text(v[i].job->results_dir));
		json_object_set_new(o, "builds", builds);
		json_array_append_new(all, o);
	}
	table_print_json(json_pack("{s:o}", "nightlies", all));
}

static int nightly_list_main(void *request)
{
	struct nightly_request *r = request;
	struct strv standard = { 0 };
	struct nightly_jobs jobs = { 0 };
	struct job_results *v = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int ret = nightly_load(&jobs, &standard, &err);

	if (!ret)
		ret = nightly_check_names(r, &jobs, &err);
	for (size_t i = 0; !ret && i < jobs.n_jobs; i++) {
		if (!r->words.n || strv_has(&r->words, jobs.jobs[i].name))
			ret = read_job_results(VEC_ADD(v, n), &jobs.jobs[i],
					       &err);
	}
	if (ret)
		log_error("nightly list: %s", err.text);
	else if (r->json)
		print_nightlies_json(v, n);
	else
		print_nightlies(v, n);
	for (size_t i = 0; i < n; i++) {
		free(v[i].rows);
		nightly_build_matrix_release(&v[i].builds);
		nightly_store_release(&v[i].store);
	}
	free(v);
	nightly_jobs_release(&jobs);
	strv_release(&standard);
	return ret ? EXIT_USAGE : EXIT_OK;
}

/*
 * Exit status if another run has locked the nightly job: EX_TEMPFAIL of
 * sysexits.h, because a later run can succeed.
 */
#define EXIT_LOCKED 75

static void print_note(void *ctx, const char *line)
{
	(void)ctx;
	log_info("%s", line);
}

static void print_plan(void *ctx, const char *line)
{
	(void)ctx;
	printf("%s\n", line);
}

/* Return the worse of two exit statuses. */
static int worse_status(int a, int b)
{
	static const int order[] = {
		EXIT_OK,    EXIT_WARNINGS, EXIT_LOCKED,
		EXIT_BUILD, EXIT_USAGE,    EXIT_INTERRUPTED,
	};

	for (size_t i = ARRAY_SIZE(order); i-- > 0;) {
		if (order[i] == a || order[i] == b)
			return order[i];
	}
	return a;
}

/* Return the exit status for one result. */
static int status_of_result(const struct nightly_job *job,
			    const struct nightly_result *r)
{
	/* The build was skipped; an earlier run has reported its result. */
	if (r->decision == NIGHTLY_DECISION_UNCHANGED)
		return EXIT_OK;
	if (r->end == NIGHTLY_END_FAILED)
		return EXIT_BUILD;
	if (r->end == NIGHTLY_END_BROKEN)
		return EXIT_USAGE;
	return job->fail_on_warnings && r->n_new_warnings ? EXIT_WARNINGS :
							    EXIT_OK;
}

/* Print the error of a run and return its exit status. */
static int log_failed_run(const struct nightly_job *job, int ret,
			  const struct err *err)
{
	if (ret == -ECANCELED) {
		log_error("nightly run: %s: interrupted; run the same command "
			  "again to build the rest",
			  job->name);
		return EXIT_INTERRUPTED;
	}
	log_error("nightly run: %s: %s", job->name, err->text);
	return ret == -EBUSY ? EXIT_LOCKED : EXIT_USAGE;
}

/*
 * Log `err` if sending a report or writing the metrics file has failed with the
 * error `ret`.  Returns the exit status.
 */
static int status_of_reporting(const struct nightly_job *job, int ret,
			       const struct err *err)
{
	if (ret)
		log_error("nightly run: %s: %s", job->name, err->text);
	if (ret == -ECANCELED)
		return EXIT_INTERRUPTED;
	return ret ? EXIT_USAGE : EXIT_OK;
}

/* Log the reason why a build could not start. */
static void log_broken_build(const struct nightly_result *r)
{
	static const char program[] = "kfarm: ";
	const char *why = r->messages.n ? r->messages.v[0] :
					  "could not be built";

	if (r->end != NIGHTLY_END_BROKEN ||
	    r->decision == NIGHTLY_DECISION_UNCHANGED)
		return;
	if (str_starts(why, program))
		why += strlen(program);
	log_error("nightly run: %s: %s: %s", r->name, r->build, why);
}

/*
 * Run one of the nightly jobs, send its reports, write the metrics of all jobs,
 * and return the exit status.
 */
static int run_night(struct nightly_run_setup *run,
		     const struct nightly_jobs *jobs,
		     const struct nightly_job *job)
{
	const atomic_bool *stop = run->wait.stop;
	struct nightly_run night;
	struct err err = { 0 };
	int ret = nightly_run_execute(&night, run, job, &err);
	int status = EXIT_OK;

	for (size_t i = 0; i < night.n_results; i++) {
		status = worse_status(
			status, status_of_result(night.job, night.results[i]));
		log_broken_build(night.results[i]);
	}
	if (ret)
		status = worse_status(status, log_failed_run(job, ret, &err));
	if (night.cannot_start)
		status = worse_status(status, EXIT_USAGE);

	/*
	 * Also report the results of an interrupted run, because the next run
	 * does not build these revisions again.
	 */
	if (!run->dry_run) {
		const struct nightly_report_request report = {
			.job = night.job,
			.store = &night.store,
			.results = night.results,
			.n_results = night.n_results,
			.stop = stop,
			.out = stdout,
		};
		struct err send_err = { 0 };
		int sent = nightly_report_send(&report, &send_err);

		status = worse_status(
			status, status_of_reporting(job, sent, &send_err));
	}

	if (run->dry_run &&
	    nightly_send_check_mailer(&job->mail_to, NULL, &err))
		log_warning("nightly run: %s: %s", job->name, err.text);
	if (run->dry_run && nightly_metrics_check(jobs, &err))
		log_warning("nightly run: %s: %s", job->name, err.text);

	/* Also mail an error of the run: stderr of a timer is rarely read. */
	if (!run->dry_run && ret != -EBUSY && ret != -ECANCELED) {
		struct err send_err = { 0 };
		int sent = nightly_report_send_error(job, ret ? err.text : NULL,
						     stop, stdout, &send_err);

		status = worse_status(
			status, status_of_reporting(job, sent, &send_err));
	}
	/*
	 * If the run failed before its first build, keep the old metrics file,
	 * so that the age of the file shows the problem.
	 */
	if (!run->dry_run && (!ret || night.n_results)) {
		struct err write_err = { 0 };
		int written = nightly_metrics_write(jobs, &write_err);

		status = worse_status(
			status, status_of_reporting(job, written, &write_err));
	}
	nightly_run_release(&night, run);
	return status;
}

/* Add a string to a digest, followed by a NUL as the separator. */
static void digest_text(struct digest_ctx *into, const char *text)
{
	digest_add(into, bytes_str(text));
	digest_add(into, bytes_of("", 1));
}

/*
 * Add a value of -k or -K to a digest.  If the value is a URL, also add the
 * text that was downloaded from the URL.  If the value is the path of a local
 * file, also add the digest of the file.  Any other value can name a file of
 * the kernel source tree.  The content of such a file is not added, because the
 * commit that is built identifies the content.
 */
static int add_word_and_text(struct digest_ctx *into,
			     const struct kconfig_request *r, const char *word,
			     struct err *err)
{
	const struct kconfig_fetched_urls *f = r->fetched;
	const char *text = NULL;
	char hex[DIGEST_HEX];
	struct digest d;
	int ret = 0;

	for (size_t i = 0; f && !text && i < f->urls.n; i++) {
		if (!strcmp(f->urls.v[i], word))
			text = f->texts.v[i];
	}
	digest_text(into, word);
	if (text) {
		digest_text(into, text);
	} else if (strchr(word, '/') && fs_exists(word) && !fs_is_dir(word)) {
		ret = digest_file(word, &d, err);
		digest_format(&d, hex);
		digest_text(into, hex);
	}
	return ret;
}

/*
 * Add the values of -k and -K to a digest, with the contents of the files and
 * URLs that they name.  Callback of struct nightly_build_sources; `ctx` is not
 * used.
 */
static int add_config_texts(void *ctx, const char *kconfig,
			    const struct strv *kconfig_add,
			    struct digest_ctx *into, struct err *err)
{
	struct kconfig_request r = { .kconfig = kconfig,
				     .fragments = *kconfig_add };
	struct config_sources *configs = config_sources_new();
	int ret = config_sources_resolve(configs, &r, err);
	const struct kconfig_named_config *n = r.named_config;

	(void)ctx;
	if (!ret && n && n->base)
		ret = add_word_and_text(into, &r, n->base, err);
	else if (!ret && !n && r.kconfig)
		ret = add_word_and_text(into, &r, r.kconfig, err);
	for (size_t i = 0; !ret && n && i < n->fragments.n; i++)
		ret = add_word_and_text(into, &r, n->fragments.v[i], err);
	for (size_t i = 0; !ret && i < r.fragments.n; i++)
		ret = add_word_and_text(into, &r, r.fragments.v[i], err);
	config_sources_free(configs);
	return ret;
}

/* Reject options that exclude each other. */
static int check_run_options(const struct nightly_request *r, struct err *err)
{
	if (r->dry_run && (r->bisect || r->max_wait_s))
		return err_set(err, EINVAL,
			       "--dry-run and %s are mutually exclusive",
			       r->bisect ? "--bisect" : "--wait");
	if (r->quiet && (r->verbose || r->dry_run))
		return err_set(err, EINVAL,
			       "--quiet and %s are mutually exclusive",
			       r->verbose ? "--verbose" : "--dry-run");
	return 0;
}

static int nightly_run_main(void *request)
{
	struct nightly_request *r = request;
	struct strv standard = { 0 };
	struct nightly_jobs jobs = { 0 };
	const struct nightly_build_sources means = {
		.default_toolchains = &standard,
		.add_config_texts = add_config_texts
	};
	struct tree_observer watch = { .cancel = settings_catch_signals() };
	bool shown = r->verbose || (isatty(STDERR_FILENO) && !r->quiet);
	struct nightly_run_setup run = {
		.request = { .force = r->force,
			     .retry_failed = r->retry_failed },
		.wait = { .timeout_s = r->max_wait_s, .stop = watch.cancel },
		.dry_run = r->dry_run,
		.bisect = r->bisect,
		.verbose = r->verbose,
		.progress = shown,
		.sources = &means,
		.observer = &watch,
		.on_note = r->dry_run ? print_plan :
			   shown      ? print_note :
					NULL,
		.on_start = shown || r->quiet || r->dry_run ? NULL : print_note,
	};
	struct err err = { 0 };
	int status = EXIT_OK;

	if (check_run_options(r, &err) ||
	    nightly_load(&jobs, &standard, &err) ||
	    nightly_check_names(r, &jobs, &err)) {
		log_error("nightly run: %s", err.text);
		status = EXIT_USAGE;
		goto out;
	}
	if (!r->dry_run)
		nightly_child_lower_priority();
	for (size_t i = 0; i < jobs.n_jobs && status != EXIT_INTERRUPTED; i++) {
		if (!r->words.n || strv_has(&r->words, jobs.jobs[i].name))
			status = worse_status(
				status, run_night(&run, &jobs, &jobs.jobs[i]));
	}
out:
	strv_release(&run.updated_trees);
	nightly_jobs_release(&jobs);
	strv_release(&standard);
	return status;
}

#define WAIT_MAX 604800

#define AT(member) offsetof(struct nightly_request, member)

/* Parse --wait[=SECONDS]; without a value the wait is unlimited. */
static int parse_wait(void *at, const struct args *a, struct err *err)
{
	unsigned *seconds = at;
	long n;

	*seconds = UINT_MAX;
	if (!a->value)
		return 0;
	if (str_parse_number(a->value, 0, WAIT_MAX, &n))
		return err_set(err, EINVAL,
			       "--wait=%s: not a number from 0 to %d", a->value,
			       WAIT_MAX);
	*seconds = (unsigned)n;
	return 0;
}

static const struct args_option options[] = {
	{ 'n', "dry-run", NULL,
	  "print which builds are due and why, without fetching", args_flag,
	  AT(dry_run), 0 },
	{ 'v', "verbose", NULL, "print each step, and show the builds",
	  args_flag, AT(verbose), 0 },
	{ 'q', "quiet", NULL, "print only the report, even on a terminal",
	  args_flag, AT(quiet), 0 },
	{ 0, "force", NULL, "also build if nothing has changed", args_flag,
	  AT(force), 0 },
	{ 0, "retry-failed", NULL, "repeat failed builds even if unchanged",
	  args_flag, AT(retry_failed), 0 },
	{ 0, "bisect", NULL, "find the commit that broke a build", args_flag,
	  AT(bisect), 0 },
	{ 0, "wait", "[=SECONDS]",
	  "wait for another run to end (default: exit 75)", parse_wait,
	  AT(max_wait_s), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "at", "HH:MM", "start time (default: 02:00)", args_text,
	  AT(start_time), 0 },
	{ 0, "system", NULL, "install system units (default for root)",
	  args_flag, AT(system), 0 },
	{ 0, "user", NULL, "install units of this user, even for root",
	  args_flag, AT(user), 0 },
	{ 0, "as", "USER", "install system units that run as USER", args_text,
	  AT(run_as_user), 0 },
	{ 0, "now", NULL, "enable and start the timer", args_flag, AT(now), 0 },
	{ 0, "remove", NULL, "stop the timer and remove the units", args_flag,
	  AT(remove), 0 },
	{ 0, "cron", NULL, "print a crontab line instead", args_flag, AT(cron),
	  0 },
	{ 0 },
};

static const struct cmd_verb verbs[] = {
	{ "run", " [NAME]...",
	  "dry-run verbose quiet force retry-failed bisect wait", 0, 1000,
	  "update trees, build what changed, store results", nightly_run_main },
	{ "list", " [NAME]...", "json", 0, 1000,
	  "print the last result of each build", nightly_list_main },
	{ "install", " [NAME]...", "at system user as now remove cron", 0, 1000,
	  "start the run every night from systemd or cron",
	  nightly_install_main },
	{ 0 },
};

static int nightly_main(char *const *argv)
{
	struct nightly_request r = { 0 };
	const struct cmd_verb *verb;
	int status = EXIT_USAGE;

	verb = cmd_verb_parse(&cmd_nightly, argv, &r, &r.words);
	if (verb) {
		r.verb = verb->name;
		status = verb->run(&r);
	}
	strv_release(&r.words);
	return status;
}

const struct cmd cmd_nightly = {
	.name = "nightly",
	.usage = "VERB [OPTION]... [NAME]...",
	.help = "build trees automatically when they change",
	.options = options,
	.verbs = verbs,
	.extra_help =
		"A NAME is a section [nightly \"NAME\"] of the configuration, "
		"kfarm.conf(5).\nThe default is all of them.\n",
	.run = nightly_main,
};
