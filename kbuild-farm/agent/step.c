/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/step.h"

#include "agent/argv.h"
#include "cell/cell.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

void agent_steps_init(struct agent_steps *s, int version)
{
	*s = (struct agent_steps){
		.known = version >= WIRE_WITH_STEP,
		.has_devicetree = version >= WIRE_WITH_DEVICETREE,
	};
}

void agent_steps_release(struct agent_steps *s)
{
	if (s->is_set)
		wire_step_release(&s->next);
	*s = (struct agent_steps){ 0 };
}

int agent_steps_take(struct agent_steps *s, struct bytes body, struct err *err)
{
	if (!s->known)
		return err_set(err, EPROTO,
			       "a STEP, which its version has not");
	if (s->is_set)
		return err_set(err, EPROTO, "a STEP without its job");
	if (wire_step_decode(&s->next, body))
		return err_set(err, EPROTO, "a STEP that was not understood");
	s->is_set = true;
	if (s->next.kind == WIRE_STEP_DEVICETREE && !s->has_devicetree)
		return err_set(err, EPROTO,
			       "a STEP of a kind that its version has not");
	return 0;
}

int agent_steps_job(struct agent_steps *s, const struct wire_job *m,
		    struct wire_step **out, struct err *err)
{
	*out = NULL;
	if (!s->is_set)
		return 0;
	if (s->next.job != m->job)
		return err_set(err, EPROTO, "a STEP of job %u before job %u",
			       s->next.job, m->job);
	if (!wire_step_suits(&s->next, m))
		return err_set(err, EPROTO,
			       "job %u: a STEP that does not go with it",
			       m->job);
	*out = xcalloc(1, sizeof(**out));
	**out = s->next;
	s->next = (struct wire_step){ 0 };
	s->is_set = false;
	return 0;
}

static size_t count_bytes(const struct strv *words)
{
	size_t sum = 0;

	for (size_t i = 0; i < words->n; i++)
		sum += strlen(words->v[i]) + 1;
	return sum;
}

int agent_step_argv(struct strv *argv, const struct wire_step *m,
		    const char *tool, const char *cwd, const struct strv *env,
		    struct err *err)
{
	strv_add(argv, tool);
	for (size_t i = 0; i < m->args.n; i++)
		strv_add(argv, m->args.v[i]);
	if (m->kind == WIRE_STEP_DEVICETREE) {
		strv_add(argv, "-d");
		strv_add(argv, CELL_OUT "/" AGENT_READ);
	}
	if (m->kind != WIRE_STEP_SYMBOLS)
		strv_add(argv, WIRE_JOB_OBJECT);
	/* A copy's name comes to it, and the CPUs. */
	if (count_bytes(argv) + count_bytes(env) + strlen(cwd) + NAME_MAX +
		    CELL_CPU_WORDS * sizeof(uint64_t) >
	    CELL_ARGS_MAX)
		return err_set(err, ENOTSUP, "the tool's arguments: too long");
	return 0;
}
