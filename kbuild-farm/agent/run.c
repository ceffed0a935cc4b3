/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two programs are two jobs of the cell: each is PID 1 of its own namespace and
 * has directories of its own, so what one of them leaves ends with it, and no
 * third program of ours has to wait for both in there.
 */
#include "agent/run.h"

#include "agent/answer.h"
#include "base/str.h"
#include "wire/msg.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void close_pipe(struct agent_run_part *part, int i)
{
	if (part->pipe[i])
		event_free(part->pipe[i]);
	part->pipe[i] = NULL;
}

static void kill_parts(struct agent_run *run)
{
	for (int i = 0; i < 2; i++) {
		if (run->part[i].run)
			cell_kill(run->part[i].run);
	}
}

/* Output beyond the limit is dropped while it dies. */
static void add_output(struct agent_run_part *part, int i, const uint8_t *block,
		       size_t n)
{
	struct agent_run *run = part->whole;
	size_t sum = run->part[0].output[i].len + run->part[1].output[i].len;

	if (sum + n <= WIRE_DIAG_MAX) {
		buf_add(&part->output[i], block, n);
		return;
	}
	run->overflowed = true;
	kill_parts(run);
}

/* Read one block; false when there is no more, now or at all. */
static bool read_chunk(struct agent_run_part *part, int i)
{
	uint8_t block[1 << 16];
	ssize_t n = read(cell_run_pipe(part->run, i), block, sizeof(block));

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		close_pipe(part, i);
		return false;
	}
	add_output(part, i, block, (size_t)n);
	return true;
}

static void on_pipe(evutil_socket_t fd, short what, void *arg)
{
	struct agent_run_part *part = arg;

	(void)what;
	read_chunk(part, fd == cell_run_pipe(part->run, 0) ? 0 : 1);
}

static bool ended_well(const struct cell_end *end)
{
	return end->why == CELL_END_ITSELF && !end->status;
}

/* ----------------------------------------------------------------- its end */

static void join_ends(struct agent_run *run)
{
	const struct cell_end *a = &run->part[0].end, *b = &run->part[1].end;
	uint32_t cpu_ms = a->cpu_ms + b->cpu_ms, wall_ms = a->wall_ms;

	/* Without a tool there is nothing to read what it writes. */
	run->by_tool = run->part[1].ended &&
		       (ended_well(a) || (b->why == CELL_END_FAILED &&
					  a->why != CELL_END_FAILED));
	if (run->tool.file)
		wall_ms += b->wall_ms;
	else if (b->wall_ms > wall_ms)
		wall_ms = b->wall_ms;
	run->end = run->by_tool ? *b : *a;
	run->end.cpu_ms = cpu_ms;
	run->end.wall_ms = wall_ms;
	run->end.peak_kib = a->peak_kib > b->peak_kib ? a->peak_kib :
							b->peak_kib;
}

static void give_output(struct buf *to, struct buf *from)
{
	*to = *from;
	*from = (struct buf){ 0 };
}

/* As it would speak of the client's own file. */
static void add_tool_words(struct agent_run *run, struct buf *said)
{
	struct buf *to = &run->output[1];
	char *path;

	if (!run->tool.file) {
		buf_add_bytes(to, buf_bytes(said));
		return;
	}
	path = xasprintf("%s/%s", CELL_OUT, run->tool.file);
	if (!agent_answer_rename(to, buf_bytes(said), path, run->tool.name,
				 WIRE_DIAG_MAX))
		run->overflowed = true;
	free(path);
}

static void finish_run(struct agent_run *run)
{
	bool reads = run->tool.argv && (!run->tool.file || run->tool.list);
	struct agent_run_part *tool = &run->part[1];

	join_ends(run);
	run->tool_spoke = !reads && tool->output[0].len;
	give_output(&run->output[0], &run->part[reads ? 1 : 0].output[0]);
	give_output(&run->output[1], &run->part[0].output[1]);
	add_tool_words(run, &tool->output[1]);
	run->done(run->ctx);
}

static int start_part(struct agent_run_part *part, struct cell_job *job,
		      struct err *err);

static int open_copied(struct agent_run *run)
{
	uint64_t size;

	return cell_output_open(run->part[0].run, run->tool.file, &size);
}

/* The first one made its file: the tool's turn, with the time that is left. */
static int start_second(struct agent_run *run, struct err *err)
{
	struct agent_run_part *tool = &run->part[1];
	struct cell_job job = run->job;
	uint32_t used = run->part[0].end.wall_ms;
	int ret;

	job.argv = run->tool.argv;
	job.stdin_fd = -1;
	job.copy = run->tool.file;
	job.copy_fd = open_copied(run);
	if (job.copy_fd < 0)
		return job.copy_fd;
	if (job.deadline_ms)
		job.deadline_ms = used < job.deadline_ms ?
					  job.deadline_ms - used :
					  1;
	ret = start_part(tool, &job, err);
	close(job.copy_fd);
	if (!ret)
		return 0;
	tool->ended = true;
	tool->end.why = ret == -EPIPE ? CELL_END_LOST : CELL_END_FAILED;
	tool->end.error = -ret;
	snprintf(tool->end.detail, sizeof(tool->end.detail), "%.199s",
		 err->text);
	return ret;
}

