/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/rmtree.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Empties a directory; what is not empty in it goes to `later`. */
static void empty(int stage, const char *name, unsigned long *serial,
		  struct strv *later)
{
	int fd = openat(stage, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		char fresh[32];

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!unlinkat(fd, e->d_name, 0) ||
		    !unlinkat(fd, e->d_name, AT_REMOVEDIR))
			continue;
		snprintf(fresh, sizeof(fresh), "%lu", (*serial)++);
		if (!renameat(fd, e->d_name, stage, fresh))
			strv_add(later, fresh);
	}
	closedir(d);
}

void cell_rmtree(int stage, const char *name, unsigned long *serial)
{
	struct strv later = { 0 };

	if (!unlinkat(stage, name, 0) || errno == ENOENT)
		return;
	strv_add(&later, name);
	for (size_t i = 0; i < later.n; i++) {
		empty(stage, later.v[i], serial, &later);
		unlinkat(stage, later.v[i], AT_REMOVEDIR);
	}
	strv_release(&later);
}
