/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/session.h - Concurrent HTTP requests to one server.
 *
 * 1. fetch_session_new() starts a thread, which performs all requests
 * 2. fetch_session_start() passes a request to the thread, from any thread
 * 3. the thread calls on_done(), which can start further requests
 * 4. fetch_session_free() cancels the remaining requests
 *
 * The requests share connections: with HTTP/2 a single one, otherwise several.
 * Redirects of GET and HEAD are followed, but never from https to another
 * scheme.  The additional header lines, the client certificate and the password
 * are sent only to the server of the request, and not to another server after a
 * redirect.
 */
#ifndef FETCH_SESSION_H
#define FETCH_SESSION_H

#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>
#include <sys/queue.h>

struct fetch_session;

/* All pointers are borrowed until fetch_session_free(). */
struct fetch_session_setup {
	const char *ca_file; /* NULL: the system's authorities */
	/* client certificate and its key, both PEM files; NULL: none */
	const char *certificate, *certificate_key;
	char *const *header; /* additional header lines, or NULL */
	bool uses_netrc; /* take user name and password from ~/.netrc */
	unsigned connections_max;
};

enum fetch_method {
	FETCH_METHOD_GET,
	FETCH_METHOD_HEAD,
	FETCH_METHOD_PUT,
};

/* A request and its response, used by the session until it calls on_done(). */
struct fetch_exchange {
	enum fetch_method method;
	char *url; /* borrowed */
	struct bytes body; /* of a PUT; borrowed */
	size_t size_max; /* maximum size of the content of a response */
	unsigned timeout_ms; /* limit of the whole exchange */
	/*
	 * NULL, or a flag that cancels the request.  Call fetch_session_wake()
	 * after setting the flag.
	 */
	const atomic_bool *cancelled;
	void (*on_done)(struct fetch_exchange *x);
	void *owner; /* for on_done() */

	/*
	 * 0 if a response was received, otherwise a negative errno with the
	 * cause in `err`: -ECANCELED; -ETIMEDOUT; -EFBIG if the response is too
	 * large; -EACCES if the server's or the client's certificate is not
	 * accepted; -EPROTO after a bad redirect; -EIO for any other failure.
	 */
	int ret;
	long status; /* HTTP status */
	struct buf content; /* of a response with status 200; caller releases */
	struct err err;

	STAILQ_ENTRY(fetch_exchange) entry; /* used by the session */
};

/* Start a session.  Returns 0 or a negative errno with `err` set. */
int fetch_session_new(struct fetch_session **out,
		      const struct fetch_session_setup *setup, struct err *err);
/* Start a request.  on_done() is called later, on the session's thread. */
void fetch_session_start(struct fetch_session *s, struct fetch_exchange *x);
/* Make the thread check the `cancelled` flags of all requests. */
void fetch_session_wake(struct fetch_session *s);
/*
 * Cancel all requests and end the session.  on_done() is called for each
 * request that is cancelled.  `s` can be NULL.
 */
void fetch_session_free(struct fetch_session *s);

#endif
