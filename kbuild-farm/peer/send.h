/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/send.h - a JOB on its way to a cell, with all that has to go first.
 */
#ifndef PEER_SEND_H
#define PEER_SEND_H

#include "options/typed.h"
#include "peer/cell.h"
#include "peer/job.h"

/* What is asked; all borrowed. */
struct peer_question {
	enum wire_lang lang;
	uint32_t deadline_ms;
	const struct inputs_path *cwd;
	const char *source, *object;
	const struct options_flags *flags;
	char *const *env; /* for the node */
	const struct inputs_entry *const *entry;
	size_t n_entries;
	const struct inputs_entry *const *language;
	size_t n_language;
};

/*
 * Tell the node what it does not know yet, and send the job.  Returns 0 and
 * *job; -E2BIG: a message cannot hold it; -ENOSPC: this connection can name no
 * more; -ESTALE: see peer_told_add().  Nothing was asked then.
 */
int peer_send_job(struct peer_cell *cell, enum peer_job_kind kind,
		  const struct peer_question *q, struct peer_job **job);

#endif
