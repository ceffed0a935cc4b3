/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/tool-step.h"

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "base/which.h"
#include "coord/verify-result.h"
#include "inputs/cross-tool.h"
#include "inputs/rebuild.h"
#include "inputs/tool.h"
#include "peer/peer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GENKSYMS "scripts/genksyms/genksyms"

enum coord_cross_genksyms_state {
	COORD_CROSS_GENKSYMS_NONE,
	COORD_CROSS_GENKSYMS_BUILDING,
	COORD_CROSS_GENKSYMS_READY,
	COORD_CROSS_GENKSYMS_BAD,
};

/* The genksyms for one host; freed together with the coordinator. */
struct coord_cross_genksyms {
	struct coord *coord;
	char *host; /* as in compiler releases: "arm64" */
	enum coord_cross_genksyms_state state;
	/*
	 * thread that exists in state BUILDING; in this state, the thread owns
	 * the fields from `source_program` to `err`
	 */
	struct task *task;
	atomic_bool stop;
	/* paths of the local program and of the cross-built program */
	char *source_program, *output;
	const struct inputs_tool *local_tool, *cross_tool;
	struct err err;
	atomic_uint n_right; /* right results; read by worker threads */
};

static struct coord_cross_genksyms *find_cross_host(const struct coord *c,
						    const char *host)
{
	for (size_t i = 0; i < c->steps.n_cross_genksyms; i++) {
		if (!strcmp(c->steps.cross_genksyms[i]->host, host))
			return c->steps.cross_genksyms[i];
	}
	return NULL;
}

/* Make the loop report the changed tool steps of all nodes. */
static void set_steps_dirty(struct coord *c)
{
	c->steps.dirty = true;
	event_active(c->timers.kick, EV_TIMEOUT, 0);
}

static void set_cross_bad(struct coord_cross_genksyms *p, const char *why)
{
	p->state = COORD_CROSS_GENKSYMS_BAD;
	log_warning("genksyms runs on the build host, not on %s nodes: %s",
		    p->host, why);
	set_steps_dirty(p->coord);
}

/* ------------------------------------------------------------- building */

static void build_on_thread(void *arg)
{
	struct coord_cross_genksyms *p = arg;
	struct inputs_tool_cache *tools = p->coord->tools;
	const struct inputs_cross_tool c = { .native_path = p->source_program,
					     .host = p->host,
					     .output_path = p->output,
					     .env = environ,
					     .cancelled = &p->stop };
	const struct inputs_rebuild rebuild = { .program = p->source_program,
						.output_path = p->output,
						.env = environ,
						.cancelled = &p->stop };

	p->cross_tool = NULL;
	p->local_tool = inputs_tool_get(tools, p->source_program, environ,
					&p->err);
	if (p->local_tool && !inputs_rebuild_compare(&rebuild, &p->err) &&
	    !inputs_cross_tool_build(&c, &p->err))
		p->cross_tool = inputs_tool_get(tools, p->output, environ,
						&p->err);
}

static void on_made(void *arg)
{
	struct coord_cross_genksyms *p = arg;

	p->task = NULL;
	if (!p->cross_tool) {
		set_cross_bad(p, p->err.text);
		return;
	}
	p->state = COORD_CROSS_GENKSYMS_READY;
	log_debug("%s: built for %s nodes", p->source_program, p->host);
	set_steps_dirty(p->coord);
}

/* Takes ownership of `program`. */
static void start_cross_build(struct coord_cross_genksyms *p, char *program)
{
	struct coord *c = p->coord;

	free(p->source_program);
	free(p->output);
	p->source_program = program;
	p->output = xasprintf("%s/genksyms-%u", c->work_dir,
			      c->next_file_number++);
	atomic_store(&p->n_right, 0);
	p->state = COORD_CROSS_GENKSYMS_BUILDING;
	p->task = task_start_notify(c->base, build_on_thread, on_made, p);
	set_steps_dirty(c);
	if (!p->task)
		set_cross_bad(p, "cannot create thread");
}

