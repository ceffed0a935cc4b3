/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/toolchain/badserver.h - A web server with faults that its paths select
 * (tests/toolchain/badorder.h).
 *
 * badserver_open() opens two sockets on loopback, for https and http, and
 * badserver_serve() serves them for ever, with a thread per connection.  Each
 * request is a line of the log: "PATH RANGE CONDITION", with "-" for none.
 */
#ifndef BADSERVER_H
#define BADSERVER_H

#include "badorder.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAD_DATE "Wed, 01 Jan 2020 00:00:00 GMT"
#define BAD_SEEN 100000 /* maximum number of counted paths */

static struct {
	int fd[2]; /* https, http */
	int port[2];
	int log;
	const char *root;
	SSL_CTX *tls;
	pthread_mutex_t lock;
	char *seen[BAD_SEEN]; /* paths with the number of their requests */
	unsigned count[BAD_SEEN];
	size_t n_seen;
} bad = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct badconn {
	int fd;
	SSL *ssl; /* NULL for http */
	int64_t left; /* bytes that can still be sent; -2: no limit */
	struct badorder *o;
	uint8_t *content; /* the whole body; NULL: bad_byte() */
	unsigned seed;
};

/* ----------------------------------------------------------------- output */

static inline bool bad_write(struct badconn *c, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, p, (int)len) :
				     send(c->fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Wait until the client disconnects. */
static inline void bad_wait(struct badconn *c)
{
	char trash[512];

	while (recv(c->fd, trash, sizeof(trash), 0) > 0)
		;
}

/* Send as much as `left` permits.  Returns false at the limit. */
static inline bool bad_send(struct badconn *c, const void *data, size_t len)
{
	bool is_last = c->left >= 0 && (uint64_t)c->left < len;
	size_t n = is_last ? (size_t)c->left : len;

	if (c->left >= 0)
		c->left -= (int64_t)n;
	return bad_write(c, data, n) && !is_last;
}

static inline bool bad_drip(struct badconn *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!bad_send(c, data + i, 1))
			return false;
		poll(NULL, 0, (int)c->o->drip);
	}
	return true;
}

static inline bool bad_put(struct badconn *c, const char *data, size_t len)
{
	char size[32];

	if (c->o->drip > 0)
		return bad_drip(c, data, len);
	if (!c->o->is_chunked)
		return bad_send(c, data, len);
	snprintf(size, sizeof(size), "%zx\r\n", len);
	return bad_send(c, size, strlen(size)) && bad_send(c, data, len) &&
	       bad_send(c, "\r\n", 2);
}

/* Send bytes `from` to `to` of the body. */
static inline bool bad_body(struct badconn *c, uint64_t from, uint64_t to)
{
	char block[4096];

	for (uint64_t at = from; at < to;) {
		size_t n = to - at < sizeof(block) ? to - at : sizeof(block);

		for (size_t i = 0; i < n; i++) {
			block[i] = (char)(c->content ?
						  c->content[at + i] :
						  bad_byte(c->seed, at + i));
			if (c->o->flip >= 0 && at + i == (uint64_t)c->o->flip)
				block[i] ^= 1;
		}
		if (!bad_put(c, block, n))
			return false;
		at += n;
	}
	return !c->o->is_chunked || bad_send(c, "0\r\n\r\n", 5);
}

/* ---------------------------------------------------------------- content */

static const char bad_listing[] =
	"<html>\r\n<head><title>Index of /x/</title></head>\r\n<body>\r\n"
	"<h1>Index of /x/</h1><hr><pre><a href=\"../\">../</a>\r\n"
	"<a href=\"good-1.tar.xz\">good-1.tar.xz</a> 01-Jan-2020 00:00 1\r\n"
	"<a href=\"%2e%2e/\">a</a>\r\n<a href=\"..%2f..%2fetc\">b</a>\r\n"
	"<a href=\"/etc/passwd\">c</a>\r\n<a href=\"a/../../b\">d</a>\r\n"
	"<a href=\"https://127.0.0.1:1/x\">e</a>\r\n"
	"<a href=\"//127.0.0.1:1/x\">f</a>\r\n"
	"<a href=\"%1b%5b31mred\">g</a>\r\n<a href=\"line%0afeed\">h</a>\r\n"
	"<a href=\"&#46;&#46;/\">i</a>\r\n<a href=\"nul%00byte\">j</a>\r\n"
	"<a href=\"back%5cslash\">k</a>\r\n<a href=\"%ff%fe\">l</a>\r\n"
	"<a href=\"?C=N;O=D\">Name</a>\r\n<a href=\"good-2/\">m</a>\r\n"
	"<!-- <a href=\"comment\">n</a> -->\r\n<a href=\"javascript:x\">o</a>"
	"\r\n</pre><hr></body></html>\r\n<a href=\"";

