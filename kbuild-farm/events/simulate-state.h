/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/simulate-state.h - what the files of the simulation share: nodes and
 * jobs in simulate.c and what is told of them, and the words for them, in
 * simulate-tell.c.
 */
#ifndef EVENTS_SIMULATE_STATE_H
#define EVENTS_SIMULATE_STATE_H

#include "events/simulate.h"

#define SIMULATE_LOCAL UINT32_MAX /* this machine in the place of a node */

enum simulate_temper {
	SIMULATE_PLAIN,
	SIMULATE_IDLE, /* its toolchain comes late: no jobs before that */
	SIMULATE_HOT, /* heats up, is throttled */
	SIMULATE_FAILING,
};

struct simulate_node {
	char name[16];
	enum simulate_temper temper;
	const char *machine, *state, *reason;
	unsigned cores, slots, speed; /* thousandths of a plain one */
	bool greeted; /* it said hello once */
	bool ready; /* it has the toolchain */
	unsigned jobs; /* that are there now */
	unsigned done, failed, retries,
		fell; /* fell: failed since it came up */
	uint64_t cpu_ms, sent, received;
	unsigned load, heat, clock, foreign; /* thousandths; heat of a degree */
	uint64_t back_ms; /* when it works again; 0: it does */
};

struct simulate_job {
	int64_t number;
	enum events_job_state state;
	uint32_t node;
	uint32_t took_ms; /* by a plain node's compiler */
	unsigned retries;
	const char *reason; /* why here; NULL: a node may have it */
	bool fails, wrong; /* on its node; everywhere, with an error */
	bool known; /* what it took in the last build */
	struct simulate_job *next; /* in the queue, or free */
};

/* The last build of the same. */
struct simulate_estimate {
	uint64_t jobs, more; /* more: of these, those of modules */
	uint64_t mean_ms; /* of a job */
	unsigned rate, make_jobs;
};

struct simulate_teller {
	uint64_t at_ms;
	events_sink *told;
	void *ctx;
};

/* A name that the number decides. */
void simulate_file(char out[static 96], int64_t number);

void simulate_tell_begin(const struct simulate_teller *t, unsigned jobs,
			 unsigned local_slots);
void simulate_tell_estimate(const struct simulate_teller *t,
			    const struct simulate_estimate *e);
void simulate_tell_text(const struct simulate_teller *t, enum events_kind kind,
			const char *text);
void simulate_tell_node(const struct simulate_teller *t,
			const struct simulate_node *n);
void simulate_tell_cell(const struct simulate_teller *t,
			const struct simulate_node *n, const char *state);
void simulate_tell_load(const struct simulate_teller *t,
			const struct simulate_node *n);
/* `n`: where it is; NULL: nowhere, or here if job->reason is set. */
void simulate_tell_job(const struct simulate_teller *t,
		       const struct simulate_job *job,
		       const struct simulate_node *n);
void simulate_tell_warning(const struct simulate_teller *t, int64_t number);
void simulate_tell_error(const struct simulate_teller *t, int64_t number);
void simulate_tell_done(const struct simulate_teller *t, int status,
			uint64_t remote, uint64_t local);

#endif
