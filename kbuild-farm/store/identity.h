/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/identity.h - what the files of the build host contain, by one stat.
 *
 * A file is known by its stamp; one that is not settled (base/stamp) is not
 * remembered.
 *
 * A memo may be used by any number of threads, and holds at most as many
 * files as it was made for: those not asked for lately go first.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/stamp.h"

struct store_identity {
	struct stamp stamp;
	struct digest digest;
	bool executable; /* by its owner */
	bool settled; /* another content would have another stamp */
};

struct store_identities;

/* `max`: how many files to remember, some 200 bytes each. */
struct store_identities *store_identities_new(size_t max);
void store_identities_free(struct store_identities *memo);

/*
 * What the file at `path` is now; symbolic links are followed.  It is read
 * when it is not remembered, or when `content` is not NULL: then all of it,
 * which must be at most `content_max` bytes, is appended there.
 *
 * Returns 0; -EAGAIN: it does not stop changing; -EFBIG; -EISDIR; -EINVAL:
 * neither a file nor a directory; -ENOENT, -EACCES ... with `err` naming it.
 * On failure `content` is left as it was.
 */
int store_identity_get(struct store_identities *memo, const char *path,
		       struct store_identity *out, struct buf *content,
		       size_t content_max, struct err *err);
/*
 * The same from memory alone, for who has just called stat(2) itself: false
 * when this stamp is not known.  Touches no file.
 */
bool store_identity_find(struct store_identities *memo,
			 const struct stamp *stamp, struct store_identity *out);

struct store_identity_stats {
	size_t files, memory;
	uint64_t read, read_bytes; /* how often a file had to be read */
	uint64_t reused;
};

void store_identity_stats(struct store_identities *memo,
			  struct store_identity_stats *out);

#endif
