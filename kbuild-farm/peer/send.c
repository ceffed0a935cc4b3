/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/send.h"

#include "base/str.h"
#include "inputs/toolchain.h"
#include "wire/key.h"

#include <errno.h>
#include <stdlib.h>

static void send_flags(struct peer *p)
{
	struct buf body = { 0 };

	while (wire_flags_message(p->flags, &body)) {
		wire_stream_send(p->stream, WIRE_FLAGS, buf_bytes(&body),
				 p->entry->codec);
		buf_reset(&body);
	}
	buf_release(&body);
}

static void send_body(struct peer *p, const struct wire_job *m)
{
	struct buf body = { 0 };

	wire_job_encode(&body, m);
	wire_stream_send(p->stream, WIRE_JOB, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

/* The view that it waits for. */
static int tell(struct peer_cell *cell, const struct peer_question *q,
		uint32_t *view)
{
	uint32_t two;
	int ret = peer_cell_tell(cell, q->entry, q->n_entries, view);

	if (ret || !q->n_language)
		return ret;
	ret = peer_cell_tell(cell, q->language, q->n_language, &two);
	if (two > *view)
		*view = two;
	return ret;
}

static void fill(struct wire_job *m, const struct peer_question *q)
{
	m->job = q->number;
	m->lang = (uint8_t)q->lang;
	m->deadline_ms = q->deadline_ms;
	m->source = xstrdup(q->source);
	m->object = xstrdup(q->object);
	strv_add_all(&m->env, q->env);
}

int peer_send_job(struct peer_cell *cell, const struct peer_question *q,
		  struct digest *key)
{
	struct peer_link link = peer_cell_link(cell->peer);
	struct inputs_toolchain *tc = cell->toolchain;
	struct wire_flag *flags = xcalloc(q->flags->n + 1, sizeof(*flags));
	struct wire_job m = { .cell = cell->views.number };
	int ret;

	fill(&m, q);
	for (size_t i = 0; i < q->flags->n; i++)
		flags[i] = (struct wire_flag){ .name = q->flags->v[i].name,
					       .value = q->flags->v[i].value };
	ret = wire_flags_runs(cell->peer->flags, &m, flags, q->flags->n);
	if (!ret)
		ret = wire_paths_number(cell->peer->paths, q->cwd->name,
					&m.cwd);
	if (!ret)
		ret = tell(cell, q, &m.view);
	if (!ret && !wire_job_fits(&m))
		ret = -E2BIG;
	if (!ret) {
		wire_job_key(&m, flags, q->flags->n, &tc->manifest.id, key);
		peer_views_send_paths(&link);
		send_flags(cell->peer);
		send_body(cell->peer, &m);
	}
	wire_job_release(&m);
	free(flags);
	return ret;
}
