/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: conf */
#include "conf/scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t end; /* end of the previous item */
	size_t size;
	unsigned line;
};

/* Items follow one another and are inside the text. */
static int check_item(void *ctx, const struct conf_item *i)
{
	struct seen *s = ctx;

	if (i->start < s->end || i->end <= i->start || i->end > s->size ||
	    i->line < s->line || !i->section || !*i->section)
		abort();
	if (i->key && !*i->key)
		abort();
	s->end = i->end;
	s->line = i->line;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { .size = size, .line = 1 };
	struct err err = { 0 };
	unsigned line = 0;

	if (conf_scan(bytes_of(data, size), check_item, &s, &line, &err) &&
	    (!line || !err.text[0]))
		abort();
	return 0;
}
