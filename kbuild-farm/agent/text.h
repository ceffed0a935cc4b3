/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/text.h - the text of a job, as it arrives: in memory, hashed.
 */
#ifndef AGENT_TEXT_H
#define AGENT_TEXT_H

#include "base/digest.h"
#include "base/err.h"

struct agent_text;

/* 0; or a negative errno with `err` set. */
int agent_text_new(struct agent_text **out, uint32_t len, struct err *err);
/* NULL is fine. */
void agent_text_free(struct agent_text *t);
/*
 * A piece.  0; -EPROTO when there is more than announced; or why there is no
 * room for it, with `err` set.
 */
int agent_text_add(struct agent_text *t, struct bytes in, struct err *err);
bool agent_text_complete(const struct agent_text *t);
/* The milliseconds since the last piece. */
uint64_t agent_text_silence(const struct agent_text *t);

/* For a complete one: the file that holds it, and its digest. */
int agent_text_fd(const struct agent_text *t);
void agent_text_digest(const struct agent_text *t, struct digest *out);

#endif
