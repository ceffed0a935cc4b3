/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/deb.h - the shared libraries of a Debian package.
 *
 * A package (deb(5)) is an ar archive with debian-binary, control.tar.* and
 * data.tar.*.  Of the last, the files whose name looks like a shared
 * library's are taken, whatever their directory, and links between them.
 * Nothing of the package is run, nothing is installed.
 */
#ifndef TOOLCHAIN_DEB_H
#define TOOLCHAIN_DEB_H

#include "base/err.h"

/* More, unpacked, is no package of a library. */
#define TOOLCHAIN_DEB_FILES 256
#define TOOLCHAIN_DEB_BYTES (512u << 20)

/*
 * Write the libraries of the package `file` into `dir`, which exists: flat,
 * files with mode 0644, links with the last component of their target.  The
 * first of a name counts.
 *
 * Returns how many entries were written (0: it holds no library), -EINVAL
 * for what is no package or a broken one, -E2BIG beyond the limits above, or
 * what reading and writing gave; `err` names the package.
 */
int toolchain_deb_libraries(const char *file, const char *dir, struct err *err);

#endif
