/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/agent.h - what all sessions of a kfarmd share.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/slots.h"
#include "base/version.h"

#define AGENT_SOFTWARE "kfarmd " KFARM_VERSION

struct agent_probe;
struct agent_reaper;
struct agent_session;
struct agent_work;
struct event_base;

struct agent {
	struct event_base *base;
	struct agent_reaper *reaper;
	struct agent_probe *probe;
	struct agent_work *work;
	struct agent_slots slots;
	uint16_t slots_given; /* --slots, 0: none */
	unsigned n_sessions;
	TAILQ_HEAD(, agent_session) sessions;
	/* The last session ended; NULL when that does not matter. */
	void (*on_idle)(struct agent *a);
};

#endif
