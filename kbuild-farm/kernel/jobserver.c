/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/jobserver.h"

#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"

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

/*
 * Maximum number of tokens.  A token is one byte in a pipe, and every pipe
 * holds at least 4096 bytes.  The limit rarely matters, because the nodes
 * usually have fewer slots.
 */
#define TOKENS_MAX         4096
#define FD_MIN             100
#define VERSION_TIMEOUT_MS 20000

/* State of the broker, which makes only system calls after fork(). */
struct broker {
	int supply_fd; /* write end: tokens for make */
	int reclaim_fd; /* read end of the same pipe, to withdraw tokens */
	int returns_fd; /* read end: tokens that make returns */
	int wake_fd; /* read end: wake-ups; -1 after kfarm has ended */
	unsigned local_tokens; /* tokens to issue while no recipe waits */
	unsigned max_tokens; /* maximum number of issued tokens */
	unsigned issued_tokens; /* tokens in the pipe or held by make */
	const atomic_uint *n_waiting;
};

static void balance_tokens(struct broker *b)
{
	unsigned want = b->local_tokens +
			(b->wake_fd < 0 ? 0 : atomic_load(b->n_waiting));
	char tokens[TOKENS_MAX];
	ssize_t n;

	if (want > b->max_tokens)
		want = b->max_tokens;
	if (b->issued_tokens > want) {
		/* Tokens held by make are withdrawn when make returns them. */
		n = read(b->reclaim_fd, tokens, b->issued_tokens - want);
		b->issued_tokens -= n > 0 ? (unsigned)n : 0;
	} else if (b->issued_tokens < want) {
		memset(tokens, '+', want - b->issued_tokens);
		n = write(b->supply_fd, tokens, want - b->issued_tokens);
		b->issued_tokens += n > 0 ? (unsigned)n : 0;
	}
}

/*
 * Read the tokens that make returned.  Returns false at end of file: no process
 * can return a token any more.
 */
static bool read_returned(struct broker *b)
{
	char tokens[TOKENS_MAX];
	ssize_t n = read(b->returns_fd, tokens, sizeof(tokens));
	unsigned used = b->issued_tokens;
	int idle = 0;

	if (n > 0) {
		/* Ignore bytes in excess of the tokens that make holds. */
		if (!ioctl(b->reclaim_fd, FIONREAD, &idle) && idle >= 0)
			used = (unsigned)idle < used ? used - (unsigned)idle :
						       0;
		b->issued_tokens -= (unsigned)n < used ? (unsigned)n : used;
	}
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static _Noreturn void run_broker(struct broker *b)
{
	static const int ignored[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				       SIGPIPE, SIGUSR1, SIGUSR2 };
	int keep[] = { b->supply_fd, b->reclaim_fd, b->returns_fd, b->wake_fd };
	char bytes[256];
	sigset_t none;
	int last = 0;
	ssize_t n;

	/* Ctrl-C must not end the broker before make. */
	setpgid(0, 0);
	prctl(PR_SET_NAME, "kfarm-tokens");
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Close all descriptors except those of the broker. */
	for (int i = 0; i < 4; i++)
		last = keep[i] > last ? keep[i] : last;
	for (int fd = 0; fd < last; fd++) {
		if (fd != keep[0] && fd != keep[1] && fd != keep[2] &&
		    fd != keep[3])
			close(fd);
	}
	close_range((unsigned)last + 1, ~0u, 0);

	for (;;) {
		struct pollfd p[] = {
			{ .fd = b->returns_fd, .events = POLLIN },
			{ .fd = b->wake_fd, .events = POLLIN },
		};

		balance_tokens(b);
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents) {
			n = read(b->wake_fd, bytes, sizeof(bytes));
			if (!n ||
			    (n < 0 && errno != EINTR && errno != EAGAIN)) {
				close(b->wake_fd);
				b->wake_fd = -1;
			}
		}
		if (p[0].revents && !read_returned(b))
			_exit(0);
	}
}

/*
 * Open another file description of a pipe's end.  make and the broker use
 * separate descriptions, because make sets O_NONBLOCK on its description.  With
 * O_RDWR, make can use the pipe even without the broker.
 */
static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

/*
 * Move `fd` to the number of the descriptor `reserved`.  If `reserved` is not
 * positive, use a number above those that scripts use ("exec 3>log").  Returns
 * the new descriptor.  If `fd` is -1 or cannot be moved, returns `fd` and
 * closes `reserved`.
 */
static int renumber(int fd, int reserved)
{
	int moved = -1;

	if (fd >= 0)
		moved = reserved > 0 ? dup3(fd, reserved, O_CLOEXEC) :
				       fcntl(fd, F_DUPFD_CLOEXEC, FD_MIN);
	if (moved < 0) {
		if (reserved > 0)
			close(reserved);
		return fd;
	}
	close(fd);
	return moved;
}

void kernel_jobserver_reserve(struct kernel_jobserver *j)
{
	for (int i = 0; i < 2; i++)
		j->make_fds[i] = renumber(open("/dev/null", O_RDWR | O_CLOEXEC),
					  0);
}

