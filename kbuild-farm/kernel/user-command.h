/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/user-command.h - any command that compiles, run with the farm.
 *
 * make, ninja, a script: it is started as its caller would have started it
 * (terminal, process group, descriptors, ignored signals), with the links in
 * front of PATH.  A signal from the terminal reaches it without us; one that
 * is sent to kfarm is passed on.  Nothing of it is killed or waited for but
 * itself.
 */
#ifndef KERNEL_USER_COMMAND_H
#define KERNEL_USER_COMMAND_H

#include "base/err.h"
#include "events/hub.h"
#include "kernel/compiler.h"
#include "node/roster.h"

struct kernel_user_command_request {
	char *const *argv; /* the command, at least one word */
	char *const *env; /* what it would inherit */
	const struct strv *environment; /* -e, NAME=VALUE */
	const char *arch, *toolchain; /* -a, -t, or NULL */
	const struct strv *standard; /* [arch "X"] toolchain, X=TOOLCHAIN */
	unsigned jobs; /* -j, 0: not given */
	int require_remote; /* percent; 0: not asked for */
	bool no_jobserver; /* MAKEFLAGS stays as it is */
	bool offered; /* it names a jobserver that is there */
	bool shell; /* make's is to be kfarm's */
	bool forget_probes; /* [farm] remember-probes = no */
	const struct node_roster *roster;
	struct events_hub *hub; /* hears of it */
};

/* All that is decided before anything is started. */
struct kernel_user_command {
	const struct kernel_user_command_request *request;
	char *program; /* the file to run, past the links */
	struct strv env; /* with -e, and what -a and -t mean; no links yet */
	bool no_command; /* that was the error */
	struct kernel_compiler compiler; /* empty without -a and -t */
};

struct kernel_user_command_result {
	int wait_status; /* the command's */
	int signal; /* ended kfarm before it began, 0: none */
	bool too_few; /* jobs on nodes; `err` says it */
	char *summary; /* a few lines; the caller frees it */
};

/*
 * Decide.  -a exports ARCH, both export what `kfarm build` gives make:
 * CROSS_COMPILE, CC, LLVM.  An installed toolchain is leased until `c` is
 * released, or until the command ends that kfarm becomes.  Returns 0, or a
 * negative errno with `err` set; with c->no_command it is about the command
 * itself: -ENOENT for one that is not there, -EACCES for one that cannot be
 * run. Release `c` in any case.
 */
int kernel_user_command_plan(struct kernel_user_command *c,
			     const struct kernel_user_command_request *request,
			     struct err *err);
void kernel_user_command_release(struct kernel_user_command *c);
/* Is a coordinator there that the environment names? */
bool kernel_user_command_is_inside(char *const *env);
/*
 * Become the command, in the environment as it is; returns only when that
 * fails, with a negative errno and `err` set.
 */
int kernel_user_command_become(const struct kernel_user_command *c,
			       struct err *err);
/*
 * Run it.  Returns 0 with `out`, also when the command failed or could not
 * be waited for; else a negative errno with `err` set.
 */
int kernel_user_command_run(struct kernel_user_command_result *out,
			    const struct kernel_user_command *c,
			    struct err *err);

#endif
