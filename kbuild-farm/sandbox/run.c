/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/internal.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/process-usage.h"
#include "base/str.h"
#include "sandbox/init.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* limit of the working time of a sandbox init that does not accept a message */
#define SEND_TIMEOUT_MS 2000

static bool is_file_name(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") &&
	       !strchr(name, '/') && strlen(name) < 256;
}

static void add_nul_string(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

/*
 * Append the strings of `list`, each with its NUL, until `b` exceeds
 * SANDBOX_ARGS_MAX.  Returns the number of appended strings.
 */
static uint32_t add_strings(struct buf *b, char *const *list)
{
	uint32_t n = 0;

	for (; list && list[n] && b->len <= SANDBOX_ARGS_MAX; n++)
		add_nul_string(b, list[n]);
	return n;
}

static int encode_job(const struct sandbox_job *job, struct buf *b,
		      struct sandbox_msg *m, struct err *err)
{
	if (job->prepare) {
		m->prepare = job->prepare;
		m->prepare_bytes = (uint32_t)job->prepare_bytes;
		buf_add(b, job->prepare_arg, job->prepare_bytes);
	}
	add_nul_string(b, job->cwd);
	if (job->input_name && !is_file_name(job->input_name))
		return err_set(err, EINVAL, "start job: invalid file name %s",
			       job->input_name);
	if (job->input_name)
		add_nul_string(b, job->input_name);
	m->argc = add_strings(b, job->argv);
	m->envc = add_strings(b, job->env);
	if (!m->argc)
		return err_set(err, EINVAL, "start job: no command");
	if (b->len > SANDBOX_ARGS_MAX ||
	    m->argc + m->envc > SANDBOX_INIT_STRINGS_MAX)
		return err_set(err, E2BIG, "start %s: argument list too long",
			       job->argv[0]);
	return 0;
}

/*
 * Open a pipe for stderr (index 1) and, if `first` is 0, a pipe for stdout
 * (index 0).  kfarmd reads from ends[]; the job writes to job_ends[].
 */
static int open_pipes(int first, int ends[2], int job_ends[2], struct err *err)
{
	for (int i = first; i < 2; i++) {
		int fd[2];

		if (pipe2(fd, O_CLOEXEC))
			return err_errno(err, "start job: cannot create pipe");
		fcntl(fd[0], F_SETFL, O_NONBLOCK);
		ends[i] = fd[0];
		job_ends[i] = fd[1];
	}
	return 0;
}

static void close_pair(int fd[2])
{
	for (int i = 0; i < 2; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

/* Send a message to the sandbox init.  Returns 0, or -EPIPE on any failure. */
static int send_to_init(struct sandbox *cell, const struct sandbox_msg *m,
			const void *tail, size_t len, const int *fds,
			unsigned n)
{
	struct work_timer timer;
	int ret = -EPIPE;

	work_timer_start(&timer, cell->init_pid, WORK_TIMER_PROCESS,
			 SEND_TIMEOUT_MS);
	while (!cell->lost) {
		ret = sandbox_msg_send(cell->sock, m, tail, len, fds, n);
		if (ret != -EAGAIN || work_timer_has_expired(&timer))
			break;
	}
	if (ret) {
		/*
		 * Kill a sandbox init that does not accept a message.  When it
		 * has ended, on_lost() is called.
		 */
		if (cell->init_pidfd >= 0)
			pidfd_send_signal(cell->init_pidfd, SIGKILL, NULL, 0);
		return -EPIPE;
	}
	return 0;
}

static int send_job_message(struct sandbox *cell, const struct sandbox_job *job,
			    struct sandbox_msg *m, const struct buf *b,
			    const int job_ends[2])
{
	const int all[] = {
		[SANDBOX_MSG_FD_STDIN] = job->stdin_fd,
		[SANDBOX_MSG_FD_STDOUT] = job->stdout_fd ? job->stdout_fd :
							   job_ends[0],
		[SANDBOX_MSG_FD_STDERR] = job_ends[1],
		[SANDBOX_MSG_FD_INPUT] = job->input_name ? job->input_fd : -1,
	};
	int fds[SANDBOX_MSG_FDS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < SANDBOX_MSG_FDS_MAX; i++) {
		if (all[i] < 0)
			continue;
		fds[n++] = all[i];
		m->fd_mask |= 1u << i;
	}
	return send_to_init(cell, m, b->data, b->len, fds, n);
}

int sandbox_start_job(struct sandbox *cell, const struct sandbox_job *job,
		      struct sandbox_run **out, struct err *err)
{
	struct sandbox_msg m = {
		.type = SANDBOX_MSG_START,
		.self_test = cell->self_test,
	};
	struct sandbox_run *run = xcalloc(1, sizeof(*run));
	int job_ends[2] = { -1, -1 };
	struct buf b = { 0 };
	int ret;

	run->sandbox = cell;
	run->id = cell->next_id++;
	run->out_dir_fd = run->pipes[0] = run->pipes[1] = -1;
	run->on_done = job->on_done;
	run->ctx = job->ctx;
	run->timer.limit_ms = job->deadline_ms;
	ret = encode_job(job, &b, &m, err);
	if (!ret)
		ret = open_pipes(job->stdout_fd ? 1 : 0, run->pipes, job_ends,
				 err);
	if (!ret) {
		m.id = run->id;
		ret = send_job_message(cell, job, &m, &b, job_ends);
		if (ret)
			err_set(err, -ret, "start %s: sandbox lost",
				job->argv[0]);
	}
	close_pair(job_ends);
	buf_release(&b);
	if (ret) {
		close_pair(run->pipes);
		free(run);
		return ret;
	}
	TAILQ_INSERT_TAIL(&cell->runs, run, entry);
	*out = run;
	return 0;
}

int sandbox_run_pipe(const struct sandbox_run *run, int which)
{
	return run->pipes[which];
}

uint32_t sandbox_run_cpu_ms(const struct sandbox_run *run)
{
	struct process_usage usage;

	if (!run->sandbox)
		return run->end.cpu_ms;
	if (!run->pid)
		return 0;
	/* No process of the job can leave the session of its first process. */
	process_usage_read_tree(run->pid, &usage);
	return usage.cpu_ms < UINT32_MAX ? (uint32_t)usage.cpu_ms : UINT32_MAX;
}

void sandbox_run_check_deadline(struct sandbox_run *run)
{
	if (!run->sandbox || !run->pid || !run->timer.limit_ms || run->paused)
		return;
	if (!run->timer.pid)
		work_timer_start(&run->timer, run->pid, WORK_TIMER_TREE,
				 run->timer.limit_ms);
	if (!work_timer_has_expired(&run->timer))
		return;
	run->timed_out = true;
	sandbox_run_kill(run);
}

void sandbox_run_kill(struct sandbox_run *run)
{
	struct sandbox_msg m = { .type = SANDBOX_MSG_KILL, .id = run->id };

	if (!run->sandbox || run->killed)
		return;
	run->killed = true;
	/*
	 * Ignore a failure: the sandbox init has then died, or send_to_init()
	 * has killed it, and all jobs end with it.
	 */
	send_to_init(run->sandbox, &m, NULL, 0, NULL, 0);
}

void sandbox_run_set_paused(struct sandbox_run *run, bool paused)
{
	struct sandbox_msg m = { .type = paused ? SANDBOX_MSG_PAUSE :
						  SANDBOX_MSG_RESUME,
				 .id = run->id };

	run->paused = paused;
	if (run->sandbox)
		send_to_init(run->sandbox, &m, NULL, 0, NULL, 0);
}

int sandbox_run_open_output(struct sandbox_run *run, const char *name,
			    uint64_t *size)
{
	struct stat st;
	int fd;

	if (!is_file_name(name))
		return -EINVAL;
	if (run->sandbox)
		return -EBUSY;
	if (run->out_dir_fd < 0)
		return run->start_failed ? -ENOENT : -EMFILE;
	/* Check the type first: opening a device or a FIFO has side effects. */
	if (fstatat(run->out_dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -EPERM;
	fd = openat(run->out_dir_fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*size = (uint64_t)st.st_size;
	return fd;
}

void sandbox_run_free(struct sandbox_run *run)
{
	if (!run)
		return;
	if (run->sandbox) {
		sandbox_run_kill(run);
		TAILQ_REMOVE(&run->sandbox->runs, run, entry);
	}
	close_pair(run->pipes);
	if (run->out_dir_fd >= 0)
		close(run->out_dir_fd);
	free(run);
}
