/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/event.h"

#include "base/clock.h"
#include "base/json.h"
#include "coord/state.h"
#include "coord/unit.h"

#include <stdlib.h>
#include <string.h>

static void put_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, json_text(text));
}

static void put_job(json_t *o, const struct coord_event *ev)
{
	static const char *const states[] = {
		[EVENT_QUEUED] = "queued",   [EVENT_SCAN] = "scan",
		[EVENT_SEND] = "send",       [EVENT_RUN] = "run",
		[EVENT_RECEIVE] = "receive", [EVENT_JOB_DONE] = "done",
	};

	json_object_set_new(o, "job", json_integer(ev->job));
	put_text(o, "state", states[ev->state]);
	if (ev->state == EVENT_JOB_DONE) {
		json_object_set_new(o, "remote", json_boolean(ev->remote));
		json_object_set_new(o, "retries", json_integer(ev->retries));
	}
}

void coord_event_json(struct buf *out, const struct coord_event *ev)
{
	static const char *const kinds[] = {
		[EVENT_BUILD] = "build", [EVENT_PHASE] = "phase",
		[EVENT_JOB] = "job",     [EVENT_NODE] = "node",
		[EVENT_DIAG] = "diag",   [EVENT_DONE] = "done",
	};
	json_t *o = json_object();
	char *line;

	json_object_set_new(o, "t", json_real((double)ev->at_ms / 1000));
	put_text(o, "event", kinds[ev->kind]);
	if (ev->kind == EVENT_JOB)
		put_job(o, ev);
	put_text(o, "file", ev->file);
	put_text(o, "node", ev->node);
	put_text(o, "reason", ev->reason);
	put_text(o, "text", ev->text);
	if (ev->kind == EVENT_BUILD)
		json_object_set_new(o, "jobs", json_integer(ev->n));
	if (ev->kind == EVENT_DIAG)
		put_text(o, "severity",
			 ev->n == EVENT_ERROR ? "error" : "warning");
	if (ev->kind == EVENT_DONE)
		json_object_set_new(o, "status", json_integer(ev->n));
	line = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(12));
	if (line)
		buf_printf(out, "%s\n", line);
	free(line);
	json_decref(o);
}

static void tell_sink(const struct coord *c, struct coord_event *ev)
{
	ev->at_ms = clock_ms() - c->began_ms;
	if (c->setup.sink)
		c->setup.sink(c->setup.sink_ctx, ev);
}

void coord_tell_unit(const struct coord_unit *u, enum event_job_state state,
		     const char *node, const char *reason, unsigned retries)
{
	struct coord_event ev = {
		.kind = EVENT_JOB,
		.job = u->id + 1,
		.state = state,
		.file = u->command.source,
		.node = node,
		.reason = reason,
		.remote = node && strcmp(node, "local"),
		.retries = retries,
	};

	tell_sink(u->coord, &ev);
}

void coord_tell_node(const struct coord *c, const char *node, const char *state,
		     const char *reason)
{
	struct coord_event ev = {
		.kind = EVENT_NODE,
		.node = node,
		.text = state,
		.reason = reason,
	};

	tell_sink(c, &ev);
}