static void close_all(const int *fd, int n)
{
	for (int i = 0; i < n; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
}

static unsigned limit_tokens(unsigned n, unsigned most)
{
	return n < most ? n : most;
}

int kernel_jobserver_start(struct kernel_jobserver *j, unsigned local,
			   unsigned max_tokens, struct err *err)
{
	int to[2] = { -1, -1 }, back[2] = { -1, -1 }, wake[2] = { -1, -1 };
	int reserved[2] = { j->make_fds[0], j->make_fds[1] };
	sigset_t all, before;
	struct broker b = { .supply_fd = -1,
			    .reclaim_fd = -1,
			    .max_tokens = max_tokens ?
						  limit_tokens(max_tokens - 1,
							       TOKENS_MAX) :
						  TOKENS_MAX };
	int ret = 0;

	*j = (struct kernel_jobserver){
		.wake_fd = -1, .make_fds = { reserved[0], reserved[1], -1 }
	};
	j->n_slots = local ? local : 1;
	b.local_tokens = limit_tokens(local ? local - 1 : 0, b.max_tokens);
	j->n_waiting = mmap(NULL, sizeof(*j->n_waiting), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (j->n_waiting == MAP_FAILED)
		j->n_waiting = NULL;
	if (!j->n_waiting || pipe2(to, O_CLOEXEC) || pipe2(back, O_CLOEXEC) ||
	    pipe2(wake, O_CLOEXEC | O_NONBLOCK))
		goto failed;
	j->make_fds[0] = renumber(reopen(to[0], O_RDWR), reserved[0]);
	j->make_fds[1] = renumber(reopen(back[1], O_RDWR), reserved[1]);
	b.supply_fd = reopen(to[1], O_WRONLY | O_NONBLOCK);
	b.reclaim_fd = reopen(to[0], O_RDONLY | O_NONBLOCK);
	j->wake_fd = reopen(wake[1], O_RDWR | O_NONBLOCK);
	if (j->make_fds[0] < 0 || j->make_fds[1] < 0 || j->wake_fd < 0 ||
	    b.supply_fd < 0 || b.reclaim_fd < 0)
		goto failed;
	b.returns_fd = back[0];
	b.wake_fd = wake[0];
	b.n_waiting = j->n_waiting;
	/* No signal handler may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	j->broker_pid = fork();
	if (!j->broker_pid)
		run_broker(&b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (j->broker_pid > 0)
		goto out;
failed:
	ret = err_errno(err, "jobserver");
	kernel_jobserver_stop(j);
out:
	close_all(to, 2);
	close_all(back, 2);
	close_all(wake, 2);
	close_all((int[]){ b.supply_fd, b.reclaim_fd }, 2);
	return ret;
}

void kernel_jobserver_set_waiting(struct kernel_jobserver *j, unsigned n)
{
	if (!j->n_waiting)
		return;
	atomic_store(j->n_waiting, n);
	/* If the pipe is full, a wake-up is already pending. */
	if (write(j->wake_fd, "", 1) < 0)
		return;
}

void kernel_jobserver_stop(struct kernel_jobserver *j)
{
	if (j->broker_pid > 0) {
		kill(j->broker_pid, SIGKILL);
		spawn_wait(j->broker_pid);
	}
	if (j->n_waiting) {
		munmap((void *)j->n_waiting, sizeof(*j->n_waiting));
		close_all(&j->wake_fd, 1);
	}
	/* A zeroed `j` has no descriptors, so 0 is not a descriptor. */
	for (int i = 0; i < 2; i++) {
		if (j->make_fds[i] > 0)
			close(j->make_fds[i]);
	}
	*j = (struct kernel_jobserver){ .wake_fd = -1,
					.make_fds = { -1, -1, -1 } };
}

/* ---- MAKEFLAGS ---- */

static bool is_jobserver_option(const char *word)
{
	return str_starts(word, "--jobserver-auth=") ||
	       str_starts(word, "--jobserver-fds=");
}

char *kernel_jobserver_makeflags(const struct kernel_jobserver *j,
				 const char *flags)
{
	struct buf out = { 0 };

	/* In MAKEFLAGS, "--" separates the options from the variables. */
	for (flags = flags ? flags : ""; *flags;) {
		size_t n = strcspn(flags, " ");

		if (n == 2 && !memcmp(flags, "--", 2))
			break;
		if (n && !is_jobserver_option(flags))
			buf_printf(&out, "%s%.*s", out.len ? " " : "", (int)n,
				   flags);
		flags += n + strspn(flags + n, " ");
	}
	buf_printf(&out, " -j%u --jobserver-auth=%d,%d", j->n_slots,
		   j->make_fds[0], j->make_fds[1]);
	if (*flags)
		buf_printf(&out, " %s", flags);
	return buf_steal(&out);
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISFIFO(st.st_mode);
}

static bool is_auth_valid(const char *auth)
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

bool kernel_jobserver_is_inherited(const char *flags)
{
	const char *last = NULL;

	for (; flags && *flags; flags += strspn(flags, " ")) {
		size_t n = strcspn(flags, " ");

		if (n == 2 && !memcmp(flags, "--", 2))
			break;
		if (is_jobserver_option(flags))
			last = strchr(flags, '=') + 1;
		flags += n;
	}
	return last && is_auth_valid(last);
}

unsigned kernel_jobserver_make_release(const char *make, char *const *env)
{
	char *argv[] = { (char *)make, (char[]){ "--version" }, NULL };
	unsigned major = 0, minor = 0, release = 0;
	struct err ignored;
	char *line = NULL;

	spawn_first_line(argv, env, VERSION_TIMEOUT_MS, &line, &ignored);
	if (line && sscanf(line, "GNU Make %u.%u", &major, &minor) == 2)
		release = 100 * major + minor;
	free(line);
	return release >= 402 ? release : 0;
}
