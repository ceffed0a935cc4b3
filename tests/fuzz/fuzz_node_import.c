/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "node/import.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each accepted node has a tls: address and a key, and no command. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node_import l;
	struct err err = { 0 };

	if (node_import_parse(&l, bytes_of(data, size), "x", 1, &err)) {
		if (!err.text[0] || l.n)
			abort();
		return 0;
	}
	if (!l.name || l.serial < 1 || !l.expires)
		abort();
	for (size_t i = 0; i < l.n; i++) {
		const struct node_entry *e = &l.v[i];

		if (e->address.kind != NODE_ADDRESS_TLS ||
		    !digest_is_set(&e->pin) || e->ssh || e->pool)
			abort();
	}
	node_import_release(&l);
	return 0;
}
