/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/examine.h - the whole examination of an answer, on a worker thread:
 * is it what was asked for, made from what is still there, and nothing else?
 * Then it is written where the wrapper will look for it.
 *
 * What a node says that its compile read must be explained by the scan in both
 * directions.  A file that the scan does not know may be the scan's mistake:
 * the unit is compiled here.  One that the scan says the compiler has read,
 * and that the list lacks, would be missing in the dependency file, and make
 * would not compile again when it changes: such an answer is wrong.  So is one
 * whose rule is about another target, by the same token.  A target that make
 * reads otherwise than as it stands (blanks, '$', '#', ':', backslashes) is not
 * looked at: compilers do not agree on how to write it.
 */
#ifndef COORD_EXAMINE_H
#define COORD_EXAMINE_H

#include "coord/prove.h"
#include "inputs/manifest.h"
#include "options/devicetree.h"
#include "options/output.h"
#include "options/typed.h"
#include "peer/job.h"
#include "sched/sched.h"

struct coord_examination {
	/* All borrowed. */
	const struct peer_answer *answer;
	const struct inputs_manifest *manifest;
	const struct options_command *command;
	const struct options_flags *flags; /* that the node was given */
	const char *cwd;
	struct bytes reference; /* an object of the kind that is due */
	/* Absolute, or below cwd; not there.  NULL: there is no object. */
	const char *object_tmp;
	const char *dep_tmp; /* the same; NULL: no dependency file */
	const struct options_sides *sides; /* NULL: none beside the object */
	char *const *side_tmp; /* as object_tmp, in their order */
	bool terminal; /* diagnostics would go to one */
	/*
	 * That ran beside it; NULL: none.  Its stdout counts with no object:
	 * lines as genksyms prints them.  make is to read them, so a node could
	 * otherwise have it run what it likes.
	 */
	const struct inputs_tool *tool;
	/*
	 * It was dtc: its stdout is the object, the compiler's text and its own
	 * list, which is due to say no more than that, are beside it.  NULL: it
	 * was another.
	 */
	const struct options_devicetree *tree;
	/* Another program ran in its place; NULL: it did. */
	const struct coord_proof *proof;

	/* What came of it. */
	/*
	 * GOOD: the outputs are in their temporaries; WRONG: the node answered
	 * something false, `err`; LOCAL: to be compiled here, `why`; CHANGED:
	 * its inputs did, meanwhile, `err` names one.
	 */
	enum sched_verdict is;
	enum reason why;
	enum coord_proven proven;
	struct err err;
	uint32_t us; /* CPU time */
};

/* May block. */
void coord_examine(struct coord_examination *e);

#endif
