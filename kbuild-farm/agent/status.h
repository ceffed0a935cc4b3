/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/status.h - what a kfarmd does now, for `kfarmd --status` on its node.
 *
 * Each kfarmd listens at DIR/live/NAME/status of its store (store/store.h), a
 * directory of its own which shows as long as it lives that it does; whoever
 * connects gets one JSON object, made at that moment, and the end of the file.
 * kfarmd(8) says what is in it.  That costs nothing while nobody asks.
 */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include "base/err.h"

#include <stdbool.h>

struct agent;
struct agent_status;

/* a->store is open.  0, or a negative errno with `err` set. */
int agent_status_new(struct agent_status **out, struct agent *a,
		     struct err *err);
/* NULL is fine.  Goes before the store. */
void agent_status_free(struct agent_status *s);

/*
 * Ask all kfarmds that have the store `dir` open, and print on stdout, as text
 * or JSON, what they say and which toolchains `kept` holds.  Returns how many
 * there are, or a negative errno with `err` set.
 */
int agent_status_print(const char *dir, const char *kept, bool json,
		       struct err *err);

#endif
