/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/port.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

static int bad_place(const char *text, struct err *err)
{
	return err_set(err, EINVAL,
		       "%s: must be unix:PATH, PORT, ADDRESS:PORT or "
		       "[IPv6 ADDRESS]:PORT",
		       text);
}

/* "2001:db8::1", "fe80::1%eth0" */
static bool parse_v6(const char *host, struct sockaddr_in6 *at)
{
	size_t len = strcspn(host, "%");
	char *plain = xstrndup(host, len);
	bool good = inet_pton(AF_INET6, plain, &at->sin6_addr) == 1;

	free(plain);
	at->sin6_family = AF_INET6;
	if (good && host[len]) {
		at->sin6_scope_id = if_nametoindex(host + len + 1);
		good = at->sin6_scope_id != 0;
	}
	return good;
}

static bool parse_host(const char *host, bool brackets, union address *at)
{
	if (brackets)
		return parse_v6(host, &at->v6);
	at->v4.sin_family = AF_INET;
	return inet_pton(AF_INET, host, &at->v4.sin_addr) == 1;
}

/* Numbers only: a name may be another address tomorrow. */
static int parse_place(union address *at, const char *text, struct err *err)
{
	const char *colon = strrchr(text, ':');
	bool brackets = *text == '[';
	char *host;
	bool good;
	long port;

	*at = (union address){ .v6.sin6_family = AF_INET6 };
	if (str_number(colon ? colon + 1 : text, 0, 65535, &port) ||
	    (brackets && (!colon || colon[-1] != ']')))
		return bad_place(text, err);
	if (colon) {
		host = xstrndup(text + brackets,
				(size_t)(colon - text) - 2 * brackets);
		good = parse_host(host, brackets, at);
		free(host);
		if (!good)
			return bad_place(text, err);
	}
	/* It is at the same place in both. */
	at->v4.sin_port = htons((uint16_t)port);
	return 0;
}

int agent_port_check(const char *text, struct err *err)
{
	union address at;

	return parse_place(&at, text, err);
}

static int open_port(const union address *at, bool both)
{
	static const int yes = 1;
	bool v6 = at->any.sa_family == AF_INET6;
	int only_v6 = !both;
	int fd = socket(at->any.sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret = fd < 0 ? -errno : 0;

	if (!ret &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	     (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6,
			       sizeof(only_v6))) ||
	     bind(fd, &at->any, v6 ? sizeof(at->v6) : sizeof(at->v4)) ||
	     listen(fd, BACKLOG)))
		ret = -errno;
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}

/* Where IPv6 was left out of the kernel. */
static int open_v4(const union address *v6)
{
	union address at = { .v4 = { .sin_family = AF_INET,
				     .sin_port = v6->v6.sin6_port } };

	return open_port(&at, false);
}

/* "192.0.2.7:40123", of a mapped one too. */
static char *text_of_address(const union address *a)
{
	const struct in6_addr *v6 = &a->v6.sin6_addr;
	char host[INET6_ADDRSTRLEN] = "";
	unsigned port = ntohs(a->v4.sin_port);

	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof(host));
		return xasprintf("%s:%u", host, port);
	}
	if (IN6_IS_ADDR_V4MAPPED(v6)) {
		inet_ntop(AF_INET, v6->s6_addr + 12, host, sizeof(host));
		return xasprintf("%s:%u", host, port);
	}
	inet_ntop(AF_INET6, v6, host, sizeof(host));
	return xasprintf("[%s]:%u", host, port);
}

int agent_port_listen(const char *text, int *fd, char **at, struct err *err)
{
	union address address;
	socklen_t len = sizeof(address);
	bool all = !strchr(text, ':');
	int ret = parse_place(&address, text, err);

	if (ret)
		return ret;
	*fd = open_port(&address, all);
	if (all && (*fd == -EAFNOSUPPORT || *fd == -EADDRNOTAVAIL))
		*fd = open_v4(&address);
	if (*fd < 0)
		return err_set(err, -*fd, "listen at %s: %s", text,
			       strerror(-*fd));
	getsockname(*fd, &address.any, &len);
	*at = text_of_address(&address);
	return 0;
}

char *agent_port_peer(const struct sockaddr_storage *peer)
{
	union address a = { .storage = *peer };

	return text_of_address(&a);
}
