/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nightly.h"
#include "cli/settings.h"

#include "base/log.h"
#include "nightly/child.h"
#include "nightly/letter.h"
#include "nightly/night.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the lock's holder is doing now, another run may do later: EX_TEMPFAIL */
#define EXIT_HELD 75

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

/* That which leaves more open is worse. */
static int worse_status(int a, int b)
{
	static const int order[] = {
		EXIT_OK,    EXIT_WARNINGS, EXIT_HELD,
		EXIT_BUILD, EXIT_USAGE,    EXIT_INTERRUPTED,
	};
	const size_t n = sizeof(order) / sizeof(*order);

	for (size_t i = n; i-- > 0;) {
		if (order[i] == a || order[i] == b)
			return order[i];
	}
	return a;
}

static int status_of_result(const struct nightly_job *job,
			    const struct nightly_result *r)
{
	/* What fails since an earlier night was that night's to say. */
	if (r->decision == NIGHTLY_UNCHANGED)
		return EXIT_OK;
	if (r->end == NIGHTLY_FAILED)
		return EXIT_BUILD;
	if (r->end == NIGHTLY_BROKEN)
		return EXIT_USAGE;
	return job->warnings && r->new_warnings ? EXIT_WARNINGS : EXIT_OK;
}

static int status_of_night(const struct nightly_night *n)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < n->n; i++)
		status = worse_status(status,
				      status_of_result(n->job, n->v[i]));
	return status;
}

static int night_failed(const struct nightly_job *job, int ret,
			const struct err *err)
{
	if (ret == -ECANCELED) {
		log_error("nightly run: %s: interrupted; the same command "
			  "builds what was not built",
			  job->name);
		return EXIT_INTERRUPTED;
	}
	log_error("nightly run: %s: %s", job->name, err->text);
	return ret == -EBUSY ? EXIT_HELD : EXIT_USAGE;
}

/* `why` nothing could be tried, NULL: it could; also to who reads no stderr. */
static int tell_trouble(const struct nightly_job *job, const char *why,
			const atomic_bool *stop)
{
	struct err err = { 0 };
	int ret = nightly_letter_trouble(job, why, stop, stdout, &err);

	if (ret)
		log_error("nightly run: %s: %s", job->name, err.text);
	return ret;
}

static int send_letter(const struct nightly_night *n, const atomic_bool *stop)
{
	const struct nightly_letter letter = {
		.job = n->job,
		.store = &n->store,
		.v = n->v,
		.n = n->n,
		.stop = stop,
		.out = stdout,
	};
	struct err err = { 0 };
	int ret = nightly_letter_send(&letter, &err);

	if (ret)
		log_error("nightly run: %s: %s", n->job->name, err.text);
	return ret;
}

static int status_of_telling(int ret)
{
	if (ret == -ECANCELED)
		return EXIT_INTERRUPTED;
	return ret ? EXIT_USAGE : EXIT_OK;
}

static int run_night(struct nightly_run *run, const struct nightly_job *job)
{
	const atomic_bool *stop = run->wait.stop;
	struct nightly_night night;
	struct err err = { 0 };
	int ret = nightly_night_run(&night, run, job, &err), status;

	status = status_of_night(&night);
	if (ret)
		status = worse_status(status, night_failed(job, ret, &err));
	/* Also of one that was stopped: the next finds it built. */
	if (!run->dry_run)
		status = worse_status(
			status, status_of_telling(send_letter(&night, stop)));
	if (!run->dry_run && ret != -EBUSY && ret != -ECANCELED)
		status = worse_status(
			status, status_of_telling(tell_trouble(
					job, ret ? err.text : NULL, stop)));
	nightly_night_release(&night, run);
	return run->dry_run && !ret ? EXIT_OK : status;
}

static int run_jobs(struct nightly_run *run, const struct nightly_request *r,
		    const struct nightly_jobs *jobs)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < jobs->n && status != EXIT_INTERRUPTED; i++) {
		if (!r->words.n || strv_has(&r->words, jobs->v[i].name))
			status = worse_status(status,
					      run_night(run, &jobs->v[i]));
	}
	return status;
}

int nightly_run_main(struct nightly_request *r)
{
	struct strv standard = { 0 };
	struct nightly_jobs jobs = { 0 };
	const struct nightly_means means = { .standard = &standard,
					     .texts = nightly_config_texts };
	struct tree_watch watch = { .cancel = settings_catch_signals() };
	struct nightly_run run = {
		.wish = { .force = r->force, .retry_failed = r->retry_failed },
		.wait = { .seconds = r->wait_s, .stop = watch.cancel },
		.dry_run = r->dry_run,
		.bisect = r->bisect,
		.verbose = r->verbose,
		.means = &means,
		.watch = &watch,
		.note = r->dry_run ? print_plan :
			r->verbose ? print_note :
				     NULL,
	};
	struct err err = { 0 };
	int status = EXIT_USAGE;

	if (nightly_load(&jobs, &standard, &err) ||
	    nightly_check_names(r, &jobs, &err)) {
		log_error("nightly run: %s", err.text);
	} else {
		if (!r->dry_run)
			nightly_child_lower_priority();
		status = run_jobs(&run, r, &jobs);
	}
	strv_release(&run.updated);
	nightly_jobs_release(&jobs);
	strv_release(&standard);
	return status;
}
