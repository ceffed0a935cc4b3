/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/elf.h - the little that has to be known of a program's file.
 */
#ifndef TOOLCHAIN_ELF_H
#define TOOLCHAIN_ELF_H

#include "base/err.h"

#include <stdbool.h>

/* Does the file start as an ELF file does? */
bool toolchain_elf_is(const char *path);

/*
 * The loader that a program asks for (PT_INTERP), in *out, which the caller
 * frees: NULL for a static program.  Both word sizes and byte orders are
 * read.  Returns 0, -ENOEXEC for a file that is no ELF file or a broken one,
 * or what opening and reading it gave, with `err` naming the file.
 */
int toolchain_elf_loader(char **out, const char *path, struct err *err);

#endif
