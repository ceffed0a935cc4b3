/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/toolchain/sockets.c - sockets N COMMAND...: run it with N listening
 * sockets on loopback, as descriptors 3 and up.
 *
 * The system chooses the ports.  $PORTS names them, and $NGINX names the
 * descriptors in nginx's syntax.  So no port is guessed, no other process can
 * take a port before the server starts, and a client that connects early waits.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int port_of(int fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&a, len) || listen(fd, 128) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		return -1;
	return ntohs(a.sin_port);
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0;
	char ports[256] = "", fds[256] = "";
	size_t used = 0, fds_used = 0;

	if (n < 1 || n > 16)
		return 2;
	for (int i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		int port = dup2(fd, 3 + i) == 3 + i ? port_of(3 + i) : -1;

		if (port < 0) {
			perror("sockets");
			return 1;
		}
		if (fd > 2 + n)
			close(fd);
		used += (size_t)snprintf(ports + used, sizeof(ports) - used,
					 "%s%d", i ? " " : "", port);
		fds_used += (size_t)snprintf(
			fds + fds_used, sizeof(fds) - fds_used, "%d;", 3 + i);
	}
	setenv("PORTS", ports, 1);
	setenv("NGINX", fds, 1);
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
