/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int socket_listen(const char *path, int backlog, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, ret;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, ENAMETOOLONG, "socket %s", path);
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at)) &&
	    !listen(fd, backlog))
		return fd;
	ret = err_errno(err, "socket %s", path);
	if (fd >= 0)
		close(fd);
	return ret;
}
