/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/baseline.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "history/recorder.h"
#include "kernel/artifact.h"
#include "tree/bisect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define BASELINE_SEARCH_MAX 1000 /* maximum number of builds examined */

/* ---- sizes of symbols ---- */

/*
 * Total size of all symbols whose names differ only in a number: "x.12" and
 * "x.13" are counted as "x".
 */
struct bloat_symbol {
	struct map_entry map;
	char *name;
	uint64_t size[2]; /* in the old file and in the new one */
	bool present[2];
};

struct bloat {
	struct map by_name;
	struct bloat_symbol **v;
	size_t n;
	int file_index; /* index in `size` of the file that is being read */
};

static bool is_counted(const struct elf_symbol *s)
{
	static const char *const made[] = { "__mod_", "__se_sys",
					    "__se_compat_sys",
					    "__addressable_" };

	if (!strchr("tTdDbBrR", s->type))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		if (str_starts(s->name, made[i]))
			return false;
	}
	return strcmp(s->name, "linux_banner") && strcmp(s->name, "vermagic");
}

/*
 * Append `name` without ".NUMBER", which the compiler adds to statics and
 * clones.
 */
static void put_plain_name(struct buf *out, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		buf_add(out, name, n);
		name += n;
		n = name[0] ? strspn(name + 1, "0123456789") : 0;
		if (n)
			name += 1 + n;
		else if (*name)
			buf_add(out, name++, 1);
	}
}

static void count_symbol(void *ctx, const struct elf_symbol *given)
{
	struct buf name = { 0 };
	struct bloat *b = ctx;
	struct bloat_symbol *s;
	struct map_entry *at;
	uint64_t hash;

	if (!is_counted(given))
		return;
	put_plain_name(&name, given->name);
	hash = map_hash(bytes_str(buf_str(&name)));
	at = map_find(&b->by_name, hash);
	while (at && strcmp(((struct bloat_symbol *)at)->name, buf_str(&name)))
		at = map_next_match(at);
	s = (struct bloat_symbol *)at;
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->name = xstrdup(buf_str(&name));
		map_add(&b->by_name, &s->map, hash);
		*VEC_ADD(b->v, b->n) = s;
	}
	s->size[b->file_index] += given->size;
	s->present[b->file_index] = true;
	buf_release(&name);
}

static int64_t growth(const struct bloat_symbol *s)
{
	return (int64_t)(s->size[1] - s->size[0]);
}

static int by_growth(const void *a, const void *b)
{
	const struct bloat_symbol *x = *(struct bloat_symbol *const *)a;
	const struct bloat_symbol *y = *(struct bloat_symbol *const *)b;
	int64_t p = growth(x), q = growth(y);

	return p < q ? 1 : p > q ? -1 : strcmp(y->name, x->name);
}

static void put_size(struct buf *out, const struct bloat_symbol *s, int side)
{
	if (s->present[side])
		buf_printf(out, " %7" PRIu64, s->size[side]);
	else
		buf_printf(out, " %7s", "-");
}

static void put_table(struct buf *out, const struct bloat *b)
{
	unsigned added = 0, removed = 0, grown = 0, shrunk = 0;
	int64_t up = 0, down = 0, before = 0, after = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct bloat_symbol *s = b->v[i];
		int64_t d = growth(s);

		before += (int64_t)s->size[0];
		after += (int64_t)s->size[1];
		if (!s->present[0])
			added++;
		else if (!s->present[1])
			removed++;
		else if (d)
			d > 0 ? grown++ : shrunk++;
		if (d > 0)
			up += d;
		else
			down -= d;
	}
	buf_printf(out,
		   "add/remove: %u/%u grow/shrink: %u/%u up/down: %" PRId64
		   "/%" PRId64 " (%" PRId64 ")\n%-40s %7s %7s %7s\n",
		   added, removed, grown, shrunk, up, -down, up - down,
		   "Function", "old", "new", "delta");
	for (size_t i = 0; i < b->n; i++) {
		if (!growth(b->v[i]))
			continue;
		buf_printf(out, "%-40s", b->v[i]->name);
		put_size(out, b->v[i], 0);
		put_size(out, b->v[i], 1);
		buf_printf(out, " %+7" PRId64 "\n", growth(b->v[i]));
	}
	buf_printf(out,
		   "Total: Before=%" PRId64 ", After=%" PRId64
		   ", chg %+.2f%%\n",
		   before, after,
		   before ? (double)(after - before) * 100.0 / (double)before :
			    0.0);
}

