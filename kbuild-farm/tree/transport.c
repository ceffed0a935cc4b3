/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/transport.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "tree/git.h"
#include "tree/url.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <git2/sys/transport.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * COMPLAINT_MIB limits the captured stderr of ssh, in MiB.  An error contains
 * at most the last SSH_ERROR_MAX bytes of that stderr.
 */
#define COMPLAINT_MIB 1
#define SSH_ERROR_MAX 600

/*
 * Path of the repository for `git upload-pack`.  One variable is enough,
 * because a process has only one connection at a time.
 */
static char *local_path;

struct ssh_subtransport {
	git_smart_subtransport parent;
	struct ssh_stream *stream; /* NULL if not connected */
};

struct ssh_stream {
	git_smart_subtransport_stream parent;
	pid_t pid; /* 0 after the process has ended */
	int to_ssh_fd, from_ssh_fd, stderr_fd; /* -1 if closed */
	char *label; /* prefix of messages: program and, for ssh, host */
};

/* Return the command with the path quoted for the remote shell, as git does. */
static char *remote_command(const char *path)
{
	struct buf out = { 0 };

	buf_add_str(&out, "git-upload-pack '");
	for (; *path; path++) {
		if (*path == '\'' || *path == '!')
			buf_printf(&out, "'\\%c'", *path);
		else
			buf_add(&out, path, 1);
	}
	buf_add_str(&out, "'");
	return buf_steal(&out);
}

static void close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Set libgit2's error to the message of ssh and advice for the user. */
static int set_ssh_error(struct ssh_stream *s)
{
	struct buf output = { 0 };
	struct err ignored;
	const char *text = "", *advice = "";
	size_t n;
	char *line;

	/* Wait until ssh has ended, because it may print more until then. */
	close_descriptor(&s->to_ssh_fd);
	if (s->pid)
		spawn_wait(s->pid);
	s->pid = 0;
	if (!fs_memfd_read(s->stderr_fd, COMPLAINT_MIB << 20, &output,
			   &ignored))
		text = buf_str(&output);
	if (strstr(text, "Host key verification failed"))
		advice = "\n  the host key is unknown or has changed: log in "
			 "once with ssh and verify it";
	else if (strstr(text, "Permission denied"))
		advice = "\n  kfarm does not prompt for passwords: load the "
			 "key into the agent with `ssh-add`";
	n = strlen(text);
	if (n > SSH_ERROR_MAX)
		text += n - SSH_ERROR_MAX;
	n = strlen(text);
	while (n && strchr("\r\n ", text[n - 1]))
		n--;
	/* ssh ends its lines with \r\n, as for a terminal in raw mode */
	for (char *c = (char *)output.data; c && *c; c++)
		*c = *c == '\r' ? ' ' : *c;
	line = xasprintf("%s: %.*s%s", s->label, n ? (int)n : 99,
			 n ? text : "connection closed", advice);
	git_error_set_str(GIT_ERROR_SSH, line);
	free(line);
	buf_release(&output);
	return -1;
}

static int stream_read(git_smart_subtransport_stream *stream, char *buffer,
		       size_t size, size_t *got)
{
	struct ssh_stream *s = (struct ssh_stream *)stream;
	ssize_t n;

	*got = 0;
	do
		n = read(s->from_ssh_fd, buffer, size);
	while (n < 0 && errno == EINTR && !tree_worker_is_interrupted());
	if (n < 0) {
		git_error_set_str(GIT_ERROR_SSH, strerror(errno));
		return -1;
	}
	if (!n)
		return set_ssh_error(s);
	*got = (size_t)n;
	return 0;
}

static int stream_write(git_smart_subtransport_stream *stream,
			const char *buffer, size_t len)
{
	struct ssh_stream *s = (struct ssh_stream *)stream;

	if (bytes_write(s->to_ssh_fd, bytes_of(buffer, len)))
		return set_ssh_error(s);
	return 0;
}

