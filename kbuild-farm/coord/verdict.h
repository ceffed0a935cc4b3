/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/verdict.h - the whole examination of an answer, on a worker thread:
 * is it what was asked for, made from what is still there, and nothing else?
 * Then it is written where the wrapper will look for it.
 */
#ifndef COORD_VERDICT_H
#define COORD_VERDICT_H

#include "coord/state.h"

enum coord_judgement {
	COORD_GOOD, /* the outputs are in their temporaries */
	COORD_WRONG, /* the node answered something false: `err` */
	COORD_HERE, /* to be compiled here: `why` */
	COORD_CHANGED, /* its inputs did, meanwhile: `err` names one */
};

struct coord_verdict {
	struct coord_node *node; /* that answered */
	enum coord_judgement is;
	const char *why; /* a literal */
	struct buf dep; /* the dependency list, where it was cut */
	struct err err;
	uint32_t us;
};

/* NULL is fine. */
void coord_verdict_free(struct coord_verdict *v);
/* Examine job->answer; may block. */
void coord_verdict_find(struct coord_job *job);

#endif
