/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/socket.h - Unix sockets by their path, and what TCP sockets are set to.
 */
#ifndef BASE_SOCKET_H
#define BASE_SOCKET_H

#include "base/err.h"

/*
 * Make a socket there and listen, without blocking.  Returns its descriptor,
 * or a negative errno with `err` set.
 */
int socket_listen(const char *path, int backlog, struct err *err);
/*
 * Connect to one, without waiting: a descriptor that does not block;
 * -ECONNREFUSED or -ENOENT: nobody listens there; -EAGAIN: others wait already;
 * or another negative errno.
 */
int socket_connect(const char *path, struct err *err);

/*
 * A TCP socket for addresses of that family (AF_INET, AF_INET6), as
 * socket_set_tcp() makes it, that does not block; or a negative errno.
 */
int socket_new_tcp(int family, struct err *err);
/*
 * Send small messages at once; find a peer dead that acknowledges nothing for
 * SOCKET_DEAD_MS (TCP_USER_TIMEOUT, tcp(7)), also while nobody sends.
 */
#define SOCKET_DEAD_MS 10000
void socket_set_tcp(int fd);

#endif
