/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/canary.h - Comparison of node-native compilers with the local compiler.
 *
 * A canary is about a dozen sources (templates/canary/) with the options of a
 * kernel build.  The build host compiles them once per build and toolchain.
 * The node compiles them, too, and its objects and diagnostics must be equal,
 * byte for byte, to those of the build host.  Until this comparison has
 * succeeded, the node's sandbox for the toolchain is PEER_SANDBOX_TESTING and
 * gets no jobs.
 *
 * A known-answer test checks a node on probation: the node compiles the source
 * of a reference object (inputs/toolchain.h).  Its object must be equal, byte
 * for byte, to the reference object, which the local compiler made.
 *
 * A canary has one job in flight at a time, so that its compile times can be
 * compared with the compile times of another compiler build.
 */
#ifndef PEER_CANARY_H
#define PEER_CANARY_H

#include "inputs/toolchain.h"
#include "options/allowlist.h"
#include "peer/canary-db.h"
#include "peer/sandbox.h"
#include "peer/shared.h"

#include <stdatomic.h>

struct peer_canary_unit {
	const char *name; /* "integers.c" */
	char *object_name; /* "integers.o" */
	bool is_asm;
	bool skipped; /* rejected by the local compiler or by kfarm */
	struct strv argv; /* complete local command */
	struct options_flags flags; /* options for the node's compiler */
	const struct inputs_entry *entry; /* source file */
	struct buf object, diagnostics; /* output of the local compiler */
};

struct peer_canary {
	TAILQ_ENTRY(peer_canary) list_entry;
	struct peer_shared *shared;
	const struct inputs_toolchain *toolchain;
	bool is_burn_in; /* uses the burn-in sources */
	unsigned number;
	enum inputs_state state;
	/*
	 * thread that compiles the canary; while it runs, only this thread uses
	 * the fields from `error` to `n_usable`
	 */
	struct task *task;
	atomic_bool stop;
	const char *error; /* string literal; set if `state` is UNUSABLE */
	char *dir; /* absolute path without symbolic links */
	const struct inputs_path *cwd; /* path entry of `dir` */
	struct peer_canary_unit *units;
	size_t n_units, n_usable;
	atomic_uint n_compiled; /* progress, for a caller that waits */
};

/*
 * Return the canary of a toolchain.  A new canary is compiled on a separate
 * thread.  When this thread has finished, the event loop calls
 * on_wake_requested().
 */
struct peer_canary *peer_canary_get(struct peer_shared *shared,
				    const struct inputs_toolchain *tc);
/* Like peer_canary_get(), for the sources of a burn-in. */
struct peer_canary *peer_canary_get_burn_in(struct peer_shared *shared,
					    const struct inputs_toolchain *tc);
/*
 * Fill in the request for a unit that is not skipped.  All pointers are
 * borrowed.
 */
void peer_canary_fill_request(struct peer_job_request *q,
			      const struct peer_canary_unit *u,
			      const struct inputs_path *cwd);
/*
 * Return true if the result `a`, which passed peer_job_result_check(), equals
 * the output of the local compiler.
 */
bool peer_canary_is_equal(const struct peer_job_result *a,
			  const struct peer_canary_unit *u);
void peer_canary_free_all(struct peer_shared *shared);

struct peer_canary_result {
	enum peer_canary_status status;
	char *detail; /* the caller frees it */
	uint32_t cpu_ms; /* CPU time of the fastest round */
};

/*
 * Send the next unit if no unit is in flight.  Call this function only if the
 * node has a free slot.  Returns true and sets *out if the canary has ended.
 */
bool peer_canary_advance(struct peer_sandbox *sandbox,
			 struct peer_canary_result *out);
/*
 * Handle the complete result of a PEER_JOB_CANARY or, if `fail` is not NULL,
 * its failure.  The caller frees the job.  Returns true and sets *out if the
 * canary has ended.
 */
bool peer_canary_handle_job(const struct peer_job *job,
			    const struct wire_fail *fail,
			    struct peer_canary_result *out);

/*
 * Send a known-answer test.  Returns false if no test can be sent now, for
 * example because the node has no toolchain that is ready.
 */
bool peer_canary_send_known_answer(struct peer_sandboxes *sandboxes);

#endif
