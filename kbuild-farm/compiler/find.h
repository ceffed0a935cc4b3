/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/find.h - the compilers on a PATH.
 */
#ifndef COMPILER_FIND_H
#define COMPILER_FIND_H

#include <stdbool.h>
#include <stddef.h>

struct compiler_found {
	char *name; /* "aarch64-linux-gnu-gcc-12" */
	char *path; /* "/usr/bin/aarch64-linux-gnu-gcc-12" */
	bool is_elf; /* else a script, which is never linked */
};

struct compiler_list {
	struct compiler_found *v;
	size_t n;
};

/* Is `name` one that a C or C++ compiler's driver has: *gcc, *g++, *clang,
 * *clang++, each also with -VERSION, or cc or c++? */
bool compiler_find_is_name(const char *name);
/* The length of `name` without -VERSION: "gcc" and "gcc-12" have one stem. */
size_t compiler_find_stem(const char *name);
/*
 * Every such program in the directories of `path`, the first of each name,
 * sorted by name; names that lead to ccache and the like are passed over.
 */
void compiler_find(struct compiler_list *out, const char *path);
void compiler_list_release(struct compiler_list *l);

#endif
