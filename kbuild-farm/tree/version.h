/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/version.h - Version of a kernel from its top Makefile.
 */
#ifndef TREE_VERSION_H
#define TREE_VERSION_H

/*
 * Return "6.1.192" from VERSION, PATCHLEVEL, SUBLEVEL and EXTRAVERSION in the
 * text of a Makefile, or NULL if it has no version.  The caller frees the
 * result.
 */
char *tree_version_read(const char *makefile);

#endif
