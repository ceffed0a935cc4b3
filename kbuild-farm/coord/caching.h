/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/caching.h - The result cache in a build (cache/cache.h).
 *
 * Before a unit enters the dispatcher, a worker thread finds its inputs and
 * looks for a result under the unit's keys (cache/key.h).  If the cache has a
 * result, the unit never enters the dispatcher: the result is verified with
 * fewer checks than that of a node (`trusted` in coord/verify-result.h), and
 * its outputs are delivered.  Otherwise, the unit enters the dispatcher, and
 * its first SCHED_ACT_SCAN takes the inputs that the worker thread has found.
 *
 * The cache stores the valid results of nodes and of the compiles that
 * coord_compile_start() starts on the build host.
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
	/*
	 * The lookup has ended without a result, or there was no lookup
	 * because the toolchain is not ready.
	 */
	void (*on_not_found)(struct coord_unit *u);
};

/*
 * Look for the result of a new unit.  Returns false if there is no cache or the
 * unit cannot be cached.  Otherwise returns true, and later either delivers the
 * result or calls ops->on_not_found(), unless the wrapper closes its connection
 * first.
 */
bool coord_caching_find(struct coord_unit *u,
			const struct coord_caching_ops *ops);
/* Continue the units that wait until `tc` is identified. */
void coord_caching_on_toolchain(struct coord *c,
				const struct inputs_toolchain *tc);
/*
 * Take the inputs that the lookup found for the unit.  Returns true if they are
 * in u->inputs.  Returns false if the unit must be scanned, because there was
 * no lookup or an earlier call has taken the inputs.
 */
bool coord_caching_take_inputs(struct coord_unit *u);
/*
 * Store the result of a unit after its verification, unless the unit cannot be
 * cached.  Called by a worker thread.
 */
void coord_caching_store(struct coord_unit *u);
/*
 * Replace each occurrence of `from` in the text `b` by `to`.  `from` must not
 * be empty.
 */
void coord_caching_replace_text(struct buf *b, const char *from,
				const char *to);
/* Return true if an output file contains the path of the work directory. */
bool coord_caching_names_work_dir(const struct coord *c,
				  const struct peer_job_result *result);
/* Release u->result. */
void coord_caching_forget_result(struct coord_unit *u);

/*
 * For a unit with an objtool step, the result of the compile without the step
 * is cached as well.  If only objtool has changed, the unit then needs no
 * compile.  Worker threads call the two functions below.
 */

/*
 * Look for the result of the compile without the step.  Returns 0, or a
 * negative errno with `out` zeroed.  The caller releases `out`.
 */
int coord_caching_find_plain(const struct coord_unit *u,
			     struct peer_job_result *out);
/*
 * Store the result of the compile without the step, unless its messages or its
 * object contain the name of a temporary file.  The function can modify
 * `result`: in the dependency lists, numbers replace the roots of this build.
 */
void coord_caching_store_plain(const struct coord_unit *u,
			       struct peer_job_result *result);

#endif
