/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ssh starts a shell that reads the script from stdin, evaluates it, and leaves
 * the rest of stdin to the script.  The first line of the script's output is
 * START_MARKER; lines before it belong to the login.  Input for the script is
 * sent only after the marker.  The session ends when stdout and stderr of ssh
 * are closed, or when ssh exits.
 */
#include "admin/remote-script.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "node/transport-child.h"

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

#define IDLE_TIMEOUT_MS   120000
#define CANCEL_POLL_MS    100 /* interval of the checks of `cancel` */
#define OUTPUT_MAX        (1u << 20)
#define SCRIPT_STDERR_MAX (1u << 16) /* the last part is retained */
#define SSH_FAILED        255 /* ssh(1), EXIT STATUS */
#define START_MARKER      "kfarm:begun"

/*
 * Text before the script.  The braces make the shell parse the whole script
 * before it runs the first command of the script.
 */
static const char preamble[] =
	"LC_ALL=C\n"
	"PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
	"/sbin:/bin\n"
	"export LC_ALL PATH\n"
	"umask 022\n"
	"echo " START_MARKER "\n"
	"{\n";
static const char epilogue[] = "\n}\n";

enum {
	SSH_STDIN, /* stdin of ssh */
	SSH_STDOUT,
	SSH_STDERR, /* stderr of ssh */
	/*
	 * pidfd of ssh; polled because background processes of ssh can hold
	 * the other descriptors open
	 */
	SSH_PIDFD,
	N_SSH_FDS
};

struct admin_remote_script_session {
	const struct admin_remote_script *request;
	struct pollfd fd[N_SSH_FDS]; /* -1: closed */
	struct buf send;
	bool input_closed; /* no input follows */
	struct buf partial_line; /* incomplete line */
	bool started;
	struct buf login_output; /* output before the marker */
	struct buf stderr_text;
	struct buf *out;
	size_t n_received_bytes;
	uint64_t deadline_ms;
};

void admin_remote_script_send(struct admin_remote_script_session *t,
			      struct bytes in)
{
	buf_add_bytes(&t->send, in);
}

void admin_remote_script_close_input(struct admin_remote_script_session *t)
{
	t->input_closed = true;
}

static void close_ssh_fd(struct pollfd *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/*
 * Start ssh with a command that reads the script from the queued input.
 * Returns 0 and *pid, or -errno.  The descriptors are in t->fd, also after an
 * error.
 */
static int start_ssh(struct admin_remote_script_session *t, pid_t *pid,
		     struct err *err)
{
	char *command;
	char *argv[] = {
		"ssh",
		"-T",
		t->request->interactive ? "-oBatchMode=no" : "-oBatchMode=yes",
		"-oConnectTimeout=10",
		"-oServerAliveInterval=5",
		"-oServerAliveCountMax=6",
		(char *)t->request->ssh,
		NULL, /* the command */
		NULL,
	};
	/*
	 * To ask for a password, ssh must be in the foreground process group.
	 */
	struct spawn what = { .argv = argv,
			      .stdio_fds = { -1, -1, -1 },
			      .own_group = !t->request->interactive,
			      .killed_with_parent = true };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, words[2] = { -1, -1 };
	int ret;

	buf_add_str(&t->send, preamble);
	buf_add_bytes(&t->send, t->request->script);
	buf_add_str(&t->send, epilogue);
	/*
	 * dd reads single bytes, so that it does not consume the script's
	 * input.
	 */
	command = xasprintf("exec sh -c 'kfarm_script=$(dd bs=1 count=%zu "
			    "2>/dev/null); eval \"$kfarm_script\"'",
			    t->send.len);
	argv[ARRAY_SIZE(argv) - 2] = command;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) ||
	    pipe2(out, O_CLOEXEC) || pipe2(words, O_CLOEXEC)) {
		ret = err_errno(err, "pipe");
	} else {
		what.stdio_fds[0] = in[1];
		what.stdio_fds[1] = out[1];
		what.stdio_fds[2] = words[1];
		ret = spawn_start(&what, pid, err);
	}
	t->fd[SSH_STDIN].fd = in[0];
	t->fd[SSH_STDOUT].fd = out[0];
	t->fd[SSH_STDERR].fd = words[0];
	if (!ret)
		t->fd[SSH_PIDFD].fd = pidfd_open(*pid, 0);
	for (int i = 0; i < 3; i++) {
		if (what.stdio_fds[i] >= 0)
			close(what.stdio_fds[i]);
	}
	free(command);
	return ret;
}

