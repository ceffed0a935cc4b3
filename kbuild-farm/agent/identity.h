/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/identity.h - is the toolchain that came the one that it says it is?
 */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H

#include "agent/view.h"

/*
 * The views that brought the toolchain of `m`.  0, or -EINVAL with `err` set.
 * Any thread.
 */
int agent_identity_check(const struct agent_view_queue *views,
			 const struct wire_cell *m, struct err *err);
/*
 * Of a cell with a toolchain of the node's own: where its driver lies once the
 * links that the views brought are followed.  The caller frees it.
 */
char *agent_identity_driver(const struct agent_view_queue *views,
			    const struct wire_cell *m);

#endif
