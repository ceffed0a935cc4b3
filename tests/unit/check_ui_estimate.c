/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * Predictions of builds that consist of 10 s of configuration, a thousand jobs
 * and 20 s of linking and packing.
 */
#include "ui/model.h"

#include "../lib/test.h"
#include "ui-fixture.h"

#define HEAD_S 10
#define TAIL_S 20
#define JOBS   1000
#define COST   2000 /* ms per job */

static struct ui_prediction prediction;

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

static void add_point(int64_t jobs, int64_t cost_ms, int64_t wall_ms)
{
	struct events_event ev = events_event_make(EVENTS_KIND_ESTIMATE);

	ev.n_total_jobs = jobs;
	ev.cost_ms = cost_ms;
	ev.wall_ms = wall_ms;
	ev.make_jobs = 40;
	play(&ev);
}

/* Add a baseline of 130 s: 10 jobs per second and the serial work. */
static void add_baseline(void)
{
	for (int i = 1; i < 50; i++)
		add_point(i * JOBS / 50, (int64_t)i * JOBS * COST / 50,
			  HEAD_S * 1000 + i * JOBS / 50 * 100);
	add_point(JOBS, JOBS * COST, (HEAD_S + TAIL_S) * 1000 + JOBS * 100);
}

static void queue_job(int64_t number, int64_t cost_ms)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.job = number;
	ev.file = "a.c";
	ev.cost_ms = cost_ms;
	play(&ev);
}

static void finish_job(int64_t number, int64_t cpu_ms)
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

static bool predict(void)
{
	return ui_model_predict(&m, now_ms, &prediction);
}

/* Return the error in percent of the actual duration. */
static unsigned error_percent(uint64_t wall_ms)
{
	uint64_t remaining = wall_ms - now_ms;

	ck_assert(predict() && prediction.has_remaining);
	return (unsigned)((remaining > prediction.remaining_ms ?
				   remaining - prediction.remaining_ms :
				   prediction.remaining_ms - remaining) *
			  100 / wall_ms);
}

/*
 * Compile `n` jobs in sequence.  If `max_error` is not 0, check the error after
 * every 50th job.
 */
static void compile(int64_t first, int64_t n, unsigned each_ms,
		    uint64_t wall_ms, unsigned max_error)
{
	for (int64_t i = first; i < first + n; i++) {
		queue_job(i, COST);
		now_ms += each_ms;
		finish_job(i, COST);
		if (max_error && i % 50 == 0)
			ck_assert_msg(
				error_percent(wall_ms) <= max_error,
				"at %llu ms: %llu ms to go",
				(unsigned long long)now_ms,
				(unsigned long long)prediction.remaining_ms);
	}
}

FIXTURE(set_up, tear_down);

TEST(without_a_baseline_no_prediction_exists)
{
	make_jobs(40);
	compile(1, 100, 100, 0, 0);
	ck_assert(!predict());
}

TEST(a_build_like_the_baseline_is_predicted_within_2_percent)
{
	uint64_t wall = (HEAD_S + TAIL_S) * 1000 + JOBS * 100;

	make_jobs(40);
	add_baseline();
	ck_assert_uint_eq(error_percent(wall), 0);
	ck_assert_uint_eq(prediction.n_total, JOBS);
	ck_assert_uint_eq(prediction.percent, 0);
	now_ms = HEAD_S * 1000;
	ck_assert_uint_le(error_percent(wall), 2);
	compile(1, JOBS, 100, wall, 2);
	ck_assert_uint_ge(prediction.percent, 84);
	ck_assert_uint_le(prediction.percent, 86);
	for (unsigned s = 0; s < TAIL_S - 1; s++) {
		now_ms += 1000;
		ck_assert_uint_le(error_percent(wall), 2);
	}
	ck_assert_uint_eq(prediction.percent, 99);
	/* A build that exceeds its prediction has no ETA. */
	now_ms += 5000;
	ck_assert(predict() && !prediction.has_remaining);
	ck_assert_uint_eq(prediction.percent, 99);
}

TEST(half_as_many_make_jobs_double_the_predicted_compile_time)
{
	uint64_t wall = (HEAD_S + TAIL_S) * 1000 + JOBS * 200;

	make_jobs(20);
	add_baseline();
	ck_assert_uint_le(error_percent(wall), 2);
	now_ms = HEAD_S * 1000;
	compile(1, JOBS, 200, wall, 3);
}