static int handle_script_line(struct admin_remote_script_session *t,
			      const char *line, struct err *err)
{
	bool is_marker = !strcmp(line, START_MARKER);

	/* A script that restarts as another user repeats the marker. */
	if (is_marker && t->started)
		return 0;
	if (is_marker) {
		t->started = true;
		if (!t->request->on_line) {
			admin_remote_script_send(t, t->request->input);
			admin_remote_script_close_input(t);
		}
		if (t->request->on_sent)
			t->request->on_sent(t->request->sent_ctx, t->send.len);
		return 0;
	}
	if (!t->started) {
		buf_printf(&t->login_output, "%s\n", line);
		return 0;
	}
	if (t->out)
		buf_printf(t->out, "%s\n", line);
	return t->request->on_line ?
		       t->request->on_line(t->request->line_ctx, t, line, err) :
		       0;
}

static int handle_script_output(struct admin_remote_script_session *t,
				const char *data, size_t n, struct err *err)
{
	int ret = 0;

	t->n_received_bytes += n;
	if (t->n_received_bytes > OUTPUT_MAX)
		return err_set(err, EMSGSIZE, "script output exceeds %u bytes",
			       OUTPUT_MAX);
	for (const char *nl; n && !ret; data = nl + 1) {
		nl = memchr(data, '\n', n);
		buf_add(&t->partial_line, data, nl ? (size_t)(nl - data) : n);
		if (!nl)
			break;
		n -= (size_t)(nl - data) + 1;
		ret = handle_script_line(t, buf_str(&t->partial_line), err);
		buf_reset(&t->partial_line);
	}
	return ret;
}

/* Handle a last line that lacks its newline. */
static int finish_script_output(struct admin_remote_script_session *t,
				struct err *err)
{
	int ret = t->partial_line.len ?
			  handle_script_line(t, buf_str(&t->partial_line),
					     err) :
			  0;

	buf_reset(&t->partial_line);
	return ret;
}

/* Read from stdout or stderr of ssh.  Returns 0 or -errno. */
static int read_ssh_fd(struct admin_remote_script_session *t, int which,
		       struct err *err)
{
	char block[1 << 14];
	ssize_t n = read(t->fd[which].fd, block, sizeof(block));

	if (n < 0)
		return errno == EINTR ? 0 : err_errno(err, "read from ssh");
	if (n == 0) {
		close_ssh_fd(&t->fd[which]);
		return which == SSH_STDOUT ? finish_script_output(t, err) : 0;
	}
	if (which == SSH_STDOUT)
		return handle_script_output(t, block, (size_t)n, err);
	buf_add(&t->stderr_text, block, (size_t)n);
	if (t->stderr_text.len > SCRIPT_STDERR_MAX)
		buf_consume(&t->stderr_text,
			    t->stderr_text.len - SCRIPT_STDERR_MAX);
	return 0;
}

static int handle_ssh_fds(struct admin_remote_script_session *t,
			  struct err *err)
{
	ssize_t n;
	int ret = 0;

	for (int i = SSH_STDOUT; i <= SSH_STDERR && !ret; i++) {
		if (t->fd[i].revents)
			ret = read_ssh_fd(t, i, err);
	}
	if (!ret && t->fd[SSH_STDIN].fd >= 0 && t->fd[SSH_STDIN].revents &&
	    t->send.len) {
		n = send(t->fd[SSH_STDIN].fd, t->send.data, t->send.len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			buf_consume(&t->send, (size_t)n);
			if (t->started && t->request->on_sent)
				t->request->on_sent(t->request->sent_ctx,
						    t->send.len);
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			/*
			 * ssh has closed its stdin.  Do not report the failed
			 * write, because the output of ssh contains the reason.
			 */
			buf_reset(&t->send);
			close_ssh_fd(&t->fd[SSH_STDIN]);
		}
	}
	/*
	 * Do not close stdin until `input_closed` is set, because more input
	 * can be queued until then.
	 */
	if (t->fd[SSH_STDIN].fd >= 0 && t->input_closed && !t->send.len)
		close_ssh_fd(&t->fd[SSH_STDIN]);
	return ret;
}

