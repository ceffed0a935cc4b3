/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/trial-heat.h - the classes of cores of a node that is tried, and how hot
 * and how slow they become in its burn-in.
 */
#ifndef PEER_TRIAL_HEAT_H
#define PEER_TRIAL_HEAT_H

#include "peer/trial-state.h"

/*
 * It has said who it is: from now on its jobs are for one class each, where it
 * can do that, and has the same classes as when it was heard first.
 */
void trial_heat_classes(struct trial_node *n, const struct peer_figures *now);
/* A beat came: heat and throttling, while it works. */
void trial_heat_note(struct trial_node *n, const struct peer_figures *now,
		     uint64_t now_ms);

#endif
