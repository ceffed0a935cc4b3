/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/summary.h"

#include "base/format.h"
#include "base/reason.h"
#include "events/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NEW_MAX     10 /* diagnostics that are named */
#define REASONS_MAX 8 /* named in one line; the others are added up */

unsigned kernel_summary_permille(unsigned part, unsigned rest)
{
	uint64_t all = (uint64_t)part + rest;

	return all ? (unsigned)((uint64_t)part * 1000 / all) : 0;
}

static void put_times(struct buf *out, uint64_t ms, int64_t cpu_ms)
{
	format_duration(out, ms);
	buf_printf(out, " wall, build host %" PRId64 " s CPU\n",
		   (cpu_ms + 500) / 1000);
}

void kernel_summary_reasons(struct buf *out, const struct events_tally *t)
{
	unsigned others = 0;

	for (size_t i = 0; i < t->n_reasons && t->reason[i].jobs; i++) {
		if (i >= REASONS_MAX) {
			others += t->reason[i].jobs;
			continue;
		}
		buf_printf(out, "%s%u %s", i ? ", " : "", t->reason[i].jobs,
			   t->reason[i].text);
	}
	if (others)
		buf_printf(out, ", %u others", others);
}

static void put_jobs(struct buf *out, const struct events_tally *t)
{
	unsigned permille;

	if (!t->remote && !t->local) {
		buf_add_str(out, "jobs 0\n");
		return;
	}
	permille = kernel_summary_permille(t->remote, t->local);
	buf_printf(out, "jobs %u: %u remote (%u.%u %%), %u local",
		   t->remote + t->local, t->remote, permille / 10,
		   permille % 10, t->local);
	if (t->local) {
		buf_add_str(out, " (");
		kernel_summary_reasons(out, t);
		buf_add_str(out, ")");
	}
	buf_printf(out, ", %u retried, %u duplicated\n", t->retried, t->beside);
}

/* Where make's shell was kfarm's, and kbuild ran any. */
static void put_kbuild_steps(struct buf *out, const struct events_tally *t,
			     const char *prefix)
{
	const char *between = " (";

	if (!t->shell_steps && !t->shell_steps_here)
		return;
	buf_printf(out,
		   "%ssteps of kbuild %" PRId64 ": %" PRId64
		   " on nodes, %" PRId64 " here",
		   prefix, t->shell_steps + t->shell_steps_here, t->shell_steps,
		   t->shell_steps_here);
	for (size_t i = 0; i < t->n_step_reasons; i++) {
		buf_printf(out, "%s%u %s", between, t->step_reason[i].jobs,
			   t->step_reason[i].text);
		between = ", ";
	}
	buf_printf(out, "%s\n", t->n_step_reasons ? ")" : "");
}

static void put_nodes(struct buf *out, const struct events_tally *t,
		      const char *prefix)
{
	for (size_t i = 0; i < t->n_nodes; i++) {
		const struct events_node *n = t->node[i];

		if (events_node_is_local(n) || events_node_is_up(n))
			continue;
		buf_add_str(out, prefix);
		events_words_node(out, n->name, n->state, n->reason);
		buf_add_str(out, "\n");
	}
}

static void put_kernel_sizes(struct buf *out, const struct kernel_artifacts *a)
{
	const struct kernel_elfsize *v = kernel_artifact_size(a, "vmlinux");
	const char *between = "sizes ";

	for (size_t i = 0; i < a->n_sizes; i++) {
		if (!str_starts(a->sizes[i].name, "arch/"))
			continue;
		buf_printf(out, "%s%s %" PRIu64, between,
			   str_base(a->sizes[i].name), a->sizes[i].size.file);
		between = ", ";
	}
	if (v)
		buf_printf(out,
			   "%svmlinux %" PRIu64 " (text %" PRIu64
			   ", data %" PRIu64 ", bss %" PRIu64 ")",
			   between, v->file, v->text, v->data, v->bss);
	if (v || *between == ',')
		buf_add_str(out, "\n");
}

static void put_goals(struct buf *out, const struct kernel_goals *goals)
{
	for (size_t i = 0; i < goals->n; i++) {
		const struct kernel_goal *g = &goals->v[i];

		if (g->status == KERNEL_GOAL_SKIP)
			buf_printf(out, "skipped %s: %s\n", g->name, g->reason);
		else if (g->status == KERNEL_GOAL_WARNING)
			buf_printf(out, "%s is not complete: see build.log\n",
				   g->name);
	}
}

