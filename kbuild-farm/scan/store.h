/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/store.h - every file read once, for all units and threads.
 *
 * A file is known by what stat says of it.  That alone does not tell two
 * contents apart when both came within one tick of the clock; so a file whose
 * ctime is not clearly past when it is read ("not settled") is read again
 * the next time.
 */
#ifndef SCAN_STORE_H
#define SCAN_STORE_H

#include "base/stamp.h"
#include "scan/lex.h"

struct scan_store;

struct scan_store *scan_store_new(struct scan_names *names);
void scan_store_free(struct scan_store *s);

/*
 * The directives of the file at `path`, as it is now; `full`: and its text, if
 * it has to be read anyway.  `id` is what stat
 * said of it after `since`, or zeroed; it need not be opened then when it is
 * known.  Returns 0 with *out, to be given back with scan_text_put(), and
 * what it is known by in *id; a negative errno: -ENOENT, -EISDIR, -EFBIG,
 * -EAGAIN (it does not stop changing) ...
 */
int scan_store_get(struct scan_store *s, const char *path, unsigned mode,
		   bool full, int64_t since, struct scan_text **out,
		   struct stamp *id);
/*
 * See that `t`, read of the file at `path` when it was `id`, has its text.
 * -EAGAIN: the file has changed.
 */
int scan_store_full(struct scan_text *t, const char *path,
		    const struct stamp *id);
void scan_text_put(struct scan_text *t);

struct scan_store_stats {
	uint64_t lexed, reused;
	size_t memory; /* beside what is charged to the names */
};

void scan_store_stats(struct scan_store *s, struct scan_store_stats *out);

#endif
