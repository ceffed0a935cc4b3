/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/caching.h - The result cache in a build (cache/cache.h).
 *
 * Before a unit enters the dispatcher, a worker thread finds its inputs,
 * computes the key, and looks for a result.  If there is one, the unit never
 * enters the dispatcher: the outputs are verified like those of a node and
 * delivered.  Otherwise, the dispatcher gets the unit, and its first
 * SCHED_ACT_SCAN takes the inputs that were found.
 *
 * Valid results of nodes are stored, as are the results of the compiles on the
 * build host that coord/compile.h describes.
 */
#ifndef COORD_CACHING_H
#define COORD_CACHING_H

#include "coord/unit.h"

/* Callbacks from the event loop. */
struct coord_caching_ops {
	/*
	 * A worker thread no longer uses the unit.  Returns false if the unit
	 * may have been freed.
	 */
	bool (*on_worker_finished)(struct coord_unit *u);
	/* The cache has no result of the unit. */
	void (*on_not_found)(struct coord_unit *u);
};

/*
 * Look for the result of a new unit.  Returns false if the unit cannot be
 * cached.  Otherwise, unless the wrapper leaves before, the result is delivered
 * or ops->on_not_found() is called later.
 */
bool coord_caching_find(struct coord_unit *u,
			const struct coord_caching_ops *ops);
/* Continue the units that wait until `tc` is identified. */
void coord_caching_on_toolchain(struct coord *c,
				const struct inputs_toolchain *tc);
/*
 * Give up the units that have waited for more than `max_wait_ms`.  Called once
 * a second.
 */
void coord_caching_check_waiting(struct coord *c, unsigned max_wait_ms);
/*
 * Take the inputs that were found for the unit, which are in u->inputs.
 * Returns false if the unit must be scanned.
 */
bool coord_caching_take_inputs(struct coord_unit *u);
/*
 * Store the result of a unit after its verification, unless the unit cannot be
 * cached.  Called by a worker thread.
 */
void coord_caching_store(struct coord_unit *u);
/* Replace the string `from`, which is not empty, wherever it occurs. */
void coord_caching_replace_text(struct buf *b, const char *from,
				const char *to);
/* Release u->result. */
void coord_caching_forget_result(struct coord_unit *u);

/*
 * For a unit with an objtool step, the result of the compile without the step
 * is cached as well.  If only objtool has changed, the unit then needs no
 * compile.  Both functions are called by a worker thread.
 */

/* Look for the result.  Returns 0, or a negative errno with `out` zeroed. */
int coord_caching_find_plain(const struct coord_unit *u,
			     struct peer_job_result *out);
/* Store the result, and replace the names of this build in it. */
void coord_caching_store_plain(const struct coord_unit *u,
			       struct peer_job_result *result);

#endif
