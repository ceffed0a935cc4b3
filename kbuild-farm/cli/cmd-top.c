/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/console.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/top-sources.h"
#include "cli/top-text.h"
#include "cli/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The full-screen view. */
struct top_screen {
	struct top *top;
	struct console *console;
	struct top_page *page; /* shown page; NULL: no page exists */
	struct ui_model empty_model; /* shown if `page` is NULL */
	char *title; /* line above the view, or NULL */
};

/*
 * Format the line above the view.  If the shown build has ended, the line
 * states how.  If there are several pages, the line lists their names, with the
 * shown page in brackets.  Returns NULL if neither applies.  The caller frees
 * it.
 */
static char *make_title(const struct top_screen *s)
{
	const struct top_page *p = s->page;
	struct buf out = { 0 };

	if (p && p->ended) {
		if (p->end_reason)
			buf_printf(&out, "build %d: %s", (int)p->pid,
				   p->end_reason);
		else
			buf_printf(&out, "build %d has ended with status %lld",
				   (int)p->pid, (long long)p->model.status);
		buf_add_str(&out, "; q quits, the next build is shown when it "
				  "starts");
	}
	if (s->top->n_pages > 1) {
		buf_add_str(&out, out.len ? "  " : "");
		list_for_each(p, &s->top->pages, entry) {
			buf_add_str(&out, p == s->page ? "[" : " ");
			if (p->pid == TOP_NODES_PID) {
				buf_add_str(&out, "nodes");
			} else {
				buf_printf(&out, "%d %s", (int)p->pid,
					   p->model.goals);
				if (*p->model.arch)
					buf_add_str(&out, " ");
				ui_model_add_label(&p->model, &out);
			}
			buf_add_str(&out, p == s->page ? "]" : " ");
		}
	}
	return out.len ? buf_steal(&out) : NULL;
}

/* Show page `p`, or the empty model if it is NULL, and update the title. */
static void show_page(struct top_screen *s, struct top_page *p)
{
	char *before = s->title;

	s->page = p;
	s->title = make_title(s);
	console_set_model(s->console, p ? &p->model : &s->empty_model,
			  s->title);
	free(before);
}

static bool is_running_build(const struct top_page *p)
{
	return p && !p->ended && p->pid != TOP_NODES_PID;
}

static void on_page_added(void *ctx, struct top_page *p)
{
	struct top_screen *s = ctx;

	/* A new build replaces an ended build or the nodes on the screen. */
	show_page(s, !s->page || (is_running_build(p) &&
				  !is_running_build(s->page)) ?
			     p :
			     s->page);
}

static void on_page_event(void *ctx, struct top_page *p,
			  const struct events_event *ev)
{
	struct top_screen *s = ctx;

	if (ev->kind == EVENTS_KIND_BUILD)
		show_page(s, s->page);
	else if (p == s->page)
		console_schedule_draw(s->console);
}

static void on_page_reset(void *ctx, struct top_page *p)
{
	struct top_screen *s = ctx;

	if (p == s->page)
		show_page(s, p);
}

static void on_page_ended(void *ctx, struct top_page *p)
{
	struct top_screen *s = ctx;

	(void)p;
	show_page(s, s->page);
}

static void on_page_removed(void *ctx, struct top_page *p)
{
	struct top_screen *s = ctx;

	show_page(s, p == s->page ? TAILQ_FIRST(&s->top->pages) : s->page);
}

static const struct top_ops top_screen_ops = {
	.on_page_added = on_page_added,
	.on_page_event = on_page_event,
	.on_page_reset = on_page_reset,
	.on_page_ended = on_page_ended,
	.on_page_removed = on_page_removed,
};

