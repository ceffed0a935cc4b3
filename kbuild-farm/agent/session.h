/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/session.h - one conversation with a kfarm (wire/PROTOCOL).
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <jansson.h>

struct agent;
struct agent_session;

/*
 * Takes both descriptors, which may be the same one, says hello and is in
 * a->sessions until the conversation ends; then it frees itself, kills its
 * jobs and calls a->on_idle if it was the last one.
 */
void agent_session_start(struct agent *a, int rfd, int wfd);
/* All of them, for `kfarmd --status`; the caller's reference. */
json_t *agent_sessions_json(const struct agent *a);
/* Says BYE with `why` and ends each session; a->on_idle is not called. */
void agent_session_end_all(struct agent *a, const char *why);

#endif
