/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "base/bytes.h"
#include "compiler/elf.h"
#include "compiler/library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory that always holds the input and nothing else. */
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

	compiler_loader_dirs(&dirs, bytes_of(data, size));
	for (size_t i = 0; i < dirs.n; i++) {
		if (dirs.v[i][0] != '/')
			abort();
	}
	strv_release(&dirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct compiler_elf elf;
	int ret = compiler_elf_read_fd(&elf, file_of(data, size));

	if (ret && (ret != -ENOEXEC || elf.loader || elf.needed.n))
		abort();
	if (elf.loader && elf.loader[0] != '/')
		abort();
	for (size_t i = 0; i < elf.needed.n; i++) {
		if (strlen(elf.needed.v[i]) >= size)
			abort();
	}
	compiler_elf_release(&elf);
	check_dirs(data, size);
	return 0;
}
