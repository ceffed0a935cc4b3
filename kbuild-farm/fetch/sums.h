/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/sums.h - the lists that sha256sum writes.
 *
 * A line is 64 hexadecimal digits, two spaces (or a space and '*'), and a
 * file name up to the end of the line.  Spaces at that end do not count:
 * a clearsigned text does not cover them.  Other lines are skipped.
 */
#ifndef FETCH_SUMS_H
#define FETCH_SUMS_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"

/*
 * The sum of the file `name` (no directory) in a list that is known to be
 * genuine (fetch_gpgv_text() wrote it).  Returns 0; -ENOENT when it is not
 * listed; -EINVAL when it is listed twice, equal or not.  `out` is written
 * only on success.
 */
int fetch_sums_find(struct bytes list, const char *name, struct digest *out,
		    struct err *err);

#endif
