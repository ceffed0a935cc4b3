/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/run.h"

#include "base/str.h"
#include "wire/msg.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void close_pipe(struct agent_run *run, int i)
{
	if (run->pipe[i])
		event_free(run->pipe[i]);
	run->pipe[i] = NULL;
}

/* Read one block; false when there is no more, now or at all. */
static bool read_chunk(struct agent_run *run, int i)
{
	struct buf *out = &run->output[i];
	uint8_t block[1 << 16];
	ssize_t n = read(cell_run_pipe(run->run, i), block, sizeof(block));

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		close_pipe(run, i);
		return false;
	}
	/* Output beyond the limit is dropped while it dies. */
	if (out->len + (size_t)n > WIRE_DIAG_MAX) {
		if (!run->overflowed)
			cell_kill(run->run);
		run->overflowed = true;
	} else {
		buf_add(out, block, (size_t)n);
	}
	return true;
}

static void on_pipe(evutil_socket_t fd, short what, void *arg)
{
	struct agent_run *run = arg;

	(void)what;
	read_chunk(run, fd == cell_run_pipe(run->run, 0) ? 0 : 1);
}

static void on_done(void *ctx, struct cell_run *cell_run,
		    const struct cell_end *end)
{
	struct agent_run *run = ctx;

	(void)cell_run;
	run->end = *end;
	for (int i = 0; i < 2; i++) {
		while (run->pipe[i] && read_chunk(run, i))
			;
		close_pipe(run, i);
	}
	run->done(run->ctx);
}

int agent_run_start(struct agent_run **out, struct event_base *base,
		    struct cell *cell, const struct cell_job *job,
		    void (*done)(void *ctx), void *ctx, struct err *err)
{
	struct agent_run *run = xcalloc(1, sizeof(*run));
	struct cell_job ours = *job;
	int ret;

	ours.done = on_done;
	ours.ctx = run;
	run->done = done;
	run->ctx = ctx;
	ret = cell_start(cell, &ours, &run->run, err);
	if (ret) {
		free(run);
		return ret;
	}
	for (int i = 0; i < 2; i++) {
		run->pipe[i] = event_new(base, cell_run_pipe(run->run, i),
					 EV_READ | EV_PERSIST, on_pipe, run);
		if (!run->pipe[i] || event_add(run->pipe[i], NULL))
			str_out_of_memory();
	}
	*out = run;
	return 0;
}

void agent_run_free(struct agent_run *run)
{
	for (int i = 0; i < 2; i++) {
		close_pipe(run, i);
		buf_release(&run->output[i]);
	}
	cell_run_free(run->run);
	free(run);
}

uint32_t agent_run_cpu_ms(const struct agent_run *run)
{
	return cell_run_cpu_ms(run->run);
}

int agent_run_map(struct agent_run *run, const char *name, uint64_t max,
		  struct bytes *out)
{
	uint64_t size;
	int fd = cell_output_open(run->run, name, &size), ret = 0;
	void *at = NULL;

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
