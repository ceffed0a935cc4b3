/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/port.h - a TCP port to listen at: "[ADDR:]PORT", as "3634",
 * "192.0.2.1:3634" or "[2001:db8::1]:3634".
 *
 * Without an address it is all of IPv6 and of IPv4.  Port 0 is any that is
 * free.
 */
#ifndef AGENT_PORT_H
#define AGENT_PORT_H

#include "base/err.h"

#define AGENT_PORT "3634"

struct sockaddr_storage;

/* 0, or -EINVAL with `err` saying what is wanted. */
int agent_port_check(const char *text, struct err *err);
/*
 * A socket that listens there, not blocking, in *fd, and where that is as
 * text in *at, which the caller frees.  -EADDRINUSE or another negative
 * errno, with `err` set.
 */
int agent_port_listen(const char *text, int *fd, char **at, struct err *err);
/* Who that is, "192.0.2.7:40123"; the caller frees it. */
char *agent_port_peer(const struct sockaddr_storage *peer);

#endif
