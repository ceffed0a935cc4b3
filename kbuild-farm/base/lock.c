/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/lock.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *lock_holders(int fd)
{
	FILE *locks = fopen("/proc/locks", "re");
	struct strv who = { 0 };
	char *line = NULL, *out;
	unsigned int major, minor;
	unsigned long inode;
	size_t room = 0;
	struct stat st;
	long pid;

	if (fstat(fd, &st))
		st = (struct stat){ 0 };
	while (locks && getline(&line, &room, locks) > 0) {
		struct buf name = { 0 };
		struct err ignored;
		char *file;

		if (sscanf(line, "%*s FLOCK %*s %*s %ld %x:%x:%lu", &pid,
			   &major, &minor, &inode) != 4 ||
		    inode != st.st_ino || pid <= 0 || pid == getpid())
			continue;
		file = xasprintf("/proc/%ld/comm", pid);
		if (!fs_read(file, 4096, &name, &ignored) && name.len)
			strv_addf(&who, "%ld (%.*s)", pid,
				  (int)strcspn(buf_str(&name), "\n"),
				  buf_str(&name));
		buf_release(&name);
		free(file);
	}
	if (locks)
		fclose(locks);
	free(line);
	out = who.n ? strv_join(&who, ", ") : xstrdup("another process");
	strv_release(&who);
	return out;
}
