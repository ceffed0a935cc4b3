/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/send.h - a JOB on its way to a cell, with all that has to go first.
 */
#ifndef COORD_SEND_H
#define COORD_SEND_H

#include "coord/cell.h"

/* What is asked; all borrowed. */
struct coord_question {
	uint32_t number; /* of the job on the wire, never used before */
	enum wire_mode mode;
	enum wire_lang lang;
	uint32_t deadline_ms;
	const struct coord_path *cwd; /* NULL: of no matter (text) */
	const char *source, *object;
	const struct options_flags *flags;
	char *const *env; /* for the node */
	/* in remote mode */
	const struct coord_entry *const *entry;
	size_t n_entries;
	const struct coord_entry *const *language;
	size_t n_language;
	/* in text mode */
	uint32_t text_len;
	bool check_indent;
	const struct digest *text;
};

/*
 * Tell the node what it does not know yet, and send the job; its text is the
 * caller's to send.  `key` is for coord_answer_check().  Returns 0; -E2BIG: a
 * message cannot hold it; -ENOSPC: this connection can name no more; -ESTALE:
 * see coord_cell_tell().  Nothing was asked then.
 */
int coord_send_job(struct coord_cell *cell, const struct coord_question *q,
		   struct digest *key);

#endif
