/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/gate.h - how many strangers are let near: those whose key is not
 * known yet.  No sockets, and no clock: time is an argument.
 *
 * Nobody can keep others out by connecting and saying nothing: who comes when
 * all places are taken gets that of who came first.  Who fails again and
 * again is refused for a while, by address: one of IPv4, 64 bits of IPv6.
 */
#ifndef AGENT_GATE_H
#define AGENT_GATE_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define AGENT_GUESTS      64 /* strangers at once */
#define AGENT_GUESTS_EACH 16 /* of one address */
/* Attempts that come to nothing: at once, and then in a second. */
#define AGENT_TRIES_EACH    32 /* of one address */
#define AGENT_TRIES_EACH_S  4
#define AGENT_TRIES_TOTAL   256 /* of all where nobody was admitted yet */
#define AGENT_TRIES_TOTAL_S 128

struct agent_gate;
struct sockaddr;

/* Who is in; part of the caller's struct. */
struct agent_guest {
	TAILQ_ENTRY(agent_guest) link;
	uint64_t address;
};

struct agent_gate *agent_gate_new(void);
/* Nobody may be in. */
void agent_gate_free(struct agent_gate *g);
/*
 * May who comes from there come in?  Then *leaves is who has to go for it,
 * NULL: nobody; the caller calls agent_gate_leave() for it.
 */
bool agent_gate_enter(struct agent_gate *g, struct agent_guest *guest,
		      const struct sockaddr *from, uint64_t now_ms,
		      struct agent_guest **leaves);
/* No stranger any more, or gone. */
void agent_gate_leave(struct agent_gate *g, struct agent_guest *guest,
		      bool admitted);
/* The first of those who are in, NULL: nobody. */
struct agent_guest *agent_gate_first(const struct agent_gate *g);

#endif
