/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/heard.h - which results were told already.
 *
 * A result is published with the mark `untold` in its directory, which goes
 * when it was told, or had nothing to tell.  What a kill, a full disk or a
 * mailer that was down kept from being told is so told the next night.
 */
#ifndef NIGHTLY_HEARD_H
#define NIGHTLY_HEARD_H

#include "nightly/store.h"

/* In a directory that is about to be a result: 0 or a negative errno. */
int nightly_heard_mark(const char *dir, struct err *err);
/*
 * What there is to tell of `r`, one of the night, in *out (nothing of it is the
 * caller's to release): itself, or, where nothing changed, the result before if
 * that was not told.  Its `previous` is the newest older one that was.
 */
void nightly_heard_see(struct nightly_result *out,
		       const struct nightly_store *s,
		       const struct nightly_result *r);
/* All results of the build of `r` have been told. */
void nightly_heard_told(const struct nightly_store *s,
			const struct nightly_result *r);

#endif
