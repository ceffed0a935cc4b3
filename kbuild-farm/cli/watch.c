/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/watch.h"

#include "base/log.h"
#include "base/str.h"
#include "base/terminal.h"
#include "cli/console.h"
#include "events/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAST_MS 1000

struct watch {
	enum watch_mode mode;
	struct kernel_hooks hooks;
	struct ui_model model;
	struct ui_plain plain;
	int terminal; /* stderr, without waiting; -1: it is none */
	struct console *console; /* NULL: no screen */
	bool left; /* by the user */
	struct event_base *base; /* while the build has a loop */
	struct event *opens; /* the screen, when it is time */
	struct events_consumer seen, written;
	pthread_mutex_t log_lock;
	struct strv logged; /* lines that wait for their turn */
	char *path; /* of --json, or NULL */
	int json; /* -1: it goes nowhere */
	bool keeps_json; /* it is not ours */
	struct events_writer writer;
};

/* ------------------------------------------------------------ terminals */

/* How wide the terminal is; 0: nobody knows. */
static unsigned terminal_columns(void)
{
	const char *set = getenv("COLUMNS");
	unsigned rows, columns;
	long n = 0;

	if (terminal_size(STDERR_FILENO, &rows, &columns))
		return columns;
	if (set && str_number(set, 1, 10000, &n))
		n = 0;
	return (unsigned)n;
}

bool watch_smart_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb");
}

enum ui_plain_kind watch_kind(void)
{
	unsigned columns = terminal_columns();

	return watch_smart_terminal() && !getenv("CI") &&
			       (!columns || columns >= WATCH_COLUMNS) ?
		       UI_LINE :
		       UI_PLAIN;
}

enum watch_screen watch_screen(void)
{
	unsigned rows, columns;

	if (watch_kind() != UI_LINE || !isatty(STDIN_FILENO) ||
	    !terminal_is_ours(STDIN_FILENO))
		return WATCH_NO_SCREEN;
	return terminal_size(STDERR_FILENO, &rows, &columns) &&
			       rows >= WATCH_SCREEN_ROWS &&
			       columns >= WATCH_SCREEN_COLUMNS ?
		       WATCH_TRY_SCREEN :
		       WATCH_NO_SCREEN;
}

/* --------------------------------------------------------------- logging */

/*
 * What the program logs, on any thread, would stand in the midst of a view.  It
 * is shown as errors are: behind the one line that is written over, or when the
 * screen is left, where the last line has it, too.
 */
static void on_log(void *ctx, const char *line)
{
	struct watch *w = ctx;

	pthread_mutex_lock(&w->log_lock);
	strv_add(&w->logged, line);
	pthread_mutex_unlock(&w->log_lock);
}

static void show_logged(struct watch *w)
{
	struct strv lines;

	pthread_mutex_lock(&w->log_lock);
	lines = w->logged;
	w->logged = (struct strv){ 0 };
	pthread_mutex_unlock(&w->log_lock);
	for (size_t i = 0; i < lines.n; i++) {
		ui_plain_line(&w->plain, lines.v[i]);
		if (w->console)
			console_say(w->console, lines.v[i]);
	}
	strv_release(&lines);
}

/* ----------------------------------------------------------- the screen */

static uint64_t screen_now(void *ctx)
{
	const struct watch *w = ctx;

	return events_hub_now(w->hooks.hub);
}

/* Behind the last that the screen had to say. */
static void release_plain(struct watch *w)
{
	if (!w->console || console_is_gone(w->console))
		ui_plain_hold(&w->plain, false);
}

static void leave_screen(struct watch *w)
{
	if (w->opens)
		event_free(w->opens);
	w->opens = NULL;
	if (w->console)
		console_stop(w->console);
	release_plain(w);
}

static void on_asked(void *ctx, enum ui_view_ask what, const char *node)
{
	static const enum events_request requests[] = {
		[UI_ASK_DRAIN] = EVENTS_DRAIN,
		[UI_ASK_RESUME] = EVENTS_RESUME,
		[UI_ASK_MORE] = EVENTS_MORE_SLOTS,
		[UI_ASK_LESS] = EVENTS_FEWER_SLOTS,
	};
	struct watch *w = ctx;

	if (what == UI_ASK_LEAVE) {
		w->left = true;
		leave_screen(w);
	} else if (what == UI_ASK_ABORT) {
		kill(getpid(), SIGINT);
	} else if (node && what >= UI_ASK_DRAIN && what <= UI_ASK_LESS) {
		events_hub_ask(w->hooks.hub, requests[what], node);
	}
}

static void on_open(evutil_socket_t fd, short what, void *ctx)
{
	struct watch *w = ctx;

	(void)fd;
	(void)what;
	ui_plain_hold(&w->plain, true);
	console_start(w->console, w->base);
}

static void on_loop(void *ctx, struct event_base *base)
{
	static const struct timeval delay = { .tv_usec = WATCH_OPEN_MS * 1000 };
	struct watch *w = ctx;

	w->base = base;
	show_logged(w);
	if (!base) {
		leave_screen(w);
	} else if (w->console) {
		w->opens = evtimer_new(base, on_open, w);
		if (!w->opens || evtimer_add(w->opens, &delay))
			str_out_of_memory();
	}
}

