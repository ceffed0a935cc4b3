/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/run.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/vec.h"
#include "diag/line.h"
#include "history/recorder.h"
#include "kernel/outdir.h"
#include "nightly/bisect.h"
#include "nightly/build-matrix.h"
#include "nightly/child.h"
#include "nightly/notify.h"
#include "report/html.h"
#include "tree/log.h"
#include "tree/rev-parse.h"
#include "tree/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOG_MAX (64u << 20)

#define HISTORY_WAIT_MS 500 /* wait for the lock of the history database */

/* Exit status of `kfarm build`, see kfarm(1). */
#define STATUS_GOOD   0
#define STATUS_FAILED 2
#define STATUS_WARNED 101

static char *copy_hex(const struct digest *d)
{
	char hex[DIGEST_HEX];

	digest_format(d, hex);
	return xstrdup(hex);
}

/*
 * Initialize the result of a build that is about to start.  `dir` and the
 * outcome are not set.
 */
static void begin_result(struct nightly_result *r,
			 const struct nightly_build *p, const char *commit,
			 const char *subject, enum nightly_decision why)
{
	const char *word = p->toolchain ? p->toolchain : "unknown";
	struct buf command = { 0 };

	nightly_build_command_add_shown(&command, p, commit);
	*r = (struct nightly_result){
		.name = xstrdup(p->job->name),
		.arch = xstrdup(p->arch_text),
		.config = xstrdup(p->config_text),
		.toolchain = xstrdup(p->compiler ? p->compiler : word),
		.build = xstrdup(p->name),
		.began_s = (long long)time(NULL),
		.previous_id = history_last_number(),
		.command = buf_steal(&command), /* reproduces the build */
		.commit = xstrdup(commit),
		.subject = xstrdup(subject),
		.config_id = copy_hex(&p->config_id),
		.toolchain_id = copy_hex(&p->toolchain_id),
		.options_id = copy_hex(&p->options_id),
		.decision = why,
	};
}

/*
 * A nightly run never fails because of the history: data that cannot be read
 * counts as unknown, and data that cannot be written is dropped.
 */

static struct history *open_history(enum history_mode use)
{
	char *path = history_db_path();
	struct history *h = NULL;
	struct err ignored;

	if (history_db_open_at(&h, path, use, HISTORY_WAIT_MS, &ignored))
		h = NULL;
	free(path);
	return h;
}

static unsigned to_count(int64_t n)
{
	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
}

/*
 * Append diagnostics to r->messages in the format of compilers, but without the
 * column.  `errors` selects errors or warnings.  If `old` is false, append only
 * new diagnostics.  If `old` is true, append only diagnostics that the baseline
 * has as well, or all diagnostics if no baseline exists.
 */
static void add_diag_messages(struct nightly_result *r,
			      const struct history_details *details,
			      bool errors, bool old)
{
	for (size_t i = 0; i < details->n_diags; i++) {
		const struct history_diag *d = &details->diags[i];
		bool error = !str_equal(d->severity, "warning");
		bool is_old = d->status == HISTORY_DIAG_UNCHANGED ||
			      d->status == HISTORY_DIAG_NO_BASELINE;
		struct buf line = { 0 }, shown = { 0 };

		if (!(old ? is_old : d->status == HISTORY_DIAG_NEW) ||
		    error != errors || r->messages.n >= NIGHTLY_MESSAGES_MAX)
			continue;
		if (d->file)
			buf_printf(&line, "%s:", d->file);
		if (d->file && d->line)
			buf_printf(&line, "%lld:", (long long)d->line);
		buf_printf(&line, "%s%s: %s", d->file ? " " : "",
			   d->severity ? d->severity : "error",
			   d->text ? d->text : "");
		if (d->flag)
			buf_printf(&line, " [%s]", d->flag);
		printable_add_escaped(&shown, buf_bytes(&line), 0);
		strv_add(&r->messages, buf_str(&shown));
		buf_release(&shown);
		buf_release(&line);
	}
}

