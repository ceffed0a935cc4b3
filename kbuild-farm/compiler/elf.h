/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/elf.h - what a loader reads of a program's file or a library's.
 *
 * Both word sizes and both byte orders are read.  A file is foreign bytes:
 * no number in it is believed without a look at what the file holds.
 */
#ifndef COMPILER_ELF_H
#define COMPILER_ELF_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct compiler_elf {
	bool wide; /* 64 bits */
	bool big; /* the most significant byte first */
	bool no_default; /* DF_1_NODEFLIB: not from the default directories */
	uint16_t machine; /* EM_X86_64 ... */
	char *loader; /* PT_INTERP, NULL: a library or a static program */
	char *soname; /* or NULL */
	char *rpath; /* DT_RPATH, or NULL */
	char *runpath; /* DT_RUNPATH, or NULL; then DT_RPATH does not count */
	struct strv needed; /* DT_NEEDED in their order */
};

/* Does the file start as an ELF file does? */
bool compiler_elf_is(const char *path);

/*
 * Read a program or a library.  Returns 0, -ENOEXEC for a file that is no ELF
 * file or a broken one, or what opening it gave, with `err` naming the file
 * and `out` empty.
 */
int compiler_elf_read(struct compiler_elf *out, const char *path,
		      struct err *err);
/* The same of an open file: 0 or -ENOEXEC. */
int compiler_elf_read_fd(struct compiler_elf *out, int fd);
void compiler_elf_release(struct compiler_elf *e);

/* Can the one load the other: the same machine, word size and byte order? */
bool compiler_elf_alike(const struct compiler_elf *a,
			const struct compiler_elf *b);

#endif
