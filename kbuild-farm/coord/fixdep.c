/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/fixdep.h"

#include "base/pool.h"
#include "base/str.h"
#include "coord/state.h"
#include "inputs/fixdep.h"
#include "wire/limits.h"

#include <stdlib.h>

struct question {
	struct pool_work work; /* first */
	struct coord *coord;
	struct coord_client *client; /* NULL: it has left */
	bool working; /* a worker has it */
	struct wire_cc_fixdep ask;
	struct buf head, rest;
	int ret;
	struct err err;
};

static void question_free(struct question *q)
{
	wire_cc_fixdep_release(&q->ask);
	buf_release(&q->head);
	buf_release(&q->rest);
	free(q);
}

static void print_on_thread(struct pool_work *w)
{
	struct question *q = (struct question *)w;

	q->ret = inputs_fixdep_run(q->coord->fixdep, q->ask.program, q->ask.cwd,
				   q->ask.depfile, q->ask.target, &q->head,
				   &q->rest, &q->err);
}

static void answer_fixdep(struct question *q)
{
	const struct wire_cc_fixed fixed = {
		.head = buf_bytes(&q->head),
		.rest = buf_bytes(&q->rest),
	};

	if (q->ret)
		coord_client_local(q->client, q->err.text);
	else if (q->rest.len > WIRE_CC_FIXED_MAX)
		coord_client_local(q->client, "too long");
	else
		coord_client_fixed(q->client, &fixed);
}

static void on_printed(struct pool_work *w)
{
	struct question *q = (struct question *)w;

	q->working = false;
	if (!q->client)
		question_free(q);
	else if (!q->coord->ending)
		answer_fixdep(q);
}

void *coord_fixdep_asked(void *coord, struct coord_client *client,
			 struct wire_cc_fixdep *ask)
{
	struct question *q = xcalloc(1, sizeof(*q));

	q->work.run = print_on_thread;
	q->work.done = on_printed;
	q->coord = coord;
	q->client = client;
	q->working = true;
	q->ask = *ask;
	*ask = (struct wire_cc_fixdep){ 0 };
	pool_add(q->coord->pool, &q->work);
	return q;
}

void coord_fixdep_left(void *fixdep)
{
	struct question *q = fixdep;

	q->client = NULL;
	if (!q->working)
		question_free(q);
}
