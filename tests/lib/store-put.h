/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/store-put.h - Insertion of a blob from memory into a store.
 */
#ifndef LIB_STORE_PUT_H
#define LIB_STORE_PUT_H

#include "store/store.h"

/*
 * Returns the result of store_write_begin() if that accepts no data, or of
 * store_write_commit().
 */
static inline int store_put(struct store *s, const struct digest *d,
			    struct bytes content, bool pin)
{
	struct store_write *in = NULL;
	int ret = store_write_begin(&in, s, d, content.len, pin);

	if (!in)
		return ret;
	store_write_add(in, content);
	return store_write_commit(in);
}

#endif
