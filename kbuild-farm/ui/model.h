/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/model.h - what is known of a build, from its events alone.
 *
 * Every view draws from this: `kfarm build` feeds it as the events happen,
 * others from a file or from the build's socket (events/event.h).  It does no
 * I/O and knows no clock: `now` is the time of the build in milliseconds, as
 * ev->at_ms is.
 *
 *	ui_model_tell(&m, ev);		for each event
 *	... read the members, and ask the functions below
 *
 * Memory is bounded by what is going on, not by what was: a job that is done
 * is forgotten, and of texts, reasons, phases and nodes so many are kept as
 * the constants here and in events/tally.h say.  Texts are such that they may
 *be shown on a terminal (base/printable.h), diagnostics with newlines and tabs.
 *
 * A total and a time of the end there are for a build whose like was built
 * before (ui/estimate.h): otherwise nobody knows how many jobs it has.
 */
#ifndef UI_MODEL_H
#define UI_MODEL_H

#include "base/map.h"
#include "events/hub.h"
#include "events/tally.h"
#include "ui/estimate.h"

#include <sys/queue.h>

#define UI_DIAG_MAX (16u << 10) /* bytes of a block of diagnostics */
#define UI_DIAGS    64 /* blocks that are kept */
#define UI_PHASES   32
#define UI_JOBS_MAX (1u << 17) /* at once; more are not shown */
#define UI_SECONDS  60 /* of the past that throughput is kept for */

struct ui_node;

/* One that is not done. */
struct ui_job {
	struct map_node map; /* by its number */
	TAILQ_ENTRY(ui_job) link; /* of all, the oldest first */
	int64_t number;
	enum events_job_state state;
	char *file; /* without the tree's directory */
	const char *reason; /* why here; of the tally, or NULL */
	struct ui_node *node; /* NULL: on none */
	unsigned slot; /* there */
	bool beside; /* compiled here too */
	int64_t cost_ms; /* in the other build; EVENTS_UNKNOWN: it had none */
	uint64_t came_ms; /* when it was queued */
	uint64_t there_ms; /* when it came to its node */
	uint64_t since_ms; /* in this state */
};

struct ui_node {
	const struct events_node *told; /* its name, state and counts */
	char *machine; /* uname -m; or NULL */
	char *cell; /* of its last toolchain: "ready" ...; or NULL */
	/* EVENTS_UNKNOWN where it did not say: */
	int64_t cores, memory, load, foreign, celsius, speed;
	unsigned now[EVENTS_STATES]; /* jobs there, by their state */
	uint64_t took_ms; /* from sent to done, of `counted` jobs */
	unsigned counted;
	uint64_t state_ms; /* since when it is in this state */
	uint64_t job_ms; /* when it got a job last */
	bool beats; /* what it sent is known */
	/*
	 * Its jobs by slot, NULL: a free one.  A job keeps its slot, and a new
	 * one takes the first that is free.
	 */
	struct ui_job **slot;
	unsigned n_slots; /* that were ever in use */
};

struct ui_phase {
	char *name;
	uint64_t began_ms;
};

struct ui_diag {
	uint64_t at_ms;
	enum events_severity severity;
	char *text; /* NULL: no block */
	/* So many of it an earlier build had not; EVENTS_UNKNOWN: none is
	   known. */
	int64_t fresh;
};

struct ui_second {
	unsigned remote, local; /* jobs that ended */
	uint64_t sent, received; /* bytes, as the nodes' beats say */
};

struct ui_model {
	uint64_t at_ms; /* of the last event */
	bool live; /* a snapshot, if there was one, is complete */
	bool done;
	int64_t status; /* then: the exit status */
	uint64_t dropped; /* events that did not come; then counts are less,
			     and jobs may seem to go on: connect again */

	/* Of the build; "" until it is known. */
	char *program, *what, *arch, *config, *toolchain, *tree, *dir, *output;
	/* For who comes later alone: */
	char *toolchain_id, *tree_name, *commit, *release, *key;
	bool fresh;
	int64_t pid, began_s, jobs, local_slots;
	int64_t number, of; /* of several of one command; else 0 */

	struct ui_phase phase[UI_PHASES]; /* the last is the present one */
	unsigned n_phases;

	TAILQ_HEAD(, ui_job) jobs_now; /* those not done, the oldest first */
	struct map by_number;
	unsigned n_jobs;
	unsigned now[EVENTS_STATES]; /* these by their state */
	char *last; /* the file of the job that ended last, "": none */

	struct events_tally tally; /* counts of jobs, reasons, diagnostics */
	struct ui_estimate estimate;

	struct ui_node **node; /* "local", once it had a job, is the first */
	size_t n_nodes;

	/* The last blocks: number i of n_diags is at i % UI_DIAGS. */
	struct ui_diag diag[UI_DIAGS];
	uint64_t n_diags;

	/* By second of the build, modulo UI_SECONDS + 1: */
	uint64_t second; /* the present one */
	struct ui_second past[UI_SECONDS + 1];
};

void ui_model_init(struct ui_model *m);
void ui_model_release(struct ui_model *m);

/* A sink (events/hub.h); `m` is a struct ui_model. */
void ui_model_tell(void *m, const struct events_event *ev);
/*
 * Tell the events that make another model the same, but for what is past:
 * throughput, how long a job is in its state, and the slots.
 */
void ui_model_snapshot(void *m, events_sink *told, void *ctx);

/* Append "arm64", of one of several builds "2/3 arm64 defconfig"; or nothing.
 */
void ui_model_add_which(const struct ui_model *m, struct buf *out);
/* "config", "compile" ...; "start" before the first. */
const char *ui_model_phase(const struct ui_model *m);
/* Jobs that are done. */
unsigned ui_model_jobs_done(const struct ui_model *m);
/* What is to be expected; false: nobody knows, or the build has ended. */
bool ui_model_look(const struct ui_model *m, uint64_t now,
		   struct ui_outlook *out);
/* Jobs that are neither queued nor done. */
unsigned ui_model_running(const struct ui_model *m);
/* Nodes without "local", and how many of these are up. */
unsigned ui_model_nodes(const struct ui_model *m, unsigned *up);
struct ui_node *ui_model_node(const struct ui_model *m, const char *name);
/*
 * Jobs done a second, in thousandths, over the last `seconds` (at most
 * UI_SECONDS) full seconds before `now`, or since the beginning.
 */
unsigned ui_model_rate(const struct ui_model *m, uint64_t now,
		       unsigned seconds);
/* What was `ago` seconds before the second of `now`; all 0: too old. */
const struct ui_second *ui_model_second(const struct ui_model *m, uint64_t now,
					unsigned ago);

bool ui_node_is_local(const struct ui_node *n);
bool ui_node_is_up(const struct ui_node *n);
/* How long it is up without a job, in milliseconds; 0: it is not, or has one.
 */
uint64_t ui_node_idle(const struct ui_node *n, uint64_t now);
/* Mean time of a job there, from sent to done, in milliseconds; 0: none yet. */
uint64_t ui_node_mean(const struct ui_node *n);

#endif
