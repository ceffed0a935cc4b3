/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/object.h"

#include "agent/argv.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_fd(int fd, struct bytes *out, enum wire_fail_class *class,
		  struct err *err)
{
	struct stat st;
	void *at;

	*class = WIRE_FAIL_NODE;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return err_set(err, ENOENT, "exit status 0, but no object");
	*class = WIRE_FAIL_VOID;
	if (!st.st_size || st.st_size > WIRE_OBJECT_MAX)
		return err_set(err, EFBIG, "an object of %lld bytes",
			       (long long)st.st_size);
	*class = WIRE_FAIL_NODE;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, "map the object");
	*out = bytes_of(at, (size_t)st.st_size);
	return 0;
}

int agent_object_map(const char *dir, struct bytes *out,
		     enum wire_fail_class *class, struct err *err)
{
	char *path = xasprintf("%s/" AGENT_OBJECT, dir);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int ret = map_fd(fd, out, class, err);

	if (fd >= 0)
		close(fd);
	free(path);
	return ret;
}

bool agent_object_tells(struct bytes object, const char *dir)
{
	const char *names = strrchr(dir, '/');

	/* ".../kfarmd-0-XXXXXX/7": the last two are like no others. */
	while (names > dir && names[-1] != '/')
		names--;
	return object.len &&
	       memmem(object.data, object.len, names, strlen(names));
}
