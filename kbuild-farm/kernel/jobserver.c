/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/jobserver.h"

#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Any pipe holds that many bytes, and a farm has fewer slots. */
#define TOKENS_MAX 4096
#define HIGH_FD    100
#define ASK_MS     20000

/* The broker: from fork() on it makes system calls only. */
struct broker {
	int supply; /* write: tokens for make */
	int reclaim; /* read: the same pipe, to withdraw idle ones */
	int returns; /* read: tokens from make */
	int wake; /* kfarm; its end is kfarm's death */
	unsigned local; /* tokens without those of recipes that wait */
	unsigned most; /* with them */
	unsigned out; /* in the pipe and in make's hands */
	const atomic_uint *waiting;
};

static void balance(struct broker *b)
{
	unsigned want = b->local + (b->wake < 0 ? 0 : atomic_load(b->waiting));
	char tokens[TOKENS_MAX];
	ssize_t n;

	if (want > b->most)
		want = b->most;
	if (b->out > want) {
		/* Those in use are not handed out again when they come back. */
		n = read(b->reclaim, tokens, b->out - want);
		b->out -= n > 0 ? (unsigned)n : 0;
	} else if (b->out < want) {
		memset(tokens, '+', want - b->out);
		n = write(b->supply, tokens, want - b->out);
		b->out += n > 0 ? (unsigned)n : 0;
	}
}

/* Tokens in make's hands; more than these cannot come back. */
static unsigned in_use(const struct broker *b)
{
	int idle = 0;

	if (ioctl(b->reclaim, FIONREAD, &idle) || idle < 0)
		return b->out;
	return (unsigned)idle < b->out ? b->out - (unsigned)idle : 0;
}

/* False at the pipe's end: nobody is left who could return a token. */
static bool read_returned(struct broker *b)
{
	char tokens[TOKENS_MAX];
	ssize_t n = read(b->returns, tokens, sizeof(tokens));

	if (n > 0) {
		unsigned used = in_use(b);

		b->out -= (unsigned)n < used ? (unsigned)n : used;
	}
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static void look_at_kfarm(struct broker *b)
{
	char bytes[256];
	ssize_t n = read(b->wake, bytes, sizeof(bytes));

	if (!n || (n < 0 && errno != EINTR && errno != EAGAIN)) {
		close(b->wake);
		b->wake = -1;
	}
}

static void broker_loop(struct broker *b)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = b->returns, .events = POLLIN },
			{ .fd = b->wake, .events = POLLIN },
		};

		balance(b);
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			look_at_kfarm(b);
		if (p[0].revents && !read_returned(b))
			return;
	}
}

static void close_others(const struct broker *b)
{
	int keep[] = { b->supply, b->reclaim, b->returns, b->wake }, last = 0;

	for (int i = 0; i < 4; i++)
		last = keep[i] > last ? keep[i] : last;
	for (int fd = 0; fd < last; fd++) {
		if (fd != keep[0] && fd != keep[1] && fd != keep[2] &&
		    fd != keep[3])
			close(fd);
	}
	close_range((unsigned)last + 1, ~0u, 0);
}

static _Noreturn void be_broker(struct broker *b)
{
	static const int ignored[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				       SIGPIPE, SIGUSR1, SIGUSR2 };
	sigset_t none;

	/* Ctrl-C is for make; the broker ends after it. */
	setpgid(0, 0);
	prctl(PR_SET_NAME, "kfarm-tokens");
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_others(b);
	broker_loop(b);
	_exit(0);
}

/*
 * A second description of a pipe's end: make sets its R to non-blocking.
 * One that reads and writes keeps the pipe alive without the broker.
 */
static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

/* Above the descriptors that scripts use for files ("exec 3>log"). */
static int move_up(int fd)
{
	int up = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

	if (up < 0)
		return fd;
	close(fd);
	return up;
}

