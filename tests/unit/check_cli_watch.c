/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* Output of a build: text, the screen, and JSON lines of its events. */
#include "cli/watch.h"

#include "../lib/fake-clock.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/log.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

static char dir[TEMPDIR_SIZE];
static int old_stderr;
static struct watch *w;
static const struct kernel_hooks *h;

/* Return the time of a clock that advances, unlike clock_ms(). */
static uint64_t real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void set_up(void)
{
	char *path;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	tempdir_make(dir);
	path = xasprintf("%s/stderr", dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	old_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	free(path);
}

static void tear_down(void)
{
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	tempdir_remove(dir);
}

static void begin(enum watch_mode mode, const char *json)
{
	struct watch_setup setup = { .mode = mode, .json = json };
	struct err err = { 0 };

	must(watch_new(&w, &setup, &err));
	h = watch_hooks(w);
}

static char *get(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct buf text = { 0 };
	struct err err = { 0 };

	must(fs_read(path, 1 << 24, &text, &err));
	free(path);
	return buf_steal(&text);
}

/* End the view; its output on stderr must be `want`. */
static void expect(const char *want)
{
	char *text;

	watch_free(w);
	text = get("stderr");
	ck_assert_str_eq(text, want);
	free(text);
}

static void note(const char *text)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NOTE);

	ev.text = text;
	events_hub_publish(h->hub, &ev);
}

static void error(const char *text)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);

	ev.severity = EVENTS_SEV_ERROR;
	ev.text = text;
	events_hub_publish(h->hub, &ev);
}

static void job(int64_t number, enum events_job_state state)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.job = number;
	ev.state = state;
	ev.file = "kernel/fork.c";
	events_hub_publish(h->hub, &ev);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(mode_progress_prints_notes_and_errors)
{
	begin(WATCH_MODE_PROGRESS, NULL);
	note("a note");
	error("a.c:2: error: z\n");
	ck_assert_ptr_null(h->on_line);
	expect("[    0s] a note\na.c:2: error: z\n");
}

TEST(mode_quiet_prints_only_errors)
{
	begin(WATCH_MODE_QUIET, NULL);
	note("a note");
	error("a.c:2: error: z\n");
	expect("a.c:2: error: z\n");
}

TEST(mode_none_prints_no_output)
{
	begin(WATCH_MODE_NONE, NULL);
	note("a note");
	error("a.c:2: error: z\n");
	ck_assert_ptr_null(h->on_line);
	expect("");
}

TEST(mode_verbose_prints_the_log_and_each_error_once)
{
	begin(WATCH_MODE_VERBOSE, NULL);
	h->on_line(h->ctx, "  CC      a.o");
	h->on_line(h->ctx, "a.c:2: error: z");
	error("a.c:2: error: z\n");
	note("a note");
	expect("  CC      a.o\na.c:2: error: z\n[    0s] a note\n");
}

TEST(mode_make_prints_the_log_and_problems)
{
	struct events_event detail = events_event_make(EVENTS_KIND_NOTE);

	begin(WATCH_MODE_MAKE, NULL);
	detail.text = "-j 2: 0 slots on 0 nodes + 2 local slots";
	detail.detail = true;
	events_hub_publish(h->hub, &detail);
	h->on_line(h->ctx, "  CC      a.o");
	h->on_line(h->ctx, "a.c:2: error: z");
	error("a.c:2: error: z\n");
	note("a problem");
	expect("  CC      a.o\na.c:2: error: z\n[    0s] a problem\n");
}

TEST(events_are_written_as_json_lines)
{
	char *path = xasprintf("%s/events", dir), *text;
	unsigned lines = 0;

	begin(WATCH_MODE_NONE, path);
	job(1, EVENTS_JOB_QUEUED);
	job(1, EVENTS_JOB_DONE);
	error("a\nb");
	watch_free(w);
	text = get("events");
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, 4);
	text_has(text, "\"event\":\"stream\",");
	free(text);
	free(path);
}