/* Run until both outputs are closed or ssh has exited. */
static int run_ssh_loop(struct admin_remote_script_session *t, struct err *err)
{
	const atomic_bool *stop = t->request->cancel;
	unsigned quiet = t->request->idle_timeout_ms ?
				 t->request->idle_timeout_ms :
				 IDLE_TIMEOUT_MS;
	int ret = 0;

	t->deadline_ms = clock_ms() + quiet;
	while (!ret &&
	       (t->fd[SSH_STDOUT].fd >= 0 || t->fd[SSH_STDERR].fd >= 0)) {
		if (stop && atomic_load(stop))
			return err_set(err, EINTR, "interrupted");
		if (clock_ms() >= t->deadline_ms)
			return err_set(err, ETIMEDOUT,
				       "no answer from %s within %u s",
				       t->request->ssh, quiet / 1000);
		t->fd[SSH_STDIN].events = t->send.len ? POLLOUT : 0;
		if (poll(t->fd, N_SSH_FDS, CANCEL_POLL_MS) <= 0)
			continue;
		if (t->fd[SSH_STDOUT].revents || t->fd[SSH_STDERR].revents ||
		    (t->fd[SSH_STDIN].revents & POLLOUT))
			t->deadline_ms = clock_ms() + quiet;
		if (t->fd[SSH_PIDFD].revents && !t->fd[SSH_STDOUT].revents &&
		    !t->fd[SSH_STDERR].revents)
			return finish_script_output(t, err);
		ret = handle_ssh_fds(t, err);
		/* Stop polling a descriptor that hung up. */
		if (t->fd[SSH_STDIN].fd >= 0 &&
		    (t->fd[SSH_STDIN].revents & POLLHUP))
			close_ssh_fd(&t->fd[SSH_STDIN]);
	}
	return ret;
}

/* Explain the exit status of ssh or the script. */
static int explain_ssh_exit(const struct admin_remote_script_session *t,
			    int status, struct err *err)
{
	const struct node_address address = { NODE_ADDRESS_SSH,
					      (char *)t->request->ssh };
	char *why = node_transport_child_last_line(&t->stderr_text), *advice;

	if (!why && !t->started)
		why = node_transport_child_last_line(&t->login_output);
	if (!why)
		why = spawn_status_text(status);
	advice = t->started ? xstrdup(why) :
			      node_transport_child_explain(why, &t->stderr_text,
							   &address);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SSH_FAILED &&
	    t->started)
		err_set(err, EIO, "connection lost: %s", advice);
	else
		err_set(err, EIO, "%s", advice);
	free(advice);
	free(why);
	return t->started ? -EIO : -EHOSTUNREACH;
}

int admin_remote_script_run(const struct admin_remote_script *r,
			    struct buf *out, struct err *err)
{
	struct admin_remote_script_session t = { .request = r, .out = out };
	pid_t pid = 0;
	int status = 0, ret;

	for (int i = 0; i < N_SSH_FDS; i++)
		t.fd[i] = (struct pollfd){ -1, POLLIN, 0 };
	ret = start_ssh(&t, &pid, err);
	if (!ret)
		ret = run_ssh_loop(&t, err);
	if (pid && ret)
		kill(r->interactive ? pid : -pid, SIGTERM);
	if (pid)
		status = r->interactive ? spawn_wait(pid) :
					  node_transport_child_stop(pid);
	if (!ret && (status || !t.started))
		ret = explain_ssh_exit(&t, status, err);
	if (ret)
		err_wrap(err, "node %s", r->name);
	for (int i = 0; i < N_SSH_FDS; i++)
		close_ssh_fd(&t.fd[i]);
	buf_release(&t.send);
	buf_release(&t.partial_line);
	buf_release(&t.login_output);
	buf_release(&t.stderr_text);
	return ret;
}
