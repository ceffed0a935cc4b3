/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/watch.h"

#include "base/log.h"
#include "base/str.h"
#include "base/terminal.h"
#include "cli/console.h"
#include "events/server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAST_MS 1000 /* maximum wait for the reader of --json at the end */

struct watch {
	enum watch_mode mode;
	struct kernel_hooks hooks;
	struct ui_model model;
	struct ui_text text;
	int terminal_fd; /* non-blocking stderr; -1: not a terminal */
	struct console *console; /* NULL without the full-screen view */
	bool screen_left; /* the user left the full-screen view */
	struct event_base *base; /* NULL while the build has no loop */
	struct event *open_timer; /* opens the full-screen view */
	struct events_subscriber view_consumer, json_consumer;
	pthread_mutex_t log_lock; /* protects the next member */
	struct strv pending_lines; /* logged lines, not printed yet */
	char *path; /* file of --json, or NULL */
	int json_fd; /* -1: not open */
	bool json_borrowed; /* the caller closes json_fd */
	struct events_writer writer;
};

/* Return the width of the terminal, or 0 if it is unknown. */
static unsigned terminal_columns(void)
{
	const char *set = getenv("COLUMNS");
	unsigned rows, columns;
	long n = 0;

	if (terminal_size(STDERR_FILENO, &rows, &columns))
		return columns;
	if (set && str_parse_number(set, 1, 10000, &n))
		n = 0;
	return (unsigned)n;
}

bool watch_has_smart_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb");
}

enum ui_text_kind watch_choose_text_kind(void)
{
	unsigned columns = terminal_columns();

	return watch_has_smart_terminal() && !getenv("CI") &&
			       (!columns || columns >= WATCH_COLUMNS) ?
		       UI_TEXT_LINE :
		       UI_TEXT_PERIODIC;
}

enum watch_screen watch_screen(void)
{
	unsigned rows, columns;

	if (watch_choose_text_kind() != UI_TEXT_LINE || !isatty(STDIN_FILENO) ||
	    !terminal_is_foreground(STDIN_FILENO))
		return WATCH_SCREEN_NEVER;
	return terminal_size(STDERR_FILENO, &rows, &columns) &&
			       rows >= WATCH_SCREEN_ROWS &&
			       columns >= WATCH_SCREEN_COLUMNS ?
		       WATCH_SCREEN_IF_POSSIBLE :
		       WATCH_SCREEN_NEVER;
}

/*
 * Save a line that any thread logs, because printing it at once would disturb
 * the view.  show_pending_lines() prints the line above the progress line, or
 * after the full-screen view is closed.  The full-screen view also shows the
 * line as a message at the bottom.
 */
static void on_log(void *ctx, const char *line)
{
	struct watch *w = ctx;

	pthread_mutex_lock(&w->log_lock);
	strv_add(&w->pending_lines, line);
	pthread_mutex_unlock(&w->log_lock);
}

/* Print the lines that were logged since the last call. */
static void show_pending_lines(struct watch *w)
{
	struct strv lines;

	pthread_mutex_lock(&w->log_lock);
	lines = w->pending_lines;
	w->pending_lines = (struct strv){ 0 };
	pthread_mutex_unlock(&w->log_lock);
	for (size_t i = 0; i < lines.n; i++) {
		ui_text_put_verbatim(&w->text, lines.v[i]);
		if (w->console)
			console_set_message(w->console, lines.v[i]);
	}
	strv_release(&lines);
}

static uint64_t get_build_time(void *ctx)
{
	const struct watch *w = ctx;

	return events_hub_elapsed_ms(w->hooks.hub);
}

/*
 * Print the text that was held back during the full-screen view, if the
 * terminal has accepted the last output of the view.
 */
static void release_plain(struct watch *w)
{
	if (!w->console || console_is_drained(w->console))
		ui_text_set_held(&w->text, false);
}

static void leave_screen(struct watch *w)
{
	if (w->open_timer)
		event_free(w->open_timer);
	w->open_timer = NULL;
	if (w->console)
		console_stop(w->console);
	release_plain(w);
}

