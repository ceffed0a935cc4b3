/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/session.h - one conversation with a kfarm (wire/PROTOCOL).
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "wire/io.h"

#include <jansson.h>

#define AGENT_SESSIONS_MOST 64
#define AGENT_SESSIONS_EACH 16 /* of one key */

struct agent;
struct agent_session;
struct digest;

/* Who is at the other end. */
struct agent_caller {
	const char *from; /* an address or a process, for people */
	const char *client; /* its name in the list of clients, or NULL */
	const struct digest *pin; /* of its key, NULL: it showed none */
};

/*
 * Takes the io, says hello and is in a->sessions until the conversation ends;
 * then it frees itself, kills its jobs and calls a->on_idle if it was the
 * last one.  Frees the io at once where there are AGENT_SESSIONS_MOST, or
 * AGENT_SESSIONS_EACH with its key: no client can keep others out.
 */
void agent_session_start(struct agent *a, struct wire_io io,
			 const struct agent_caller *who);
/* All of them, for `kfarmd --status`; the caller's reference. */
json_t *agent_sessions_json(const struct agent *a);
/* Says BYE with `why` and ends each session; a->on_idle is not called. */
void agent_session_end_all(struct agent *a, const char *why);

#endif
