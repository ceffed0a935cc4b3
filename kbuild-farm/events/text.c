/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/text.h"

#include "base/str.h"
#include "base/vec.h"

#include <inttypes.h>
#include <string.h>

size_t events_text_pool_len(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? (size_t)(slash - name) : 0;
}

void events_text_add_node(struct buf *out, const char *name, const char *state,
			  const char *reason)
{
	static const struct {
		const char *state, *means;
	} states[] = {
		{ "resting", ", no jobs until it passes a known-answer test" },
		{ "draining", ", no new jobs until it is resumed" },
		{ "drained", ", no jobs until it is resumed" },
	};

	/* Omit the state "removed" before "removed from the configuration". */
	if (reason && str_starts(reason, state)) {
		buf_printf(out, "node %s: %s", name, reason);
		return;
	}
	buf_printf(out, "node %s: %s", name, state);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (!strcmp(state, states[i].state))
			buf_add_str(out, states[i].means);
	}
	buf_printf(out, "%s%s", reason ? ": " : "", reason ? reason : "");
}

void events_text_add_disabled(struct buf *out, const char *tool,
			      const char *node, int64_t n_failures,
			      const char *text)
{
	buf_printf(out, "%s on %s%s", tool, node ? "node " : "all nodes",
		   node ? node : "");
	if (n_failures)
		buf_printf(out, " after %" PRId64 " failures", n_failures);
	if (text)
		buf_printf(out, ": %s", text);
}

void events_text_add_cached(struct buf *out, int64_t n_cached,
			    int64_t n_cached_remote)
{
	buf_printf(out, "%" PRId64 " cached", n_cached);
	if (n_cached_remote > 0)
		buf_printf(out, " (%" PRId64 " from the server)",
			   n_cached_remote);
}
