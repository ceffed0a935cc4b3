/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/worker.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"

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

#define TICK_MS      100
#define SAY_EACH_MS  100
#define SILENCE_S    60
#define EXIT_IN_VAIN 1

enum kind {
	PROGRESS,
	ALIVE, /* nothing to show */
	NOTE, /* text */
	RESULT, /* ret and text */
};

/* Below PIPE_BUF, so that each is written and read whole. */
struct message {
	enum kind kind;
	enum tree_phase phase;
	bool network; /* a server is being waited for */
	bool asks; /* the terminal is somebody else's */
	uint64_t done, total;
	int ret;
	char text[ERR_TEXT_MAX];
};

struct tree_worker {
	int fd;
	bool network;
	enum tree_phase phase;
	uint64_t said_ms; /* when the parent heard of us */
};

const char *tree_worker_word(enum tree_phase phase)
{
	static const char *const words[] = {
		[TREE_CONNECTING] = "connecting",
		[TREE_NEGOTIATING] = "comparing with the server",
		[TREE_COUNTING] = "the server counts objects",
		[TREE_RECEIVING] = "receiving objects",
		[TREE_RESOLVING] = "resolving deltas",
		[TREE_READING] = "reading files",
		[TREE_BRANCHES] = "writing branches",
		[TREE_MEASURING] = "measuring",
	};

	return (size_t)phase < sizeof(words) / sizeof(*words) ? words[phase] :
								"working";
}

/* ------------------------------------------------------------ the child */

static void say(struct tree_worker *w, const struct message *m)
{
	while (write(w->fd, m, sizeof(*m)) < 0 && errno == EINTR)
		;
	w->said_ms = clock_ms();
}

void tree_worker_progress(struct tree_worker *w, enum tree_phase phase,
			  uint64_t done, uint64_t total)
{
	struct message m = { .kind = PROGRESS,
			     .phase = phase,
			     .network = w->network,
			     .done = done,
			     .total = total };

	if (phase == w->phase && clock_ms() - w->said_ms < SAY_EACH_MS)
		return;
	w->phase = phase;
	say(w, &m);
}

void tree_worker_alive(struct tree_worker *w)
{
	struct message m = { .kind = ALIVE, .network = w->network };

	if (clock_ms() - w->said_ms >= SAY_EACH_MS)
		say(w, &m);
}

void tree_worker_network(struct tree_worker *w, bool waits)
{
	struct message m = { .kind = ALIVE, .network = waits };

	w->network = waits;
	say(w, &m);
}

void tree_worker_asks(struct tree_worker *w, bool asks)
{
	struct message m = { .kind = ALIVE,
			     .network = w->network && !asks,
			     .asks = asks };

	say(w, &m);
}

void tree_worker_note(struct tree_worker *w, const char *fmt, ...)
{
	struct message m = { .kind = NOTE, .network = w->network };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m.text, sizeof(m.text), fmt, ap);
	va_end(ap);
	say(w, &m);
}

static void run_work(int fd, pid_t parent, tree_work *fn, void *arg)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct tree_worker w = { .fd = fd };
	struct message m = { .kind = RESULT };
	struct err err = { 0 };
	struct sigaction now;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (!sigaction(numbers[i], NULL, &now) &&
		    now.sa_handler != SIG_IGN)
			signal(numbers[i], SIG_DFL);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_IN_VAIN);
	m.ret = fn(&w, arg, &err);
	memcpy(m.text, err.text, sizeof(m.text));
	say(&w, &m);
	/* The buffers of stdio are the parent's. */
	_exit(0);
}

/* ----------------------------------------------------------- the parent */

struct following {
	const struct tree_watch *watch;
	int fd;
	bool network, asks, ended;
	uint64_t heard_ms;
	struct message result;
};

static void hear(struct following *f, const struct message *m)
{
	f->heard_ms = clock_ms();
	f->network = m->network;
	f->asks = m->asks;
	if (m->kind == RESULT)
		f->result = *m;
	else if (m->kind == NOTE && f->watch->note)
		f->watch->note(f->watch->ctx, m->text);
	else if (m->kind == PROGRESS && f->watch->progress)
		f->watch->progress(f->watch->ctx, tree_worker_word(m->phase),
				   m->done, m->total);
}

/* What is there to be read. */
static void listen_to_work(struct following *f)
{
	struct message m;
	ssize_t n = read(f->fd, &m, sizeof(m));

	if (n == (ssize_t)sizeof(m)) {
		m.text[sizeof(m.text) - 1] = '\0';
		hear(f, &m);
	} else if (n >= 0 || (errno != EINTR && errno != EAGAIN)) {
		f->ended = true;
	}
}

/* Until the child has closed its end: 0, -ECANCELED or -ETIMEDOUT. */
static int follow(struct following *f, struct err *err)
{
	const struct tree_watch *watch = f->watch;
	unsigned silence_s = watch->silence_s ? watch->silence_s : SILENCE_S;

	while (!f->ended) {
		struct pollfd p = { f->fd, POLLIN, 0 };

		if (poll(&p, 1, TICK_MS) > 0)
			listen_to_work(f);
		if (watch->tick && !f->asks)
			watch->tick(watch->ctx);
		if (watch->cancel && atomic_load(watch->cancel))
			return err_set(err, ECANCELED, "interrupted");
		if (f->network &&
		    clock_ms() - f->heard_ms >= silence_s * 1000ULL)
			return err_set(err, ETIMEDOUT,
				       "the server said nothing for %u s",
				       silence_s);
	}
	return 0;
}

static int explain_death(int status, struct err *err)
{
	char *text;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
		return err_set(err, ENOSPC,
			       "no space left on the device, or it fails");
	text = spawn_status_text(status);
	err_set(err, EIO, "the process that did it ended: %s", text);
	free(text);
	return -EIO;
}

int tree_worker_run(const struct tree_watch *watch, tree_work *fn, void *arg,
		    struct err *err)
{
	struct following f = { .watch = watch,
			       .heard_ms = clock_ms(),
			       .result = { .kind = ALIVE } };
	pid_t parent = getpid(), pid;
	int ends[2], status, ret;

	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, "pipe");
	pid = fork();
	if (!pid)
		run_work(ends[1], parent, fn, arg);
	close(ends[1]);
	f.fd = ends[0];
	ret = pid < 0 ? err_errno(err, "fork") : follow(&f, err);
	if (pid > 0 && ret)
		kill(pid, SIGKILL);
	status = pid > 0 ? spawn_wait(pid) : 0;
	close(f.fd);
	if (ret)
		return ret;
	/* Ctrl-C at a terminal ends the child as well, and first. */
	if (watch->cancel && atomic_load(watch->cancel))
		return err_set(err, ECANCELED, "interrupted");
	if (f.result.kind != RESULT)
		return explain_death(status, err);
	if (f.result.ret)
		*err = (struct err){ 0 };
	if (f.result.ret)
		memcpy(err->text, f.result.text, sizeof(err->text));
	return f.result.ret;
}
