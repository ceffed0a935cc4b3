/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/elfsize.h - how big a linked kernel is.
 */
#ifndef KERNEL_ELFSIZE_H
#define KERNEL_ELFSIZE_H

#include <stdint.h>

/* In bytes, as size(1) counts them in its Berkeley format. */
struct kernel_elfsize {
	uint64_t text; /* code and what is read-only */
	uint64_t data;
	uint64_t bss;
	uint64_t file;
};

/* 0; -ENOEXEC for a file that is no (or a broken) ELF file; -errno. */
int kernel_elfsize_read(struct kernel_elfsize *out, const char *path);

#endif
