/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/trust.h - which builds of a compiler that nodes hold compile as ours
 * does, as the canary found it.
 *
 * A file of JSON in the state directory, which survives builds:
 *
 *	{ "canaries": [ { "node": "neo4a", "ours": HEX, "theirs": HEX,
 *			  "sources": HEX, "passed": true, "detail": "",
 *			  "id": "gcc-13.3.0-aarch64-linux-on-arm64",
 *			  "cpu_ms": 2210, "date": 1700000000 } ],
 *	  "choices": [ { "node": "neo4a", "ours": HEX, "id": "...",
 *			 "sources": HEX, "date": 1700000000 } ] }
 *
 * `ours` and `theirs` are content ids (compiler_manifest_id()), `sources` is
 * a digest of the canary itself: what another canary found does not count.
 * A choice is what `kfarm toolchain tune` measured as the fastest; its id is
 * empty where that is the compiler that ships with the build.
 *
 * Several kfarms may use it at once: a change is made under a lock on the
 * file beside it, to what is there then, and published by rename.  A file
 * that cannot be understood counts as empty, with a warning.
 */
#ifndef COORD_TRUST_H
#define COORD_TRUST_H

#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>

enum coord_trust_is {
	COORD_TRUST_UNKNOWN,
	COORD_TRUST_PASSED,
	COORD_TRUST_FAILED,
};

/* What is said of whom. */
struct coord_trust_key {
	const char *node;
	struct digest ours, theirs, sources;
};

struct coord_trust_entry {
	enum coord_trust_is is;
	char *id; /* of the build that the node holds */
	char *detail; /* of a failed one: the file */
	uint32_t cpu_ms; /* of the compiler, over all of the canary */
};

void coord_trust_entry_release(struct coord_trust_entry *e);

/* XDG_STATE_HOME/kfarm/canary.json; the caller frees it. */
char *coord_trust_path(void);
/* What the file says; UNKNOWN where it says nothing. */
void coord_trust_find(const char *path, const struct coord_trust_key *key,
		      struct coord_trust_entry *out);
/* Record `e`, in place of what there was.  `err` names the file. */
int coord_trust_add(const char *path, const struct coord_trust_key *key,
		    const struct coord_trust_entry *e, struct err *err);

/*
 * The build to be used on a node in place of `ours`: its id, "" for ours
 * itself, or NULL where nobody measured.  The caller frees it.  `theirs` of
 * the key is of no matter.
 */
char *coord_trust_choice(const char *path, const struct coord_trust_key *key);
int coord_trust_choose(const char *path, const struct coord_trust_key *key,
		       const char *id, struct err *err);

/*
 * The newest word on what a node holds by the name of `id`, whatever it
 * contained: for lists.
 */
void coord_trust_last(const char *path, const struct coord_trust_key *key,
		      const char *id, struct coord_trust_entry *out);

#endif