static bool both_are_over(struct agent_run *run)
{
	struct agent_run_part *first = &run->part[0], *tool = &run->part[1];
	struct err err = { 0 };

	if (run->tool.file && first->ended && !tool->run)
		/* A file that is not there is missed by who maps it. */
		return !ended_well(&first->end) || run->overflowed ||
		       start_second(run, &err);
	return first->ended && (tool->ended || !tool->run);
}

static void on_done(void *ctx, struct cell_run *cell_run,
		    const struct cell_end *end)
{
	struct agent_run_part *part = ctx;

	(void)cell_run;
	part->end = *end;
	part->ended = true;
	for (int i = 0; i < 2; i++) {
		while (part->pipe[i] && read_chunk(part, i))
			;
		close_pipe(part, i);
	}
	if (both_are_over(part->whole))
		finish_run(part->whole);
}

/* ------------------------------------------------------------------ start */

static int start_part(struct agent_run_part *part, struct cell_job *job,
		      struct err *err)
{
	struct agent_run *run = part->whole;
	int ret;

	job->done = on_done;
	job->ctx = part;
	ret = cell_start(run->cell, job, &part->run, err);
	for (int i = 0; i < 2 && !ret; i++) {
		int fd = cell_run_pipe(part->run, i);

		if (fd < 0)
			continue;
		part->pipe[i] = event_new(run->base, fd, EV_READ | EV_PERSIST,
					  on_pipe, part);
		if (!part->pipe[i] || event_add(part->pipe[i], NULL))
			str_out_of_memory();
	}
	return ret;
}

/* What one writes the other reads; we keep neither end. */
static int start_both(struct agent_run *run, struct err *err)
{
	struct cell_job first = run->job, tool = run->job;
	int fd[2], ret;

	if (pipe2(fd, O_CLOEXEC))
		return err_errno(err, "start a job: pipe");
	first.stdout_fd = fd[1];
	tool.stdin_fd = fd[0];
	tool.argv = run->tool.argv;
	ret = start_part(&run->part[0], &first, err);
	if (!ret)
		ret = start_part(&run->part[1], &tool, err);
	close(fd[0]);
	close(fd[1]);
	return ret;
}

int agent_run_start(struct agent_run **out, struct event_base *base,
		    struct cell *cell, const struct cell_job *job,
		    const struct agent_run_tool *tool, void (*done)(void *ctx),
		    void *ctx, struct err *err)
{
	struct agent_run *run = xcalloc(1, sizeof(*run));
	int ret;

	run->base = base;
	run->cell = cell;
	run->job = *job;
	run->done = done;
	run->ctx = ctx;
	for (int i = 0; i < 2; i++)
		run->part[i].whole = run;
	if (tool)
		run->tool = *tool;
	if (tool && !tool->file) {
		ret = start_both(run, err);
	} else {
		struct cell_job first = *job;

		ret = start_part(&run->part[0], &first, err);
	}
	if (ret)
		agent_run_free(run);
	else
		*out = run;
	return ret;
}

void agent_run_free(struct agent_run *run)
{
	for (int p = 0; p < 2; p++) {
		for (int i = 0; i < 2; i++) {
			close_pipe(&run->part[p], i);
			buf_release(&run->part[p].output[i]);
		}
		cell_run_free(run->part[p].run);
	}
	for (int i = 0; i < 2; i++)
		buf_release(&run->output[i]);
	free(run);
}

uint32_t agent_run_cpu_ms(const struct agent_run *run)
{
	uint32_t sum = 0;

	for (int i = 0; i < 2; i++) {
		if (run->part[i].run)
			sum += cell_run_cpu_ms(run->part[i].run);
	}
	return sum;
}

int agent_run_map(struct agent_run *run, const char *name, uint64_t max,
		  struct bytes *out)
{
	const char *made = run->tool.list ? run->tool.list : run->tool.file;
	bool is_tools = run->part[1].run && made && !strcmp(name, made);
	uint64_t size;
	int fd = cell_output_open(run->part[is_tools].run, name, &size);
	void *at = NULL;
	int ret = 0;

	if (fd < 0)
		return fd;
	if (size > max)
		ret = -EFBIG;
	else if (size)
		at = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		ret = -errno;
	close(fd);
	if (!ret)
		*out = bytes_of(at, (size_t)size);
	return ret;
}

void agent_run_unmap(struct bytes *map)
{
	if (map->len)
		munmap((void *)map->data, map->len);
	*map = (struct bytes){ 0 };
}
