/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/checksums.h - Checksum lists in the format of sha256sum.
 *
 * A line has 64 hexadecimal digits, two spaces (or a space and '*'), and a file
 * name up to the end of the line.  Trailing white space is ignored, because the
 * signature of a clearsigned text does not cover it.  Other lines are skipped.
 */
#ifndef FETCH_CHECKSUMS_H
#define FETCH_CHECKSUMS_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"

/*
 * Find the checksum of the file `name` (without a directory) in a list that
 * fetch_gpgv_verify_text() has verified.  Returns 0; -ENOENT if the file is not
 * listed; -EINVAL if it is listed twice, even with the same sum.  `out` is
 * written only on success.
 */
int fetch_checksums_find(struct bytes list, const char *name,
			 struct digest *out, struct err *err);

#endif
