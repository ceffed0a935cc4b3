/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: history */
#include "../lib/test.h"
#include "history-fixture.h"
#include "history/sql.h"

#include <time.h>

static struct history_details details;

static void tear_down(void)
{
	history_details_release(&details);
	play_tear_down();
}

FIXTURE(play_set_up, tear_down);
TIMEOUT(60);

TEST(a_build_is_recorded_with_the_values_of_its_events)
{
	struct history_build b;
	struct events_event ev;
	struct history *h;
	struct play p;
	int64_t number;

	play_build(&p, KEY_A, true);
	ck_assert_int_eq(history_recorder_build_number(p.record), 1);
	play_phase(&p, "config");
	play_phase(&p, "compile");
	play_unit(&p, "kernel/fork.o", "neo4a");
	play_unit(&p, "init/main.o", EVENTS_LOCAL);
	ev = events_event_make(EVENTS_KIND_DIAG);
	ev.text = "x.c:1:1: warning: y";
	ev.n_warnings = 3;
	events_hub_publish(p.hub, &ev);
	ev = events_event_make(EVENTS_KIND_HOST);
	ev.cpu_ms = 1234;
	ev.n_shell_lines = 10;
	ev.n_shell_steps = 5;
	ev.n_local_steps = 3;
	events_hub_publish(p.hub, &ev);
	ev = events_event_make(EVENTS_KIND_STEPS);
	ev.reason = "unusual option";
	ev.n_steps = 3;
	events_hub_publish(p.hub, &ev);
	ev = events_event_make(EVENTS_KIND_DISABLED);
	ev.tool = "objtool";
	ev.text = "cannot read x";
	ev.n_failed = 4;
	events_hub_publish(p.hub, &ev);
	ev.tool = "gcc";
	events_hub_publish(p.hub, &ev);
	ev.n_failed = 0; /* enabled again */
	events_hub_publish(p.hub, &ev);
	number = play_end_well(&p, 0);
	ck_assert_int_eq(number, 1);
	play_find(0, &b);
	ck_assert_int_eq(b.number, 1);
	ck_assert_int_eq(b.state, HISTORY_STATE_GOOD);
	ck_assert_str_eq(b.series_key, KEY_A);
	ck_assert_str_eq(b.command, "all");
	ck_assert_str_eq(b.arch, "arm64");
	ck_assert_str_eq(b.config, "defconfig");
	ck_assert_str_eq(b.toolchain, "gcc-12.2.0");
	ck_assert_str_eq(b.toolchain_id, "gcc-12.2.0-0123456789ab");
	ck_assert_str_eq(b.tree, "/home/a/linux");
	ck_assert_str_eq(b.source, "/home/a/linux");
	ck_assert_str_eq(b.output, "/home/a/out");
	ck_assert_str_eq(b.release, "6.1.192");
	ck_assert_int_eq(b.n_jobs, 2);
	ck_assert_int_eq(b.n_remote, 1);
	ck_assert_int_eq(b.n_local, 1);
	ck_assert_int_eq(b.n_warnings, 3);
	ck_assert_int_eq(b.host_ms, 1234);
	ck_assert_int_ge(b.cpu_ms, 101);
	ck_assert_int_eq(b.n_make_jobs, 8);
	ck_assert_int_eq(b.n_new_warnings, -1);
	ck_assert(b.from_scratch && b.has_units && b.has_details && !b.dirty);
	/* No job of a node had a step. */
	ck_assert_int_eq(b.n_steps, 0);
	ck_assert_int_eq(b.n_local_steps, 8);
	history_build_release(&b);
	h = play_open();
	must(history_read_step_reasons(h, 1, &details, &err));
	ck_assert_uint_eq(details.n_step_reasons, 1);
	ck_assert_str_eq(details.step_reasons[0].text, "unusual option");
	ck_assert_int_eq(details.step_reasons[0].n_jobs, 3);
	must(history_read_disabled(h, 1, &details, &err));
	ck_assert_uint_eq(details.n_disabled, 1);
	ck_assert_str_eq(details.disabled[0].tool, "objtool");
	ck_assert_str_eq(details.disabled[0].text, "cannot read x");
	ck_assert_int_eq(details.disabled[0].n_failures, 4);
	history_db_close(h);
}

