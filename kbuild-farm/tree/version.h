/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/version.h - the version of a kernel, or of another project that names
 * it the same way, by its top Makefile.
 */
#ifndef TREE_VERSION_H
#define TREE_VERSION_H

/*
 * "6.1.192" of a Makefile's text, VERSION, PATCHLEVEL, SUBLEVEL and
 * EXTRAVERSION; NULL: it has none.  The caller frees it.
 */
char *tree_version_read(const char *makefile);

#endif