static void close_all(const int *fd, int n)
{
	for (int i = 0; i < n; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
}

static void start_broker(struct kernel_jobserver *j, struct broker *b)
{
	sigset_t all, before;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	j->broker = fork();
	if (!j->broker)
		be_broker(b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static unsigned within(unsigned n, unsigned most)
{
	return n < most ? n : most;
}

int kernel_jobserver_start(struct kernel_jobserver *j, unsigned local,
			   unsigned most, struct err *err)
{
	int to[2] = { -1, -1 }, back[2] = { -1, -1 }, wake[2] = { -1, -1 };
	struct broker b = { .supply = -1,
			    .reclaim = -1,
			    .most = most ? within(most - 1, TOKENS_MAX) :
					   TOKENS_MAX };
	int ret = 0;

	*j = (struct kernel_jobserver){ .wake = -1, .fd = { -1, -1, -1 } };
	j->slots = local ? local : 1;
	b.local = within(local ? local - 1 : 0, b.most);
	j->waiting = mmap(NULL, sizeof(*j->waiting), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (j->waiting == MAP_FAILED)
		j->waiting = NULL;
	if (!j->waiting || pipe2(to, O_CLOEXEC) || pipe2(back, O_CLOEXEC) ||
	    pipe2(wake, O_CLOEXEC | O_NONBLOCK))
		goto failed;
	j->fd[0] = move_up(reopen(to[0], O_RDWR));
	j->fd[1] = move_up(reopen(back[1], O_RDWR));
	b.supply = reopen(to[1], O_WRONLY | O_NONBLOCK);
	b.reclaim = reopen(to[0], O_RDONLY | O_NONBLOCK);
	j->wake = reopen(wake[1], O_RDWR | O_NONBLOCK);
	if (j->fd[0] < 0 || j->fd[1] < 0 || j->wake < 0 || b.supply < 0 ||
	    b.reclaim < 0)
		goto failed;
	b.returns = back[0];
	b.wake = wake[0];
	b.waiting = j->waiting;
	start_broker(j, &b);
	if (j->broker > 0)
		goto out;
failed:
	ret = err_errno(err, "jobserver");
	kernel_jobserver_stop(j);
out:
	close_all(to, 2);
	close_all(back, 2);
	close_all(wake, 2);
	close_all((int[]){ b.supply, b.reclaim }, 2);
	return ret;
}

void kernel_jobserver_set_waiting(struct kernel_jobserver *j, unsigned n)
{
	if (!j->waiting)
		return;
	atomic_store(j->waiting, n);
	/* If the pipe is full, the broker will look anyway. */
	if (write(j->wake, "", 1) < 0)
		return;
}

void kernel_jobserver_stop(struct kernel_jobserver *j)
{
	if (j->broker > 0) {
		kill(j->broker, SIGKILL);
		spawn_wait(j->broker);
	}
	if (j->waiting) {
		munmap((void *)j->waiting, sizeof(*j->waiting));
		close_all(j->fd, 2);
		close_all(&j->wake, 1);
	}
	*j = (struct kernel_jobserver){ .wake = -1, .fd = { -1, -1, -1 } };
}

/* ---- MAKEFLAGS ---- */

static bool names_jobserver(const char *word)
{
	return str_starts(word, "--jobserver-auth=") ||
	       str_starts(word, "--jobserver-fds=");
}

char *kernel_jobserver_flags(const struct kernel_jobserver *j,
			     const char *flags)
{
	struct buf out = { 0 };

	/* Options end at "--"; variables follow. */
	for (flags = flags ? flags : ""; *flags;) {
		size_t n = strcspn(flags, " ");

		if (n == 2 && !memcmp(flags, "--", 2))
			break;
		if (n && !names_jobserver(flags))
			buf_printf(&out, "%s%.*s", out.len ? " " : "", (int)n,
				   flags);
		flags += n + strspn(flags + n, " ");
	}
	buf_printf(&out, " -j%u --jobserver-auth=%d,%d", j->slots, j->fd[0],
		   j->fd[1]);
	if (*flags)
		buf_printf(&out, " %s", flags);
	return buf_steal(&out);
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISFIFO(st.st_mode);
}

static bool auth_exists(const char *auth)
{
	static const char fifo[] = "fifo:";
	int r = -1, w = -1;
	bool yes;
	char *path;

	if (!str_starts(auth, fifo))
		return sscanf(auth, "%d,%d", &r, &w) == 2 && is_pipe(r) &&
		       is_pipe(w);
	auth += sizeof(fifo) - 1;
	path = xstrndup(auth, strcspn(auth, " "));
	yes = !access(path, R_OK | W_OK);
	free(path);
	return yes;
}

bool kernel_jobserver_offered(const char *flags)
{
	const char *last = NULL;

	for (; flags && *flags; flags += strspn(flags, " ")) {
		size_t n = strcspn(flags, " ");

		if (n == 2 && !memcmp(flags, "--", 2))
			break;
		if (names_jobserver(flags))
			last = strchr(flags, '=') + 1;
		flags += n;
	}
	return last && auth_exists(last);
}

bool kernel_jobserver_fits(const char *make, char *const *env)
{
	char *argv[] = { (char *)make, (char[]){ "--version" }, NULL };
	unsigned major = 0, minor = 0;
	struct err ignored;
	char *line = NULL;
	bool fits;

	spawn_first_line(argv, env, ASK_MS, &line, &ignored);
	fits = line && sscanf(line, "GNU Make %u.%u", &major, &minor) == 2 &&
	       (major > 4 || (major == 4 && minor >= 2));
	free(line);
	return fits;
}
