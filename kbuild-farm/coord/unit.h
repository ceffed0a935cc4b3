/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/unit.h - a compile that a wrapper asked for: its command line, its
 * outputs, and what is known of its inputs.  What becomes of it is decided in
 * sched/, which knows it by its number.
 */
#ifndef COORD_UNIT_H
#define COORD_UNIT_H

#include "base/pool.h"
#include "coord/examine.h"
#include "events/event.h"
#include "inputs/find.h"
#include "options/devicetree.h"
#include "options/output.h"
#include "wire/cc.h"
#include "wire/msg-job.h"

#include <sys/types.h>

struct coord;
struct coord_client;
struct coord_counterpart;
struct coord_hedge;

/*
 * How long ago another unit may have looked at a file that this one reads.  The
 * examination of the answer finds what has changed, and then all is looked at.
 */
#define COORD_UNIT_TRUST_NS (INT64_C(5) * 1000000000)

struct coord_unit {
	struct pool_work work; /* first: examining an answer */
	struct coord *coord;
	struct coord_client *client; /* NULL: its wrapper has gone */
	uint32_t id; /* in sched/ */
	uint64_t came_ms; /* by clock_ms() */
	bool working; /* a worker has it: it must not be freed */
	unsigned n_news; /* events about it in the queue: the same */
	bool held; /* sched/ has not heard of it: `came` is for later */
	struct sched_event came;

	struct wire_cc_job ask;
	struct wire_cc_step step; /* beside it, or, of a -E, in its place */
	bool stepped; /* there is one */
	struct options_command command; /* borrows from `ask`, and `text` */
	char *text; /* where the text of `step` lies, its source; or NULL */
	char *name; /* of such a unit, for people; or NULL */
	char *object, *object_tmp; /* as the wrapper spells them; of a -E no
				      more than a name, and NULL */
	char *dep, *dep_tmp; /* NULL: no dependency file */
	/*
	 * Of `step`: what dtc's words say, those that nodes get, which have
	 * names of their own for its files; all NULL: it is another program.
	 */
	struct options_devicetree tree;
	struct strv arguments;
	struct options_sides sides; /* files beside the object */
	char *side_tmp[OPTIONS_SIDES_MAX];

	struct inputs_toolchain *toolchain;
	struct inputs_reference *reference; /* of its kind of object */
	struct inputs_result inputs;
	bool searched; /* for its inputs, once at least */
	uint32_t job; /* that is out for it: its number on the wire */
	const char *node; /* that it was given to last */
	struct coord_node *asked; /* the same */
	struct coord_counterpart *counterpart; /* it had in our tool's place */
	const struct inputs_tool *theirs; /* the program; NULL: ours */
	enum events_job_state told; /* what was told of it last */
	struct peer_answer answer;
	struct coord_examination exam;
	struct coord_proof proof; /* of what another program did */
	char *proof_text;
	struct coord_hedge *hedge; /* NULL: none runs */
	struct buf diagnostics; /* of the hedge */
};

/*
 * Takes over what `ask` holds, and `step`, or NULL.  NULL: that is no compile,
 * or none that such a step belongs to.
 */
struct coord_unit *coord_unit_new(struct coord *c, struct wire_cc_job *ask,
				  struct wire_cc_step *step);
/* Nothing may run for it any more. */
void coord_unit_free(struct coord_unit *u);
/*
 * Why it must be compiled here, as far as its command line, its environment
 * and the files at its paths tell; `mode` is the umask of the build.
 */
enum reason coord_unit_local(const struct coord_unit *u, mode_t mode);
/* What people know it by: its source, or what a text belongs to. */
const char *coord_unit_name(const struct coord_unit *u);
/* Its outputs that are not whole. */
void coord_unit_remove_temporaries(const struct coord_unit *u);

/* What its wrapper is to rename; done->side has room for all. */
void coord_unit_renames(const struct coord_unit *u, struct wire_cc_done *done);

/* The environment for compilers that run here for it; borrowed. */
char *const *coord_unit_env(const struct coord_unit *u);
/* The variables that its compiler gets on a node. */
void coord_unit_node_env(const struct coord_unit *u, struct strv *out);

#endif
