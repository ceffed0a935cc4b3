/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/pins.h - jobs of a client that run on the CPUs of one class alone
 * (PIN), and how each class does meanwhile (HEAT).
 *
 * The classes are those that its MACHINE named, with the CPUs that
 * they had then: a governor that changes later makes no other classes of them.
 */
#ifndef AGENT_PINS_H
#define AGENT_PINS_H

#include "agent/slots.h"
#include "node/health.h"
#include "node/sys.h"

struct agent_pin {
	struct node_cpus cpus;
	struct agent_share share; /* of the node's slots */
};

/* Zeroed: its version has no PIN. */
struct agent_pins {
	struct node_cpus *cpus; /* of each class */
	struct agent_pin *pin; /* the same, as jobs use them */
	unsigned n;
	bool is_set; /* a PIN came, and its job did not yet */
	struct wire_pin next;
};

/* Of a conversation of that version; takes over `cpus`, of `n` classes. */
void agent_pins_init(struct agent_pins *p, int version, struct node_cpus *cpus,
		     unsigned n);
/* Its jobs were dropped. */
void agent_pins_release(struct agent_pins *p);

/* PIN came.  -EPROTO, with `err`: the conversation is over. */
int agent_pins_take(struct agent_pins *p, struct bytes body, struct err *err);
/*
 * The job of that number comes.  0, and *pin is where it runs, borrowed; NULL:
 * anywhere.  -EPROTO: the conversation is over; -ENOENT: there is no such
 * class; -EPERM: kfarmd may use none of its CPUs; with `err`.
 */
int agent_pins_job(struct agent_pins *p, uint32_t job, struct agent_pin **pin,
		   struct err *err);
/* The body of HEAT. */
void agent_pins_heat(const struct agent_pins *p, const struct node_health *h,
		     struct buf *body);

#endif