TEST(several_builds_append_events_to_one_file)
{
	char *path = xasprintf("%s/events", dir), *text, *second;
	struct watch_setup setup = { .mode = WATCH_MODE_NONE, .json = path };
	struct err err = { 0 };
	int fd = watch_open_json(path, &err);

	ck_assert_msg(fd >= 0, "%s", err.text);
	setup.json_fd = &fd;
	for (int i = 0; i < 2; i++) {
		must(watch_new(&w, &setup, &err));
		h = watch_hooks(w);
		job(1, EVENTS_JOB_QUEUED);
		watch_free(w);
	}
	ck_assert(!close(fd));
	text = get("events");
	second = strstr(text + 1, "\"event\":\"stream\",");
	ck_assert_ptr_nonnull(second);
	second = strstr(second + 1, "\"event\":\"stream\",");
	ck_assert_ptr_nonnull(second);
	text_has(second, "\"queued\"");
	free(text);
	free(path);
}

TEST(a_json_file_that_cannot_be_created_is_an_error)
{
	struct watch_setup setup = { .json = "/nonexistent/x" };
	struct err err = { 0 };

	ck_assert_int_lt(watch_new(&w, &setup, &err), 0);
	text_starts(err.text, "--json /nonexistent/x");
}

TEST(a_full_disk_is_reported_once)
{
	begin(WATCH_MODE_PROGRESS, "/dev/full");
	job(1, EVENTS_JOB_QUEUED);
	job(1, EVENTS_JOB_DONE);
	expect("[    0s] --json /dev/full: No space left on device: no more "
	       "events are written\n");
}

TEST(a_full_disk_is_reported_without_a_view)
{
	begin(WATCH_MODE_NONE, "/dev/full");
	job(1, EVENTS_JOB_QUEUED);
	job(1, EVENTS_JOB_DONE);
	expect("kfarm: warning: --json /dev/full: No space left on device: no "
	       "more events are written\n");
}

static char *make_fifo(void)
{
	char *path = xasprintf("%s/fifo", dir);

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	return path;
}

TEST(a_fifo_without_a_reader_does_not_block_the_view)
{
	char *path = make_fifo();
	uint64_t began = real_ms();

	begin(WATCH_MODE_NONE, path);
	for (int64_t i = 1; i <= 20000; i++) {
		job(i, EVENTS_JOB_QUEUED);
		job(i, EVENTS_JOB_DONE);
	}
	watch_free(w);
	/* The view waits a second for a late reader. */
	ck_assert_uint_lt(real_ms() - began, 50000);
	free(path);
}

TEST(a_late_reader_of_a_fifo_gets_all_events)
{
	char *path = make_fifo(), block[4096] = "";
	int fd;

	begin(WATCH_MODE_NONE, path);
	job(1, EVENTS_JOB_QUEUED);
	job(2, EVENTS_JOB_QUEUED);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	job(3, EVENTS_JOB_QUEUED);
	watch_free(w);
	ck_assert_int_gt(read(fd, block, sizeof(block) - 1), 0);
	text_has(block, "\"event\":\"stream\"");
	text_has(block, "\"job\":1");
	text_has(block, "\"job\":3");
	close(fd);
	free(path);
}

/* Connect stdout to a pipe.  Returns the end of the reader. */
static int pipe_stdout(void)
{
	int ends[2];

	fflush(stdout);
	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	return ends[0];
}

TEST(a_closed_stdout_is_reported_once)
{
	int old = dup(STDOUT_FILENO);

	close(pipe_stdout());
	begin(WATCH_MODE_PROGRESS, "-");
	job(1, EVENTS_JOB_QUEUED);
	job(1, EVENTS_JOB_DONE);
	dup2(old, STDOUT_FILENO);
	close(old);
	expect("[    0s] --json -: Broken pipe: no more events are written\n");
}

