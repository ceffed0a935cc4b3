/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache */
/*
 * Arbitrary bytes as an ActionResult.  A decoded result is equal after it was
 * encoded again.
 */
#include "cache/action-result.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cache_action_result a, b;
	struct buf out = { 0 };

	if (cache_action_result_decode(&a, bytes_of(data, size)))
		return 0;
	cache_action_result_encode(&out, &a);
	if (cache_action_result_decode(&b, buf_bytes(&out)) ||
	    a.n_files != b.n_files || a.exit_code != b.exit_code ||
	    !bytes_equal(a.worker, b.worker) ||
	    !bytes_equal(a.metadata, b.metadata))
		abort();
	for (size_t i = 0; i < a.n_files; i++) {
		if (!bytes_equal(a.files[i].path, b.files[i].path) ||
		    !digest_equal(&a.files[i].digest, &b.files[i].digest) ||
		    a.files[i].size_bytes != b.files[i].size_bytes)
			abort();
	}
	buf_release(&out);
	return 0;
}
