/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gpgv reads and writes files in memory, but for what is streamed to it: so
 * it never waits for us with its output while we wait for it with its input.
 */
#include "fetch/gpgv.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "fetch/gpg.h"
#include "fetch/key.h"
#include "fetch/status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 120000
#define STATUS_MOST (1u << 20)

/* A gpgv, from its start to its verdict. */
struct gpgv {
	char *fingerprint;
	struct buf keyring; /* what the file holds */
	int in, out, status; /* its descriptors; -1: none */
	int signature;
	pid_t pid; /* 0: it has ended, or not started */
	int wait_status;
};

static void gpgv_init(struct gpgv *g)
{
	*g = (struct gpgv){
		.in = -1, .out = -1, .status = -1, .signature = -1
	};
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void gpgv_release(struct gpgv *g)
{
	if (g->pid) {
		kill(g->pid, SIGKILL);
		spawn_wait(g->pid);
	}
	close_fd(&g->in);
	close_fd(&g->out);
	close_fd(&g->status);
	close_fd(&g->signature);
	free(g->fingerprint);
	buf_release(&g->keyring);
	gpgv_init(g);
}

static int gpgv_prepare(struct gpgv *g, const char *keyring,
			const char *fingerprint, struct err *err)
{
	struct bytes none = { 0 };
	int ret;

	if (!fetch_key_is_fingerprint(fingerprint))
		return err_set(err, EINVAL, "\"%s\" is no fingerprint",
			       fingerprint);
	g->fingerprint = xstrdup(fingerprint);
	ret = fs_read(keyring, FETCH_KEY_MOST, &g->keyring, err);
	/* Which would say that a server has no such file. */
	if (ret == -ENOENT)
		ret = -EIO;
	if (!ret)
		ret = fs_memory(none, &g->status, err);
	return ret;
}

/* `arguments` are those that say what to check. */
static int gpgv_start(struct gpgv *g, const char *keyring,
		      char *const *arguments, struct err *err)
{
	char *path = fs_absolute(keyring);
	int pass[] = { g->status, g->signature, -1 };
	struct spawn what = {
		.fd = { g->in, g->out, -1 },
		.pass = pass,
		.own_group = true,
		.file_mib = (FETCH_TEXT_MOST >> 20) + 1,
	};
	struct strv argv = { 0 };
	int ret;

	strv_add(&argv, "gpgv");
	strv_addf(&argv, "--status-fd=%d", g->status);
	strv_addf(&argv, "--keyring=%s", path);
	strv_add_all(&argv, arguments);
	what.argv = argv.v;
	ret = spawn_start(&what, &g->pid, err);
	if (ret)
		g->pid = 0;
	if (ret == -ENOENT)
		ret = err_set(err, ENOPKG,
			      "gpgv: not found; signatures are checked "
			      "by the program of the package gpgv");
	close_fd(&g->in);
	close_fd(&g->signature);
	strv_release(&argv);
	free(path);
	return ret;
}

static int gpgv_wait(struct gpgv *g, struct err *err)
{
	struct pollfd p = { .fd = pidfd_open(g->pid, 0), .events = POLLIN };
	uint64_t deadline = clock_ms() + PATIENCE_MS, now;
	bool in_time = true;

	while (p.fd >= 0 && !p.revents && in_time) {
		now = clock_ms();
		in_time = now < deadline;
		if (in_time && poll(&p, 1, (int)(deadline - now)) < 0)
			p.revents = 0;
	}
	close_fd(&p.fd);
	if (!in_time)
		kill(g->pid, SIGKILL);
	g->wait_status = spawn_wait(g->pid);
	g->pid = 0;
	return in_time ? 0 : err_set(err, ETIMEDOUT, "gpgv does not end");
}

static int gpgv_verdict(struct gpgv *g, struct fetch_signature *out,
			struct err *err)
{
	struct fetch_signature signature = { 0 };
	struct buf lines = { 0 }, keys = { 0 };
	int ret = gpgv_wait(g, err);

	if (!ret)
		ret = fs_memory_read(g->status, STATUS_MOST, &lines, err);
	if (!ret && fetch_status_is_late(buf_bytes(&lines)))
		ret = fetch_gpg_list(buf_bytes(&g->keyring), &keys, err);
	if (!ret)
		ret = fetch_status_judge(buf_bytes(&lines), g->wait_status,
					 g->fingerprint, buf_bytes(&keys),
					 &signature, err);
	if (!ret && out)
		*out = signature;
	buf_release(&keys);
	buf_release(&lines);
	return ret;
}

int fetch_gpgv_text(const char *keyring, const char *fingerprint,
		    struct bytes clearsigned, struct buf *verified,
		    struct fetch_signature *signature, struct err *err)
{
	static char *const arguments[] = { (char *)"--output=-", (char *)"--",
					   (char *)"-", NULL };
	struct fetch_signature got = { 0 };
	struct bytes none = { 0 };
	struct buf text = { 0 };
	struct gpgv g;
	int ret;

	gpgv_init(&g);
	ret = clearsigned.len > FETCH_TEXT_MOST ?
		      err_set(err, EMSGSIZE, "too long for a signed text") :
		      gpgv_prepare(&g, keyring, fingerprint, err);
	if (!ret)
		ret = fs_memory(clearsigned, &g.in, err);
	if (!ret)
		ret = fs_memory(none, &g.out, err);
	if (!ret)
		ret = gpgv_start(&g, keyring, arguments, err);
	if (!ret)
		ret = gpgv_verdict(&g, &got, err);
	if (!ret)
		ret = fs_memory_read(g.out, FETCH_TEXT_MOST, &text, err);
	if (!ret) {
		buf_add_bytes(verified, buf_bytes(&text));
		if (signature)
			*signature = got;
	}
	buf_release(&text);
	gpgv_release(&g);
	return ret;
}

struct fetch_gpgv_stream {
	struct gpgv gpgv;
	int to; /* our end of its input */
	int failed; /* what the first failure returned */
	struct err why;
};

/* A socket, since writing to it can do without SIGPIPE. */
static int open_input(struct fetch_gpgv_stream *s, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return err_errno(err, "socketpair");
	s->to = ends[0];
	s->gpgv.in = ends[1];
	return 0;
}

int fetch_gpgv_start(struct fetch_gpgv_stream **out, const char *keyring,
		     const char *fingerprint, struct bytes signature,
		     struct err *err)
{
	struct fetch_gpgv_stream *s = xcalloc(1, sizeof(*s));
	char *arguments[] = { (char *)"--enable-special-filenames",
			      (char *)"--", NULL, (char *)"-", NULL };
	int ret;

	*out = NULL;
	s->to = -1;
	gpgv_init(&s->gpgv);
	ret = gpgv_prepare(&s->gpgv, keyring, fingerprint, err);
	if (!ret)
		ret = fs_memory(signature, &s->gpgv.signature, err);
	if (!ret)
		ret = open_input(s, err);
	if (!ret) {
		arguments[2] = xasprintf("-&%d", s->gpgv.signature);
		ret = gpgv_start(&s->gpgv, keyring, arguments, err);
		free(arguments[2]);
	}
	if (ret)
		fetch_gpgv_free(s);
	else
		*out = s;
	return ret;
}

/* Its input has ended, by us or because it reads no more: what does it say? */
static int end_gpgv(struct fetch_gpgv_stream *s, struct fetch_signature *out,
		    struct err *err)
{
	close_fd(&s->to);
	return gpgv_verdict(&s->gpgv, out, err);
}

static int keep_failure(struct fetch_gpgv_stream *s, int ret, struct err *err)
{
	s->failed = ret;
	s->why = *err;
	return ret;
}

/* It reads no more, so there is something that it does not like. */
static int on_closed_input(struct fetch_gpgv_stream *s, struct err *err)
{
	int ret = end_gpgv(s, NULL, err);

	if (!ret)
		ret = err_set(err, EKEYREJECTED,
			      "gpgv ended before all was read");
	return keep_failure(s, ret, err);
}

int fetch_gpgv_feed(struct fetch_gpgv_stream *s, struct bytes in,
		    struct err *err)
{
	while (in.len && !s->failed) {
		struct pollfd p = { .fd = s->to, .events = POLLOUT };
		int ready = poll(&p, 1, PATIENCE_MS);
		ssize_t n;

		if (!ready) {
			kill(s->gpgv.pid, SIGKILL);
			end_gpgv(s, NULL, err);
			return keep_failure(
				s, err_set(err, ETIMEDOUT, "gpgv stands still"),
				err);
		}
		n = send(s->to, in.data, in.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			in = bytes_of(in.data + n, in.len - (size_t)n);
		else if (errno == EPIPE || errno == ECONNRESET)
			return on_closed_input(s, err);
		else if (errno != EAGAIN && errno != EINTR)
			return keep_failure(s, err_errno(err, "write to gpgv"),
					    err);
	}
	if (s->failed)
		*err = s->why;
	return s->failed;
}

int fetch_gpgv_end(struct fetch_gpgv_stream *s,
		   struct fetch_signature *signature, struct err *err)
{
	if (s->failed) {
		*err = s->why;
		return s->failed;
	}
	return end_gpgv(s, signature, err);
}

void fetch_gpgv_free(struct fetch_gpgv_stream *s)
{
	if (!s)
		return;
	close_fd(&s->to);
	gpgv_release(&s->gpgv);
	free(s);
}