static void on_action(void *ctx, enum ui_view_action what, const char *node)
{
	static const enum events_request requests[] = {
		[UI_ACTION_DRAIN] = EVENTS_REQ_DRAIN,
		[UI_ACTION_RESUME] = EVENTS_REQ_RESUME,
		[UI_ACTION_MORE_SLOTS] = EVENTS_REQ_MORE_SLOTS,
		[UI_ACTION_FEWER_SLOTS] = EVENTS_REQ_FEWER_SLOTS,
	};
	struct watch *w = ctx;

	if (what == UI_ACTION_LEAVE) {
		w->screen_left = true;
		leave_screen(w);
	} else if (what == UI_ACTION_ABORT) {
		kill(getpid(), SIGINT);
	} else if (node && what >= UI_ACTION_DRAIN &&
		   what <= UI_ACTION_FEWER_SLOTS) {
		events_hub_request(w->hooks.hub, requests[what], node);
	}
}

static void on_open(evutil_socket_t fd, short what, void *ctx)
{
	struct watch *w = ctx;

	(void)fd;
	(void)what;
	ui_text_set_held(&w->text, true);
	console_start(w->console, w->base);
}

static void on_loop(void *ctx, struct event_base *base)
{
	static const struct timeval delay = { .tv_usec = WATCH_OPEN_MS * 1000 };
	struct watch *w = ctx;

	w->base = base;
	show_pending_lines(w);
	if (!base) {
		leave_screen(w);
	} else if (w->console) {
		w->open_timer = evtimer_new(base, on_open, w);
		if (!w->open_timer || evtimer_add(w->open_timer, &delay))
			str_out_of_memory();
	}
}

/* Create the full-screen view if it is permitted; on_open() opens it. */
static int prepare_screen(struct watch *w, const struct watch_setup *setup,
			  struct err *err)
{
	struct console_setup console = { .model = &w->model,
					 .color = setup->color,
					 .actions_enabled = true,
					 .get_time = get_build_time,
					 .on_action = on_action,
					 .ctx = w };
	struct err why = { 0 };
	int ret;

	if (setup->mode != WATCH_MODE_PROGRESS ||
	    setup->screen == WATCH_SCREEN_NEVER)
		return 0;
	ret = console_new(&w->console, &console, &why);
	if (!ret || setup->screen == WATCH_SCREEN_IF_POSSIBLE)
		return 0;
	*err = why;
	err_wrap(err, "--ui ncurses");
	return ret;
}

static void on_event(void *ctx, const struct events_event *ev)
{
	struct watch *w = ctx;

	ui_model_add_event(&w->model, ev);
	ui_text_add_event(&w->text, ev);
	if (w->console)
		console_schedule_draw(w->console);
}

static void on_due(void *ctx, uint64_t at_ms)
{
	struct watch *w = ctx;

	if (w->text.kind == UI_TEXT_LINE)
		w->text.columns = terminal_columns();
	show_pending_lines(w);
	if (w->text.held)
		release_plain(w);
	ui_text_update(&w->text, at_ms);
}

static void on_line(void *ctx, const char *text)
{
	struct watch *w = ctx;

	ui_text_put_log_line(&w->text, text);
}

static void close_json(struct watch *w)
{
	if (w->json_fd >= 0 && !w->json_borrowed)
		close(w->json_fd);
	w->json_fd = -1;
}

static void on_event_json(void *ctx, const struct events_event *ev)
{
	struct watch *w = ctx;

	events_writer_add(&w->writer, ev);
}

/* Write the events, and report a failure once. */
static void write_json(struct watch *w, int timeout_ms)
{
	int error;
	char *text;

	if (w->json_fd < 0)
		return;
	events_writer_flush(&w->writer, timeout_ms);
	error = events_writer_error(&w->writer);
	if (!error)
		return;
	close_json(w);
	text = xasprintf("--json %s: %s: no more events are written", w->path,
			 strerror(error));
	if (w->mode != WATCH_MODE_NONE)
		ui_text_put_note(&w->text, get_build_time(w), text);
	else if (error != EPIPE)
		log_warning("%s", text);
	free(text);
}

/*
 * Write the queued events without waiting.  If the reader has closed the pipe
 * or the disk is full, no further events are written, but the build continues.
 */
static void on_due_json(void *ctx, uint64_t at_ms)
{
	(void)at_ms;
	write_json(ctx, 0);
}

/*
 * If `path` is a FIFO, open it for reading and writing, so that open() does not
 * wait for a reader and the FIFO retains the data until a reader opens it.
 */
