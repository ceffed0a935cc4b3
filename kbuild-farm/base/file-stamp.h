/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/file-stamp.h - File stamps, which detect changes without reading.
 *
 * A stamp cannot distinguish two contents that were written within one tick of
 * the clock that stamps files.  Do not cache the content of a file whose stamp
 * is younger than a tick when the file is read ("racily clean").  If another
 * machine stamps the files (NFS), its clock must agree with the local clock.
 *
 * A stamp more than an hour in the future (`in_future`) was made before the
 * clock was set back.  Such a stamp is reliable: a change made now gets an
 * earlier ctime.  When the clock reaches the old ctime again, a change can get
 * the same ctime, but `in_future` of the new stamp is false, so the stamps
 * still differ.
 */
#ifndef BASE_FILE_STAMP_H
#define BASE_FILE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* A change of the mode changes ctime_ns, so the mode is not included. */
struct file_stamp {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	/* ctime was over an hour ahead of the clock when the stamp was taken */
	bool in_future;
};

void file_stamp_from_stat(struct file_stamp *out, const struct stat *st);
bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);
/* Return a hash for tables of files. */
uint64_t file_stamp_hash(const struct file_stamp *stamp);
/* Return all fields as a text, which the caller frees. */
char *file_stamp_format(const struct file_stamp *stamp);
/* Parse a text of file_stamp_format().  Returns false for any other text. */
bool file_stamp_parse(struct file_stamp *out, const char *text);
/* Return the current time, in nanoseconds, of the clock that stamps files. */
int64_t file_stamp_now_ns(void);
/*
 * Return true if any change of the file at `now_ns` or later alters the stamp.
 */
bool file_stamp_is_reliable(const struct file_stamp *stamp, int64_t now_ns);

/*
 * Sleep until the stamp is reliable (file_stamp_is_reliable()), at most
 * FILE_STAMP_WAIT_MS.  For a file that was just written, the wait takes 20 ms
 * and a tick of the clock.  A longer wait is necessary if the file system
 * records whole seconds, or if its clock is ahead of the local clock.  If the
 * wait would exceed FILE_STAMP_WAIT_MS, the function does not sleep.  Returns
 * true if the stamp is reliable.  `stamp` was taken before the wait, so the
 * caller must check the file again.
 */
bool file_stamp_wait(const struct file_stamp *stamp);
#define FILE_STAMP_WAIT_MS 200

#endif
