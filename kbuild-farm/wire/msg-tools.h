/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg-tools.h - the messages about the toolchains that a node keeps on its
 * disk: BUNDLE, TOOLS, HELD, DROP and DROPPED.
 *
 * A kept toolchain is a directory of files that were built for a machine that
 * the node runs, and perhaps the build host does not; CELL names it as `kept`.
 * The rules of wire/msg.h hold.
 */
#ifndef WIRE_MSG_TOOLS_H
#define WIRE_MSG_TOOLS_H

#include "base/buf.h"
#include "base/digest.h"
#include "wire/field.h"
#include "wire/limits.h"

#include <stdbool.h>

/*
 * Is it the id of a toolchain: 1 to WIRE_ID_MAX letters, digits and "._+-",
 * the first one a letter or a digit?
 */
bool wire_id_ok(const char *id);
/* Is it a host: 1 to WIRE_HOST_MAX of a-z, 0-9 and '_'?  "arm64". */
bool wire_host_ok(const char *host);

/*
 * Keep the files as a toolchain that the VIEWs of this number bring, all of
 * part 1 and 2, by their paths below its directory ("/bin/gcc").
 */
struct wire_bundle {
	uint32_t bundle; /* unique in this connection, among cells too */
	char *id;
	char *host; /* what its programs run on */
	struct digest tree; /* over all entries; see wire/PROTOCOL */
	struct digest same_as; /* id of the build host's own, zero: none */
	char *json; /* its toolchain.json */
};

/* -EPROTO too where id or host is not in form. */
WIRE_MESSAGE(bundle);

/* What do you hold? */
struct wire_tools {
	uint32_t ask; /* kfarm's choice, comes back in HELD */
	uint8_t verify; /* 1: read and hash all of it */
};

WIRE_MESSAGE(tools);

enum wire_held_state {
	WIRE_HELD_OK,
	WIRE_HELD_DAMAGED, /* and never used; `detail` names a file */
	WIRE_HELD_IN_USE, /* good, and a cell uses it */
};

struct wire_held_one {
	char *id;
	char *host;
	struct digest tree;
	uint8_t state; /* enum wire_held_state */
	char *detail; /* for people; may be empty */
};

struct wire_held {
	uint32_t ask;
	uint8_t last; /* 1: nothing follows */
	uint32_t n; /* at most WIRE_HELD_MAX */
	struct wire_held_one *all;
};

WIRE_MESSAGE(held);

/* Remove it. */
struct wire_drop {
	uint32_t ask; /* kfarm's choice, comes back in DROPPED */
	char *id;
};

WIRE_MESSAGE(drop);

struct wire_dropped {
	uint32_t ask;
	uint8_t state; /* 0: it is gone; 1: refused, and `detail` says why */
	char *detail;
};

WIRE_MESSAGE(dropped);

#endif
