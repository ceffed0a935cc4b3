/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/listen.h"

#include "agent/acceptor.h"
#include "agent/agent.h"
#include "agent/session.h"
#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

struct agent_listen {
	struct agent *agent;
	char *path;
	char *lock_path;
	int lock;
	int fd; /* the acceptor's, once there is one */
	struct agent_acceptor *acceptor;
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

static void on_accepted(void *ctx, int fd)
{
	const struct agent_listen *l = ctx;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	bool known = !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	char *from = known ? xasprintf("process %d", (int)peer.pid) :
			     xstrdup("unknown");

	agent_session_start(l->agent, wire_io_of(fd, fd),
			    &(struct agent_caller){ .from = from });
	free(from);
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
	l->acceptor = agent_acceptor_new(a->base, l->fd, on_accepted, l);
	*out = l;
	return 0;
}

void agent_listen_free(struct agent_listen *l)
{
	if (l->acceptor)
		agent_acceptor_free(l->acceptor);
	else if (l->fd >= 0)
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
