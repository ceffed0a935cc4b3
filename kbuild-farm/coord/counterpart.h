/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/counterpart.h - what nodes of other machines run for genksyms.
 *
 * The genksyms of a tree is a program of this machine.  For nodes that compile
 * with a build of the compiler that they hold, for a host of theirs:
 *
 *	NONE -> MAKING -> MADE -> BAD
 *	             \-> BAD
 *
 * With a compile in a tree that has a genksyms, its sources are compiled for
 * that host, on a thread (inputs/counterpart.h); from MADE on such nodes take
 * steps of symbols, as far as they are of that very genksyms.  Where the tree
 * gets another one, it is MAKING again.
 *
 * Nobody believes it at first: the answers of the first units, and the first of
 * each node, must be what our own compiler and genksyms print here
 * (coord/prove.h).  One that differs ends it: for all nodes while it is new,
 * else for that node.  Then, and where it cannot be made, symbols are done here
 * as without such nodes, and people are told why.
 */
#ifndef COORD_COUNTERPART_H
#define COORD_COUNTERPART_H

#include "base/err.h"
#include "coord/state.h"

struct inputs_tool;
struct task;

enum coord_counterpart_state {
	COUNTERPART_NONE,
	COUNTERPART_MAKING,
	COUNTERPART_MADE,
	COUNTERPART_BAD,
};

/* For one host; lives as long as the coordinator. */
struct coord_counterpart {
	struct coord *coord;
	char *host; /* "arm64" */
	enum coord_counterpart_state state;
	struct task *task; /* of MAKING: it has what follows */
	atomic_bool stop;
	char *program, *out; /* paths: of ours, of what is made */
	const struct inputs_tool *ours, *theirs;
	int ret;
	struct err err;
	atomic_uint right; /* answers that were ours; workers read it */
};

/* A node has a cell for that host. */
void coord_counterpart_met(struct coord *c, const char *host);
/* A compile came from this directory: what is there may be worth making. */
void coord_counterpart_look(struct coord *c, const char *cwd);
/* Is one of them being made?  Seconds later c->other_steps is set. */
bool coord_counterpart_is_making(const struct coord *c);
/* Does this node, which has a cell for that host, take steps of symbols? */
bool coord_counterpart_is_taken(const struct coord_node *n, const char *host);
/*
 * What is to run for our tool, of which it is made anew if that is another
 * one; NULL: nothing now.
 */
struct coord_counterpart *coord_counterpart_get(struct coord *c,
						const char *host,
						const struct inputs_tool *ours);
/*
 * An answer of `theirs` from this node was what our tool prints, or was not, as
 * `words` say.
 */
void coord_counterpart_was_right(struct coord_counterpart *p,
				 struct coord_node *n,
				 const struct inputs_tool *theirs);
void coord_counterpart_was_wrong(struct coord_counterpart *p,
				 struct coord_node *n,
				 const struct inputs_tool *theirs,
				 const char *words);
/* Could it still become right: is it neither of another tool nor BAD? */
bool coord_counterpart_is_current(const struct coord_counterpart *p,
				  const struct coord_node *n,
				  const struct inputs_tool *theirs);

/* Ends what runs. */
void coord_counterparts_free(struct coord *c);

#endif
