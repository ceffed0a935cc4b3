/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "base/bytes.h"
#include "base/elf.h"
#include "base/err.h"
#include "compiler/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A memfd that contains exactly the input. */
static int file_of(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return fd;
}

static void check_dirs(const uint8_t *data, size_t size)
{
	struct strv dirs = { 0 };

	compiler_library_loader_dirs(&dirs, bytes_of(data, size));
	for (size_t i = 0; i < dirs.n; i++) {
		if (dirs.v[i][0] != '/')
			abort();
	}
	strv_release(&dirs);
}

/* Parsing from memory and from a file gives the same result. */
static void check_sections(const uint8_t *data, size_t size)
{
	uint8_t a[ELF_ENTRY_MAX], b[ELF_ENTRY_MAX];
	struct elf_file file, memory;
	bool is = elf_open(&file, file_of(data, size));

	if (is != elf_open_bytes(&memory, bytes_of(data, size)))
		abort();
	for (unsigned i = 0; is && i < file.sections.n_entries; i++) {
		if (elf_read_entry(&file, &file.sections, i, a) !=
		    elf_read_entry(&memory, &memory.sections, i, b))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_program elf;
	struct err err;
	char path[32];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_of(data, size));
	ret = elf_program_read(&elf, path, &err);

	if (ret && (ret != -ENOEXEC || elf.interpreter || elf.needed.n))
		abort();
	if (elf.interpreter && elf.interpreter[0] != '/')
		abort();
	for (size_t i = 0; i < elf.needed.n; i++) {
		if (strlen(elf.needed.v[i]) >= size)
			abort();
	}
	elf_program_release(&elf);
	check_sections(data, size);
	check_dirs(data, size);
	return 0;
}
