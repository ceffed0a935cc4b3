/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/remote.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "node/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUIET_MS   120000
#define TICK_MS    100 /* how soon `stop` is seen */
#define OUTPUT_MAX (1u << 20)
#define WORDS_MAX  (1u << 16) /* of standard error; the end is what counts */
#define SSH_FAILED 255 /* ssh(1), EXIT STATUS */
#define BEGUN      "kfarm:begun"

/* In front of the script; the braces make it whole or nothing. */
static const char preamble[] =
	"LC_ALL=C\n"
	"PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
	"/sbin:/bin\n"
	"export LC_ALL PATH\n"
	"umask 022\n"
	"echo " BEGUN "\n"
	"{\n";
static const char epilogue[] = "\n}\n";

enum {
	TO, /* its standard input */
	FROM,
	WORDS, /* its standard error */
	ENDED, /* ssh itself: what it leaves in the background may hold these */
	N_ENDS
};

struct node_remote_talk {
	const struct node_remote *r;
	struct pollfd fd[N_ENDS]; /* -1: closed */
	struct buf send;
	bool ends; /* no input comes behind that */
	struct buf line; /* the beginning of one */
	bool begun;
	struct buf noise; /* what was printed before */
	struct buf words;
	struct buf *out;
	size_t received;
	uint64_t deadline;
};

void node_remote_send(struct node_remote_talk *t, struct bytes in)
{
	buf_add_bytes(&t->send, in);
}

void node_remote_end_input(struct node_remote_talk *t)
{
	t->ends = true;
}

static void close_end_of_ssh(struct pollfd *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* What is sent first: the script, for which the far shell waits. */
static char *queue_script(struct node_remote_talk *t)
{
	buf_add_str(&t->send, preamble);
	buf_add_bytes(&t->send, t->r->script);
	buf_add_str(&t->send, epilogue);
	/* One byte at a time, so that the rest is left for the script. */
	return xasprintf("exec sh -c 'kfarm_script=$(dd bs=1 count=%zu "
			 "2>/dev/null); eval \"$kfarm_script\"'",
			 t->send.len);
}

static int start_ssh(struct node_remote_talk *t, pid_t *pid, struct err *err)
{
	char *command = queue_script(t);
	char *const argv[] = {
		"ssh",
		"-T",
		t->r->asks ? "-oBatchMode=no" : "-oBatchMode=yes",
		"-oConnectTimeout=10",
		"-oServerAliveInterval=5",
		"-oServerAliveCountMax=6",
		(char *)t->r->ssh,
		command,
		NULL,
	};
	/* Who may ask a question must be in the terminal's foreground. */
	struct spawn what = { .argv = argv,
			      .fd = { -1, -1, -1 },
			      .own_group = !t->r->asks,
			      .dies_with_us = true };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, words[2] = { -1, -1 };
	int ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) ||
	    pipe2(out, O_CLOEXEC) || pipe2(words, O_CLOEXEC)) {
		ret = err_errno(err, "pipe");
	} else {
		what.fd[0] = in[1];
		what.fd[1] = out[1];
		what.fd[2] = words[1];
		ret = spawn_start(&what, pid, err);
	}
	t->fd[TO].fd = in[0];
	t->fd[FROM].fd = out[0];
	t->fd[WORDS].fd = words[0];
	if (!ret)
		t->fd[ENDED].fd = pidfd_open(*pid, 0);
	for (int i = 0; i < 3; i++) {
		if (what.fd[i] >= 0)
			close(what.fd[i]);
	}
	free(command);
	return ret;
}

/* Not once more for a script that began again as somebody else. */
static void begin_talk(struct node_remote_talk *t)
{
	if (t->begun)
		return;
	t->begun = true;
	if (!t->r->on_line) {
		node_remote_send(t, t->r->input);
		node_remote_end_input(t);
	}
	if (t->r->on_sent)
		t->r->on_sent(t->r->sent_ctx, t->send.len);
}

static int take_script_line(struct node_remote_talk *t, const char *line,
			    struct err *err)
{
	if (!strcmp(line, BEGUN)) {
		begin_talk(t);
		return 0;
	}
	if (!t->begun) {
		buf_printf(&t->noise, "%s\n", line);
		return 0;
	}
	if (t->out)
		buf_printf(t->out, "%s\n", line);
	return t->r->on_line ? t->r->on_line(t->r->ctx, t, line, err) : 0;
}

static int take_script_output(struct node_remote_talk *t, const char *data,
			      size_t n, struct err *err)
{
	int ret = 0;

	t->received += n;
	if (t->received > OUTPUT_MAX)
		return err_set(err, EMSGSIZE, "it prints more than %u bytes",
			       OUTPUT_MAX);
	for (const char *nl; n && !ret; data = nl + 1) {
		nl = memchr(data, '\n', n);
		buf_add(&t->line, data, nl ? (size_t)(nl - data) : n);
		if (!nl)
			break;
		n -= (size_t)(nl - data) + 1;
		ret = take_script_line(t, buf_str(&t->line), err);
		buf_reset(&t->line);
	}
	return ret;
}

/* A last line without its end counts as well. */
static int end_output(struct node_remote_talk *t, struct err *err)
{
	int ret = t->line.len ? take_script_line(t, buf_str(&t->line), err) : 0;

	buf_reset(&t->line);
	return ret;
}

