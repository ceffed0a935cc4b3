/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/trial-stage.h - what is next for each node of a trial.
 */
#ifndef PEER_TRIAL_STAGE_H
#define PEER_TRIAL_STAGE_H

#include "peer/trial-state.h"

/* Do what can be done now; from the loop, never from within struct peer_ops. */
void trial_stage_step(struct trial *t, uint64_t now_ms);
/* Is nothing left to be done? */
bool trial_stage_is_over(const struct trial *t);
/* It is in this stage from now on. */
void trial_stage_enter(struct trial_node *n, enum peer_trial_stage stage);

#endif
