/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/toolchain-server.h - A web server with a few pages, in a thread.
 *
 * A page is a path and a body.  The response is 500 for a NULL body, and 404
 * for an unknown path.  The system chooses the port.
 */
#ifndef TESTS_TOOLCHAIN_SERVER_H
#define TESTS_TOOLCHAIN_SERVER_H

#include "base/bytes.h"
#include "base/fs.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct page {
	const char *path;
	const char *body;
};

struct server {
	const struct page *pages; /* terminated by a NULL path */
	int fd;
	pthread_t thread;
	char *url;
	unsigned requests;
	struct bytes file; /* body of the pages that have an empty body */
};

static void server_answer(struct server *s, int fd)
{
	char head[4096] = "", path[1024] = "", *answer;
	const struct page *p;
	struct bytes body = { 0 };
	size_t n = 0;
	ssize_t got;

	while (!strstr(head, "\r\n\r\n") &&
	       (got = read(fd, head + n, sizeof(head) - 1 - n)) > 0)
		n += (size_t)got;
	if (sscanf(head, "GET %1023s", path) != 1)
		return;
	s->requests++;
	for (p = s->pages; p->path && strcmp(p->path, path) != 0; p++)
		;
	if (p->path && p->body)
		body = *p->body ? bytes_str(p->body) : s->file;
	answer = xasprintf("HTTP/1.1 %s\r\nConnection: close\r\n"
			   "Content-Length: %zu\r\n\r\n",
			   !p->path ? "404 Not Found" :
			   p->body  ? "200 OK" :
				      "500 Internal Server Error",
			   body.len);
	bytes_write(fd, bytes_str(answer));
	bytes_write(fd, body);
	free(answer);
}

static void *server_run(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		server_answer(s, fd);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *s, const struct page *pages)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*s = (struct server){ .pages = pages };
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(s->fd, 0);
	ck_assert(!bind(s->fd, (struct sockaddr *)&at, sizeof(at)));
	ck_assert(!listen(s->fd, 64));
	ck_assert(!getsockname(s->fd, (struct sockaddr *)&at, &len));
	s->url = xasprintf("http://127.0.0.1:%u", ntohs(at.sin_port));
	ck_assert(!pthread_create(&s->thread, NULL, server_run, s));
}

static void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	free(s->url);
}

#endif