static inline void bad_add(char **text, const char *more)
{
	size_t n = *text ? strlen(*text) : 0;

	*text = realloc(*text, n + strlen(more) + 1);
	strcpy(*text + n, more);
}

/* A listing like nginx's, except for dates and sizes. */
static inline char *bad_list(const char *path)
{
	char *text = NULL, line[600];
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);

	bad_add(&text, "<html>\r\n<body>\r\n<h1>Index</h1><hr><pre>"
		       "<a href=\"../\">../</a>\r\n");
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		const char *end = names[i]->d_type == DT_DIR ? "/" : "";

		snprintf(line, sizeof(line), "<a href=\"%s%s\">%s%s</a>\r\n",
			 name, end, name, end);
		if (name[0] != '.')
			bad_add(&text, line);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	bad_add(&text, "</pre><hr></body></html>\r\n");
	return text;
}

static inline void bad_text(struct badconn *c, char *text)
{
	c->content = (uint8_t *)text;
	c->o->size = (int64_t)strlen(text);
}

/* Load a file below the root; status 404 if it does not exist. */
static inline void bad_file(struct badconn *c)
{
	char path[BAD_REQUEST_MAX + 300];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", bad.root, c->o->rest);
	fd = strstr(path, "..") ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		c->o->status = 404;
	} else if (S_ISDIR(st.st_mode)) {
		bad_text(c, bad_list(path));
	} else {
		c->content = malloc((size_t)st.st_size + 1);
		c->o->size = read(fd, c->content, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
}

/* ---------------------------------------------------------------- answers */

static inline void bad_etag(const struct badconn *c, char out[static 64])
{
	snprintf(out, 64, "%s\"v%u-%lld\"",
		 bad_is(c->o->stamp, "weak") ? "W/" : "", c->seed,
		 (long long)c->o->size);
}

/* Print the target of a redirect, or "". */
static inline void bad_target(const struct badorder *o, char *out, size_t len)
{
	const char *after_hops = strstr(o->path, "/hops=");

	out[0] = '\0';
	if (bad_is(o->to, "http") || bad_is(o->to, "https"))
		snprintf(out, len, "%s://127.0.0.1:%d/%s", o->to,
			 bad.port[o->to[4] ? 0 : 1], o->rest);
	else if (bad_is(o->to, "file"))
		snprintf(out, len, "file:///etc/passwd");
	else if (bad_is(o->to, "odd"))
		snprintf(out, len, "https://127.0.0.1:1/\033[31m%s", o->rest);
	else if (o->is_loop)
		snprintf(out, len, "%s", o->path);
	else if (o->hops && after_hops)
		snprintf(out, len, "/hops=%u%s", o->hops - 1,
			 after_hops + 6 + strcspn(after_hops + 6, "/"));
}

/* Return the start of the requested range; -1: all, -2: 416. */
static inline int64_t bad_range(const struct badorder *o, const char *etag)
{
	bool is_same = !o->if_range[0] || bad_is(o->if_range, etag) ||
		       (bad_is(o->stamp, "date") &&
			bad_is(o->if_range, BAD_DATE));
	long long from;

	if (bad_is(o->range_mode, "always"))
		return 10;
	if (sscanf(o->range, "bytes=%lld-", &from) != 1 ||
	    bad_is(o->range_mode, "ignored") || !is_same)
		return -1;
	if (bad_is(o->range_mode, "refused") || from >= o->size)
		return -2;
	return from;
}

static inline bool bad_head(struct badconn *c, const char *head)
{
	c->left = c->o->hcut;
	if (!bad_send(c, head, strlen(head)))
		return false;
	while (c->o->is_endless_head) {
		if (!bad_send(c, "X-More: and more\r\n", 18))
			return false;
	}
	c->left = c->o->cut >= 0 ? c->o->cut : c->o->stall;
	return bad_write(c, "\r\n", 2);
}

static inline void bad_answer_short(struct badconn *c, int status,
				    const char *target)
{
	char head[BAD_REQUEST_MAX + 600];

	snprintf(head, sizeof(head),
		 "HTTP/1.1 %d Whatever\r\nConnection: close\r\n%s%s%s%s%s%s",
		 status, target[0] ? "Location: " : "", target,
		 target[0] ? "\r\n" : "", c->o->after[0] ? "Retry-After: " : "",
		 c->o->after, c->o->after[0] ? "\r\n" : "");
	if (!bad_head(c, head) || status == 304)
		return;
	do {
		if (!bad_send(c, "no file, but words\r\n", 20))
			return;
	} while (c->o->is_endless);
}

static inline void bad_stamps(const struct badconn *c, char *out, size_t len)
{
	const char *mode = c->o->stamp;
	char etag[64];

	bad_etag(c, etag);
	snprintf(out, len, "%s%s%s%s",
		 bad_is(mode, "none") || bad_is(mode, "date") ? "" : "ETag: ",
		 bad_is(mode, "none") || bad_is(mode, "date") ? "" : etag,
		 bad_is(mode, "none") || bad_is(mode, "date") ? "" : "\r\n",
		 bad_is(mode, "date") ? "Last-Modified: " BAD_DATE "\r\n" : "");
}

static inline void bad_answer_body(struct badconn *c, int64_t from)
{
	int64_t said = c->o->size - (from > 0 ? from : 0);
	int64_t shift = bad_is(c->o->range_mode, "shifted");
	int64_t total = c->o->size + 5 * bad_is(c->o->range_mode, "other");
	char head[1024], stamps[200], length[64] = "", range[128] = "";

	if (c->o->length >= 0)
		said = c->o->length;
	if (c->o->length != -1 && !c->o->is_chunked && !c->o->is_endless)
		snprintf(length, sizeof(length), "Content-Length: %lld\r\n",
			 (long long)said);
	if (from >= 0)
		snprintf(range, sizeof(range),
			 "Content-Range: bytes %lld-%lld/%lld\r\n",
			 (long long)(from + shift), (long long)total - 1,
			 (long long)total);
	bad_stamps(c, stamps, sizeof(stamps));
	snprintf(head, sizeof(head),
		 "HTTP/1.1 %s\r\nConnection: close\r\n%s%s%s%s",
		 from >= 0 ? "206 Partial Content" : "200 OK", length, range,
		 stamps,
		 c->o->is_chunked ? "Transfer-Encoding: chunked\r\n" : "");
	if (!bad_head(c, head))
		return;
	do {
		if (!bad_body(c, from > 0 ? (uint64_t)from : 0,
			      (uint64_t)c->o->size))
			return;
	} while (c->o->is_endless);
}

/* Return the number of earlier requests of this path. */
static inline unsigned bad_count(const char *path)
{
	unsigned count = 0;
	size_t i = 0;

	pthread_mutex_lock(&bad.lock);
	while (i < bad.n_seen && strcmp(bad.seen[i], path) != 0)
		i++;
	if (i < BAD_SEEN) {
		if (i == bad.n_seen)
			bad.seen[bad.n_seen++] = strdup(path);
		count = bad.count[i]++;
	}
	pthread_mutex_unlock(&bad.lock);
	return count;
}

static inline void bad_answer(struct badconn *c)
{
	struct badorder *o = c->o;
	char target[BAD_REQUEST_MAX + 64], etag[64];
	int64_t from;

	o->count = bad_count(o->path);
	if (o->times && o->count >= o->times)
		badorder_be_good(o);
	if (o->cuts && o->count >= o->cuts)
		o->cut = -2;
	if (o->stall == -1) {
		bad_wait(c);
		return;
	}
	if (bad_is(o->stamp, "changing"))
		c->seed = o->count;
	if (o->is_listing)
		bad_text(c, strdup(bad_listing));
	else if (o->is_file)
		bad_file(c);
	bad_target(o, target, sizeof(target));
	bad_etag(c, etag);
	from = bad_range(o, etag);
	if (target[0])
		bad_answer_short(c, o->status ? o->status : 302, target);
	else if (o->status && !o->is_hop)
		bad_answer_short(c, o->status, "");
	else if (o->if_new[0] &&
		 (bad_is(o->if_new, etag) || bad_is(o->if_new, BAD_DATE)))
		bad_answer_short(c, 304, "");
	else if (from == -2)
		bad_answer_short(c, 416, "");
	else
		bad_answer_body(c, from);
	if (o->stall >= 0)
		bad_wait(c);
}

/* ------------------------------------------------------------ connections */

static inline void bad_log(const struct badorder *o)
{
	const char *condition = o->if_range[0] ? o->if_range : o->if_new;
	char line[BAD_REQUEST_MAX + 700];
	int n = snprintf(line, sizeof(line), "%s %s %s\n", o->path,
			 o->range[0] ? o->range : "-",
			 condition[0] ? condition : "-");

	if (bad.log >= 0 && write(bad.log, line, (size_t)n) != n)
		abort();
}

static inline bool bad_read_head(struct badconn *c, char *head, size_t max)
{
	size_t used = 0;

	head[0] = '\0';
	while (!strstr(head, "\r\n\r\n")) {
		ssize_t n = used + 1 >= max ?
				    0 :
			    c->ssl ?
				    SSL_read(c->ssl, head + used,
					     (int)(max - 1 - used)) :
				    recv(c->fd, head + used, max - 1 - used, 0);

		if (n <= 0)
			return false;
		used += (size_t)n;
		head[used] = '\0';
		if (head[0] == 0x16) /* https on the http port */
			return false;
	}
	return true;
}

static inline void *bad_connection(void *arg)
{
	struct badconn *c = arg;
	struct badorder *o = calloc(1, sizeof(*o));
	char head[BAD_REQUEST_MAX];

	c->o = o;
	c->left = -2;
	if ((!c->ssl || SSL_accept(c->ssl) == 1) &&
	    bad_read_head(c, head, sizeof(head)) && badorder_parse(o, head)) {
		bad_log(o);
		bad_answer(c);
	}
	if (c->ssl && o->cut < 0 && o->hcut < 0)
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	/* A close with unread bytes would discard the sent data. */
	shutdown(c->fd, SHUT_WR);
	bad_wait(c);
	close(c->fd);
	free(c->content);
	free(o->rest);
	free(o);
	free(c);
	return NULL;
}

static inline void bad_accept(int which)
{
	struct badconn *c = calloc(1, sizeof(*c));
	pthread_t thread;

	c->fd = accept4(bad.fd[which], NULL, NULL, SOCK_CLOEXEC);
	if (c->fd < 0) {
		free(c);
		return;
	}
	if (which == 0) {
		c->ssl = SSL_new(bad.tls);
		SSL_set_fd(c->ssl, c->fd);
	}
	if (pthread_create(&thread, NULL, bad_connection, c))
		abort();
	pthread_detach(thread);
}

static inline void badserver_serve(void)
{
	struct pollfd p[2] = { { .fd = bad.fd[0], .events = POLLIN },
			       { .fd = bad.fd[1], .events = POLLIN } };

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		poll(p, 2, -1);
		for (int i = 0; i < 2; i++) {
			if (p[i].revents)
				bad_accept(i);
		}
	}
}

/*
 * Open sockets on ports of the system's choice.  `dir` contains server.pem and
 * server.key.  Returns false on failure.
 */
static inline bool badserver_open(const char *dir, const char *log,
				  const char *root)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	char pem[4096], key[4096];

	snprintf(pem, sizeof(pem), "%s/server.pem", dir);
	snprintf(key, sizeof(key), "%s/server.key", dir);
	bad.root = root;
	bad.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	bad.tls = SSL_CTX_new(TLS_server_method());
	if (bad.log < 0 ||
	    SSL_CTX_use_certificate_chain_file(bad.tls, pem) != 1 ||
	    SSL_CTX_use_PrivateKey_file(bad.tls, key, SSL_FILETYPE_PEM) != 1)
		return false;
	for (int i = 0; i < 2; i++) {
		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a.sin_port = 0;
		bad.fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bad.fd[i] < 0 ||
		    bind(bad.fd[i], (struct sockaddr *)&a, len) ||
		    listen(bad.fd[i], 128) ||
		    getsockname(bad.fd[i], (struct sockaddr *)&a, &len))
			return false;
		bad.port[i] = ntohs(a.sin_port);
	}
	return true;
}

#endif