int kernel_bloat_text(struct buf *out, const char *old, const char *new,
		      struct err *err)
{
	struct bloat b = { 0 };
	int ret = elf_symbols_read(old, count_symbol, &b, err);

	b.file_index = 1;
	if (!ret)
		ret = elf_symbols_read(new, count_symbol, &b, err);
	if (!ret) {
		if (b.n)
			qsort(b.v, b.n, sizeof(*b.v), by_growth);
		put_table(out, &b);
	}
	for (size_t i = 0; i < b.n; i++) {
		free(b.v[i]->name);
		free(b.v[i]);
	}
	free(b.v);
	map_release(&b.by_name);
	return ret;
}

/* ---- search for the baseline ---- */

struct baseline_search {
	const char *dir; /* build directory of this build */
	/* commits of acceptable baselines; NULL if any commit is acceptable */
	const struct strv *good_commits;
	/*
	 * the build directory had no objects before this build, or before the
	 * interrupted build that this build continues
	 */
	bool fresh;
	int64_t build_number; /* number of this build */
	int64_t base_number; /* number of the baseline found, or 0 */
	int64_t dir_number; /* number of the last build in `dir`, or 0 */
	bool dir_finished; /* the search has found a finished build in `dir` */
	/*
	 * end of the builds `base_number` and `dir_number`, in seconds since
	 * 1970
	 */
	int64_t base_end_s, dir_end_s;
	/*
	 * number and start of the first killed build in `dir` after dir_number;
	 * 0 if no build was killed
	 */
	int64_t killed_number, killed_start_s;
	struct history *h;
	/* sizes of the last good build that has sizes; NULL: not requested */
	struct history_details *sizes;
	int64_t sized_number; /* number of that build, or 0 */
	char *sized_output; /* output directory of that build */
	char *base_dir; /* build directory of the baseline */
	/*
	 * the history has the diagnostics of every unit that was compiled in
	 * base_dir
	 */
	bool base_complete;
};

/* Return the time when a build ended, in seconds since 1970, rounded up. */
static int64_t end_s(const struct history_build *b)
{
	return b->start_s + b->wall_ms / 1000 + 1;
}

/* Read the sizes of a build.  A build of single files has no sizes. */
static void read_sizes(struct baseline_search *c, const struct history_build *b)
{
	struct err ignored;

	history_details_release(c->sizes);
	if (history_read_sizes(c->h, b->number, c->sizes, &ignored) ||
	    !c->sizes->n_sizes)
		return;
	c->sized_number = b->number;
	c->sized_output = b->output ? xstrdup(b->output) : NULL;
}

/*
 * Return true if both paths name the same directory.  A path is NULL if it is
 * unknown.  A path that an older kfarm recorded need not be canonical.
 */
static bool is_same_dir(const char *a, const char *b)
{
	return str_equal(a, b) || (a && b && fs_is_same_dir(a, b));
}

/*
 * Examine a build of the series.  Called for each build, newest first; a
 * nonzero result ends the search.
 */
