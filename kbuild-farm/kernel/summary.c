/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/summary.h"

#include "base/format.h"
#include "base/fs.h"
#include "base/reason.h"
#include "events/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NEW_DIAGS_MAX 10 /* maximum number of new diagnostics listed */
/* maximum width of the brief summary; long names may exceed it */
#define COLUMNS 80
/* maximum number of reasons listed; the jobs of the others are added up */
#define REASONS_MAX 8

unsigned kernel_summary_permille(unsigned part, unsigned rest)
{
	uint64_t all = (uint64_t)part + rest;

	return all ? (unsigned)((uint64_t)part * 1000 / all) : 0;
}

static void put_times(struct buf *out, uint64_t ms, int64_t cpu_ms)
{
	format_duration(out, ms);
	buf_printf(out, " wall, build host %" PRId64 " s CPU",
		   (cpu_ms + 500) / 1000);
}

/*
 * Append the reasons for local execution.  An entry is the number of jobs,
 * `before`, the reason and `after`.  If `before` is " " and `after` is "", the
 * text is, for example, "12 .incbin, 11 gcc plugins".  If they are " (" and
 * ")", it is "12 (.incbin), 11 (gcc plugins)".
 */
static void put_local_reasons(struct buf *out, const struct events_totals *t,
			      const char *before, const char *after)
{
	unsigned others = 0;

	for (size_t i = 0; i < t->n_reasons && t->reasons[i].n_jobs; i++) {
		if (i >= REASONS_MAX) {
			others += t->reasons[i].n_jobs;
			continue;
		}
		buf_printf(out, "%s%u%s%s%s", i ? ", " : "",
			   t->reasons[i].n_jobs, before, t->reasons[i].text,
			   after);
	}
	if (others)
		buf_printf(out, ", %u%sothers%s", others, before, after);
}

static void put_jobs(struct buf *out, const struct events_totals *t)
{
	unsigned permille;
	unsigned n = events_totals_count_done(t);

	if (!n) {
		buf_add_str(out, "jobs 0\n");
		return;
	}
	buf_printf(out, "jobs %u: ", n);
	permille = kernel_summary_permille(t->n_cached, n - t->n_cached);
	if (t->n_cached)
		buf_printf(out, "%u cached (%u.%u %%", t->n_cached,
			   permille / 10, permille % 10);
	if (t->n_cached_remote)
		buf_printf(out, ", %u from the server", t->n_cached_remote);
	if (t->n_cached)
		buf_add_str(out, "), ");
	permille = kernel_summary_permille(t->n_remote, t->n_local);
	buf_printf(out, "%u remote", t->n_remote);
	if (!t->n_cached)
		buf_printf(out, " (%u.%u %%)", permille / 10, permille % 10);
	buf_printf(out, ", %u local", t->n_local);
	if (t->n_local) {
		buf_add_str(out, " (");
		put_local_reasons(out, t, " ", "");
		buf_add_str(out, ")");
	}
	buf_printf(out, ", %u retried, %u duplicated\n", t->n_retried,
		   t->n_hedged);
}

/*
 * Append the tool steps, which are counted only in builds with the recipe
 * shell.
 */
static void put_kbuild_steps(struct buf *out, const struct events_totals *t,
			     const char *prefix)
{
	const char *between = " (";

	if (!t->n_shell_steps && !t->n_local_steps)
		return;
	buf_printf(out, "%ssteps of kbuild %" PRId64 ": %" PRId64 " on nodes, ",
		   prefix, t->n_shell_steps + t->n_local_steps,
		   events_totals_node_steps(t));
	if (t->n_cached_steps)
		buf_printf(out, "%u cached, ", t->n_cached_steps);
	buf_printf(out, "%" PRId64 " local", events_totals_local_steps(t));
	for (size_t i = 0; i < t->n_step_reasons; i++) {
		buf_printf(out, "%s%u %s", between, t->step_reasons[i].n_jobs,
			   t->step_reasons[i].text);
		between = ", ";
	}
	buf_printf(out, "%s\n", t->n_step_reasons ? ")" : "");
}

