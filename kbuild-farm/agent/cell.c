/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/cell.h"

#include "agent/agent.h"
#include "agent/foreign.h"
#include "agent/inode.h"
#include "base/str.h"
#include "cell/cell.h"
#include "compiler/manifest.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

struct agent_cell {
	struct agent_dest dest;
	struct wire_cell m;
	struct cell *cell;
	struct event *readable;
	size_t n_tools; /* entries of the toolchain that came */
	TAILQ_HEAD(, agent_cell_user) users;
	struct agent_lease lease; /* of a toolchain of the node's own */
};

static struct agent_cell *cell_of(struct agent_dest *p)
{
	/* `dest` is the first member. */
	return (struct agent_cell *)(void *)p;
}

static void tell_user(struct agent_cell_user *u, const char *why)
{
	u->waiting = false;
	u->go(u->ctx, why);
}

static void tell_if_decided(struct agent_cell_user *u)
{
	const struct agent_dest *p = &u->cell->dest;

	if (p->state == AGENT_DEST_GONE)
		tell_user(u, "its cell is gone");
	else if (p->state == AGENT_DEST_READY && u->view <= p->applied)
		tell_user(u, NULL);
}

static void tell_users(struct agent_dest *p)
{
	struct agent_cell_user *u, *next;

	list_for_each_safe(u, &cell_of(p)->users, link, next) {
		if (u->waiting)
			tell_if_decided(u);
	}
}

static bool has_users(const struct agent_dest *p)
{
	return !TAILQ_EMPTY(
		&((const struct agent_cell *)(const void *)p)->users);
}

static void free_cell(struct agent_dest *p)
{
	struct agent_cell *c = cell_of(p);

	if (c->readable)
		event_free(c->readable);
	cell_free(c->cell);
	agent_lease_release(&c->lease);
	wire_cell_release(&c->m);
	free(c);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct agent_cell *c = arg;

	(void)fd;
	(void)what;
	cell_read(c->cell);
}

/* Its keeper is gone; its users were told that their runs have ended. */
static void on_lost(void *ctx, const char *why)
{
	struct agent_cell *c = ctx;

	event_del(c->readable);
	agent_dest_fail(&c->dest, why);
}

static int make_cell(struct agent_dest *p, struct err *err)
{
	struct agent_cell *c = cell_of(p);
	struct cell_setup setup = {
		.roots = (const char *const *)c->m.roots.v,
		.limits = p->agent->limits,
		.lost = on_lost,
		.ctx = c,
	};

	return cell_new(&c->cell, &setup, err);
}

static void watch_cell(struct agent_dest *p)
{
	struct agent_cell *c = cell_of(p);

	c->readable = event_new(p->agent->base, cell_fd(c->cell),
				EV_READ | EV_PERSIST, on_readable, c);
	if (!c->readable || event_add(c->readable, NULL))
		str_out_of_memory();
}

static int check_limits(struct agent_dest *p, const struct agent_view *v,
			struct err *err)
{
	struct agent_cell *c = cell_of(p);

	if (v->m.part != WIRE_PART_TREE)
		c->n_tools += v->m.n;
	if (agent_view_bytes(v) > p->agent->limits.view_bytes)
		return err_set(err, ENOMEM,
			       "more files than this node has memory for");
	if (c->n_tools > COMPILER_ENTRIES_MAX)
		return err_set(err, E2BIG, "a toolchain of too many files");
	return 0;
}

static int put_files(struct agent_dest *p, struct agent_view *v,
		     struct err *err)
{
	int ret = agent_view_room(agent_view_bytes(v), err);

	return ret ? ret :
		     agent_view_apply(v, agent_inode_put, cell_of(p)->cell,
				      err);
}

/* What the VIEWs would have brought comes from this machine's disk. */
static int put_foreign(struct agent_cell *c, struct err *err)
{
	struct agent_dest *p = &c->dest;
	char *driver = agent_view_driver(&p->toolchain, &c->m);
	struct digest id = { 0 };
	int ret = agent_foreign_put(p->agent, &c->m, driver, c->cell, &c->lease,
				    &id, err);

	digest_hex(&id, p->detail);
	free(driver);
	return ret;
}

static int freeze_cell(struct agent_dest *p, struct err *err)
{
	struct agent_cell *c = cell_of(p);
	int ret = *c->m.kept ?
			  put_foreign(c, err) :
			  agent_view_check_identity(&p->toolchain, &c->m, err);

	return ret ? ret : cell_freeze(c->cell, c->m.driver, err);
}

static const struct agent_dest_kind kind = {
	.name = "cell",
	.open = make_cell,
	.opened = watch_cell,
	.take = check_limits,
	.apply = put_files,
	.finish = freeze_cell,
	.changed = tell_users,
	.is_used = has_users,
	.free = free_cell,
};

struct agent_dest *agent_cell_new(struct agent *a, struct wire_cell *m,
				  struct agent_blobs *blobs,
				  const struct agent_dest_ops *ops, void *ctx)
{
	struct agent_cell *c = xcalloc(1, sizeof(*c));

	c->lease.fd = -1;
	c->m = *m;
	*m = (struct wire_cell){ 0 };
	TAILQ_INIT(&c->users);
	agent_dest_init(&c->dest, &kind, a, c->m.cell, blobs, ops, ctx);
	return &c->dest;
}

struct agent_cell *agent_cell_at(struct agent_dest *p)
{
	return p->kind == &kind ? cell_of(p) : NULL;
}

const struct wire_cell *agent_cell_setup(const struct agent_cell *c)
{
	return &c->m;
}

struct cell *agent_cell_of(const struct agent_cell *c)
{
	return c->cell;
}

uint32_t agent_cell_last_view(const struct agent_cell *c)
{
	return c->dest.last;
}

void agent_cell_join(struct agent_cell *c, struct agent_cell_user *u)
{
	u->cell = c;
	u->waiting = false;
	TAILQ_INSERT_TAIL(&c->users, u, link);
}

void agent_cell_leave(struct agent_cell_user *u)
{
	struct agent_cell *c = u->cell;

	if (!c)
		return;
	TAILQ_REMOVE(&c->users, u, link);
	u->cell = NULL;
	u->waiting = false;
	agent_dest_wake(&c->dest);
}

void agent_cell_await(struct agent_cell_user *u)
{
	u->waiting = true;
	tell_if_decided(u);
}
