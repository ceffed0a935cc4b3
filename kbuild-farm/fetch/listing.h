/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/listing.h - what is in a directory of a web server, from the HTML that
 * nginx's autoindex (kernel.org's) and Apache's mod_autoindex make of it.
 */
#ifndef FETCH_LISTING_H
#define FETCH_LISTING_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#define FETCH_LISTING_MAX  (32u << 20) /* bytes of HTML */
#define FETCH_LISTING_MANY 1000000 /* names */

/*
 * The names that the links (<a href="...">) of `html` lead to, sorted and each
 * once, are added to `names`, which is empty before; the caller releases it.
 *
 * Only an entry of the directory itself counts: a relative reference of one
 * component, with or without a '/' at its end, which is cut off.  Passed over
 * are absolute references and such with a path, query or fragment, and names
 * that, decoded (%XX and &amp; and the like), are "." or "..", contain '/',
 * '\\' or anything but printable ASCII, or are longer than 255 bytes.  So a
 * name is safe to be printed and to be a file's, and nothing else is said of
 * it: callers compare it with what they look for.
 *
 * Returns 0, also when there are no links; -EFBIG with `err` for more than
 * FETCH_LISTING_MAX bytes or FETCH_LISTING_MANY names, with `names` empty.
 */
int fetch_listing_parse(struct bytes html, struct strv *names, struct err *err);

#endif
