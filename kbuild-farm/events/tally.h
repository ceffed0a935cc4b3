/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/tally.h - what the events of a build come to: how many jobs, done by
 * whom, why here, and what each node did.
 *
 * The views' model (ui/model.h), the summary, --require-remote and
 * metadata.json have their figures from it, and so they are the same.
 *
 * Memory is bounded by the constants below.  Texts are such that they may be
 * shown on a terminal (base/printable.h).
 */
#ifndef EVENTS_TALLY_H
#define EVENTS_TALLY_H

#include "base/map.h"
#include "events/event.h"

#define EVENTS_NAME_MAX    512 /* bytes of a name, a reason */
#define EVENTS_REASONS_MAX 256 /* the others are counted as one */
#define EVENTS_NODES_MAX   4096 /* of what more there are nothing is known */

/* Why jobs, or steps beside them, were done here. */
struct events_reason {
	char *text;
	unsigned jobs;
};

struct events_node {
	struct map_node map; /* by its name */
	char *name;
	char *state, *reason; /* "" before it has one; may be NULL */
	int64_t slots; /* EVENTS_UNKNOWN: it did not say */
	unsigned jobs; /* done there */
	unsigned failed; /* faults of the node */
	unsigned retries; /* jobs that went elsewhere after it failed them */
	int64_t cpu_ms; /* of its compilers */
	int64_t sent, received; /* bytes in this build */
	void *own; /* for who has the tally; NULL at first */
};

struct events_tally {
	unsigned remote, local; /* jobs done, by who made the object */
	unsigned steps; /* of kbuild, that nodes did with a job of theirs */
	unsigned retried; /* times that jobs were begun anew elsewhere */
	unsigned beside; /* jobs that were compiled here too */
	unsigned warnings, errors;
	unsigned new_diags; /* of these, that an earlier build had not */
	bool compares; /* there is such a build */
	int64_t cpu_ms, scan_ms; /* of this machine, once it was told */
	/* What make's shells did; no lines: it had none of kfarm's. */
	int64_t shell_lines, shell_handed, shell_compiles, shell_fixdeps;
	int64_t shell_steps, shell_steps_here;
	/* Those with most jobs first; some may have none. */
	struct events_reason *reason;
	size_t n_reasons;
	/* Why steps of kbuild were not with nodes; `jobs` are steps here. */
	struct events_reason *step_reason;
	size_t n_step_reasons;
	/* As they came; EVENTS_LOCAL, once it had a job, among them. */
	struct events_node **node;
	size_t n_nodes;
	struct map by_name; /* these */
};

/* A zeroed one knows nothing yet; this one is zeroed again. */
void events_tally_release(struct events_tally *t);

/* A sink (events/hub.h); `t` is a struct events_tally. */
void events_tally_tell(void *t, const struct events_event *ev);

/* NULL: not known. */
struct events_node *events_tally_node(const struct events_tally *t,
				      const char *name);
/* It is known from now on; NULL: there are too many, or `name` is NULL. */
struct events_node *events_tally_need(struct events_tally *t, const char *name);
/*
 * The text of a reason as the tally keeps it, until it is released; NULL for
 * NULL.
 */
const char *events_tally_reason(struct events_tally *t, const char *text);

bool events_node_is_local(const struct events_node *n);
bool events_node_is_up(const struct events_node *n);

/*
 * A copy of at most `max` bytes that may be shown, "" of NULL; `allow` is that
 * of base/printable.h.  The caller frees it.
 */
char *events_shown(const char *text, size_t max, unsigned allow);

#endif
