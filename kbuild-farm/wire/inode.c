/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/inode.h"

#include "wire/field.h"
#include "wire/limits.h"

#include <string.h>

size_t wire_inode_size(const struct wire_inode *inode)
{
	switch ((enum wire_kind)inode->kind) {
	case WIRE_FILE:
		return WIRE_INODE_MIN + 1 + 8 + 8 + DIGEST_SIZE;
	case WIRE_LINK:
		return WIRE_INODE_MIN + 4 + strlen(inode->target);
	case WIRE_DIR:
	case WIRE_GONE:
		break;
	}
	return WIRE_INODE_MIN;
}

void wire_inode_put(struct buf *out, const struct wire_inode *inode)
{
	buf_put_u8(out, inode->kind);
	if (inode->kind == WIRE_FILE) {
		buf_put_u8(out, inode->executable);
		buf_put_u64(out, inode->size);
		buf_put_u64(out, (uint64_t)inode->mtime_ns);
		wire_field_put_digest(out, &inode->digest);
	} else if (inode->kind == WIRE_LINK) {
		buf_put_str(out, inode->target);
	}
}

void wire_inode_get(struct reader *r, struct wire_inode *inode,
		    enum wire_kind last)
{
	inode->kind = wire_field_u8(r, (uint8_t)last);
	if (inode->kind == WIRE_FILE) {
		inode->executable = wire_field_u8(r, 1);
		inode->size = reader_u64(r);
		inode->mtime_ns = (int64_t)reader_u64(r);
		wire_field_digest(r, &inode->digest);
		if (inode->size > WIRE_BLOB_MAX)
			r->bad = true;
	} else if (inode->kind == WIRE_LINK) {
		inode->target = reader_str(r, WIRE_PATH_MAX);
		if (!*inode->target)
			r->bad = true;
	}
}