/* The start and the wall time refer to the same moment. */
TEST(the_cause_of_a_failed_build_is_recorded)
{
	static const char full[] = "output directory: No space left on device";
	struct events_event ev = events_event_make(EVENTS_KIND_DONE);
	struct history_build b, copy;
	struct play p;

	play_build(&p, KEY_A, true);
	ev.status = 2;
	ev.reason = full;
	history_recorder_finish(p.record, &ev, &p.notes);
	history_recorder_free(p.record);
	events_hub_free(p.hub);
	play_find(0, &b);
	history_build_copy(&copy, &b);
	history_build_release(&b);
	ck_assert_str_eq(copy.cause, full);
	history_build_release(&copy);
}

TEST(a_build_starts_when_the_clock_of_its_events_starts)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);
	struct play p = { .hub = events_hub_new() };
	int64_t made_s = (int64_t)time(NULL);
	struct history_build b;

	p.record = history_recorder_new(p.hub, &p.notes);
	ev.command = "all";
	ev.series_key = KEY_A;
	usleep(2100000);
	events_hub_publish(p.hub, &ev);
	play_end_well(&p, 0);
	play_find(0, &b);
	ck_assert_int_ge(b.wall_ms, 2100);
	ck_assert_int_le(b.start_s, made_s + 1);
	history_build_release(&b);
}

/* The output directory of a build is named after the number. */
TEST(a_requested_build_number_is_used_unless_taken)
{
	struct history_build b;
	struct play p, later;

	play_start(&p, KEY_A, true, 7);
	ck_assert_int_eq(history_recorder_build_number(p.record), 7);
	/* Two builds that start at once can be recorded in either order. */
	play_start(&later, KEY_A, true, 6);
	ck_assert_int_eq(history_recorder_build_number(later.record), 6);
	ck_assert_int_eq(play_end_well(&p, 0), 7);
	ck_assert_int_eq(play_end_well(&later, 0), 6);
	ck_assert_int_eq(play_whole(KEY_A), 8);

	/* The number of another build is not used again. */
	play_start(&p, KEY_B, true, 7);
	ck_assert_int_eq(play_end_well(&p, 0), 9);
	play_find(7, &b);
	ck_assert_str_eq(b.series_key, KEY_A);
	history_build_release(&b);
	ck_assert_int_eq(history_last_number(), 9);
}

TEST(an_output_directory_is_present_removed_or_replaced)
{
	struct history_build b;
	struct buf text = { 0 };

	play_whole(KEY_A);
	play_find(1, &b);
	ck_assert_int_eq(history_output_state(&b), HISTORY_OUTPUT_REMOVED);
	history_output_add_note(&text, &b);
	ck_assert_str_eq(buf_str(&text), " (removed)");
	free(b.output);
	b.output = xstrdup(dir);
	ck_assert_int_eq(history_output_state(&b), HISTORY_OUTPUT_PRESENT);
	history_build_release(&b);
	ck_assert_int_eq(history_output_state(&b), HISTORY_OUTPUT_NONE);
	ck_assert_ptr_null(history_output_word(HISTORY_OUTPUT_NONE));

	play_whole(KEY_B);
	play_whole(KEY_B);
	play_find(1, &b);
	ck_assert_int_eq(history_output_state(&b), HISTORY_OUTPUT_REPLACED);
	buf_reset(&text);
	history_output_add_note(&text, &b);
	ck_assert_str_eq(buf_str(&text), " (replaced by build 2)");
	history_build_release(&b);
	buf_release(&text);
}