/* List the programs that are disabled on nodes. */
static void put_disabled(struct buf *out, const struct events_totals *t,
			 const char *prefix)
{
	for (size_t i = 0; i < t->n_disabled; i++) {
		const struct events_disabled *d = &t->disabled[i];

		buf_printf(out, "%sdisabled: ", prefix);
		events_text_add_disabled(out, d->tool, d->node, d->n_failures,
					 NULL);
		buf_add_str(out, "\n");
	}
}

/*
 * Return true if `a` and `b` are members of the same pool and have the same
 * state for the same reason.
 */
static bool has_same_problem(const struct events_node *a,
			     const struct events_node *b)
{
	size_t len = events_text_pool_len(a->name);

	return len && len == events_text_pool_len(b->name) &&
	       !memcmp(a->name, b->name, len) && !strcmp(a->state, b->state) &&
	       str_equal(a->reason, b->reason);
}

/*
 * Describe the nodes that are not up.  Members of a pool with the same problem
 * get one line.
 */
static void put_nodes(struct buf *out, const struct events_totals *t,
		      const char *prefix)
{
	for (size_t i = 0; i < t->n_nodes; i++) {
		const struct events_node *n = t->nodes[i];
		bool reported = false;
		unsigned more = 0;

		/* A removed pool member was idle, so it is not a problem. */
		if (events_node_is_local(n) || events_node_is_up(n) ||
		    (events_text_pool_len(n->name) &&
		     !strcmp(n->state, "removed")))
			continue;
		for (size_t k = 0; k < t->n_nodes; k++) {
			if (k != i && has_same_problem(n, t->nodes[k])) {
				reported |= k < i;
				more++;
			}
		}
		if (reported)
			continue;
		buf_add_str(out, prefix);
		events_text_add_node(out, n->name, n->state, n->reason);
		if (more)
			buf_printf(out, " (and %u other member%s)", more,
				   format_plural(more));
		buf_add_str(out, "\n");
	}
}

static void put_kernel_sizes(struct buf *out, const struct kernel_artifacts *a)
{
	const struct kernel_elfsize *v = kernel_artifact_find_size(a,
								   "vmlinux");
	const char *between = "sizes ";

	for (size_t i = 0; i < a->n_sizes; i++) {
		if (!str_starts(a->sizes[i].name, "arch/"))
			continue;
		buf_printf(out, "%s%s %" PRIu64, between,
			   str_base(a->sizes[i].name),
			   a->sizes[i].size.file_bytes);
		between = ", ";
	}
	if (v)
		buf_printf(out,
			   "%svmlinux %" PRIu64 " (text %" PRIu64
			   ", data %" PRIu64 ", bss %" PRIu64 ")",
			   between, v->file_bytes, v->text_bytes, v->data_bytes,
			   v->bss_bytes);
	if (v || *between == ',')
		buf_add_str(out, "\n");
}

static int by_file_size(const void *a, const void *b)
{
	const struct kernel_elfsize
		*x = &(*(struct kernel_artifact_size *const *)a)->size,
		*y = &(*(struct kernel_artifact_size *const *)b)->size;

	return x->file_bytes < y->file_bytes ? 1 :
	       x->file_bytes > y->file_bytes ? -1 :
					       0;
}

void kernel_summary_sizes(struct buf *out, const struct kernel_artifacts *a)
{
	const struct kernel_artifact_size **order = xcalloc(a->n_sizes + 1,
							    sizeof(*order));

	for (size_t i = 0; i < a->n_sizes; i++)
		order[i] = &a->sizes[i];
	qsort(order, a->n_sizes, sizeof(*order), by_file_size);
	buf_printf(out, "%10s %10s %10s %10s  %s\n", "text", "data", "bss",
		   "file", "name");
	for (size_t i = 0; i < a->n_sizes; i++) {
		const struct kernel_elfsize *s = &order[i]->size;

		if (s->text_bytes || s->data_bytes || s->bss_bytes)
			buf_printf(out,
				   "%10" PRIu64 " %10" PRIu64 " %10" PRIu64,
				   s->text_bytes, s->data_bytes, s->bss_bytes);
		else
			buf_printf(out, "%10s %10s %10s", "-", "-", "-");
		buf_printf(out, " %10" PRIu64 "  %s\n", s->file_bytes,
			   order[i]->name);
	}
	free(order);
}

