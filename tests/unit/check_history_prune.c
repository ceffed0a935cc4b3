/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: history */
#include "../lib/test.h"
#include "history-file.h"
#include "history/db.h"
#include "history/save.h"

static int64_t number_of(const char *text)
{
	char word[64] = "";

	query_sql(text, word);
	return atoll(word);
}

static void build_of(const char *key, unsigned first, unsigned units,
		     bool fresh)
{
	struct history_diag d = { .tool = "gcc", .text = "x" };
	struct history_size z = { .name = "vmlinux" };
	struct play p;

	play_build(&p, key, fresh);
	for (unsigned i = 0; i < units; i++) {
		char name[64];

		snprintf(name, sizeof(name), "a/unit%u.o", first + i);
		play_unit(&p, name, "neo4a");
	}
	d.line = first;
	play_diag(&p, &d);
	play_size(&p, &z);
	play_end_well(&p, 0);
}

FIXTURE(play_set_up, file_tear_down);
TIMEOUT(60);

TEST(units_are_retained_for_the_last_builds_of_each_key)
{
	struct history_build b;

	for (int i = 0; i < 2 * HISTORY_UNIT_BUILDS_MAX; i++) {
		build_of(KEY_A, 0, 2, true);
		build_of(KEY_B, 0, 2, true);
	}
	ck_assert_int_eq(number_of("SELECT count(*) FROM unit"),
			 (int64_t)2 * HISTORY_UNIT_BUILDS_MAX * 2);
	ck_assert_int_eq(number_of("SELECT min(build) FROM unit"),
			 2 * HISTORY_UNIT_BUILDS_MAX + 1);
	play_find(1, &b);
	ck_assert(!b.has_units && b.has_details);
	history_build_release(&b);
	play_find(0, &b);
	ck_assert(b.has_units);
	history_build_release(&b);
}

TEST(units_of_the_baseline_are_kept)
{
	struct history_costs costs;
	struct history *h;
	struct play p;

	build_of(KEY_A, 0, 2, true);
	for (int i = 0; i < 2 * HISTORY_UNIT_BUILDS_MAX; i++) {
		play_build(&p, KEY_A, true);
		p.cached = true;
		play_unit(&p, "a/unit0.o", EVENTS_LOCAL);
		play_unit(&p, "a/unit1.o", EVENTS_LOCAL);
		play_end_well(&p, 0);
	}
	h = play_open();
	must(history_costs_load(h, KEY_A, "arm64", &costs, &err));
	ck_assert_int_eq(costs.baseline.number, 1);
	ck_assert_uint_eq(costs.n_completions, 2);
	ck_assert_uint_eq(costs.n_costs, 2);
	history_costs_release(&costs);
	history_db_close(h);
}

/* A unit refers to a cost for its names, even if its job was cached. */
TEST(the_cost_of_an_object_that_is_always_cached_is_kept)
{
	struct play p;

	build_of(KEY_A, 0, 20, true);
	for (int i = 0; i < 2 * HISTORY_UNIT_BUILDS_MAX; i++) {
		play_build(&p, KEY_A, true);
		p.cached = true;
		play_state(&p, ++p.jobs, EVENTS_JOB_QUEUED, "a/unit0.o", NULL);
		play_state(&p, p.jobs, EVENTS_JOB_DONE, "a/unit0.o",
			   EVENTS_LOCAL);
		p.cached = false;
		for (unsigned k = 1; k < 20; k++) {
			char name[64];

			snprintf(name, sizeof(name), "a/unit%u.o", k);
			play_unit(&p, name, "neo4a");
		}
		play_end_well(&p, 0);
		ck_assert_int_eq(number_of("SELECT count(*) FROM unit WHERE "
					   "cost NOT IN (SELECT id FROM cost)"),
				 0);
	}
	ck_assert_int_eq(number_of("SELECT count(cpu_ms) FROM cost"), 20);
}

TEST(diagnostics_and_sizes_are_retained_for_the_last_builds)
{
	for (int i = 0; i < HISTORY_DETAIL_BUILDS_MAX + 5; i++)
		build_of(KEY_A, 0, 1, false);
	ck_assert_int_eq(number_of("SELECT count(*) FROM diag_of_build"),
			 HISTORY_DETAIL_BUILDS_MAX);
	ck_assert_int_eq(number_of("SELECT count(*) FROM size_of_build"),
			 HISTORY_DETAIL_BUILDS_MAX);
	/* Each text is stored once. */
	ck_assert_int_eq(number_of("SELECT count(*) FROM diag"), 1);
	ck_assert_int_eq(number_of("SELECT count(*) FROM build"),
			 HISTORY_DETAIL_BUILDS_MAX + 5);
}

TEST(costs_of_objects_absent_from_fresh_builds_are_deleted)
{
	build_of(KEY_A, 0, 5, true);
	build_of(KEY_A, 5, 2, false);
	ck_assert_int_eq(number_of("SELECT count(*) FROM cost"), 7);
	for (int i = 0; i < HISTORY_UNIT_BUILDS_MAX; i++)
		build_of(KEY_A, 3, 3, true);
	ck_assert_int_eq(number_of("SELECT count(*) FROM cost"), 3);
	ck_assert_int_eq(number_of("SELECT costs FROM key"), 3);
}

