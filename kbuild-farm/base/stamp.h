/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/stamp.h - by what a file's content is known without reading it.
 *
 * A stamp alone does not tell two contents apart when both came within one
 * tick of the clock that stamps files, so what is younger than that when it
 * is read ("not settled") must not be remembered.  Where another machine
 * stamps the files (NFS), its clock must agree with ours.
 *
 * A stamp that lies ahead, by more than any such clock goes wrong, was made
 * before our clock was set back.  What is changed now gets an earlier one, and
 * when the clock comes there it is no longer ahead, which makes it another
 * stamp; so it is settled, too.
 */
#ifndef BASE_STAMP_H
#define BASE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* A mode that changes is a ctime that changes. */
struct stamp {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	bool ahead; /* ctime was, by an hour or more, when it was looked at */
};

void stamp_of(struct stamp *out, const struct stat *st);
bool stamp_equal(const struct stamp *a, const struct stamp *b);
/* For a table of files. */
uint64_t stamp_hash(const struct stamp *stamp);
/* All of it as text, for a record; the caller frees it. */
char *stamp_string(const struct stamp *stamp);
/* Nanoseconds, of the clock that stamps files. */
int64_t stamp_now(void);
/* Would a change at `now` or later show in the stamp? */
bool stamp_settled(const struct stamp *stamp, int64_t now);

/*
 * Sleep until a change of the file would show, STAMP_WAIT_MS at most: what was
 * just written takes 20 ms and a tick of the clock.  False where that is not
 * enough, and at once where it cannot be: in a file system that stamps by the
 * second, or under a clock that is ahead of ours.  The stamp is one from
 * before; who waited looks at the file once more.
 */
bool stamp_wait(const struct stamp *stamp);
#define STAMP_WAIT_MS 200

#endif
