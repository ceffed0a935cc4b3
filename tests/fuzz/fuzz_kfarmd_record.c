/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * The manifest of an installed toolchain from a damaged disk.  Its last 32
 * bytes are a digest of the others, which a fuzzer cannot find, so the target
 * appends it.  An accepted manifest survives encoding and decoding, and has no
 * path outside the toolchain.
 */
#include "kfarmd/toolchains.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf in = { 0 }, out = { 0 };
	struct kfarmd_manifest r;
	struct digest d;
	struct err err;

	kfarmd_manifest_decode(&r, bytes_of(data, size), &err);
	kfarmd_manifest_release(&r);
	buf_add(&in, data, size);
	digest_bytes(buf_bytes(&in), &d);
	buf_add(&in, d.b, sizeof(d.b));
	if (!kfarmd_manifest_decode(&r, buf_bytes(&in), &err)) {
		struct kfarmd_manifest again;

		for (size_t i = 0; i < r.entries.n; i++) {
			if (!toolchain_dir_digest_is_valid_path(
				    r.entries.v[i].path))
				abort();
		}
		kfarmd_manifest_encode(&r, &out);
		if (kfarmd_manifest_decode(&again, buf_bytes(&out), &err) ||
		    again.entries.n != r.entries.n)
			abort();
		kfarmd_manifest_release(&again);
		kfarmd_manifest_release(&r);
	}
	buf_release(&in);
	buf_release(&out);
	return 0;
}
