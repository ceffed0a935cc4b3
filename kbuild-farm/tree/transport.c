/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/transport.h"

#include "base/str.h"
#include "tree/ssh.h"

#include <errno.h>
#include <git2.h>
#include <git2/sys/transport.h>
#include <stdlib.h>
#include <string.h>

/* The capabilities are in the first packet, of 64 KiB at most. */
#define LOOKED_AT_MAX (1u << 16)

static const char sha256[] = "object-format=sha256";

/* What is the same for all transports of this process. */
static struct {
	struct tree_worker *worker;
	bool is_sha256;
} seen;

struct watched {
	git_smart_subtransport parent;
	git_smart_subtransport *inner;
	struct watched_stream *stream;
};

struct watched_stream {
	git_smart_subtransport_stream parent;
	git_smart_subtransport_stream *inner;
	bool announces; /* begins with what the server has */
	/* Where in its first line of references the server is. */
	enum {
		NAMES,
		WORDS,
		OVER
	} line;
	size_t looked_at; /* bytes */
	char tail[sizeof(sha256)]; /* the last of these */
	size_t kept; /* of which so many */
};

/*
 * A thin pack has deltas against what we have.  libgit2 1.5 adds such bases one
 * by one and begins with all deltas anew for each: 17,000 took it a minute.
 * So the server is not heard to offer it.  Its words are behind the first NUL,
 * up to the end of that line.
 */
static void mask_thin_pack(struct watched_stream *s, char *data, size_t n)
{
	static const char thin[] = "thin-pack", mask[] = "thinxpack";
	char *at = data, *end;

	if (s->line == NAMES && (at = memchr(data, 0, n)))
		s->line = WORDS;
	if (s->line != WORDS)
		return;
	n -= (size_t)(at - data);
	end = memchr(at, '\n', n);
	if (end) {
		n = (size_t)(end - at);
		s->line = OVER;
	}
	at = memmem(at, n, thin, strlen(thin));
	if (at)
		memcpy(at, mask, strlen(mask));
}

/* A word may be cut in two by the end of a read. */
static void look_for_sha256(struct watched_stream *s, const char *data,
			    size_t n)
{
	size_t kept = s->kept, len = kept + n;
	char *both;

	if (s->looked_at >= LOOKED_AT_MAX || !n)
		return;
	both = xmalloc(len);
	memcpy(both, s->tail, kept);
	memcpy(both + kept, data, n);
	if (memmem(both, len, sha256, strlen(sha256)))
		seen.is_sha256 = true;
	s->kept = len < strlen(sha256) ? len : strlen(sha256) - 1;
	memcpy(s->tail, both + len - s->kept, s->kept);
	s->looked_at += n;
	free(both);
}

static int watched_read(git_smart_subtransport_stream *stream, char *buffer,
			size_t size, size_t *got)
{
	struct watched_stream *s = (struct watched_stream *)stream;
	int ret = s->inner->read(s->inner, buffer, size, got);

	if (!ret && *got) {
		tree_worker_alive(seen.worker);
		look_for_sha256(s, buffer, *got);
		if (s->announces)
			mask_thin_pack(s, buffer, *got);
	}
	return ret;
}

static int watched_write(git_smart_subtransport_stream *stream,
			 const char *buffer, size_t len)
{
	struct watched_stream *s = (struct watched_stream *)stream;

	return s->inner->write(s->inner, buffer, len);
}

static void watched_free(git_smart_subtransport_stream *stream)
{
	struct watched_stream *s = (struct watched_stream *)stream;
	struct watched *t = (struct watched *)s->parent.subtransport;

	s->inner->free(s->inner);
	if (t->stream == s)
		t->stream = NULL;
	free(s);
}

/* Where a connection goes on, libgit2 wants the very stream that it had. */
static int watched_action(git_smart_subtransport_stream **out,
			  git_smart_subtransport *parent, const char *url,
			  git_smart_service_t action)
{
	struct watched *t = (struct watched *)parent;
	git_smart_subtransport_stream *inner = NULL;
	struct watched_stream *s;
	int ret = t->inner->action(&inner, t->inner, url, action);

	*out = NULL;
	if (ret)
		return ret;
	if (t->stream && t->stream->inner == inner) {
		*out = &t->stream->parent;
		return 0;
	}
	if (action == GIT_SERVICE_UPLOADPACK_LS)
		seen.is_sha256 = false;
	s = xcalloc(1, sizeof(*s));
	s->parent.subtransport = &t->parent;
	s->parent.read = watched_read;
	s->parent.write = watched_write;
	s->parent.free = watched_free;
	s->inner = inner;
	s->announces = action == GIT_SERVICE_UPLOADPACK_LS;
	t->stream = s;
	*out = &s->parent;
	return 0;
}

static int watched_close(git_smart_subtransport *parent)
{
	struct watched *t = (struct watched *)parent;

	return t->inner->close(t->inner);
}

static void watched_release(git_smart_subtransport *parent)
{
	struct watched *t = (struct watched *)parent;

	t->inner->free(t->inner);
	free(t);
}

struct way {
	const char *scheme;
	git_smart_subtransport_cb inner;
	git_smart_subtransport_definition definition;
};

static int make_watched(git_smart_subtransport **out, git_transport *owner,
			void *param)
{
	const struct way *way = param;
	struct watched *t = xcalloc(1, sizeof(*t));
	int ret = way->inner(&t->inner, owner, NULL);

	if (ret) {
		free(t);
		return ret;
	}
	t->parent.action = watched_action;
	t->parent.close = watched_close;
	t->parent.free = watched_release;
	*out = &t->parent;
	return 0;
}

/* A scheme, what leads there, and whether that has no memory (HTTP). */
static struct way ways[] = {
	{ "http", git_smart_subtransport_http, { make_watched, 1, &ways[0] } },
	{ "https", git_smart_subtransport_http, { make_watched, 1, &ways[1] } },
	{ "git", git_smart_subtransport_git, { make_watched, 0, &ways[2] } },
	{ "ssh", tree_ssh_subtransport, { make_watched, 0, &ways[3] } },
	{ "git+ssh", tree_ssh_subtransport, { make_watched, 0, &ways[4] } },
	{ "ssh+git", tree_ssh_subtransport, { make_watched, 0, &ways[5] } },
};

int tree_transport_register(struct tree_worker *w, struct err *err)
{
	seen.worker = w;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		int ret = git_transport_register(ways[i].scheme,
						 git_transport_smart,
						 &ways[i].definition);

		if (ret && ret != GIT_EEXISTS)
			return err_set(err, EIO, "libgit2: no transport %s",
				       ways[i].scheme);
	}
	return 0;
}

bool tree_transport_is_sha256(void)
{
	return seen.is_sha256;
}
