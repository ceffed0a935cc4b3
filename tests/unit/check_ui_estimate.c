/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * ETA of builds with a thousand jobs, after 10 s of configuration and before 20
 * s of linking and packing, in real time.
 */
#include "ui/model.h"

#include "../lib/test.h"
#include "ui-fixture.h"

#define HEAD_S 10
#define TAIL_S 20
#define JOBS   1000
#define COST   2000 /* ms per job */

static struct ui_prediction look;

static void set_up(void)
{
	now_ms = 0;
	also = NULL;
	ui_model_init(&m);
}

static void tear_down(void)
{
	ui_model_release(&m);
}

static void make_jobs(int64_t jobs)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	ev.command = "Image";
	ev.make_jobs = jobs;
	play(&ev);
}

static void point(int64_t jobs, int64_t cost_ms, int64_t wall_ms)
{
	struct events_event ev = events_event_make(EVENTS_KIND_ESTIMATE);

	ev.n_total_jobs = jobs;
	ev.cost_ms = cost_ms;
	ev.wall_ms = wall_ms;
	ev.make_jobs = 40;
	play(&ev);
}

/* The baseline: 10 jobs a second, so 130 s. */
static void thousand_jobs(void)
{
	for (int i = 1; i < 50; i++)
		point(i * JOBS / 50, (int64_t)i * JOBS * COST / 50,
		      HEAD_S * 1000 + i * JOBS / 50 * 100);
	point(JOBS, JOBS * COST, (HEAD_S + TAIL_S) * 1000 + JOBS * 100);
}

static void queue(int64_t number, int64_t cost_ms)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.job = number;
	ev.file = "a.c";
	ev.cost_ms = cost_ms;
	play(&ev);
}

static void end(int64_t number, int64_t cpu_ms)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.job = number;
	ev.state = EVENTS_JOB_DONE;
	ev.file = "a.c";
	ev.node = "a";
	ev.remote = true;
	ev.cpu_ms = cpu_ms;
	play(&ev);
}

static bool is_known(void)
{
	return ui_model_predict(&m, now_ms, &look);
}

/* Return the error in percent of the actual duration. */
static unsigned error_of_rest(uint64_t wall_ms)
{
	uint64_t rest = wall_ms - now_ms;

	ck_assert(is_known() && look.has_remaining);
	return (unsigned)((rest > look.remaining_ms ?
				   rest - look.remaining_ms :
				   look.remaining_ms - rest) *
			  100 / wall_ms);
}

/* Compile `n` jobs in sequence, with regular checks of the error. */
static void compile(int64_t first, int64_t n, unsigned each_ms,
		    uint64_t wall_ms, unsigned most)
{
	for (int64_t i = first; i < first + n; i++) {
		queue(i, COST);
		now_ms += each_ms;
		end(i, COST);
		if (most && i % 50 == 0)
			ck_assert_msg(error_of_rest(wall_ms) <= most,
				      "at %llu ms: %llu ms to go",
				      (unsigned long long)now_ms,
				      (unsigned long long)look.remaining_ms);
	}
}

FIXTURE(set_up, tear_down);

TEST(nothing_is_said_of_what_was_not_built_before)
{
	make_jobs(40);
	compile(1, 100, 100, 0, 0);
	ck_assert(!is_known());
}

TEST(a_build_like_the_last_one_ends_when_that_did)
{
	uint64_t wall = (HEAD_S + TAIL_S) * 1000 + JOBS * 100;

	make_jobs(40);
	thousand_jobs();
	ck_assert_uint_eq(error_of_rest(wall), 0);
	ck_assert_uint_eq(look.n_total, JOBS);
	ck_assert_uint_eq(look.percent, 0);
	now_ms = HEAD_S * 1000;
	ck_assert_uint_le(error_of_rest(wall), 2);
	compile(1, JOBS, 100, wall, 2);
	ck_assert_uint_ge(look.percent, 84);
	ck_assert_uint_le(look.percent, 86);
	for (unsigned s = 0; s < TAIL_S - 1; s++) {
		now_ms += 1000;
		ck_assert_uint_le(error_of_rest(wall), 2);
	}
	ck_assert_uint_eq(look.percent, 99);
	/* A job that exceeds its prediction can take any time. */
	now_ms += 5000;
	ck_assert(is_known() && !look.has_remaining);
	ck_assert_uint_eq(look.percent, 99);
}

TEST(half_as_many_jobs_at_once_take_twice_as_long)
{
	uint64_t wall = (HEAD_S + TAIL_S) * 1000 + JOBS * 200;

	make_jobs(20);
	thousand_jobs();
	ck_assert_uint_le(error_of_rest(wall), 2);
	now_ms = HEAD_S * 1000;
	compile(1, JOBS, 200, wall, 3);
}

