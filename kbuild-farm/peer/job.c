/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/job.h"

#include "base/str.h"
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

	for (int i = 0; i < WIRE_STREAMS; i++) {
		streams[i] = buf_bytes(&a->stream[i]);
		if (r->len[i] != streams[i].len)
			return err_set(err, EBADMSG,
				       "%zu bytes of %u of stream %d came",
				       streams[i].len, r->len[i], i);
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
