/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/canary.h - does a node's own build of a compiler compile as ours?
 *
 * A dozen sources (templates/canary/) are compiled here, once per build and
 * toolchain, and on the node, with the options of a kernel; every object and
 * all that the compiler says must be equal byte for byte.  Until then the cell
 * is CELL_TRYING and gets no job.
 *
 * One unit is out at a time, as a job of the node like others, so that what
 * the compiler took there can be compared with another build's.
 */
#ifndef PEER_CANARY_H
#define PEER_CANARY_H

#include "peer/cell.h"

enum peer_canary_is {
	PEER_CANARY_PASSED,
	PEER_CANARY_FAILED, /* it compiles otherwise: detail names the file */
	PEER_CANARY_BROKEN, /* it could not be tried: detail says why */
};

/* Our side of it; belongs to a toolchain. */
struct peer_canary;

/* Begin to compile our side, if that was not begun. */
void peer_canary_prepare(struct inputs_toolchain *tc);
/* Once a second: a compiler that hangs here is not waited for. */
void peer_canary_check(struct peer_canary *c);
/* NULL is fine. */
void peer_canary_free(struct peer_canary *c);

/*
 * Try a cell, which is CELL_TRYING: all units, `rounds` times.  From the loop
 * `tell` is told what came of it and the CPU time of the fastest round; the
 * cell may be ended there.
 */
typedef void peer_canary_done(struct peer_cell *cell, enum peer_canary_is is,
			      const char *detail, uint32_t cpu_ms);
void peer_canary_try(struct peer_cell *cell, unsigned rounds,
		     peer_canary_done *tell);
/* The cell is over. */
void peer_canary_drop(struct peer_cell *cell);
/* Once a second, and when our side is ready. */
void peer_canary_watch(struct peer *p, uint64_t now_ms);

/* Messages about jobs: true when the job was one of ours. */
bool peer_canary_output(struct peer *p, const struct wire_piece *m);
bool peer_canary_result(struct peer *p, const struct wire_result *m);
bool peer_canary_fail(struct peer *p, const struct wire_fail *m);

#endif
