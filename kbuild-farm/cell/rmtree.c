/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/rmtree.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Empties a directory; what is not empty in it goes to `later`. */
static void empty(int stage, const char *name, unsigned long *serial,
		  struct strv *later)
{
	int fd = openat(stage, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct strv names = { 0 };

	if (fd < 0)
		return;
	fs_list_at(fd, ".", &names);
	for (size_t i = 0; i < names.n; i++) {
		char fresh[32];

		if (!unlinkat(fd, names.v[i], 0) ||
		    !unlinkat(fd, names.v[i], AT_REMOVEDIR))
			continue;
		snprintf(fresh, sizeof(fresh), "%lu", (*serial)++);
		if (!renameat(fd, names.v[i], stage, fresh))
			strv_add(later, fresh);
	}
	strv_release(&names);
	close(fd);
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
