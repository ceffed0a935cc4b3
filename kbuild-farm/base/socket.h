/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/socket.h - Unix sockets by their path.
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

#endif
