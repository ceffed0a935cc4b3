/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/step.h - tools that run with the compiler of a client's jobs (STEP).
 */
#ifndef AGENT_STEP_H
#define AGENT_STEP_H

#include "base/err.h"
#include "base/str.h"
#include "wire/msg.h"

#include <stdbool.h>

/* Zeroed: its version has no STEP. */
struct agent_steps {
	bool known; /* it has */
	bool has_devicetree; /* that kind, too */
	bool is_set; /* a STEP came, and its job did not yet */
	struct wire_step next;
};

/* Of a conversation of that version. */
void agent_steps_init(struct agent_steps *s, int version);
void agent_steps_release(struct agent_steps *s);

/* STEP came.  -EPROTO, with `err`: the conversation is over. */
int agent_steps_take(struct agent_steps *s, struct bytes body, struct err *err);
/*
 * The job comes.  0, with its step in *out, which is the caller's to release
 * and free; NULL: it has none.  -EPROTO with `err`: the conversation is over.
 */
int agent_steps_job(struct agent_steps *s, const struct wire_job *m,
		    struct wire_step **out, struct err *err);

/*
 * The command line of `tool`, which gets nothing but what the client said, the
 * object's name and, of DEVICETREE, where it lists what it reads.  -ENOTSUP
 * with `err` where it is too long to be started in `cwd` with these variables.
 */
int agent_step_argv(struct strv *argv, const struct wire_step *m,
		    const char *tool, const char *cwd, const struct strv *env,
		    struct err *err);

#endif
