/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/canary.h - does a node's own build of a compiler compile as ours?
 *
 * A dozen sources (templates/canary/) are compiled here, once per build and
 * toolchain, and on the node, with the options of a kernel; every object and
 * all that the compiler says must be equal byte for byte.  Until then the cell
 * is CELL_TRYING and gets no job.
 *
 * One unit is out at a time, as a job of the node like others, so that what
 * the compiler took there can be compared with another build's.
 */
#ifndef COORD_CANARY_H
#define COORD_CANARY_H

#include "coord/cell.h"

enum coord_canary_is {
	COORD_CANARY_PASSED,
	COORD_CANARY_FAILED, /* it compiles otherwise: detail names the file */
	COORD_CANARY_BROKEN, /* it could not be tried: detail says why */
};

/* Our side of it; belongs to a toolchain. */
struct coord_canary;

/* Begin to compile our side, if that was not begun. */
void coord_canary_prepare(struct coord_toolchain *tc);
/* Once a second: a compiler that hangs here is not waited for. */
void coord_canary_check(struct coord_canary *c);
/* NULL is fine. */
void coord_canary_free(struct coord_canary *c);

/*
 * Try a cell, which is CELL_TRYING: all units, `rounds` times.  From the loop
 * `tell` is told what came of it and the CPU time of the fastest round; the
 * cell may be ended there.
 */
typedef void coord_canary_done(struct coord_cell *cell, enum coord_canary_is is,
			       const char *detail, uint32_t cpu_ms);
void coord_canary_try(struct coord_cell *cell, unsigned rounds,
		      coord_canary_done *tell);
/* The cell is over. */
void coord_canary_drop(struct coord_cell *cell);
/* Once a second, and when our side is ready. */
void coord_canary_watch(struct coord_peer *p, uint64_t now_ms);

/* Messages about jobs: true when the job was one of ours. */
bool coord_canary_output(struct coord_peer *p, const struct wire_piece *m);
bool coord_canary_result(struct coord_peer *p, const struct wire_result *m);
bool coord_canary_fail(struct coord_peer *p, const struct wire_fail *m);

#endif