static void start_build_if_found(struct coord_cross_genksyms *p,
				 const char *cwd)
{
	char *program;

	if (p->state != COORD_CROSS_GENKSYMS_NONE)
		return;
	program = xasprintf("%s/" GENKSYMS, cwd);
	if (which_is_executable(program))
		start_cross_build(p, program);
	else
		free(program);
}

static void add_cross_host(struct coord *c, const char *host)
{
	struct coord_cross_genksyms *p;

	if (!c->steps.enabled || !c->setup.on_steps_changed ||
	    find_cross_host(c, host))
		return;
	p = xcalloc(1, sizeof(*p));
	p->coord = c;
	p->host = xstrdup(host);
	*VEC_ADD(c->steps.cross_genksyms, c->steps.n_cross_genksyms) = p;
	if (c->steps.last_cwd)
		start_build_if_found(p, c->steps.last_cwd);
}

bool coord_cross_genksyms_is_building(const struct coord *c)
{
	for (size_t i = 0; i < c->steps.n_cross_genksyms; i++) {
		if (c->steps.cross_genksyms[i]->state ==
		    COORD_CROSS_GENKSYMS_BUILDING)
			return true;
	}
	return false;
}

/* --------------------------------------------------------------- using */

/* Return true if `cross_tool` is still the tool that this node must use. */
static bool is_current(const struct coord_cross_genksyms *p,
		       const struct coord_node *n,
		       const struct inputs_tool *cross_tool)
{
	return p->state == COORD_CROSS_GENKSYMS_READY &&
	       p->cross_tool == cross_tool && n->rejected_tool != cross_tool;
}

unsigned coord_tool_step_supported(const struct coord_node *n,
				   const struct inputs_toolchain *tc)
{
	const struct coord_cross_genksyms *p;
	const char *host = NULL;

	if (!peer_can_run_step(n->peer, tc, WIRE_STEP_SYMBOLS, &host))
		return 0;
	if (!host)
		return SCHED_STEP_SYMBOLS | SCHED_STEP_OBJECT |
		       (peer_can_run_step(n->peer, tc, WIRE_STEP_DEVICETREE,
					  &host) ?
				SCHED_STEP_DEVICETREE :
				0);
	add_cross_host(n->coord, host);
	p = find_cross_host(n->coord, host);
	return p && is_current(p, n, p->cross_tool) ? SCHED_STEP_SYMBOLS : 0;
}

/*
 * Record that a result of `cross_tool` on this node was wrong; `words`
 * describes the difference.
 */
static void record_wrong(struct coord_cross_genksyms *p, struct coord_node *n,
			 const struct inputs_tool *cross_tool,
			 const char *words)
{
	if (!is_current(p, n, cross_tool))
		return;
	if (atomic_load(&p->n_right) < COORD_VERIFY_GENKSYMS_PER_TOOL) {
		set_cross_bad(p, words);
		return;
	}
	n->rejected_tool = cross_tool;
	log_warning("node %s: genksyms disabled: %s", n->entry->name, words);
	set_steps_dirty(n->coord);
}

void coord_cross_genksyms_free_all(struct coord *c)
{
	for (size_t i = 0; i < c->steps.n_cross_genksyms; i++) {
		struct coord_cross_genksyms *p = c->steps.cross_genksyms[i];

		atomic_store(&p->stop, true);
		if (p->task)
			task_join(p->task);
		if (p->output)
			unlink(p->output);
		free(p->source_program);
		free(p->output);
		free(p->host);
		free(p);
	}
	for (size_t i = 0; i < SCHED_N_PROGRAMS; i++)
		free(c->steps.failure_texts[i]);
	free(c->steps.cross_genksyms);
	free(c->steps.last_cwd);
}

