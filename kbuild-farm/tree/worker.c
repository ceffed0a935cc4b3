/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/worker.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS            100
#define REPORT_EACH_MS     100
#define SILENCE_MAX_S      60
#define STOP_MAX_MS        2000 /* from SIGTERM to SIGKILL */
#define EXIT_REPORT_FAILED 1

enum message_kind {
	MESSAGE_PROGRESS,
	MESSAGE_ALIVE, /* data arrived, or network_wait or prompting changed */
	MESSAGE_NOTE, /* text */
	MESSAGE_REMOTE, /* text: the URL */
	MESSAGE_RESULT, /* ret and text */
};

/* Smaller than PIPE_BUF, so that messages are written and read atomically. */
struct message {
	enum message_kind kind;
	enum tree_phase phase;
	bool network_wait; /* the timeout for a silent server applies */
	bool prompting; /* another program uses the terminal */
	uint64_t done, total;
	int ret;
	char text[ERR_TEXT_MAX];
};

struct tree_worker {
	int fd;
	bool network_wait;
	enum tree_phase phase;
	uint64_t reported_ms; /* time of the last message */
};

static const char *const phase_names[] = {
	[TREE_PHASE_CONNECTING] = "connecting",
	[TREE_PHASE_NEGOTIATING] = "negotiating with the server",
	[TREE_PHASE_COUNTING] = "counting objects",
	[TREE_PHASE_RECEIVING] = "receiving objects",
	[TREE_PHASE_RESOLVING] = "resolving deltas",
	[TREE_PHASE_READING] = "reading files",
	[TREE_PHASE_BRANCHES] = "updating branches",
	[TREE_PHASE_MEASURING] = "measuring disk usage",
};

/* ---- child ---- */

static void send_to_parent(struct tree_worker *w, const struct message *m)
{
	while (write(w->fd, m, sizeof(*m)) < 0 && errno == EINTR)
		;
	w->reported_ms = clock_ms();
}

void tree_worker_report_progress(struct tree_worker *w, enum tree_phase phase,
				 uint64_t done, uint64_t total)
{
	struct message m = { .kind = MESSAGE_PROGRESS,
			     .phase = phase,
			     .network_wait = w->network_wait,
			     .done = done,
			     .total = total };

	if (phase == w->phase && clock_ms() - w->reported_ms < REPORT_EACH_MS)
		return;
	w->phase = phase;
	send_to_parent(w, &m);
}

void tree_worker_begin_remote(struct tree_worker *w, const char *url)
{
	struct message m = { .kind = MESSAGE_REMOTE,
			     .network_wait = w->network_wait };

	snprintf(m.text, sizeof(m.text), "%s", url);
	send_to_parent(w, &m);
}

void tree_worker_report_alive(struct tree_worker *w)
{
	struct message m = { .kind = MESSAGE_ALIVE,
			     .network_wait = w->network_wait };

	if (clock_ms() - w->reported_ms >= REPORT_EACH_MS)
		send_to_parent(w, &m);
}

void tree_worker_set_network_wait(struct tree_worker *w, bool waiting)
{
	struct message m = { .kind = MESSAGE_ALIVE, .network_wait = waiting };

	w->network_wait = waiting;
	send_to_parent(w, &m);
}

void tree_worker_set_prompting(struct tree_worker *w, bool prompting)
{
	struct message m = { .kind = MESSAGE_ALIVE,
			     .network_wait = w->network_wait && !prompting,
			     .prompting = prompting };

	send_to_parent(w, &m);
}

void tree_worker_report_note(struct tree_worker *w, const char *fmt, ...)
{
	struct message m = { .kind = MESSAGE_NOTE,
			     .network_wait = w->network_wait };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m.text, sizeof(m.text), fmt, ap);
	va_end(ap);
	send_to_parent(w, &m);
}

/* the last signal that on_deferred() has received, or 0 */
static volatile sig_atomic_t deferred_signal;

static void on_deferred(int number)
{
	deferred_signal = number;
}

/* Without SA_RESTART, a handler interrupts a blocking system call. */
static void handle_signals(void (*handler)(int))
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction sa = { .sa_handler = handler };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (!spawn_is_ignored(numbers[i]))
			sigaction(numbers[i], &sa, NULL);
	}
}

void tree_worker_defer_signals(void)
{
	handle_signals(on_deferred);
}

bool tree_worker_is_interrupted(void)
{
	return deferred_signal != 0;
}

void tree_worker_deliver_signals(void)
{
	handle_signals(SIG_DFL);
	if (deferred_signal)
		raise(deferred_signal);
}