/* A directory can be given by several paths; the canonical one is recorded. */
TEST(an_output_directory_has_one_path)
{
	char *real = xasprintf("%s/out", dir), *link = xasprintf("%s/l", dir);
	char *below = xasprintf("%s/l/7", dir), *want;
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);
	struct play p = { .hub = events_hub_new() };
	struct history_build b;
	struct history *h;

	want = xasprintf("%s/7", real);
	must(fs_mkdirs(real, 0755, &err));
	ck_assert_int_eq(symlink("out", link), 0);
	p.record = history_recorder_new(p.hub, &p.notes);
	ev.command = "all";
	ev.tree = ev.dir = ev.output = link;
	events_hub_publish(p.hub, &ev);
	play_end_well(&p, 0);
	h = play_open();
	must(history_build_find_output(h, link, &b, &err));
	ck_assert_str_eq(b.tree, real);
	ck_assert_str_eq(b.source, real);
	ck_assert_str_eq(b.dir, real);
	ck_assert_str_eq(b.output, real);
	history_build_release(&b);
	history_db_close(h);

	must(history_db_open_at(&h, path, HISTORY_MODE_WRITE, 500, &err));
	must(history_build_set_output(h, 1, below, &err));
	must(history_build_find_output(h, below, &b, &err));
	ck_assert_str_eq(b.output, want);
	history_build_release(&b);

	/* An older kfarm recorded the path as given. */
	must(sql_run(h, &err, "UPDATE build SET output = ?1", "t", below));
	must(history_build_find_output(h, below, &b, &err));
	ck_assert_int_eq(b.number, 1);
	history_build_release(&b);
	history_db_close(h);
	free(want);
	free(below);
	free(link);
	free(real);
}

TEST(units_nodes_reasons_and_phases_are_recorded)
{
	struct history *h;
	struct play p;

	play_build(&p, KEY_A, true);
	play_phase(&p, "compile");
	play_unit(&p, "kernel/fork.o", "neo4a");
	play_unit(&p, "init/main.o", EVENTS_LOCAL);
	play_state(&p, 9, EVENTS_JOB_QUEUED, "left.o", "neo4a");
	play_end_well(&p, 2);
	h = play_open();
	must(history_read_units(h, 1, &details, &err));
	must(history_read_phases(h, 1, &details, &err));
	ck_assert_uint_eq(details.n_units, 3);
	ck_assert_uint_eq(details.n_nodes, 2);
	ck_assert_str_eq(details.nodes[0].name, "neo4a");
	ck_assert_str_eq(details.units[0].object, "kernel/fork.o");
	ck_assert_str_eq(details.units[0].file, "kernel/fork.c");
	ck_assert_int_eq(details.units[0].node_index, 0);
	ck_assert_int_eq(details.units[0].reason_index, -1);
	ck_assert_int_eq(details.units[0].cpu_ms, 101);
	ck_assert(details.units[0].remote);
	ck_assert_int_ge(details.units[0].sent_ms, 0);
	ck_assert_int_eq(details.units[1].node_index, 1);
	ck_assert_str_eq(details.reasons[details.units[1].reason_index].text,
			 ".incbin");
	ck_assert_int_eq(details.units[1].sent_ms, -1);
	ck_assert_str_eq(details.units[2].object, "left.o");
	ck_assert_int_eq(details.units[2].done_ms, -1);
	ck_assert_uint_eq(details.n_phases, 1);
	ck_assert_str_eq(details.phases[0].name, "compile");
	history_db_close(h);
}

/* Report a node's clock and temperature, both in thousandths. */
static void play_heat(struct play *p, int64_t speed, int64_t celsius)
{
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);

	ev.node = "neo4a";
	ev.speed_milli = speed;
	ev.celsius_milli = celsius;
	events_hub_publish(p->hub, &ev);
}

TEST(the_slowest_clock_and_highest_temperature_are_recorded)
{
	struct history *h;
	struct play p;

	play_build(&p, KEY_A, true);
	play_heat(&p, EVENTS_UNKNOWN, EVENTS_UNKNOWN);
	play_heat(&p, 1000, 40000);
	play_heat(&p, 650, 71500);
	play_heat(&p, 900, 60000);
	play_heat(&p, EVENTS_UNKNOWN, EVENTS_UNKNOWN);
	play_unit(&p, "init/main.o", EVENTS_LOCAL);
	play_end_well(&p, 0);
	h = play_open();
	must(history_read_units(h, 1, &details, &err));
	history_db_close(h);
	ck_assert_uint_eq(details.n_nodes, 2);
	ck_assert_int_eq(details.nodes[0].min_speed_milli, 650);
	ck_assert_int_eq(details.nodes[0].max_celsius_milli, 71500);
	/* The build host reports neither. */
	ck_assert_int_eq(details.nodes[1].min_speed_milli, 0);
	ck_assert_int_eq(details.nodes[1].max_celsius_milli, 0);
}

