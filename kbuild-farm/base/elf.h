/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/elf.h - ELF files: their headers, and what a loader reads of them.
 *
 * Both word sizes and both byte orders are read.  A file is foreign bytes:
 * no number in it is believed without a look at what the file holds.
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#include <elf.h>

/* A table of headers, as the ELF header tells of it. */
struct elf_table {
	uint64_t at; /* in the file */
	unsigned size; /* of an entry */
	unsigned n;
};

/* An open file and its ELF header. */
struct elf_file {
	int fd; /* -1: in memory */
	struct bytes content;
	uint8_t ident[EI_NIDENT];
	bool wide; /* 64 bits */
	bool big; /* the most significant byte first */
	uint16_t type; /* ET_REL ... */
	uint16_t machine; /* EM_X86_64 ... */
	struct elf_table segments, sections;
	unsigned names; /* the section with the sections' names; 0: none */
};

/* Room for an entry of either table. */
#define ELF_ENTRY sizeof(Elf64_Shdr)

/*
 * Read the header; the descriptor or the bytes stay the caller's, and are
 * read by the functions below.  False: it is no ELF file.
 */
bool elf_open(struct elf_file *f, int fd);
bool elf_open_bytes(struct elf_file *f, struct bytes content);

/* Entry `i` of a table, cut at ELF_ENTRY; false: the file does not have it. */
bool elf_entry(const struct elf_file *f, const struct elf_table *t, unsigned i,
	       uint8_t out[static ELF_ENTRY]);

/* A number of `n` bytes in the file's byte order. */
uint64_t elf_number(const struct elf_file *f, const uint8_t *p, size_t n);

/* A field of a structure of <elf.h>, "Shdr" for Elf32_Shdr and Elf64_Shdr. */
#define ELF_FIELD(f, p, type, field)                                      \
	((f)->wide ? elf_number((f), (p) + offsetof(Elf64_##type, field), \
				sizeof(((Elf64_##type *)0)->field)) :     \
		     elf_number((f), (p) + offsetof(Elf32_##type, field), \
				sizeof(((Elf32_##type *)0)->field)))

/* What a loader reads of a program or a library. */
struct elf_program {
	struct elf_file head; /* read no further: its file is closed */
	bool no_default; /* DF_1_NODEFLIB: not from the default directories */
	char *loader; /* PT_INTERP, NULL: a library or a static program */
	char *soname; /* or NULL */
	char *rpath; /* DT_RPATH, or NULL */
	char *runpath; /* DT_RUNPATH, or NULL; then DT_RPATH does not count */
	struct strv needed; /* DT_NEEDED in their order */
};

/* Does the file start as an ELF file does? */
bool elf_is(const char *path);

/*
 * Returns 0, -ENOEXEC for a file that is no ELF file or a broken one, or what
 * opening it gave, with `err` naming the file and `out` empty.
 */
int elf_program_read(struct elf_program *out, const char *path,
		     struct err *err);
void elf_program_release(struct elf_program *e);

/* Can the one load the other: the same machine, word size and byte order? */
bool elf_program_alike(const struct elf_program *a,
		       const struct elf_program *b);

#endif
