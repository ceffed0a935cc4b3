/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * The text views of a build, compared with tests/ui/plain.screen and
 * line.screen.  In these files, "\r" at the start of a line stands for a
 * carriage return, and "\e" for an escape character.
 */
#include "ui/text.h"

#include "../lib/test.h"
#include "base/clock.h"
#include "base/text-width.h"
#include "ui-fixture.h"
#include "ui-golden.h"

static const struct ui_text_options all = { .progress = true,
					    .notes = true,
					    .details = true };
static struct ui_text p;
static FILE *out;
static bool has_baseline;

static void begin(enum ui_text_kind kind, const struct ui_text_options *shows,
		  bool color)
{
	ui_text_init(&p, fileno(out), kind, shows, color, &m);
	also = ui_text_add_event;
	also_ctx = &p;
}

static void set_up(void)
{
	now_ms = 0;
	also = NULL;
	has_baseline = false;
	job_cost = EVENTS_UNKNOWN;
	ui_model_init(&m);
	out = tmpfile();
	ck_assert_ptr_nonnull(out);
}

static void tear_down(void)
{
	ui_model_release(&m);
	fclose(out);
}

/* Return all output so far. */
static char *written(void)
{
	struct buf text = { 0 };
	char block[4096];
	ssize_t n;

	ck_assert_int_eq(lseek(fileno(out), 0, SEEK_SET), 0);
	while ((n = read(fileno(out), block, sizeof(block))) > 0)
		buf_add(&text, block, (size_t)n);
	return buf_steal(&text);
}

/* End the view; its output must be `want`. */
static void expect(const char *want)
{
	char *text;

	ui_text_release(&p);
	text = written();
	ck_assert_str_eq(text, want);
	free(text);
}

/* Replace carriage returns and escape characters, and free the text. */
static char *with_escapes(char *text)
{
	struct buf got = { 0 };

	for (const char *c = text; *c; c++) {
		if (*c == '\r')
			buf_add_str(&got, "\n\\r");
		else if (*c == '\033')
			buf_add_str(&got, "\\e");
		else
			buf_add(&got, c, 1);
	}
	free(text);
	return buf_steal(&got);
}

static void compare(const char *golden)
{
	char *got = with_escapes(written());

	golden_compare(golden, got);
	free(got);
}

/* Queue four jobs; three of them run for a second. */
static void play_second(int64_t s)
{
	for (int64_t i = s * 4 + 1; i <= s * 4 + 4; i++) {
		job(i, EVENTS_JOB_QUEUED, NULL);
		if (i % 4)
			job(i, EVENTS_JOB_SEND, "a");
		if (s)
			job(i - 4, EVENTS_JOB_DONE, i % 4 ? "a" : "local");
	}
}

/* Play the diagnostics and the phases of second `s`. */
static void play_fixed_events(int64_t s)
{
	if (s == 42)
		diag("a.c:1:5: warning: unused [-Wunused]\n"
		     "    1 | int x;\n      |     ^\n",
		     EVENTS_SEV_WARNING);
	if (s == 60)
		diag("b.c:2:1: error: expected ';'\n"
		     "make[3]: *** [Makefile:1: b.o] Error 1",
		     EVENTS_SEV_ERROR);
	if (s == 110)
		say(EVENTS_KIND_PHASE, "link");
	if (s == 120)
		say(EVENTS_KIND_PHASE, "artifacts");
}

/* Play that many seconds of a build. */
static void play_build(int64_t seconds)
{
	tree("/src/linux");
	if (has_baseline)
		last_build(380, 5, 30);
	say(EVENTS_KIND_NOTE, "-j 12: 10 slots on 1 node + 2 local slots");
	node("a", "connecting", NULL);
	node("a", "up", NULL);
	node("b", "down", "no route to host");
	say(EVENTS_KIND_PHASE, "compile");
	for (int64_t s = 0; s < seconds; s++) {
		now_ms = (uint64_t)s * 1000;
		if (s < 100)
			play_second(s);
		if (s == 100) {
			for (int64_t i = 397; i <= 400; i++)
				job(i, EVENTS_JOB_DONE, "a");
		}
		play_fixed_events(s);
		ui_text_update(&p, now_ms);
	}
	play(&(struct events_event){ .kind = EVENTS_KIND_DONE });
	ui_text_release(&p);
}

