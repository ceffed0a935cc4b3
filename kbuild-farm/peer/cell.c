/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/cell.h"

#include "base/log.h"
#include "base/str.h"
#include "peer/job.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

void peer_cells_init(struct peer_cells *all, struct peer_link *link)
{
	*all = (struct peer_cells){ .link = link };
	TAILQ_INIT(&all->list);
}

static void send_cell(const struct peer_cell *cell)
{
	struct peer_link *l = cell->all->link;
	const struct inputs_toolchain *tc = cell->toolchain;
	/* The node has no links to it, and needs the path where it lies. */
	char *real = cell->foreign ? realpath(tc->driver, NULL) : NULL;
	struct wire_cell m = { .cell = cell->told.views.number,
			       .toolchain = tc->manifest.id,
			       .is_clang = tc->manifest.is_clang,
			       .driver = real ? real : tc->driver,
			       .kept = cell->foreign,
			       .roots = l->farm->roots };
	struct buf body = { 0 };

	wire_cell_encode(&body, &m);
	peer_link_send(l, WIRE_CELL, &body, WIRE_PLAIN);
	free(real);
}

static void end_cell(struct peer_cell *cell, const char *detail)
{
	cell->state = CELL_OVER;
	cell->canary_run.rounds = 0;
	free(cell->detail);
	cell->detail = xstrdup(detail);
	peer_ship_forget(cell->all->link->ship, &cell->ship_user);
	peer_told_release(&cell->told);
}

void peer_cell_shut(struct peer_cell *cell, const char *detail)
{
	struct buf body = { 0 };

	if (cell->state == CELL_OVER)
		return;
	wire_number_encode(&body, cell->told.views.number);
	peer_link_send(cell->all->link, WIRE_SHUT, &body, WIRE_PLAIN);
	end_cell(cell, detail);
}

/* Jobs may be out on a cell before it, too. */
static void cancel_jobs(struct peer_link *l, const struct inputs_toolchain *tc)
{
	struct peer_job *job, *next;

	list_for_each_safe(job, &l->jobs, link, next) {
		if (job->cell->toolchain == tc)
			peer_job_cancel(l, job);
	}
}

/*
 * The bytes of this file, which it needs, are not to be had any more: its view
 * can never be complete.  Another one is asked for, but not where the file is
 * the toolchain's own.
 */
static void on_file_lost(void *ctx, const struct inputs_entry *e,
			 const char *why)
{
	struct peer_cell *cell = ctx;
	struct peer_cells *all = cell->all;
	struct peer_link *l = all->link;
	bool again = !peer_told_is_frozen(&cell->told, e->path);

	log_debug("node %s: a cell is shut: %s", l->entry->name, why);
	peer_cell_shut(cell, e->path->name);
	cancel_jobs(l, cell->toolchain);
	l->farm->ops->spoiled(l->ctx, cell->toolchain);
	if (again)
		peer_cell_ask(all, cell->toolchain, cell->foreign);
	peer_farm_wake(l->farm);
}

void peer_cell_ask(struct peer_cells *all, struct inputs_toolchain *tc,
		   const char *foreign)
{
	struct peer_cell *cell = xcalloc(1, sizeof(*cell));

	cell->all = all;
	cell->toolchain = tc;
	cell->foreign = foreign ? xstrdup(foreign) : NULL;
	cell->ship_user = (struct peer_ship_user){ .failed = on_file_lost,
						   .ctx = cell,
						   .top = "" };
	peer_told_init(&cell->told, all->link, all->link->next_number++);
	TAILQ_INSERT_HEAD(&all->list, cell, link);
	send_cell(cell);
	if (peer_told_toolchain(&cell->told, tc->entry, tc->n_entries,
				foreign)) {
		cell->state = CELL_OVER;
		cell->detail = xstrdup("this connection knows too many paths");
	}
}

struct peer_cell *peer_cell_find(const struct peer_cells *all,
				 const struct inputs_toolchain *tc)
{
	struct peer_cell *cell;

	list_for_each(cell, &all->list, link) {
		if (cell->toolchain == tc)
			return cell;
	}
	return NULL;
}

bool peer_cell_takes_steps(const struct peer_cell *cell,
			   enum wire_step_kind kind)
{
	int since = kind == WIRE_STEP_DEVICETREE ? WIRE_WITH_DEVICETREE :
						   WIRE_WITH_STEP;
	const struct wire_hello *hello = &cell->all->link->hello;
	struct utsname here;

	return !cell->foreign && wire_hello_version(hello) >= since &&
	       !uname(&here) && !strcmp(hello->inventory.machine, here.machine);
}

static struct peer_cell *find_cell(const struct peer_cells *all, uint32_t id)
{
	struct peer_cell *cell;

	list_for_each(cell, &all->list, link) {
		if (cell->told.views.number == id)
			return cell;
	}
	return NULL;
}

struct peer_cell *peer_cell_have(struct peer_cells *all,
				 const struct wire_have *m)
{
	struct peer_cell *cell = find_cell(all, m->cell);

	if (cell && cell->state == CELL_ASKED && m->state == WIRE_HAVE_READY) {
		cell->state = cell->foreign ? CELL_TRYING : CELL_READY;
		cell->has_foreign_id = digest_parse(&cell->foreign_id,
						    m->detail);
		return cell;
	}
	if (!cell || cell->state == CELL_OVER || m->state == WIRE_HAVE_READY)
		return NULL;
	cell->lost = m->state == WIRE_HAVE_LOST;
	all->lost += cell->lost;
	end_cell(cell, m->detail);
	return cell;
}

int peer_cell_need(struct peer_cells *all, const struct wire_need *m,
		   struct err *err)
{
	struct peer_cell *cell = find_cell(all, m->cell);

	if (!cell || cell->state == CELL_OVER)
		return 0;
	if (m->n && m->view <= cell->told.toolchain)
		cell->needs = true;
	return peer_views_need(&cell->told.views, m, all->link->ship,
			       &cell->ship_user, err);
}

void peer_cells_release(struct peer_cells *all)
{
	struct peer_cell *cell;

	while ((cell = TAILQ_FIRST(&all->list))) {
		TAILQ_REMOVE(&all->list, cell, link);
		peer_told_release(&cell->told);
		free(cell->detail);
		free(cell->foreign);
		free(cell);
	}
}
