/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp gas */
/*
 * Assembler text.  The first byte selects the machine and the kind of text.  A
 * NUL starts another text.
 */
#include "gas/gas.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const machines[] = { "x86", "aarch64", "arm",
						"powerpc" };
	struct gas_setup setup = { 0 };
	struct gas_result result;
	struct gas_scanner *a;
	const char *s, *end;

	if (!size)
		return 0;
	setup.architecture = machines[*data & 3];
	setup.alternate = *data & 16;
	a = gas_scanner_new(&setup);
	end = (const char *)data + size;
	for (s = (const char *)data + 1; s < end;) {
		const char *stop = memchr(s, 0, (size_t)(end - s));

		gas_scanner_add_text(a, s, (size_t)((stop ? stop : end) - s),
				     (enum gas_text_kind)(*data >> 2 & 3));
		s = stop ? stop + 1 : end;
	}
	gas_scanner_find_files(a, &result);
	gas_result_release(&result);
	gas_scanner_free(a);
	return 0;
}