static void stream_free(git_smart_subtransport_stream *stream)
{
	struct ssh_stream *s = (struct ssh_stream *)stream;
	struct ssh_subtransport *owner = (struct ssh_subtransport *)
						 s->parent.subtransport;

	close_descriptor(&s->to_ssh_fd);
	close_descriptor(&s->from_ssh_fd);
	if (s->pid) {
		kill(s->pid, SIGTERM);
		spawn_wait(s->pid);
	}
	close_descriptor(&s->stderr_fd);
	free(s->label);
	free(s);
	owner->stream = NULL;
}

static void add_ssh_command(struct strv *argv, const struct tree_url *url)
{
	const char *command = getenv("GIT_SSH_COMMAND");

	if (command && *command) {
		strv_add(argv, "/bin/sh");
		strv_add(argv, "-c");
		strv_addf(argv, "%s \"$@\"", command);
	}
	strv_add(argv, "ssh");
	strv_add(argv, "-T");
	strv_add(argv, "-oBatchMode=yes");
	strv_add(argv, "-oConnectTimeout=30");
	strv_add(argv, "-oServerAliveInterval=10");
	strv_add(argv, "-oServerAliveCountMax=3");
	if (url->port)
		strv_addf(argv, "-p%s", url->port);
	strv_add(argv, "--");
	strv_addf(argv, "%s%s%s", url->user ? url->user : "",
		  url->user ? "@" : "", url->host);
	strv_own(argv, remote_command(url->path));
}

static int start_program(struct ssh_stream *s, const struct tree_url *url,
			 struct err *err)
{
	struct spawn what = { .killed_with_parent = true,
			      .file_mib = COMPLAINT_MIB };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	struct strv argv = { 0 }, env = { 0 };
	int ret;

	if (url->kind == TREE_URL_SSH) {
		add_ssh_command(&argv, url);
	} else {
		strv_add(&argv, "git");
		strv_add(&argv, "upload-pack");
		strv_add(&argv, local_path);
	}

	ret = fs_memfd_new(bytes_str(""), &s->stderr_fd, err);
	if (!ret && (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)))
		ret = err_errno(err, "pipe");
	if (!ret) {
		tree_git_add_environment(&env);
		what.argv = argv.v;
		what.env = env.v;
		what.stdio_fds[0] = in[0];
		what.stdio_fds[1] = out[1];
		what.stdio_fds[2] = s->stderr_fd;
		ret = spawn_start(&what, &s->pid, err);
	}
	close_descriptor(&in[0]);
	close_descriptor(&out[1]);
	s->to_ssh_fd = in[1];
	s->from_ssh_fd = out[0];
	strv_release(&env);
	strv_release(&argv);
	return ret;
}

static int subtransport_action(git_smart_subtransport_stream **out,
			       git_smart_subtransport *parent, const char *url,
			       git_smart_service_t action)
{
	struct ssh_subtransport *t = (struct ssh_subtransport *)parent;
	struct ssh_stream *s = t->stream;
	struct err err = { 0 };
	struct tree_url parts;
	int ret;

	*out = NULL;
	if (action != GIT_SERVICE_UPLOADPACK_LS &&
	    action != GIT_SERVICE_UPLOADPACK) {
		git_error_set_str(GIT_ERROR_SSH, "push is not supported");
		return -1;
	}
	if (s) {
		*out = &s->parent;
		return 0;
	}
	s = t->stream = xcalloc(1, sizeof(*s));
	s->parent.subtransport = &t->parent;
	s->parent.read = stream_read;
	s->parent.write = stream_write;
	s->parent.free = stream_free;
	s->to_ssh_fd = s->from_ssh_fd = s->stderr_fd = -1;
	ret = tree_url_parse(&parts, url, &err);
	if (!ret && parts.kind != TREE_URL_SSH && parts.kind != TREE_URL_LOCAL)
		ret = err_set(&err, EINVAL, "%s: not an ssh URL", url);
	if (!ret) {
		s->label = parts.host ? xasprintf("ssh %s", parts.host) :
					xstrdup("git upload-pack");
		ret = start_program(s, &parts, &err);
	}
	tree_url_release(&parts);
	if (ret) {
		stream_free(&s->parent);
		git_error_set_str(GIT_ERROR_SSH, err.text);
		return -1;
	}
	*out = &s->parent;
	return 0;
}

