/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
#include "cli/console.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/clock.h"
#include "cli/watch.h"

#include <poll.h>
#include <sys/ioctl.h>

#define DRAWN_MS 150 /* limit from an event to the terminal */

static char dir[TEMPDIR_SIZE];
static int master, old_in, old_err;
static struct event_base *base;
static struct ui_model m;
static struct console *c;
static struct buf got; /* all bytes that the terminal received */
static unsigned writes; /* number of writes to the terminal */
/* number of loop turns in the last runs(), at least 1 ms each */
static unsigned turns;
static uint64_t began_ms;
static bool time_stands; /* the view's clock does not advance */
static unsigned asked[UI_ACTION_PREVIOUS_BUILD + 1];

static uint64_t now(void *ctx)
{
	(void)ctx;
	return time_stands ? 0 : clock_ms() - began_ms;
}

static void on_asked(void *ctx, enum ui_view_action what, const char *node)
{
	(void)ctx;
	(void)node;
	asked[what]++;
	if (what == UI_ACTION_LEAVE)
		console_stop(c);
}

static void set_up(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int slave;

	tempdir_make(dir);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	ck_assert_int_ge(master, 0);
	ck_assert(!grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
	old_in = dup(STDIN_FILENO);
	old_err = dup(STDERR_FILENO);
	dup2(slave, STDIN_FILENO);
	dup2(slave, STDERR_FILENO);
	close(slave);
	setenv("TERM", "xterm", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	base = event_base_new();
	ui_model_init(&m);
	began_ms = clock_ms();
}

static void tear_down(void)
{
	console_free(c);
	dup2(old_in, STDIN_FILENO);
	dup2(old_err, STDERR_FILENO);
	event_base_free(base);
	ui_model_release(&m);
	buf_release(&got);
	close(master);
	tempdir_remove(dir);
}

static void begin(void)
{
	struct console_setup setup = { .base = base,
				       .model = &m,
				       .actions_enabled = true,
				       .get_time = now,
				       .on_action = on_asked };
	struct err err = { 0 };

	must(console_new(&c, &setup, &err));
}

/*
 * Run the loop for `ms`, or until `text` is on the terminal; then return true.
 * Run some turns in any case, because this process may not be scheduled for a
 * while.
 */
static bool runs(unsigned ms, const char *text)
{
	uint64_t end = clock_ms() + ms;

	turns = 0;
	do {
		struct pollfd fd = { .fd = master, .events = POLLIN };
		char block[4096];
		ssize_t n;

		turns++;
		event_base_loop(base, EVLOOP_NONBLOCK);
		poll(&fd, 1, 1);
		n = read(master, block, sizeof(block));
		if (n > 0)
			buf_add(&got, block, (size_t)n);
		writes += n > 0;
		if (text && strstr(buf_str(&got), text))
			return true;
	} while (clock_ms() < end || (turns < ms && turns < 50));
	return false;
}

/* Run the loop until the view has requested an action. */
static void runs_until_asked(enum ui_view_action what)
{
	uint64_t deadline = clock_ms() + 60000;

	while (!asked[what] && clock_ms() < deadline)
		runs(1, NULL);
}

static void press(const char *keys)
{
	ck_assert_int_eq(write(master, keys, strlen(keys)), strlen(keys));
}

static void tell_node(const char *name)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = name;
	ev.text = "up";
	ev.at_ms = now(NULL);
	ui_model_add_event(&m, &ev);
	console_schedule_draw(c);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(an_event_is_drawn_within_150_ms)
{
	begin();
	ck_assert(runs(60000, "q quit"));
	for (int i = 0; i < 10; i++) {
		char *name = xasprintf("node-%c%d", 'a' + i, i);

		runs(37u * (unsigned)i, NULL);
		tell_node(name);
		ck_assert(runs(60000, name));
		/*
		 * The time when other processes use the processor does not
		 * count.
		 */
		ck_assert_uint_le(turns, DRAWN_MS);
		free(name);
	}
}

TEST(frequent_events_are_drawn_at_most_ten_times_a_second)
{
	uint64_t began, ms = 0;

	begin();
	ck_assert(runs(60000, "q quit"));
	writes = 0;
	began = clock_ms();
	for (int i = 0; ms < 1000 || (writes < 2 && ms < 60000); i++) {
		char *name = xasprintf("beat%04d", i);

		ui_model_release(&m);
		ui_model_init(&m);
		tell_node(name);
		runs(1, NULL);
		free(name);
		ms = clock_ms() - began;
	}
	/* A picture of this size is a single write. */
	ck_assert_uint_ge(writes, 2);
	ck_assert_uint_le(writes, ms / 100 + 1);
}

TEST(an_unchanged_picture_is_not_drawn_again)
{
	time_stands = true;
	begin();
	ck_assert(runs(60000, "q quit"));
	do {
		writes = 0;
		runs(300, NULL);
	} while (writes);
	buf_reset(&got);
	for (int i = 0; i < 20; i++) {
		console_schedule_draw(c);
		runs(10, NULL);
	}
	ck_assert_uint_eq(got.len, 0);
}

TEST(keys_request_actions)
{
	time_stands = true;
	begin();
	tell_node("alpha");
	ck_assert(runs(60000, "alpha"));
	press("d");
	runs_until_asked(UI_ACTION_DRAIN);
	ck_assert_uint_eq(asked[UI_ACTION_DRAIN], 1);
	press("Q");
	runs(200, NULL);
	ck_assert_uint_eq(asked[UI_ACTION_ABORT], 0);
	press("Q");
	runs_until_asked(UI_ACTION_ABORT);
	ck_assert_uint_eq(asked[UI_ACTION_ABORT], 1);
	/*
	 * The key q closes the view, so the following keys are not the view's.
	 */
	press("qQQ");
	ck_assert(runs(60000, "\033[?1049l"));
	ck_assert_uint_eq(asked[UI_ACTION_LEAVE], 1);
	ck_assert_uint_eq(asked[UI_ACTION_ABORT], 1);
	ck_assert(console_is_drained(c));
}

TEST(a_closed_terminal_only_ends_the_view)
{
	begin();
	ck_assert(runs(60000, "q quit"));
	close(master);
	for (int i = 0; i < 6000 && !asked[UI_ACTION_LEAVE]; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		poll(NULL, 0, 10);
	}
	ck_assert_uint_eq(asked[UI_ACTION_LEAVE], 1);
	console_schedule_draw(c);
	event_base_loop(base, EVLOOP_NONBLOCK);
	master = open("/dev/null", O_RDWR);
}

static void add_to_log(const char *text)
{
	char *path = xasprintf("%s/build.log", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	ck_assert(!bytes_write(fd, bytes_str(text)));
	close(fd);
	free(path);
}

TEST(the_log_is_read_as_it_grows)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	add_to_log("  CC      first.o\n  CC      \033[2Jsec");
	ev.command = "Image";
	ev.output = dir;
	ui_model_add_event(&m, &ev);
	begin();
	ck_assert(runs(60000, "q quit"));
	ck_assert(!strstr(buf_str(&got), "first.o"));
	buf_reset(&got);
	press("l");
	ck_assert(runs(60000, "first.o"));
	ck_assert(!strstr(buf_str(&got), "\033[2J\033"));
	add_to_log("ond.o\n  CC      third.o\n");
	ck_assert(runs(60000, "third.o"));
	text_has(buf_str(&got), "second.o");
}

/* ----------------------------------------------- in cli/watch: the delay */

/* Run a build until `ms` have passed or, if `waits`, the view has opened. */
static bool opens(unsigned ms, bool waits)
{
	struct watch_setup setup = { .screen = WATCH_SCREEN_REQUIRED };
	static const char opened[] = "\033[?1049h";
	struct err err = { 0 };
	struct watch *w;

	buf_reset(&got);
	must(watch_new(&w, &setup, &err));
	events_hub_start(watch_hooks(w)->hub, base);
	runs(ms, waits ? opened : NULL);
	events_hub_stop(watch_hooks(w)->hub);
	runs(50, NULL);
	watch_free(w);
	return strstr(buf_str(&got), opened);
}

TEST(a_short_build_does_not_open_the_view)
{
	uint64_t deadline = clock_ms() + 60000, began;
	bool opened;

	/* Repeat a build that was not short on a busy machine. */
	do {
		began = clock_ms();
		opened = opens(WATCH_OPEN_MS / 3, false);
	} while (opened && clock_ms() - began >= WATCH_OPEN_MS &&
		 clock_ms() < deadline);
	ck_assert(!opened);
	ck_assert(opens(60000, true));
}
