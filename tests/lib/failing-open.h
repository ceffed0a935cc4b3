/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/failing-open.h - An open(2) that fails when the test requests it. */
#ifndef LIB_FAILING_OPEN_H
#define LIB_FAILING_OPEN_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Return the errno of open(path, flags), or 0.  The test defines it. */
static int open_error(const char *path, int flags);

/* Replace open() in the test program. */
/* The header of the C library has parameter names of its own. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int open(const char *path, int flags, ...)
{
	int error = open_error(path, flags);
	mode_t mode = 0;
	va_list list;

	if (error) {
		errno = error;
		return -1;
	}
	va_start(list, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(list, mode_t);
	va_end(list);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#endif
