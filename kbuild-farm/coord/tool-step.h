/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/tool-step.h - Tool steps of compiles, and genksyms for other hosts.
 *
 * The genksyms of a kernel tree is a program for the build host.  A node with a
 * node-native toolchain (built for the node's architecture) needs a genksyms
 * for that architecture, called the host ("arm64").  kfarm cross-builds one
 * genksyms per host:
 *
 *	NONE -> BUILDING -> READY -> BAD
 *	                \-> BAD
 *
 * The first compile in a directory that contains genksyms starts a thread.  The
 * thread checks that the tree's genksyms was built from the sources in the tree
 * (inputs/rebuild.h), and then cross-builds these sources
 * (inputs/cross-tool.h).  In state READY, the nodes with this host accept
 * genksyms steps.  If the tree's genksyms becomes a different program, the
 * state changes from READY to BUILDING again.
 *
 * The results of the cross-built program are checked until it is trusted: its
 * first results, and the first results of each node, must equal the results
 * of the local compiler and genksyms (coord_verify_genksyms()).  If the check
 * of the sources or the cross-build fails, or if an untrusted program returns a
 * wrong result, the state becomes BAD: no node with this host gets genksyms
 * steps any more.  A wrong result of a trusted program disables the program
 * only on the node that returned the result.  In each case the user gets a
 * warning with the reason.
 */
#ifndef COORD_TOOL_STEP_H
#define COORD_TOOL_STEP_H

#include "coord/internal.h"
#include "coord/unit.h"

/*
 * Return true while a cross-build is in progress.  When it ends, c->steps.dirty
 * is set.
 */
bool coord_cross_genksyms_is_building(const struct coord *c);
/*
 * Return the tool steps (SCHED_STEP_*) that the node accepts with `tc`.  If the
 * node has a node-native toolchain, also register its host ("arm64").
 */
unsigned coord_tool_step_supported(const struct coord_node *n,
				   const struct inputs_toolchain *tc);

/* Stop all cross-builds and free all struct coord_cross_genksyms. */
void coord_cross_genksyms_free_all(struct coord *c);

/*
 * Return the tool step of a new unit as SCHED_STEP_*, or 0.  If the unit's
 * working directory contains genksyms, also start a cross-build for each
 * registered host in state NONE.
 */
unsigned coord_tool_step_kind(const struct coord_unit *u);
/*
 * Return true if the unit should wait because its tool is being cross-built and
 * no node can run the local tool.
 */
bool coord_tool_step_is_pending(const struct coord_unit *u);
/*
 * Select the tool for the node that gets the unit.  Returns 0, or -ENOTSUP if
 * no tool can run on the node now.
 */
int coord_tool_step_select(struct coord_unit *u, struct coord_node *n);
/*
 * Record that the node could not run the unit's tool, for the reason `words`.
 * Does nothing unless the tool is cross-built and the node is not trusted yet.
 */
void coord_tool_step_handle_failure(const struct coord_unit *u,
				    const char *words);
/*
 * Return the check that the unit's result must pass if it comes from a
 * cross-built genksyms, otherwise NULL.  The check is borrowed from `u`.
 */
const struct coord_genksyms_check *coord_tool_step_prepare_check(
	struct coord_unit *u);
/* Record the outcome of the check, which is in u->verification. */
void coord_tool_step_record_check(const struct coord_unit *u);

#endif
