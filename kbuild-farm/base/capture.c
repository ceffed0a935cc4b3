/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/capture.h"

#include "base/clock.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS  120000
#define LIMIT_MAX (64u << 20) /* bytes of each output */
#define TICK_MS   100 /* how soon `stop` is seen */

/* A program under way: two pipes, and the process itself. */
struct capture {
	struct pollfd fd[3]; /* out, err, the pidfd; -1: has ended */
	struct buf *to[2];
	const atomic_bool *stop;
	uint64_t deadline;
};

static int take(struct capture *a, int i)
{
	char block[1 << 14];
	ssize_t n = read(a->fd[i].fd, block, sizeof(block));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0) {
		close(a->fd[i].fd);
		a->fd[i].fd = -1;
		return 0;
	}
	if (a->to[i]->len + (size_t)n > LIMIT_MAX)
		return -EMSGSIZE;
	buf_add(a->to[i], block, (size_t)n);
	return 0;
}

/* Until both pipes and the process have ended. */
static int follow(struct capture *a)
{
	int ret = 0;

	while (!ret && (a->fd[0].fd >= 0 || a->fd[1].fd >= 0 ||
			(a->fd[2].fd >= 0 && !a->fd[2].revents))) {
		if (a->stop && atomic_load(a->stop))
			return -EINTR;
		if (clock_ms() >= a->deadline)
			return -ETIMEDOUT;
		if (poll(a->fd, 3, TICK_MS) <= 0)
			continue;
		for (int i = 0; i < 2 && !ret; i++) {
			if (a->fd[i].fd >= 0 && a->fd[i].revents)
				ret = take(a, i);
		}
		/* Its end alone must not make poll() return at once. */
		if (a->fd[2].fd >= 0 && a->fd[2].revents) {
			close(a->fd[2].fd);
			a->fd[2].fd = -1;
		}
	}
	return ret;
}

static int finish(pid_t pid, int ret, const char *name, struct err *err)
{
	int status;

	if (ret)
		kill(-pid, SIGKILL);
	status = spawn_wait(pid);
	if (ret)
		return err_set(err, -ret, "%s: %s", name, strerror(-ret));
	if (status) {
		char *text = spawn_status_text(status);

		err_set(err, EINVAL, "%s: %s", name, text);
		free(text);
		return -EINVAL;
	}
	return 0;
}

static int open_pipes(int out[2], int errors[2], struct err *err)
{
	if (pipe2(out, O_CLOEXEC))
		return err_errno(err, "pipe");
	if (pipe2(errors, O_CLOEXEC)) {
		err_errno(err, "pipe");
		close(out[0]);
		close(out[1]);
		return -EMFILE;
	}
	return 0;
}

int capture_run(void *stop, const char *cwd, char *const *argv,
		char *const *env, struct buf *out, struct buf *err_out,
		struct err *err)
{
	struct spawn what = { .argv = argv,
			      .env = env,
			      .cwd = cwd,
			      .own_group = true,
			      .dies_with_us = true };
	struct capture a = { .to = { out, err_out },
			     .stop = stop,
			     .deadline = clock_ms() + LIMIT_MS };
	int ends[2][2];
	pid_t pid;
	int ret = open_pipes(ends[0], ends[1], err);

	if (ret)
		return ret;
	what.fd[0] = -1;
	what.fd[1] = ends[0][1];
	what.fd[2] = ends[1][1];
	ret = spawn_start(&what, &pid, err);
	for (int i = 0; i < 2; i++) {
		close(ends[i][1]);
		a.fd[i] = (struct pollfd){ ends[i][0], POLLIN, 0 };
	}
	if (!ret) {
		a.fd[2] = (struct pollfd){ pidfd_open(pid, 0), POLLIN, 0 };
		ret = finish(pid, follow(&a), argv[0], err);
		if (a.fd[2].fd >= 0)
			close(a.fd[2].fd);
	}
	for (int i = 0; i < 2; i++) {
		if (a.fd[i].fd >= 0)
			close(a.fd[i].fd);
	}
	return ret;
}
