/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/fake-names.h - Host names with fixed addresses, instead of the C
 * library's, so that no test queries a name server.  "127.0.0.2,127.0.0.1" is a
 * host with these two addresses, in this order.  A test that defines
 * FAKE_NAMES_OWN provides its own getaddrinfo().
 */
#ifndef LIB_FAKE_NAMES_H
#define LIB_FAKE_NAMES_H

#include "base/str.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_uint fake_names_freed; /* number of freed lists */

static struct addrinfo *fake_names_list(const char *host, const char *port)
{
	struct addrinfo *first = NULL, **end = &first;
	struct strv v = { 0 };

	strv_split(&v, host, ",");
	for (size_t i = 0; i < v.n; i++) {
		struct addrinfo *a = calloc(1, sizeof(*a));
		struct sockaddr_in *in = calloc(1, sizeof(*in));

		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)atoi(port));
		if (inet_pton(AF_INET, v.v[i], &in->sin_addr) != 1)
			abort();
		a->ai_family = AF_INET;
		a->ai_addr = (struct sockaddr *)in;
		a->ai_addrlen = sizeof(*in);
		*end = a;
		end = &a->ai_next;
	}
	strv_release(&v);
	return first;
}

void freeaddrinfo(struct addrinfo *list)
{
	struct addrinfo *next;

	for (; list; list = next) {
		next = list->ai_next;
		free(list->ai_addr);
		free(list);
	}
	atomic_fetch_add(&fake_names_freed, 1);
}

#ifndef FAKE_NAMES_OWN
int getaddrinfo(const char *host, const char *port,
		const struct addrinfo *hints, struct addrinfo **out)
{
	(void)hints;
	*out = fake_names_list(host, port);
	return 0;
}
#endif

#endif
