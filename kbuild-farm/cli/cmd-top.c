/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/top-builds.h"
#include "cli/top-nodes.h"
#include "cli/top-once.h"
#include "cli/top-plain.h"
#include "cli/top-play.h"
#include "cli/top-screen.h"
#include "cli/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS    1000
#define LOOK_MS    50 /* --once looks whether all is there so often, */
#define BUILDS_MS  3000 /* and waits so long for builds */
#define NODES_MS   15000 /* and for nodes */
#define NODES      6 /* of a simulation */
#define RATE       60
#define SEED_MOST  1000000000
#define SPEED_MOST 1000000 /* times */
#define AT_MOST    1000000 /* s */

/* The command line. */
struct top_options {
	bool once, json;
	const char *ui; /* NULL: auto */
	bool simulate, fails;
	const char *file; /* NULL: made up */
	unsigned seed, nodes, rate; /* 0: not said */
	unsigned speed, at; /* thousandths; */
	bool speed_set, at_set;
};

/* The command at work. */
struct top_run {
	const struct top_options *o;
	struct event_base *base;
	struct top top;
	struct top_builds *builds;
	struct top_nodes *nodes;
	struct top_play *play;
	struct top_screen *screen; /* NULL: none */
	struct conf *conf;
	struct node_roster roster;
	struct event *tick, *ends[3];
	uint64_t next_ms; /* when to look for builds again */
	uint64_t deadline_ms; /* of --once */
	int signal; /* that ended it */
};

/* -------------------------------------------------------------- options */

