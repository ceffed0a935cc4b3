/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg-tools.h - the messages about the toolchains that a node keeps on its
 * disk: BUNDLE, TOOLS, HELD, DROP and DROPPED.
 *
 * A kept toolchain is a directory of files that were built for a machine that
 * the node runs, and perhaps the build host does not; CELL names it as `own`.
 * The rules of wire/msg.h hold.
 */
#ifndef WIRE_MSG_TOOLS_H
#define WIRE_MSG_TOOLS_H

#include "base/buf.h"
#include "base/digest.h"
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

void wire_bundle_release(struct wire_bundle *m);
void wire_bundle_encode(struct buf *out, const struct wire_bundle *m);
/* -EPROTO too where id or host is not in form. */
int wire_bundle_decode(struct wire_bundle *m, struct bytes in);

/* What do you hold? */
struct wire_tools {
	uint32_t ask; /* kfarm's choice, comes back in HELD */
	uint8_t verify; /* 1: read and hash all of it */
};

void wire_tools_encode(struct buf *out, const struct wire_tools *m);
int wire_tools_decode(struct wire_tools *m, struct bytes in);

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

void wire_held_release(struct wire_held *m);
void wire_held_encode(struct buf *out, const struct wire_held *m);
int wire_held_decode(struct wire_held *m, struct bytes in);

/* Remove it. */
struct wire_drop {
	uint32_t ask; /* kfarm's choice, comes back in DROPPED */
	char *id;
};

void wire_drop_release(struct wire_drop *m);
void wire_drop_encode(struct buf *out, const struct wire_drop *m);
int wire_drop_decode(struct wire_drop *m, struct bytes in);

struct wire_dropped {
	uint32_t ask;
	uint8_t state; /* 0: it is gone; 1: refused, and `detail` says why */
	char *detail;
};

void wire_dropped_release(struct wire_dropped *m);
void wire_dropped_encode(struct buf *out, const struct wire_dropped *m);
int wire_dropped_decode(struct wire_dropped *m, struct bytes in);

#endif
