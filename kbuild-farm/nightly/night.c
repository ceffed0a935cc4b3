/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/night.h"

#include "base/clock.h"
#include "base/vec.h"
#include "nightly/bisect.h"
#include "nightly/child.h"
#include "nightly/keep.h"
#include "nightly/outcome.h"
#include "nightly/record.h"
#include "nightly/words.h"
#include "tree/commit.h"
#include "tree/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A night under way. */
struct work {
	struct nightly_night *night;
	struct nightly_run *run;
	const struct nightly_job *job;
	struct nightly_plans plans;
	struct tree_commit commit;
	char *describe; /* NULL until it is needed */
};

static void note(const struct work *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void note(const struct work *w, const char *fmt, ...)
{
	va_list ap;
	char *text, *line;

	if (!w->run->note)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	line = xasprintf("%s: %s", w->job->name, text);
	w->run->note(w->run->ctx, line);
	free(line);
	free(text);
}

/* ---- the tree ---- */

static int update_tree(const struct work *w, struct err *err)
{
	const char *tree = w->job->tree;
	int ret;

	if (w->run->dry_run || strv_has(&w->run->updated, tree))
		return 0;
	ret = tree_update(tree, w->run->watch, err);
	if (ret)
		err_wrap(err, "update of the tree %s", tree);
	else
		strv_add(&w->run->updated, tree);
	return ret;
}

static const char *describe_head(struct work *w)
{
	if (!w->describe)
		w->describe = tree_commit_describe(w->job->tree, w->commit.id);
	return w->describe;
}

/* ---- results ---- */

static void add_to_night(struct work *w, const struct nightly_result *r)
{
	*VEC_ADD(w->night->v, w->night->n) = r;
}

/* One that has no directory. */
static struct nightly_result *add_loose(struct work *w,
					const struct nightly_result *r)
{
	struct nightly_night *n = w->night;
	struct nightly_result *own = xmalloc(sizeof(*own));

	*own = *r;
	*VEC_ADD(n->loose, n->n_loose) = own;
	add_to_night(w, own);
	return own;
}

static void set_before(const struct work *w, struct nightly_result *r)
{
	r->previous = nightly_store_latest(&w->night->store, r->build);
	r->last_good = nightly_store_last_good(&w->night->store, r->build);
}

static int publish_result(struct work *w, struct nightly_result *r,
			  struct nightly_result **out, struct err *err)
{
	int ret;

	set_before(w, r);
	ret = nightly_store_publish(&w->night->store, r, out, err);
	if (!ret) {
		nightly_record_night(*out);
		add_to_night(w, *out);
		ret = nightly_store_link(&w->night->store, w->job, err);
	}
	return ret;
}

/* ---- building ---- */

static int run_in_child(const struct work *w, const struct nightly_plan *p,
			const char *commit, const struct nightly_how *how,
			struct nightly_ended *ended, struct err *err)
{
	struct strv argv = { 0 }, env = { 0 };
	char *log = xasprintf("%s/" NIGHTLY_LOG_FILE, how->dir);
	struct nightly_child child = {
		.log = log,
		.shown = how->verbose,
		.timeout_s = w->job->timeout_s,
		.stop = w->run->wait.stop,
	};
	int ret;

	nightly_words_run(&argv, p, commit, how);
	nightly_words_env(&env, w->job);
	child.argv = strv_list(&argv);
	child.env = strv_list(&env);
	ret = nightly_child_run(&child, ended, err);
	strv_release(&env);
	strv_release(&argv);
	free(log);
	return ret;
}

/* What cannot be tried is a result, too: it is told once, not each night. */
static int build_broken(struct work *w, const struct nightly_plan *p,
			const char *why, struct err *err)
{
	struct nightly_result r, *kept;
	char *dir = NULL;
	int ret = nightly_store_begin(&w->night->store, &dir, err);

	nightly_outcome_begin(&r, p, w->commit.id, w->commit.subject,
			      NIGHTLY_RETRY);
	nightly_outcome_broken(&r, why);
	r.describe = xstrdup(describe_head(w));
	if (!ret)
		ret = publish_result(w, &r, &kept, err);
	nightly_result_release(&r);
	free(dir);
	return ret;
}

static int build_plan(struct work *w, const struct nightly_plan *p,
		      enum nightly_decision why, struct nightly_result **out,
		      struct err *err)
{
	struct nightly_how how = { .verbose = w->run->verbose };
	struct nightly_ended ended;
	struct nightly_result r;
	char *dir = NULL;
	int ret = nightly_store_begin(&w->night->store, &dir, err);

	*out = NULL;
	if (ret)
		return ret;
	how.dir = dir;
	nightly_outcome_begin(&r, p, w->commit.id, w->commit.subject, why);
	r.describe = xstrdup(describe_head(w));
	ret = run_in_child(w, p, w->commit.id, &how, &ended, err);
	if (!ret) {
		nightly_outcome_end(&r, &ended, dir);
		if (r.end == NIGHTLY_BROKEN)
			nightly_outcome_strip(dir);
		ret = publish_result(w, &r, out, err);
	}
	nightly_result_release(&r);
	free(dir);
	return ret;
}

/* ---- which commit broke it ---- */

struct search {
	struct work *w;
	const struct nightly_plan *p;
};

static int build_for_search(void *ctx, const char *commit, size_t between,
			    enum nightly_end *end, struct err *err)
{
	const struct search *s = ctx;
	struct nightly_how how = { .verbose = s->w->run->verbose,
				   .searching = true };
	struct nightly_ended ended;
	struct nightly_result r;
	char *dir = NULL;
	int ret = nightly_store_begin(&s->w->night->store, &dir, err);

	if (ret)
		return ret;
	how.dir = dir;
	ret = run_in_child(s->w, s->p, commit, &how, &ended, err);
	if (!ret) {
		nightly_outcome_begin(&r, s->p, commit, "", NIGHTLY_FORCED);
		nightly_outcome_end(&r, &ended, dir);
		nightly_record_gone(&r);
		*end = r.end;
		note(s->w, "%s: bisect: %.12s, one of %zu: %s", s->p->name,
		     commit, between,
		     r.end == NIGHTLY_GOOD   ? "good" :
		     r.end == NIGHTLY_FAILED ? "bad" :
					       "cannot be tried");
		nightly_result_release(&r);
	}
	free(dir);
	return ret;
}

/* Why a bisect would not say which commit it was; NULL: it would. */
static const char *no_search(const struct nightly_result *r)
{
	const struct nightly_result *good = r->last_good;

	if (!good)
		return "it was never good";
	if (!strcmp(good->commit, r->commit))
		return "the commit is the one that was good";
	if (strcmp(good->config_id, r->config_id) != 0)
		return "the configuration has changed, too, since it was good";
	if (strcmp(good->toolchain_id, r->toolchain_id) != 0)
		return "the toolchain has changed, too, since it was good";
	if (strcmp(good->options_id, r->options_id) != 0)
		return "targets or options have changed, too, since it was "
		       "good";
	return NULL;
}

/* It fails since a night that has found out why. */
static bool was_searched(const struct nightly_result *r)
{
	const struct nightly_result *p = r->previous;

	return p && p->end == NIGHTLY_FAILED && p->bisected.first_bad;
}

static int search_breaker(struct work *w, const struct nightly_plan *p,
			  struct nightly_result *r, struct err *err)
{
	struct search own = { .w = w, .p = p };
	struct nightly_search s = {
		.tree = w->job->tree,
		.bad = r->commit,
		.builds = w->job->bisect_builds,
		.until_ms = clock_ms() + (uint64_t)w->job->bisect_s * 1000,
		.build = build_for_search,
		.ctx = &own,
	};
	const char *why = no_search(r);
	int ret = 0;

	if (why) {
		r->bisected.why = xasprintf("not bisected: %s", why);
	} else {
		s.good = r->last_good->commit;
		ret = nightly_bisect(&s, &r->bisected, err);
	}
	if (!ret)
		ret = nightly_store_rewrite(r, err);
	if (!ret && r->bisected.first_bad)
		note(w, "%s: first bad commit %.12s %s", p->name,
		     r->bisected.first_bad, r->bisected.subject);
	return ret;
}

/* The one that failed, tonight or before, where it is to be looked into. */
static bool is_to_be_searched(const struct work *w,
			      const struct nightly_result *r)
{
	if (!r || r->end != NIGHTLY_FAILED || r->bisected.first_bad ||
	    r->bisected.left.n)
		return false;
	return w->run->bisect || (w->job->bisect && !was_searched(r));
}

/* ---- one build of the night ---- */

static void add_unchanged(struct work *w, const struct nightly_plan *p)
{
	const struct nightly_result *last;
	struct nightly_result r, *own;

	nightly_outcome_begin(&r, p, w->commit.id, w->commit.subject,
			      NIGHTLY_UNCHANGED);
	own = add_loose(w, &r);
	set_before(w, own);
	last = own->previous;
	own->end = last->end;
	own->status = last->status;
	own->describe = last->describe ? xstrdup(last->describe) : NULL;
	note(w, "%s: unchanged at %s: %s", p->name,
	     own->describe ? own->describe : "its commit",
	     nightly_end_word(own->end));
}

/* The newest result of the build, which a search may be added to. */
static struct nightly_result *find_standing(const struct nightly_store *s,
					    const struct nightly_plan *p)
{
	for (size_t i = s->n; i-- > 0;) {
		if (!strcmp(s->v[i]->build, p->name)) {
			s->v[i]->last_good = nightly_store_last_good(s,
								     p->name);
			return s->v[i];
		}
	}
	return NULL;
}

static int run_plan(struct work *w, struct nightly_plan *p, struct err *err)
{
	const struct nightly_store *s = &w->night->store;
	struct nightly_result *r = NULL;
	enum nightly_decision why;
	struct err broken = { 0 };
	int ret = nightly_plan_fix(p, w->run->means, &broken);

	if (ret == -ECANCELED) {
		*err = broken;
		return ret;
	}
	if (ret && w->run->dry_run) {
		note(w, "%s", broken.text);
		return 0;
	}
	if (ret)
		return build_broken(w, p, broken.text, err);
	why = nightly_decide(p, w->commit.id, s->v, s->n, &w->run->wish);
	if (why == NIGHTLY_UNCHANGED) {
		add_unchanged(w, p);
		r = w->run->bisect ? find_standing(s, p) : NULL;
	} else {
		note(w, "%s: builds %s (%s)", p->name, describe_head(w),
		     nightly_decision_word(why));
		if (!w->run->dry_run)
			ret = build_plan(w, p, why, &r, err);
	}
	if (w->run->dry_run)
		return 0;
	return ret || !is_to_be_searched(w, r) ? ret :
						 search_breaker(w, p, r, err);
}

static int run_plans(struct work *w, struct err *err)
{
	int ret = 0;

	nightly_plans_make(&w->plans, w->job);
	for (size_t i = 0; !ret && i < w->plans.n; i++)
		ret = run_plan(w, &w->plans.v[i], err);
	return ret;
}

/* ---- the night ---- */

static void note_removed(void *ctx, const struct nightly_result *r,
			 const char *why)
{
	note(ctx, "removes %s (%s)", str_base(r->dir), why);
}

static int open_results(const struct work *w, struct err *err)
{
	struct nightly_night *n = w->night;
	int ret;

	if (w->run->dry_run)
		return nightly_store_read(&n->store, w->job->results, err);
	ret = nightly_store_open(&n->store, w->job, &w->run->wait, err);
	return ret;
}

static int prune(const struct work *w, struct err *err)
{
	if (w->run->dry_run)
		return 0;
	return nightly_keep_prune(&w->night->store, w->job,
				  (long long)time(NULL), note_removed,
				  (void *)(uintptr_t)w, err);
}

int nightly_night_run(struct nightly_night *out, struct nightly_run *run,
		      const struct nightly_job *job, struct err *err)
{
	struct work w = { .night = out, .run = run, .job = job };
	int ret;

	*out = (struct nightly_night){ .job = job };
	ret = open_results(&w, err);
	if (!ret)
		ret = update_tree(&w, err);
	if (!ret)
		ret = tree_commit_find(&w.commit, job->tree, job->rev, err);
	if (!ret)
		ret = prune(&w, err);
	if (!ret)
		ret = run_plans(&w, err);
	nightly_plans_release(&w.plans);
	tree_commit_release(&w.commit);
	free(w.describe);
	return ret;
}

void nightly_night_release(struct nightly_night *n, struct nightly_run *run)
{
	struct work w = { .night = n, .run = run, .job = n->job };
	struct err ignored;

	/* What is not removed now is so by the next night. */
	if (run && n->store.lock > 0)
		prune(&w, &ignored);
	for (size_t i = 0; i < n->n_loose; i++) {
		nightly_result_release(n->loose[i]);
		free(n->loose[i]);
	}
	free(n->loose);
	free(n->v);
	nightly_store_release(&n->store);
	*n = (struct nightly_night){ 0 };
}