static int parse_top_ui(void *at, const struct args *a, struct err *err)
{
	struct top_options *o = at;

	if (!str_list_has("auto ncurses line plain none", ' ', a->value))
		return err_set(err, EINVAL,
			       "--ui %s: allowed are auto, ncurses, line, "
			       "plain and none",
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

/* A number with a point, in thousandths. */
static int parse_milli(unsigned *to, const struct args *a, struct err *err)
{
	const struct args_option *o = a->option;
	char *end;
	double n = strtod(a->value, &end);

	if (*end || end == a->value || !(n >= 0 && n <= (double)o->n))
		return err_set(err, EINVAL,
			       "--%s %s: not a number from 0 to %ld", o->word,
			       a->value, o->n);
	*to = (unsigned)(n * 1000 + 0.5);
	return 0;
}

static int parse_speed(void *at, const struct args *a, struct err *err)
{
	struct top_options *o = at;

	o->speed_set = true;
	return parse_milli(&o->speed, a, err);
}

static int parse_at(void *at, const struct args *a, struct err *err)
{
	struct top_options *o = at;

	o->at_set = true;
	return parse_milli(&o->at, a, err);
}

#define AT(member) offsetof(struct top_options, member)

static const struct args_option options[] = {
	{ 0, "once", NULL, "print how all is now, and end", args_flag, AT(once),
	  0 },
	{ 0, "json", NULL, "print JSON; without --once all events as they come",
	  args_flag, AT(json), 0 },
	{ 0, "ui", "VIEW", "auto, ncurses or plain", parse_top_ui, 0, 0 },
	{ 0, "simulate", "[=FILE]",
	  "show a build that is made up, or what --json wrote to FILE",
	  parse_simulate, 0, 0 },
	{ 0, "speed", "X", "that so many times as fast; 0: stand still",
	  parse_speed, 0, SPEED_MOST },
	{ 0, "at", "SECONDS", "and from there on", parse_at, 0, AT_MOST },
	{ 0, "seed", "N", "another one that is made up", args_number, AT(seed),
	  SEED_MOST },
	{ 0, "nodes", "N", "with so many nodes", args_number, AT(nodes),
	  EVENTS_SIMULATE_NODES },
	{ 0, "rate", "N", "and about so many jobs a second", args_number,
	  AT(rate), EVENTS_SIMULATE_RATE },
	{ 0, "fail", NULL, "and an error", args_flag, AT(fails), 0 },
	{ 0 },
};

static int parse_top(struct top_options *o, char *const *argv, struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	got = args_read(&args, o, err);
	if (got == ARGS_WORD)
		return err_set(err, EINVAL, "what is \"%s\"?", args.value);
	if (got)
		return got;
	if (!o->simulate && (o->speed_set || o->at_set || o->seed || o->nodes ||
			     o->rate || o->fails))
		return err_set(err, EINVAL,
			       "--speed, --at, --seed, --nodes, "
			       "--rate and --fail are for "
			       "--simulate");
	if (o->file && (o->seed || o->nodes || o->rate || o->fails))
		return err_set(err, EINVAL,
			       "--seed, --nodes, --rate and "
			       "--fail are not for a recording");
	return 0;
}

/* -------------------------------------------------------------- sources */

static int start_play(struct top_run *r, struct err *err)
{
	const struct top_options *o = r->o;
	struct top_play_setup setup = {
		.file = o->file,
		.simulate = { .seed = o->seed ? o->seed : 1,
			      .nodes = o->nodes ? o->nodes : NODES,
			      .rate = o->rate ? o->rate : RATE,
			      .fails = o->fails,
			      .known = true },
		.speed = o->speed_set ? o->speed : 1000,
		.at_ms = o->at,
		.waits = o->once,
	};

	if (o->once)
		setup.speed = 0;
	return top_play_new(&r->play, &r->top, &setup, err);
}

/* Builds that run, or the nodes. */
static void look_around(struct top_run *r)
{
	unsigned builds = top_builds_look(r->builds);

	if (builds && r->nodes) {
		top_nodes_free(r->nodes);
		r->nodes = NULL;
	} else if (!builds && !r->nodes) {
		r->nodes = top_nodes_new(&r->top, &r->roster);
	}
	if (r->nodes)
		top_nodes_tick(r->nodes);
}

static int start_sources(struct top_run *r, struct err *err)
{
	int ret;

	if (r->o->simulate)
		return start_play(r, err);
	ret = settings_conf(&r->conf, &r->roster, err);
	if (!ret)
		ret = top_builds_new(&r->builds, &r->top, err);
	if (!ret)
		look_around(r);
	return ret;
}

static void stop_sources(struct top_run *r)
{
	top_play_free(r->play);
	top_nodes_free(r->nodes);
	top_builds_free(r->builds);
	node_roster_release(&r->roster);
	conf_free(r->conf);
}

/* ----------------------------------------------------------------- once */

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
	if (top_is_whole(&r->top) || now >= r->deadline_ms)
		event_base_loopbreak(r->base);
}

/* A kfarm that is stopped, or a node that says nothing and does not end. */
static void mark_silent_builds(struct top_run *r)
{
	struct top_page *p;

	TAILQ_FOREACH(p, &r->top.pages, link)
	{
		if (!p->whole && p->pid != TOP_NODES)
			top_end(&r->top, p, "its kfarm does not answer");
	}
}

static void print_once(struct top_run *r)
{
	char *file;

	if (r->o->json) {
		table_json(top_once_json(&r->top));
		return;
	}
	top_once_text(stdout, &r->top);
	if (!r->nodes || r->roster.n)
		return;
	file = conf_user_file();
	log_info("nothing is being built, and there are no nodes in %s yet",
		 file);
	free(file);
}

static const struct top_ops no_ops = { 0 };

static int run_top_once(struct top_run *r, struct err *err)
{
	int ret;

	top_init(&r->top, r->base, &no_ops, NULL);
	ret = start_sources(r, err);
	if (ret)
		return ret;
	r->deadline_ms = clock_ms() + (r->nodes ? NODES_MS : BUILDS_MS);
	if (!top_is_whole(&r->top))
		event_base_dispatch(r->base);
	if (r->signal)
		return 0;
	mark_silent_builds(r);
	print_once(r);
	return 0;
}

/* ----------------------------------------------------------------- live */

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct top_run *r = ctx;

	(void)fd;
	(void)what;
	if (r->builds)
		look_around(r);
	if (r->top.ops == &top_plain_ops)
		top_plain_due(&r->top);
	/* What is played comes to an end, and nothing follows. */
	if (r->play && !r->screen && TAILQ_FIRST(&r->top.pages)->over)
		event_base_loopbreak(r->base);
}

