/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/probe.h - a unit whose answer is known, for a node that failed.
 */
#ifndef PEER_PROBE_H
#define PEER_PROBE_H

#include "peer/cell.h"
#include "peer/job.h"

/* Send it; false when no toolchain is known yet that the node has. */
bool peer_probe_send(struct peer_cells *cells);
/* Its answer is complete: is it ours? */
bool peer_probe_is_right(const struct peer_job *job);

#endif
