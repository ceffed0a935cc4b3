/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: scan */
/*
 * Assembler text.  The first byte says for which machine and what kind of
 * text it is; a NUL starts another one.
 */
#include "scan/asm-text.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const machines[] = { "x86", "aarch64", "arm",
						"powerpc" };
	struct scan_asm_setup setup = { 0 };
	struct scan_asm_result result;
	struct scan_asm_text *a;
	const char *s, *end;

	if (!size)
		return 0;
	setup.architecture = machines[*data & 3];
	setup.alternate = *data & 16;
	a = scan_asm_new(&setup);
	end = (const char *)data + size;
	for (s = (const char *)data + 1; s < end;) {
		const char *stop = memchr(s, 0, (size_t)(end - s));

		scan_asm_add(a, s, (size_t)((stop ? stop : end) - s),
			     (enum scan_asm_kind)(*data >> 2 & 3));
		s = stop ? stop + 1 : end;
	}
	scan_asm_end(a, &result);
	scan_asm_result_release(&result);
	scan_asm_free(a);
	return 0;
}