static void activity(const char *text)
{
	struct events_event ev = events_event_make(EVENTS_KIND_ACTIVITY);

	ev.activity = text;
	play(&ev);
}

/* A build from scratch without a baseline. */
static void play_first_build(void)
{
	struct events_event ev = events_event_make(EVENTS_KIND_PHASE);

	tree("/src/linux");
	ev.text = "config";
	ev.activity = "defconfig";
	play(&ev);
	now_ms = 500;
	ui_text_update(&p, now_ms);
	activity("olddefconfig");
	now_ms = 600;
	ui_text_update(&p, now_ms);
	say(EVENTS_KIND_PHASE, "prepare");
	activity("host programs");
	job(1, EVENTS_JOB_QUEUED, NULL);
	for (int64_t s = 1; s <= 60; s++) {
		if (s == 12)
			say(EVENTS_KIND_PHASE, "compile");
		now_ms = (uint64_t)s * 1000;
		job(s + 1, EVENTS_JOB_QUEUED, NULL);
		job(s, EVENTS_JOB_SEND, "local");
		job(s, EVENTS_JOB_DONE, "local");
		ui_text_update(&p, now_ms);
	}
	play(&(struct events_event){ .kind = EVENTS_KIND_DONE });
	ui_text_release(&p);
}

FIXTURE(set_up, tear_down);

TEST(plain_without_a_baseline_has_neither_total_nor_eta)
{
	begin(UI_TEXT_PERIODIC, &all, false);
	play_first_build();
	compare("plain-first");
}

TEST(line_without_a_baseline_has_neither_total_nor_eta)
{
	begin(UI_TEXT_LINE, &all, false);
	play_first_build();
	compare("line-first");
}

TEST(plain_has_a_line_after_10_40_100_160_seconds)
{
	begin(UI_TEXT_PERIODIC, &all, false);
	play_build(240);
	compare("plain");
}

TEST(line_mode_overwrites_its_line)
{
	begin(UI_TEXT_LINE, &all, false);
	p.columns = 90;
	play_build(125);
	compare("line");
}

TEST(plain_with_a_baseline_has_a_total_and_an_eta)
{
	has_baseline = true;
	begin(UI_TEXT_PERIODIC, &all, false);
	play_build(240);
	compare("plain-known");
}

TEST(line_with_a_baseline_has_a_total_and_an_eta)
{
	has_baseline = true;
	begin(UI_TEXT_LINE, &all, false);
	p.columns = 90;
	play_build(125);
	compare("line-known");
}

TEST(plain_has_no_control_character)
{
	char *text;

	begin(UI_TEXT_PERIODIC, &all, false);
	play_build(240);
	text = written();
	for (const char *c = text; *c; c++)
		ck_assert((unsigned char)*c >= ' ' || *c == '\n');
	free(text);
}

TEST(the_line_is_never_wider_than_the_terminal)
{
	struct buf line = { 0 };

	begin(UI_TEXT_LINE, &all, false);
	play_build(50);
	for (unsigned columns = 0; columns < 200; columns++) {
		buf_reset(&line);
		ui_text_put_line(&line, &m, now_ms, columns);
		ck_assert_uint_le(text_width(buf_str(&line)), columns);
	}
	buf_reset(&line);
	ui_text_put_line(&line, &m, now_ms, 60);
	ck_assert_str_eq(buf_str(&line),
			 "[196 done 4.0/s 0:49] compile: 3 running, 1 queued");
	buf_release(&line);
}

