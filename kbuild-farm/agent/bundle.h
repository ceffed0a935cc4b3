/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/bundle.h - a toolchain on its way from a client to the node's disk: a
 * destination of VIEWs (agent/dest.h) that is a directory.
 *
 *	BUNDLE, VIEWs -> all that came is judged -> NEED -> all is here
 *	              -> written -> read again and published -> HAVE ready
 *
 * A file that another kept toolchain has is not asked for.  HAVE names the
 * digest of the tree; what goes wrong at any time is HAVE refused.
 */
#ifndef AGENT_BUNDLE_H
#define AGENT_BUNDLE_H

#include "agent/dest.h"

/* Of one client, and not answered yet. */
#define AGENT_BUNDLES_MOST 4

/* Takes the strings of `m`, whose host the node runs. */
struct agent_dest *agent_bundle_new(struct agent *a, struct wire_bundle *m,
				    struct agent_blobs *blobs,
				    const struct agent_dest_ops *ops,
				    void *ctx);

#endif
