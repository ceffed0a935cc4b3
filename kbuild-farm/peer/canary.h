/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/canary.h - does a node's own build of a compiler compile as ours does?
 *
 * A dozen sources (templates/canary/) are compiled here, once per build and
 * toolchain, and on the node, with the options of a kernel; every object and
 * all that the compiler says must be equal byte for byte.  Until then the cell
 * is CELL_TRYING and gets no job.
 *
 * A probe is another known answer, for a node that failed: the unit of a
 * reference object of ours (inputs/reference.h).
 *
 * One unit is out at a time, as a job of the node like others, so that what
 * the compiler took there can be compared with another build's.
 */
#ifndef PEER_CANARY_H
#define PEER_CANARY_H

#include "peer/canary-db.h"
#include "peer/cell.h"
#include "peer/job.h"

struct peer_canary_outcome {
	enum peer_canary_is is;
	char *detail; /* the caller frees it */
	uint32_t cpu_ms; /* of the fastest round */
};

/* Try a cell, which is CELL_TRYING: all units, `rounds` times. */
void peer_canary_try(struct peer_cell *cell, unsigned rounds);
/*
 * With a free slot of the node: send the next unit, if it is the moment.  True:
 * it is over, and *out says how.
 */
bool peer_canary_step(struct peer_cell *cell, struct peer_canary_outcome *out);
/*
 * What became of a job of the kind PEER_JOB_CANARY, its answer complete, or
 * `fail`; the job is over.  True: so is the canary.
 */
bool peer_canary_answer(const struct peer_job *job,
			struct peer_canary_outcome *out);
bool peer_canary_fail(const struct peer_job *job, const struct wire_fail *fail,
		      struct peer_canary_outcome *out);

/* Send a probe; false when no toolchain is known yet that the node has. */
bool peer_probe_send(struct peer_cells *cells);
/* Its answer is complete: is it ours? */
bool peer_probe_is_right(const struct peer_job *job);

#endif
