/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/session.h - one conversation with a kfarm (wire/PROTOCOL).
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

struct agent;
struct agent_session;

/*
 * Takes both descriptors, which may be the same one, says hello and is in
 * a->sessions until the conversation ends; then it frees itself, kills its
 * jobs and calls a->on_idle if it was the last one.
 */
void agent_session_start(struct agent *a, int rfd, int wfd);
/* Says BYE with `why` and ends each session; a->on_idle is not called. */
void agent_session_end_all(struct agent *a, const char *why);

#endif
