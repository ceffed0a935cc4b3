/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/object.h - the names that nm(1) prints of an object.
 *
 * Only what is certain, whatever nm it is: GNU's or LLVM's.
 */
#ifndef SHELL_OBJECT_H
#define SHELL_OBJECT_H

#include <stdbool.h>

enum shell_answer {
	SHELL_NO,
	SHELL_YES,
	SHELL_UNKNOWN, /* the programs are to be run */
};

/*
 * Has one of the names `text` in it, at its begin with `begins`?  Sections and
 * source files are no names, as they are none to nm.
 */
enum shell_answer shell_object_names(const char *file, const char *text,
				     bool begins);
/*
 * Is each name that is exported, X where there is a __ksymtab_X, one of a
 * symbol that is global?  Never SHELL_NO: who says so are the programs.
 */
enum shell_answer shell_object_exports_global(const char *file);

#endif