/*
 * List the diagnostics that the baseline does not have.  The build has printed
 * the texts of its errors, but not of the warnings that were found by an
 * interrupted build and still apply.
 */
static void put_new_diagnostics(struct buf *out,
				const struct kernel_build_state *run)
{
	const struct diag_set *found = &run->log.found;
	unsigned n = 0;

	for (size_t i = 0; run->baseline.build_number && i < found->n_entries;
	     i++) {
		if (found->entries[i]->status != DIAG_STATUS_NEW ||
		    n++ >= NEW_DIAGS_MAX)
			continue;
		buf_add_str(out, "new: ");
		if (found->entries[i]->diag.severity == DIAG_SEV_ERROR)
			diag_format_place(out, &found->entries[i]->diag);
		else
			diag_format(out, &found->entries[i]->diag);
		buf_add_str(out, "\n");
	}
	if (n > NEW_DIAGS_MAX)
		buf_printf(out, "new: %u more, see metadata.json\n",
			   n - NEW_DIAGS_MAX);
}

/*
 * Put "warnings 3 (1 new, 2 gone, 4 carried)"; without a baseline, "warnings
 * 3".  Carried diagnostics are those of units that were not compiled again.
 */
static void put_diagnostics(struct buf *out, const char *what,
			    const struct kernel_metadata *m,
			    enum diag_severity severity)
{
	const struct kernel_baseline *e = &m->run->baseline;
	unsigned n = severity == DIAG_SEV_ERROR ? m->totals->n_errors :
						  m->totals->n_warnings;
	unsigned n_new = e->change.n_new[severity];
	unsigned gone = e->change.n_removed[severity];
	unsigned carried = e->change.n_carried[severity];
	struct strv counts = { 0 };
	char *list;

	buf_printf(out, "%s %u", what, n);
	if (!e->build_number)
		return;
	if (n || n_new || gone)
		strv_addf(&counts, "%u new", n_new);
	if (gone)
		strv_addf(&counts, "%u gone", gone);
	if (carried)
		strv_addf(&counts, "%u carried", carried);
	list = strv_join(&counts, ", ");
	if (counts.n)
		buf_printf(out, " (%s)", list);
	free(list);
	strv_release(&counts);
}

static void put_delta(struct buf *out, uint64_t now, int64_t before)
{
	int64_t delta = (int64_t)now - before;

	if (delta)
		buf_printf(out, "%+10" PRId64 " ", delta);
	else
		buf_printf(out, "%10s ", "-");
}

static bool put_size_change(struct buf *out, const struct kernel_baseline *e,
			    const struct kernel_artifact_size *s)
{
	const struct kernel_elfsize *now = &s->size;
	const struct history_size *was = NULL;

	for (size_t i = 0; !was && i < e->sizes.n_sizes; i++) {
		if (!strcmp(e->sizes.sizes[i].name, s->name))
			was = &e->sizes.sizes[i];
	}
	if (!was) {
		buf_printf(out, "%43s  %s\n", "new", s->name);
		return true;
	}
	if (now->text_bytes == (uint64_t)was->text_bytes &&
	    now->data_bytes == (uint64_t)was->data_bytes &&
	    now->bss_bytes == (uint64_t)was->bss_bytes &&
	    now->file_bytes == (uint64_t)was->file_bytes)
		return false;
	put_delta(out, now->text_bytes, was->text_bytes);
	put_delta(out, now->data_bytes, was->data_bytes);
	put_delta(out, now->bss_bytes, was->bss_bytes);
	put_delta(out, now->file_bytes, was->file_bytes);
	buf_printf(out, " %s\n", s->name);
	return true;
}

