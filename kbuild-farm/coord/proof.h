/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/proof.h - a unit whose answer is known, for a node that failed.
 */
#ifndef COORD_PROOF_H
#define COORD_PROOF_H

#include "coord/peer.h"

/* Send it; false when no toolchain is known yet that the node has. */
bool coord_proof_start(struct coord_peer *p);
/* The node's answer: praise when it is equal, else a fault. */
void coord_proof_output(struct coord_peer *p, const struct wire_piece *m);
void coord_proof_result(struct coord_peer *p, const struct wire_result *m);
/* Forget the one that is out. */
void coord_proof_drop(struct coord_peer *p);

#endif
