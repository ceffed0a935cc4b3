/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/stamps.h - what something is made of, as a digest of files' stamps
 * (base/stamp.h) and of texts: equal ones mean that nothing changed.
 */
#ifndef KERNEL_STAMPS_H
#define KERNEL_STAMPS_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/stamp.h"
#include "base/str.h"

/* Begins zeroed; order counts. */
struct kernel_stamps {
	struct buf text;
	struct stamp newest; /* of the file that changed last */
};

void kernel_stamps_text(struct kernel_stamps *s, const char *text);
/* A file or what a link leads to, or that there is none. */
void kernel_stamps_file(struct kernel_stamps *s, const char *path);
/*
 * All files below a directory whose names end in one of `suffixes` ("" for
 * all), a list with NULL behind; or that there is no directory.
 */
void kernel_stamps_tree(struct kernel_stamps *s, const char *dir,
			const char *const *suffixes);
/*
 * The digest of it; and release it.  False where a file changed so shortly
 * before `now`, when the first was looked at, that a change after it might not
 * show.
 */
bool kernel_stamps_end(struct kernel_stamps *s, int64_t now,
		       struct digest *out);

#endif