TEST(a_slower_pace_is_reflected_within_40_s)
{
	uint64_t wall = (HEAD_S + TAIL_S) * 1000 + JOBS * 250;

	make_jobs(40);
	add_baseline();
	now_ms = HEAD_S * 1000;
	compile(1, 120, 250, wall, 0);
	compile(121, JOBS - 120, 250, wall, 3);
}

/* After a node failure, the older rate loses most of its weight in a minute. */
TEST(a_change_of_pace_midway_is_reflected_after_a_minute)
{
	uint64_t wall = (HEAD_S + TAIL_S) * 1000 + JOBS / 2 * (100 + 200);

	make_jobs(40);
	add_baseline();
	now_ms = HEAD_S * 1000;
	compile(1, JOBS / 2, 100, 0, 0);
	compile(JOBS / 2 + 1, 300, 200, 0, 0);
	compile(JOBS / 2 + 301, JOBS / 2 - 300, 200, wall, 8);
}

TEST(a_job_without_a_known_cost_increases_the_total)
{
	make_jobs(40);
	add_baseline();
	queue_job(1, EVENTS_UNKNOWN);
	ck_assert(predict());
	ck_assert_uint_eq(prediction.n_total, JOBS + 1);
	finish_job(1, COST);
	ck_assert(predict());
	ck_assert_uint_eq(prediction.n_total, JOBS + 1);
	ck_assert_uint_eq(prediction.percent, 0);
}

/* Some objects are built twice, but have only one known cost. */
TEST(the_total_is_never_less_than_the_number_of_queued_jobs)
{
	make_jobs(40);
	add_baseline();
	for (int i = 1; i <= JOBS + 30; i++) {
		now_ms += 100;
		queue_job(i, COST);
		ck_assert(predict());
		ck_assert_uint_ge(prediction.n_total, (uint64_t)i);
		finish_job(i, COST);
		ck_assert(predict());
		ck_assert_uint_ge(prediction.n_total, (uint64_t)i);
		ck_assert_uint_le(prediction.percent, 99);
	}
}

TEST(new_jobs_beyond_a_tenth_of_the_baseline_invalidate_it)
{
	make_jobs(40);
	add_baseline();
	for (int i = 1; i <= JOBS / 10; i++)
		queue_job(i, EVENTS_UNKNOWN);
	ck_assert(predict());
	queue_job(JOBS, EVENTS_UNKNOWN);
	ck_assert(!predict());
	compile(JOBS + 1, JOBS, 100, 0, 0);
	ck_assert(!predict());
}

/* A compiler cache: compiles take almost no time. */
TEST(compile_times_that_differ_tenfold_invalidate_the_baseline)
{
	make_jobs(40);
	add_baseline();
	now_ms = HEAD_S * 1000;
	for (int i = 1; i < 300; i++) {
		queue_job(i, COST);
		now_ms += 60;
		finish_job(i, COST / 20);
	}
	ck_assert(!predict());
}

TEST(a_pace_that_differs_tenfold_invalidates_the_baseline)
{
	make_jobs(4000);
	add_baseline();
	now_ms = HEAD_S * 1000;
	compile(1, 300, 150, 0, 0);
	ck_assert(!predict());
}

TEST(fewer_jobs_than_predicted_are_detected_within_6_s)
{
	uint64_t wall = HEAD_S * 1000 + 930 * 100 + TAIL_S * 1000;

	make_jobs(40);
	add_baseline();
	now_ms = HEAD_S * 1000;
	compile(1, 930, 100, 0, 0);
	ck_assert(predict());
	ck_assert_uint_le(prediction.percent, 80);
	now_ms += 6000;
	ck_assert_uint_le(error_percent(wall), 2);
	ck_assert_uint_ge(prediction.percent, 84);
	/* A late job does not reverse the progress. */
	compile(2000, 1, 100, 0, 0);
	ck_assert_uint_le(error_percent(wall), 2);
}

TEST(the_prediction_ends_with_the_build)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DONE);

	make_jobs(40);
	add_baseline();
	ck_assert(predict());
	play(&ev);
	ck_assert(!predict());
}

/* A file can contain the streams of several builds. */
TEST(a_new_build_discards_the_prediction)
{
	make_jobs(40);
	add_baseline();
	ck_assert(predict());
	make_jobs(40);
	ck_assert(!predict());
}