/*
 * Find the finished build with output directory `dir` in the history.  Store
 * the build number and the counts of new errors and new warnings in `r`.  Add
 * the first new diagnostics to r->messages, unless the build could not be
 * completed.  If the build has failed without a new error, add the first errors
 * that are not new.
 */
static void read_history(struct nightly_result *r, const char *dir)
{
	struct history *h = open_history(HISTORY_MODE_READ);
	struct history_build b = { 0 };
	struct history_details d = { 0 };
	struct err ignored;

	/* Ignore a build that an earlier run made in this directory. */
	if (h && !history_build_find_output(h, dir, &b, &ignored) &&
	    b.number > r->previous_id) {
		r->history_id = b.number;
		r->n_new_errors = to_count(b.n_new_errors);
		r->n_new_warnings = to_count(b.n_new_warnings);
		if (r->end != NIGHTLY_END_BROKEN &&
		    !history_read_diags(h, r->history_id, &d, &ignored)) {
			add_diag_messages(r, &d, true, false);
			if (r->end == NIGHTLY_END_FAILED && !r->messages.n)
				add_diag_messages(r, &d, true, true);
			add_diag_messages(r, &d, false, false);
		}
	}
	history_details_release(&d);
	history_build_release(&b);
	history_db_close(h);
}

/* Record the final path of the output directory of a build in the history. */
static void record_output(struct history *h, const struct nightly_result *r)
{
	char *page = xasprintf("%s/report.html", r->dir);
	struct err ignored;

	/* report.html also contains the path, so write it again. */
	if (!history_build_set_output(h, r->history_id, r->dir, &ignored) &&
	    fs_exists(page))
		report_html_write(h, r->history_id, page, &ignored);
	free(page);
}

/*
 * Correct the history after a killed run.  Builds whose final path was not
 * recorded still have the path of nightly_store_build_dir().  Replace this path
 * by the directory of the build's result, or delete it if the build has no
 * result.
 */
static void record_interrupted_outputs(const struct nightly_store *s)
{
	struct history *h = open_history(HISTORY_MODE_WRITE);
	char *dir = nightly_store_build_dir(s);
	struct history_build b = { 0 };
	struct err ignored;
	int ret = 0;

	while (h && !ret && !history_build_find_output(h, dir, &b, &ignored)) {
		ret = history_build_set_output(h, b.number, NULL, &ignored);
		for (size_t i = 0; !ret && i < s->n_results; i++) {
			if (s->results[i]->history_id == b.number)
				record_output(h, s->results[i]);
		}
		history_build_release(&b);
	}
	history_build_release(&b);
	free(dir);
	history_db_close(h);
}

/* ---- counts ---- */

static unsigned count_in(const json_t *group, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(group, name));

	return n > 0 && n <= UINT32_MAX ? (unsigned)n : 0;
}

/*
 * Read the numbers of errors and warnings from metadata.json, which every build
 * writes.  Returns false if the file is missing or damaged.
 */
static bool read_counts(struct nightly_result *r, const char *dir)
{
	json_t *root = kernel_outdir_read_metadata(dir);
	json_t *results = json_object_get(root, "results");

	r->n_errors = count_in(results, "errors");
	r->n_warnings = count_in(results, "warnings");
	json_decref(root);
	return results;
}

/* ---- messages ---- */

static void add_printable_message(struct nightly_result *r, const char *line)
{
	struct buf text = { 0 };

	printable_add_escaped(&text, bytes_str(line), 0);
	if (text.len && r->messages.n < NIGHTLY_MESSAGES_MAX)
		strv_add(&r->messages, buf_str(&text));
	buf_release(&text);
}

/* Add the lines from index `first` on. */
static void add_printable_messages(struct nightly_result *r,
				   const struct strv *lines, size_t first)
{
	for (size_t i = first; i < lines->n; i++)
		add_printable_message(r, lines->v[i]);
}

static const char make_error_mark[] = "error: ", tool_mark[] = "kfarm: ";