TEST(how_fast_it_is_is_seen_within_20_seconds)
{
	uint64_t wall = (HEAD_S + TAIL_S) * 1000 + JOBS * 250;

	make_jobs(40);
	thousand_jobs();
	now_ms = HEAD_S * 1000;
	compile(1, 120, 250, wall, 0);
	compile(121, JOBS - 120, 250, wall, 3);
}

/* After a node failure, the older rate loses most of its weight in a minute. */
TEST(what_changes_midway_is_seen_within_a_minute)
{
	uint64_t wall = (HEAD_S + TAIL_S) * 1000 + JOBS / 2 * (100 + 200);

	make_jobs(40);
	thousand_jobs();
	now_ms = HEAD_S * 1000;
	compile(1, JOBS / 2, 100, 0, 0);
	compile(JOBS / 2 + 1, 300, 200, 0, 0);
	compile(JOBS / 2 + 301, JOBS / 2 - 300, 200, wall, 8);
}

TEST(a_job_that_the_last_build_had_not_is_one_more)
{
	make_jobs(40);
	thousand_jobs();
	queue(1, EVENTS_UNKNOWN);
	ck_assert(is_known());
	ck_assert_uint_eq(look.n_total, JOBS + 1);
	end(1, COST);
	ck_assert(is_known());
	ck_assert_uint_eq(look.n_total, JOBS + 1);
	ck_assert_uint_eq(look.percent, 0);
}

/* Some objects are built twice, but have only one known cost. */
TEST(the_total_is_never_less_than_what_is_done)
{
	make_jobs(40);
	thousand_jobs();
	for (int i = 1; i <= JOBS + 30; i++) {
		now_ms += 100;
		queue(i, COST);
		ck_assert(is_known());
		ck_assert_uint_ge(look.n_total, (uint64_t)i);
		end(i, COST);
		ck_assert(is_known());
		ck_assert_uint_ge(look.n_total, (uint64_t)i);
		ck_assert_uint_le(look.percent, 99);
	}
}

TEST(another_build_than_the_last_is_none_that_is_known)
{
	make_jobs(40);
	thousand_jobs();
	for (int i = 1; i <= JOBS / 10; i++)
		queue(i, EVENTS_UNKNOWN);
	ck_assert(is_known());
	queue(JOBS, EVENTS_UNKNOWN);
	ck_assert(!is_known());
	compile(JOBS + 1, JOBS, 100, 0, 0);
	ck_assert(!is_known());
}

/* A compiler cache: compiles take almost no time. */
TEST(compiles_of_a_tenth_of_the_time_are_no_compiles)
{
	make_jobs(40);
	thousand_jobs();
	now_ms = HEAD_S * 1000;
	for (int i = 1; i < 300; i++) {
		queue(i, COST);
		now_ms += 60;
		end(i, COST / 20);
	}
	ck_assert(!is_known());
}

TEST(ten_times_as_fast_is_another_build)
{
	make_jobs(4000);
	thousand_jobs();
	now_ms = HEAD_S * 1000;
	compile(1, 300, 150, 0, 0);
	ck_assert(!is_known());
}

TEST(fewer_jobs_end_too)
{
	uint64_t wall = HEAD_S * 1000 + 930 * 100 + TAIL_S * 1000;

	make_jobs(40);
	thousand_jobs();
	now_ms = HEAD_S * 1000;
	compile(1, 930, 100, 0, 0);
	ck_assert(is_known());
	ck_assert_uint_le(look.percent, 80);
	now_ms += 6000;
	ck_assert_uint_le(error_of_rest(wall), 2);
	ck_assert_uint_ge(look.percent, 84);
	/* A late job does not reverse the progress. */
	compile(2000, 1, 100, 0, 0);
	ck_assert_uint_le(error_of_rest(wall), 2);
}

TEST(the_end_is_the_end)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DONE);

	make_jobs(40);
	thousand_jobs();
	ck_assert(is_known());
	play(&ev);
	ck_assert(!is_known());
}

/* A file can contain the streams of several builds. */
TEST(the_next_build_is_another_one)
{
	make_jobs(40);
	thousand_jobs();
	ck_assert(is_known());
	make_jobs(40);
	ck_assert(!is_known());
}