/* The pipe is full, so that only the end of the view writes the rest. */
TEST(a_failure_at_the_end_is_reported)
{
	int old = dup(STDOUT_FILENO), reader = pipe_stdout();

	begin(WATCH_MODE_QUIET, "-");
	for (int64_t i = 1; i <= 2000; i++)
		job(i, EVENTS_JOB_QUEUED);
	close(reader);
	dup2(old, STDOUT_FILENO);
	close(old);
	expect("[    0s] --json -: Broken pipe: no more events are written\n");
}

/* ------------------------------------------------------------- selection */

/* Replace stderr by a terminal of this size. */
static int be_terminal_of(unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	ck_assert_int_ge(master, 0);
	ck_assert(!grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
	dup2(slave, STDERR_FILENO);
	close(slave);
	return master;
}

static int be_terminal(unsigned short columns)
{
	return be_terminal_of(24, columns);
}

static const struct {
	const char *term, *ci;
	unsigned short columns;
	bool terminal;
	enum ui_text_kind kind;
} choices[] = {
	{ "xterm", NULL, 80, true, UI_TEXT_LINE },
	{ "xterm", NULL, 0, true, UI_TEXT_LINE }, /* size unknown */
	{ "xterm", NULL, 39, true, UI_TEXT_PERIODIC },
	{ "xterm", "1", 80, true, UI_TEXT_PERIODIC },
	{ "dumb", NULL, 80, true, UI_TEXT_PERIODIC },
	{ "", NULL, 80, true, UI_TEXT_PERIODIC },
	{ NULL, NULL, 80, true, UI_TEXT_PERIODIC },
	{ "xterm", NULL, 80, false, UI_TEXT_PERIODIC },
};

static void set_variable(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

TEST_EACH(the_text_kind_depends_on_terminal_and_environment, choices)
{
	int master = -1;

	if (row->terminal)
		master = be_terminal(row->columns);
	set_variable("TERM", row->term);
	set_variable("CI", row->ci);
	unsetenv("COLUMNS");
	ck_assert_int_eq(watch_choose_text_kind(), row->kind);
	if (master >= 0)
		close(master);
}

/* Cases for the screen: stdin is a terminal too, or not. */
static const struct {
	const char *term, *ci;
	unsigned short rows, columns;
	bool terminal, tried;
} screens[] = {
	{ "xterm", NULL, 24, 80, true, true },
	{ "xterm", NULL, 60, 200, true, true },
	{ "xterm", NULL, 24, 79, true, false },
	{ "xterm", NULL, 23, 80, true, false },
	{ "xterm", NULL, 0, 0, true, false }, /* size unknown */
	{ "xterm", "1", 24, 80, true, false },
	{ "dumb", NULL, 24, 80, true, false },
	{ NULL, NULL, 24, 80, true, false },
	{ "xterm", NULL, 24, 80, false, false },
};

TEST_EACH(the_screen_needs_a_terminal_of_80_columns_and_24_rows, screens)
{
	int master = be_terminal_of(row->rows, row->columns);
	int old = dup(STDIN_FILENO), null = open("/dev/null", O_RDONLY);

	dup2(row->terminal ? STDERR_FILENO : null, STDIN_FILENO);
	set_variable("TERM", row->term);
	set_variable("CI", row->ci);
	unsetenv("COLUMNS");
	ck_assert_int_eq(watch_screen(), row->tried ? WATCH_SCREEN_IF_POSSIBLE :
						      WATCH_SCREEN_NEVER);
	dup2(old, STDIN_FILENO);
	close(old);
	close(null);
	close(master);
}

TEST(an_impossible_screen_is_an_error_only_if_it_is_required)
{
	struct watch_setup setup = { .screen = WATCH_SCREEN_REQUIRED };
	struct err err = { 0 };

	ck_assert_int_lt(watch_new(&w, &setup, &err), 0);
	text_starts(err.text, "--ui ncurses: standard ");
	setup.screen = WATCH_SCREEN_IF_POSSIBLE;
	must(watch_new(&w, &setup, &err));
	h = watch_hooks(w);
	note("a note");
	expect("[    0s] a note\n");
}

/* Read from a terminal, piece by piece, until `last` arrives. */
static void read_terminal(int master, char *text, size_t size, const char *last)
{
	struct pollfd fd = { .fd = master, .events = POLLIN };
	size_t len = 0;

	text[0] = '\0';
	while (!strstr(text, last) && len + 1 < size &&
	       poll(&fd, 1, 60000) > 0) {
		ssize_t n = read(master, text + len, size - len - 1);

		ck_assert_int_gt(n, 0);
		len += (size_t)n;
		text[len] = '\0';
	}
}

TEST(the_status_line_follows_a_resized_terminal)
{
	struct watch_setup setup = { .text_kind = UI_TEXT_LINE };
	struct winsize size = { .ws_row = 24, .ws_col = 30 };
	int master = be_terminal(70);
	char text[4096];
	struct err err;
	const char *first, *second;

	must(watch_new(&w, &setup, &err));
	h = watch_hooks(w);
	job(7, EVENTS_JOB_QUEUED);
	job(1, EVENTS_JOB_DONE);
	ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &size), 0);
	job(2, EVENTS_JOB_DONE);
	ck_assert_int_eq(write(STDERR_FILENO, "\033the end", 8), 8);
	read_terminal(master, text, sizeof(text), "the end");
	watch_free(w);
	first = strstr(text, "[1 done");
	second = strstr(text, "[2 done");
	ck_assert(first && second);
	ck_assert_uint_eq(strcspn(first, "\033"),
			  strlen("[1 done 0:00] start: 0 running, 1 queued: "
				 "kernel/fork.c"));
	ck_assert_uint_eq(strcspn(second, "\033"), 29);
	text_has(second, "...");
	close(master);
}

