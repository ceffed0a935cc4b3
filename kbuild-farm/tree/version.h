/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/version.h - Version of a kernel from its top Makefile.
 */
#ifndef TREE_VERSION_H
#define TREE_VERSION_H

/*
 * Return the kernel version, such as "6.1.192", that VERSION, PATCHLEVEL,
 * SUBLEVEL and EXTRAVERSION define in the text of a Makefile.  Returns NULL if
 * the text has no version.  The caller frees the result.
 */
char *tree_version_read(const char *makefile);
/*
 * Return the tag of a kernel version: "v6.12.1" for 6.12.1, but "v6.12-rc1" for
 * 6.12.0-rc1, as in the kernel's scripts/setlocalversion.  The caller frees the
 * result.
 */
char *tree_version_tag(const char *version);

#endif
