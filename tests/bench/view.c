/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/view.c - Cost of the full-screen view.
 *
 *	view NODES RATE COLUMNS ROWS SECONDS
 *
 * Plays a simulated build (events/simulate.h) in real time.  All events go to
 * the model, and every 135 ms a picture goes to a terminal with a reader.
 * Prints the jobs per second, and the CPU time of model, view and screen in
 * percent of one core.
 */
#include "ui/view.h"
#include "base/clock.h"
#include "base/str.h"
#include "events/simulate.h"
#include "ui/screen.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS    15
#define PICTURE_MS 135 /* as in cli/console */
#define WARM_UP_MS 10005 /* then all nodes have jobs */

struct cost {
	uint64_t model, view, screen; /* CPU time in us */
};

static int master;
static size_t shown; /* bytes sent to the terminal */

static void *read_all(void *none)
{
	char block[1 << 16];
	ssize_t n;

	(void)none;
	while ((n = read(master, block, sizeof(block))) > 0)
		shown += (size_t)n;
	return NULL;
}

static int open_terminal(unsigned columns, unsigned rows)
{
	struct winsize size = { .ws_row = (unsigned short)rows,
				.ws_col = (unsigned short)columns };
	pthread_t reader;
	int slave;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return -1;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size))
		return -1;
	return pthread_create(&reader, NULL, read_all, NULL) ? -1 : slave;
}

static void ignore(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	(void)ev;
}

static void tell_model(struct cost *cost, struct events_simulate *told,
		       struct events_simulate *twin, struct ui_model *m,
		       uint64_t now)
{
	uint64_t a = clock_cpu_us(), b;

	/* Generating the events is not part of the view's cost. */
	events_simulate_run_until(twin, now, ignore, NULL);
	b = clock_cpu_us();
	events_simulate_run_until(told, now, ui_model_add_event, m);
	cost->model += clock_cpu_us() - b;
	cost->model -= b - a < cost->model ? b - a : cost->model;
}

static void show(struct cost *cost, struct ui_screen *s, struct ui_view *v,
		 struct ui_canvas *c, const struct ui_model *m, uint64_t now)
{
	uint64_t a = clock_cpu_us(), b;

	if (!ui_screen_ready(s))
		return;
	ui_view_draw(v, c, m, now);
	b = clock_cpu_us();
	cost->view += b - a;
	ui_screen_show(s, c);
	cost->screen += clock_cpu_us() - b;
}

static void sleep_until(uint64_t ms)
{
	uint64_t now = clock_ms();
	struct timespec t = { 0 };

	if (ms <= now)
		return;
	t.tv_nsec = (long)(ms - now) * 1000000;
	nanosleep(&t, NULL);
}

static unsigned done(const struct ui_model *m)
{
	return m->totals.n_remote + m->totals.n_local;
}

static void play(const struct events_simulate_setup *setup, int terminal,
		 unsigned columns, unsigned rows, unsigned seconds)
{
	struct events_simulate *told = events_simulate_new(setup);
	struct events_simulate *twin = events_simulate_new(setup);
	struct cost cost = { 0 };
	struct ui_view_setup view = { .actions_enabled = true };
	uint64_t began = clock_ms(), end = WARM_UP_MS + seconds * 1000;
	double per_cent = 100.0 / (seconds * 1e6);
	unsigned jobs = 0;
	struct ui_canvas c;
	struct ui_screen *s;
	struct ui_model m;
	struct ui_view v;
	struct err err;

	if (ui_screen_new(&s, terminal, terminal, true, &err)) {
		fprintf(stderr, "view: %s\n", err.text);
		exit(1);
	}
	ui_canvas_init(&c, rows, columns, !ui_screen_is_utf8(s));
	ui_model_init(&m);
	ui_view_init(&v, &view);
	ui_screen_enter(s);
	for (uint64_t now = 0; now <= end; now += TICK_MS) {
		tell_model(&cost, told, twin, &m, now);
		if (now % PICTURE_MS == 0)
			show(&cost, s, &v, &c, &m, now);
		if (now == WARM_UP_MS) {
			cost = (struct cost){ 0 };
			shown = 0;
			jobs = done(&m);
		}
		sleep_until(began + now + TICK_MS);
	}
	ui_screen_leave(s);
	printf("%u nodes, %ux%u, %u jobs/s: model %.3f %%, view %.3f %%, "
	       "screen %.3f %%, in all %.3f %% of a core; %zu bytes/s\n",
	       setup->n_nodes, columns, rows, (done(&m) - jobs) / seconds,
	       (double)cost.model * per_cent, (double)cost.view * per_cent,
	       (double)cost.screen * per_cent,
	       (double)(cost.model + cost.view + cost.screen) * per_cent,
	       shown / seconds);
}

int main(int argc, char **argv)
{
	long n[5];
	struct events_simulate_setup setup = { .seed = 1,
					       .has_baseline = true };
	int terminal;

	for (int i = 0; i < 5; i++) {
		if (argc != 6 ||
		    str_parse_number(argv[i + 1], 1, 100000, &n[i])) {
			fprintf(stderr, "usage: view NODES RATE COLUMNS ROWS "
					"SECONDS\n");
			return 1;
		}
	}
	setup.n_nodes = (unsigned)n[0];
	setup.jobs_per_s = (unsigned)n[1];
	setup.n_jobs = 1000000;
	terminal = open_terminal((unsigned)n[2], (unsigned)n[3]);
	if (terminal < 0) {
		perror("view: no terminal");
		return 1;
	}
	play(&setup, terminal, (unsigned)n[2], (unsigned)n[3], (unsigned)n[4]);
	return 0;
}