static void run_work(int fd, pid_t parent, tree_work_fn *fn, void *arg)
{
	struct tree_worker w = { .fd = fd };
	struct message m = { .kind = MESSAGE_RESULT };
	struct err err = { 0 };

	handle_signals(SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_REPORT_FAILED);
	m.ret = fn(&w, arg, &err);
	memcpy(m.text, err.text, sizeof(m.text));
	send_to_parent(&w, &m);
	/* Do not flush copies of the parent's stdio buffers. */
	_exit(0);
}

/* ---- parent ---- */

struct child_wait {
	const struct tree_observer *watch;
	int fd;
	bool network_wait, prompting, ended;
	uint64_t received_ms;
	char remote[ERR_TEXT_MAX]; /* URL, or "" before the first remote */
	struct message result;
};

static void receive_message(struct child_wait *f)
{
	const struct tree_observer *watch = f->watch;
	struct message m;
	ssize_t n = read(f->fd, &m, sizeof(m));

	if (n != (ssize_t)sizeof(m)) {
		f->ended = n >= 0 || (errno != EINTR && errno != EAGAIN);
		return;
	}
	m.text[sizeof(m.text) - 1] = '\0';
	f->received_ms = clock_ms();
	f->network_wait = m.network_wait;
	f->prompting = m.prompting;
	if (m.kind == MESSAGE_RESULT) {
		f->result = m;
	} else if (m.kind == MESSAGE_REMOTE) {
		memcpy(f->remote, m.text, sizeof(f->remote));
		if (watch->n_remotes)
			++*watch->n_remotes;
	} else if (m.kind == MESSAGE_NOTE && watch->on_note) {
		watch->on_note(watch->ctx, m.text);
	} else if (m.kind == MESSAGE_PROGRESS && watch->on_progress) {
		watch->on_progress(watch->ctx,
				   m.phase < ARRAY_SIZE(phase_names) ?
					   phase_names[m.phase] :
					   "working",
				   m.done, m.total);
	}
}

/* Receive messages until the child ends.  Returns 0 or -errno. */
static int wait_for_child(struct child_wait *f, struct err *err)
{
	const struct tree_observer *watch = f->watch;
	unsigned silence_s = watch->max_silence_s ? watch->max_silence_s :
						    SILENCE_MAX_S;

	while (!f->ended) {
		struct pollfd p = { f->fd, POLLIN, 0 };

		if (poll(&p, 1, TICK_MS) > 0)
			receive_message(f);
		if (watch->on_tick && !f->prompting)
			watch->on_tick(watch->ctx);
		if (watch->cancel && atomic_load(watch->cancel))
			return err_set(err, ECANCELED, "interrupted");
		if (f->network_wait &&
		    clock_ms() - f->received_ms >= silence_s * 1000ULL)
			return err_set(err, ETIMEDOUT,
				       "%s%sserver timeout: no data for %u s",
				       f->remote, *f->remote ? ": " : "",
				       silence_s);
	}
	return 0;
}

static int set_child_error(int status, struct err *err)
{
	char *text;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
		return err_set(err, ENOSPC,
			       "no space left on device, or an I/O error");
	text = spawn_status_text(status);
	err_set(err, EIO, "worker process failed: %s", text);
	free(text);
	return -EIO;
}

/*
 * Send SIGTERM until the child ends, because a signal that arrives just before
 * a system call does not interrupt it.  After STOP_MAX_MS, send SIGKILL.
 */
static void end_child(pid_t pid)
{
	for (int i = 0; i < STOP_MAX_MS / TICK_MS; i++) {
		kill(pid, SIGTERM);
		if (spawn_await_exit(pid, TICK_MS))
			return;
	}
	kill(pid, SIGKILL);
}

int tree_worker_run(const struct tree_observer *watch, tree_work_fn *fn,
		    void *arg, struct err *err)
{
	struct child_wait f = { .watch = watch,
				.received_ms = clock_ms(),
				.result = { .kind = MESSAGE_ALIVE } };
	pid_t parent = getpid(), pid;
	int ends[2], status, ret;

	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, "pipe");
	pid = fork();
	if (!pid)
		run_work(ends[1], parent, fn, arg);
	close(ends[1]);
	f.fd = ends[0];
	ret = pid < 0 ? err_errno(err, "fork") : wait_for_child(&f, err);
	if (pid > 0 && ret)
		end_child(pid);
	status = pid > 0 ? spawn_wait(pid) : 0;
	close(f.fd);
	if (ret)
		return ret;
	/*
	 * At a terminal, Ctrl-C also interrupts the child, which usually ends
	 * before this process checks *cancel.  Thus check *cancel before the
	 * status of the child.
	 */
	if (watch->cancel && atomic_load(watch->cancel))
		return err_set(err, ECANCELED, "interrupted");
	if (f.result.kind != MESSAGE_RESULT)
		return set_child_error(status, err);
	if (f.result.ret)
		memcpy(err->text, f.result.text, sizeof(err->text));
	return f.result.ret;
}
