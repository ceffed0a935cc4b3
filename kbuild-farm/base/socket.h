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

#endif