TEST(who_comes_later_sees_the_same)
{
	struct ui_prediction theirs;
	struct ui_model later;

	make_jobs(40);
	thousand_jobs();
	queue(9999, EVENTS_UNKNOWN);
	now_ms = HEAD_S * 1000;
	for (int i = 0; i <= 10; i++) {
		compile(1 + i * JOBS / 10, i < 10 ? JOBS / 10 : 1, 100, 0, 0);
		queue(5000 + i, COST);
		ui_model_init(&later);
		ui_model_snapshot(&m, ui_model_add_event, &later);
		ck_assert(is_known());
		ck_assert(ui_model_predict(&later, now_ms, &theirs));
		ck_assert_uint_eq(theirs.n_total, look.n_total);
		ck_assert_uint_eq(theirs.percent, look.percent);
		ck_assert_int_le(labs((long)theirs.remaining_ms -
				      (long)look.remaining_ms),
				 5000);
		ui_model_release(&later);
	}
	now_ms += 10000;
	ui_model_init(&later);
	ui_model_snapshot(&m, ui_model_add_event, &later);
	ck_assert(is_known());
	ck_assert(ui_model_predict(&later, now_ms, &theirs));
	ck_assert_uint_eq(theirs.remaining_ms, look.remaining_ms);
	ui_model_release(&later);
}

/* ----------------------------------------------------------- random builds */

static uint64_t draw(uint64_t *state)
{
	/* xorshift64 (Marsaglia 2003) */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 16;
}

/* Add a curve of ordered points of random lengths. */
static void some_build(uint64_t *state)
{
	int64_t jobs = 0, cost = 0, wall = 0;

	for (uint64_t n = 1 + draw(state) % 70; n; n--) {
		jobs += (int64_t)(draw(state) % 40);
		cost += (int64_t)(draw(state) % 100000 * (draw(state) % 3));
		wall += (int64_t)(draw(state) % 5000 * (draw(state) % 3));
		point(jobs, cost, wall);
	}
}

TEST_RANGE(percent_never_goes_back, 0, 50)
{
	uint64_t state = 1 + (uint64_t)_i * UINT64_C(0x9e3779b97f4a7c15);
	unsigned percent = 0;
	int64_t first = 1, last = 1;

	make_jobs(1 + (int64_t)(draw(&state) % 80));
	some_build(&state);
	for (int i = 0; i < 3000; i++) {
		now_ms += draw(&state) % 8 ? draw(&state) % 100 :
					     draw(&state) % 9000;
		if (last - first < 30 && draw(&state) % 2)
			queue(last++, (int64_t)(draw(&state) % 4000));
		else if (first < last)
			end(first++, (int64_t)(draw(&state) % 4000));
		if (!is_known())
			continue;
		ck_assert_uint_ge(look.percent, percent);
		ck_assert_uint_le(look.percent, 99);
		ck_assert_uint_ge(look.n_total, (uint64_t)(last - 1));
		percent = look.percent;
	}
}

/* ---- a count of the makefiles' objects instead of a baseline ---- */

static void count_jobs(int64_t jobs)
{
	struct events_event ev = events_event_make(EVENTS_KIND_TOTAL);

	ev.n_total_jobs = jobs;
	play(&ev);
}

static void phase(const char *name)
{
	struct events_event ev = events_event_make(EVENTS_KIND_PHASE);

	ev.text = name;
	play(&ev);
}

/* Finish `n` jobs, one every `each_ms`, and leave one job unfinished. */
static void compile_counted(int64_t first, int64_t n, unsigned each_ms)
{
	for (int64_t i = first; i < first + n; i++) {
		queue(i + 1, EVENTS_UNKNOWN);
		now_ms += each_ms;
		end(i, 10);
	}
}

TEST(a_count_gives_a_total_and_after_5_s_of_compiling_an_eta)
{
	make_jobs(40);
	phase("prepare");
	ck_assert(!is_known());
	count_jobs(1000);
	ck_assert(is_known() && look.counted && !look.has_remaining);
	ck_assert_uint_eq(look.n_total, 1000);
	ck_assert_uint_eq(look.percent, 0);
	/* The pace of host programs predicts nothing. */
	queue(1, EVENTS_UNKNOWN);
	compile_counted(1, 20, 3000);
	ck_assert(is_known() && !look.has_remaining);
	phase("compile");
	compile_counted(21, 49, 100);
	ck_assert(is_known() && !look.has_remaining);
	compile_counted(70, 2, 100);
	ck_assert(is_known() && look.has_remaining);
	ck_assert_uint_eq(look.percent, 7);
	ck_assert_uint_ge(look.remaining_ms, 90000);
	ck_assert_uint_le(look.remaining_ms, 96000);
	/* A slower pace has most of the weight after a minute. */
	compile_counted(72, 300, 200);
	ck_assert(is_known() && look.has_remaining);
	ck_assert_uint_ge(look.remaining_ms, 100000);
	ck_assert_uint_le(look.remaining_ms, 130000);
}