void kernel_summary_size_changes(struct buf *out,
				 const struct kernel_artifacts *a,
				 const struct kernel_baseline *e)
{
	bool any = false;

	if (!e->sized_number)
		return;
	buf_printf(out, "\nagainst build %" PRId64 ":\n", e->sized_number);
	for (size_t i = 0; i < a->n_sizes; i++)
		any |= put_size_change(out, e, &a->sizes[i]);
	for (size_t i = 0; i < e->sizes.n_sizes; i++) {
		if (kernel_artifact_find_size(a, e->sizes.sizes[i].name))
			continue;
		buf_printf(out, "%43s  %s\n", "gone", e->sizes.sizes[i].name);
		any = true;
	}
	if (!any)
		buf_add_str(out, "no size changes\n");
}

/*
 * Put "built Image" or "cleaned DIR".  The text does not name skipped goals if
 * `verb` is "built".
 */
static void put_names(struct buf *out, const char *verb,
		      const struct kernel_metadata *m)
{
	const struct kernel_plan *p = m->plan;
	const struct kernel_goals *goals = &m->run->goals;
	struct strv built = { 0 };
	char *names;

	if (!strcmp(verb, "cleaned")) {
		buf_add_str(out, "cleaned ");
		fs_add_display_path(out, p->module.dir ? p->module.dir :
							 p->builddir.dir);
		return;
	}
	for (size_t i = 0; i < goals->n; i++) {
		if (goals->v[i].status != KERNEL_GOAL_SKIP)
			strv_add(&built, goals->v[i].name);
	}
	if (!goals->n || strcmp(verb, "built") != 0)
		names = strv_join(&p->request->targets, " ");
	else
		names = built.n ? strv_join(&built, " ") : xstrdup("nothing");
	buf_printf(out, "%s %s", verb,
		   *names        ? names :
		   p->module.dir ? "modules" :
				   "all");
	if (p->module.dir) {
		buf_add_str(out, " of ");
		fs_add_display_path(out, p->module.dir);
	}
	strv_release(&built);
	free(names);
}

/* Put "built Image: arm64, gcc-12.2.0, linux-6.1.192, 1:23 wall, ...". */
static void put_headline(struct buf *out, const char *verb,
			 const struct kernel_metadata *m)
{
	char *compiler = kernel_plan_compiler_name(m->plan);

	put_names(out, verb, m);
	buf_printf(out, ": %s, %s, linux-%s, ", m->plan->arch.arch, compiler,
		   m->plan->version);
	put_times(out, m->wall_ms, m->totals->cpu_ms);
	free(compiler);
}

void kernel_summary_line(struct buf *out, const char *verb,
			 const struct kernel_metadata *m, const char *where)
{
	unsigned n = events_totals_count_done(m->totals);
	char *compiler = kernel_plan_compiler_name(m->plan);
	size_t begin = out->len;
	bool fits;

	put_names(out, verb, m);
	buf_printf(out, ": %s, %s, ", m->plan->arch.arch, compiler);
	format_duration(out, m->wall_ms);
	buf_printf(out, " wall, %u job%s", n, format_plural(n));
	if (m->totals->n_remote)
		buf_printf(out, " (%u remote)", m->totals->n_remote);
	put_diagnostics(out, ", warnings", m, DIAG_SEV_WARNING);
	put_diagnostics(out, ", errors", m, DIAG_SEV_ERROR);
	fits = !where ||
	       out->len - begin + strlen(", ") + strlen(where) <= COLUMNS;
	buf_printf(out, "%s%s\n",
		   !where ? "" :
		   fits   ? ", " :
			    "\n  ",
		   where ? where : "");
	free(compiler);
}

