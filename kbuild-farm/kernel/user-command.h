/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/user-command.h - Execution of a user's command with nodes.
 *
 * The command (make, ninja, a script) starts as the caller of kfarm would have
 * started it: same terminal, process group, descriptors and ignored signals,
 * but with the masquerade directory in front of PATH.  A signal from the
 * terminal reaches the command directly; a signal sent to kfarm is forwarded.
 * kfarm waits for the command only, not for its descendants, and kills none of
 * them.
 */
#ifndef KERNEL_USER_COMMAND_H
#define KERNEL_USER_COMMAND_H

#include "base/err.h"
#include "events/hub.h"
#include "kernel/compiler.h"
#include "node/roster.h"

struct kernel_user_command_request {
	char *const *argv; /* the command, at least one word */
	char *const *env; /* environment that the command would inherit */
	const struct strv *environment; /* -e, NAME=VALUE */
	const char *arch, *toolchain; /* -a, -t, or NULL */
	/* X=TOOLCHAIN for each [arch "X"] section that sets a toolchain */
	const struct strv *default_toolchains;
	unsigned jobs; /* -j; 0 if not given */
	int min_remote_percent; /* required share of jobs on nodes, or 0 */
	bool no_jobserver; /* leave MAKEFLAGS unchanged */
	bool jobserver_inherited; /* MAKEFLAGS names a working jobserver */
	bool shell_enabled; /* make uses the recipe shell */
	bool no_probe_cache; /* execute every probe */
	const struct cache_setup *cache; /* the result cache; NULL: not used */
	const struct node_roster *roster;
	struct events_hub *hub; /* receives all events */
};

/* Decisions made before the command starts. */
struct kernel_user_command {
	const struct kernel_user_command_request *request;
	char *program; /* path of the command, not of a masquerade link */
	/* environment with -e, -a and -t, without the masquerade directory */
	struct strv env;
	bool command_unusable; /* the command is missing or not executable */
	struct kernel_compiler compiler; /* empty without -a and -t */
};

struct kernel_user_command_result {
	bool command_unusable; /* the command could not be executed */
	int wait_status; /* wait status of the command */
	int signal; /* signal received before the command started, or 0 */
	/*
	 * too few jobs ran on nodes, or compiles bypassed kfarm; `err` is set
	 */
	bool remote_too_low;
	char *summary; /* a few lines; the caller frees it */
};

/*
 * Prepare the command.  -a exports ARCH; -a and -t export the variables that
 * `kfarm build` passes to make: CROSS_COMPILE, CC, LLVM.  An installed
 * toolchain is leased until `c` is released or, after
 * kernel_user_command_exec(), until the command ends.  Returns 0, or a negative
 * errno with `err` set.  If c->command_unusable is set, -ENOENT means that the
 * command is missing and -EACCES that it is not executable.  The caller
 * releases `c`, even after an error.
 */
int kernel_user_command_prepare(
	struct kernel_user_command *c,
	const struct kernel_user_command_request *request, struct err *err);
void kernel_user_command_release(struct kernel_user_command *c);
/* Return true if the coordinator named by the environment `env` is running. */
bool kernel_user_command_is_nested(char *const *env);
/*
 * Replace this process with the command, without a coordinator.  Does not
 * return on success.  On failure, returns a negative errno with `err` set.
 */
int kernel_user_command_exec(const struct kernel_user_command *c,
			     struct err *err);
/*
 * Run the command with nodes.  Returns 0 with `out` filled even if the command
 * fails, or a negative errno with `err` set if it did not start.  Only if
 * out->command_unusable is set, -ENOENT and -EACCES have the meaning that
 * kernel_user_command_prepare() describes.
 */
int kernel_user_command_run(struct kernel_user_command_result *out,
			    const struct kernel_user_command *c,
			    struct err *err);

/* ---- bypass check ---- */

/*
 * Detection of compilers that bypass kfarm-cc.
 *
 * If a command calls a compiler by its path, the masquerade links have no
 * effect.  Like every process of the command, the compiler then inherits
 * KFARM_SOCKET, which names the socket of this run.  In contrast, kfarm-cc
 * removes KFARM_SOCKET from the environment of each compiler that it runs.  A
 * process that has both this variable and the command line of an offloadable
 * compile was therefore not started by kfarm-cc.
 *
 * kernel_bypass_check_scan() examines the processes that exist at the moment.
 * It never reports a compiler wrongly, but it misses a compile that starts and
 * ends between two scans.  A scan takes a few milliseconds with 1,000
 * processes.
 */

/* Maximum number of compilers that are reported. */
#define KERNEL_BYPASS_CHECK_MAX 4

struct kernel_bypass_check {
	char *variable; /* "KFARM_SOCKET=..."; NULL before the init */
	struct strv compilers; /* distinct argv[0] of the compilers found */
};

/* Start checking. `socket` is the path of the coordinator's socket. */
void kernel_bypass_check_init(struct kernel_bypass_check *u,
			      const char *socket);
/* Scan the user's processes and append to u->compilers. */
void kernel_bypass_check_scan(struct kernel_bypass_check *u);
/* Free the variable and the list. */
void kernel_bypass_check_release(struct kernel_bypass_check *u);

#endif
