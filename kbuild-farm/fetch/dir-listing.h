/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/dir-listing.h - Entries of a web server's directory listing.
 *
 * The parser supports the HTML of nginx's autoindex (used by kernel.org) and of
 * Apache's mod_autoindex.
 */
#ifndef FETCH_DIR_LISTING_H
#define FETCH_DIR_LISTING_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#define FETCH_DIR_LISTING_BYTES_MAX (32u << 20) /* size of the HTML */
#define FETCH_DIR_LISTING_NAMES_MAX 1000000

/*
 * Collect the names that the links (<a href="...">) of `html` lead to, sorted
 * and without duplicates, in `names`, which must be empty.  The caller releases
 * `names`.
 *
 * Only entries of the directory itself are collected: relative references of
 * one component, with an optional final '/', which is removed.  References with
 * a scheme, more components, a query or a fragment are ignored.  A name is also
 * ignored if, after decoding (of %XX, &amp; and others), it is "." or "..", is
 * longer than 255 bytes, or contains '/', '\\' or anything except printable
 * ASCII.  Each collected name is therefore safe to print and safe as a file
 * name.
 *
 * Returns 0, even if `html` has no link; or -EFBIG, with `err` set and `names`
 * empty, if there are more than FETCH_DIR_LISTING_BYTES_MAX bytes or
 * FETCH_DIR_LISTING_NAMES_MAX names.
 */
int fetch_dir_listing_parse(struct bytes html, struct strv *names,
			    struct err *err);

#endif