TEST(an_unchanged_line_is_not_redrawn)
{
	char *text;
	size_t len;

	begin(UI_TEXT_LINE, &all, false);
	say(EVENTS_KIND_PHASE, "compile");
	ui_text_update(&p, 100);
	text = written();
	len = strlen(text);
	free(text);
	for (uint64_t now = 200; now < 1000; now += 100)
		ui_text_update(&p, now);
	text = written();
	ck_assert_uint_eq(strlen(text), len);
	free(text);
	ui_text_release(&p);
}

TEST(a_progress_line_without_nodes_has_no_node_count)
{
	begin(UI_TEXT_PERIODIC, &all, false);
	say(EVENTS_KIND_PHASE, "compile");
	ui_text_update(&p, 10000);
	expect("[    0s] compile\n"
	       "[   10s] compile: 0 jobs, 0 remote, 0 local, "
	       "0 running, warnings 0, errors 0\n");
}

TEST(missed_progress_lines_are_not_printed_later)
{
	unsigned lines = 0;
	char *text;

	begin(UI_TEXT_PERIODIC, &all, false);
	ui_text_update(&p, 10000);
	for (int i = 0; i < 5; i++)
		ui_text_update(&p, 1000000);
	text = written();
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, 2);
	free(text);
	ui_text_release(&p);
}

TEST(nodes_that_go_down_and_up_again_are_reported)
{
	begin(UI_TEXT_PERIODIC, &all, false);
	node("a", "connecting", NULL);
	node("a", "up", NULL);
	node("b", "down", "no route to host");
	node("a", "down", "it went away");
	node("a", "up", NULL);
	expect("[    0s] node b: down: no route to host\n"
	       "[    0s] node a: down: it went away\n"
	       "[    0s] node a: up\n");
}

TEST(without_details_only_problems_are_printed)
{
	static const struct ui_text_options make = { .notes = true };
	struct events_event detail = events_event_make(EVENTS_KIND_NOTE);

	begin(UI_TEXT_PERIODIC, &make, false);
	detail.detail = true;
	detail.text = "-j 12: 10 slots on 1 node + 2 local slots";
	ui_text_add_event(&p, &detail);
	say(EVENTS_KIND_PHASE, "compile");
	node("a", "up", NULL);
	node("a", "up", "2 of 3 slots: 1.0 cores busy with other work");
	node("a", "draining", NULL);
	node("a", "drained", NULL);
	node("a", "up", NULL);
	node("b", "down", "no route to host");
	node("b", "connecting", NULL);
	node("b", "up", NULL);
	node("b", "resting", "wrong object");
	node("a", "removed", "removed from the configuration");
	say(EVENTS_KIND_NOTE, "a problem");
	expect("[    0s] node b: down: no route to host\n"
	       "[    0s] node b: up\n"
	       "[    0s] node b: resting, no jobs until it passes a "
	       "known-answer test: wrong object\n"
	       "[    0s] node a: removed from the configuration\n"
	       "[    0s] a problem\n");
}

TEST(log_lines_have_colors_if_requested)
{
	begin(UI_TEXT_PERIODIC, &all, true);
	ui_text_put_log_line(&p, "  CC      a.o");
	ui_text_put_log_line(&p, "a.c:2: error: z");
	expect("  CC      a.o\n\033[31ma.c:2: error: z\033[0m\n");
}

TEST(a_node_that_stays_down_is_reported_once)
{
	begin(UI_TEXT_PERIODIC, &all, false);
	for (int i = 0; i < 4; i++) {
		node("a", "connecting", NULL);
		node("a", "down", "no route to host");
		node("b", "down", "no route to host");
	}
	node("a", "down", "timed out");
	node("a", "up", NULL);
	node("a", "down", "timed out");
	node("a", "resting", "wrong object");
	expect("[    0s] node a: down: no route to host\n"
	       "[    0s] node b: down: no route to host\n"
	       "[    0s] node a: down: timed out\n"
	       "[    0s] node a: up\n"
	       "[    0s] node a: down: timed out\n"
	       "[    0s] node a: resting, no jobs until it passes a "
	       "known-answer test: wrong object\n");
}