static int by_file_size(const void *a, const void *b)
{
	const struct kernel_elfsize
		*x = &(*(struct kernel_size *const *)a)->size,
		*y = &(*(struct kernel_size *const *)b)->size;

	return x->file < y->file ? 1 : x->file > y->file ? -1 : 0;
}

void kernel_summary_sizes(struct buf *out, const struct kernel_artifacts *a)
{
	const struct kernel_size **order = xcalloc(a->n_sizes + 1,
						   sizeof(*order));

	for (size_t i = 0; i < a->n_sizes; i++)
		order[i] = &a->sizes[i];
	qsort(order, a->n_sizes, sizeof(*order), by_file_size);
	buf_printf(out, "%10s %10s %10s %10s  %s\n", "text", "data", "bss",
		   "file", "name");
	for (size_t i = 0; i < a->n_sizes; i++) {
		const struct kernel_elfsize *s = &order[i]->size;

		if (s->text || s->data || s->bss)
			buf_printf(out,
				   "%10" PRIu64 " %10" PRIu64 " %10" PRIu64,
				   s->text, s->data, s->bss);
		else
			buf_printf(out, "%10s %10s %10s", "-", "-", "-");
		buf_printf(out, " %10" PRIu64 "  %s\n", s->file,
			   order[i]->name);
	}
	free(order);
}

/* Those that the build before had not: blocks above may have others, too. */
static void put_new_ones(struct buf *out, const struct kernel_run *run)
{
	const struct diag_set *found = &run->joblog.found;
	unsigned n = 0;

	for (size_t i = 0; run->earlier.number && i < found->n; i++) {
		if (found->v[i]->how != DIAG_NEW || n++ >= NEW_MAX)
			continue;
		buf_add_str(out, "new: ");
		diag_put(out, &found->v[i]->d);
		buf_add_str(out, "\n");
	}
	if (n > NEW_MAX)
		buf_printf(out, "new: %u more, see metadata.json\n",
			   n - NEW_MAX);
}

/* "warnings 3 (1 new, 2 gone)": where there is an earlier build to tell. */
static void put_diagnostics(struct buf *out, const char *what,
			    const struct kernel_metadata *m,
			    enum diag_severity severity)
{
	const struct kernel_earlier *e = &m->run->earlier;
	unsigned n = severity == DIAG_ERROR ? m->tally->errors :
					      m->tally->warnings;
	unsigned gone = e->change.gone[severity];

	buf_printf(out, "%s %u", what, n);
	if (!e->number || (!n && !gone))
		return;
	buf_printf(out, " (%u new", e->change.fresh[severity]);
	if (gone)
		buf_printf(out, ", %u gone", gone);
	buf_add_str(out, ")");
}

static const struct history_size *earlier_size(const struct kernel_earlier *e,
					       const char *name)
{
	for (size_t i = 0; i < e->sizes.n_sizes; i++) {
		if (!strcmp(e->sizes.size[i].name, name))
			return &e->sizes.size[i];
	}
	return NULL;
}

static void put_delta(struct buf *out, uint64_t now, int64_t before)
{
	int64_t delta = (int64_t)now - before;

	if (delta)
		buf_printf(out, "%+10" PRId64 " ", delta);
	else
		buf_printf(out, "%10s ", "-");
}

static bool put_size_change(struct buf *out, const struct kernel_size *s,
			    const struct history_size *was)
{
	const struct kernel_elfsize *now = &s->size;

	if (!was) {
		buf_printf(out, "%43s  %s\n", "new", s->name);
		return true;
	}
	if (now->text == (uint64_t)was->text &&
	    now->data == (uint64_t)was->data &&
	    now->bss == (uint64_t)was->bss && now->file == (uint64_t)was->file)
		return false;
	put_delta(out, now->text, was->text);
	put_delta(out, now->data, was->data);
	put_delta(out, now->bss, was->bss);
	put_delta(out, now->file, was->file);
	buf_printf(out, " %s\n", s->name);
	return true;
}

static bool was_made(const struct kernel_artifacts *a, const char *name)
{
	return kernel_artifact_size(a, name) != NULL;
}

