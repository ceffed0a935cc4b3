/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/answer.h - what came out of a job, on its way to the client.
 */
#ifndef AGENT_ANSWER_H
#define AGENT_ANSWER_H

#include "base/buf.h"
#include "wire/key.h"
#include "wire/msg.h"

#include <stdbool.h>

struct agent_answer {
	struct bytes out[WIRE_STREAMS]; /* borrowed */
	bool tells; /* where it was made */
	struct digest digest;
	unsigned stream; /* that is being sent */
	size_t sent; /* of it */
};

/*
 * Does it hold the name of a directory that only jobs have (cell/cell.h)?  An
 * assembler writes its directory into the object for a .loc, a driver names
 * its temporaries in some messages; a local compile would have written other
 * names there.
 */
bool agent_path_leaks(struct bytes in);

/*
 * Add a tool's words to `out`, with `name` wherever they have `path`, whole:
 * what it was given for `name`.  False where that comes to more than `max`
 * bytes.
 */
bool agent_answer_rename(struct buf *out, struct bytes in, const char *path,
			 const char *name, size_t max);

size_t agent_answer_size(const struct agent_answer *a);
/* Sets `tells` and `digest`; any thread. */
void agent_answer_seal(struct agent_answer *a, const struct digest *key);
/* The next piece, borrowed; false when there is no more. */
bool agent_answer_piece(struct agent_answer *a, struct wire_piece *out);

#endif