void kernel_summary_text(struct buf *out, const char *verb,
			 const struct kernel_metadata *m, const char *output)
{
	const char *unlinked = m->plan->compiler.no_masquerade_reason;

	put_headline(out, verb, m);
	buf_add_str(out, "\n");
	if (m->has_totals) {
		put_jobs(out, m->totals);
		put_kbuild_steps(out, m->totals, "");
		put_disabled(out, m->totals, "");
		put_nodes(out, m->totals, "");
	} else {
		buf_printf(out, "jobs unknown: all local, not offloaded (%s)\n",
			   unlinked ? unlinked : "not started");
	}
	if (m->artifacts)
		put_kernel_sizes(out, m->artifacts);
	for (size_t i = 0; i < m->run->goals.n; i++) {
		const struct kernel_goal *g = &m->run->goals.v[i];

		if (g->status == KERNEL_GOAL_SKIP)
			buf_printf(out, "skipped %s: %s\n", g->name,
				   g->skip_reason);
		else if (g->status == KERNEL_GOAL_WARNING)
			buf_printf(out, "%s is incomplete; see build.log\n",
				   g->name);
	}
	put_new_diagnostics(out, m->run);
	put_diagnostics(out, "warnings", m, DIAG_SEV_WARNING);
	put_diagnostics(out, ", errors", m, DIAG_SEV_ERROR);
	if (output)
		buf_printf(out, "        output %s", output);
	buf_add_str(out, "\n");
}

void kernel_summary_user_command(struct buf *out, const char *name,
				 const char *failure, uint64_t wall_ms,
				 const struct events_totals *t)
{
	if (failure)
		buf_printf(out, "kfarm: %s: %s: ", name, failure);
	else
		buf_printf(out, "kfarm: ran %s: ", name);
	put_times(out, wall_ms, t->cpu_ms);
	buf_add_str(out, "\nkfarm: ");
	put_jobs(out, t);
	put_kbuild_steps(out, t, "kfarm: ");
	put_disabled(out, t, "kfarm: ");
	put_nodes(out, t, "kfarm: ");
}

void kernel_summary_advice(struct buf *out, const struct events_totals *t,
			   const struct strv *bypassed, int min_remote_percent)
{
	const char *cplusplus = reason_text(REASON_CPLUSPLUS);
	char *compilers = strv_join(bypassed, ", ");
	unsigned n = 0;

	for (size_t i = 0; !n && i < t->n_reasons; i++) {
		if (!strcmp(t->reasons[i].text, cplusplus))
			n = t->reasons[i].n_jobs;
	}
	if (n)
		buf_printf(
			out,
			"kfarm: %u C++ unit%s compiled locally: nodes compile "
			"only C and assembler\n",
			n, n == 1 ? " was" : "s were");
	if (bypassed->n)
		buf_printf(out,
			   "kfarm: compiles by %s bypassed kfarm; call the "
			   "compiler by name or through kfarm-cc, see BUILD "
			   "SYSTEMS in kfarm-run(1)\n",
			   compilers);
	else if (min_remote_percent && !events_totals_count_done(t))
		buf_printf(
			out,
			"kfarm: --require-remote %d was not checked: no "
			"compile went through kfarm; for compilers called by "
			"path, see BUILD SYSTEMS in kfarm-run(1)\n",
			min_remote_percent);
	free(compilers);
}

bool kernel_summary_is_remote_low(const struct events_totals *t, int want,
				  struct err *err)
{
	struct buf why = { 0 };
	unsigned permille;

	if (want <= 0 || (!t->n_remote && !t->n_local))
		return false;
	permille = kernel_summary_permille(t->n_remote + t->n_cached,
					   t->n_local);
	if (permille >= (unsigned)want * 10)
		return false;
	put_local_reasons(&why, t, " (", ")");
	err_set(err, EREMOTE,
		"%u.%u %% of the jobs ran on nodes%s, but %d %% are required; "
		"local jobs: %s",
		permille / 10, permille % 10,
		t->n_cached ? " or were cached" : "", want, buf_str(&why));
	buf_release(&why);
	return true;
}