/*
 * Append the lines of the file DIR/NAME that contain `mark` to `out`.  An empty
 * `mark` selects all lines.
 */
static void read_lines(struct strv *out, const char *dir, const char *name,
		       const char *mark)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(path, LOG_MAX, &text, &ignored)) {
		for (const char *at = buf_str(&text); *at;) {
			size_t n = strcspn(at, "\n");

			if (memmem(at, n, mark, strlen(mark)))
				strv_own(out, xstrndup(at, n));
			at += n + (at[n] == '\n');
		}
	}
	buf_release(&text);
	free(path);
}

static bool is_tool_warning(const char *line)
{
	return strstr(line, "kfarm: warning: ") != NULL;
}

/*
 * Add the lines of kfarm, except warnings, to r->messages: the last line first,
 * because `kfarm build` prints its error last, then the other lines in order.
 */
static void add_tool_messages(struct nightly_result *r,
			      const struct strv *tool_lines)
{
	char *const *v = tool_lines->v;
	size_t n = tool_lines->n;

	while (n && is_tool_warning(v[n - 1]))
		n--;
	if (n)
		add_printable_message(r, v[n - 1]);
	for (size_t i = 0; i + 1 < n; i++) {
		if (!is_tool_warning(v[i]))
			add_printable_message(r, v[i]);
	}
}

/*
 * Add the last lines of nightly.log, except progress lines and warnings of
 * kfarm, to r->messages.
 */
static void add_log_end(struct nightly_result *r, const char *dir)
{
	struct strv all = { 0 }, shown = { 0 };

	read_lines(&all, dir, NIGHTLY_LOG_FILE, "");
	for (size_t i = 0; i < all.n; i++) {
		if (*all.v[i] && !nightly_child_is_progress(all.v[i]) &&
		    !is_tool_warning(all.v[i]))
			strv_add(&shown, all.v[i]);
	}
	add_printable_messages(r, &shown,
			       shown.n > NIGHTLY_MESSAGES_MAX ?
				       shown.n - NIGHTLY_MESSAGES_MAX :
				       0);
	strv_release(&shown);
	strv_release(&all);
}

/*
 * Return true if the build failed because of a full disk, which `kfarm build`
 * reports as an ordinary failure.
 */
static bool was_disk_full(const struct strv *tool_lines)
{
	for (size_t i = 0; i < tool_lines->n; i++) {
		if (str_starts(tool_lines->v[i], tool_mark) &&
		    diag_line_is_disk_full(tool_lines->v[i]))
			return true;
	}
	return false;
}

static enum nightly_end classify_end(const struct nightly_child_result *ended)
{
	if (ended->timed_out)
		return NIGHTLY_END_BROKEN;
	if (ended->status == STATUS_GOOD || ended->status == STATUS_WARNED)
		return NIGHTLY_END_GOOD;
	return ended->status == STATUS_FAILED ? NIGHTLY_END_FAILED :
						NIGHTLY_END_BROKEN;
}

/*
 * Complete the result of a build that has ended; `dir` is its output directory.
 */
static void finish_result(struct nightly_result *r,
			  const struct nightly_child_result *ended,
			  const char *dir)
{
	struct strv tool_lines = { 0 }, make_lines = { 0 };

	r->status = ended->status;
	r->timed_out = ended->timed_out;
	r->wall_ms = ended->wall_ms;
	r->end = classify_end(ended);
	read_lines(&tool_lines, dir, NIGHTLY_LOG_FILE, tool_mark);
	if (r->end == NIGHTLY_END_FAILED && was_disk_full(&tool_lines))
		r->end = NIGHTLY_END_BROKEN;
	/*
	 * If metadata.json is missing after a success, nothing was built,
	 * because the job's options or targets only print information.
	 */
	if (!read_counts(r, dir) && r->end == NIGHTLY_END_GOOD) {
		r->end = NIGHTLY_END_BROKEN;
		strv_add(&r->messages,
			 "nothing was built: kfarm build succeeded without "
			 "writing metadata.json; check nightly.NAME.target "
			 "and nightly.NAME.options");
	}
	read_history(r, dir);
	if (r->end != NIGHTLY_END_GOOD) {
		if (r->timed_out)
			strv_add(&r->messages, "timed out");
		if (r->end == NIGHTLY_END_FAILED && !r->messages.n)
			read_lines(&make_lines, dir, "build.log",
				   make_error_mark);
		add_printable_messages(r, &make_lines, 0);
		add_tool_messages(r, &tool_lines);
		if (!r->messages.n)
			add_log_end(r, dir);
	}
	strv_release(&make_lines);
	strv_release(&tool_lines);
}

