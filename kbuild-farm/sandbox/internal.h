/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox/internal.h - State of sandboxes and runs, private to this room. */
#ifndef SANDBOX_INTERNAL_H
#define SANDBOX_INTERNAL_H

#include "sandbox/input-root.h"
#include "sandbox/msg.h"
#include "sandbox/sandbox.h"

#include <sys/queue.h>
#include <sys/types.h>

struct sandbox_run {
	TAILQ_ENTRY(sandbox_run) entry;
	/* NULL once the sandbox was freed or the run has ended */
	struct sandbox *sandbox;
	uint32_t id;
	/* pid of the job in the PID namespace of kfarmd; 0 before STARTED */
	pid_t pid;
	int pipes[2]; /* read ends of stdout and stderr; -1: closed */
	int out_dir_fd; /* SANDBOX_OUT_DIR; -1 before STARTED */
	bool killed; /* sandbox_run_kill() has sent KILL */
	bool start_failed; /* START_FAILED was received */
	struct sandbox_end end; /* set from START_FAILED and ENDED */
	void (*on_done)(void *ctx, struct sandbox_run *run,
			const struct sandbox_end *end);
	void *ctx;
};

struct sandbox {
	int sock; /* connected to the sandbox init */
	int init_pidfd; /* pidfd of the sandbox init; -1: none */
	struct sandbox_input_root input_root;
	char *layers;
	TAILQ_HEAD(, sandbox_run) runs; /* runs that have not ended */
	uint32_t next_id;
	bool lost; /* the sandbox init has died */
	bool self_test; /* the next job is sandbox_check_run_selftest() */
	bool in_handler; /* sandbox_handle_messages() is running */
	/* sandbox_free() was called in sandbox_handle_messages() */
	bool free_pending;
	void (*on_lost)(void *ctx, const char *why);
	void *ctx;
};

/*
 * Set `err` to "no sandbox: LAYER: WHAT: reason; advice" for the failed
 * operation `what` of a layer.  Reads the sysctl files below root/proc/sys;
 * `root` is "" except in tests.  Returns -error.
 */
int sandbox_explain(struct err *err, const char *root, const char *layer,
		    const char *what, int error);

/*
 * Run the self-test in place of a job's program.  If all layers hold, the last
 * check ends the process by SIGSYS; otherwise the exit status identifies a
 * layer that does not hold.
 */
void sandbox_check_run_selftest(void) __attribute__((noreturn));
/* Return the name of the layer for an exit status, or NULL. */
const char *sandbox_check_layer_name(int status);

/*
 * Return the CPU time of a process and its descendants in milliseconds,
 * including children that were waited for; 0 if the process does not exist or
 * /proc is not mounted.
 */
uint32_t sandbox_run_pid_cpu_ms(pid_t pid);

#endif
