/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/phrase.h - a result in words, on one line that may be shown, whatever
 * authors and compilers wrote and branches are called.
 */
#ifndef NIGHTLY_PHRASE_H
#define NIGHTLY_PHRASE_H

#include "base/buf.h"
#include "nightly/result.h"

#define NIGHTLY_PHRASE_SHORT 80 /* bytes, in a subject */
#define NIGHTLY_PHRASE_LONG  500 /* on a line of its own */

/*
 * Append `text` without what may not be shown (base/printable), its newlines
 * and tabs as blanks; of _cut(), whole characters of at most `most` bytes, with
 * "..." where that is not all.
 */
void nightly_phrase(struct buf *out, const char *text);
void nightly_phrase_cut(struct buf *out, const char *text, size_t most);
/* "v6.1-12-gabcdef123456", else the first digits of the commit. */
void nightly_phrase_revision(struct buf *out, const struct nightly_result *r);
/* "2026-11-22", in our time zone. */
void nightly_phrase_date(struct buf *out, long long seconds);
/* "arm64/defconfig", and " gcc-13.3.0" if asked for. */
void nightly_phrase_build(struct buf *out, const struct nightly_result *r,
			  bool toolchain);
/* "fixed, 1 warning", "2 errors (new)", ""; the caller frees it. */
char *nightly_phrase_outcome(const struct nightly_result *r);

#endif
