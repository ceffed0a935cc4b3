/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SUM 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Append a checksum of zeros, which git treats as no checksum. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t none[SUM];
	static int fd = -1;
	static char path[64];
	struct tree_index x;
	struct err err = { 0 };

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) ||
	    pwrite(fd, data, size, 0) != (ssize_t)size ||
	    pwrite(fd, none, SUM, (off_t)size) != SUM)
		abort();
	if (tree_index_read(&x, path, &err)) {
		if (!err.text[0])
			abort();
	} else {
		for (size_t i = 1; i < x.n_entries; i++) {
			if (strcmp(x.entries[i - 1].path, x.entries[i].path) >
			    0)
				abort();
		}
	}
	tree_index_release(&x);
	return 0;
}
