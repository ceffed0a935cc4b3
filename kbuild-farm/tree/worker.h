/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/worker.h - Execution of repository work in a child process.
 *
 * libgit2 1.5 has no timeout for a server, and a full disk raises SIGBUS,
 * because libgit2 writes packs through mmap(2).  Fetches therefore run in a
 * child process, which reports its progress and can be killed at any time.  A
 * crash of the child is an ordinary error.
 */
#ifndef TREE_WORKER_H
#define TREE_WORKER_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Current activity of the child. */
enum tree_phase {
	TREE_PHASE_CONNECTING,
	TREE_PHASE_NEGOTIATING,
	TREE_PHASE_COUNTING,
	TREE_PHASE_RECEIVING,
	TREE_PHASE_RESOLVING,
	TREE_PHASE_READING,
	TREE_PHASE_BRANCHES,
	TREE_PHASE_MEASURING,
};

/* Callbacks and limits of the process that waits for the child. */
struct tree_observer {
	/*
	 * Called with the progress of the phase that `word` describes; or NULL.
	 */
	void (*on_progress)(void *ctx, const char *word, uint64_t done,
			    uint64_t total);
	/* Called a few times per second, except during a prompt; or NULL. */
	void (*on_tick)(void *ctx);
	/* Called with each message for the user; or NULL. */
	void (*on_note)(void *ctx, const char *text);
	void *ctx;
	const atomic_bool *cancel; /* true: end the child; may be NULL */
	unsigned max_silence_s; /* timeout for a silent server; 0 for 60 s */
	/* incremented for each tree_worker_begin_remote(); may be NULL */
	unsigned *n_remotes;
};

struct tree_worker;
typedef int tree_work_fn(struct tree_worker *w, void *arg, struct err *err);

/*
 * Run fn(w, arg, err) in a child process, which is killed if this process ends.
 * Changes to memory are lost when the child exits.  This process must not have
 * called libgit2 before, because all children would inherit the same state of
 * libgit2's random number generator.
 *
 * Returns the result and error of fn(); -ECANCELED after *cancel became true;
 * -ETIMEDOUT if a server was silent for too long, with `err` naming the remote;
 * -EIO if the child was killed, or -ENOSPC if SIGBUS killed it.
 */
int tree_worker_run(const struct tree_observer *watch, tree_work_fn *fn,
		    void *arg, struct err *err);

/* The following functions are called in the child. */
/* Report the current phase and progress. */
void tree_worker_report_progress(struct tree_worker *w, enum tree_phase phase,
				 uint64_t done, uint64_t total);
/* Report that the child begins to use the remote with this URL. */
void tree_worker_begin_remote(struct tree_worker *w, const char *url);
/* Report that data from the server arrived. */
void tree_worker_report_alive(struct tree_worker *w);
/* Enable or disable the timeout for a silent server. */
void tree_worker_set_network_wait(struct tree_worker *w, bool waiting);
/* Report the beginning or end of a prompt on the terminal. */
void tree_worker_set_prompting(struct tree_worker *w, bool prompting);
/*
 * Defer SIGINT, SIGTERM and SIGHUP, unless they are ignored.  Such a signal
 * then only interrupts a blocking system call, so that the child can remove
 * temporary files and end the programs that it has started.
 */
void tree_worker_defer_signals(void);
/* Return true if a deferred signal has arrived. */
bool tree_worker_is_interrupted(void);
/* Stop deferring signals.  A deferred signal ends the child. */
void tree_worker_deliver_signals(void);
/* Send a message to on_note(). */
void tree_worker_report_note(struct tree_worker *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
