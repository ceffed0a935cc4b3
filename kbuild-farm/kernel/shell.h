/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/shell.h - Installation of the recipe shell for one run.
 *
 * The recipe shell is kfarm's program sh (shell/).  make runs it through a
 * symbolic link in the run directory (kernel/rundir.h).  The variable
 * MAKEFILES, which selects the recipe shell, is described in shell/make-env.h.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include "base/err.h"
#include "base/str.h"
#include "events/hub.h"
#include "node/roster.h"
#include "shell/stats.h"

#include <stdbool.h>
#include <stdint.h>

struct kernel_shell {
	char *dir; /* directory of the link; NULL if make uses its own shell */
	/* why a requested recipe shell cannot be used, or NULL */
	const char *unused_reason;
};

/*
 * Return the program sh that belongs to the program `self`: DIR/lib/kfarm/sh
 * for DIR/bin/kfarm, else sh in the same directory.  Returns NULL if the
 * program is not installed.  The caller frees the path.
 */
char *kernel_shell_find_program(const char *self);

/*
 * Return the reason why no build on this machine can use the recipe shell, or
 * NULL.
 */
const char *kernel_shell_unavailable_reason(void);

/*
 * Return true if the user sets SHELL or CONFIG_SHELL.  `words` are the words of
 * the command, `given` the settings of -e, `makeflags` the value of MAKEFLAGS;
 * the last two may be NULL.
 */
bool kernel_shell_is_user_set(char *const *words, const struct strv *given,
			      const char *makeflags);

/*
 * Create `dir` with the symbolic link to the recipe shell, and with the
 * makefile that selects this link as make's shell.  The recipe shell cannot be
 * used if /bin/sh is not dash, if kfarm's sh is not installed, or if make
 * cannot quote `dir`.  In these cases, only set s->unused_reason.  Returns 0,
 * even if the recipe shell cannot be used; or a negative errno with `err` set
 * if the files cannot be written.
 */
int kernel_shell_open(struct kernel_shell *s, const char *dir, struct err *err);
/*
 * Append MAKEFILES=..., which selects the recipe shell: the makefile of
 * kernel_shell_open(), followed by the value of MAKEFILES in the user's
 * environment `env`.  Does nothing without a recipe shell.
 */
void kernel_shell_env(const struct kernel_shell *s, struct strv *out,
		      char *const *env);
/*
 * If the roster disables remote execution or tool steps (runs of genksyms,
 * objtool or dtc), the tool steps run locally.  Set the reason under which they
 * are counted.
 */
void kernel_shell_set_roster(const struct kernel_shell *s,
			     const struct node_roster *roster);
/*
 * Set the kinds of tool steps (as bits, 1 << enum wire_step_kind) that the
 * shells request from the coordinator, initially none, and the kinds that are
 * disabled on nodes.  The second set only determines the reason for which steps
 * run locally.
 */
void kernel_shell_set_tool_steps(const struct kernel_shell *s, unsigned wanted,
				 unsigned disabled);
/*
 * Add the shells' counters to `host`, an event EVENTS_KIND_HOST, and publish
 * `host`.  Then publish an event EVENTS_KIND_STEPS for each reason for which
 * tool steps ran locally.
 */
void kernel_shell_report(const struct kernel_shell *s, struct events_hub *hub,
			 struct events_event *host);
/* Store the number of fallbacks for each reason in `n`. */
void kernel_shell_fallback_counts(const struct kernel_shell *s,
				  uint64_t n[static SHELL_FALLBACK_N_REASONS]);
/* Free the path. The directory belongs to the run directory. */
void kernel_shell_release(struct kernel_shell *s);

#endif