void kernel_summary_size_changes(struct buf *out,
				 const struct kernel_artifacts *a,
				 const struct kernel_earlier *e)
{
	bool any = false;

	if (!e->number)
		return;
	buf_printf(out, "\nagainst build %" PRId64 ":\n", e->number);
	for (size_t i = 0; i < a->n_sizes; i++)
		any |= put_size_change(out, &a->sizes[i],
				       earlier_size(e, a->sizes[i].name));
	for (size_t i = 0; i < e->sizes.n_sizes; i++) {
		if (was_made(a, e->sizes.size[i].name))
			continue;
		buf_printf(out, "%43s  %s\n", "gone", e->sizes.size[i].name);
		any = true;
	}
	if (!any)
		buf_add_str(out, "all the same\n");
}

void kernel_summary_text(struct buf *out, const char *verb,
			 const struct kernel_metadata *m, const char *output)
{
	const struct kernel_plan *p = m->plan;
	char *targets = strv_join(&p->request->targets, " ");
	char *compiler = kernel_plan_compiler_text(p);
	const char *unlinked = p->compiler.unlinked;

	buf_printf(out, "%s %s: %s, %s, linux-%s, ", verb,
		   *targets ? targets : "all", p->arch.arch, compiler,
		   p->version);
	put_times(out, m->wall_ms, m->tally->cpu_ms);
	if (m->has_farm) {
		put_jobs(out, m->tally);
		put_kbuild_steps(out, m->tally, "");
		put_nodes(out, m->tally, "");
	} else {
		buf_printf(out, "jobs unknown: all local, not linked (%s)\n",
			   unlinked ? unlinked : "not started");
	}
	if (m->artifacts)
		put_kernel_sizes(out, m->artifacts);
	put_goals(out, &m->run->goals);
	put_new_ones(out, m->run);
	put_diagnostics(out, "warnings", m, DIAG_WARNING);
	put_diagnostics(out, ", errors", m, DIAG_ERROR);
	buf_printf(out, "        output %s\n", output);
	free(compiler);
	free(targets);
}

void kernel_summary_user_command(struct buf *out, const char *name,
				 const char *how, uint64_t wall_ms,
				 const struct events_tally *t)
{
	if (how)
		buf_printf(out, "kfarm: %s: %s: ", name, how);
	else
		buf_printf(out, "kfarm: ran %s: ", name);
	put_times(out, wall_ms, t->cpu_ms);
	buf_add_str(out, "kfarm: ");
	put_jobs(out, t);
	put_kbuild_steps(out, t, "kfarm: ");
	put_nodes(out, t, "kfarm: ");
}

static unsigned count_cplusplus(const struct events_tally *t)
{
	for (size_t i = 0; i < t->n_reasons; i++) {
		if (!strcmp(t->reason[i].text, reason_words(REASON_CPLUSPLUS)))
			return t->reason[i].jobs;
	}
	return 0;
}

void kernel_summary_advice(struct buf *out, const struct events_tally *t,
			   const struct strv *unseen)
{
	unsigned n = count_cplusplus(t);
	char *compilers = strv_join(unseen, ", ");

	if (n)
		buf_printf(out,
			   "kfarm: %u C++ unit%s compiled here: nodes compile "
			   "C and assembler\n",
			   n, n == 1 ? " was" : "s were");
	if (unseen->n)
		buf_printf(out,
			   "kfarm: not seen: compiles by %s: call it by name, "
			   "or put kfarm-cc in front of it; see Build systems "
			   "in kfarm(1)\n",
			   compilers);
	else if (!t->remote && !t->local)
		buf_add_str(out, "kfarm: nothing was compiled through kfarm; "
				 "for a compiler that is called by its path "
				 "see Build systems in kfarm(1)\n");
	free(compilers);
}

bool kernel_summary_too_few(const struct events_tally *t, int want,
			    struct err *err)
{
	struct buf why = { 0 };
	unsigned permille;

	if (want <= 0 || (!t->remote && !t->local))
		return false;
	permille = kernel_summary_permille(t->remote, t->local);
	if (permille >= (unsigned)want * 10)
		return false;
	kernel_summary_reasons(&why, t);
	err_set(err, EREMOTE,
		"%u.%u %% of the jobs ran on nodes, %d %% are "
		"required; local were: %s",
		permille / 10, permille % 10, want, buf_str(&why));
	buf_release(&why);
	return true;
}
