/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/store-put.h - a blob that is in memory, put into a store at once.
 */
#ifndef LIB_STORE_PUT_H
#define LIB_STORE_PUT_H

#include "store/store.h"

/* What store_in_begin() returns where it takes nothing, or store_in_end(). */
static inline int store_put(struct store *s, const struct digest *d,
			    struct bytes content, bool pin)
{
	struct store_in *in = NULL;
	int ret = store_in_begin(&in, s, d, content.len, pin);

	if (!in)
		return ret;
	store_in_add(in, content);
	return store_in_end(in);
}

#endif
