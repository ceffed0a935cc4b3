/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: agent */
/*
 * The record of a kept toolchain, as a disk may spoil it.  Its last 32 bytes
 * are a digest of the others, which no fuzzer finds; so it is put there.  What
 * is taken must come back the same, and say nothing that leads out.
 */
#include "agent/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf in = { 0 }, out = { 0 };
	struct agent_record r;
	struct digest d;
	struct err err;

	agent_record_decode(&r, bytes_of(data, size), &err);
	agent_record_release(&r);
	buf_add(&in, data, size);
	digest_of(buf_bytes(&in), &d);
	buf_add(&in, d.b, sizeof(d.b));
	if (!agent_record_decode(&r, buf_bytes(&in), &err)) {
		struct agent_record again;

		for (size_t i = 0; i < r.entries.n; i++) {
			if (!toolchain_tree_is_path(r.entries.v[i].path))
				abort();
		}
		agent_record_encode(&r, &out);
		if (agent_record_decode(&again, buf_bytes(&out), &err) ||
		    again.entries.n != r.entries.n)
			abort();
		agent_record_release(&again);
		agent_record_release(&r);
	}
	buf_release(&in);
	buf_release(&out);
	return 0;
}
