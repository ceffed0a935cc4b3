/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
/*
 * A session with a hostile peer.  The first byte selects the division into
 * pieces.  Each division gives the same messages and the same end.
 */
#include "wire/stream.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hear(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct buf *log = ctx;

	(void)err;
	if (body.len > WIRE_BODY_MAX)
		abort();
	buf_put_u16(log, type);
	buf_put_bytes(log, body);
	return 0;
}

static int listen_to(struct bytes in, size_t step, struct buf *log)
{
	struct wire_conn *conn = wire_conn_new(hear, log);
	struct err err = { 0 };
	int ret = 0;

	for (size_t at = 0; at < in.len && !ret; at += step) {
		size_t n = in.len - at < step ? in.len - at : step;

		ret = wire_conn_feed(conn, bytes_of(in.data + at, n), &err);
	}
	if (!ret != !err.text[0])
		abort();
	wire_conn_free(conn);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = { 0 }, cut = { 0 };
	struct bytes in;

	if (size < 2)
		return 0;
	in = bytes_of(data + 1, size - 1);
	if (listen_to(in, in.len, &whole) != listen_to(in, data[0] + 1, &cut))
		abort();
	if (!bytes_equal(buf_bytes(&whole), buf_bytes(&cut)))
		abort();
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}
