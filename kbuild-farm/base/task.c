/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/task.h"

#include "base/str.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct task {
	pthread_t thread;
	void (*fn)(void *arg);
	void *arg;
	int done[2]; /* the thread closes its end when it is through */
};

static void *task_main(void *arg)
{
	struct task *t = arg;

	t->fn(t->arg);
	close(t->done[1]);
	return NULL;
}

struct task *task_start(void (*fn)(void *arg), void *arg)
{
	struct task *t = xcalloc(1, sizeof(*t));
	sigset_t all, before;
	int failed;

	t->fn = fn;
	t->arg = arg;
	if (pipe2(t->done, O_CLOEXEC)) {
		free(t);
		return NULL;
	}
	/* Signals are the event loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&t->thread, NULL, task_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		close(t->done[0]);
		close(t->done[1]);
		free(t);
		return NULL;
	}
	return t;
}

int task_fd(const struct task *t)
{
	return t->done[0];
}

void task_join(struct task *t)
{
	pthread_join(t->thread, NULL);
	close(t->done[0]);
	free(t);
}
