/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/action-result.h - The ActionResult message of Bazel's Remote Execution
 * API.
 *
 * Servers of Bazel's HTTP caching protocol store a result as an encoded
 * protobuf message build.bazel.remote.execution.v2.ActionResult.  Some servers
 * decode the message and check that their content-addressed storage (CAS) has
 * all files that the message names.  These fields are supported (number, name):
 *
 *	ActionResult
 *	 2  output_files (repeated)
 *	     1  path
 *	     2  digest
 *	         1  hash, 64 hexadecimal digits
 *	         2  size_bytes
 *	 4  exit_code
 *	 9  execution_metadata
 *	     1  worker
 *	    11  auxiliary_metadata, a google.protobuf.Any (repeated)
 *	         1  type_url
 *	         2  value
 *
 * The decoder skips other fields, such as those that a server adds.
 */
#ifndef CACHE_ACTION_RESULT_H
#define CACHE_ACTION_RESULT_H

#include "base/buf.h"
#include "base/digest.h"

#define CACHE_ACTION_RESULT_FILES_MAX 16

struct cache_action_result_file {
	struct bytes path;
	struct digest digest;
	uint64_t size_bytes;
};

/* All byte ranges are borrowed; the decoder borrows them from the message. */
struct cache_action_result {
	struct cache_action_result_file files[CACHE_ACTION_RESULT_FILES_MAX];
	size_t n_files;
	int32_t exit_code;
	struct bytes worker;
	/* the auxiliary metadata of the type CACHE_ACTION_RESULT_TYPE */
	struct bytes metadata;
};

/* The type_url of kfarm's metadata. */
#define CACHE_ACTION_RESULT_TYPE "type.googleapis.com/kfarm.CacheResult"

/* Append the message to `out`. */
void cache_action_result_encode(struct buf *out,
				const struct cache_action_result *r);
/*
 * Decode a message from an untrusted source.  Returns 0, or -EBADMSG if the
 * message is malformed, has an invalid digest or too many files.
 */
int cache_action_result_decode(struct cache_action_result *out,
			       struct bytes in);

#endif
