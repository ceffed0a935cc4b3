/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/summary.h"

#include "base/reason.h"
#include "events/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REASONS_MAX 8 /* named in one line; the others are added up */

unsigned kernel_summary_permille(unsigned part, unsigned rest)
{
	uint64_t all = (uint64_t)part + rest;

	return all ? (unsigned)((uint64_t)part * 1000 / all) : 0;
}

static void put_times(struct buf *out, uint64_t ms, uint64_t cpu_ms)
{
	uint64_t s = (ms + 500) / 1000;

	if (s >= 3600)
		buf_printf(out, "%" PRIu64 ":%02u:%02u", s / 3600,
			   (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		buf_printf(out, "%u:%02u", (unsigned)(s / 60),
			   (unsigned)(s % 60));
	buf_printf(out, " wall, build host %" PRIu64 " s CPU\n",
		   (cpu_ms + 500) / 1000);
}

void kernel_summary_reasons(struct buf *out, const struct coord_stats *farm)
{
	unsigned others = 0;

	for (size_t i = 0; i < farm->n_reasons; i++) {
		if (i >= REASONS_MAX) {
			others += farm->reasons[i].n;
			continue;
		}
		buf_printf(out, "%s%u %s", i ? ", " : "", farm->reasons[i].n,
			   farm->reasons[i].why);
	}
	if (others)
		buf_printf(out, ", %u others", others);
}

static void put_jobs(struct buf *out, const struct coord_stats *f)
{
	unsigned permille;

	if (!f->remote && !f->local) {
		buf_add_str(out, "jobs 0\n");
		return;
	}
	permille = kernel_summary_permille(f->remote, f->local);
	buf_printf(out, "jobs %u: %u remote (%u.%u %%), %u local",
		   f->remote + f->local, f->remote, permille / 10,
		   permille % 10, f->local);
	if (f->n_reasons) {
		buf_add_str(out, " (");
		kernel_summary_reasons(out, f);
		buf_add_str(out, ")");
	}
	buf_printf(out, ", %u retried, %u duplicated\n", f->retried,
		   f->duplicated);
}

static void put_nodes(struct buf *out, const struct coord_stats *farm,
		      const char *prefix)
{
	for (size_t i = 0; i < farm->n_nodes; i++) {
		const struct coord_node_stats *n = &farm->nodes[i];

		if (!strcmp(n->state, "up"))
			continue;
		buf_add_str(out, prefix);
		events_words_node(out, n->name, n->state, n->detail);
		buf_add_str(out, "\n");
	}
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
	put_times(out, m->wall_ms, m->cpu_ms);
	if (m->farm) {
		put_jobs(out, m->farm);
		put_nodes(out, m->farm, "");
	} else {
		buf_printf(out, "jobs unknown: all local, not linked (%s)\n",
			   unlinked ? unlinked : "not started");
	}
	buf_printf(out, "warnings %u, errors %u        output %s\n",
		   m->warnings, m->errors, output);
	free(compiler);
	free(targets);
}

void kernel_summary_user_command(struct buf *out, const char *name,
				 const char *how, uint64_t wall_ms,
				 uint64_t cpu_ms,
				 const struct coord_stats *farm)
{
	if (how)
		buf_printf(out, "kfarm: %s: %s: ", name, how);
	else
		buf_printf(out, "kfarm: ran %s: ", name);
	put_times(out, wall_ms, cpu_ms);
	buf_add_str(out, "kfarm: ");
	put_jobs(out, farm);
	put_nodes(out, farm, "kfarm: ");
}

static unsigned count_cplusplus(const struct coord_stats *farm)
{
	for (size_t i = 0; i < farm->n_reasons; i++) {
		if (!strcmp(farm->reasons[i].why,
			    reason_words(REASON_CPLUSPLUS)))
			return farm->reasons[i].n;
	}
	return 0;
}

void kernel_summary_advice(struct buf *out, const struct coord_stats *farm,
			   const struct strv *unseen)
{
	unsigned n = count_cplusplus(farm);
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
	else if (!farm->remote && !farm->local)
		buf_add_str(out, "kfarm: nothing was compiled through kfarm; "
				 "for a compiler that is called by its path "
				 "see Build systems in kfarm(1)\n");
	free(compilers);
}

bool kernel_summary_too_few(const struct coord_stats *farm, int want,
			    struct err *err)
{
	struct buf why = { 0 };
	unsigned permille;

	if (want <= 0 || (!farm->remote && !farm->local))
		return false;
	permille = kernel_summary_permille(farm->remote, farm->local);
	if (permille >= (unsigned)want * 10)
		return false;
	kernel_summary_reasons(&why, farm);
	err_set(err, EREMOTE,
		"%u.%u %% of the jobs ran on nodes, %d %% are "
		"required; local were: %s",
		permille / 10, permille % 10, want, buf_str(&why));
	buf_release(&why);
	return true;
}
