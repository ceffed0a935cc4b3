/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/event.h - what a build tells the views: one stream of events.
 *
 * `--json FILE` writes each as one JSON object a line; the plain view is
 * another consumer.  The views know a build from this stream alone.
 */
#ifndef COORD_EVENT_H
#define COORD_EVENT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum event_kind {
	EVENT_BUILD, /* a build began: text is what, n is -j */
	EVENT_PHASE, /* text: config, compile, modules_install ... */
	EVENT_JOB, /* a job changed its state */
	EVENT_NODE, /* a node changed its state */
	EVENT_DIAG, /* a block of diagnostics: text; n: enum event_severity */
	EVENT_DONE, /* the build ended: n is the exit status */
};

enum event_severity {
	EVENT_WARNING,
	EVENT_ERROR
};

/* interface.md, section 7 */
enum event_job_state {
	EVENT_QUEUED,
	EVENT_SCAN, /* its inputs are being found */
	EVENT_SEND,
	EVENT_RUN,
	EVENT_RECEIVE,
	EVENT_JOB_DONE,
};

/* Not "struct event": that name is libevent's. */
struct coord_event {
	enum event_kind kind;
	uint64_t at_ms; /* since the build began */
	uint32_t job; /* EVENT_JOB: its number */
	enum event_job_state state;
	const char *file; /* EVENT_JOB: the source; may be NULL */
	const char *node; /* a node's name, "local", or NULL */
	const char *reason; /* why local, why a node is down; or NULL */
	const char *text;
	long n;
	/* EVENT_JOB with EVENT_JOB_DONE */
	bool remote; /* the object came from a node */
	unsigned retries;
};

typedef void coord_event_sink(void *ctx, const struct coord_event *ev);

/* Append the event as one line of JSON, with its newline. */
void coord_event_json(struct buf *out, const struct coord_event *ev);

#endif
