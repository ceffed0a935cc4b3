/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/find.h - what a node has to be told of for one compile: its inputs
 * as entries of a view, and its flags; or why no node can have it.
 *
 * The search is work for a thread of the owner's pool.
 */
#ifndef INPUTS_FIND_H
#define INPUTS_FIND_H

#include "base/pool.h"
#include "inputs/manifest.h"
#include "inputs/tool.h"
#include "inputs/toolchain.h"
#include "options/typed.h"

/* All borrowed until found() is called. */
struct inputs_request {
	struct inputs *inputs;
	struct pool *pool;
	struct scan_unit unit;
	struct inputs_toolchain *toolchain; /* INPUTS_READY */
	const char *program; /* that runs beside the compile; NULL: none */
	struct inputs_tools *tools; /* where there is one */
	/* By clock_us(): when the compile was asked for; 0: now. */
	uint64_t asked_us;
};

struct inputs_result {
	enum reason why; /* no node can have it; the rest is of no use */
	struct inputs_manifest manifest;
	struct options_flags flags;
	const struct inputs_language *language;
	const struct inputs_tool *tool; /* `program`, or NULL */
	uint64_t bytes; /* of all that it reads: what it may cost */
};

void inputs_result_release(struct inputs_result *r);

/*
 * Begin to search.  From the loop found() is called once, with the result,
 * which it may take over by zeroing it.
 */
void inputs_find(const struct inputs_request *request,
		 void (*found)(void *ctx, struct inputs_result *result),
		 void *ctx);

#endif
