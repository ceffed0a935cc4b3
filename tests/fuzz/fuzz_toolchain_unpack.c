/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/*
 * A hostile archive.  No file appears outside the directory, and the digest
 * computed while unpacking equals that of the unpacked files.
 */
#include "toolchain/unpack.h"

#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAR_BLOCK 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64]; /* in memory if possible */
static char *into;

static void clean_up(void)
{
	struct err ignored;

	fs_remove(dir, &ignored);
	free(into);
}

static void set_up(void)
{
	struct err err;
	char *beside;

	strcpy(dir, "/dev/shm/kfarm-fuzz.XXXXXX");
	if (!mkdtemp(dir)) {
		strcpy(dir, "/tmp/kfarm-fuzz.XXXXXX");
		if (!mkdtemp(dir))
			abort();
	}
	atexit(clean_up);
	into = xasprintf("%s/into", dir);
	beside = xasprintf("%s/beside", dir);
	if (fs_write(beside, bytes_str("mine"), 0644, &err))
		abort();
	free(beside);
}

/* Fix the checksums, so that changed headers are read too. */
static void mend_sums(uint8_t *tar, size_t size)
{
	for (; size >= TAR_BLOCK; tar += TAR_BLOCK, size -= TAR_BLOCK) {
		unsigned sum = 0;

		if (memcmp(tar + 257, "ustar", 5) != 0)
			continue;
		memset(tar + 148, ' ', 8);
		for (int i = 0; i < TAR_BLOCK; i++)
			sum += tar[i];
		snprintf((char *)tar + 148, 8, "%06o", sum);
	}
}

static void check_entries(const struct compiler_entries *entries)
{
	struct compiler_entries read;
	struct digest a, b;
	struct err err;

	for (size_t i = 0; i < entries->n; i++) {
		const struct compiler_entry *e = &entries->v[i];

		if (!toolchain_dir_digest_is_valid_path(e->path) ||
		    (e->kind == COMPILER_ENTRY_SYMLINK &&
		     !toolchain_dir_digest_is_link_inside(e->path, e->target)))
			abort();
		/* The directory digest omits this file. */
		if (!strcmp(e->path, TOOLCHAIN_JSON))
			return;
	}
	if (toolchain_dir_digest_read(&read, into, NULL, &err))
		abort();
	toolchain_dir_digest_compute(entries, &a);
	toolchain_dir_digest_compute(&read, &b);
	if (!digest_equal(&a, &b))
		abort();
	compiler_entries_release(&read);
}

static void check_beside(void)
{
	char *beside = xasprintf("%s/beside", dir);
	DIR *list = opendir(dir);
	struct stat st;
	int n = 0;

	while (list && readdir(list))
		n++;
	/* The entries are ".", "..", "into" and "beside". */
	if (n != 4 || stat(beside, &st) || st.st_nlink != 1 || st.st_size != 4)
		abort();
	closedir(list);
	free(beside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toolchain_unpack_setup setup = { .max_bytes = 1 << 20,
						.max_entries = 100 };
	uint8_t *copy = xmalloc(size + 1);
	struct toolchain_unpacked got = { 0 };
	struct toolchain_unpack *u;
	struct err err;
	int ret;

	if (!into)
		set_up();
	memcpy(copy, data, size);
	mend_sums(copy, size);
	if (fs_remove(into, &err) || fs_mkdirs(into, 0755, &err))
		abort();
	setup.dir_fd = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	u = toolchain_unpack_start(&setup, &err);
	if (!u)
		abort();
	close(setup.dir_fd);
	ret = toolchain_unpack_feed(u, bytes_of(copy, size), &err);
	if (ret)
		toolchain_unpack_free(u);
	else
		ret = toolchain_unpack_finish(u, &got, &err);
	if (!ret)
		check_entries(&got.entries);
	else if (got.entries.n || ret > 0)
		abort();
	check_beside();
	toolchain_unpacked_release(&got);
	free(copy);
	return 0;
}
