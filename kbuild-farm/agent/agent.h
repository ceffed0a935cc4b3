/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/agent.h - what all sessions of a kfarmd share.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/slots.h"
#include "base/str.h"
#include "base/version.h"
#include "cell/cell.h"
#include "node/health.h"

#define AGENT_SOFTWARE "kfarmd " KFARM_VERSION

struct agent_session;
struct agent_foreign;
struct agent_status;
struct children;
struct event_base;
struct store;
struct tls_clients;

struct agent {
	struct event_base *base;
	struct children *children; /* NULL: not up yet */
	struct store *store;
	char *kept; /* the directory of toolchains (agent/kept.h) */
	struct agent_foreign *foreign; /* those that cells used */
	struct strv hosts; /* whose programs run here, its own first */
	struct cell_check check; /* can jobs run here? */
	struct cell_limits limits; /* of each cell */
	struct agent_slots slots;
	uint16_t slots_given; /* --slots, 0: none */
	unsigned n_cells; /* also those that still come to their end */
	unsigned n_sessions;
	uint64_t cpu_ms; /* of the jobs that are gone */
	struct node_health health;
	const char *listen; /* where, for people; NULL: --stdio */
	struct tls_clients *clients; /* NULL: it listens to no network */
	struct agent_status *status;
	TAILQ_HEAD(, agent_session) sessions;
	/* The last session ended; NULL when that does not matter. */
	void (*on_idle)(struct agent *a);
};

#endif