static int run_lines(struct top_run *r, struct err *err)
{
	int ret;

	top_init(&r->top, r->base,
		 r->o->json ? &top_events_ops : &top_plain_ops, &r->top);
	ret = start_sources(r, err);
	if (!ret && !r->top.error)
		event_base_dispatch(r->base);
	if (!ret && r->top.error && r->top.error != EPIPE)
		ret = err_set(err, r->top.error, "stdout: %s",
			      strerror(r->top.error));
	return ret;
}

/* On the terminal: 1; 0: there can be none, and nobody insists. */
static int run_screen(struct top_run *r, struct err *err)
{
	bool need = str_equal(r->o->ui, "ncurses");
	const char *no_color = getenv("NO_COLOR");
	int ret;

	if (!need &&
	    (!isatty(STDOUT_FILENO) || watch_screen() == WATCH_NO_SCREEN))
		return 0;
	top_init(&r->top, r->base, &top_screen_ops, NULL);
	ret = top_screen_new(&r->screen, &r->top, !no_color || !*no_color, err);
	if (ret)
		return need ? ret : 0;
	r->top.ctx = r->screen;
	ret = start_sources(r, err);
	if (!ret)
		event_base_dispatch(r->base);
	return ret ? ret : 1;
}

static int run_live(struct top_run *r, struct err *err)
{
	bool plain = r->o->json || (r->o->ui && strcmp(r->o->ui, "auto") &&
				    strcmp(r->o->ui, "ncurses"));
	int ret = plain ? 0 : run_screen(r, err);

	return ret ? (ret < 0 ? ret : 0) : run_lines(r, err);
}

/* -------------------------------------------------------------- the loop */

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
	struct top_run *r = ctx;

	(void)what;
	r->signal = number;
	event_base_loopbreak(r->base);
}

static void start_top(struct top_run *r)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	unsigned ms = r->o->once ? LOOK_MS : TICK_MS;
	const struct timeval tick = { .tv_sec = ms / 1000,
				      .tv_usec = ms % 1000 * 1000 };

	r->base = event_base_new();
	r->tick = event_new(r->base, -1, EV_PERSIST,
			    r->o->once ? on_once : on_tick, r);
	if (!r->base || !r->tick || event_add(r->tick, &tick))
		str_out_of_memory();
	for (int i = 0; i < 3; i++) {
		r->ends[i] = evsignal_new(r->base, signals[i], on_signal, r);
		if (!r->ends[i] || event_add(r->ends[i], NULL))
			str_out_of_memory();
	}
}

static void stop_top(struct top_run *r)
{
	/* The terminal first: the nodes may need a moment. */
	top_screen_free(r->screen);
	if (r->screen) {
		top_once_brief(stdout, &r->top);
		r->top.ops = &no_ops;
	}
	stop_sources(r);
	top_release(&r->top);
	for (int i = 0; i < 3; i++)
		event_free(r->ends[i]);
	event_free(r->tick);
	event_base_free(r->base);
}

static int top_main(char *const *argv)
{
	struct top_options o = { 0 };
	struct top_run r = { .o = &o };
	struct err err = { 0 };
	int ret = parse_top(&o, argv, &err);

	if (!ret) {
		start_top(&r);
		ret = o.once ? run_top_once(&r, &err) : run_live(&r, &err);
		stop_top(&r);
	}
	if (ret)
		log_error("top: %s", err.text);
	if (r.signal)
		settings_end_by(r.signal);
	return ret ? EXIT_USAGE : EXIT_OK;
}

const struct cmd cmd_top = {
	.name = "top",
	.usage = "[OPTION]...",
	.help = "what all running builds do, or without one the nodes",
	.options = options,
	.run = top_main,
};