static int consider_build(void *ctx, const struct history_build *b)
{
	struct baseline_search *c = ctx;
	/* An unfinished build lacks the diagnostics of the remaining units. */
	bool finished = b->state != HISTORY_STATE_INTERRUPTED &&
			b->state != HISTORY_STATE_KILLED;
	bool in_dir = is_same_dir(b->dir, c->dir);
	bool eligible = c->good_commits ?
				b->state == HISTORY_STATE_GOOD && b->commit &&
					strv_has(c->good_commits, b->commit) :
				finished;

	if (in_dir && b->state == HISTORY_STATE_INTERRUPTED &&
	    b->from_scratch && !c->dir_finished)
		c->fresh = true;
	if (in_dir && b->state == HISTORY_STATE_KILLED && !c->dir_number) {
		c->killed_number = b->number;
		c->killed_start_s = b->start_s;
	}
	if (b->number == c->build_number || !b->has_details ||
	    b->state == HISTORY_STATE_RUNNING ||
	    b->state == HISTORY_STATE_KILLED)
		return 0;
	if (in_dir && !c->dir_number) {
		c->dir_number = b->number;
		c->dir_end_s = end_s(b);
	}
	/*
	 * Prefer the last finished build in this directory to newer builds
	 * elsewhere.
	 */
	if (eligible && (!c->base_number || (!c->fresh && !c->good_commits &&
					     in_dir && !c->dir_finished))) {
		c->base_number = b->number;
		c->base_end_s = end_s(b);
		free(c->base_dir);
		c->base_dir = b->dir ? xstrdup(b->dir) : NULL;
	}
	c->dir_finished |= in_dir && finished;
	if (c->base_number && b->from_scratch &&
	    is_same_dir(b->dir, c->base_dir))
		c->base_complete = true;
	if (c->sizes && !c->sized_number && eligible &&
	    b->state == HISTORY_STATE_GOOD)
		read_sizes(c, b);
	return c->base_number && (!c->sizes || c->sized_number) &&
	       (c->fresh ? c->base_complete : c->dir_finished);
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static unsigned as_unsigned(int64_t n)
{
	return n > 0 && n <= UINT32_MAX ? (unsigned)n : 0;
}

static int read_baseline_diags(struct history *h, int64_t number,
			       struct diag_set *out, struct err *err)
{
	struct history_details details = { 0 };
	int ret = history_read_diags(h, number, &details, err);

	for (size_t i = 0; !ret && i < details.n_diags; i++) {
		const struct history_diag *row = &details.diags[i];
		struct diag d;

		if (row->status == HISTORY_DIAG_REMOVED)
			continue;
		d = (struct diag){
			.tool = diag_tool_parse(row->tool ? row->tool : ""),
			.severity = str_equal(row->severity, "error") ?
					    DIAG_SEV_ERROR :
					    DIAG_SEV_WARNING,
			.line = as_unsigned(row->line),
			.column = as_unsigned(row->column),
			.file = dup_or_null(row->file),
			.flag = dup_or_null(row->flag),
			.text = xstrdup(row->text ? row->text : ""),
			.object = dup_or_null(row->object),
		};
		diag_set_restore(out, &d);
	}
	history_details_release(&details);
	return ret;
}

/* A damaged history only prevents the comparison; the build does not fail. */
static void find_in_history(struct kernel_build_state *run, struct history *h,
			    struct baseline_search *c)
{
	struct kernel_baseline *e = &run->baseline;
	struct history_filter same = { .series_key = run->series_key,
				       .state = -1,
				       .max_builds = BASELINE_SEARCH_MAX };
	struct err err = { 0 };
	bool compares;
	int ret = history_build_list(h, &same, consider_build, c, &err);

	/*
	 * A fresh build compiles every unit and thus reports all diagnostics.
	 * If the history lacks some diagnostics of the baseline's build
	 * directory, do not compare, because these diagnostics would appear as
	 * new.
	 */
	compares = c->base_number && (!c->fresh || c->base_complete);
	if (ret >= 0 && compares) {
		ret = read_baseline_diags(h, c->base_number, &e->diags, &err);
		e->diags_end_s = c->base_end_s;
	}
	if (ret >= 0 && !e->fresh && c->dir_number &&
	    c->dir_number != c->base_number) {
		ret = read_baseline_diags(h, c->dir_number, &e->dir_diags,
					  &err);
		e->diags_end_s = c->dir_end_s;
		e->has_dir_diags = !ret;
	}
	if (ret >= 0 && compares)
		e->build_number = c->base_number;
	if (c->killed_number && !e->fresh) {
		e->killed_start_s = c->killed_start_s;
		kernel_build_note(run,
				  "build %lld was killed: the warnings of the "
				  "units that it compiled are unknown",
				  (long long)c->killed_number);
	}
	if (ret < 0)
		kernel_build_note(run,
				  "no comparison with an earlier build: %s",
				  err.text);
}

static int check_baseline_required(struct kernel_build_state *run,
				   bool bisected, struct err *err)
{
	if (!run->plan->request->fail_on_new_warnings ||
	    run->baseline.build_number)
		return 0;
	if (bisected)
		return err_set(
			err, ENOENT,
			"-W: no build of a good revision to compare warnings "
			"with; build one with the same options first");
	if (!history_recorder_db(run->offload.history_record))
		kernel_build_note(
			run,
			"-W: no build history: cannot determine which warnings "
			"are new");
	/* A nightly build has -W although the user did not request it. */
	else if (!run->plan->request->nightly)
		kernel_build_note(
			run,
			"-W: no earlier build to compare with; later builds "
			"are compared with this one");
	return 0;
}

int kernel_baseline_find(struct kernel_build_state *run, bool fresh,
			 struct err *err)
{
	struct history *h = history_recorder_db(run->offload.history_record);
	struct kernel_baseline *e = &run->baseline;
	struct strv good = { 0 };
	bool bisected = run->plan->request->fail_on_new_warnings &&
			tree_bisect_list_good(run->plan->tree, &good);
	struct baseline_search c = {
		.dir = run->plan->builddir.dir,
		.good_commits = bisected ? &good : NULL,
		.fresh = fresh,
		.build_number = history_recorder_build_number(
			run->offload.history_record),
		.h = h,
		.sizes = run->plan->request->print_sizes ||
					 run->plan->request->print_bloat ?
				 &e->sizes :
				 NULL,
	};
	int ret;

	e->fresh = fresh;
	if (h)
		find_in_history(run, h, &c);
	e->sized_number = c.sized_number;
	e->output_dir = c.sized_output;
	free(c.base_dir);
	if (e->build_number) {
		diag_baseline_init(&e->known_diags, &e->diags);
		run->log.baseline = &e->known_diags;
	}
	ret = check_baseline_required(run, bisected, err);
	strv_release(&good);
	return ret;
}

/* ---- comparison ---- */

struct current_diag_filter {
	const struct kernel_build_state *run;
	bool complete; /* make built all goals */
	int64_t now_s; /* seconds since 1970 */
};

/* Return the mtime of a file in seconds since 1970, or -1 if it is missing. */
static int64_t mtime_in_dir(const char *dir, const char *name)
{
	/* A module outside of the tree has an absolute name. */
	char *path = name[0] == '/' ? xstrdup(name) :
				      xasprintf("%s/%s", dir, name);
	struct stat st;
	int64_t mtime_s = stat(path, &st) ? -1 : (int64_t)st.st_mtime;

	free(path);
	return mtime_s;
}

/* Return true if the baseline's diagnostic still applies in this build. */
static bool is_diag_current(void *ctx, const struct diag *d)
{
	const struct current_diag_filter *s = ctx;
	const struct kernel_build_state *run = s->run;
	const struct kernel_baseline *e = &run->baseline;
	const char *tree = run->plan->tree, *dir = run->plan->builddir.dir;
	struct strv objects = { 0 };
	bool yes = false;

	if (!d->object)
		return false;
	/* The diagnostics of a removed source file no longer apply. */
	if (d->file && d->file[0] != '/' && d->file[0] != '<' && d->line &&
	    mtime_in_dir(tree, d->file) < 0 && mtime_in_dir(dir, d->file) < 0)
		return false;
	strv_split(&objects, d->object, " ");
	for (size_t i = 0; !yes && i < objects.n; i++) {
		const char *object = objects.v[i];
		int64_t mtime_s;

		if (diag_log_has_object(&run->log, object, strlen(object)))
			continue;
		mtime_s = mtime_in_dir(dir, object);
		/*
		 * If the object exists, an error is outdated, because a failed
		 * compile leaves no object.  If the object is newer than the
		 * diagnostic, a warning is outdated, too, because another build
		 * (for instance of other targets) has compiled the object
		 * again.  Keep the warning in two cases.  An mtime in the
		 * future comes from the clock of another machine.  An mtime
		 * after the start of a killed build can mean that the killed
		 * build compiled the object, and its warnings are unknown.
		 */
		if (mtime_s >= 0 && d->severity == DIAG_SEV_ERROR)
			continue;
		if (mtime_s > e->diags_end_s && mtime_s <= s->now_s &&
		    (!e->killed_start_s || mtime_s < e->killed_start_s))
			continue;
		/*
		 * This build did not compile the object: either make stopped
		 * too early, or the object existed and was up to date.
		 */
		yes = !s->complete || (!e->fresh && mtime_s >= 0);
	}
	strv_release(&objects);
	return yes;
}

static void report_diagnostic(struct kernel_build_state *run,
			      const struct diag_entry *e)
{
	struct events_event ev = events_event_make(EVENTS_KIND_FOUND);
	const struct diag *d = &e->diag;

	ev.diag_status = diag_status_name(e->status);
	ev.tool = diag_tool_name(d->tool);
	ev.severity = d->severity == DIAG_SEV_ERROR ? EVENTS_SEV_ERROR :
						      EVENTS_SEV_WARNING;
	ev.file = d->file;
	ev.flag = d->flag;
	ev.text = d->text;
	ev.object = d->object;
	if (d->line)
		ev.line = d->line;
	if (d->column)
		ev.column = d->column;
	events_hub_publish(run->offload.hub, &ev);
}

void kernel_baseline_compare(struct kernel_build_state *run, bool complete)
{
	struct current_diag_filter s = { run, complete, time(NULL) };
	struct kernel_baseline *e = &run->baseline;
	struct diag_set *found = &run->log.found;
	size_t n_found = found->n_entries;

	run->log.baseline = NULL;
	if (e->has_dir_diags)
		diag_compare(found, &e->dir_diags, is_diag_current, &s);
	if (e->build_number)
		e->change = diag_compare(
			found, &e->diags,
			e->has_dir_diags ? NULL : is_diag_current, &s);
	for (size_t i = 0; i < found->n_entries; i++) {
		struct diag_entry *d = found->entries[i];

		if (!e->build_number) {
			d->status = DIAG_N_STATUSES;
		} else if (i >= n_found && d->status == DIAG_STATUS_SAME) {
			/*
			 * diag_compare() with `dir_diags` has added this
			 * diagnostic; this build did not report it.
			 */
			d->status = DIAG_STATUS_CARRIED;
			e->change.n_same--;
			e->change.n_carried[d->diag.severity]++;
		}
		report_diagnostic(run, d);
	}
	for (size_t i = 0; e->build_number && i < e->diags.n_entries; i++) {
		if (e->diags.entries[i]->status == DIAG_STATUS_REMOVED)
			report_diagnostic(run, e->diags.entries[i]);
	}
}

/* ---- sizes ---- */

void kernel_baseline_report_sizes(struct kernel_build_state *run,
				  const struct kernel_artifacts *a)
{
	for (size_t i = 0; i < a->n_sizes; i++) {
		const struct kernel_elfsize *s = &a->sizes[i].size;
		struct events_event ev = events_event_make(EVENTS_KIND_SIZE);

		ev.name = a->sizes[i].name;
		ev.file_bytes = (int64_t)s->file_bytes;
		if (s->text_bytes || s->data_bytes || s->bss_bytes) {
			ev.text_bytes = (int64_t)s->text_bytes;
			ev.data_bytes = (int64_t)s->data_bytes;
			ev.bss_bytes = (int64_t)s->bss_bytes;
		}
		events_hub_publish(run->offload.hub, &ev);
	}
}

void kernel_baseline_put_bloat(const struct kernel_build_state *run,
			       struct buf *out)
{
	const struct kernel_baseline *e = &run->baseline;
	char *old = xasprintf("%s/vmlinux", e->output_dir ? e->output_dir : "");
	char *new = kernel_plan_path(run->plan, "vmlinux");
	struct err err = { 0 };

	if (!e->sized_number)
		buf_add_str(out, "bloat: no earlier good build to compare "
				 "with\n");
	else if (is_same_dir(e->output_dir, run->outdir.dir))
		buf_printf(out,
			   "bloat: build %lld used the same output directory; "
			   "select another one with -o to keep its vmlinux\n",
			   (long long)e->sized_number);
	else if (!fs_exists(old))
		buf_printf(
			out,
			"bloat: vmlinux of build %lld no longer exists: %s\n",
			(long long)e->sized_number, old);
	else if (kernel_bloat_text(out, old, new, &err))
		buf_printf(out, "bloat: %s\n", err.text);
	free(new);
	free(old);
}

void kernel_baseline_release(struct kernel_baseline *e)
{
	free(e->output_dir);
	diag_set_release(&e->diags);
	diag_set_release(&e->dir_diags);
	diag_baseline_release(&e->known_diags);
	history_details_release(&e->sizes);
	*e = (struct kernel_baseline){ 0 };
}
