/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/worker.h - work on a repository in a process of its own.
 *
 * libgit2 1.5 waits for a server as long as that likes, and writes packs
 * through mmap(2): where a disk is full, SIGBUS ends the process.  So whatever
 * fetches does it in a child, which can be ended at any moment, says how far
 * it is, and whose end is an error like any other.
 */
#ifndef TREE_WORKER_H
#define TREE_WORKER_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What it does; tree_worker_word() says it in words. */
enum tree_phase {
	TREE_CONNECTING,
	TREE_NEGOTIATING,
	TREE_COUNTING,
	TREE_RECEIVING,
	TREE_RESOLVING,
	TREE_READING,
	TREE_BRANCHES,
	TREE_MEASURING,
};

/* Of who waits for it. */
struct tree_watch {
	/* How far it is, where anybody wants to know; then a few times a second
	 * tick(), whether or not anything happened. */
	void (*progress)(void *ctx, const char *word, uint64_t done,
			 uint64_t total);
	void (*tick)(void *ctx);
	/* A line about what was done. */
	void (*note)(void *ctx, const char *text);
	void *ctx;
	const atomic_bool *cancel; /* NULL: nobody does */
	unsigned silence_s; /* a server may say nothing for so long; 0: 60 */
};

struct tree_worker;
typedef int tree_work(struct tree_worker *w, void *arg, struct err *err);

/*
 * Run fn(w, arg, err) in a child, which ends with us.  What it writes to
 * memory is lost; it must not have called libgit2 before, as two children
 * would use the same random numbers.
 *
 * Returns what it returned, with its `err`; -ECANCELED when *cancel became
 * true; -ETIMEDOUT when a server was silent for too long; -EIO when it died,
 * -ENOSPC when that was for want of room.
 */
int tree_worker_run(const struct tree_watch *watch, tree_work *fn, void *arg,
		    struct err *err);

/* In the child: what it does now, and how much of it is done. */
void tree_worker_progress(struct tree_worker *w, enum tree_phase phase,
			  uint64_t done, uint64_t total);
/* The server said something. */
void tree_worker_alive(struct tree_worker *w);
/* From now on a server is (not) waited for. */
void tree_worker_network(struct tree_worker *w, bool waits);
/* A person is (not) being asked at the terminal. */
void tree_worker_asks(struct tree_worker *w, bool asks);
/* A line for struct tree_watch's note(). */
void tree_worker_note(struct tree_worker *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

const char *tree_worker_word(enum tree_phase phase);

#endif