TEST(the_least_recently_built_key_loses_its_costs)
{
	build_of(KEY_A, 0, 4, true);
	build_of(KEY_B, 0, 4, true);
	sql("UPDATE key SET costs = 1000000 WHERE digest = '" KEY_A "'");
	close_sql();
	play_whole(KEY_B);
	ck_assert_int_eq(
		number_of("SELECT costs FROM key WHERE digest = '" KEY_A "'"),
		0);
	ck_assert_int_eq(number_of("SELECT count(*) FROM unit WHERE build = 1"),
			 0);
	ck_assert_int_eq(number_of("SELECT count(*) FROM cost"), 6);
	ck_assert_int_eq(number_of("SELECT count(*) FROM build"), 3);
}

/* The user may create a directory whose name is a high number. */
TEST(a_gap_in_the_build_numbers_deletes_no_build)
{
	struct play p;

	build_of(KEY_A, 0, 4, true);
	play_start(&p, KEY_B, true, INT64_C(1) << 30);
	ck_assert_int_eq(play_end_well(&p, 0), INT64_C(1) << 30);
	ck_assert_int_eq(number_of("SELECT count(*) FROM build"), 2);
	ck_assert_int_eq(play_whole(KEY_B), (INT64_C(1) << 30) + 1);
	check_whole();
}

TEST(the_oldest_builds_beyond_the_maximum_are_deleted)
{
	char text[256];

	build_of(KEY_A, 0, 4, true);
	play_whole(KEY_B);
	snprintf(text, sizeof(text),
		 "WITH RECURSIVE n(x) AS (SELECT 3 UNION ALL SELECT x + 1 FROM "
		 "n WHERE x < %d) INSERT INTO build(number, state, began_s) "
		 "SELECT x, 1, 0 FROM n",
		 HISTORY_BUILDS_MAX);
	sql(text);
	close_sql();
	ck_assert_int_eq(play_whole(KEY_B), HISTORY_BUILDS_MAX + 1);
	ck_assert_int_eq(number_of("SELECT count(*) FROM build"),
			 HISTORY_BUILDS_MAX);
	ck_assert_int_eq(number_of("SELECT count(*) FROM key"), 1);
	ck_assert_int_eq(number_of("SELECT count(*) FROM cost"), 2);
	ck_assert_int_eq(number_of("SELECT count(*) FROM node_of_build WHERE "
				   "build = 1"),
			 0);
	check_whole();
}

static void begin_in(struct history *h, struct history_build *b,
		     const char *key)
{
	*b = (struct history_build){ .series_key = (char *)key,
				     .from_scratch = true };
	must(history_save_begin(h, b, &err));
}

static void end_in(struct history *h, struct history_build *b)
{
	static const struct history_details none;

	b->state = HISTORY_STATE_GOOD;
	must(history_save_end(h, b, &none, &err));
}

static int64_t find_baseline_in(struct history *h, const char *key)
{
	struct history_build next = { .series_key = (char *)key }, found;
	int64_t number;

	must(history_build_find_baseline(h, &next, &found, &err));
	number = found.number;
	history_build_release(&found);
	return number;
}

/* The first builds of two series begin before a build that prunes ends. */
TEST(series_of_running_builds_survive_pruning)
{
	struct history_build a, b, other;
	struct history *h;
	char text[256];

	play_whole(KEY_A);
	snprintf(text, sizeof(text),
		 "WITH RECURSIVE n(x) AS (SELECT 2 UNION ALL SELECT x + 1 FROM "
		 "n WHERE x < %d) INSERT INTO build(number, state, began_s) "
		 "SELECT x, 1, 0 FROM n",
		 HISTORY_BUILDS_MAX + 2);
	sql(text);
	close_sql();
	must(history_db_open_at(&h, path, HISTORY_MODE_WRITE, 500, &err));
	begin_in(h, &a, "new-a");
	begin_in(h, &b, "new-b");
	begin_in(h, &other, KEY_B);
	end_in(h, &other);
	end_in(h, &b);
	end_in(h, &a);
	ck_assert_int_eq(find_baseline_in(h, "new-a"), a.number);
	ck_assert_int_eq(find_baseline_in(h, "new-b"), b.number);
	history_db_close(h);
	/* The series without builds is deleted. */
	ck_assert_int_eq(number_of("SELECT count(*) FROM key"), 3);
	check_whole();
}

TEST(free_pages_are_removed_from_the_database_file)
{
	int64_t before;

	build_of(KEY_A, 0, 20000, true);
	for (int i = 0; i < HISTORY_UNIT_BUILDS_MAX - 1; i++)
		build_of(KEY_A, 0, 20000, true);
	before = number_of("PRAGMA page_count");
	sql("DELETE FROM unit");
	close_sql();
	play_whole(KEY_B);
	ck_assert_int_lt(number_of("PRAGMA page_count"), before);
	check_whole();
}

static int64_t log_size(void)
{
	char *log = xasprintf("%s-wal", path);
	struct stat st = { 0 };

	stat(log, &st);
	free(log);
	return (int64_t)st.st_size;
}

TEST(a_large_write_ahead_log_is_written_to_the_database)
{
	struct stat st;

	build_of(KEY_A, 0, 20000, true);
	for (int i = 0; log_size() < HISTORY_WAL_BYTES_MAX; i++) {
		ck_assert_int_lt(i, 20);
		build_of(KEY_A, 0, 20000, true);
	}
	/* This build starts the pruning and does not wait for it. */
	play_whole(KEY_B);
	for (int i = 0; i < 6000; i++) {
		ck_assert_int_eq(stat(path, &st), 0);
		if (st.st_size > HISTORY_WAL_BYTES_MAX / 4)
			break;
		usleep(10000);
	}
	ck_assert_int_gt(st.st_size, HISTORY_WAL_BYTES_MAX / 4);
	play_whole(KEY_B);
	check_whole();
}
