/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/*
 * A Debian package.  Only files and symbolic links with plain names appear in
 * the given directory.
 */
#include "toolchain/hostlib.h"

#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	if (!d)
		abort();
	while ((e = readdir(d))) {
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) ||
		    !strstr(e->d_name, ".so"))
			abort();
		n++;
	}
	closedir(d);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char top[] = "/tmp/fuzz_deb.XXXXXX", path[64], *out;
	int fd = memfd_create("fuzz", MFD_CLOEXEC), n;
	struct err err = { 0 };

	if (fd < 0 || pwrite(fd, data, size, 0) != (ssize_t)size ||
	    !mkdtemp(top))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	out = xasprintf("%s/out", top);
	if (mkdir(out, 0700))
		abort();
	n = toolchain_hostlib_extract_deb(path, out, &err);
	if (n > TOOLCHAIN_DEB_FILES_MAX || (n < 0 && !err.text[0]))
		abort();
	if (count(out) > TOOLCHAIN_DEB_FILES_MAX || (n >= 0 && count(out) != n))
		abort();
	/* The unpacker wrote no file next to the directory. */
	if (fs_remove(out, &err) || rmdir(top))
		abort();
	free(out);
	close(fd);
	return 0;
}
