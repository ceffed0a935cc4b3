/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/nfs-flock.h - A flock(2) with the restriction of NFSv4.
 */
#ifndef LIB_NFS_FLOCK_H
#define LIB_NFS_FLOCK_H

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Replace flock() in the test program: an exclusive lock of a regular file
 * fails with EBADF unless the file is open for writing.
 */
/* The header of the C library has parameter names of its own. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int flock(int fd, int operation)
{
	struct stat st;

	if ((operation & LOCK_EX) && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, operation);
}

#endif