/* A log message, such as a node's warning, while the line is displayed. */
TEST(a_log_message_is_printed_on_a_separate_line)
{
	struct watch_setup setup = { .text_kind = UI_TEXT_LINE };
	int master = be_terminal(70);
	char text[4096];
	const char *logged;
	struct err err;

	must(watch_new(&w, &setup, &err));
	h = watch_hooks(w);
	log_init("kfarm", LOG_INFO);
	job(1, EVENTS_JOB_DONE);
	log_warning("it fell over");
	job(2, EVENTS_JOB_DONE);
	watch_free(w);
	log_warning("the end");
	read_terminal(master, text, sizeof(text), "the end");
	logged = strstr(text, "\r\033[Kkfarm: warning: it fell over\r\n");
	ck_assert_msg(logged, "%s", text);
	ck_assert(strstr(text, "[1 done") < logged);
	text_has(logged, "[2 done");
	ck_assert_ptr_nonnull(
		strstr(logged, "\nkfarm: warning: the end") ?:
			strstr(logged, "Kkfarm: warning: the end"));
	close(master);
}

/* The terminal accepts a few bytes; a larger write would block. */
TEST_RANGE(a_terminal_without_a_reader_does_not_block_the_view, 0, 2)
{
	struct watch_setup setup = { .text_kind = _i ? UI_TEXT_LINE :
						       UI_TEXT_PERIODIC };
	int master = be_terminal(80);
	uint64_t began = real_ms();
	char text[1001];
	struct err err;

	memset(text, 'x', 1000);
	text[1000] = '\0';
	must(watch_new(&w, &setup, &err));
	h = watch_hooks(w);
	for (int i = 0; i < 500; i++)
		error(text);
	ck_assert_uint_lt(real_ms() - began, 20000);
	watch_free(w);
	ck_assert_uint_lt(real_ms() - began, 50000);
	close(master);
}