TEST(a_high_share_of_local_jobs_is_reported_once)
{
	begin(UI_TEXT_PERIODIC, &all, false);
	node("a", "up", NULL);
	now_ms = 9000;
	for (int i = 1; i <= 1000; i++)
		job(i, EVENTS_JOB_DONE, i % 4 ? "a" : "local");
	expect("[    9s] 50 of the last 200 jobs were compiled locally; "
	       "reason for the last local job: .incbin\n");
}

TEST(cached_jobs_are_not_counted_as_local)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	begin(UI_TEXT_PERIODIC, &all, false);
	node("a", "up", NULL);
	ev.state = EVENTS_JOB_DONE;
	ev.cached = true;
	for (ev.job = 1; ev.job <= 1000; ev.job++)
		play(&ev);
	expect("");
}

TEST(only_nodes_within_the_limit_are_reported)
{
	begin(UI_TEXT_PERIODIC, &all, false);
	for (int i = 0; i <= EVENTS_NODES_MAX; i++) {
		char *name = xasprintf("n%d", i);

		node(name, "up", NULL);
		free(name);
	}
	node("n1", "down", "timed out");
	node("n4096", "down", "timed out");
	expect("[    0s] node n1: down: timed out\n");
}

TEST(warnings_are_printed_without_progress)
{
	static const struct ui_text_options quiet = { .warnings = true };

	begin(UI_TEXT_PERIODIC, &quiet, false);
	say(EVENTS_KIND_NOTE, "a note");
	diag("a.c:1: warning: x\n", EVENTS_SEV_WARNING);
	diag("a.c:2: error: z", EVENTS_SEV_ERROR);
	node("a", "down", "gone");
	expect("a.c:1: warning: x\na.c:2: error: z\n");
}

TEST_RANGE(held_text_is_printed_later_without_known_warnings, 0, 2)
{
	char *text;

	begin(_i ? UI_TEXT_LINE : UI_TEXT_PERIODIC, &all, false);
	say(EVENTS_KIND_NOTE, "before");
	job(1, EVENTS_JOB_DONE, NULL);
	if (_i)
		ui_text_update(&p, 0);
	ui_text_set_held(&p, true);
	text = written();
	say(EVENTS_KIND_NOTE, "a note");
	say(EVENTS_KIND_PHASE, "compile");
	diag_held("a.c:1: warning: x\n", EVENTS_SEV_WARNING, 0);
	diag("b.c:1: warning: y\n", EVENTS_SEV_WARNING);
	diag_held("c.c:1: warning: y\n", EVENTS_SEV_WARNING, 1);
	diag_held("a.c:2: error: z\n", EVENTS_SEV_ERROR, 0);
	node("a", "down", "gone");
	ui_text_update(&p, 100000);
	ck_assert_str_eq(text, _i ? "[    0s] before\n"
				    "\r[1 done 0:00] start: 0 running\033[K"
				    "\r\033[K" :
				    "[    0s] before\n");
	free(text);
	ui_text_set_held(&p, false);
	text = written();
	text_has(text, "[    0s] a note\n"
		       "b.c:1: warning: y\n"
		       "kfarm: new since the previous build:\n"
		       "c.c:1: warning: y\n"
		       "a.c:2: error: z\n"
		       "[    0s] node a: down: gone\n");
	free(text);
	/* The view continues. */
	diag("a.c:3: warning: y\n", EVENTS_SEV_WARNING);
	ui_text_update(&p, 200000);
	ui_text_release(&p);
	text = written();
	text_has(text, "a.c:3: warning: y\n");
	text_has(text, _i ? "[1 done" : "[  200s]");
	ck_assert_ptr_null(strstr(text, "a.c:1"));
	ck_assert_ptr_null(strstr(text, "compile\n"));
	free(text);
}

TEST(diagnostics_new_since_the_baseline_are_marked)
{
	begin(UI_TEXT_PERIODIC, &all, false);
	diag_held("a.c:1: warning: x\n", EVENTS_SEV_WARNING, 0);
	diag_held("a.c:2: warning: y\n", EVENTS_SEV_WARNING, 1);
	expect("a.c:1: warning: x\n"
	       "kfarm: new since the previous build:\n"
	       "a.c:2: warning: y\n");
}

