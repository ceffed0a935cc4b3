/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/read.h - builds as the history has them.
 *
 * Texts are such as they were told: who shows them looks to base/printable.h.
 * A text that is not known is NULL.  Numbers are those of the events
 * (events/event.h), not negative, times in ms.  Functions return 0, or a
 * negative errno with `err` set: -EUCLEAN when the file is damaged, -EBUSY,
 * others.
 */
#ifndef HISTORY_READ_H
#define HISTORY_READ_H

#include "history/db.h"

#include <stdbool.h>
#include <stddef.h>

enum history_state {
	HISTORY_RUNNING,
	HISTORY_GOOD, /* status 0, or 101: new warnings */
	HISTORY_FAILED,
	HISTORY_INTERRUPTED, /* by a signal */
	HISTORY_KILLED, /* it never said that it ended */

	HISTORY_STATES, /* how many */
};

/* "running", "good", "failed", "stopped", "killed" */
const char *history_state_word(enum history_state state);
/* -1: none of them */
int history_state_parse(const char *word);

struct history_build {
	int64_t number; /* from 1; never that of another build */
	char *key; /* 64 hexadecimal digits; NULL: equals no other */
	char *what; /* targets, or the command of kfarm run */
	char *arch, *config, *toolchain, *toolchain_id;
	char *tree; /* name of a managed one, else the directory */
	char *source; /* the directory of the sources */
	char *dir, *output; /* of the build, of the results */
	char *commit, *release; /* release as "6.1.192" */
	enum history_state state;
	int64_t status; /* exit status, once it ended */
	int64_t began_s, wall_ms;
	int64_t host_ms, scan_ms; /* CPU time of the build host */
	int64_t cpu_ms; /* of all compiles, wherever they ran */
	int64_t make_jobs, local_slots; /* -j */
	int64_t jobs, remote, local, retried, beside;
	int64_t steps, steps_here; /* of kbuild: with jobs of nodes; and not */
	int64_t warnings, errors; /* as the log had them */
	int64_t new_warnings, new_errors, gone; /* -1: not compared */
	bool fresh; /* nothing was compiled in the directory before */
	bool dirty;
	bool has_units, has_details; /* are they kept still? */
};

/* *to holds copies of the texts; it is released as others are. */
void history_build_copy(struct history_build *to,
			const struct history_build *from);
void history_build_release(struct history_build *b);

/* That number, or 0 for the last.  -ENOENT: there is none. */
int history_build_find(struct history *h, int64_t number,
		       struct history_build *out, struct err *err);
/* The last build whose results went to that directory (absolute). */
int history_build_of_output(struct history *h, const char *output,
			    struct history_build *out, struct err *err);
/* The last ended build before `b` of the same key; -ENOENT: there is none. */
int history_build_previous(struct history *h, const struct history_build *b,
			   struct history_build *out, struct err *err);

/* NULL, -1 and 0: no matter. */
struct history_filter {
	const char *tree; /* its name, directory, or that one's last part */
	const char *arch, *config;
	const char *toolchain; /* "gcc-12" is any 12; or the whole id */
	const char *key;
	int state; /* enum history_state, -1: any */
	int64_t since_s; /* began then or later */
	unsigned most; /* builds; 0: all */
};

/* Called for each, which is borrowed; anything but 0 ends it. */
typedef int history_each(void *ctx, const struct history_build *b);
/* The last first.  Returns what a call returned. */
int history_list(struct history *h, const struct history_filter *f,
		 history_each *each, void *ctx, struct err *err);

/* ---- details: arrays of the caller's, to be released ---- */

struct history_node {
	char *name; /* EVENTS_LOCAL is one, once it had a job */
	char *machine, *state, *reason;
	int64_t slots, jobs, failed, retries, cpu_ms, sent, received;
};

struct history_reason {
	char *text;
	int64_t jobs;
};

struct history_phase {
	char *name;
	int64_t at_ms, ms;
};

struct history_unit {
	char *object, *file;
	int64_t node, reason; /* in the lists of these; -1: none */
	int64_t job; /* its number in the build, from 1 */
	/* Since the build began; -1: it was never there. */
	int64_t queued_ms, sent_ms, run_ms, received_ms, done_ms;
	int64_t cpu_ms; /* of a local one: how long it ran; -1: unknown */
	int64_t retries;
	bool remote;
};

struct history_size {
	char *name; /* "vmlinux", "fs/fat/fat.ko" */
	int64_t text, data, bss, file;
};

/* How a diagnostic relates to those of the previous build of the key. */
enum history_how {
	HISTORY_NEW,
	HISTORY_SAME,
	HISTORY_CARRIED, /* it stands: its unit was not compiled this time */
	HISTORY_GONE, /* it stood in the previous build */
	HISTORY_FIRST, /* there was nothing to compare with */

	HISTORY_HOWS, /* how many */
};

const char *history_how_word(enum history_how how);
/* HISTORY_FIRST for another word, and for NULL. */
enum history_how history_how_parse(const char *word);

struct history_diag {
	char *tool, *severity; /* words of diag/ */
	char *file, *flag, *text, *object; /* NULL: none */
	int64_t line, column; /* from 1; 0: not known */
	enum history_how how;
};

struct history_details {
	struct history_node *node;
	struct history_reason *reason;
	struct history_reason *step_reason; /* why steps were run here */
	struct history_phase *phase;
	struct history_unit *unit;
	struct history_size *size;
	struct history_diag *diag;
	size_t n_nodes, n_reasons, n_step_reasons, n_phases, n_units, n_sizes;
	size_t n_diags;
};

/* A zeroed one is empty. */
void history_details_release(struct history_details *d);
/*
 * Fill in what is kept of a build: history_read_units() nodes and reasons as
 * well.  What is there of that kind already is released first.
 */
int history_read_nodes(struct history *h, int64_t build,
		       struct history_details *d, struct err *err);
int history_read_reasons(struct history *h, int64_t build,
			 struct history_details *d, struct err *err);
int history_read_step_reasons(struct history *h, int64_t build,
			      struct history_details *d, struct err *err);
int history_read_phases(struct history *h, int64_t build,
			struct history_details *d, struct err *err);
int history_read_units(struct history *h, int64_t build,
		       struct history_details *d, struct err *err);
int history_read_sizes(struct history *h, int64_t build,
		       struct history_details *d, struct err *err);
/* New ones first, those that are gone last. */
int history_read_diags(struct history *h, int64_t build,
		       struct history_details *d, struct err *err);

#endif
