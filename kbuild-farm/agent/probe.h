/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/probe.h - the compilers of this node, and what they are.
 *
 * Found are those on PATH and those that --toolchain names; nothing else is
 * ever run for a client.  An identity is made when somebody asks for it, on
 * a thread of its own, and remembered as long as the files that went into
 * it stay as they are.
 */
#ifndef AGENT_PROBE_H
#define AGENT_PROBE_H

#include "base/digest.h"
#include "base/str.h"
#include "wire/msg.h"

#include <stdbool.h>

struct agent_probe;
struct event_base;

/*
 * `path`: a PATH value.  `given`: drivers, or directories that hold some;
 * they come before the ones of PATH.  Both are kept, not copied.  A negative
 * errno with `err` naming the given one that is no compiler.
 */
int agent_probe_new(struct agent_probe **out, struct event_base *base,
		    const char *path, const struct strv *given,
		    struct err *err);
/*
 * False when the thread is still at work: then everything stays as it is,
 * and the program must end without running what atexit() holds.
 */
bool agent_probe_free(struct agent_probe *p);

/* The names of all, each once. */
void agent_probe_names(const struct agent_probe *p, struct strv *out);

/* An answer; `detail` is borrowed. */
typedef void agent_probe_fn(void *ctx, uint32_t seq, enum wire_have_state state,
			    const char *detail);
/*
 * Is there a compiler of that name, or of that name with another version in
 * it, that has this identity?  `fn` is called at once or later.
 */
void agent_probe_ask(struct agent_probe *p, const struct wire_ask *m,
		     agent_probe_fn *fn, void *ctx);
/* Questions asked for `ctx` and not answered yet. */
size_t agent_probe_waiting(const struct agent_probe *p, const void *ctx);
/* Forget them. */
void agent_probe_cancel(struct agent_probe *p, const void *ctx);

/*
 * The driver of a toolchain that was asked for before; a copy that the
 * caller frees, or NULL when there is none (any more).  Its files are looked
 * at again when that was not done within a second.
 */
char *agent_probe_driver(struct agent_probe *p, const struct digest *id,
			 bool *is_clang);
/* Is `driver` this toolchain still?  Its files are looked at in any case. */
bool agent_probe_still(struct agent_probe *p, const struct digest *id,
		       const char *driver);

#endif