unsigned coord_tool_step_kind(const struct coord_unit *u)
{
	struct coord_steps *steps = &u->coord->steps;
	const char *cwd = u->request.cwd;

	/*
	 * The working directory of the unit can be a build directory that
	 * contains genksyms.  Store the directory for hosts that are registered
	 * later.
	 */
	if (!str_equal(steps->last_cwd, cwd)) {
		free(steps->last_cwd);
		steps->last_cwd = xstrdup(cwd);
	}
	for (size_t i = 0; i < steps->n_cross_genksyms; i++)
		start_build_if_found(steps->cross_genksyms[i], cwd);
	return u->has_step ?
		       coord_sched_step((enum wire_step_kind)u->step.kind) :
		       0;
}

bool coord_tool_step_is_pending(const struct coord_unit *u)
{
	const struct coord *c = u->coord;

	if (!coord_unit_has_step(u, WIRE_STEP_SYMBOLS) || !u->toolchain ||
	    !coord_cross_genksyms_is_building(c))
		return false;
	for (size_t i = 0; i < c->nodes.n; i++) {
		const char *host = NULL;

		if (peer_can_run_step(c->nodes.v[i]->peer, u->toolchain,
				      WIRE_STEP_SYMBOLS, &host) &&
		    !host)
			return false;
	}
	return true;
}

int coord_tool_step_select(struct coord_unit *u, struct coord_node *n)
{
	const struct inputs_tool *local_tool = u->inputs.tool;
	struct coord_cross_genksyms *p;
	const char *host = NULL;

	u->last_node = n;
	u->cross_tool = NULL;
	if (!local_tool)
		return 0;
	if (!peer_can_run_step(n->peer, u->toolchain,
			       (enum wire_step_kind)u->step.kind, &host))
		return -ENOTSUP;
	if (!host)
		return 0;
	u->cross_genksyms = NULL;
	p = find_cross_host(n->coord, host);
	if (!p || p->state != COORD_CROSS_GENKSYMS_READY)
		return -ENOTSUP;
	if (p->local_tool != local_tool) {
		/* The local tool has changed. */
		start_cross_build(p, xstrdup(local_tool->path->name));
		return -ENOTSUP;
	}
	u->cross_genksyms = p;
	u->cross_tool = p->cross_tool;
	return 0;
}

void coord_tool_step_handle_failure(const struct coord_unit *u,
				    const char *words)
{
	if (u->cross_tool && !atomic_load(&u->last_node->n_right))
		record_wrong(u->cross_genksyms, u->last_node, u->cross_tool,
			     words);
}

const struct coord_genksyms_check *coord_tool_step_prepare_check(
	struct coord_unit *u)
{
	struct coord *c = u->coord;
	const struct coord_cross_genksyms *p = u->cross_genksyms;

	if (!u->cross_tool)
		return NULL;
	if (!u->genksyms_text_path)
		u->genksyms_text_path = xasprintf("%s/proof-%u.i", c->work_dir,
						  c->next_file_number++);
	u->genksyms_check = (struct coord_genksyms_check){
		.job_request = &u->request,
		.command = &u->command,
		.step = &u->step,
		.text_path = u->genksyms_text_path,
		.cancel = &c->ending,
		.tool_n_right = &p->n_right,
		.node_n_right = &u->last_node->n_right,
		.outdated = !is_current(p, u->last_node, u->cross_tool),
	};
	return &u->genksyms_check;
}

void coord_tool_step_record_check(const struct coord_unit *u)
{
	const struct coord_verify_result_job *e = &u->verification;
	struct coord_cross_genksyms *p = u->cross_genksyms;
	struct coord_node *n = u->last_node;

	if (!e->genksyms_check)
		return;
	if (e->genksyms_verdict == COORD_GENKSYMS_VERDICT_WRONG) {
		record_wrong(p, n, u->cross_tool, e->err.text);
	} else if (e->genksyms_verdict == COORD_GENKSYMS_VERDICT_RIGHT &&
		   is_current(p, n, u->cross_tool)) {
		atomic_fetch_add(&p->n_right, 1);
		atomic_fetch_add(&n->n_right, 1);
	}
}
