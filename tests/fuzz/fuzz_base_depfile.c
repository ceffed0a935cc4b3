/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/*
 * A dependency list from a hostile node.  If the list is valid, it can be
 * filtered, and its source can be removed.  The result is a valid list of the
 * remaining entries in the same order.
 */
#include "base/depfile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* An arbitrary selection: names with an odd sum of bytes. */
static bool is_odd(void *ctx, const char *name)
{
	unsigned sum = 0;

	(void)ctx;
	while (*name)
		sum += (unsigned char)*name++;
	return sum & 1;
}

static bool none(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return false;
}

static void check_cut(const struct strv *all, struct bytes cut)
{
	struct strv left = { 0 };
	size_t at = 0;

	must(!depfile_parse(&left, cut));
	for (size_t i = 0; i < all->n; i++) {
		if (i && is_odd(NULL, all->v[i]))
			continue;
		must(at < left.n && !strcmp(left.v[at], all->v[i]));
		at++;
	}
	must(at == left.n);
	strv_release(&left);
}

/* All entries except the first remain. */
static void check_drop(const struct strv *all, struct bytes in)
{
	struct strv left = { 0 };
	struct buf out = { 0 };

	if (!depfile_remove_source(&out, in)) {
		must(!depfile_parse(&left, buf_bytes(&out)));
		must(left.n && left.n + 1 == all->n);
		for (size_t i = 0; i < left.n; i++)
			must(!strcmp(left.v[i], all->v[i + 1]));
	} else {
		must(!out.len);
	}
	buf_release(&out);
	strv_release(&left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct strv all = { 0 };
	struct buf out = { 0 };

	if (depfile_parse(&all, in)) {
		must(!all.n && depfile_filter(&out, in, none, NULL) &&
		     !out.len);
		return 0;
	}
	must(!depfile_filter(&out, in, none, NULL));
	must(bytes_equal(in, buf_bytes(&out)));
	buf_reset(&out);
	must(!depfile_filter(&out, in, is_odd, NULL));
	if (all.n)
		check_cut(&all, buf_bytes(&out));
	check_drop(&all, in);
	buf_release(&out);
	strv_release(&all);
	return 0;
}
