/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define REASONS_MAX 8 /* named in one line; the others are added up */

unsigned kernel_summary_permille(unsigned part, unsigned rest)
{
	uint64_t all = (uint64_t)part + rest;

	return all ? (unsigned)((uint64_t)part * 1000 / all) : 0;
}

static void put_time(struct buf *out, uint64_t ms)
{
	uint64_t s = (ms + 500) / 1000;

	if (s >= 3600)
		buf_printf(out, "%" PRIu64 ":%02u:%02u", s / 3600,
			   (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		buf_printf(out, "%u:%02u", (unsigned)(s / 60),
			   (unsigned)(s % 60));
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

static void put_jobs(struct buf *out, const struct kernel_summary *s)
{
	const struct coord_stats *f = s->farm;
	unsigned share;

	if (!f) {
		buf_printf(out, "jobs unknown: all local, not linked (%s)\n",
			   s->unlinked ? s->unlinked : "not started");
		return;
	}
	if (!f->remote && !f->local) {
		buf_add_str(out, "jobs 0\n");
		return;
	}
	share = kernel_summary_permille(f->remote, f->local);
	buf_printf(out, "jobs %u: %u remote (%u.%u %%), %u local",
		   f->remote + f->local, f->remote, share / 10, share % 10,
		   f->local);
	if (f->n_reasons) {
		buf_add_str(out, " (");
		kernel_summary_reasons(out, f);
		buf_add_str(out, ")");
	}
	buf_printf(out, ", %u retried, %u duplicated\n", f->retried,
		   f->duplicated);
}

void kernel_summary_node(struct buf *out, const char *name, const char *state,
			 const char *reason)
{
	bool rests = !strcmp(state, "resting");

	buf_printf(out, "node %s: %s%s%s%s", name, state,
		   rests ? ", no jobs until it has shown a right answer" : "",
		   reason ? ": " : "", reason ? reason : "");
}

static void put_nodes(struct buf *out, const struct kernel_summary *s,
		      const char *prefix)
{
	for (size_t i = 0; s->farm && i < s->farm->n_nodes; i++) {
		const struct coord_node_stats *n = &s->farm->nodes[i];

		if (!strcmp(n->state, "up"))
			continue;
		buf_add_str(out, prefix);
		kernel_summary_node(out, n->name, n->state, n->detail);
		buf_add_str(out, "\n");
	}
}

void kernel_summary_text(struct buf *out, const struct kernel_summary *s)
{
	buf_printf(out, "%s %s: %s, %s, linux-%s, ", s->verb,
		   *s->targets ? s->targets : "all", s->arch, s->compiler,
		   s->version);
	put_time(out, s->wall_ms);
	buf_printf(out, " wall, build host %" PRIu64 " s CPU\n",
		   (s->cpu_ms + 500) / 1000);
	put_jobs(out, s);
	put_nodes(out, s, "");
	buf_printf(out, "warnings %u, errors %u        output %s\n",
		   s->warnings, s->errors, s->output);
}

void kernel_summary_guest(struct buf *out, const struct kernel_summary *s)
{
	if (s->verb)
		buf_printf(out, "kfarm: %s: %s: ", s->targets, s->verb);
	else
		buf_printf(out, "kfarm: ran %s: ", s->targets);
	put_time(out, s->wall_ms);
	buf_printf(out, " wall, build host %" PRIu64 " s CPU\nkfarm: ",
		   (s->cpu_ms + 500) / 1000);
	put_jobs(out, s);
	put_nodes(out, s, "kfarm: ");
}

bool kernel_summary_too_few(const struct coord_stats *farm, int want,
			    struct err *err)
{
	struct buf why = { 0 };
	unsigned share;

	if (want <= 0 || (!farm->remote && !farm->local))
		return false;
	share = kernel_summary_permille(farm->remote, farm->local);
	if (share >= (unsigned)want * 10)
		return false;
	kernel_summary_reasons(&why, farm);
	err_set(err, EREMOTE,
		"%u.%u %% of the jobs ran on nodes, %d %% are "
		"required; local were: %s",
		share / 10, share % 10, want, buf_str(&why));
	buf_release(&why);
	return true;
}