static void on_action(void *ctx, enum ui_view_action what, const char *node)
{
	struct top_screen *s = ctx;
	struct top_page *p = s->page;

	(void)node;
	if (what == UI_ACTION_LEAVE)
		event_base_loopbreak(s->top->base);
	if (!p)
		return;
	if (what == UI_ACTION_NEXT_BUILD) {
		p = TAILQ_NEXT(p, entry);
		show_page(s, p ? p : TAILQ_FIRST(&s->top->pages));
	} else if (what == UI_ACTION_PREVIOUS_BUILD) {
		p = TAILQ_PREV(p, top_pages, entry);
		show_page(s, p ? p : TAILQ_LAST(&s->top->pages, top_pages));
	}
}

static uint64_t page_time_ms(void *ctx)
{
	const struct top_screen *s = ctx;

	return s->page ? top_page_now_ms(s->page) : 0;
}

/* Restore the terminal and free `s`, which can be NULL. */
static void top_screen_free(struct top_screen *s)
{
	if (!s)
		return;
	console_free(s->console);
	ui_model_release(&s->empty_model);
	free(s->title);
	free(s);
}

#define TICK_MS       1000
#define ONCE_TICK_MS  50 /* interval at which --once checks for completion */
#define BUILDS_MS     3000 /* longest wait of --once for builds */
#define NODES_MS      20000 /* longest wait of --once for nodes */
#define DEFAULT_NODES 6 /* nodes of a simulation */
#define DEFAULT_RATE  60 /* jobs per second of a simulation */
#define SEED_MAX      1000000000
#define SPEED_MAX     1000000 /* maximum multiple of real time */
#define START_MAX_S   1000000 /* maximum of --at */

/* The command line. */
struct top_options {
	bool once, groups, json;
	const char *ui; /* NULL: auto */
	bool simulate, failing_build;
	const char *file; /* recording; NULL: a simulated build */
	unsigned seed, n_nodes, rate; /* 0: default */
	unsigned speed_milli, start_milli; /* --speed and --at, times 1000 */
	bool speed_set, start_set; /* the option was given */
};

/* One execution of the command. */
struct top_run {
	const struct top_options *options;
	struct event_base *base;
	struct top top;
	struct top_builds *builds;
	struct top_nodes *nodes;
	struct top_playback *playback;
	struct top_screen *screen; /* NULL without the full-screen view */
	struct conf *conf;
	struct node_roster roster;
	struct event *tick_event, *signal_events[3];
	uint64_t next_ms; /* --once: time of the next top_nodes_tick() */
	uint64_t deadline_ms; /* --once: end of the wait */
	int signal_number; /* signal that ended the loop, or 0 */
};

static int parse_top_ui(void *at, const struct args *a, struct err *err)
{
	struct top_options *o = at;

	/* $KFARM can contain any view of `kfarm build`. */
	if (!str_list_has(CMD_BUILD_VIEWS, ' ', a->value))
		return err_set(err, EINVAL,
			       "--ui %s: expected auto, ncurses, line, plain "
			       "or none",
			       a->value);
	o->ui = a->value;
	return 0;
}

static int parse_simulate(void *at, const struct args *a, struct err *err)
{
	struct top_options *o = at;

	(void)err;
	o->simulate = true;
	o->file = a->value;
	return 0;
}

/* Parse a decimal number from 0 to last_option->n into thousandths. */
static int parse_milli(unsigned *to, const struct args *a, struct err *err)
{
	const struct args_option *o = a->last_option;
	char *end;
	double n = strtod(a->value, &end);

	if (*end || end == a->value || !(n >= 0 && n <= (double)o->n))
		return err_set(err, EINVAL,
			       "--%s %s: not a number from 0 to %ld",
			       o->long_name, a->value, o->n);
	*to = (unsigned)(n * 1000 + 0.5);
	return 0;
}

static int parse_speed(void *at, const struct args *a, struct err *err)
{
	struct top_options *o = at;

	o->speed_set = true;
	return parse_milli(&o->speed_milli, a, err);
}

static int parse_at(void *at, const struct args *a, struct err *err)
{
	struct top_options *o = at;

	o->start_set = true;
	return parse_milli(&o->start_milli, a, err);
}

