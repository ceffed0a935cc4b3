/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/packet.h"

#include "fetch/key.h"

#include <stdlib.h>

#define WHEN 1640908800

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken for a key must be all of it, and be taken again. */
static void extract(struct bytes in, const char *fingerprint)
{
	struct buf key = { 0 }, again = { 0 };
	struct err err;

	if (!fetch_key_extract(in, fingerprint, &key, &err)) {
		if (key.len > in.len ||
		    fetch_packet_forgets(buf_bytes(&key), buf_bytes(&key)) ||
		    fetch_packet_extract(buf_bytes(&key), fingerprint,
					 &again) ||
		    !bytes_equal(buf_bytes(&key), buf_bytes(&again)))
			abort();
	}
	buf_release(&key);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), rest = in;
	char fingerprint[FETCH_FINGERPRINT];
	struct fetch_packet packet;
	size_t total = 0;
	int looked = 0;

	while (fetch_packet_next(&rest, &packet) > 0) {
		total += packet.whole.len;
		if (looked > 8 ||
		    !fetch_packet_fingerprint(&packet, fingerprint))
			continue;
		looked++;
		extract(in, fingerprint);
		fetch_packet_may_expire(in, fingerprint, WHEN);
	}
	if (total + rest.len != size)
		abort();
	return 0;
}
