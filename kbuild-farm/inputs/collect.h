/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/collect.h - Collection of a unit's inputs and flags.
 *
 * The result is a list of entries (files, links and directories) for a node, or
 * the reason why the unit must compile locally.  The collection runs on a
 * thread of the caller's pool.
 */
#ifndef INPUTS_COLLECT_H
#define INPUTS_COLLECT_H

#include "base/pool.h"
#include "inputs/manifest.h"
#include "inputs/tool.h"
#include "inputs/toolchain.h"
#include "options/allowlist.h"

/* All pointers are borrowed until on_collected() is called. */
struct inputs_request {
	struct inputs *inputs;
	struct pool *pool;
	struct cpp_unit unit;
	struct inputs_toolchain *toolchain; /* INPUTS_STATE_READY */
	const char *tool_path; /* program of a tool step, or NULL */
	struct inputs_tool_cache *tools; /* required with `tool_path` */
	/* Time of the compile request by clock_us(); 0: now. */
	uint64_t requested_us;
};

struct inputs_result {
	enum reason reason; /* if set, only manifest.detail is valid */
	struct inputs_manifest manifest;
	struct options_flags flags;
	const struct inputs_locale *locale;
	const struct inputs_tool *tool; /* program of the tool step, or NULL */
	uint64_t total_bytes; /* size of all inputs, for cost prediction */
};

void inputs_result_release(struct inputs_result *r);

/*
 * Start the collection.  on_collected() is called once on the event loop with
 * the result.  The callback takes ownership of the result's members if it
 * zeroes the struct.
 */
void inputs_collect_start(const struct inputs_request *request,
			  void (*on_collected)(void *ctx,
					       struct inputs_result *result),
			  void *ctx);

#endif