#define AT(member) offsetof(struct top_options, member)

static const struct args_option options[] = {
	{ 0, "once", NULL, "print the current state, and exit", args_flag,
	  AT(once), 0 },
	{ 0, "groups", NULL,
	  "with --once, print the pools and sites, worst first", args_flag,
	  AT(groups), 0 },
	{ 0, "json", NULL,
	  "print JSON; without --once, all events as they arrive", args_flag,
	  AT(json), 0 },
	{ 0, "ui", "VIEW", "auto, ncurses or plain (also line, none)",
	  parse_top_ui, 0, 0 },
	{ 0, "simulate", "[=FILE]",
	  "show a simulated build, or the events in FILE", parse_simulate, 0,
	  0 },
	{ 0, "speed", "X", "speed of the simulation; 0 pauses it", parse_speed,
	  0, SPEED_MAX },
	{ 0, "at", "SECONDS", "start the simulation at SECONDS", parse_at, 0,
	  START_MAX_S },
	{ 0, "seed", "N", "seed of the simulation", args_number, AT(seed),
	  SEED_MAX },
	{ 0, "nodes", "N", "number of simulated nodes", args_number,
	  AT(n_nodes), EVENTS_SIMULATE_NODES_MAX },
	{ 0, "rate", "N", "approximate number of simulated jobs per second",
	  args_number, AT(rate), EVENTS_SIMULATE_RATE_MAX },
	{ 0, "fail", NULL, "simulate an error", args_flag, AT(failing_build),
	  0 },
	{ 0 },
};

/* Parse the command line and reject options that exclude each other. */
static int parse_top(struct top_options *o, char *const *argv, struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	got = args_read(&args, o, err);
	if (got == ARGS_WORD)
		return err_set(err, EINVAL, "unexpected argument \"%s\"",
			       args.value);
	if (got)
		return got;
	if ((o->once || o->json) && str_equal(o->ui, "ncurses"))
		return err_set(err, EINVAL,
			       "--ui ncurses does not apply to --once and "
			       "--json");
	if (o->groups && (!o->once || o->json))
		return err_set(err, EINVAL,
			       "--groups requires --once and does not apply "
			       "to --json");
	if (!o->simulate && (o->speed_set || o->start_set || o->seed ||
			     o->n_nodes || o->rate || o->failing_build))
		return err_set(err, EINVAL,
			       "--speed, --at, --seed, --nodes, --rate and "
			       "--fail require --simulate");
	if (o->file && (o->seed || o->n_nodes || o->rate || o->failing_build))
		return err_set(err, EINVAL,
			       "--seed, --nodes, --rate and --fail do not "
			       "apply to a recording");
	return 0;
}

/*
 * Find the running builds.  The nodes are shown only while no build runs, so
 * open connections to them when the last build has ended, and close these
 * connections when a build begins.
 */
static void refresh_sources(struct top_run *r)
{
	unsigned builds = top_builds_refresh(r->builds);

	if (builds && r->nodes) {
		top_nodes_free(r->nodes);
		r->nodes = NULL;
	} else if (!builds && !r->nodes) {
		r->nodes = top_nodes_new(&r->top, &r->roster);
	}
	if (r->nodes)
		top_nodes_tick(r->nodes);
}

/* Open the sources of the pages: a playback, or builds and nodes. */
static int start_sources(struct top_run *r, struct err *err)
{
	const struct top_options *o = r->options;
	struct top_playback_setup setup = {
		.file = o->file,
		.simulate = { .seed = o->seed ? o->seed : 1,
			      .n_nodes = o->n_nodes ? o->n_nodes :
						      DEFAULT_NODES,
			      .jobs_per_s = o->rate ? o->rate : DEFAULT_RATE,
			      .erroneous = o->failing_build,
			      .has_baseline = true },
		.speed_milli = o->speed_set ? o->speed_milli : 1000,
		.start_ms = o->start_milli,
		.wait_for_input = o->once,
	};
	int ret;

	if (o->simulate) {
		if (o->once)
			setup.speed_milli = 0;
		return top_playback_new(&r->playback, &r->top, &setup, err);
	}
	ret = settings_load_conf(&r->conf, &r->roster, err);
	if (!ret)
		ret = top_builds_new(&r->builds, &r->top, err);
	if (!ret)
		refresh_sources(r);
	return ret;
}