int watch_open_json(const char *path, struct err *err)
{
	int flags = O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, fd;
	struct stat st;
	bool fifo = !stat(path, &st) && S_ISFIFO(st.st_mode);

	if (!strcmp(path, "-"))
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	else
		fd = open(path,
			  fifo ? O_RDWR | O_NONBLOCK | O_CLOEXEC :
				 O_WRONLY | flags,
			  0666);
	return fd < 0 ? err_errno(err, "--json %s", path) : fd;
}

/* Open the file of --json and subscribe to the events. */
static int start_json(struct watch *w, const struct watch_setup *setup,
		      struct err *err)
{
	const char *path = setup->json;

	if (!path)
		return 0;
	w->json_borrowed = setup->json_fd != NULL;
	w->json_fd = w->json_borrowed ? *setup->json_fd :
					watch_open_json(path, err);
	if (w->json_fd < 0)
		return w->json_fd;
	w->path = xstrdup(path);
	events_writer_init(&w->writer, w->json_fd,
			   events_hub_elapsed_ms(w->hooks.hub));
	w->json_consumer = (struct events_subscriber){
		.on_event = on_event_json, .on_due = on_due_json, .ctx = w
	};
	events_hub_subscribe(w->hooks.hub, &w->json_consumer);
	return 0;
}

int watch_new(struct watch **out, const struct watch_setup *setup,
	      struct err *err)
{
	static const struct ui_text_options shows[] = {
		[WATCH_MODE_PROGRESS] = { .progress = true, .notes = true },
		[WATCH_MODE_MAKE] = { .notes = true },
		[WATCH_MODE_VERBOSE] = { .notes = true, .details = true },
		[WATCH_MODE_QUIET] = { .warnings = true },
		[WATCH_MODE_NONE] = { 0 },
	};
	struct watch *w = xcalloc(1, sizeof(*w));
	int ret;

	w->mode = setup->mode;
	w->json_fd = -1;
	pthread_mutex_init(&w->log_lock, NULL);
	w->hooks = (struct kernel_hooks){
		.hub = events_hub_new(),
		.on_line = setup->mode == WATCH_MODE_VERBOSE ||
					   setup->mode == WATCH_MODE_MAKE ?
				   on_line :
				   NULL,
		.ctx = w,
	};
	ui_model_init(&w->model);
	w->terminal_fd = terminal_open(STDERR_FILENO);
	ui_text_init(&w->text,
		     w->terminal_fd < 0 ? STDERR_FILENO : w->terminal_fd,
		     setup->mode == WATCH_MODE_PROGRESS ? setup->text_kind :
							  UI_TEXT_PERIODIC,
		     &shows[setup->mode], setup->color, &w->model);
	w->view_consumer = (struct events_subscriber){ .on_event = on_event,
						       .on_due = on_due,
						       .on_loop = on_loop,
						       .ctx = w };
	events_hub_subscribe(w->hooks.hub, &w->view_consumer);
	events_hub_set_snapshot(w->hooks.hub, ui_model_snapshot, &w->model);

	/*
	 * Delay logged lines if a view can be drawn.  WATCH_SCREEN_IF_POSSIBLE
	 * needs no test, because a terminal that supports the full-screen view
	 * also supports UI_TEXT_LINE.
	 */
	if (w->text.kind == UI_TEXT_LINE ||
	    setup->screen == WATCH_SCREEN_REQUIRED)
		log_set_sink(on_log, w);
	ret = prepare_screen(w, setup, err);
	if (!ret)
		ret = start_json(w, setup, err);
	if (ret) {
		watch_free(w);
		return ret;
	}
	*out = w;
	return 0;
}

const struct kernel_hooks *watch_hooks(const struct watch *w)
{
	return &w->hooks;
}

bool watch_is_screen_left(const struct watch *w)
{
	return w->screen_left;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	log_set_sink(NULL, NULL);
	show_pending_lines(w);
	leave_screen(w);
	console_free(w->console);
	write_json(w, LAST_MS);
	close_json(w);
	events_writer_release(&w->writer);
	ui_text_release(&w->text);
	if (w->terminal_fd >= 0)
		close(w->terminal_fd);
	ui_model_release(&w->model);
	events_hub_free(w->hooks.hub);
	pthread_mutex_destroy(&w->log_lock);
	free(w->path);
	free(w);
}
