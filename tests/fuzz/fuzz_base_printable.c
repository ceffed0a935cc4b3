/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/*
 * Text from arbitrary bytes.  The sanitized text is printable, is UTF-8 by an
 * independent check, contains no control sequences, and is unchanged by a
 * second call.
 */
#include "base/printable.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_harmless(struct bytes text, unsigned allow)
{
	json_t *utf8 = json_stringn((const char *)text.data, text.len);

	if (!utf8 || !printable_is_safe(text, allow))
		abort();
	json_decref(utf8);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == 0x7f ||
		    (c < ' ' && c != '\n' && c != '\t' && c != '\033'))
			abort();
		if (c == '\033' && !(allow & PRINTABLE_COLOURS))
			abort();
		if (c == 0xc2 && text.data[i + 1] < 0xa0)
			abort();
		if (c == 0xe2 && text.data[i + 1] == 0x80 &&
		    text.data[i + 2] >= 0xaa && text.data[i + 2] <= 0xae)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf shown = { 0 }, clean = { 0 };
	struct bytes in;
	unsigned allow;

	if (size < 2)
		return 0;
	allow = data[0] & (PRINTABLE_WHITESPACE | PRINTABLE_COLOURS);
	in = bytes_of(data + 1, size - 1);
	printable_add_escaped(&shown, in, allow);
	buf_add_bytes(&clean, in);
	printable_replace((char *)clean.data, clean.len, allow, '?');
	must_be_harmless(buf_bytes(&shown), allow);
	must_be_harmless(buf_bytes(&clean), allow);
	if (printable_is_safe(in, allow) !=
		    bytes_equal(in, buf_bytes(&clean)) ||
	    printable_is_safe(in, allow) != bytes_equal(in, buf_bytes(&shown)))
		abort();
	buf_release(&shown);
	buf_release(&clean);
	return 0;
}