static int read_end(struct node_remote_talk *t, int which, struct err *err)
{
	char block[1 << 14];
	ssize_t n = read(t->fd[which].fd, block, sizeof(block));

	if (n < 0)
		return errno == EINTR ? 0 : err_errno(err, "ssh");
	if (n == 0) {
		close_end_of_ssh(&t->fd[which]);
		return which == FROM ? end_output(t, err) : 0;
	}
	if (which == FROM)
		return take_script_output(t, block, (size_t)n, err);
	buf_add(&t->words, block, (size_t)n);
	if (t->words.len > WORDS_MAX)
		buf_consume(&t->words, t->words.len - WORDS_MAX);
	return 0;
}

/* Who reads no more has a reason, which comes on the other ends. */
static void write_end(struct node_remote_talk *t)
{
	ssize_t n = send(t->fd[TO].fd, t->send.data, t->send.len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0) {
		buf_consume(&t->send, (size_t)n);
		if (t->begun && t->r->on_sent)
			t->r->on_sent(t->r->sent_ctx, t->send.len);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		buf_reset(&t->send);
		close_end_of_ssh(&t->fd[TO]);
	}
}

static int serve_ends(struct node_remote_talk *t, struct err *err)
{
	int ret = 0;

	for (int i = FROM; i <= WORDS && !ret; i++) {
		if (t->fd[i].revents)
			ret = read_end(t, i, err);
	}
	if (!ret && t->fd[TO].fd >= 0 && t->fd[TO].revents && t->send.len)
		write_end(t);
	/* Not before it was begun: then more may follow. */
	if (t->fd[TO].fd >= 0 && t->ends && !t->send.len)
		close_end_of_ssh(&t->fd[TO]);
	return ret;
}

static bool over(const struct node_remote_talk *t)
{
	return t->fd[ENDED].revents && !t->fd[FROM].revents &&
	       !t->fd[WORDS].revents;
}

/* Until both outputs have ended, or ssh has. */
static int talk_with_ssh(struct node_remote_talk *t, struct err *err)
{
	const atomic_bool *stop = t->r->stop;
	unsigned quiet = t->r->quiet_ms ? t->r->quiet_ms : QUIET_MS;
	int ret = 0;

	t->deadline = clock_ms() + quiet;
	while (!ret && (t->fd[FROM].fd >= 0 || t->fd[WORDS].fd >= 0)) {
		if (stop && atomic_load(stop))
			return err_set(err, EINTR, "interrupted");
		if (clock_ms() >= t->deadline)
			return err_set(err, ETIMEDOUT,
				       "no answer from %s within %u s",
				       t->r->ssh, quiet / 1000);
		t->fd[TO].events = t->send.len ? POLLOUT : 0;
		if (poll(t->fd, N_ENDS, TICK_MS) <= 0)
			continue;
		if (t->fd[FROM].revents || t->fd[WORDS].revents ||
		    (t->fd[TO].revents & POLLOUT))
			t->deadline = clock_ms() + quiet;
		if (over(t))
			return end_output(t, err);
		ret = serve_ends(t, err);
		/* A descriptor that hung up has nothing to wait for. */
		if (t->fd[TO].fd >= 0 && (t->fd[TO].revents & POLLHUP))
			close_end_of_ssh(&t->fd[TO]);
	}
	return ret;
}

/* Why ssh, or the script, ended with this status. */
static int explain_end(const struct node_remote_talk *t, int status,
		       struct err *err)
{
	const struct node_address address = { NODE_SSH, (char *)t->r->ssh };
	char *why = node_command_last_line(&t->words), *advice;

	if (!why && !t->begun)
		why = node_command_last_line(&t->noise);
	if (!why)
		why = spawn_status_text(status);
	advice = t->begun ? xstrdup(why) :
			    node_command_advise(why, &t->words, &address);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SSH_FAILED && t->begun)
		err_set(err, EIO, "the connection broke: %s", advice);
	else
		err_set(err, EIO, "%s", advice);
	free(advice);
	free(why);
	return t->begun ? -EIO : -EHOSTUNREACH;
}

static int end_ssh(const struct node_remote_talk *t, pid_t pid, bool whole)
{
	if (!whole)
		kill(t->r->asks ? pid : -pid, SIGTERM);
	return t->r->asks ? spawn_wait(pid) : node_command_end(pid);
}

int node_remote_run(const struct node_remote *r, struct buf *out,
		    struct err *err)
{
	struct node_remote_talk t = { .r = r, .out = out };
	pid_t pid = 0;
	int status = 0, ret;

	for (int i = 0; i < N_ENDS; i++)
		t.fd[i] = (struct pollfd){ -1, POLLIN, 0 };
	ret = start_ssh(&t, &pid, err);
	if (!ret)
		ret = talk_with_ssh(&t, err);
	if (pid)
		status = end_ssh(&t, pid, !ret);
	if (!ret && (status || !t.begun))
		ret = explain_end(&t, status, err);
	if (ret)
		err_wrap(err, "node %s", r->name);
	for (int i = 0; i < N_ENDS; i++)
		close_end_of_ssh(&t.fd[i]);
	buf_release(&t.send);
	buf_release(&t.line);
	buf_release(&t.noise);
	buf_release(&t.words);
	return ret;
}
