/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/catalog-ask.h - the servers' listings, several at once.
 */
#ifndef TOOLCHAIN_CATALOG_ASK_H
#define TOOLCHAIN_CATALOG_ASK_H

#include "toolchain/catalog.h"

/* A listing of more bytes than this is none. */
#define TOOLCHAIN_LISTING_MAX (32u << 20)
/* More versions for one host are not asked for: the newest count. */
#define TOOLCHAIN_VERSIONS_MAX 256

/*
 * Add all archives that the servers list to `c`, unsorted.  A directory that
 * all mirrors lack is empty; one that fails otherwise is in c->failed, and in
 * c->warnings with the reason.
 *
 * Returns 0; -ECANCELED when it was cancelled; when no archive was found at
 * all a negative errno with `err` naming the first failure.
 */
int toolchain_catalog_ask(struct toolchain_catalog *c,
			  const struct toolchain_catalog_setup *setup,
			  struct err *err);

#endif
