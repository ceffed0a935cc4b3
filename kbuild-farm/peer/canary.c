/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/canary.h"

#include "base/str.h"
#include "inputs/reference.h"
#include "peer/canary-ours.h"

#include <stdlib.h>

#define PROBE_DEADLINE_MS 10000
#define PROBE_OBJECT      "kfarm-reference.o"

static const struct peer_canary *ours_of(const struct peer_cell *cell)
{
	return peer_canary_of(cell->all->link->farm, cell->toolchain);
}

/* Takes over `detail`. */
static bool set_outcome(struct peer_cell *cell, struct peer_canary_outcome *out,
			enum peer_canary_is is,
			char *detail /* NOLINT: it is kept */)
{
	*out = (struct peer_canary_outcome){
		.is = is, .detail = detail, .cpu_ms = cell->canary_run.best_ms
	};
	cell->canary_run = (struct peer_canary_run){ 0 };
	return true;
}

static bool end_broken(struct peer_cell *cell, struct peer_canary_outcome *out,
		       const char *unit, const char *why)
{
	return set_outcome(cell, out, PEER_CANARY_BROKEN,
			   xasprintf("canary %s: %s", unit, why));
}

static struct peer_job *send_canary(struct peer_cell *cell,
				    enum peer_job_kind kind,
				    const struct inputs_path *cwd,
				    const struct peer_canary_unit *u)
{
	struct peer_question q;
	struct peer_job *job;

	peer_canary_ask(&q, u, cwd);
	if (kind == PEER_JOB_PROBE) {
		q.deadline_ms = PROBE_DEADLINE_MS;
		q.env++;
	}
	return peer_send_job(cell, kind, &q, &job) ? NULL : job;
}

/* The next unit of this round; n: they are done. */
static size_t next_unit(const struct peer_canary_run *run,
			const struct peer_canary *ours)
{
	size_t at = run->at;

	while (at < ours->n && ours->unit[at].skipped)
		at++;
	return at;
}

static void end_canary_round(struct peer_canary_run *run)
{
	if (!run->has_best || run->cpu_ms < run->best_ms)
		run->best_ms = run->cpu_ms;
	run->has_best = true;
	run->at = 0;
	run->cpu_ms = 0;
	run->rounds--;
}

void peer_canary_try(struct peer_cell *cell, unsigned rounds)
{
	cell->canary_run = (struct peer_canary_run){ .rounds = rounds };
	peer_farm_wake(cell->all->link->farm);
}

bool peer_canary_step(struct peer_cell *cell, struct peer_canary_outcome *out)
{
	struct peer_canary_run *run = &cell->canary_run;
	const struct peer_canary *ours;

	if (!run->rounds || run->out)
		return false;
	ours = ours_of(cell);
	if (ours->state == INPUTS_UNKNOWN)
		return false;
	if (ours->state == INPUTS_BAD)
		return set_outcome(cell, out, PEER_CANARY_BROKEN,
				   xstrdup(ours->why));
	run->at = next_unit(run, ours);
	if (run->at == ours->n) {
		end_canary_round(run);
		if (!run->rounds)
			return set_outcome(cell, out, PEER_CANARY_PASSED,
					   xstrdup(""));
		run->at = next_unit(run, ours);
	}
	if (!send_canary(cell, PEER_JOB_CANARY, ours->cwd,
			 &ours->unit[run->at]))
		return end_broken(cell, out, ours->unit[run->at].name,
				  "could not be asked");
	run->out = true;
	return false;
}

bool peer_canary_answer(const struct peer_job *job,
			struct peer_canary_outcome *out)
{
	struct peer_cell *cell = job->cell;
	struct peer_canary_run *run = &cell->canary_run;
	const struct peer_canary_unit *u = &ours_of(cell)->unit[run->at];
	struct err err;

	if (peer_answer_check(&job->answer, &err))
		return end_broken(cell, out, u->name, "the answer is damaged");
	if (!peer_canary_is_equal(&job->answer, u))
		return set_outcome(cell, out, PEER_CANARY_FAILED,
				   xstrdup(u->name));
	run->cpu_ms += job->answer.result.cpu_ms;
	run->at++;
	run->out = false;
	return false;
}

bool peer_canary_fail(const struct peer_job *job, const struct wire_fail *fail,
		      struct peer_canary_outcome *out)
{
	struct peer_cell *cell = job->cell;
	const char *unit = ours_of(cell)->unit[cell->canary_run.at].name;

	if (fail->class == WIRE_FAIL_BUSY) {
		/* Once more with the next tick. */
		cell->canary_run.out = false;
		return false;
	}
	if (fail->class == WIRE_FAIL_INPUT || fail->class == WIRE_FAIL_VOID)
		return set_outcome(cell, out, PEER_CANARY_FAILED,
				   xasprintf("%s (%s)", unit, fail->reason));
	return end_broken(cell, out, unit, fail->reason);
}

/* ---------------------------------------------------------------- probes */

/* A reference object of a toolchain that the node has as well. */
static const struct inputs_reference *find_reference(
	const struct peer_cells *cells, struct peer_cell **cell)
{
	const struct inputs_reference *ref;

	list_for_each(*cell, &cells->list, link) {
		const struct inputs_toolchain *tc = (*cell)->toolchain;

		if ((*cell)->state != CELL_READY || tc->state != INPUTS_READY)
			continue;
		list_for_each(ref, &tc->references, link) {
			if (ref->state == INPUTS_READY)
				return ref;
		}
	}
	return NULL;
}

static int make_flags(struct options_flags *flags,
		      const struct inputs_reference *ref)
{
	struct options_command compile;
	struct strv argv = { 0 };
	struct err err;
	int ret;

	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, PROBE_OBJECT);
	strv_add(&argv, INPUTS_REFERENCE_SOURCE);
	options_command_parse(&compile, argv.v);
	ret = options_typed_from(flags, &compile, &err);
	options_command_release(&compile);
	strv_release(&argv);
	return ret;
}

static const struct inputs_entry *enter_source(const struct peer_farm *farm)
{
	char *path = xasprintf("%s/" INPUTS_REFERENCE_SOURCE, farm->work);
	char *real = realpath(path, NULL);
	const struct inputs_entry *entry = NULL;

	if (real)
		entry = peer_farm_enter(farm, real, inputs_reference_text());
	free(real);
	free(path);
	return entry;
}

bool peer_probe_send(struct peer_cells *cells)
{
	static char object[] = PROBE_OBJECT;
	struct peer_cell *cell;
	const struct inputs_reference *ref = find_reference(cells, &cell);
	struct peer_canary_unit u = {
		.name = INPUTS_REFERENCE_SOURCE,
		.object_name = object,
		.entry = enter_source(cells->link->farm),
	};
	struct peer_job *job = NULL;

	if (!ref || !u.entry)
		return false;
	if (!make_flags(&u.flags, ref))
		job = send_canary(cell, PEER_JOB_PROBE, u.entry->path->parent,
				  &u);
	if (job)
		job->reference = ref;
	options_flags_release(&u.flags);
	return job;
}

bool peer_probe_is_right(const struct peer_job *job)
{
	const struct peer_answer *a = &job->answer;
	struct err err;

	return !a->result.wait_status && !peer_answer_check(a, &err) &&
	       bytes_equal(buf_bytes(&a->stream[WIRE_OBJECT]),
			   buf_bytes(&job->reference->object));
}
