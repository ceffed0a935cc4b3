/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/identity.h - Identification of the programs that the shell replaces.
 *
 * The shell does the work of GNU utilities and nm itself, but only if the
 * program that it would start is the known one, and not a script or another
 * program that a user has installed under the same name.  A text in the program
 * identifies it.  The first shell of a build that needs a program searches it
 * for the text; later shells only compare the file stamp.
 */
#ifndef SHELL_IDENTITY_H
#define SHELL_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Return true if the program `path`, whose attributes are `st`, is an ELF file
 * that contains one of the texts in the NULL-terminated list `texts`, or any
 * ELF file if the list is empty.
 */
bool shell_identity_check(const char *path, const struct stat *st,
			  const char *const *texts);

#endif