/* Explain an empty output: no build is running, and no node is configured. */
static void log_if_empty(const struct top_run *r)
{
	char *file;

	if (!r->nodes || node_roster_has_nodes(&r->roster))
		return;
	file = conf_user_path();
	log_info("no build is running, and %s has no nodes yet", file);
	free(file);
}

static void on_once(evutil_socket_t fd, short what, void *ctx)
{
	struct top_run *r = ctx;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	if (r->nodes && now >= r->next_ms) {
		top_nodes_tick(r->nodes);
		r->next_ms = now + TICK_MS;
	}
	if (top_is_complete(&r->top) || now >= r->deadline_ms)
		event_base_loopbreak(r->base);
}

static const struct top_ops no_ops = { 0 };

/* Print the state of all pages once, as soon as it is complete. */
static int run_top_once(struct top_run *r, struct err *err)
{
	struct top_page *p;
	int ret;

	top_init(&r->top, r->base, &no_ops, NULL);
	ret = start_sources(r, err);
	if (ret)
		return ret;
	r->deadline_ms = clock_ms() + (r->nodes ? NODES_MS : BUILDS_MS);
	if (!top_is_complete(&r->top))
		event_base_dispatch(r->base);
	if (r->signal_number)
		return 0;

	/* A build whose kfarm is stopped (SIGSTOP) sends no snapshot. */
	TAILQ_FOREACH(p, &r->top.pages, entry)
	{
		if (!p->complete && p->pid != TOP_NODES_PID)
			top_page_end(&r->top, p,
				     "its kfarm process does not respond");
	}
	if (r->options->json) {
		table_print_json(top_once_json(&r->top));
		return 0;
	}
	top_once_print(stdout, &r->top, r->options->groups);
	log_if_empty(r);
	return 0;
}

/* Return false if stdout is a pipe or a socket that no process reads. */
static bool has_reader(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) <= 0 || !(out.revents & (POLLERR | POLLHUP));
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct top_run *r = ctx;

	(void)fd;
	(void)what;
	if (r->builds)
		refresh_sources(r);
	if (r->top.ops == &top_plain_ops)
		top_plain_update(&r->top);
	/* A playback has only one page, so exit when this page has ended. */
	if (r->playback && !r->screen && TAILQ_FIRST(&r->top.pages)->ended)
		event_base_loopbreak(r->base);
	/*
	 * A write fails if stdout has lost its reader, but kfarm can run for a
	 * long time without a write.  Therefore, also check for a reader here.
	 */
	if (!r->screen && !has_reader())
		event_base_loopbreak(r->base);
}

/* Print events as lines or JSON until the loop ends. */
static int run_lines(struct top_run *r, struct err *err)
{
	int ret;

	top_init(&r->top, r->base,
		 r->options->json ? &top_events_ops : &top_plain_ops, &r->top);
	ret = start_sources(r, err);
	if (!ret && !r->options->json)
		log_if_empty(r);
	if (!ret && !r->top.error)
		event_base_dispatch(r->base);
	if (!ret && r->top.error && r->top.error != EPIPE)
		ret = err_set(err, r->top.error, "stdout: %s",
			      strerror(r->top.error));
	/*
	 * The error has been handled, so clear the error indicator of stdout.
	 * Otherwise, main() would report an error with a wrong errno.
	 */
	if (r->top.error)
		clearerr(stdout);
	return ret;
}

