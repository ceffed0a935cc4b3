/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/words.h"

#include <string.h>

void events_words_node(struct buf *out, const char *name, const char *state,
		       const char *reason)
{
	bool rests = !strcmp(state, "resting");

	buf_printf(out, "node %s: %s%s%s%s", name, state,
		   rests ? ", no jobs until it has shown a right answer" : "",
		   reason ? ": " : "", reason ? reason : "");
}
