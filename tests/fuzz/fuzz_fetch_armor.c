/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/armor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = { 0 };
	int ret = fetch_armor_decode(bytes_of(data, size), &out);

	/* Nothing is left behind, and nothing grows. */
	if ((ret && out.len) || out.len > size)
		abort();
	buf_release(&out);
	return 0;
}