TEST(the_cost_of_an_object_is_that_of_its_last_compile)
{
	const struct history_cost *c;
	struct history_costs costs;
	struct history *h;
	struct play p;

	play_whole(KEY_A);
	play_build(&p, KEY_A, false);
	p.jobs = 400;
	play_unit(&p, "kernel/fork.o", "neo4a");
	p.cost_ms = 250;
	play_unit(&p, "init/main.o", "neo4a");
	play_end_well(&p, 0);
	h = play_open();
	must(history_costs_load(h, KEY_A, "arm64", &costs, &err));
	ck_assert_uint_eq(costs.n_costs, 2);
	c = history_cost_find(&costs, "kernel/fork.o");
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(c->cpu_ms, 501);
	ck_assert_str_eq(c->file, "kernel/fork.c");
	/* The speed of the core that compiled init/main.o was known. */
	c = history_cost_find(&costs, "init/main.o");
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(c->cpu_ms, 250);
	ck_assert_ptr_null(history_cost_find(&costs, "init/main.c"));
	/* The first build was from scratch, the second was not. */
	ck_assert_int_eq(costs.baseline.number, 1);
	ck_assert_int_eq(costs.baseline.n_jobs, 2);
	history_costs_release(&costs);
	/* A series without costs uses those of another series. */
	must(history_costs_load(h, KEY_B, "arm64", &costs, &err));
	ck_assert_uint_eq(costs.n_costs, 2);
	ck_assert_int_eq(costs.baseline.number, 0);
	ck_assert_ptr_nonnull(history_cost_find(&costs, "init/main.o"));
	history_costs_release(&costs);
	must(history_costs_load(h, KEY_B, "x86_64", &costs, &err));
	ck_assert_uint_eq(costs.n_costs, 0);
	ck_assert_ptr_null(history_cost_find(&costs, "init/main.o"));
	history_costs_release(&costs);
	history_db_close(h);
}

/* Record a build with `n` cached units, whose costs are not known. */
static void play_cached_build(const char *key, int64_t n)
{
	struct play p;

	play_build(&p, key, true);
	p.cached = true;
	while (p.jobs < n) {
		char *object = xasprintf("lib/%lld.o", (long long)++p.jobs);

		play_state(&p, p.jobs, EVENTS_JOB_QUEUED, object, NULL);
		play_state(&p, p.jobs, EVENTS_JOB_DONE, object, NULL);
		free(object);
	}
	play_end_well(&p, 0);
}

TEST(a_series_without_known_costs_uses_those_of_another)
{
	static const char *const keys[] = { KEY_B, "no such series" };
	struct history_costs costs;
	struct history *h;

	play_whole(KEY_A);
	/* KEY_B has the most rows, but no times. */
	play_cached_build(KEY_B, 5);
	h = play_open();
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		must(history_costs_load(h, keys[i], "arm64", &costs, &err));
		ck_assert_uint_eq(costs.n_costs, 2);
		ck_assert_ptr_nonnull(
			history_cost_find(&costs, "kernel/fork.o"));
		history_costs_release(&costs);
	}
	history_db_close(h);
}

TEST(the_baseline_is_the_last_finished_build_of_the_series)
{
	struct history_build b, before;
	struct history *h;
	struct play p;

	play_whole(KEY_A);
	play_whole(KEY_B);
	play_whole(KEY_A);
	play_build(&p, KEY_A, false);
	h = play_open();
	must(history_build_find(h, 0, &b, &err));
	ck_assert_int_eq(b.state, HISTORY_STATE_RUNNING);
	must(history_build_find_baseline(h, &b, &before, &err));
	ck_assert_int_eq(before.number, 3);
	history_build_release(&b);
	b = before;
	must(history_build_find_baseline(h, &b, &before, &err));
	ck_assert_int_eq(before.number, 1);
	history_build_release(&b);
	b = before;
	ck_assert_int_eq(history_build_find_baseline(h, &b, &before, &err),
			 -ENOENT);
	history_build_release(&b);
	history_db_close(h);
	play_end_well(&p, 130);
	play_find(0, &b);
	ck_assert_int_eq(b.state, HISTORY_STATE_INTERRUPTED);
	history_build_release(&b);

	/* The interrupted build 4 is not a baseline. */
	play_whole(KEY_A);
	play_find(0, &b);
	h = play_open();
	must(history_build_find_baseline(h, &b, &before, &err));
	ck_assert_int_eq(before.number, 3);
	history_build_release(&before);
	history_build_release(&b);
	history_db_close(h);
}

