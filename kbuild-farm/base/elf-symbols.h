/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/elf-symbols.h - the symbols of an ELF file, as nm(1) lists them.
 */
#ifndef BASE_ELF_SYMBOLS_H
#define BASE_ELF_SYMBOLS_H

#include "base/err.h"

#include <stdint.h>

struct elf_symbol {
	const char *name; /* ends with the file that is read */
	uint64_t size; /* bytes, as the symbol table says */
	/* nm's letter (bfd_decode_symclass() of binutils 2.40): 't', 'D' ... */
	char type;
};

typedef void elf_symbol_each(void *ctx, const struct elf_symbol *s);

/*
 * Call `each` for the symbols of the file that have a size, but for those that
 * are not defined in it.  Returns 0; -ENOEXEC for a file that is no ELF file
 * or a broken one; -ENODATA for one that is stripped; or what opening it gave,
 * with `err` naming the file.  What was found before an error was told.
 */
int elf_symbols_read(const char *path, elf_symbol_each *each, void *ctx,
		     struct err *err);

#endif
