/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/listen.h"

#include "agent/agent.h"
#include "agent/session.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SESSIONS_MAX 64
#define BACKLOG      64
#define REST_S       1 /* when no descriptor is left for accept() */

struct agent_listen {
	struct agent *agent;
	char *path;
	char *lock_path;
	int lock;
	int fd;
	struct event *ready;
	struct event *rest;
};

/* The lock file's own name may have been removed while we opened it. */
static int take_lock(struct agent_listen *l, struct err *err)
{
	do
		l->lock = fs_lock(AT_FDCWD, l->lock_path, O_RDWR | O_CREAT,
				  LOCK_EX | LOCK_NB);
	while (l->lock == -EAGAIN);
	if (l->lock == -EBUSY)
		return err_set(err, EADDRINUSE,
			       "%s: another kfarmd listens there", l->path);
	return l->lock < 0 ? err_set(err, -l->lock, "%s: %s", l->lock_path,
				     strerror(-l->lock)) :
			     0;
}

static bool somebody_answers(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool there;

	if (fd < 0)
		return true;
	there = !connect(fd, (const struct sockaddr *)at, sizeof(*at)) ||
		errno == EAGAIN;
	close(fd);
	return there;
}

static int clear_path(struct agent_listen *l, const struct sockaddr_un *at,
		      struct err *err)
{
	struct stat st;

	if (lstat(l->path, &st))
		return errno == ENOENT ? 0 : err_errno(err, "%s", l->path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, EEXIST, "%s: there, and not a socket",
			       l->path);
	if (somebody_answers(at))
		return err_set(err, EADDRINUSE, "%s: somebody listens there",
			       l->path);
	if (unlink(l->path))
		return err_errno(err, "remove %s", l->path);
	return 0;
}

static int bind_path(struct agent_listen *l, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t before;
	int ret;

	if (!l->path[0] || strlen(l->path) >= sizeof(at.sun_path))
		return err_set(err, ENAMETOOLONG,
			       "%s: a socket's path has 1 to %zu bytes",
			       l->path, sizeof(at.sun_path) - 1);
	strcpy(at.sun_path, l->path);
	ret = take_lock(l, err);
	if (!ret)
		ret = clear_path(l, &at, err);
	if (ret)
		return ret;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return err_errno(err, "socket");
	before = umask(0177);
	ret = bind(l->fd, (struct sockaddr *)&at, sizeof(at));
	umask(before);
	if (ret || listen(l->fd, BACKLOG))
		return err_errno(err, "listen at %s", l->path);
	return 0;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct agent_listen *l = arg;
	struct timeval rest = { .tv_sec = REST_S };
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (peer >= 0 && l->agent->n_sessions >= SESSIONS_MAX) {
		log_warning("more than %d conversations at once", SESSIONS_MAX);
		close(peer);
	} else if (peer >= 0) {
		agent_session_start(l->agent, peer, peer);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* Or the loop would spin on a socket that stays ready. */
		log_warning("accept: %s", strerror(errno));
		event_del(l->ready);
		event_add(l->rest, &rest);
	}
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct agent_listen *l = arg;

	(void)fd;
	(void)what;
	event_add(l->ready, NULL);
}

int agent_listen_new(struct agent_listen **out, struct agent *a,
		     const char *path, struct err *err)
{
	struct agent_listen *l = xcalloc(1, sizeof(*l));
	int ret;

	*l = (struct agent_listen){
		.agent = a,
		.path = xstrdup(path),
		.lock_path = xasprintf("%s.lock", path),
		.lock = -1,
		.fd = -1,
	};
	ret = bind_path(l, err);
	if (ret) {
		/* What stands at the path is not ours. */
		free(l->path);
		l->path = NULL;
		agent_listen_free(l);
		return ret;
	}
	l->ready = event_new(a->base, l->fd, EV_READ | EV_PERSIST, on_ready, l);
	l->rest = evtimer_new(a->base, on_rested, l);
	if (!l->ready || !l->rest || event_add(l->ready, NULL))
		str_out_of_memory();
	*out = l;
	return 0;
}

void agent_listen_free(struct agent_listen *l)
{
	if (l->ready)
		event_free(l->ready);
	if (l->rest)
		event_free(l->rest);
	if (l->fd >= 0)
		close(l->fd);
	if (l->path) {
		unlink(l->path);
		unlink(l->lock_path);
	}
	if (l->lock >= 0)
		close(l->lock);
	free(l->lock_path);
	free(l->path);
	free(l);
}
