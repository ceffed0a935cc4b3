/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events/text.h - Events as text for the user. */
#ifndef EVENTS_TEXT_H
#define EVENTS_TEXT_H

#include "base/buf.h"

/*
 * Append a text such as "node neo4a: down: no route to host", without a
 * newline.  `reason` may be NULL.
 */
void events_text_add_node(struct buf *out, const char *name, const char *state,
			  const char *reason);

/*
 * Append a text such as "objtool on node neo4a after 3 failures: cannot read
 * x".  If `node` is NULL, the text is "objtool on all nodes ...".  `n_failures`
 * can be 0 and `text` can be NULL; the last words are then omitted.
 */
void events_text_add_disabled(struct buf *out, const char *tool,
			      const char *node, int64_t n_failures,
			      const char *text);
/* Append "N cached", or "N cached (M from the server)" if M is not 0. */
void events_text_add_cached(struct buf *out, int64_t n_cached,
			    int64_t n_cached_remote);

/*
 * Return the length of POOL if `name` is "POOL/K", the name of a member of a
 * pool, else 0.
 */
size_t events_text_pool_len(const char *name);

#endif
