/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/find.h - Search for compilers on a PATH.
 */
#ifndef COMPILER_FIND_H
#define COMPILER_FIND_H

#include <stdbool.h>
#include <stddef.h>

struct compiler_program {
	char *name; /* "aarch64-linux-gnu-gcc-12" */
	char *path; /* "/usr/bin/aarch64-linux-gnu-gcc-12" */
	bool is_elf; /* false: a script, which gets no masquerade link */
};

struct compiler_list {
	struct compiler_program *v;
	size_t n;
};

/*
 * Return true if `name` is the name of a C or C++ driver: cc, c++, or a name
 * that ends with gcc, g++, clang or clang++, optionally followed by -VERSION.
 */
bool compiler_find_is_driver_name(const char *name);

/*
 * Return the length of `name` without -VERSION: "gcc" and "gcc-12" have the
 * same stem.
 */
size_t compiler_find_stem_len(const char *name);

/*
 * List the drivers in the directories of `path`, sorted by name.  Of several
 * drivers with the same name, only the first on `path` is listed.  Links to
 * ccache and other wrappers are ignored.
 */
void compiler_find_all(struct compiler_list *out, const char *path);
void compiler_list_release(struct compiler_list *l);

#endif
