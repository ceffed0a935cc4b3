/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/send.h"

#include "base/str.h"
#include "wire/key.h"

#include <errno.h>
#include <stdlib.h>

/* The view that it waits for. */
static int tell_inputs(struct peer_cell *cell, const struct peer_question *q,
		       uint32_t *view)
{
	uint32_t language;
	int ret = peer_told_add(&cell->told, q->entry, q->n_entries, view);

	if (ret || !q->n_language)
		return ret;
	ret = peer_told_add(&cell->told, q->language, q->n_language, &language);
	if (language > *view)
		*view = language;
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
	strv_add_all(&m->env, q->env);
	if (!ret)
		ret = wire_paths_number(cell->all->link->paths, q->cwd->name,
					&m->cwd);
	if (!ret)
		ret = tell_inputs(cell, q, &m->view);
	return !ret && !wire_job_fits(m) ? -E2BIG : ret;
}

int peer_send_job(struct peer_cell *cell, enum peer_job_kind kind,
		  const struct peer_question *q, struct peer_job **job)
{
	struct peer_link *l = cell->all->link;
	const struct digest *toolchain = &cell->toolchain->manifest.id;
	struct wire_flag *flags = xcalloc(q->flags->n + 1, sizeof(*flags));
	struct wire_job m = { .cell = cell->told.views.number };
	struct buf body = { 0 };
	int ret;

	for (size_t i = 0; i < q->flags->n; i++)
		flags[i] = (struct wire_flag){ .name = q->flags->v[i].name,
					       .value = q->flags->v[i].value };
	ret = fill_message(cell, q, flags, &m);
	if (!ret) {
		*job = peer_job_new(l, kind, cell);
		m.job = (*job)->number;
		(*job)->answer.toolchain = *toolchain;
		wire_job_key(&m, flags, q->flags->n, toolchain,
			     &(*job)->answer.key);
		peer_link_send_paths(l);
		peer_link_send_flags(l);
		wire_job_encode(&body, &m);
		peer_link_send(l, WIRE_JOB, &body, WIRE_PLAIN);
	}
	wire_job_release(&m);
	free(flags);
	return ret;
}
