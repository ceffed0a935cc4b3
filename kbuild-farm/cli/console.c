/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/console.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ui/log.h"
#include "ui/screen.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BETWEEN_MS  135 /* pictures; in 150 ms an event is to be seen */
#define TAIL_US     250000 /* how often a log is looked at that is shown */
#define LOG_BLOCK   (1u << 16)
#define LOG_AT_ONCE 16 /* blocks for one picture */
#define CTRL_L      12

enum {
	ON_KEY,
	ON_KEY_WAIT, /* what was half a key */
	ON_WRITE, /* the terminal takes more */
	ON_DRAW,
	ON_SECOND,
	ON_TAIL,
	ON_WINCH,
	ON_TSTP,
	ON_CONT,

	EVENTS, /* how many */
};

struct console {
	struct console_setup setup;
	struct ui_screen *screen;
	struct ui_canvas canvas;
	struct ui_view view;
	struct event_base *base; /* NULL: it is not at work */
	struct event *event[EVENTS];
	bool open; /* the terminal was ours, and is unless suspended */
	bool resized;
	uint64_t drawn_ms;
	char *output; /* whose log it is */
	int log; /* -1: it was not needed yet */
};

/* ------------------------------------------------------------- the log */

static void close_log(struct console *c)
{
	if (c->log >= 0)
		close(c->log);
	c->log = -1;
	free(c->output);
	c->output = NULL;
	ui_log_release(ui_view_log(&c->view));
}

/* What the view would not keep anyway is not read. */
static void skip_old(int fd)
{
	off_t at = lseek(fd, 0, SEEK_CUR);
	struct stat st;

	if (at < 0 || fstat(fd, &st))
		return;
	if (st.st_size < at)
		lseek(fd, 0, SEEK_SET); /* it was written anew */
	else if (st.st_size - at > UI_LOG_BYTES)
		lseek(fd, st.st_size - UI_LOG_BYTES, SEEK_SET);
}

