/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/health-probe.h - a unit whose answer is known, for a node that failed.
 */
#ifndef PEER_HEALTH_PROBE_H
#define PEER_HEALTH_PROBE_H

#include "peer/peer.h"

/* Send it; false when no toolchain is known yet that the node has. */
bool peer_health_probe_start(struct peer *p);
/* The node's answer: praise when it is equal, else a fault. */
void peer_health_probe_output(struct peer *p, const struct wire_piece *m);
void peer_health_probe_result(struct peer *p, const struct wire_result *m);
/* Forget the one that is out. */
void peer_health_probe_drop(struct peer *p);

#endif