TEST(a_block_with_known_diagnostics_shows_the_number_of_new_ones)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);

	ev.text = "a.c:1: warning: x\na.c:2: warning: y\na.c:3: error: z\n";
	ev.severity = EVENTS_SEV_ERROR;
	ev.n_warnings = 2;
	ev.n_errors = 1;
	ev.n_new_diags = 1;
	begin(UI_TEXT_PERIODIC, &all, false);
	play(&ev);
	expect("kfarm: 1 of 3 new since the previous build:\n"
	       "a.c:1: warning: x\n"
	       "a.c:2: warning: y\n"
	       "a.c:3: error: z\n");
}

TEST(a_long_block_is_printed_completely)
{
	enum {
		N = 10000
	};
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);
	struct buf text = { 0 };

	for (int i = 0; i < N; i++)
		buf_add_str(&text, "a.c:1: warning: x\n");
	ev.text = buf_str(&text);
	ev.severity = EVENTS_SEV_WARNING;
	ev.n_warnings = N;
	begin(UI_TEXT_PERIODIC, &all, false);
	play(&ev);
	expect(buf_str(&text));
	buf_release(&text);
}

TEST(diagnostics_have_colours_if_requested)
{
	begin(UI_TEXT_PERIODIC, &all, true);
	diag("a.c:1: warning: x\n  1 | y\n", EVENTS_SEV_WARNING);
	diag("a.c:2: error: z\n", EVENTS_SEV_ERROR);
	expect("\033[35ma.c:1: warning: x\033[0m\n  1 | y\n"
	       "\033[31ma.c:2: error: z\033[0m\n");
}

TEST(escape_sequences_in_events_are_not_written)
{
	char *text;

	begin(UI_TEXT_LINE, &all, false);
	node("a\033[2J", "down\033[2J", "b\033[2J");
	say(EVENTS_KIND_NOTE, "c\033[2J\r");
	job(1, EVENTS_JOB_DONE, "\033[2J");
	diag("a.c:1: warning: \033[2J\n", EVENTS_SEV_WARNING);
	say(EVENTS_KIND_PHASE, "\033[2J");
	ui_text_update(&p, 0);
	ui_text_release(&p);
	text = written();
	ck_assert_ptr_null(strstr(text, "\033[2J"));
	free(text);
}

TEST(at_most_one_line_is_buffered_for_a_blocked_terminal)
{
	uint64_t began = clock_ms();
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	begin(UI_TEXT_LINE, &all, false);
	p.out.fd = ends[1];
	/* Fill the pipe, as after Ctrl-S. */
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], "xxxxxxxxxxxxxxxx", 16) > 0)
		;
	for (unsigned i = 0; i < 1000; i++)
		ui_text_update(&p, i * 1000);
	ck_assert_uint_lt(p.out.pending.len, 200);
	ck_assert_uint_lt(clock_ms() - began, 60000);
	ui_text_release(&p);
	close(ends[0]);
	close(ends[1]);
}

/*
 * A toolchain that is unavailable on a node is reported even if the node has
 * others.
 */
TEST(an_unavailable_toolchain_is_reported_once)
{
	struct events_event ev = events_event_make(EVENTS_KIND_CELL);
	char *text;

	begin(UI_TEXT_PERIODIC, &all, false);
	node("a", "up", NULL);
	ev.node = "a";
	ev.toolchain = "/usr/bin/gcc";
	ev.text = "ready";
	play(&ev);
	ev.text = "none";
	ev.reason = "is an s390x machine";
	play(&ev);
	node("a", "no toolchain", "is an s390x machine");
	ui_text_release(&p);
	text = written();
	ck_assert_str_eq(text, "[    0s] node a: no toolchain: is an s390x "
			       "machine\n");
	free(text);
}
