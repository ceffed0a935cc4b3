/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/socket.h - Unix sockets by path, and options of TCP sockets.
 *
 * This module depends only on libc, because the wrapper uses it.
 */
#ifndef BASE_SOCKET_H
#define BASE_SOCKET_H

#include "base/err.h"

#include <sys/types.h>

/*
 * Create a non-blocking socket at `path` and listen.  Returns its descriptor,
 * or a negative errno with `err` set.
 */
int socket_listen(const char *path, int backlog, struct err *err);
/*
 * Connect to a Unix socket without waiting.  Returns a non-blocking descriptor;
 * -ECONNREFUSED or -ENOENT if no process listens; -EAGAIN if the backlog is
 * full; or another negative errno.
 */
int socket_connect(const char *path, struct err *err);
/*
 * Return the process at the other end of a connected Unix socket: if it is the
 * server, the process that called listen().  Returns 0 if the process is
 * unknown.
 */
pid_t socket_peer_pid(int fd);

/*
 * Send small messages immediately (TCP_NODELAY), and close the connection if
 * the peer acknowledges nothing for SOCKET_TIMEOUT_MS (TCP_USER_TIMEOUT,
 * tcp(7)).  Keepalive probes detect such a peer on an idle connection as well.
 */
#define SOCKET_TIMEOUT_MS 10000
void socket_set_tcp_options(int fd);

#endif