static int prepare_screen(struct watch *w, const struct watch_setup *setup,
			  struct err *err)
{
	struct console_setup console = { .model = &w->model,
					 .color = setup->color,
					 .may_ask = true,
					 .now = screen_now,
					 .asked = on_asked,
					 .ctx = w };
	struct err why = { 0 };
	int ret;

	if (setup->mode != WATCH_PROGRESS || setup->screen == WATCH_NO_SCREEN)
		return 0;
	ret = console_new(&w->console, &console, &why);
	if (!ret || setup->screen == WATCH_TRY_SCREEN)
		return 0;
	*err = why;
	err_wrap(err, "--ui ncurses");
	return ret;
}

/* ------------------------------------------------------------ the views */

static void on_event(void *ctx, const struct events_event *ev)
{
	struct watch *w = ctx;

	ui_model_tell(&w->model, ev);
	ui_plain_tell(&w->plain, ev);
	if (w->console)
		console_changed(w->console);
}

static void on_due(void *ctx, uint64_t at_ms)
{
	struct watch *w = ctx;

	if (w->plain.kind == UI_LINE)
		w->plain.columns = terminal_columns();
	show_logged(w);
	if (w->plain.held)
		release_plain(w);
	ui_plain_due(&w->plain, at_ms);
}

static void on_line(void *ctx, const char *text)
{
	struct watch *w = ctx;

	ui_plain_line(&w->plain, text);
}

/* -------------------------------------------------------------- --json */

static void close_json(struct watch *w)
{
	if (w->json >= 0 && !w->keeps_json)
		close(w->json);
	w->json = -1;
}

static void on_event_json(void *ctx, const struct events_event *ev)
{
	struct watch *w = ctx;

	events_writer_tell(&w->writer, ev);
}

/* The reader may go away, or the disk be full; the build goes on. */
static void on_due_json(void *ctx, uint64_t at_ms)
{
	struct watch *w = ctx;
	char *text;

	events_writer_flush(&w->writer, 0);
	if (w->json < 0 || !events_writer_error(&w->writer))
		return;
	close_json(w);
	if (w->mode == WATCH_NONE)
		return;
	text = xasprintf("--json %s: %s: no more events are written", w->path,
			 strerror(events_writer_error(&w->writer)));
	ui_plain_note(&w->plain, at_ms, text);
	free(text);
}

/*
 * A FIFO is opened for reading, too: it does not wait for a reader then, and
 * what is written stays in it until there is one.
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

static int start_json(struct watch *w, const struct watch_setup *setup,
		      struct err *err)
{
	const char *path = setup->json;

	if (!path)
		return 0;
	w->keeps_json = setup->json_fd != NULL;
	w->json = w->keeps_json ? *setup->json_fd : watch_open_json(path, err);
	if (w->json < 0)
		return w->json;
	w->path = xstrdup(path);
	events_writer_init(&w->writer, w->json, events_hub_now(w->hooks.hub));
	w->written = (struct events_consumer){ .told = on_event_json,
					       .due = on_due_json,
					       .ctx = w };
	events_hub_add(w->hooks.hub, &w->written);
	return 0;
}

/* ---------------------------------------------------------------- set-up */

static void start_view(struct watch *w, const struct watch_setup *setup)
{
	const struct ui_plain_shows shows[] = {
		[WATCH_PROGRESS] = { true, true, true },
		[WATCH_VERBOSE] = { .notes = true },
		[WATCH_QUIET] = { .errors = true },
		[WATCH_NONE] = { 0 },
	};

	ui_model_init(&w->model);
	w->terminal = terminal_open(STDERR_FILENO);
	ui_plain_init(&w->plain, w->terminal < 0 ? STDERR_FILENO : w->terminal,
		      setup->mode == WATCH_PROGRESS ? setup->kind : UI_PLAIN,
		      &shows[setup->mode], setup->color, &w->model);
	w->seen = (struct events_consumer){
		.told = on_event, .due = on_due, .loop = on_loop, .ctx = w
	};
	events_hub_add(w->hooks.hub, &w->seen);
	events_hub_set_snapshot(w->hooks.hub, ui_model_snapshot, &w->model);
	/* A screen is of terminals that the one line is for, too. */
	if (w->plain.kind == UI_LINE || setup->screen == WATCH_NEED_SCREEN)
		log_divert(on_log, w);
}

int watch_new(struct watch **out, const struct watch_setup *setup,
	      struct err *err)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	int ret;

	w->mode = setup->mode;
	w->json = -1;
	pthread_mutex_init(&w->log_lock, NULL);
	w->hooks = (struct kernel_hooks){
		.hub = events_hub_new(),
		.line = setup->mode == WATCH_VERBOSE ? on_line : NULL,
		.ctx = w,
	};
	start_view(w, setup);
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

bool watch_was_left(const struct watch *w)
{
	return w->left;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	log_divert(NULL, NULL);
	show_logged(w);
	leave_screen(w);
	console_free(w->console);
	if (w->json >= 0)
		events_writer_flush(&w->writer, LAST_MS);
	close_json(w);
	events_writer_release(&w->writer);
	ui_plain_release(&w->plain);
	if (w->terminal >= 0)
		close(w->terminal);
	ui_model_release(&w->model);
	events_hub_free(w->hooks.hub);
	pthread_mutex_destroy(&w->log_lock);
	free(w->path);
	free(w);
}
