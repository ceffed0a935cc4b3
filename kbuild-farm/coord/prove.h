/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/prove.h - is what a node's step printed what ours prints?
 *
 * A worker preprocesses the unit here, too, lets our own tool read the text,
 * and compares, until the program that the node runs and the node itself have
 * been right so often that they are believed.
 */
#ifndef COORD_PROVE_H
#define COORD_PROVE_H

#include "base/err.h"
#include "options/command.h"
#include "peer/job.h"
#include "wire/cc.h"

#include <stdatomic.h>

#define COORD_PROVE_PROGRAM 3 /* answers of a program, from any node */
#define COORD_PROVE_NODE    1 /* of a node */

struct coord_proof {
	/* All borrowed. */
	const struct wire_cc_job *ask;
	const struct options_command *command; /* of a -E */
	const struct wire_cc_step *step; /* of symbols */
	const char *text; /* a path: where the text may lie meanwhile */
	const void *stop; /* an atomic_bool */
	const atomic_uint *program, *node; /* answers that were right */
	bool outdated; /* it cannot become right any more */
};

enum coord_proven {
	COORD_PROVEN, /* believed without a look */
	COORD_PROVEN_NOW,
	COORD_PROVEN_NOT, /* it could not be done here, or is of no use */
	COORD_PROVEN_WRONG, /* `err` says what differs */
};

/* For a worker, with a checked answer. */
enum coord_proven coord_prove(const struct coord_proof *p,
			      const struct peer_answer *answer,
			      struct err *err);

#endif
