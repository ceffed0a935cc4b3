/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/socket.h"

#include "base/vec.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Create a socket and fill in `at` with `path`. */
static int new_socket(struct sockaddr_un *at, const char *path, struct err *err)
{
	int fd;

	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(at->sun_path))
		return err_set(err, ENAMETOOLONG, "socket %s: path too long",
			       path);
	strcpy(at->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? err_errno(err, "socket %s", path) : fd;
}

int socket_listen(const char *path, int backlog, struct err *err)
{
	struct sockaddr_un at;
	int fd = new_socket(&at, path, err), ret;

	if (fd < 0 || (!bind(fd, (struct sockaddr *)&at, sizeof(at)) &&
		       !listen(fd, backlog)))
		return fd;
	ret = err_errno(err, "socket %s", path);
	close(fd);
	return ret;
}

int socket_connect(const char *path, struct err *err)
{
	struct sockaddr_un at;
	int fd = new_socket(&at, path, err), ret;

	if (fd < 0 || !connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	ret = err_errno(err, "connect to %s", path);
	close(fd);
	return ret;
}

pid_t socket_peer_pid(int fd)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ? 0 :
								      peer.pid;
}

void socket_set_tcp_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, SOCKET_TIMEOUT_MS },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 5 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 2 },
	};

	/* The connection works without these options, so errors are ignored. */
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		setsockopt(fd, options[i].level, options[i].name,
			   &options[i].value, sizeof(options[i].value));
}