TEST(a_late_subscriber_gets_the_same_prediction)
{
	struct ui_prediction late_prediction;
	struct ui_model late_model;

	make_jobs(40);
	add_baseline();
	queue_job(9999, EVENTS_UNKNOWN);
	now_ms = HEAD_S * 1000;
	for (int i = 0; i <= 10; i++) {
		compile(1 + i * JOBS / 10, i < 10 ? JOBS / 10 : 1, 100, 0, 0);
		queue_job(5000 + i, COST);
		ui_model_init(&late_model);
		ui_model_snapshot(&m, ui_model_add_event, &late_model);
		ck_assert(predict());
		ck_assert(ui_model_predict(&late_model, now_ms,
					   &late_prediction));
		ck_assert_uint_eq(late_prediction.n_total, prediction.n_total);
		ck_assert_uint_eq(late_prediction.percent, prediction.percent);
		ck_assert_int_le(labs((long)late_prediction.remaining_ms -
				      (long)prediction.remaining_ms),
				 5000);
		ui_model_release(&late_model);
	}
	now_ms += 10000;
	ui_model_init(&late_model);
	ui_model_snapshot(&m, ui_model_add_event, &late_model);
	ck_assert(predict());
	ck_assert(ui_model_predict(&late_model, now_ms, &late_prediction));
	ck_assert_uint_eq(late_prediction.remaining_ms,
			  prediction.remaining_ms);
	ui_model_release(&late_model);
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
static void add_random_baseline(uint64_t *state)
{
	int64_t jobs = 0, cost = 0, wall = 0;

	for (uint64_t n = 1 + draw(state) % 70; n; n--) {
		jobs += (int64_t)(draw(state) % 40);
		cost += (int64_t)(draw(state) % 100000 * (draw(state) % 3));
		wall += (int64_t)(draw(state) % 5000 * (draw(state) % 3));
		add_point(jobs, cost, wall);
	}
}

TEST_RANGE(the_percentage_never_decreases, 0, 50)
{
	uint64_t state = 1 + (uint64_t)_i * UINT64_C(0x9e3779b97f4a7c15);
	unsigned percent = 0;
	int64_t first = 1, last = 1;

	make_jobs(1 + (int64_t)(draw(&state) % 80));
	add_random_baseline(&state);
	for (int i = 0; i < 3000; i++) {
		now_ms += draw(&state) % 8 ? draw(&state) % 100 :
					     draw(&state) % 9000;
		if (last - first < 30 && draw(&state) % 2)
			queue_job(last++, (int64_t)(draw(&state) % 4000));
		else if (first < last)
			finish_job(first++, (int64_t)(draw(&state) % 4000));
		if (!predict())
			continue;
		ck_assert_uint_ge(prediction.percent, percent);
		ck_assert_uint_le(prediction.percent, 99);
		ck_assert_uint_ge(prediction.n_total, (uint64_t)(last - 1));
		percent = prediction.percent;
	}
}

/* Return a random number, which is often an extreme value. */
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

static void encode_event(void *ctx, const struct events_event *ev)
{
	events_encode(ctx, ev);
}

TEST_RANGE(arbitrary_events_yield_bounded_predictions, 0, 50)
{
	static const enum events_kind kinds[] = {
		EVENTS_KIND_ESTIMATE, EVENTS_KIND_JOB,    EVENTS_KIND_JOB,
		EVENTS_KIND_JOB,      EVENTS_KIND_COUNTS, EVENTS_KIND_BUILD,
		EVENTS_KIND_PHASE,
	};
	uint64_t state = 7 + (uint64_t)_i * UINT64_C(0x9e3779b97f4a7c15);
	struct buf lines = { 0 };

	for (int i = 0; i < 1000; i++) {
		struct events_event ev = events_event_make(
			i < 20 ? EVENTS_KIND_ESTIMATE :
				 kinds[draw(&state) % 7]);

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
		if (predict()) {
			ck_assert_uint_le(prediction.percent, 99);
			ck_assert_uint_le(prediction.remaining_ms,
					  100 * 3600 * 1000);
			ck_assert_uint_ge(prediction.n_total, m.n_jobs);
		}
		ui_model_snapshot(&m, encode_event, &lines);
		buf_reset(&lines);
	}
	buf_release(&lines);
}
