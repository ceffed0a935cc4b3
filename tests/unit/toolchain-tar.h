/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/toolchain-tar.h - Tar archives, including those that tar never
 * writes.
 */
#ifndef TESTS_TOOLCHAIN_TAR_H
#define TESTS_TOOLCHAIN_TAR_H

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define TAR_BLOCK 512
#define TAR_TIME  1660899600 /* of all entries */

/* The fields of a header; a zeroed entry is a file without content. */
struct tar_entry {
	const char *name, *link, *content;
	char type; /* type flag of the header; 0: '0' */
	unsigned mode; /* 0: 0644 */
	unsigned long long size; /* 0: length of the content */
};

static inline void tar_header(uint8_t out[static TAR_BLOCK],
			      const struct tar_entry *e)
{
	unsigned long long size = e->size;
	unsigned sum = 0;

	if (!size && e->content)
		size = strlen(e->content);
	memset(out, 0, TAR_BLOCK);
	memcpy(out, e->name, strnlen(e->name, 100));
	snprintf((char *)out + 100, 8, "%07o",
		 (e->mode ? e->mode : 0644) & 07777);
	snprintf((char *)out + 108, 8, "%07o", 1234u);
	snprintf((char *)out + 116, 8, "%07o", 1234u);
	snprintf((char *)out + 124, 12, "%011llo", size);
	snprintf((char *)out + 136, 12, "%011o", (unsigned)TAR_TIME);
	memset(out + 148, ' ', 8);
	out[156] = (uint8_t)(e->type ? e->type : '0');
	if (e->link)
		memcpy(out + 157, e->link, strnlen(e->link, 100));
	memcpy(out + 257, "ustar\00000", 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += out[i];
	snprintf((char *)out + 148, 8, "%06o", sum);
}

static inline void tar_add(struct buf *tar, const struct tar_entry *e)
{
	static const uint8_t zeros[TAR_BLOCK];
	uint8_t header[TAR_BLOCK];
	size_t len = e->content ? strlen(e->content) : 0;

	tar_header(header, e);
	buf_add(tar, header, TAR_BLOCK);
	if (!len)
		return;
	buf_add(tar, e->content, len);
	if (len % TAR_BLOCK)
		buf_add(tar, zeros, TAR_BLOCK - len % TAR_BLOCK);
}

static inline void tar_end(struct buf *tar)
{
	static const uint8_t zeros[2 * TAR_BLOCK];

	buf_add(tar, zeros, sizeof(zeros));
}

#endif
