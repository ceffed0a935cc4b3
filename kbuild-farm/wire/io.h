/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/io.h - what a stream reads from and writes to: descriptors, or what
 * encrypts on them (tls/io.h).
 */
#ifndef WIRE_IO_H
#define WIRE_IO_H

#include "base/bytes.h"
#include "base/err.h"

#include <sys/types.h>

struct wire_io_ops {
	/*
	 * As read(2) and write(2) of what does not block: how many bytes, 0
	 * from read() at the end; -EAGAIN: nothing now; or another negative
	 * errno with `err` set.  A read() of 64 KiB leaves nothing behind
	 * that the descriptor does not show as readable.
	 */
	ssize_t (*read)(void *ctx, void *to, size_t size, struct err *err);
	ssize_t (*write)(void *ctx, struct bytes in, struct err *err);
	/*
	 * Did the last read() return -EAGAIN because it has to write first?
	 * NULL: that never happens.
	 */
	bool (*read_must_write)(const void *ctx);
	/* Closes the descriptors. */
	void (*free)(void *ctx);
};

struct wire_io {
	const struct wire_io_ops *ops;
	void *ctx;
	int rfd, wfd; /* to wait for; may be the same one */
};

/* Makes both descriptors, which may be the same one, non-blocking. */
struct wire_io wire_io_of(int rfd, int wfd);

#endif