/*
 * Run the full-screen view until the user leaves it.  Returns 1 after it has
 * ended; 0 if the terminal does not support it and --ui does not require it; or
 * -errno with `err` set.
 */
static int run_screen(struct top_run *r, struct err *err)
{
	bool need = str_equal(r->options->ui, "ncurses");
	const char *no_color = getenv("NO_COLOR");
	struct console_setup setup = { .base = r->base,
				       .color = !no_color || !*no_color,
				       .get_time = page_time_ms,
				       .on_action = on_action };
	struct top_screen *s;
	int ret;

	if (!need &&
	    (!isatty(STDOUT_FILENO) || watch_screen() == WATCH_SCREEN_NEVER))
		return 0;
	s = xcalloc(1, sizeof(*s));
	s->top = &r->top;
	ui_model_init(&s->empty_model);
	setup.model = &s->empty_model;
	setup.ctx = s;
	top_init(&r->top, r->base, &top_screen_ops, s);
	ret = console_new(&s->console, &setup, err);
	if (ret) {
		top_screen_free(s);
		return need ? ret : 0;
	}
	r->screen = s;
	ret = start_sources(r, err);
	if (!ret)
		event_base_dispatch(r->base);
	return ret ? ret : 1;
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
	struct top_run *r = ctx;

	(void)what;
	r->signal_number = number;
	event_base_loopbreak(r->base);
}

/* Create the event loop with its timer and signal handlers. */
static void start_top(struct top_run *r)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	unsigned ms = r->options->once ? ONCE_TICK_MS : TICK_MS;
	const struct timeval tick = { .tv_sec = ms / 1000,
				      .tv_usec = ms % 1000 * 1000 };

	r->base = event_base_new();
	r->tick_event = event_new(r->base, -1, EV_PERSIST,
				  r->options->once ? on_once : on_tick, r);
	if (!r->base || !r->tick_event || event_add(r->tick_event, &tick))
		str_out_of_memory();
	for (int i = 0; i < 3; i++) {
		r->signal_events[i] = evsignal_new(r->base, signals[i],
						   on_signal, r);
		if (!r->signal_events[i] ||
		    event_add(r->signal_events[i], NULL))
			str_out_of_memory();
	}
}

static int top_main(char *const *argv)
{
	struct top_options o = { 0 };
	struct top_run r = { .options = &o };
	struct err err = { 0 };
	int ret = parse_top(&o, argv, &err);
	bool text_only;

	if (ret) {
		log_error("top: %s", err.text);
		return EXIT_USAGE;
	}
	start_top(&r);
	text_only = o.json ||
		    (o.ui && strcmp(o.ui, "auto") && strcmp(o.ui, "ncurses"));
	if (o.once)
		ret = run_top_once(&r, &err);
	else if (!text_only)
		ret = run_screen(&r, &err);
	/* Print lines if the full-screen view is not possible. */
	if (!o.once && !ret)
		ret = run_lines(&r, &err);
	else if (ret > 0)
		ret = 0;

	/* Restore the terminal first: closing the connections can take time. */
	top_screen_free(r.screen);
	if (r.screen) {
		top_once_print_brief(&r.top);
		r.top.ops = &no_ops;
	}
	top_playback_free(r.playback);
	top_nodes_free(r.nodes);
	top_builds_free(r.builds);
	node_roster_release(&r.roster);
	conf_free(r.conf);
	top_release(&r.top);
	for (int i = 0; i < 3; i++)
		event_free(r.signal_events[i]);
	event_free(r.tick_event);
	event_base_free(r.base);
	if (ret)
		log_error("top: %s", err.text);
	if (r.signal_number)
		settings_exit_by_signal(r.signal_number);
	return ret ? EXIT_USAGE : EXIT_OK;
}

const struct cmd cmd_top = {
	.name = "top",
	.usage = "[OPTION]...",
	.help = "show all running builds, or the nodes if none runs",
	.options = options,
	.run = top_main,
};
