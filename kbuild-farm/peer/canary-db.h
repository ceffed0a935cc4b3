/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/canary-db.h - Canary sources and the results of earlier canaries.
 *
 * The sources are the files of templates/canary/, embedded in the program.  The
 * results are a JSON file in the state directory, which outlives builds:
 *
 *	{ "canaries": [ { "node": "neo4a", "ours": HEX, "theirs": HEX,
 *			  "tree": HEX, "sources": HEX, "passed": true,
 *			  "detail": "", "cpu_ms": 2210, "date": 1700000000,
 *			  "id": "gcc-13.3.0-aarch64-linux-on-arm64" } ],
 *	  "choices": [ { "node": "neo4a", "ours": HEX, "id": "...",
 *			 "sources": HEX, "date": 1700000000 } ] }
 *
 * `ours` and `theirs` are content ids (compiler_manifest_id()) of the local and
 * the node-native compiler.  `tree` is the dir_digest of the node-native
 * toolchain; results of older versions have no `tree`.  `sources` is a digest
 * of the canary; results with another digest are ignored.  A choice names the
 * fastest compiler build that `kfarm toolchain tune` measured.  The id of a
 * choice is empty if the local compiler is the fastest.
 *
 * Several processes can use the file concurrently: a process that changes it
 * locks a separate file, reads the current content, and renames a new file over
 * the old one.  An unreadable file counts as empty, with a warning.
 */
#ifndef PEER_CANARY_DB_H
#define PEER_CANARY_DB_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

struct peer_canary_source {
	const char *name; /* "integers.c" */
	struct bytes text;
};

/* Return all sources of the canary, in a fixed order. */
const struct peer_canary_source *peer_canary_db_sources(size_t *n);
/*
 * Return the sources for a burn-in, a load test of a node.  They are not part
 * of the canary and take longer to compile.
 */
const struct peer_canary_source *peer_canary_db_burn_sources(size_t *n);
/*
 * Compute the digest of the canary: names and texts of its sources, and the
 * file "flags" of templates/canary/.
 */
void peer_canary_db_digest(struct digest *out);
/*
 * Append the options for `source` from the files "flags" and "burn-flags" of
 * templates/canary/.  `machine` is the target of gcc ("aarch64-linux-gnu"), or
 * "clang".
 */
void peer_canary_db_flags(struct strv *argv, const char *machine,
			  const char *source);

enum peer_canary_status {
	PEER_CANARY_STATUS_UNKNOWN,
	PEER_CANARY_STATUS_PASSED,
	PEER_CANARY_STATUS_FAILED, /* output differs; `detail` names the file */
	PEER_CANARY_STATUS_ERROR, /* not completed; `detail` is the reason */
};

/*
 * Identifies a result.  In the file, `local_id` is named "ours" and `native_id`
 * is named "theirs".
 */
struct peer_canary_db_subject {
	const char *node;
	struct digest local_id, native_id, sources;
};

struct peer_canary_db_entry {
	enum peer_canary_status status;
	char *id; /* id of the node-native toolchain */
	char *detail; /* file that differs, if the canary failed */
	uint32_t cpu_ms; /* CPU time of all sources, in the fastest round */
	/* digest of all files of the node-native toolchain; 0: unknown */
	struct digest dir_digest;
};

void peer_canary_db_entry_release(struct peer_canary_db_entry *e);

/* Return XDG_STATE_HOME/kfarm/canary.json.  The caller frees it. */
char *peer_canary_db_path(void);
/* Look up a result.  If the file has no such result, out->status is UNKNOWN. */
void peer_canary_db_find(const char *path,
			 const struct peer_canary_db_subject *key,
			 struct peer_canary_db_entry *out);
/*
 * Record `e`, replacing an earlier result.  Returns 0 or -errno with `err` set.
 * Replaces a damaged file.  If the file cannot be read, leaves it unchanged and
 * returns the error.
 */
int peer_canary_db_add(const char *path,
		       const struct peer_canary_db_subject *key,
		       const struct peer_canary_db_entry *e, struct err *err);
/*
 * Let a thread of `threads` call peer_canary_db_add() with copies of the
 * arguments.  An error is printed as a warning.
 */
void peer_canary_db_start_add(struct pool *threads, const char *path,
			      const struct peer_canary_db_subject *key,
			      const struct peer_canary_db_entry *e);

/*
 * Return the id of the compiler build that a node must use: "" for the local
 * compiler, or NULL if no choice is stored.  key->native_id is ignored.  The
 * caller frees the result.
 */
char *peer_canary_db_get_choice(const char *path,
				const struct peer_canary_db_subject *key);
int peer_canary_db_set_choice(const char *path,
			      const struct peer_canary_db_subject *key,
			      const char *id, struct err *err);

/*
 * Look up the newest result for the toolchain `id` on a node.  The content of
 * the toolchain may have changed since this result, so use it for display only.
 */
void peer_canary_db_find_latest(const char *path,
				const struct peer_canary_db_subject *key,
				const char *id,
				struct peer_canary_db_entry *out);
/*
 * Set *dir_digest to the dir_digest of the toolchain `id` that most recently
 * passed a canary on `node`, with any local compiler and any sources.  Set it
 * to 0 if no such result contains a dir_digest.
 */
void peer_canary_db_find_tested(const char *path, const char *node,
				const char *id, struct digest *dir_digest);

#endif
