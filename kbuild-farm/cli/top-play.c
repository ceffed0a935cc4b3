/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top-play.h"

#include "base/clock.h"
#include "base/str.h"
#include "events/reader.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_US    50000
#define BLOCK      (64u << 10)
#define BARREN_MAX 1024

struct top_play {
	struct top *top;
	struct top_page *page;
	struct event *tick;
	struct events_simulate *simulate; /* or NULL, and then: */
	int fd;
	struct events_reader reader;
	struct events_read next; /* what is due at due_ms */
	bool has_next, is_read; /* all of the file */
	bool waits;
	unsigned barren; /* blocks that were read since the last event */
	uint64_t due_ms;
};

static void on_event(void *ctx, const struct events_event *ev)
{
	struct top_play *p = ctx;

	top_tell_made(p->top, p->page, ev);
}

/* --------------------------------------------------------- a recording */

/* As read_more(), of a pipe that is empty. */
static int wait_for_more(const struct top_play *p, struct err *err)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };

	if (!p->waits)
		return 0;
	return poll(&fd, 1, -1) < 0 ? err_errno(err, "read") : 1;
}

/* More of the file: 1; 0: there is none now; or a negative errno. */
static int read_more(struct top_play *p, struct err *err)
{
	uint8_t block[BLOCK];
	ssize_t n = read(p->fd, block, sizeof(block));

	if (n < 0 && errno == EAGAIN)
		return wait_for_more(p, err);
	if (n < 0 && errno != EINTR)
		return err_errno(err, "read");
	if (p->barren++ == BARREN_MAX)
		return err_set(err, EPROTO, "no event within %u MiB",
			       BARREN_MAX * BLOCK >> 20);
	p->is_read = !n;
	if (n <= 0)
		return 0;
	events_reader_add(&p->reader, bytes_of(block, (size_t)n));
	return 1;
}

/* 1: there is one; 0: not now; or a negative errno. */
static int need_next(struct top_play *p, struct err *err)
{
	struct bytes line;
	int ret = 0;

	while (!p->has_next && !p->is_read) {
		ret = events_reader_next(&p->reader, &p->next, &line, err);
		if (!ret)
			ret = read_more(p, err);
		else if (ret > 0)
			p->has_next = true;
		if (p->has_next)
			p->barren = 0;
		if (!ret || (ret < 0 && ret != -ENOMSG))
			return ret;
	}
	if (!p->has_next)
		return 0;
	/* What somebody got who came later begins with times from before. */
	if (p->next.ev.at_ms > p->due_ms)
		p->due_ms = p->next.ev.at_ms;
	return 1;
}

static int replay_until(struct top_play *p, uint64_t ms, struct err *err)
{
	int ret;

	while ((ret = need_next(p, err)) > 0 && p->due_ms <= ms) {
		on_event(p, &p->next.ev);
		events_read_release(&p->next);
		p->has_next = false;
	}
	return ret < 0 ? ret : 0;
}

/* ------------------------------------------------------------ playing it */

static int play_until(struct top_play *p, uint64_t ms, struct err *err)
{
	const char *why = NULL;
	int ret = 0;

	if (p->simulate)
		events_simulate_until(p->simulate, ms, on_event, p);
	else
		ret = replay_until(p, ms, err);
	if (!ret && !p->page->model.done && !(p->is_read && !p->has_next))
		return 0;
	if (!ret && p->is_read && !p->reader.began)
		ret = err_set(err, EPROTO, "no stream of events: it is empty");
	if (!ret && !p->page->model.done)
		why = "the recording ends here";
	event_del(p->tick);
	top_end(p->top, p->page, ret ? err->text : why);
	return ret;
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct top_play *p = ctx;
	struct err err;

	(void)fd;
	(void)what;
	play_until(p, top_now(p->page), &err);
}

static int open_source(struct top_play *p, const struct top_play_setup *setup,
		       struct err *err)
{
	if (!setup->file) {
		p->simulate = events_simulate_new(&setup->simulate);
		return 0;
	}
	p->fd = open(setup->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return p->fd < 0 ? err_errno(err, "open") : 0;
}

int top_play_new(struct top_play **out, struct top *t,
		 const struct top_play_setup *setup, struct err *err)
{
	static const struct timeval tick = { .tv_usec = TICK_US };
	struct top_play *p = xcalloc(1, sizeof(*p));
	int ret;

	p->top = t;
	p->fd = -1;
	p->waits = setup->waits;
	p->tick = event_new(t->base, -1, EV_PERSIST, on_tick, p);
	if (!p->tick || event_add(p->tick, &tick))
		str_out_of_memory();
	ret = open_source(p, setup, err);
	if (!ret) {
		p->page = top_add(t, 1);
		p->page->speed = setup->speed;
		p->page->base_ms = setup->at_ms;
		ret = play_until(p, setup->at_ms, err);
	}
	if (ret) {
		err_wrap(err, "%s", setup->file);
		top_play_free(p);
		return ret;
	}
	if (p->page->model.pid)
		p->page->pid = (pid_t)p->page->model.pid;
	p->page->since_ms = clock_ms();
	p->page->whole = true;
	*out = p;
	return 0;
}

void top_play_free(struct top_play *p)
{
	if (!p)
		return;
	event_free(p->tick);
	events_simulate_free(p->simulate);
	if (p->has_next)
		events_read_release(&p->next);
	events_reader_release(&p->reader);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}
