/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/unit.h - One compile request of a wrapper.
 *
 * A unit holds the command line, the outputs and the inputs of a compile.  The
 * dispatcher (sched/sched.h) decides where the unit runs, and identifies it by
 * number.
 */
#ifndef COORD_UNIT_H
#define COORD_UNIT_H

#include "base/file-stamp.h"
#include "base/pool.h"
#include "cache/action.h"
#include "coord/verify-result.h"
#include "events/event.h"
#include "inputs/manifest.h"
#include "options/command.h"
#include "options/devicetree.h"
#include "wire/cc.h"
#include "wire/msg.h"

#include <sys/types.h>

struct cache_look_up;
struct child;
struct coord;
struct coord_caching_ops;
struct coord_wrapper_conn;
struct coord_cross_genksyms;
struct coord_hedge;

#define COORD_UNIT_JOBS_MAX 2

/* The keys of a compile (cache/key.h). */
struct coord_unit_keys {
	struct digest short_key, full_key;
	bool shared; /* `short_key` is the same in other directories */
};

/* State of a unit in the result cache (coord/caching.h). */
struct coord_unit_caching {
	const struct coord_caching_ops *ops;
	bool enabled; /* results of the unit can be stored */
	bool waiting; /* the lookup waits until the toolchain is identified */
	/* the build host will compile the unit if there is no result */
	bool compiled_locally;
	enum cache_miss miss; /* valid if `missed` is set */
	bool has_keys; /* `keys` is valid */
	bool found, missed; /* missed: the reason for a miss is known */
	struct coord_unit_keys keys;
	struct strv roots; /* as in cache/roots.h; set by the lookup */
	bool remote; /* the result was looked up on the server */
	struct cache_look_up *look_up; /* a finished lookup on the server */
	/* the lookup found u->inputs, and SCHED_ACT_SCAN has not taken them */
	bool has_inputs;

	/* The compile on the build host whose result will be stored. */
	struct child *child; /* compiler or tool; NULL: not running */
	/* `child` is or was the tool step instead of the compiler */
	bool tool_started;
	bool stored; /* the result has been stored */
	/*
	 * result of the compile before the objtool step, to be stored; the
	 * dependency lists are added later
	 */
	struct peer_job_result plain;
	char *output_base; /* path of the output files without suffixes */
	int stream_fds[2]; /* memory files for stdout and stderr */
	enum reason reason; /* reason for the local compile */
};

struct coord_unit {
	struct pool_work work; /* first member; runs on a worker thread */
	struct coord *coord;
	/* NULL: the wrapper closed its connection */
	struct coord_wrapper_conn *conn;
	uint32_t id; /* number in the dispatcher */
	uint64_t start_ms; /* from clock_ms() */
	bool in_worker; /* in use by a worker thread: must not be freed */
	unsigned n_pending_events; /* queued events that refer to the unit */
	bool deferred; /* `added_event` is not queued yet */
	struct sched_event added_event;
	bool dispatched; /* the unit was passed to the dispatcher */
	/*
	 * the wrapper gave up waiting and compiles locally; coord/wrapper-conn
	 * reports this compile
	 */
	bool unanswered;
	struct coord_unit_caching caching;

	struct wire_cc_job request;
	/* tool step that follows the compile or, for -E, the preprocessing */
	struct wire_cc_step step;
	bool has_step; /* `step` is valid */
	/* borrows from `request` and `text_path` */
	struct options_command command;
	/*
	 * for a unit that is compiled from stdin: file with the text from
	 * stdin, used as the source; NULL for any other unit
	 */
	char *text_path;
	/*
	 * name for display: the source or, for a unit with `text_path`, the
	 * object to which the text belongs
	 */
	char *name;
	/*
	 * Paths as the wrapper spells them.  A unit with a genksyms step writes
	 * no object: `object_tmp` is NULL, and `object` only identifies the
	 * unit.
	 */
	char *object, *object_tmp;
	char *dep, *dep_tmp; /* NULL: no dependency file */
	/*
	 * For a dtc step: the parsed arguments of dtc, and its arguments on a
	 * node, where the files have other names.  Zeroed for any other unit.
	 */
	struct options_devicetree devicetree;
	struct strv dtc_arguments;
	/* outputs besides the object */
	struct options_side_outputs side_outputs;
	char *side_tmps[OPTIONS_SIDE_OUTPUTS_MAX];

