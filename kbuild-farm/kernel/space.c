/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/space.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

int kernel_space_check(const char *dir, uint64_t least, struct err *err)
{
	struct statvfs v;
	uint64_t blocks;

	if (statvfs(dir, &v))
		return err_errno(err, "%s", dir);
	/* Some file systems do not tell. */
	if (!v.f_blocks)
		return 0;
	/* What is reserved is reserved for root. */
	blocks = geteuid() ? v.f_bavail : v.f_bfree;
	if (blocks * v.f_frsize >= least)
		return 0;
	return err_set(err, ENOSPC,
		       "%s: No space left on device; make room there, then the "
		       "same command goes on where it was",
		       dir);
}

uint64_t kernel_space_free(const char *dir)
{
	struct statvfs v;

	return statvfs(dir, &v) ? 0 : (uint64_t)v.f_bavail * v.f_frsize;
}
