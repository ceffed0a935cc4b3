/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/child.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NICE        10
#define TICK_MS     100
#define PATIENCE_MS 10000

/* From linux/ioprio.h; glibc has no wrapper. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE        (3 << 13)

struct running {
	const struct nightly_child *c;
	pid_t pid;
	int log_fd;
	off_t shown_bytes; /* bytes of the log that were read */
	struct buf line; /* incomplete last line, for on_progress() */
	/* terminated_ms: time at which SIGTERM was sent; 0: not yet */
	uint64_t began_ms, terminated_ms;
	bool killed;
};

bool nightly_child_is_progress(const char *line)
{
	size_t n = strspn(line, "[ 0123456789");

	return line[0] == '[' && str_starts(line + n, "s] ");
}

/* Report the progress lines of `text`, the next part of the log. */
static void report_progress(struct running *r, struct bytes text)
{
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t n = end ? (size_t)(end - text.data) : text.len;

		buf_add(&r->line, text.data, n);
		text = bytes_of(text.data + n, text.len - n);
		if (!end)
			break;
		text = bytes_of(text.data + 1, text.len - 1);
		if (nightly_child_is_progress(buf_str(&r->line)))
			r->c->on_progress(r->c->ctx, buf_str(&r->line));
		buf_reset(&r->line);
	}
}

/* Copy the new text of the log to stderr and report its progress lines. */
static void show_log(struct running *r)
{
	char block[1 << 14];
	ssize_t n;

	if (!r->c->shown && !r->c->on_progress)
		return;
	while ((n = pread(r->log_fd, block, sizeof(block), r->shown_bytes)) >
	       0) {
		struct bytes text = bytes_of(block, (size_t)n);

		if (r->c->shown)
			bytes_write(STDERR_FILENO, text);
		if (r->c->on_progress)
			report_progress(r, text);
		r->shown_bytes += n;
	}
}

static bool is_stopped(const struct nightly_child *c)
{
	return c->stop && atomic_load(c->stop);
}

static void tick(struct running *r, struct nightly_child_result *out)
{
	uint64_t now = clock_ms();
	bool late = now - r->began_ms >= (uint64_t)r->c->timeout_s * 1000 ||
		    (r->c->until_ms && now >= r->c->until_ms);

	show_log(r);
	if (!r->terminated_ms && (late || is_stopped(r->c))) {
		out->timed_out = late && !is_stopped(r->c);
		r->terminated_ms = now;
		kill(r->pid, SIGTERM);
	} else if (r->terminated_ms && !r->killed &&
		   now - r->terminated_ms >= PATIENCE_MS) {
		r->killed = true;
		kill(-r->pid, SIGKILL);
	}
}

static void list_children(struct strv *pids)
{
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read("/proc/thread-self/children", 1 << 20, &text, &ignored))
		strv_split(pids, buf_str(&text), " ");
	buf_release(&text);
}

/*
 * Kill all remaining descendants of the build.  They are children of this
 * process, because it is their subreaper.  `others` are the children that this
 * process had before the build, which are not killed.  For example, a shell can
 * start a logger and then execute `kfarm nightly run` in the same process.
 */
static void kill_orphans(const struct strv *others)
{
	struct strv pids = { 0 };
	size_t n_killed;

	do {
		n_killed = 0;
		strv_release(&pids);
		list_children(&pids);
		for (size_t i = 0; i < pids.n; i++) {
			pid_t pid = (pid_t)atoi(pids.v[i]);

			/* kill() fails if another user owns the process. */
			if (strv_has(others, pids.v[i]) || kill(pid, SIGKILL))
				continue;
			n_killed++;
			waitpid(pid, NULL, 0);
		}
	} while (n_killed);
	strv_release(&pids);
}

/* Append to the log a line about the signal that has killed the build. */
static void log_signal(int log_fd, int status)
{
	off_t size = lseek(log_fd, 0, SEEK_END);
	char *text = spawn_status_text(status), last = '\n';

	if (size > 0 && pread(log_fd, &last, 1, size - 1) < 0)
		last = '\n';
	dprintf(log_fd, "%skfarm: kfarm build: %s\n", last == '\n' ? "" : "\n",
		text);
	free(text);
}

int nightly_child_run(const struct nightly_child *c,
		      struct nightly_child_result *out, struct err *err)
{
	struct running r = { .c = c };
	struct spawn what = {
		.argv = c->argv,
		.program = "/proc/self/exe",
		.env = c->env,
		.stdio_fds = { -1, -1, -1 },
		.own_group = true,
		.killed_with_parent = true,
	};
	struct strv others = { 0 };
	int status, ret;

	*out = (struct nightly_child_result){ .status = 1 };
	r.log_fd = open(c->log,
			O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
			0666);
	if (r.log_fd < 0)
		return err_errno(err, "%s", c->log);
	what.stdio_fds[1] = what.stdio_fds[2] = r.log_fd;
	list_children(&others);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	r.began_ms = clock_ms();
	ret = is_stopped(c) ? err_set(err, ECANCELED, "interrupted") :
			      spawn_start(&what, &r.pid, err);
	if (!ret) {
		while (!spawn_await_exit(r.pid, TICK_MS))
			tick(&r, out);
		status = spawn_wait(r.pid);
		/*
		 * Kill the remaining processes, which could still write to the
		 * log.
		 */
		kill_orphans(&others);
		/* A killed build cannot print why it ended. */
		if (WIFSIGNALED(status) && !r.terminated_ms)
			log_signal(r.log_fd, status);
		show_log(&r);
		out->wall_ms = clock_ms() - r.began_ms;
		out->status = WIFEXITED(status) ? WEXITSTATUS(status) :
						  128 + WTERMSIG(status);
		if (is_stopped(c))
			ret = err_set(err, ECANCELED, "interrupted");
	}
	/*
	 * Stop being a subreaper.  Otherwise, a daemon that a mailer or a
	 * report command leaves behind would become a child of this process.
	 */
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	close(r.log_fd);
	buf_release(&r.line);
	strv_release(&others);
	return ret;
}

void nightly_child_lower_priority(void)
{
	/* Do not raise the priority of a process that is already nicer. */
	if (getpriority(PRIO_PROCESS, 0) < NICE)
		setpriority(PRIO_PROCESS, 0, NICE);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}
