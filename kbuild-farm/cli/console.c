/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/console.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ui/screen.h"
#include "ui/view.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Minimum interval between frames.  An event is shown within 150 ms, including
 * the time to draw a frame.
 */
#define FRAME_MS       135
#define TAIL_US        250000 /* interval between reads of a shown log */
#define LOG_BLOCK      (1u << 16)
#define LOG_BLOCKS_MAX 16 /* blocks read per frame */
#define CTRL_L         12

enum {
	CONSOLE_EV_KEY,
	CONSOLE_EV_KEY_TIMEOUT, /* ends an incomplete escape sequence */
	CONSOLE_EV_WRITABLE, /* the terminal accepts more output */
	CONSOLE_EV_DRAW,
	CONSOLE_EV_SECOND,
	CONSOLE_EV_TAIL,
	CONSOLE_EV_WINCH,
	CONSOLE_EV_TSTP,
	CONSOLE_EV_CONT,

	CONSOLE_EVENTS, /* number of events */
};

struct console {
	struct console_setup setup;
	struct ui_screen *screen;
	struct ui_canvas canvas;
	struct ui_view view;
	struct event_base *base; /* NULL while stopped */
	struct event *events[CONSOLE_EVENTS];
	bool open; /* the view is on the terminal */
	bool resized;
	uint64_t drawn_ms; /* time of the last frame */
	char *output_dir; /* directory of the open log */
	int log_fd; /* -1: not opened yet */
};

static void close_log(struct console *c)
{
	if (c->log_fd >= 0)
		close(c->log_fd);
	c->log_fd = -1;
	free(c->output_dir);
	c->output_dir = NULL;
	ui_log_release(ui_view_log(&c->view));
}

/* Skip the part of the log that the view would discard. */
static void skip_old_log(int fd)
{
	off_t at = lseek(fd, 0, SEEK_CUR);
	struct stat st;

	if (at < 0 || fstat(fd, &st))
		return;
	if (st.st_size < at)
		lseek(fd, 0, SEEK_SET); /* the file was rewritten */
	else if (st.st_size - at > UI_LOG_BYTES)
		lseek(fd, st.st_size - UI_LOG_BYTES, SEEK_SET);
}

/*
 * Open the log if it is a regular file.  In a recorded event stream, the path
 * can name any file, and opening a FIFO or a device must not block.
 */