/* Remove partial outputs of an incomplete build; retain logs and metadata. */
static void strip_build_dir(const char *dir)
{
	static const char stay[] = "build.log " NIGHTLY_LOG_FILE
				   " metadata.json reproducer.sh config";
	struct strv names = { 0 };
	struct err ignored;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (!str_list_has(stay, ' ', names.v[i]))
			fs_remove(path, &ignored);
		free(path);
	}
	strv_release(&names);
}

/* State of a run. */
struct run_state {
	struct nightly_run *current_run;
	struct nightly_run_setup *setup;
	const struct nightly_job *job;
	struct nightly_build_matrix builds;
	struct tree_commit commit;
	char *describe; /* git description of the commit; NULL until needed */
	uint64_t bisect_until_ms; /* end of the current bisection, or 0 */
};

static void note(const struct run_state *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void note(const struct run_state *w, const char *fmt, ...)
{
	va_list ap;
	char *text, *line;

	if (!w->setup->on_note)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	line = xasprintf("%s: %s", w->job->name, text);
	w->setup->on_note(w->setup->ctx, line);
	free(line);
	free(text);
}

/* Report the first build of the process. */
static void report_first_build(const struct run_state *w, const char *build,
			       const char *revision)
{
	char *line;

	if (!w->setup->on_start)
		return;
	line = xasprintf("%s: building %s at %s; -v prints the progress",
			 w->job->name, build, revision);
	w->setup->on_start(w->setup->ctx, line);
	w->setup->on_start = NULL;
	free(line);
}

static bool shows_builds(const struct run_state *w)
{
	return w->setup->progress || w->setup->verbose;
}

static const char *describe_head(struct run_state *w)
{
	if (!w->describe)
		w->describe = tree_commit_describe(w->job->tree, w->commit.id);
	return w->describe;
}

/* ---- results ---- */

static void add_run_result(struct run_state *w, const struct nightly_result *r)
{
	*VEC_ADD(w->current_run->results, w->current_run->n_results) = r;
}

static void set_previous_results(const struct run_state *w,
				 struct nightly_result *r)
{
	r->previous = nightly_store_latest(&w->current_run->store, r->build);
	r->last_good = nightly_store_last_good(&w->current_run->store,
					       r->build);
}

static int publish_result(struct run_state *w, struct nightly_result *r,
			  struct nightly_result **out, struct err *err)
{
	struct history *h;
	int ret;

	set_previous_results(w, r);
	ret = nightly_store_publish(&w->current_run->store, r, out, err);
	if (!ret) {
		h = (*out)->history_id ? open_history(HISTORY_MODE_WRITE) :
					 NULL;
		if (h)
			record_output(h, *out);
		history_db_close(h);
		add_run_result(w, *out);
		ret = nightly_store_update_links(&w->current_run->store, w->job,
						 err);
	}
	return ret;
}

/* ---- build ---- */

struct progress_context {
	const struct run_state *w;
	const struct nightly_build *p;
};

static void on_progress(void *ctx, const char *line)
{
	const struct progress_context *c = ctx;

	note(c->w, "%s: %s", c->p->name, line);
}

static int run_job_in_child(const struct run_state *w,
			    const struct nightly_build *p, const char *commit,
			    const struct nightly_build_options *how,
			    struct nightly_child_result *ended, struct err *err)
{
	struct strv argv = { 0 }, env = { 0 };
	char *log = xasprintf("%s/" NIGHTLY_LOG_FILE, how->dir);
	struct progress_context context = { w, p };
	struct nightly_child child = {
		.log = log,
		.shown = w->setup->verbose,
		.on_progress = w->setup->progress && !w->setup->verbose ?
				       on_progress :
				       NULL,
		.ctx = &context,
		.timeout_s = w->job->timeout_s,
		.until_ms = w->bisect_until_ms,
		.stop = w->setup->wait.stop,
	};
	int ret;

	nightly_build_command_add_run(&argv, p, commit, how);
	nightly_build_command_add_env(&env, w->job);
	child.argv = strv_list(&argv);
	child.env = strv_list(&env);
	ret = nightly_child_run(&child, ended, err);
	strv_release(&env);
	strv_release(&argv);
	free(log);
	return ret;
}

/*
 * Record a result for a build that could not be started, so that the next run
 * does not report the same problem again.  nightly.log contains the reason.
 */
static int record_broken_build(struct run_state *w,
			       const struct nightly_build *p, const char *why,
			       struct err *err)
{
	struct nightly_result r, *stored;
	char *dir = NULL, *log;
	struct buf text = { 0 };
	int ret = nightly_store_create_build_dir(&w->current_run->store, &dir,
						 err);

	begin_result(&r, p, w->commit.id, w->commit.subject,
		     NIGHTLY_DECISION_RETRY);
	r.end = NIGHTLY_END_BROKEN;
	r.status = 1;
	add_printable_message(&r, why);
	r.describe = xstrdup(describe_head(w));
	if (!ret) {
		printable_add_escaped(&text, bytes_str(why), 0);
		buf_add_str(&text, "\n");
		log = xasprintf("%s/" NIGHTLY_LOG_FILE, dir);
		ret = fs_write(log, buf_bytes(&text), 0666, err);
		free(log);
	}
	if (!ret)
		ret = publish_result(w, &r, &stored, err);
	nightly_result_release(&r);
	buf_release(&text);
	free(dir);
	return ret;
}

/*
 * Note the outcome of a build, such as "arm64-defconfig: PASS in 3:10, warnings
 * 2 (1 new), errors 0 (0 new)".  If the output of the build is shown, also note
 * the output directory.
 */
static void note_end(const struct run_state *w, const struct nightly_result *r)
{
	struct buf time = { 0 };

	format_time(&time, r->wall_ms);
	note(w, "%s: %s in %s, warnings %u (%u new), errors %u (%u new)",
	     r->build, nightly_notify_result_word(r), buf_str(&time),
	     r->n_warnings, r->n_new_warnings, r->n_errors, r->n_new_errors);
	buf_release(&time);
	if (w->setup->verbose && r->dir) {
		struct buf dir = { 0 };

		fs_add_display_path(&dir, r->dir);
		note(w, "%s: output %s", r->build, buf_str(&dir));
		buf_release(&dir);
	}
}

static int build_plan(struct run_state *w, const struct nightly_build *p,
		      enum nightly_decision why, struct nightly_result **out,
		      struct err *err)
{
	struct nightly_build_options how = { .progress = shows_builds(w) };
	struct nightly_child_result ended;
	struct nightly_result r;
	char *dir = NULL;
	int ret = nightly_store_create_build_dir(&w->current_run->store, &dir,
						 err);

	*out = NULL;
	if (ret)
		return ret;
	how.dir = dir;
	begin_result(&r, p, w->commit.id, w->commit.subject, why);
	r.describe = xstrdup(describe_head(w));
	ret = run_job_in_child(w, p, w->commit.id, &how, &ended, err);
	if (!ret) {
		finish_result(&r, &ended, dir);
		if (r.end == NIGHTLY_END_BROKEN)
			strip_build_dir(dir);
		ret = publish_result(w, &r, out, err);
	}
	if (!ret)
		note_end(w, *out);
	nightly_result_release(&r);
	free(dir);
	return ret;
}

/* ---- bisection ---- */

struct bisect_context {
	struct run_state *w;
	const struct nightly_build *p;
};

static int build_for_search(void *ctx, const char *commit, size_t between,
			    enum nightly_end *end, struct err *err)
{
	const struct bisect_context *s = ctx;
	struct nightly_build_options how = { .progress = shows_builds(s->w),
					     .bisecting = true };
	struct nightly_child_result ended;
	struct history *h;
	struct err ignored;
	struct nightly_result r;
	char *dir = NULL, *position;
	int ret = nightly_store_create_build_dir(&s->w->current_run->store,
						 &dir, err);

	if (ret)
		return ret;
	how.dir = dir;
	begin_result(&r, s->p, commit, "", NIGHTLY_DECISION_FORCED);
	ret = run_job_in_child(s->w, s->p, commit, &how, &ended, err);
	if (!ret) {
		finish_result(&r, &ended, dir);
		/*
		 * Delete the path of the output directory from the history,
		 * because the files of a bisection step are not retained.
		 */
		h = r.history_id ? open_history(HISTORY_MODE_WRITE) : NULL;
		if (h)
			history_build_set_output(h, r.history_id, NULL,
						 &ignored);
		history_db_close(h);
		*end = r.end;
		position = between ? xasprintf("one of %zu", between) :
				     xstrdup("the merge base");
		note(s->w, "%s: bisect: %.12s, %s: %s", s->p->name, commit,
		     position,
		     r.end == NIGHTLY_END_GOOD   ? "good" :
		     r.end == NIGHTLY_END_FAILED ? "bad" :
						   "cannot be built");
		free(position);
	}
	nightly_result_release(&r);
	free(dir);
	return ret;
}

/*
 * Return the reason why a bisection cannot find the first bad commit, or NULL
 * if a bisection is possible.
 */
static const char *no_bisect_reason(const struct nightly_result *r)
{
	const struct nightly_result *good = r->last_good;

	if (!good)
		return "no earlier build was good";
	if (!strcmp(good->commit, r->commit))
		return "the last good build has the same commit";
	if (strcmp(good->config_id, r->config_id) != 0)
		return "the configuration has also changed since the last "
		       "good build";
	if (strcmp(good->toolchain_id, r->toolchain_id) != 0)
		return "the toolchain has also changed since the last good "
		       "build";
	if (strcmp(good->options_id, r->options_id) != 0)
		return "targets or options have also changed since the last "
		       "good build";
	return NULL;
}

static int bisect_failure(struct run_state *w, const struct nightly_build *p,
			  struct nightly_result *r, struct err *err)
{
	struct bisect_context own = { .w = w, .p = p };
	struct nightly_search s = {
		.tree = w->job->tree,
		.bad = r->commit,
		.max_builds = w->job->max_bisect_builds,
		.until_ms = clock_ms() + (uint64_t)w->job->max_bisect_s * 1000,
		.build_commit = build_for_search,
		.ctx = &own,
	};
	const char *why = no_bisect_reason(r);
	struct err ignored;
	int ret = 0;

	/* Discard the result of an earlier bisection, which was incomplete. */
	free(r->bisect.incomplete_reason);
	r->bisect = (struct nightly_bisect_result){ 0 };
	if (why) {
		r->bisect.incomplete_reason = xasprintf("not bisected: %s",
							why);
	} else {
		s.good = r->last_good->commit;
		w->bisect_until_ms = s.until_ms;
		ret = nightly_bisect(&s, &r->bisect, err);
		w->bisect_until_ms = 0;
	}
	/*
	 * Store the error as the result; otherwise, the next run would bisect
	 * again.
	 */
	if (ret && ret != -ECANCELED) {
		r->bisect.incomplete_reason = xasprintf("bisection failed: %s",
							err->text);
		nightly_result_write(r, r->dir, &ignored);
	}
	if (!ret)
		ret = nightly_result_write(r, r->dir, err);
	if (!ret && r->bisect.first_bad)
		note(w, "%s: first bad commit %.12s %s", p->name,
		     r->bisect.first_bad, r->bisect.subject);
	return ret;
}

/*
 * Return true if a bisection of an earlier failure has found a first bad
 * commit, and no build between that failure and `r` was good.
 */
static bool is_first_bad_known(const struct nightly_store *s,
			       const struct nightly_result *r)
{
	for (size_t i = s->n_results; i-- > 0;) {
		const struct nightly_result *p = s->results[i];

		if (p->number >= r->number || strcmp(p->build, r->build) != 0)
			continue;
		if (p->end == NIGHTLY_END_GOOD || p->bisect.first_bad)
			return p->end != NIGHTLY_END_GOOD;
	}
	return false;
}

/*
 * Return true if the failure `r` must be bisected.  A failure whose bisection
 * has found a commit or candidates is not bisected again.  Any other failure is
 * bisected if the user requests it.  If only the configuration of the job
 * requests bisections, two kinds of failures are not bisected: a failure whose
 * bisection was incomplete, and a failure whose first bad commit is known from
 * an earlier failure.
 */
static bool needs_bisect(const struct run_state *w,
			 const struct nightly_result *r)
{
	if (!r || r->end != NIGHTLY_END_FAILED || r->bisect.first_bad ||
	    r->bisect.candidates.n)
		return false;
	return w->setup->bisect ||
	       (w->job->bisect && !r->bisect.incomplete_reason &&
		!is_first_bad_known(&w->current_run->store, r));
}

/* ---- one build ---- */

/*
 * Add a result for an unchanged build.  The new result has the outcome of the
 * last result and no directory.
 */
static void add_unchanged(struct run_state *w, const struct nightly_build *p)
{
	struct nightly_run *n = w->current_run;
	struct nightly_result *own = xmalloc(sizeof(*own));
	const struct nightly_result *last;

	begin_result(own, p, w->commit.id, w->commit.subject,
		     NIGHTLY_DECISION_UNCHANGED);
	*VEC_ADD(n->unstored, n->n_unstored) = own;
	add_run_result(w, own);
	set_previous_results(w, own);
	last = own->previous;
	own->end = last->end;
	own->status = last->status;
	own->describe = last->describe ? xstrdup(last->describe) : NULL;
	note(w, "%s: unchanged at %s: %s", p->name,
	     own->describe ? own->describe : "its commit",
	     nightly_end_word(own->end));
}

/*
 * Return the newest result of the build with `previous` and `last_good` set, or
 * NULL.
 */
static struct nightly_result *find_effective_result(
	const struct nightly_store *s, const struct nightly_build *p)
{
	struct nightly_result *r = NULL;

	for (size_t i = s->n_results; i-- > 0;) {
		if (strcmp(s->results[i]->build, p->name) != 0)
			continue;
		if (r) {
			r->previous = s->results[i];
			break;
		}
		r = s->results[i];
		r->last_good = nightly_store_last_good(s, p->name);
	}
	return r;
}

/* reasons for a build, for display */
static const char *const decision_texts[] = {
	[NIGHTLY_DECISION_FIRST] = "first build",
	[NIGHTLY_DECISION_COMMIT] = "new commit",
	[NIGHTLY_DECISION_CONFIG] = "changed configuration",
	[NIGHTLY_DECISION_TOOLCHAIN] = "changed toolchain",
	[NIGHTLY_DECISION_OPTIONS] = "changed options",
	[NIGHTLY_DECISION_RETRY] = "retry",
	[NIGHTLY_DECISION_FORCED] = "forced",
};

static int run_plan(struct run_state *w, struct nightly_build *p,
		    struct err *err)
{
	const struct nightly_store *s = &w->current_run->store;
	struct nightly_result *r = NULL;
	enum nightly_decision why;
	struct err broken = { 0 };
	int ret = nightly_build_matrix_resolve(p, w->setup->sources, &broken);

	if (ret == -ECANCELED) {
		*err = broken;
		return ret;
	}
	if (ret && w->setup->dry_run) {
		note(w, "%s: %s", p->name, broken.text);
		w->current_run->cannot_start = true;
		return 0;
	}
	if (ret)
		return record_broken_build(w, p, broken.text, err);
	why = nightly_build_matrix_decide(p, w->commit.id, s->results,
					  s->n_results, &w->setup->request);
	if (why == NIGHTLY_DECISION_UNCHANGED) {
		add_unchanged(w, p);
		if (w->setup->bisect || w->job->bisect)
			r = find_effective_result(s, p);
	} else {
		note(w, "%s: build %s (%s)", p->name, describe_head(w),
		     decision_texts[why]);
		if (!w->setup->dry_run) {
			report_first_build(w, p->name, describe_head(w));
			ret = build_plan(w, p, why, &r, err);
		}
	}
	if (w->setup->dry_run)
		return 0;
	return ret || !needs_bisect(w, r) ? ret : bisect_failure(w, p, r, err);
}

/* ---- run ---- */

static void note_removed(void *ctx, const struct nightly_result *r,
			 const char *why)
{
	note(ctx, "removing %s (%s)", str_base(r->dir), why);
}

static int prune(const struct run_state *w, struct err *err)
{
	if (w->setup->dry_run)
		return 0;
	return nightly_store_prune(&w->current_run->store, w->job,
				   (long long)time(NULL), note_removed,
				   (void *)(uintptr_t)w, err);
}

int nightly_run_execute(struct nightly_run *out, struct nightly_run_setup *run,
			const struct nightly_job *job, struct err *err)
{
	struct run_state w = { .current_run = out, .setup = run, .job = job };
	char *advice;
	int ret;

	*out = (struct nightly_run){ .job = job };
	if (run->dry_run)
		ret = nightly_store_read(&out->store, job->results_dir, err);
	else
		ret = nightly_store_open(&out->store, job, &run->wait, err);
	if (ret)
		goto out;
	if (!run->dry_run)
		record_interrupted_outputs(&out->store);
	if (!run->dry_run && !strv_has(&run->updated_trees, job->tree)) {
		note(&w, "updating the tree %s", job->tree);
		ret = tree_update(job->tree, run->observer, err);
		if (ret) {
			err_wrap(err, "cannot update the tree %s", job->tree);
			goto out;
		}
		strv_add(&run->updated_trees, job->tree);
	}
	ret = tree_commit_find(&w.commit, job->tree, job->rev, err);
	if (ret == -ENOENT && job->rev && !run->dry_run) {
		/*
		 * Omit the advice to update the tree, which has already been
		 * updated.
		 */
		advice = strstr(err->text, TREE_REV_PARSE_ADVICE);
		if (advice)
			*advice = '\0';
		err_wrap(err, "%s: [nightly \"%s\"]: rev", job->location,
			 job->name);
	}
	if (!ret)
		ret = prune(&w, err);
	if (ret)
		goto out;

	nightly_build_matrix_init(&w.builds, job);
	for (size_t i = 0; !ret && i < w.builds.n_builds; i++)
		ret = run_plan(&w, &w.builds.builds[i], err);
out:
	nightly_build_matrix_release(&w.builds);
	tree_commit_release(&w.commit);
	free(w.describe);
	return ret;
}

void nightly_run_release(struct nightly_run *n, struct nightly_run_setup *run)
{
	struct run_state w = { .current_run = n, .setup = run, .job = n->job };
	struct err ignored;

	/* If removal fails, the next run repeats it. */
	if (run && n->store.lock_fd > 0)
		prune(&w, &ignored);
	for (size_t i = 0; i < n->n_unstored; i++) {
		nightly_result_release(n->unstored[i]);
		free(n->unstored[i]);
	}
	free(n->unstored);
	free(n->results);
	nightly_store_release(&n->store);
	*n = (struct nightly_run){ 0 };
}