/* Of a stream that is played any file may have that name: none that waits. */
static int open_plain_log(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

static void open_log(struct console *c)
{
	const char *output = c->setup.model->output;
	char *path;

	if (!str_equal(c->output, output)) {
		close_log(c);
		c->output = xstrdup(output);
	}
	if (c->log < 0 && *output) {
		path = xasprintf("%s/build.log", output);
		c->log = open_plain_log(path);
		free(path);
	}
}

/* Returns whether there may be more. */
static bool read_log(struct console *c)
{
	char block[LOG_BLOCK];
	ssize_t n = 0;

	open_log(c);
	if (c->log < 0)
		return false;
	skip_old(c->log);
	for (int i = 0; i < LOG_AT_ONCE; i++) {
		n = read(c->log, block, sizeof(block));
		if (n <= 0)
			return false;
		ui_log_add(ui_view_log(&c->view), bytes_of(block, (size_t)n));
	}
	return true;
}

/* ------------------------------------------------------------- drawing */

static void draw_soon(struct console *c)
{
	uint64_t now = clock_ms(), due = c->drawn_ms + BETWEEN_MS;
	struct timeval after = { 0 };

	if (!c->base || !c->open || evtimer_pending(c->event[ON_DRAW], NULL))
		return;
	if (due > now)
		after.tv_usec = (suseconds_t)(due - now) * 1000;
	evtimer_add(c->event[ON_DRAW], &after);
}

static void fit_canvas(struct console *c)
{
	unsigned rows, columns;

	ui_screen_size(c->screen, &rows, &columns);
	if (rows != c->canvas.rows || columns != c->canvas.columns)
		ui_canvas_resize(&c->canvas, rows, columns);
	c->resized = false;
}

static void follow_log(struct console *c)
{
	static const struct timeval tail = { .tv_usec = TAIL_US };

	if (!ui_view_wants_log(&c->view))
		return;
	if (read_log(c))
		draw_soon(c);
	else
		evtimer_add(c->event[ON_TAIL], &tail);
}

static void draw_view(struct console *c)
{
	c->drawn_ms = clock_ms();
	if (c->resized)
		fit_canvas(c);
	follow_log(c);
	ui_view_draw(&c->view, &c->canvas, c->setup.model,
		     c->setup.now(c->setup.ctx));
	ui_screen_show(c->screen, &c->canvas);
}

/* A terminal that is not there any more ends nothing but the view. */
static void lose_terminal(struct console *c)
{
	event_del(c->event[ON_KEY]);
	event_del(c->event[ON_WRITE]);
	c->open = false;
	c->setup.asked(c->setup.ctx, UI_ASK_LEAVE, NULL);
}

static void on_draw(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	if (!c->open)
		return;
	if (ui_screen_ready(c->screen))
		draw_view(c);
	/* The terminal is slow: the next picture when it has this one. */
	if (ui_screen_error(c->screen))
		lose_terminal(c);
	else if (!ui_screen_ready(c->screen))
		event_add(c->event[ON_WRITE], NULL);
}

static void on_write(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	if (!ui_screen_ready(c->screen))
		event_add(c->event[ON_WRITE], NULL);
	else
		draw_soon(c);
}

/* ---------------------------------------------------------------- keys */

/* Returns whether the view goes on. */
static bool press(struct console *c, uint32_t key)
{
	enum ui_view_ask ask;

	if (key == CTRL_L) {
		ui_screen_repaint(c->screen);
		return true;
	}
	ask = ui_view_key(&c->view, c->setup.model, key);
	if (ask != UI_ASK_NOTHING)
		c->setup.asked(c->setup.ctx, ask, ui_view_node(&c->view));
	return c->base && c->open;
}

static void on_key(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;
	struct timeval after = { 0 };
	unsigned wait_ms = 0;
	uint32_t key;

	(void)fd;
	(void)what;
	while (ui_screen_key(c->screen, &key, &wait_ms)) {
		if (!press(c, key))
			return;
	}
	if (ui_screen_error(c->screen)) {
		lose_terminal(c);
		return;
	}
	if (wait_ms) {
		after.tv_usec = (suseconds_t)wait_ms * 1000;
		evtimer_add(c->event[ON_KEY_WAIT], &after);
	}
	draw_soon(c);
}

/* ------------------------------------------------------------- signals */

static void open_screen(struct console *c)
{
	c->open = ui_screen_enter(c->screen);
	if (c->open) {
		c->resized = true;
		event_add(c->event[ON_KEY], NULL);
		draw_soon(c);
	} else {
		event_del(c->event[ON_KEY]);
	}
}

static void close_screen(struct console *c)
{
	if (!c->open)
		return;
	c->open = false;
	event_del(c->event[ON_KEY]);
	event_del(c->event[ON_WRITE]);
	ui_screen_leave(c->screen);
}

/* A shell brings us to the foreground without a word. */
static void on_second(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	if (c->open)
		draw_soon(c);
	else
		open_screen(c);
}

static void on_tail(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	draw_soon(ctx);
}

static void on_winch(evutil_socket_t number, short what, void *ctx)
{
	struct console *c = ctx;

	(void)number;
	(void)what;
	c->resized = true;
	draw_soon(c);
}

static void on_tstp(evutil_socket_t number, short what, void *ctx)
{
	struct console *c = ctx;

	(void)number;
	(void)what;
	close_screen(c);
	/* Without a handler of ours it stops us, here. */
	event_del(c->event[ON_TSTP]);
	raise(SIGTSTP);
	event_add(c->event[ON_TSTP], NULL);
	open_screen(c);
}

/* Whoever was here meanwhile may have left other modes. */
static void on_cont(evutil_socket_t number, short what, void *ctx)
{
	(void)number;
	(void)what;
	open_screen(ctx);
}

/* ---------------------------------------------------------------- life */

static void end_events(struct console *c)
{
	for (int i = 0; i < EVENTS; i++) {
		if (c->event[i])
			event_free(c->event[i]);
		c->event[i] = NULL;
	}
}

static void make_console_events(struct console *c)
{
	const struct {
		int fd;
		short what;
		event_callback_fn call;
	} all[EVENTS] = {
		[ON_KEY] = { ui_screen_key_fd(c->screen), EV_READ | EV_PERSIST,
			     on_key },
		[ON_KEY_WAIT] = { -1, 0, on_key },
		[ON_WRITE] = { ui_screen_write_fd(c->screen), EV_WRITE,
			       on_write },
		[ON_DRAW] = { -1, 0, on_draw },
		[ON_SECOND] = { -1, EV_PERSIST, on_second },
		[ON_TAIL] = { -1, 0, on_tail },
		[ON_WINCH] = { SIGWINCH, EV_SIGNAL | EV_PERSIST, on_winch },
		[ON_TSTP] = { SIGTSTP, EV_SIGNAL | EV_PERSIST, on_tstp },
		[ON_CONT] = { SIGCONT, EV_SIGNAL | EV_PERSIST, on_cont },
	};

	for (int i = 0; i < EVENTS; i++) {
		c->event[i] = event_new(c->base, all[i].fd, all[i].what,
					all[i].call, c);
		if (!c->event[i])
			str_out_of_memory();
	}
}

void console_start(struct console *c, struct event_base *base)
{
	static const struct timeval second = { .tv_sec = 1 };

	console_stop(c);
	c->base = base;
	make_console_events(c);
	event_add(c->event[ON_SECOND], &second);
	event_add(c->event[ON_WINCH], NULL);
	event_add(c->event[ON_CONT], NULL);
	/* A shell without jobs ignores it for all that it starts. */
	if (!spawn_ignores(SIGTSTP))
		event_add(c->event[ON_TSTP], NULL);
	open_screen(c);
}

void console_stop(struct console *c)
{
	if (!c->base)
		return;
	close_screen(c);
	end_events(c);
	c->base = NULL;
}

bool console_is_gone(struct console *c)
{
	return !c->base && ui_screen_ready(c->screen);
}

int console_new(struct console **out, const struct console_setup *setup,
		struct err *err)
{
	struct console *c = xcalloc(1, sizeof(*c));
	struct ui_view_setup view = { .may_ask = setup->may_ask,
				      .title = setup->title };
	int ret;

	c->setup = *setup;
	c->log = -1;
	ret = ui_screen_new(&c->screen, STDIN_FILENO, STDERR_FILENO,
			    setup->color, err);
	if (ret) {
		free(c);
		return ret;
	}
	ui_view_init(&c->view, &view);
	ui_canvas_init(&c->canvas, 1, 1,
		       setup->ascii || !ui_screen_is_utf8(c->screen));
	if (setup->base)
		console_start(c, setup->base);
	*out = c;
	return 0;
}

void console_free(struct console *c)
{
	if (!c)
		return;
	console_stop(c);
	close_log(c);
	ui_view_release(&c->view);
	ui_canvas_release(&c->canvas);
	ui_screen_free(c->screen);
	free(c);
}

void console_set_model(struct console *c, const struct ui_model *model,
		       const char *title)
{
	c->setup.model = model;
	ui_view_set_title(&c->view, title);
	draw_soon(c);
}

void console_changed(struct console *c)
{
	draw_soon(c);
}

void console_say(struct console *c, const char *text)
{
	ui_view_say(&c->view, text);
	draw_soon(c);
}
