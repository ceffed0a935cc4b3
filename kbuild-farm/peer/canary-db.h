/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/canary-db.h - which builds of a compiler that nodes hold compile as ours
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
#ifndef PEER_CANARY_DB_H
#define PEER_CANARY_DB_H

#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>

enum peer_canary_is {
	PEER_CANARY_UNKNOWN,
	PEER_CANARY_PASSED,
	PEER_CANARY_FAILED, /* it compiles otherwise: detail names the file */
	PEER_CANARY_BROKEN, /* it could not be tried: detail says why */
};

/* Which compilers on which node; `foreign` is "theirs" in the file. */
struct peer_canary_db_key {
	const char *node;
	struct digest ours, foreign, sources;
};

struct peer_canary_db_entry {
	enum peer_canary_is is;
	char *id; /* of the build that the node holds */
	char *detail; /* of a failed one: the file */
	uint32_t cpu_ms; /* of the compiler, over all of the canary */
};

void peer_canary_db_entry_release(struct peer_canary_db_entry *e);

/* XDG_STATE_HOME/kfarm/canary.json; the caller frees it. */
char *peer_canary_db_path(void);
/* What the file says; UNKNOWN where it says nothing. */
void peer_canary_db_find(const char *path, const struct peer_canary_db_key *key,
			 struct peer_canary_db_entry *out);
/* Record `e`, in place of what there was.  `err` names the file. */
int peer_canary_db_add(const char *path, const struct peer_canary_db_key *key,
		       const struct peer_canary_db_entry *e, struct err *err);

/*
 * The build to be used on a node in place of `ours`: its id, "" for ours
 * itself, or NULL where nobody measured.  The caller frees it.  `foreign` of
 * the key does not matter.
 */
char *peer_canary_db_choice(const char *path,
			    const struct peer_canary_db_key *key);
int peer_canary_db_choose(const char *path,
			  const struct peer_canary_db_key *key, const char *id,
			  struct err *err);

/*
 * The newest record of what a node holds as `id`, whatever it contained: for
 * lists.
 */
void peer_canary_db_last(const char *path, const struct peer_canary_db_key *key,
			 const char *id, struct peer_canary_db_entry *out);

#endif
