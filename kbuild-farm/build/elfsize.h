/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/elfsize.h - how big a linked kernel is.
 */
#ifndef BUILD_ELFSIZE_H
#define BUILD_ELFSIZE_H

#include <stdint.h>

/* In bytes, as size(1) counts them in its Berkeley format. */
struct build_elfsize {
	uint64_t text; /* code and what is read-only */
	uint64_t data;
	uint64_t bss;
	uint64_t file;
};

/* 0; -ENOEXEC for a file that is no (or a broken) ELF file; -errno. */
int build_elfsize_read(struct build_elfsize *out, const char *path);

#endif
