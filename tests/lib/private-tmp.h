/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/private-tmp.h - Empty /run and /tmp for one test.
 */
#ifndef LIB_PRIVATE_TMP_H
#define LIB_PRIVATE_TMP_H

#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>

/*
 * Mount an empty file system on /run and /tmp in a private namespace of this
 * process.  Returns false with errno set if the process may not.
 */
static inline bool private_tmp_mount(void)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("none", "/run", "tmpfs", 0, "mode=0755") &&
	       !mount("none", "/tmp", "tmpfs", 0, "mode=1777");
}

/* Uncover the previous /tmp, which can contain the directory of the test. */
static inline void private_tmp_unmount(void)
{
	umount2("/tmp", MNT_DETACH);
}

#endif
