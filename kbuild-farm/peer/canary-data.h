/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/canary-data.h - the sources of the canary, which are templates/canary/
 * inside the program.
 */
#ifndef PEER_CANARY_DATA_H
#define PEER_CANARY_DATA_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/str.h"

struct peer_canary_source {
	const char *name; /* "integers.c" */
	struct bytes text;
};

/* All of them, in a fixed order. */
const struct peer_canary_source *peer_canary_sources(size_t *n);
/* Those of a burn-in: more work each, and no part of the canary. */
const struct peer_canary_source *peer_canary_burn_sources(size_t *n);
/* Over names, texts and flags: another canary has another one. */
void peer_canary_digest(struct digest *out);
/*
 * Append the options that the files "flags" and "burn-flags" give for a source,
 * compiled for what the compiler calls `machine` ("aarch64-linux-gnu").
 */
void peer_canary_flags(struct strv *argv, const char *machine,
		       const char *source);

#endif