static int open_plain_log(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

/* Read new text of the log.  Returns true if more text may be available. */
static bool read_log(struct console *c)
{
	const char *output = c->setup.model->output;
	char block[LOG_BLOCK];
	ssize_t n = 0;

	if (!str_equal(c->output_dir, output)) {
		close_log(c);
		c->output_dir = xstrdup(output);
	}
	if (c->log_fd < 0 && *output) {
		char *path = xasprintf("%s/build.log", output);

		c->log_fd = open_plain_log(path);
		free(path);
	}
	if (c->log_fd < 0)
		return false;
	skip_old_log(c->log_fd);
	for (int i = 0; i < LOG_BLOCKS_MAX; i++) {
		n = read(c->log_fd, block, sizeof(block));
		if (n <= 0)
			return false;
		ui_log_add(ui_view_log(&c->view), bytes_of(block, (size_t)n));
	}
	return true;
}

/* Draw FRAME_MS after the last frame, or at once if that time has passed. */
void console_schedule_draw(struct console *c)
{
	uint64_t now = clock_ms(), due = c->drawn_ms + FRAME_MS;
	struct timeval after = { 0 };

	if (!c->base || !c->open ||
	    evtimer_pending(c->events[CONSOLE_EV_DRAW], NULL))
		return;
	if (due > now)
		after.tv_usec = (suseconds_t)(due - now) * 1000;
	evtimer_add(c->events[CONSOLE_EV_DRAW], &after);
}

/* Draw a frame.  If the view shows the log, read the log first. */
static void draw_view(struct console *c)
{
	static const struct timeval tail = { .tv_usec = TAIL_US };
	unsigned rows, columns;

	c->drawn_ms = clock_ms();
	if (c->resized) {
		ui_screen_size(c->screen, &rows, &columns);
		if (rows != c->canvas.rows || columns != c->canvas.columns)
			ui_canvas_resize(&c->canvas, rows, columns);
		c->resized = false;
	}
	if (ui_view_is_log_shown(&c->view)) {
		if (read_log(c))
			console_schedule_draw(c);
		else
			evtimer_add(c->events[CONSOLE_EV_TAIL], &tail);
	}
	ui_view_draw(&c->view, &c->canvas, c->setup.model,
		     c->setup.get_time(c->setup.ctx));
	ui_screen_show(c->screen, &c->canvas);
}

/* After the loss of the terminal, leave the view without ending the build. */
static void close_lost_terminal(struct console *c)
{
	event_del(c->events[CONSOLE_EV_KEY]);
	event_del(c->events[CONSOLE_EV_WRITABLE]);
	c->open = false;
	c->setup.on_action(c->setup.ctx, UI_ACTION_LEAVE, NULL);
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
	/* On a slow terminal, wait until it has accepted this frame. */
	if (ui_screen_error(c->screen))
		close_lost_terminal(c);
	else if (!ui_screen_ready(c->screen))
		event_add(c->events[CONSOLE_EV_WRITABLE], NULL);
}

static void on_write(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	if (!ui_screen_ready(c->screen))
		event_add(c->events[CONSOLE_EV_WRITABLE], NULL);
	else
		console_schedule_draw(c);
}

static void on_key(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;
	struct timeval after = { 0 };
	enum ui_view_action action;
	unsigned wait_ms = 0;
	uint32_t key;

	(void)fd;
	(void)what;
	while (ui_screen_key(c->screen, &key, &wait_ms)) {
		if (key == CTRL_L) {
			ui_screen_repaint(c->screen);
			continue;
		}
		action = ui_view_handle_key(&c->view, c->setup.model, key);
		if (action != UI_ACTION_NONE)
			c->setup.on_action(c->setup.ctx, action,
					   ui_view_selected_node(&c->view));
		/* The callback can stop the console. */
		if (!c->base || !c->open)
			return;
	}
	if (ui_screen_error(c->screen)) {
		close_lost_terminal(c);
		return;
	}
	if (wait_ms) {
		after.tv_usec = (suseconds_t)wait_ms * 1000;
		evtimer_add(c->events[CONSOLE_EV_KEY_TIMEOUT], &after);
	}
	console_schedule_draw(c);
}

/* Open the view if kfarm is in the foreground. */
static void open_screen(struct console *c)
{
	c->open = ui_screen_enter(c->screen);
	if (c->open) {
		c->resized = true;
		event_add(c->events[CONSOLE_EV_KEY], NULL);
		console_schedule_draw(c);
	} else {
		event_del(c->events[CONSOLE_EV_KEY]);
	}
}

static void close_screen(struct console *c)
{
	if (!c->open)
		return;
	c->open = false;
	event_del(c->events[CONSOLE_EV_KEY]);
	event_del(c->events[CONSOLE_EV_WRITABLE]);
	ui_screen_leave(c->screen);
}

/*
 * Redraw the elapsed time.  If the view is not open, try to open it, because a
 * shell can move kfarm to the foreground without a signal.
 */
static void on_second(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	if (c->open)
		console_schedule_draw(c);
	else
		open_screen(c);
}

static void on_tail(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	console_schedule_draw(ctx);
}

static void on_winch(evutil_socket_t number, short what, void *ctx)
{
	struct console *c = ctx;

	(void)number;
	(void)what;
	c->resized = true;
	console_schedule_draw(c);
}

static void on_tstp(evutil_socket_t number, short what, void *ctx)
{
	struct console *c = ctx;

	(void)number;
	(void)what;
	close_screen(c);
	/* Without a handler, raise() stops kfarm until SIGCONT. */
	event_del(c->events[CONSOLE_EV_TSTP]);
	raise(SIGTSTP);
	event_add(c->events[CONSOLE_EV_TSTP], NULL);
	open_screen(c);
}

/* Enter the view again: another program may have changed terminal modes. */
static void on_cont(evutil_socket_t number, short what, void *ctx)
{
	(void)number;
	(void)what;
	open_screen(ctx);
}

void console_start(struct console *c, struct event_base *base)
{
	static const struct timeval second = { .tv_sec = 1 };
	const struct {
		int fd;
		short what;
		event_callback_fn call;
	} all[CONSOLE_EVENTS] = {
		[CONSOLE_EV_KEY] = { ui_screen_key_fd(c->screen),
				     EV_READ | EV_PERSIST, on_key },
		[CONSOLE_EV_KEY_TIMEOUT] = { -1, 0, on_key },
		[CONSOLE_EV_WRITABLE] = { ui_screen_write_fd(c->screen),
					  EV_WRITE, on_write },
		[CONSOLE_EV_DRAW] = { -1, 0, on_draw },
		[CONSOLE_EV_SECOND] = { -1, EV_PERSIST, on_second },
		[CONSOLE_EV_TAIL] = { -1, 0, on_tail },
		[CONSOLE_EV_WINCH] = { SIGWINCH, EV_SIGNAL | EV_PERSIST,
				       on_winch },
		[CONSOLE_EV_TSTP] = { SIGTSTP, EV_SIGNAL | EV_PERSIST,
				      on_tstp },
		[CONSOLE_EV_CONT] = { SIGCONT, EV_SIGNAL | EV_PERSIST,
				      on_cont },
	};

	console_stop(c);
	c->base = base;
	for (int i = 0; i < CONSOLE_EVENTS; i++) {
		c->events[i] = event_new(c->base, all[i].fd, all[i].what,
					 all[i].call, c);
		if (!c->events[i])
			str_out_of_memory();
	}
	event_add(c->events[CONSOLE_EV_SECOND], &second);
	event_add(c->events[CONSOLE_EV_WINCH], NULL);
	event_add(c->events[CONSOLE_EV_CONT], NULL);
	/* A shell without job control starts kfarm with SIGTSTP ignored. */
	if (!spawn_is_ignored(SIGTSTP))
		event_add(c->events[CONSOLE_EV_TSTP], NULL);
	open_screen(c);
}

void console_stop(struct console *c)
{
	if (!c->base)
		return;
	close_screen(c);
	for (int i = 0; i < CONSOLE_EVENTS; i++) {
		if (c->events[i])
			event_free(c->events[i]);
		c->events[i] = NULL;
	}
	c->base = NULL;
}

bool console_is_drained(struct console *c)
{
	return !c->base && ui_screen_ready(c->screen);
}

int console_new(struct console **out, const struct console_setup *setup,
		struct err *err)
{
	struct console *c = xcalloc(1, sizeof(*c));
	struct ui_view_setup view = { .actions_enabled = setup->actions_enabled,
				      .title = setup->title };
	int ret;

	c->setup = *setup;
	c->log_fd = -1;
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
	console_schedule_draw(c);
}

void console_set_message(struct console *c, const char *text)
{
	ui_view_set_message(&c->view, text);
	console_schedule_draw(c);
}
