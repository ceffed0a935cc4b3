/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/earlier.h"

#include "base/fs.h"
#include "history/record.h"
#include "kernel/artifact.h"
#include "kernel/bloat.h"
#include "kernel/key.h"
#include "tree/bisect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_BACK 1000 /* builds of a key that are looked at */

/* --------------------------------------------------------- which one it is */

struct choice {
	const char *dir; /* the build directory */
	const struct strv *good; /* commits; NULL: any */
	bool fresh;
	int64_t self; /* this build */
	int64_t base, here; /* numbers of those that were found; or 0 */
	char *output; /* of `base` */
	char *base_dir; /* its build directory */
	bool known; /* what every unit said there is known */
};

static bool can_be_compared(const struct history_build *b)
{
	return b->has_details && b->state != HISTORY_RUNNING &&
	       b->state != HISTORY_KILLED;
}

static bool may_be_base(const struct choice *c, const struct history_build *b)
{
	if (!c->good)
		return true;
	return b->state == HISTORY_GOOD && b->commit &&
	       strv_has(c->good, b->commit);
}

static int consider_build(void *ctx, const struct history_build *b)
{
	struct choice *c = ctx;
	bool here = str_equal(b->dir, c->dir);

	if (b->number == c->self || !can_be_compared(b))
		return 0;
	if (!c->here && here)
		c->here = b->number;
	/* The last one here goes before a later one elsewhere. */
	if (may_be_base(c, b) &&
	    (!c->base || (!c->fresh && !c->good && c->here == b->number))) {
		c->base = b->number;
		free(c->output);
		c->output = b->output ? xstrdup(b->output) : NULL;
		free(c->base_dir);
		c->base_dir = b->dir ? xstrdup(b->dir) : NULL;
	}
	if (c->base && b->fresh && str_equal(b->dir, c->base_dir))
		c->known = true;
	return c->base && (c->fresh ? c->known : c->here != 0);
}

/*
 * Where the history begins in a directory in which much was compiled before,
 * nobody knows what all of it says.  To a build that compiles all of it anew
 * that would be news, so it is not compared with such a one.
 */
static bool is_base(const struct choice *c)
{
	return c->base && (!c->fresh || c->known);
}

/* ------------------------------------------------------- what it had to say */