TEST(a_count_that_is_too_low_grows_and_never_reaches_100_percent)
{
	make_jobs(40);
	phase("compile");
	count_jobs(100);
	queue(1, EVENTS_UNKNOWN);
	compile_counted(1, 99, 100);
	ck_assert(is_known() && look.has_remaining);
	ck_assert_uint_eq(look.percent, 99);
	ck_assert_uint_eq(look.n_total, 100);
	compile_counted(100, 20, 100);
	ck_assert(is_known() && !look.has_remaining);
	ck_assert_uint_eq(look.percent, 99);
	ck_assert_uint_eq(look.n_total, 120);
}

/* The link takes an unknown time. */
TEST(a_count_has_no_eta_without_open_jobs)
{
	make_jobs(40);
	phase("compile");
	count_jobs(100);
	compile(1, 90, 100, 0, 0);
	ck_assert(is_known() && !look.has_remaining);
	queue(91, EVENTS_UNKNOWN);
	ck_assert(is_known() && look.has_remaining);
	phase("link");
	end(91, 10);
	ck_assert(is_known() && !look.has_remaining);
	ck_assert_uint_eq(look.percent, 91);
}

TEST(a_baseline_is_better_than_a_count)
{
	make_jobs(40);
	count_jobs(20);
	thousand_jobs();
	ck_assert(is_known() && !look.counted);
	ck_assert_uint_eq(look.n_total, JOBS);
}

static void told_late(void *ctx, const struct events_event *ev)
{
	ui_model_add_event(ctx, ev);
}

TEST(a_late_subscriber_has_the_count_and_the_mean_pace)
{
	struct ui_prediction expected;
	struct ui_model late;

	make_jobs(40);
	count_jobs(9000);
	/* The rate excludes jobs before the phase "compile". */
	queue(1, EVENTS_UNKNOWN);
	compile_counted(1, 2000, 1);
	phase("compile");
	compile_counted(2001, 2000, 100);
	ck_assert(is_known());
	expected = look;
	ui_model_init(&late);
	ui_model_snapshot(&m, told_late, &late);
	ck_assert(ui_model_predict(&late, now_ms, &look));
	ck_assert_uint_eq(look.n_total, expected.n_total);
	ck_assert_uint_eq(look.percent, expected.percent);
	ck_assert(look.counted && look.has_remaining);
	ck_assert_uint_ge(look.remaining_ms, expected.remaining_ms * 9 / 10);
	ck_assert_uint_le(look.remaining_ms, expected.remaining_ms * 11 / 10);
	ui_model_release(&late);
}

/* Return a hostile number. */
static int64_t any_number(uint64_t *state)
{
	static const int64_t odd[] = {
		INT64_MIN, INT64_MIN + 1, -1,       0, 1, 1000, 1, 2, 3, 7,
		1 << 30,   INT64_MAX - 1, INT64_MAX
	};
	const size_t n = sizeof(odd) / sizeof(*odd);

	return draw(state) % 3 ? (int64_t)(draw(state) % 100000) :
				 odd[draw(state) % n];
}

static void write_down(void *ctx, const struct events_event *ev)
{
	events_encode(ctx, ev);
}

TEST_RANGE(any_numbers_at_any_time, 0, 50)
{
	static const enum events_kind kinds[] = {
		EVENTS_KIND_ESTIMATE, EVENTS_KIND_JOB,    EVENTS_KIND_JOB,
		EVENTS_KIND_JOB,      EVENTS_KIND_COUNTS, EVENTS_KIND_BUILD,
		EVENTS_KIND_TOTAL,    EVENTS_KIND_PHASE
	};
	uint64_t state = 7 + (uint64_t)_i * UINT64_C(0x9e3779b97f4a7c15);
	struct buf lines = { 0 };

	for (int i = 0; i < 1000; i++) {
		struct events_event ev = events_event_make(
			i < 20 ? EVENTS_KIND_ESTIMATE :
				 kinds[draw(&state) % 8]);

		ev.n_total_jobs = any_number(&state);
		ev.cost_ms = any_number(&state);
		ev.wall_ms = any_number(&state);
		ev.cpu_ms = any_number(&state);
		ev.make_jobs = any_number(&state);
		ev.n_remote = any_number(&state);
		ev.text = "compile";
		ev.job = (int64_t)(draw(&state) % 8);
		ev.state = draw(&state) % EVENTS_N_JOB_STATES;
		ev.command = "x";
		now_ms = draw(&state) % 20 ? now_ms + draw(&state) % 3000 :
					     (uint64_t)any_number(&state);
		play(&ev);
		if (is_known()) {
			ck_assert_uint_le(look.percent, 99);
			ck_assert_uint_le(look.remaining_ms, 100 * 3600 * 1000);
			ck_assert_uint_ge(look.n_total, m.n_jobs);
		}
		ui_model_snapshot(&m, write_down, &lines);
		buf_reset(&lines);
	}
	buf_release(&lines);
}
