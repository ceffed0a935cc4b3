/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/words.h - events in words, for people.
 */
#ifndef EVENTS_WORDS_H
#define EVENTS_WORDS_H

#include "base/buf.h"

/*
 * "node neo4a: down: no route to host", without a newline; `reason` may be
 * NULL.
 */
void events_words_node(struct buf *out, const char *name, const char *state,
		       const char *reason);

#endif