static const struct command_end {
	int64_t status;
	enum history_state state;
} command_ends[] = {
	{ 0, HISTORY_STATE_GOOD },
	{ 1, HISTORY_STATE_FAILED },
	{ 101, HISTORY_STATE_FAILED },
	{ 130, HISTORY_STATE_INTERRUPTED },
};

static int count_listed(void *ctx, const struct history_build *b)
{
	unsigned *n = ctx;

	(void)b;
	++*n;
	return 0;
}

/* `kfarm run` has no tree and ends with the status of its command. */
TEST_EACH(a_command_is_good_if_its_status_is_0, command_ends)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);
	struct history_filter all = { .state = (int)row->state };
	struct play p = { .hub = events_hub_new() };
	struct history_build b;
	struct history *h;

	p.record = history_recorder_new(p.hub, &p.notes);
	ev.command = "cargo build";
	ev.dir = dir;
	events_hub_publish(p.hub, &ev);
	play_end_well(&p, row->status);
	must(history_db_open_at(&h, path, HISTORY_MODE_WRITE, 500, &err));
	for (int i = 0; i < 2; i++) {
		int64_t stored;
		unsigned n = 0;

		must(history_build_find(h, 1, &b, &err));
		ck_assert_int_eq(b.state, row->state);
		ck_assert_int_eq(b.status, row->status);
		history_build_release(&b);
		must(history_build_list(h, &all, count_listed, &n, &err));
		ck_assert_uint_eq(n, 1);
		must(sql_number(h, &stored, &err,
				"SELECT state FROM build WHERE number = ?1",
				"i", INT64_C(1)));
		ck_assert_int_eq(stored, i && row->status == 101 ?
						 HISTORY_STATE_GOOD :
						 row->state);
		/* An older kfarm recorded 101 as good. */
		if (row->status == 101)
			must(sql_run(h, &err, "UPDATE build SET state = ?1",
				     "i", (int64_t)HISTORY_STATE_GOOD));
	}
	history_db_close(h);
}

TEST(diagnostics_and_sizes_are_recorded_with_the_build)
{
	struct history_diag d = { .tool = "gcc",
				  .severity = "warning",
				  .file = "a.c",
				  .line = 7,
				  .column = 3,
				  .flag = "-Wunused",
				  .text = "unused",
				  .status = HISTORY_DIAG_REMOVED };
	struct history_size z = { .name = "vmlinux",
				  .text_bytes = 1,
				  .file_bytes = 9 };
	struct history *h;
	struct play p;

	for (int i = 0; i < 2; i++) {
		play_build(&p, KEY_A, true);
		play_diag(&p, &d);
		d.status = HISTORY_DIAG_NEW;
		d.text = "other";
		d.object = "a.o";
		play_diag(&p, &d);
		play_size(&p, &z);
		play_end_well(&p, 0);
		d = (struct history_diag){ .tool = "ld",
					   .text = "x",
					   .status = HISTORY_DIAG_NO_BASELINE };
	}
	h = play_open();
	must(history_read_diags(h, 2, &details, &err));
	ck_assert_uint_eq(details.n_diags, 2);
	ck_assert_int_eq(details.diags[0].status, HISTORY_DIAG_NEW);
	ck_assert_int_eq(details.diags[1].status, HISTORY_DIAG_NO_BASELINE);
	must(history_read_diags(h, 1, &details, &err));
	ck_assert_uint_eq(details.n_diags, 2);
	ck_assert_str_eq(details.diags[0].text, "other");
	ck_assert_str_eq(details.diags[0].object, "a.o");
	ck_assert_int_eq(details.diags[0].status, HISTORY_DIAG_NEW);
	ck_assert_str_eq(details.diags[1].text, "unused");
	ck_assert_str_eq(details.diags[1].flag, "-Wunused");
	ck_assert_int_eq(details.diags[1].line, 7);
	ck_assert_int_eq(details.diags[1].column, 3);
	ck_assert_str_eq(details.diags[1].severity, "warning");
	ck_assert_ptr_null(details.diags[1].object);
	must(history_read_sizes(h, 1, &details, &err));
	ck_assert_uint_eq(details.n_sizes, 1);
	ck_assert_str_eq(details.sizes[0].name, "vmlinux");
	ck_assert_int_eq(details.sizes[0].file_bytes, 9);
	history_db_close(h);
}

