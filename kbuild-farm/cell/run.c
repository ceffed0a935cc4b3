/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/cell.h"

#include "base/buf.h"
#include "base/str.h"
#include "cell/cpu.h"
#include "cell/keeper.h"
#include "cell/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---------------------------------------------------------------- start */

static bool is_file_name(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") &&
	       !strchr(name, '/') && strlen(name) < 256;
}

static void add_proc_string(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

/* Append the strings of `list`, one after another; returns how many. */
static uint32_t add_strings(struct buf *b, char *const *list)
{
	uint32_t n = 0;

	for (; list && list[n] && b->len <= CELL_ARGS_MAX; n++)
		add_proc_string(b, list[n]);
	return n;
}

static int pack_job(const struct cell_job *job, struct buf *b,
		    struct cell_msg *m, struct err *err)
{
	if (job->cpus && job->cpu_words <= CELL_CPU_WORDS) {
		m->cpu_bytes = (uint32_t)(job->cpu_words * sizeof(*job->cpus));
		buf_add(b, job->cpus, m->cpu_bytes);
	}
	add_proc_string(b, job->cwd);
	if (job->copy && !is_file_name(job->copy))
		return err_set(err, EINVAL, "start a job: file %s", job->copy);
	if (job->copy)
		add_proc_string(b, job->copy);
	m->argc = add_strings(b, job->argv);
	m->envc = add_strings(b, job->env);
	if (!m->argc)
		return err_set(err, EINVAL, "start a job: no command");
	if (b->len > CELL_ARGS_MAX || m->argc + m->envc > CELL_KEEPER_STRINGS)
		return err_set(err, E2BIG, "start %s: arguments too long",
			       job->argv[0]);
	return 0;
}

/* Pipes, from `first` on: we read from ends[], the job writes to job_ends[]. */
static int open_pipes(int first, int ends[2], int job_ends[2], struct err *err)
{
	for (int i = first; i < 2; i++) {
		int fd[2];

		if (pipe2(fd, O_CLOEXEC))
			return err_errno(err, "start a job: pipe");
		fcntl(fd[0], F_SETFL, O_NONBLOCK);
		ends[i] = fd[0];
		job_ends[i] = fd[1];
	}
	return 0;
}

static void close_both(int fd[2])
{
	for (int i = 0; i < 2; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

/* To the keeper: 0 or -EPIPE, whatever went wrong. */
static int send_keeper(struct cell *cell, const struct cell_msg *m,
		       const void *tail, size_t len, const int *fds, unsigned n)
{
	if (cell->lost || cell_msg_send(cell->sock, m, tail, len, fds, n)) {
		/* A keeper that takes no message must not stay half alive. */
		if (cell->keeper >= 0)
			pidfd_send_signal(cell->keeper, SIGKILL, NULL, 0);
		return -EPIPE;
	}
	return 0;
}

static int send_job(struct cell *cell, const struct cell_job *job,
		    struct cell_msg *m, const struct buf *b,
		    const int job_ends[2])
{
	const int all[] = {
		[CELL_MSG_STDIN] = job->stdin_fd,
		[CELL_MSG_STDOUT] = job->stdout_fd ? job->stdout_fd :
						     job_ends[0],
		[CELL_MSG_STDERR] = job_ends[1],
		[CELL_MSG_COPY] = job->copy ? job->copy_fd : -1,
	};
	int fds[CELL_MSG_FDS];
	unsigned n = 0;

	for (unsigned i = 0; i < CELL_MSG_FDS; i++) {
		if (all[i] < 0)
			continue;
		fds[n++] = all[i];
		m->fds |= 1u << i;
	}
	return send_keeper(cell, m, b->data, b->len, fds, n);
}

static struct cell_run *new_run(struct cell *cell, const struct cell_job *job)
{
	struct cell_run *run = xcalloc(1, sizeof(*run));

	run->cell = cell;
	run->id = cell->next_id++;
	run->out = run->pipe[0] = run->pipe[1] = -1;
	run->done = job->done;
	run->ctx = job->ctx;
	return run;
}

int cell_start(struct cell *cell, const struct cell_job *job,
	       struct cell_run **out, struct err *err)
{
	struct cell_msg m = {
		.type = CELL_MSG_START,
		.deadline_ms = job->deadline_ms,
		.self_test = cell->self_test,
	};
	struct cell_run *run = new_run(cell, job);
	int job_ends[2] = { -1, -1 };
	struct buf b = { 0 };
	int ret = pack_job(job, &b, &m, err);

	if (!ret)
		ret = open_pipes(job->stdout_fd ? 1 : 0, run->pipe, job_ends,
				 err);
	if (!ret) {
		m.id = run->id;
		ret = send_job(cell, job, &m, &b, job_ends);
		if (ret)
			err_set(err, -ret, "start %s: the cell is gone",
				job->argv[0]);
	}
	close_both(job_ends);
	buf_release(&b);
	if (ret) {
		close_both(run->pipe);
		free(run);
		return ret;
	}
	TAILQ_INSERT_TAIL(&cell->runs, run, link);
	*out = run;
	return 0;
}

/* ------------------------------------------------------------------- end */

static void run_ended(struct cell_run *run)
{
	TAILQ_REMOVE(&run->cell->runs, run, link);
	run->cell = NULL;
	run->pid = 0;
	/* May free the run, and the cell. */
	run->done(run->ctx, run, &run->end);
}

void cell_run_started(struct cell_run *run, struct cell_msg_extra *extra)
{
	run->pid = extra->pid;
	if (extra->n && run->out < 0) {
		run->out = extra->fd[--extra->n];
	}
}

void cell_run_failed(struct cell_run *run, const struct cell_msg *m)
{
	run->failed = true;
	run->end.error = m->error;
	snprintf(run->end.detail, sizeof(run->end.detail), "%s%s%s: %s",
		 m->layer, strcmp(m->layer, m->what) ? " " : "",
		 strcmp(m->layer, m->what) ? m->what : "", strerror(m->error));
}

void cell_run_ended(struct cell_run *run, const struct cell_msg *m)
{
	bool shot = WIFSIGNALED(m->status) && WTERMSIG(m->status) == SIGKILL;

	run->end.status = m->status;
	run->end.cpu_ms = m->cpu_ms;
	run->end.wall_ms = m->wall_ms;
	run->end.peak_kib = m->peak_kib;
	if (run->failed)
		run->end.why = CELL_END_FAILED;
	else if (m->overdue && shot)
		run->end.why = CELL_END_DEADLINE;
	else if (run->killed && shot)
		run->end.why = CELL_END_KILLED;
	run_ended(run);
}

void cell_run_lost(struct cell_run *run)
{
	run->end.why = CELL_END_LOST;
	run_ended(run);
}

/* ------------------------------------------------------------- meanwhile */

int cell_run_pipe(const struct cell_run *run, int which)
{
	return run->pipe[which];
}

uint32_t cell_run_cpu_ms(const struct cell_run *run)
{
	if (!run->cell)
		return run->end.cpu_ms;
	return run->pid ? cell_cpu_ms(run->pid) : 0;
}

void cell_kill(struct cell_run *run)
{
	struct cell_msg m = { .type = CELL_MSG_KILL, .id = run->id };

	if (!run->cell || run->killed)
		return;
	run->killed = true;
	/* When this fails, the keeper is gone, and the run with it. */
	send_keeper(run->cell, &m, NULL, 0, NULL, 0);
}

int cell_output_open(struct cell_run *run, const char *name, uint64_t *size)
{
	struct stat st;
	int fd;

	if (!is_file_name(name))
		return -EINVAL;
	if (run->cell)
		return -EBUSY;
	if (run->out < 0)
		return run->failed ? -ENOENT : -EMFILE;
	/* What it is, first: a device or a FIFO is not even opened. */
	if (fstatat(run->out, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -EPERM;
	fd = openat(run->out, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*size = (uint64_t)st.st_size;
	return fd;
}

void cell_run_free(struct cell_run *run)
{
	if (!run)
		return;
	if (run->cell) {
		cell_kill(run);
		TAILQ_REMOVE(&run->cell->runs, run, link);
	}
	close_both(run->pipe);
	if (run->out >= 0)
		close(run->out);
	free(run);
}