static int subtransport_close(git_smart_subtransport *parent)
{
	(void)parent;
	return 0;
}

static void subtransport_free(git_smart_subtransport *parent)
{
	struct ssh_subtransport *t = (struct ssh_subtransport *)parent;

	if (t->stream)
		stream_free(&t->stream->parent);
	free(t);
}

/* A git_smart_subtransport_cb; `param` is unused. */
static int ssh_transport(git_smart_subtransport **out, git_transport *owner,
			 void *param)
{
	struct ssh_subtransport *t = xcalloc(1, sizeof(*t));

	(void)owner;
	(void)param;
	t->parent.action = subtransport_action;
	t->parent.close = subtransport_close;
	t->parent.free = subtransport_free;
	*out = &t->parent;
	return 0;
}

/*
 * Limits, in bytes, of the search for the two strings below.  `sha256` is one
 * of the capabilities in the first packet, which has at most 64 KiB.  The
 * "shallow" lines follow the references, and name the commits at which the
 * history of a shallow repository ends.
 */
#define SHA256_BYTES_MAX  (1u << 16)
#define SHALLOW_BYTES_MAX (1u << 24)

static const char sha256[] = "object-format=sha256";
static const char shallow[] = "0035shallow ";

/*
 * State shared by all transports of this process, which has one connection at a
 * time.
 */
static struct {
	struct tree_worker *worker;
	bool is_sha256, is_shallow;
} connection_state;

struct monitored_transport {
	git_smart_subtransport parent;
	git_smart_subtransport *inner;
	struct watched_stream *stream;
};

struct watched_stream {
	git_smart_subtransport_stream parent;
	git_smart_subtransport_stream *inner;
	bool is_advertisement; /* begins with the server's advertisement */
	/* Position in the first line of the advertisement. */
	enum {
		REF_LINE_NAMES,
		REF_LINE_CAPABILITIES,
		REF_LINE_DONE
	} ref_line;
	size_t n_scanned; /* number of bytes scanned */
	char tail[sizeof(sha256)]; /* last bytes scanned */
	size_t tail_len; /* used length of `tail` */
};

/*
 * A thin pack contains deltas whose bases are local objects.  libgit2 1.5 adds
 * these bases to the pack one by one and restarts the resolution of all deltas
 * for each base: 17,000 bases took a minute.  Therefore hide the server's
 * capability "thin-pack".  The capabilities are between the first NUL of the
 * advertisement and the end of the line that contains this NUL.
 */
static void mask_thin_pack(struct watched_stream *s, char *data, size_t n)
{
	static const char thin[] = "thin-pack", mask[] = "thinxpack";
	char *at = data, *end;

	if (s->ref_line == REF_LINE_NAMES && (at = memchr(data, 0, n)))
		s->ref_line = REF_LINE_CAPABILITIES;
	if (s->ref_line != REF_LINE_CAPABILITIES)
		return;
	n -= (size_t)(at - data);
	end = memchr(at, '\n', n);
	if (end) {
		n = (size_t)(end - at);
		s->ref_line = REF_LINE_DONE;
	}
	at = memmem(at, n, thin, strlen(thin));
	if (at)
		memcpy(at, mask, strlen(mask));
}

/*
 * Search for `sha256` and `shallow`, also across the boundary of two reads:
 * `tail` contains the end of the previous read.
 */
static void scan_advertisement(struct watched_stream *s, const char *data,
			       size_t n)
{
	size_t kept = s->tail_len, len = kept + n;
	char *both;

	if (s->n_scanned >= SHALLOW_BYTES_MAX || !n)
		return;
	both = xmalloc(len);
	memcpy(both, s->tail, kept);
	memcpy(both + kept, data, n);
	if (s->n_scanned < SHA256_BYTES_MAX &&
	    memmem(both, len, sha256, strlen(sha256)))
		connection_state.is_sha256 = true;
	if (memmem(both, len, shallow, strlen(shallow)))
		connection_state.is_shallow = true;
	s->tail_len = len < strlen(sha256) ? len : strlen(sha256) - 1;
	memcpy(s->tail, both + len - s->tail_len, s->tail_len);
	s->n_scanned += n;
	free(both);
}

