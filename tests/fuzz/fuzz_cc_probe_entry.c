/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cc */
#include "cc/call.h"

#include "options/probe-stamps.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes part, struct bytes all)
{
	if (part.len &&
	    (part.data < all.data || part.len > all.len ||
	     part.data - all.data > (ptrdiff_t)(all.len - part.len)))
		abort();
}

/* Decode the entry unchanged, then with the correct hash. */
static void decode(struct buf *file)
{
	static const char question[] = "question";
	struct bytes all = buf_bytes(file);
	struct cc_probe_entry a;

	for (int i = 0; i < 2; i++) {
		if (cc_probe_entry_decode(&a, all, bytes_str(question))) {
			check_inside(a.out, all);
			check_inside(a.err, all);
			check_inside(a.output, all);
		}
		if (all.len >= 16)
			put_le64(file->data + 8,
				 bytes_hash(
					 bytes_of(all.data + 16, all.len - 16),
					 0));
	}
}

/* The same for a list, whose hash is in its last line. */
static void read_list(struct buf *text)
{
	struct options_probe_compiler c = { "/gcc", "/bin", NULL };
	uint64_t id[2];

	options_probe_stamps_is_current(buf_bytes(text), &c, id);
	options_probe_stamps_end(text);
	options_probe_stamps_is_current(buf_bytes(text), &c, id);
	if (options_probe_stamps_read_request(text, &c) && !c.driver)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf copy = { 0 };

	buf_add(&copy, data, size);
	decode(&copy);
	buf_reset(&copy);
	buf_add(&copy, data, size);
	read_list(&copy);
	buf_release(&copy);
	return 0;
}
