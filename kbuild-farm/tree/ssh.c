/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/ssh.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "tree/url.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of what ssh and the other side have to say, this much is kept and told. */
#define COMPLAINT_MIB 1
#define TOLD_MAX      600

struct ssh {
	git_smart_subtransport parent;
	struct ssh_stream *stream; /* NULL: not connected */
};

struct ssh_stream {
	git_smart_subtransport_stream parent;
	pid_t pid; /* 0: it has ended */
	int in, out, complaints; /* descriptors, -1: none */
	char *host;
};

/* The path quoted for the shell there, as git does it. */
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

static void build_argv(const struct tree_url *url, struct strv *argv)
{
	const char *own = getenv("GIT_SSH_COMMAND");

	if (own && *own) {
		strv_add(argv, "/bin/sh");
		strv_add(argv, "-c");
		strv_addf(argv, "%s \"$@\"", own);
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

static void close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void end_program(struct ssh_stream *s)
{
	close_descriptor(&s->in);
	close_descriptor(&s->out);
	if (s->pid) {
		kill(s->pid, SIGTERM);
		spawn_wait(s->pid);
	}
	s->pid = 0;
}

/* The error of libgit2: what ssh said, and what to do. */
static int tell_complaints(struct ssh_stream *s)
{
	struct buf said = { 0 };
	struct err ignored;
	const char *text = "", *advice = "";
	size_t n;
	char *line;

	/* It may have more to say before it ends. */
	close_descriptor(&s->in);
	if (s->pid)
		spawn_wait(s->pid);
	s->pid = 0;
	if (!fs_memory_read(s->complaints, COMPLAINT_MIB << 20, &said,
			    &ignored))
		text = buf_str(&said);
	if (strstr(text, "Host key verification failed"))
		advice = "\n  its key is not in known_hosts, or not that one: "
			 "log in once with ssh and compare it";
	else if (strstr(text, "Permission denied"))
		advice = "\n  nothing is asked for: load the key into the "
			 "agent with `ssh-add`";
	n = strlen(text);
	if (n > TOLD_MAX)
		text += n - TOLD_MAX;
	n = strlen(text);
	while (n && strchr("\r\n ", text[n - 1]))
		n--;
	/* ssh ends its lines as a terminal in raw mode wants them. */
	for (char *c = (char *)said.data; c && *c; c++)
		*c = *c == '\r' ? ' ' : *c;
	line = xasprintf("ssh %s: %.*s%s", s->host, n ? (int)n : 99,
			 n ? text : "the connection ended", advice);
	git_error_set_str(GIT_ERROR_SSH, line);
	free(line);
	buf_release(&said);
	return -1;
}

static int stream_read(git_smart_subtransport_stream *stream, char *buffer,
		       size_t size, size_t *got)
{
	struct ssh_stream *s = (struct ssh_stream *)stream;
	ssize_t n;

	*got = 0;
	do
		n = read(s->out, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		git_error_set_str(GIT_ERROR_SSH, strerror(errno));
		return -1;
	}
	if (!n)
		return tell_complaints(s);
	*got = (size_t)n;
	return 0;
}

static int stream_write(git_smart_subtransport_stream *stream,
			const char *buffer, size_t len)
{
	struct ssh_stream *s = (struct ssh_stream *)stream;

	if (fs_write_all(s->in, bytes_of(buffer, len)))
		return tell_complaints(s);
	return 0;
}

static void stream_free(git_smart_subtransport_stream *stream)
{
	struct ssh_stream *s = (struct ssh_stream *)stream;
	struct ssh *owner = (struct ssh *)s->parent.subtransport;

	end_program(s);
	close_descriptor(&s->complaints);
	free(s->host);
	free(s);
	owner->stream = NULL;
}

static int start_program(struct ssh_stream *s, const struct tree_url *url,
			 struct err *err)
{
	struct spawn what = { .dies_with_us = true, .file_mib = COMPLAINT_MIB };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	struct strv argv = { 0 };
	int ret;

	build_argv(url, &argv);
	ret = fs_memory(bytes_str(""), &s->complaints, err);
	if (!ret && (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)))
		ret = err_errno(err, "pipe");
	if (!ret) {
		what.argv = argv.v;
		what.fd[0] = in[0];
		what.fd[1] = out[1];
		what.fd[2] = s->complaints;
		ret = spawn_start(&what, &s->pid, err);
	}
	close_descriptor(&in[0]);
	close_descriptor(&out[1]);
	s->in = in[1];
	s->out = out[0];
	strv_release(&argv);
	return ret;
}

static int connect_ssh(struct ssh *t, const char *text, struct err *err)
{
	struct ssh_stream *s = xcalloc(1, sizeof(*s));
	struct tree_url url;
	int ret;

	s->parent.subtransport = &t->parent;
	s->parent.read = stream_read;
	s->parent.write = stream_write;
	s->parent.free = stream_free;
	s->in = s->out = s->complaints = -1;
	t->stream = s;
	ret = tree_url_parse(&url, text, err);
	if (!ret && url.kind != TREE_URL_SSH)
		ret = err_set(err, EINVAL, "%s: not of ssh", text);
	if (!ret) {
		s->host = xstrdup(url.host);
		ret = start_program(s, &url, err);
	}
	tree_url_release(&url);
	if (ret)
		stream_free(&s->parent);
	return ret;
}

static int subtransport_action(git_smart_subtransport_stream **out,
			       git_smart_subtransport *parent, const char *url,
			       git_smart_service_t action)
{
	struct ssh *t = (struct ssh *)parent;
	struct err err = { 0 };

	*out = NULL;
	if (action != GIT_SERVICE_UPLOADPACK_LS &&
	    action != GIT_SERVICE_UPLOADPACK) {
		git_error_set_str(GIT_ERROR_SSH, "nothing is pushed");
		return -1;
	}
	if (!t->stream && connect_ssh(t, url, &err)) {
		git_error_set_str(GIT_ERROR_SSH, err.text);
		return -1;
	}
	*out = &t->stream->parent;
	return 0;
}

static int subtransport_close(git_smart_subtransport *parent)
{
	(void)parent;
	return 0;
}

static void subtransport_free(git_smart_subtransport *parent)
{
	struct ssh *t = (struct ssh *)parent;

	if (t->stream)
		stream_free(&t->stream->parent);
	free(t);
}

int tree_ssh_subtransport(git_smart_subtransport **out, git_transport *owner,
			  void *param)
{
	struct ssh *t = xcalloc(1, sizeof(*t));

	(void)owner;
	(void)param;
	t->parent.action = subtransport_action;
	t->parent.close = subtransport_close;
	t->parent.free = subtransport_free;
	*out = &t->parent;
	return 0;
}
