/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/counterpart.h"

#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "base/which.h"
#include "coord/prove.h"
#include "inputs/counterpart.h"
#include "inputs/tool.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GENKSYMS "scripts/genksyms/genksyms"

static struct coord_counterpart *find_host(const struct coord *c,
					   const char *host)
{
	for (size_t i = 0; i < c->n_counterparts; i++) {
		if (!strcmp(c->counterparts[i]->host, host))
			return c->counterparts[i];
	}
	return NULL;
}

/* Nodes take steps now, or no longer do. */
static void steps_changed(struct coord *c)
{
	c->other_steps = true;
	event_active(c->kick, EV_TIMEOUT, 0);
}

static void declare_bad(struct coord_counterpart *p, const char *why)
{
	p->state = COUNTERPART_BAD;
	log_warning("genksyms runs here, and not on nodes that compile as %s: "
		    "%s",
		    p->host, why);
	steps_changed(p->coord);
}

/* --------------------------------------------------------------- making */

/* On a thread. */
static void make_on_thread(void *arg)
{
	struct coord_counterpart *p = arg;
	struct inputs_tools *tools = p->coord->tools;
	const struct inputs_counterpart c = { .program = p->program,
					      .host = p->host,
					      .out = p->out,
					      .env = environ,
					      .stop = &p->stop };

	p->theirs = NULL;
	p->ours = inputs_tool_get(tools, p->program, environ, &p->err);
	p->ret = p->ours ? inputs_counterpart_make(&c, &p->err) : -ENOENT;
	if (!p->ret)
		p->theirs = inputs_tool_get(tools, p->out, environ, &p->err);
}

static void on_made(void *arg)
{
	struct coord_counterpart *p = arg;

	p->task = NULL;
	if (!p->theirs) {
		declare_bad(p, p->err.text);
		return;
	}
	p->state = COUNTERPART_MADE;
	log_debug("%s: there is one for %s", p->program, p->host);
	steps_changed(p->coord);
}

/* Takes over `program`. */
static void begin_making(struct coord_counterpart *p, char *program)
{
	struct coord *c = p->coord;

	free(p->program);
	free(p->out);
	p->program = program;
	p->out = xasprintf("%s/genksyms-%u", c->work, c->next_work++);
	atomic_store(&p->right, 0);
	p->state = COUNTERPART_MAKING;
	p->task = task_start_then(c->base, make_on_thread, on_made, p);
	steps_changed(c);
	if (!p->task)
		declare_bad(p, "no thread can be had");
}

static void begin_if_there(struct coord_counterpart *p, const char *cwd)
{
	char *program = xasprintf("%s/" GENKSYMS, cwd);

	if (p->state == COUNTERPART_NONE && which_is_program(program))
		begin_making(p, program);
	else
		free(program);
}

void coord_counterpart_met(struct coord *c, const char *host)
{
	struct coord_counterpart *p;

	if (!c->takes_steps || !c->setup.steps || find_host(c, host))
		return;
	p = xcalloc(1, sizeof(*p));
	p->coord = c;
	p->host = xstrdup(host);
	*VEC_ADD(c->counterparts, c->n_counterparts) = p;
	if (c->seen_cwd)
		begin_if_there(p, c->seen_cwd);
}

void coord_counterpart_look(struct coord *c, const char *cwd)
{
	if (!str_equal(c->seen_cwd, cwd)) {
		free(c->seen_cwd);
		c->seen_cwd = xstrdup(cwd);
	}
	for (size_t i = 0; i < c->n_counterparts; i++) {
		if (c->counterparts[i]->state == COUNTERPART_NONE)
			begin_if_there(c->counterparts[i], cwd);
	}
}

bool coord_counterpart_is_making(const struct coord *c)
{
	for (size_t i = 0; i < c->n_counterparts; i++) {
		if (c->counterparts[i]->state == COUNTERPART_MAKING)
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------- using */

bool coord_counterpart_is_current(const struct coord_counterpart *p,
				  const struct coord_node *n,
				  const struct inputs_tool *theirs)
{
	return p->state == COUNTERPART_MADE && p->theirs == theirs &&
	       n->refused != theirs;
}

bool coord_counterpart_is_taken(const struct coord_node *n, const char *host)
{
	const struct coord_counterpart *p = find_host(n->coord, host);

	return p && p->state == COUNTERPART_MADE &&
	       coord_counterpart_is_current(p, n, p->theirs);
}

struct coord_counterpart *coord_counterpart_get(struct coord *c,
						const char *host,
						const struct inputs_tool *ours)
{
	struct coord_counterpart *p = find_host(c, host);

	if (!p || p->state != COUNTERPART_MADE)
		return NULL;
	if (p->ours == ours)
		return p;
	begin_making(p, xstrdup(ours->path->name));
	return NULL;
}

void coord_counterpart_was_right(struct coord_counterpart *p,
				 struct coord_node *n,
				 const struct inputs_tool *theirs)
{
	if (!coord_counterpart_is_current(p, n, theirs))
		return;
	atomic_fetch_add(&p->right, 1);
	atomic_fetch_add(&n->right, 1);
}

void coord_counterpart_was_wrong(struct coord_counterpart *p,
				 struct coord_node *n,
				 const struct inputs_tool *theirs,
				 const char *words)
{
	if (!coord_counterpart_is_current(p, n, theirs))
		return;
	if (atomic_load(&p->right) < COORD_PROVE_PROGRAM) {
		declare_bad(p, words);
		return;
	}
	n->refused = theirs;
	log_warning("node %s: no genksyms any more: %s", n->entry->name, words);
	steps_changed(n->coord);
}

void coord_counterparts_free(struct coord *c)
{
	for (size_t i = 0; i < c->n_counterparts; i++) {
		struct coord_counterpart *p = c->counterparts[i];

		atomic_store(&p->stop, true);
		if (p->task)
			task_join(p->task);
		if (p->out)
			unlink(p->out);
		free(p->program);
		free(p->out);
		free(p->host);
		free(p);
	}
	free(c->counterparts);
	free(c->seen_cwd);
}
