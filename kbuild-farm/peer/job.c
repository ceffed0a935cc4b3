/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/job.h"

#include "base/str.h"
#include "inputs/tool.h"
#include "peer/cell.h"
#include "wire/key.h"

#include <errno.h>
#include <stdlib.h>

void peer_answer_release(struct peer_answer *a)
{
	for (int i = 0; i < WIRE_STREAMS; i++)
		buf_release(&a->stream[i]);
}

int peer_answer_check(const struct peer_answer *a, struct err *err)
{
	const struct wire_result *r = &a->result;
	struct bytes streams[WIRE_STREAMS];
	struct digest answer;
	unsigned sides = r->wait_status ? 0 : a->sides;

	if (r->sides != sides)
		return err_set(err, EBADMSG,
			       "%u files beside the object, where %u are due",
			       r->sides, sides);
	for (int i = 0; i < WIRE_STREAMS; i++) {
		streams[i] = buf_bytes(&a->stream[i]);
		if (r->len[i] != streams[i].len)
			return err_set(err, EBADMSG,
				       "%zu bytes of %u of stream %d came",
				       streams[i].len, r->len[i], i);
		if (i >= WIRE_SIDE + (int)sides && r->len[i])
			return err_set(err, EBADMSG,
				       "bytes of stream %d, which is not due",
				       i);
	}
	wire_answer_digest(&a->key, streams, &answer);
	if (!digest_equal(&answer, &r->answer))
		return err_set(err, EBADMSG,
			       "its digest is not that of this job's answer");
	if (!digest_equal(&r->toolchain, &a->toolchain))
		return err_set(err, EBADMSG, "another toolchain made it");
	return 0;
}

struct peer_job *peer_job_find(const struct peer_link *l, uint32_t number)
{
	struct peer_job *job;

	list_for_each(job, &l->jobs, link) {
		if (job->number == number)
			return job;
	}
	return NULL;
}

struct peer_job *peer_job_new(struct peer_link *l, enum peer_job_kind kind,
			      struct peer_cell *cell)
{
	struct peer_job *job = xcalloc(1, sizeof(*job));

	job->number = ++l->farm->jobs;
	job->kind = kind;
	job->cell = cell;
	TAILQ_INSERT_TAIL(&l->jobs, job, link);
	l->n_jobs++;
	l->n_others += kind != PEER_JOB_UNIT;
	return job;
}

void peer_job_free(struct peer_link *l, struct peer_job *job)
{
	TAILQ_REMOVE(&l->jobs, job, link);
	l->n_jobs--;
	l->n_others -= job->kind != PEER_JOB_UNIT;
	peer_answer_release(&job->answer);
	free(job);
}

void peer_job_free_all(struct peer_link *l)
{
	struct peer_job *job;

	while ((job = TAILQ_FIRST(&l->jobs)))
		peer_job_free(l, job);
}

void peer_job_cancel(struct peer_link *l, struct peer_job *job)
{
	struct buf body = { 0 };

	wire_number_encode(&body, job->number);
	peer_link_send(l, WIRE_CANCEL, &body, WIRE_PLAIN);
	peer_job_free(l, job);
}

int peer_job_output(struct peer_job *job, const struct wire_piece *m,
		    struct err *err)
{
	struct buf *to = &job->answer.stream[m->stream];

	if (to->len + m->data.len > wire_output_max(m->stream) ||
	    buf_reserve(to, m->data.len))
		return err_set(err, EMSGSIZE, "more output than there may be");
	buf_add_bytes(to, m->data);
	return 0;
}

/* Besides, so that *view may become a later one. */
static int tell_more(struct peer_cell *cell,
		     const struct inputs_entry *const *entry, size_t n,
		     uint32_t *view)
{
	uint32_t more = 0;
	int ret = peer_told_add(&cell->told, entry, n, &more);

	if (more > *view)
		*view = more;
	return ret;
}

/* The view that it waits for. */
static int tell_inputs(struct peer_cell *cell, const struct peer_question *q,
		       uint32_t *view)
{
	int ret = peer_told_add(&cell->told, q->entry, q->n_entries, view);

	if (!ret && q->n_language)
		ret = tell_more(cell, q->language, q->n_language, view);
	if (!ret && q->tool)
		ret = tell_more(cell, q->tool->entry, q->tool->n, view);
	return ret;
}

static int fill_message(struct peer_cell *cell, const struct peer_question *q,
			const struct wire_flag *flags, struct wire_job *m)
{
	int ret = wire_flags_runs(cell->all->link->flags, m, flags,
				  q->flags->n);

	m->lang = (uint8_t)q->lang;
	m->deadline_ms = q->deadline_ms;
	m->source = xstrdup(q->source);
	m->object = xstrdup(q->object);
	m->named = q->named;
	m->sides = (uint8_t)q->sides;
	strv_add_all(&m->env, q->env);
	if (!ret)
		ret = wire_paths_number(cell->all->link->paths, q->cwd->name,
					&m->cwd);
	if (!ret)
		ret = tell_inputs(cell, q, &m->view);
	return !ret && !wire_job_fits(m) ? -E2BIG : ret;
}

/* In front of its JOB; a path's number and arguments that a message holds. */
static int fill_step(struct peer_cell *cell, const struct peer_question *q,
		     struct wire_step *m)
{
	*m = (struct wire_step){ .kind = (uint8_t)q->step };
	strv_add_all(&m->args, q->arguments);
	return wire_paths_number(cell->all->link->paths, q->tool->path->name,
				 &m->tool);
}

static void send_step(const struct peer_link *l, const struct wire_step *m)
{
	struct buf body = { 0 };

	wire_step_encode(&body, m);
	peer_link_send(l, WIRE_STEP, &body, WIRE_PLAIN);
}

static void send_pin(const struct peer_link *l, uint32_t job, uint8_t class)
{
	struct wire_pin m = { .job = job, .class = class };
	struct buf body = { 0 };

	wire_pin_encode(&body, &m);
	peer_link_send(l, WIRE_PIN, &body, WIRE_PLAIN);
}

int peer_send_job(struct peer_cell *cell, enum peer_job_kind kind,
		  const struct peer_question *q, struct peer_job **job)
{
	struct peer_link *l = cell->all->link;
	const struct digest *toolchain = &cell->toolchain->manifest.id;
	struct wire_flag *flags = xcalloc(q->flags->n + 1, sizeof(*flags));
	struct wire_job m = { .cell = cell->told.views.number };
	struct wire_step step = { 0 };
	struct buf body = { 0 };
	int ret;

	for (size_t i = 0; i < q->flags->n; i++)
		flags[i] = (struct wire_flag){ .name = q->flags->v[i].name,
					       .value = q->flags->v[i].value };
	ret = fill_message(cell, q, flags, &m);
	if (!ret && q->tool)
		ret = fill_step(cell, q, &step);
	if (!ret) {
		*job = peer_job_new(l, kind, cell);
		m.job = step.job = (*job)->number;
		(*job)->answer.toolchain = *toolchain;
		(*job)->answer.sides = q->sides;
		wire_job_key(q->tool ? &step : NULL, &m, flags, q->flags->n,
			     toolchain, &(*job)->answer.key);
		peer_link_send_paths(l);
		peer_link_send_flags(l);
		if (q->tool)
			send_step(l, &step);
		if (q->pinned)
			send_pin(l, m.job, q->class);
		wire_job_encode(&body, &m);
		peer_link_send(l, WIRE_JOB, &body, WIRE_PLAIN);
	}
	wire_job_release(&m);
	wire_step_release(&step);
	free(flags);
	return ret;
}
