/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/elf.h - Bounds-checked ELF reader: headers, loader data, symbols.
 *
 * Both word sizes and both byte orders are supported.  Files are untrusted:
 * each number is checked against the size of the file.
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#include <elf.h>
#include <stdint.h>

/* A table of headers or of dynamic entries in the file. */
struct elf_table {
	uint64_t offset; /* offset in the file */
	unsigned entry_bytes; /* bytes per entry */
	unsigned n_entries;
};

/* An open file and its ELF header. */
struct elf_file {
	int fd; /* -1 if the content is in memory */
	struct bytes content;
	uint8_t ident[EI_NIDENT];
	bool is_64bit; /* ELFCLASS64 */
	bool big_endian; /* most significant byte first */
	uint16_t type; /* ET_REL ... */
	uint16_t machine; /* EM_X86_64 ... */
	struct elf_table segments, sections;
	/* index of the section with the section names; 0 if none */
	unsigned names_section;
};

/* Buffer size for a section header, a program header or a dynamic entry. */
#define ELF_ENTRY_MAX sizeof(Elf64_Shdr)

/*
 * Read the ELF header.  `f` borrows the descriptor or the bytes, which the
 * functions below read.  Returns false if the file is not an ELF file.
 */
bool elf_open(struct elf_file *f, int fd);
bool elf_open_bytes(struct elf_file *f, struct bytes content);

/*
 * Read entry `i` of a table.  A longer entry is truncated to ELF_ENTRY_MAX
 * bytes, and a shorter entry is padded with zeros.  Returns false if the entry
 * lies outside the file or the table.
 */
bool elf_read_entry(const struct elf_file *f, const struct elf_table *t,
		    unsigned i, uint8_t out[static ELF_ENTRY_MAX]);

/* Decode an unsigned number of `n` bytes in the file's byte order. */
uint64_t elf_decode_number(const struct elf_file *f, const uint8_t *p,
			   size_t n);

/*
 * Decode a field of a struct of <elf.h>.  For example, the `type` Shdr means
 * Elf32_Shdr or Elf64_Shdr, depending on the file.
 */
#define ELF_FIELD(f, p, type, field)                                         \
	((f)->is_64bit ?                                                     \
		 elf_decode_number((f), (p) + offsetof(Elf64_##type, field), \
				   sizeof(((Elf64_##type *)0)->field)) :     \
		 elf_decode_number((f), (p) + offsetof(Elf32_##type, field), \
				   sizeof(((Elf32_##type *)0)->field)))

/*
 * Find the content of the section with the header `sh` in a file of
 * elf_open_bytes().  *out borrows from the bytes of the file.  Returns false if
 * the section lies outside the file.
 */
bool elf_section_content(const struct elf_file *f, const uint8_t *sh,
			 struct bytes *out);

/* The parts of a program or library that determine how it is loaded. */
struct elf_program {
	struct elf_file file; /* the header only; its descriptor is closed */
	/* DF_1_NODEFLIB: do not search the default directories */
	bool no_default_dirs;
	/* PT_INTERP; NULL for a library or a static program */
	char *interpreter;
	char *soname; /* DT_SONAME, or NULL */
	char *rpath; /* DT_RPATH, or NULL */
	char *runpath; /* DT_RUNPATH, or NULL; overrides DT_RPATH */
	struct strv needed; /* DT_NEEDED in the file's order */
};

/* Return true if the file starts with the ELF magic. */
bool elf_has_magic(const char *path);

/*
 * Read a program or library.  Returns 0; -ENOEXEC if the file is not a valid
 * ELF file; or the error of opening or reading it.  After an error, `err` names
 * the file and `out` is empty.  The caller calls elf_program_release().
 */
int elf_program_read(struct elf_program *out, const char *path,
		     struct err *err);
void elf_program_release(struct elf_program *e);

/*
 * Return true if the files have the same machine, word size and byte order.
 * Only then can one of the files load the other.
 */
bool elf_program_is_compatible(const struct elf_program *a,
			       const struct elf_program *b);

struct elf_symbol {
	/* borrowed from the file; valid during the callback */
	const char *name;
	uint64_t size; /* bytes, from the symbol table */
	/*
	 * letter that nm(1) prints, such as 't' or 'D'; see
	 * bfd_decode_symclass() of binutils 2.40
	 */
	char type;
};

typedef void elf_on_symbol(void *ctx, const struct elf_symbol *s);

/*
 * Call `on_symbol` for each defined symbol with a non-zero size.  Returns 0;
 * -ENOEXEC if the file is not a valid ELF file; -ENODATA if it is stripped; or
 * the error of opening it, with `err` naming the file.  Symbols found before an
 * error have already been reported.
 */
int elf_symbols_read(const char *path, elf_on_symbol *on_symbol, void *ctx,
		     struct err *err);

#endif
