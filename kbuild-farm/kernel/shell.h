/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/shell.h - the shell that make gets from kfarm for its recipes.
 *
 * It is the program sh (shell/), by a link of that name in a directory of the
 * run (kernel/rundir.h); what make finds it by is in shell/hidden.h.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include "base/err.h"
#include "base/str.h"
#include "events/hub.h"
#include "node/roster.h"
#include "shell/why.h"

#include <stdbool.h>
#include <stdint.h>

struct kernel_shell {
	char *dir; /* the run's for it; NULL: make's own shell is used */
	const char *why_not; /* NULL: it is used, or nobody asked for it */
};

/*
 * The file sh of the kfarm that is `self`: DIR/lib/kfarm/sh where that is
 * DIR/bin/kfarm, else beside it.  NULL: it is not there; the caller frees it.
 */
char *kernel_shell_program_of(const char *self);

/* Why no build on this machine can have it; NULL: each can. */
const char *kernel_shell_why_not_here(void);

/*
 * Does the user say what shell it is?  `words` are make's, or of any command,
 * `given` those of -e (may be NULL), `makeflags` is that variable's value (may
 * be NULL).
 */
bool kernel_shell_is_users(char *const *words, const struct strv *given,
			   const char *makeflags);

/*
 * Make `dir` with what make needs: 0.  Where the system's sh is not one whose
 * ways ours knows, or ours is not installed, s->why_not says so, and it is 0,
 * too.  A negative errno with `err` set when the disk is the reason.
 */
int kernel_shell_open(struct kernel_shell *s, const char *dir, struct err *err);
/*
 * Add the variables by which make finds it to `out`; `env` is what the user has
 * set himself.  Nothing where there is none.
 */
void kernel_shell_env(const struct kernel_shell *s, struct strv *out,
		      char *const *env);
/*
 * Are the shells to ask for steps beside compiles?  They are not at first; what
 * then counts as the reason is the user's word, where the roster has one.
 */
void kernel_shell_set_roster(const struct kernel_shell *s,
			     const struct node_roster *roster);
void kernel_shell_want_steps(const struct kernel_shell *s, bool wanted);
/*
 * Tell `host`, an EVENTS_HOST, with what the shells did so far; behind it, why
 * steps were run here: an EVENTS_STEPS for each reason.
 */
void kernel_shell_tell(const struct kernel_shell *s, struct events_hub *hub,
		       struct events_event *host);
/* How often scripts were handed on for each reason. */
void kernel_shell_reasons(const struct kernel_shell *s,
			  uint64_t n[static SHELL_WHY_COUNT]);
void kernel_shell_release(struct kernel_shell *s);

#endif