static int watched_read(git_smart_subtransport_stream *stream, char *buffer,
			size_t size, size_t *got)
{
	struct watched_stream *s = (struct watched_stream *)stream;
	int ret = s->inner->read(s->inner, buffer, size, got);

	if (!ret && *got) {
		tree_worker_report_alive(connection_state.worker);
		scan_advertisement(s, buffer, *got);
		if (s->is_advertisement)
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
	struct monitored_transport *t = (struct monitored_transport *)
						s->parent.subtransport;

	s->inner->free(s->inner);
	if (t->stream == s)
		t->stream = NULL;
	free(s);
}

/*
 * Return the stream for an action.  If the inner transport returns the same
 * stream as for the previous action, return the same watched_stream, as libgit2
 * requires.
 */
static int watched_action(git_smart_subtransport_stream **out,
			  git_smart_subtransport *parent, const char *url,
			  git_smart_service_t action)
{
	struct monitored_transport *t = (struct monitored_transport *)parent;
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
		connection_state.is_sha256 = connection_state.is_shallow =
			false;
	s = xcalloc(1, sizeof(*s));
	s->parent.subtransport = &t->parent;
	s->parent.read = watched_read;
	s->parent.write = watched_write;
	s->parent.free = watched_free;
	s->inner = inner;
	s->is_advertisement = action == GIT_SERVICE_UPLOADPACK_LS;
	t->stream = s;
	*out = &s->parent;
	return 0;
}

static int watched_close(git_smart_subtransport *parent)
{
	struct monitored_transport *t = (struct monitored_transport *)parent;

	return t->inner->close(t->inner);
}

static void watched_release(git_smart_subtransport *parent)
{
	struct monitored_transport *t = (struct monitored_transport *)parent;

	t->inner->free(t->inner);
	free(t);
}

struct transport_scheme {
	const char *scheme;
	git_smart_subtransport_cb inner;
	git_smart_subtransport_definition definition;
};

static int make_watched(git_smart_subtransport **out, git_transport *owner,
			void *param)
{
	const struct transport_scheme *way = param;
	struct monitored_transport *t = xcalloc(1, sizeof(*t));
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

/* Schemes and their inner transports; 1 marks a stateless transport (HTTP). */
static struct transport_scheme ways[] = {
	{ "http", git_smart_subtransport_http, { make_watched, 1, &ways[0] } },
	{ "https", git_smart_subtransport_http, { make_watched, 1, &ways[1] } },
	{ "git", git_smart_subtransport_git, { make_watched, 0, &ways[2] } },
	{ "ssh", ssh_transport, { make_watched, 0, &ways[3] } },
	{ "git+ssh", ssh_transport, { make_watched, 0, &ways[4] } },
	{ "ssh+git", ssh_transport, { make_watched, 0, &ways[5] } },
};

/* Executes `git upload-pack` for a file URL. */
static struct transport_scheme upload_pack = {
	"file", ssh_transport, { make_watched, 0, &upload_pack }
};

int tree_transport_register(struct tree_worker *w, struct err *err)
{
	connection_state.worker = w;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int ret = git_transport_register(ways[i].scheme,
						 git_transport_smart,
						 &ways[i].definition);

		if (ret && ret != GIT_EEXISTS)
			return err_set(err, EIO,
				       "libgit2: cannot register the "
				       "transport %s",
				       ways[i].scheme);
	}
	return 0;
}

bool tree_transport_is_sha256(void)
{
	return connection_state.is_sha256;
}

bool tree_transport_is_shallow(void)
{
	return connection_state.is_shallow;
}

void tree_transport_use_upload_pack(const char *path)
{
	free(local_path);
	local_path = path ? xstrdup(path) : NULL;
	if (path)
		git_transport_register(upload_pack.scheme, git_transport_smart,
				       &upload_pack.definition);
	else
		git_transport_unregister(upload_pack.scheme);
}