/* ---- hostile events ---- */

#define HUGE (3u << 20)

static const char *const hostile[] = {
	NULL,
	"",
	"\x1b[2J\a",
	"\xff\xfe",
	"a'); DROP TABLE build; --",
	"\xe6\x97\xa5",
	"%s%n",
};

/* Fill `huge` with copies of one of the texts. */
static void fill_huge(char *huge, unsigned i)
{
	size_t n = sizeof(hostile) / sizeof(*hostile);
	const char *text = hostile[2 + i % (n - 2)];
	size_t len = strlen(text);

	for (size_t at = 0; at + len < HUGE; at += len)
		memcpy(huge + at, text, len + 1);
}

static const char *pick(unsigned *seed, const char *huge)
{
	size_t n = sizeof(hostile) / sizeof(*hostile);

	return rand_r(seed) % 40 ? hostile[(size_t)rand_r(seed) % n] : huge;
}

static int64_t pick_number(unsigned *seed)
{
	static const int64_t numbers[] = { 0,         1,
					   -1,        EVENTS_UNKNOWN,
					   INT64_MAX, INT64_C(1) << 40 };

	return rand_r(seed) % 3 ? rand_r(seed) % 30 :
				  numbers[(unsigned)rand_r(seed) % 6];
}

static void tell_anything(struct play *p, unsigned *seed, const char *huge)
{
	struct events_event ev = events_event_make(
		(enum events_kind)((unsigned)rand_r(seed) % EVENTS_N_KINDS));
	const char **texts[] = { &ev.command,    &ev.arch,   &ev.config,
				 &ev.output,     &ev.commit, &ev.series_key,
				 &ev.file,       &ev.object, &ev.node,
				 &ev.reason,     &ev.text,   &ev.machine,
				 &ev.tool,       &ev.flag,   &ev.name,
				 &ev.diag_status };
	int64_t *numbers[] = { &ev.job,       &ev.make_jobs,  &ev.n_slots,
			       &ev.n_done,    &ev.sent_bytes, &ev.n_retries,
			       &ev.cpu_ms,    &ev.line,       &ev.file_bytes,
			       &ev.n_warnings };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		*texts[i] = pick(seed, huge);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		*numbers[i] = pick_number(seed);
	ev.state = (enum events_job_state)((unsigned)rand_r(seed) %
					   EVENTS_N_JOB_STATES);
	ev.remote = rand_r(seed) % 2;
	events_hub_publish(p->hub, &ev);
}

TEST(builds_with_hostile_events_are_recorded)
{
	char *huge = xcalloc(1, HUGE + 64);
	struct history_costs costs;
	struct history_build b;
	struct history *h;
	struct play p;

	for (unsigned i = 1; i <= 20; i++) {
		unsigned seed = i;

		fill_huge(huge, i);
		play_build(&p, i % 2 ? KEY_A : "'; DELETE FROM key; --", true);
		for (int j = 0; j < 400; j++)
			tell_anything(&p, &seed, huge);
		ck_assert_int_eq(play_end_well(&p, i), i);
	}
	h = play_open();
	for (unsigned i = 1; i <= 20; i++) {
		must(history_build_find(h, i, &b, &err));
		ck_assert_str_eq(b.command, "all");
		ck_assert_int_ge(b.cpu_ms, 0);
		history_build_release(&b);
		must(history_read_units(h, i, &details, &err));
		must(history_read_diags(h, i, &details, &err));
		must(history_read_sizes(h, i, &details, &err));
		must(history_read_phases(h, i, &details, &err));
		for (size_t j = 0; j < details.n_diags; j++)
			ck_assert_uint_lt(strlen(details.diags[j].text), HUGE);
	}
	must(history_costs_load(h, KEY_A, "arm64", &costs, &err));
	history_costs_release(&costs);
	history_db_close(h);
	free(huge);
}

TEST(a_build_without_an_end_is_recorded_as_failed)
{
	struct history_build b;
	struct play p;

	play_build(&p, KEY_A, true);
	history_recorder_free(p.record);
	events_hub_free(p.hub);
	play_find(0, &b);
	ck_assert_int_eq(b.state, HISTORY_STATE_FAILED);
	ck_assert_int_eq(b.status, 1);
	history_build_release(&b);
}