static char *dup_known(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static unsigned as_unsigned(int64_t n)
{
	return n > 0 && n <= UINT32_MAX ? (unsigned)n : 0;
}

static void add_standing(struct diag_set *set, const struct history_diag *row)
{
	struct diag d = {
		.tool = diag_tool_of(row->tool ? row->tool : ""),
		.severity = str_equal(row->severity, "error") ? DIAG_ERROR :
								DIAG_WARNING,
		.line = as_unsigned(row->line),
		.column = as_unsigned(row->column),
		.file = dup_known(row->file),
		.flag = dup_known(row->flag),
		.text = xstrdup(row->text ? row->text : ""),
		.object = dup_known(row->object),
	};

	diag_set_restore(set, &d);
}

static int read_standing(struct history *h, int64_t number,
			 struct diag_set *out, struct err *err)
{
	struct history_details d = { 0 };
	int ret = history_read_diags(h, number, &d, err);

	for (size_t i = 0; !ret && i < d.n_diags; i++) {
		if (d.diag[i].how != HISTORY_GONE)
			add_standing(out, &d.diag[i]);
	}
	history_details_release(&d);
	return ret;
}

static int read_earlier(struct kernel_earlier *e, struct history *h,
			const struct choice *c, struct err *err)
{
	int ret = read_standing(h, c->base, &e->standing, err);

	if (!ret)
		ret = history_read_sizes(h, c->base, &e->sizes, err);
	if (!ret && !c->fresh && c->here && c->here != c->base) {
		e->has_here = true;
		ret = read_standing(h, c->here, &e->here, err);
	}
	return ret;
}

/* A damaged history is no reason to fail: then nothing is compared. */
static void find_in_history(struct kernel_run *run, struct history *h,
			    struct choice *c)
{
	struct kernel_earlier *e = &run->earlier;
	char key[DIGEST_HEX];
	struct history_filter same = { .key = key,
				       .state = -1,
				       .most = LOOK_BACK };
	struct err err = { 0 };
	int ret;

	kernel_plan_key(run->plan, key);
	ret = history_list(h, &same, consider_build, c, &err);
	if (ret >= 0 && is_base(c)) {
		ret = read_earlier(e, h, c, &err);
		if (!ret)
			e->number = c->base;
	}
	if (ret < 0)
		kernel_run_note(run, "not compared with an earlier build: %s",
				err.text);
}

static int want_earlier(struct kernel_run *run, bool bisected, struct err *err)
{
	if (!run->plan->request->new_warnings || run->earlier.number)
		return 0;
	if (bisected)
		return err_set(err, ENOENT,
			       "-W: no build of a revision that is marked good "
			       "is known, to tell which warnings are new: "
			       "build that one with the same options first");
	if (!history_record_history(run->farm.record))
		kernel_run_note(run, "-W: without a history nothing tells "
				     "which warnings are new");
	else
		kernel_run_note(run, "-W: there is no earlier build to compare "
				     "with; this one will be the first");
	return 0;
}

int kernel_earlier_find(struct kernel_run *run, bool fresh, struct err *err)
{
	struct history *h = history_record_history(run->farm.record);
	struct kernel_earlier *e = &run->earlier;
	struct strv good = { 0 };
	bool bisected = run->plan->request->new_warnings &&
			tree_bisect_good(run->plan->tree, &good);
	struct choice c = {
		.dir = run->plan->place.dir,
		.good = bisected ? &good : NULL,
		.fresh = fresh,
		.self = history_record_number(run->farm.record),
	};
	int ret;

	e->fresh = fresh;
	if (h)
		find_in_history(run, h, &c);
	e->output = c.output;
	free(c.base_dir);
	if (e->number) {
		diag_known_init(&e->known, &e->standing);
		run->joblog.known = &e->known;
	}
	ret = want_earlier(run, bisected, err);
	strv_release(&good);
	return ret;
}

/* ------------------------------------------------------------ comparing them
 */

struct standing {
	const struct kernel_run *run;
	bool complete;
};

static bool lies_in(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool yes = fs_exists(path);

	free(path);
	return yes;
}

/* A source that is no more is not compiled again. */
static bool source_is_gone(const struct kernel_run *run, const struct diag *d)
{
	return d->file && d->file[0] != '/' && d->file[0] != '<' && d->line &&
	       !lies_in(run->plan->tree, d->file) &&
	       !lies_in(run->plan->place.dir, d->file);
}

static bool object_stands(const struct standing *s, const char *object)
{
	const struct kernel_run *run = s->run;

	if (diag_log_made(&run->joblog, object, strlen(object)))
		return false;
	/* What make did not come to is as it was. */
	if (!s->complete)
		return true;
	return !run->earlier.fresh && lies_in(run->plan->place.dir, object);
}

static bool still_stands(void *ctx, const struct diag *d)
{
	const struct standing *s = ctx;
	struct strv objects = { 0 };
	bool yes = false;

	if (!d->object || source_is_gone(s->run, d))
		return false;
	strv_split(&objects, d->object, " ");
	for (size_t i = 0; !yes && i < objects.n; i++)
		yes = object_stands(s, objects.v[i]);
	strv_release(&objects);
	return yes;
}

static void tell_diagnostic(struct kernel_run *run, const struct diag_entry *e)
{
	struct events_event ev = events_new(EVENTS_FOUND);
	const struct diag *d = &e->d;

	ev.how = diag_how_word(e->how);
	ev.tool = diag_tool_word(d->tool);
	ev.severity = d->severity == DIAG_ERROR ? EVENTS_ERROR : EVENTS_WARNING;
	ev.file = d->file;
	ev.flag = d->flag;
	ev.text = d->text;
	ev.object = d->object;
	if (d->line)
		ev.line = d->line;
	if (d->column)
		ev.column = d->column;
	events_hub_tell(run->farm.hub, &ev);
}

void kernel_earlier_compare(struct kernel_run *run, bool complete)
{
	struct standing s = { run, complete };
	struct kernel_earlier *e = &run->earlier;
	struct diag_set *found = &run->joblog.found;

	run->joblog.known = NULL;
	if (e->number && e->has_here) {
		e->change = diag_compare(found, &e->here, still_stands, &s);
		e->change = diag_compare(found, &e->standing, NULL, NULL);
	} else if (e->number) {
		e->change = diag_compare(found, &e->standing, still_stands, &s);
	}
	for (size_t i = 0; i < found->n; i++)
		tell_diagnostic(run, found->v[i]);
	for (size_t i = 0; e->number && i < e->standing.n; i++) {
		if (e->standing.v[i]->how == DIAG_GONE)
			tell_diagnostic(run, e->standing.v[i]);
	}
}

/* ------------------------------------------------------------------- sizes */

void kernel_earlier_tell_sizes(struct kernel_run *run,
			       const struct kernel_artifacts *a)
{
	for (size_t i = 0; i < a->n_sizes; i++) {
		const struct kernel_elfsize *s = &a->sizes[i].size;
		struct events_event ev = events_new(EVENTS_SIZE);

		ev.name = a->sizes[i].name;
		ev.file_bytes = (int64_t)s->file;
		if (s->text || s->data || s->bss) {
			ev.text_bytes = (int64_t)s->text;
			ev.data_bytes = (int64_t)s->data;
			ev.bss_bytes = (int64_t)s->bss;
		}
		events_hub_tell(run->farm.hub, &ev);
	}
}

void kernel_earlier_bloat(const struct kernel_run *run, struct buf *out)
{
	const struct kernel_earlier *e = &run->earlier;
	char *old = xasprintf("%s/vmlinux", e->output ? e->output : "");
	char *new = kernel_plan_path(run->plan, "vmlinux");
	struct err err = { 0 };

	if (!e->number)
		buf_add_str(out, "bloat: there is no earlier build to compare "
				 "with\n");
	else if (str_equal(e->output, run->output.dir))
		buf_printf(out,
			   "bloat: build %lld had the output directory that is "
			   "this one's now; another one for each (-o) keeps "
			   "its vmlinux\n",
			   (long long)e->number);
	else if (!fs_exists(old))
		buf_printf(out,
			   "bloat: build %lld has no vmlinux any more: %s\n",
			   (long long)e->number, old);
	else if (kernel_bloat_text(out, old, new, &err))
		buf_printf(out, "bloat: %s\n", err.text);
	free(new);
	free(old);
}

void kernel_earlier_release(struct kernel_earlier *e)
{
	free(e->output);
	diag_set_release(&e->standing);
	diag_set_release(&e->here);
	diag_known_release(&e->known);
	history_details_release(&e->sizes);
	*e = (struct kernel_earlier){ 0 };
}
