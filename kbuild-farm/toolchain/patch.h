/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/patch.h - one more directory where a program looks for libraries.
 *
 * By the program patchelf, on a new file that then takes the name of the old
 * one: other names of the old file keep what they had.  Permissions and
 * times stay.
 */
#ifndef TOOLCHAIN_PATCH_H
#define TOOLCHAIN_PATCH_H

#include "base/digest.h"

struct toolchain_patch {
	bool done; /* false: it looked there already, nothing was changed */
	struct digest before, after;
};

/*
 * Add `element` ("$ORIGIN/../hostlib") behind what DT_RUNPATH of `file`
 * names, a program or a library; to DT_RPATH where it has that alone, which
 * is then still searched for the libraries of its libraries.
 *
 * Returns 0; -ENOPKG when there is no patchelf; -ENOEXEC when patchelf cannot
 * change it, or what it made is not the same but for the path: then the file
 * is as it was.  `err` names the file.
 */
int toolchain_patch_runpath(const char *file, const char *element,
			    struct toolchain_patch *out, struct err *err);

#endif