	struct inputs_toolchain *toolchain;
	/* locally compiled sample with the expected object format */
	struct inputs_reference_object *reference;
	struct inputs_result inputs;
	bool scanned; /* scanned at least once */
	/*
	 * jobs on nodes; `number` is the number on the wire, 0: unused entry;
	 * the second entry is used only with a backup
	 */
	struct {
		uint32_t number;
		const struct coord_node *node;
	} jobs[COORD_UNIT_JOBS_MAX];
	/*
	 * node that returned `result`; NULL: there is no result, or the
	 * dispatcher has already processed the event of the result
	 */
	const struct coord_node *result_node;
	/* node that returned the last result, even if `result_node` is NULL */
	struct coord_node *verified_node;
	/*
	 * name of the node that got the unit or returned its result, whichever
	 * was last; NULL: no node
	 */
	const char *node_name;
	/* node for which the tool of the unit was selected last */
	struct coord_node *last_node;
	/* used instead of the local genksyms; valid if `cross_tool` is set */
	struct coord_cross_genksyms *cross_genksyms;
	/*
	 * the cross-built program that runs on `last_node`; NULL: the local
	 * program runs
	 */
	const struct inputs_tool *cross_tool;
	enum events_job_state reported_state; /* last state reported */
	struct peer_job_result result;
	struct coord_verify_result_job verification;
	struct coord_genksyms_check genksyms_check; /* for a cross-built tool */
	char *genksyms_text_path;
	/* program that failed on `node_name`, as in struct sched_event */
	unsigned failed;
	char *failure_text; /* its last message */
	/* the object before the wrapper's compile; all zero: no file */
	struct file_stamp object_before;
	/* the coordinator has executed the unit locally with success */
	bool compiled;
	struct coord_hedge *hedge; /* NULL: not running */
	struct buf diagnostics; /* output of the hedge */
};

/*
 * Create a unit.  Takes ownership of the contents of `ask` and of `step`, which
 * can be NULL.  Returns NULL if the command is not a compile, or does not match
 * the step.
 */
struct coord_unit *coord_unit_new(struct coord *c, struct wire_cc_job *ask,
				  struct wire_cc_step *step);
/*
 * Free a unit and remove its temporary files.  No worker thread and no hedge
 * may use it any more.
 */
void coord_unit_free(struct coord_unit *u);
/* Return true if a tool step of this kind follows the compile. */
bool coord_unit_has_step(const struct coord_unit *u, enum wire_step_kind kind);
/*
 * Return the reason why the unit must be compiled locally, or REASON_NONE.  The
 * reason can lie in the unit's command line, source, existing outputs, umask,
 * resource limits, closed streams or environment.
 */
enum reason coord_unit_local_reason(const struct coord_unit *u);
/* Remove the temporary files of the unit's outputs. */
void coord_unit_remove_temporaries(const struct coord_unit *u);
/*
 * Forget the unit's job on the node, so that further messages about this job
 * are ignored.  Returns the job's number, or 0 if the unit has no job on the
 * node.
 */
uint32_t coord_unit_clear_job(struct coord_unit *u, const struct coord_node *n);

/*
 * Append the environment of a compile on the build host to `env`.  TMPDIR is
 * the coordinator's work directory.  A killed compiler driver leaves its
 * temporary files there, where they are removed with the directory.
 */
void coord_unit_make_local_env(const struct coord_unit *u, struct strv *env);
/*
 * Return true if `output` contains the path of the work directory.  For an
 * assembly source without instructions, clang writes the name of the
 * preprocessed copy in TMPDIR into DWARF 5.  The wrapper must compile such a
 * unit again with the user's TMPDIR, because the path of the work directory
 * differs in each build.
 */
bool coord_unit_names_work_dir(const struct coord *c, struct bytes output);
/*
 * Let the wrapper rename the outputs of the unit, print the stdout of u->result
 * (except for a dtc step, whose stdout is an output file), and print
 * `diagnostics` to stderr.
 */
void coord_unit_send_outputs(struct coord_unit *u, struct bytes diagnostics);

/* A worker thread that uses the unit may call the functions below. */

/*
 * Fill in `out`, the request for the inputs of the unit, and set u->scanned.
 * `out` borrows from `u`.
 */
void coord_unit_make_scan(struct coord_unit *u, struct inputs_request *out);
/*
 * Fill in the request for a node from u->inputs.  `out` borrows from `u` and
 * from `env`, which the caller releases.
 */
void coord_unit_make_request(const struct coord_unit *u,
			     struct peer_job_request *out, struct strv *env);
/* Fill in u->verification, the job that verifies u->result. */
void coord_unit_prepare_verification(struct coord_unit *u);
/* Verify the result, and pass verified inputs to fixdep.  Can block. */
void coord_unit_verify(struct coord_unit *u);

#endif
