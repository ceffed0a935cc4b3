/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/job.h - the jobs that are out on a node, by their numbers, and what
 * came of their answers so far.
 */
#ifndef PEER_JOB_H
#define PEER_JOB_H

#include "options/typed.h"
#include "peer/link.h"
#include "wire/msg-job.h"

struct peer_cell;
struct inputs_reference;
struct inputs_tool;

struct peer_answer {
	struct wire_result result;
	struct digest key, toolchain; /* that it has to be the answer for */
	unsigned sides; /* files that were asked for beside the object */
	struct buf stream[WIRE_STREAMS];
};

void peer_answer_release(struct peer_answer *a);
/*
 * Is it the answer to its question, undamaged?  0, or -EBADMSG with `err`
 * saying what is wrong: number of files, lengths, digest or toolchain.  Says
 * nothing of the status.  Megabytes may be hashed.
 */
int peer_answer_check(const struct peer_answer *a, struct err *err);

enum peer_job_kind {
	PEER_JOB_UNIT, /* of the build */
	PEER_JOB_CANARY, /* peer/canary.h */
	PEER_JOB_PROBE, /* the same */
};

struct peer_job {
	TAILQ_ENTRY(peer_job) link;
	uint32_t number;
	enum peer_job_kind kind;
	struct peer_cell *cell;
	const struct inputs_reference *reference; /* of a PROBE */
	struct peer_answer answer;
};

struct peer_job *peer_job_find(const struct peer_link *l, uint32_t number);
/* Its number was never used before. */
struct peer_job *peer_job_new(struct peer_link *l, enum peer_job_kind kind,
			      struct peer_cell *cell);
/* It is not out any more. */
void peer_job_free(struct peer_link *l, struct peer_job *job);
void peer_job_free_all(struct peer_link *l);
/* Ask the node to leave it; what is on its way is not heard. */
void peer_job_cancel(struct peer_link *l, struct peer_job *job);
/* 0; -EMSGSIZE with `err` when it is more than there may be. */
int peer_job_output(struct peer_job *job, const struct wire_piece *m,
		    struct err *err);

/* What is asked; all borrowed. */
struct peer_question {
	enum wire_lang lang;
	uint32_t deadline_ms;
	const struct inputs_path *cwd;
	const char *source, *object;
	bool pinned; /* to the CPUs of `class`, of a node that can do that */
	uint8_t class; /* in its MACHINE */
	bool named; /* see struct wire_job */
	unsigned sides;
	const struct options_flags *flags;
	char *const *env; /* for the node */
	const struct inputs_entry *const *entry;
	size_t n_entries;
	const struct inputs_entry *const *language;
	size_t n_language;
	/* A step beside it, of a node that takes them; `tool` NULL: none. */
	const struct inputs_tool *tool;
	enum wire_step_kind step;
	char *const *arguments; /* of the tool; ends in NULL */
};

/*
 * Tell the node what it does not know yet, and send the job.  Returns 0 and
 * *job; -E2BIG: a message cannot hold it; -ENOSPC: this connection can name no
 * more; -ESTALE: see peer_told_add().  Nothing was asked then.
 */
int peer_send_job(struct peer_cell *cell, enum peer_job_kind kind,
		  const struct peer_question *q, struct peer_job **job);

#endif
