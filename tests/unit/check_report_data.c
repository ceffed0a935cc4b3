/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "report/data.h"

#include "../lib/test.h"
#include "history-fixture.h"
#include "report/html.h"
#include "report/text.h"

static struct history *h;
static struct report_data d;

static void tear_down(void)
{
	report_data_release(&d);
	history_db_close(h);
	h = NULL;
	play_tear_down();
}

static void add_diag(struct play *p, const char *severity, const char *text,
		     enum history_diag_status status)
{
	const struct history_diag g = {
		.tool = (char *)"compiler",
		.severity = (char *)severity,
		.file = (char *)"fs/a.c",
		.text = (char *)text,
		.line = 7,
		.column = 3,
		.status = status,
	};

	play_diag(p, &g);
}

static void add_size(struct play *p, const char *name, int64_t text)
{
	const struct history_size s = { .name = (char *)name,
					.text_bytes = text,
					.data_bytes = 10,
					.bss_bytes = 5,
					.file_bytes = 2 * text };

	play_size(p, &s);
}

/* Record two builds of a series, and then one of another series. */
static void record_three_builds(void)
{
	struct play p;

	play_build(&p, KEY_A, true);
	play_unit(&p, "fs/a.o", "neo4a");
	add_size(&p, "vmlinux", 1000);
	add_size(&p, "old.ko", 100);
	play_end_well(&p, 0);
	play_build(&p, KEY_A, false);
	play_phase(&p, "compile");
	play_unit(&p, "fs/a.o", "neo4a");
	play_unit(&p, "fs/b.o", EVENTS_LOCAL);
	add_diag(&p, "warning", "one", HISTORY_DIAG_NEW);
	add_diag(&p, "error", "two", HISTORY_DIAG_UNCHANGED);
	add_diag(&p, "warning", "three", HISTORY_DIAG_CARRIED_OVER);
	add_diag(&p, "error", "four", HISTORY_DIAG_REMOVED);
	add_size(&p, "vmlinux", 1100);
	add_size(&p, "new.ko", 100);
	play_end_well(&p, 2);
	play_whole(KEY_B);
	h = play_open();
}

FIXTURE(play_set_up, tear_down);

TEST(a_build_is_read_with_its_baseline)
{
	struct report_sizes s;

	record_three_builds();
	must(report_data_read(&d, h, 2, NULL, &err));
	ck_assert_str_eq(report_data_status_text(&d), "failed");
	ck_assert(d.has_baseline);
	ck_assert_int_eq(d.baseline.number, 1);
	ck_assert_uint_eq(d.details.n_units, 2);
	ck_assert_uint_eq(d.details.n_phases, 1);
	ck_assert_uint_eq(report_data_remote_permille(&d), 500);
	ck_assert(!report_data_is_missing_units(&d));
	report_sizes_init(&s, &d);
	ck_assert_uint_eq(s.n, 2);
	ck_assert_str_eq(s.v[0].current.name, "vmlinux");
	ck_assert_int_eq(s.v[0].change_bytes, 100);
	ck_assert(s.v[1].new_file);
	ck_assert_uint_eq(s.n_removed, 1);
	ck_assert_str_eq(s.removed[0]->name, "old.ko");
	report_sizes_release(&s);
}

/* The same sizes as in the summary of the build. */
TEST(sizes_are_compared_with_the_last_good_build)
{
	static const int64_t failures[] = { 2, 130 };
	struct report_sizes s;
	struct buf text = { 0 };
	struct play p;

	play_build(&p, KEY_A, true);
	add_size(&p, "vmlinux", 1000);
	play_end_well(&p, 0);
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		play_build(&p, KEY_A, false);
		play_end_well(&p, failures[i]);
	}
	play_build(&p, KEY_A, false);
	add_size(&p, "vmlinux", 1100);
	play_end_well(&p, 0);
	h = play_open();
	must(report_data_read(&d, h, 0, NULL, &err));
	ck_assert_int_eq(d.baseline.number, 2);
	report_sizes_init(&s, &d);
	ck_assert_uint_eq(s.n, 1);
	ck_assert(s.v[0].in_baseline);
	ck_assert_int_eq(s.v[0].change_bytes, 100);
	report_sizes_release(&s);
	report_text(&text, &d, false);
	ck_assert_ptr_nonnull(
		strstr(buf_str(&text), "sizes (change since build 1)\n"));
	buf_reset(&text);
	report_html(&text, &d);
	ck_assert_ptr_nonnull(
		strstr(buf_str(&text), "Change since build 1.</p>"));
	buf_release(&text);
}

TEST(current_errors_precede_warnings_and_removed_diagnostics)
{
	static const char *const order[] = { "two", "one", "three", "four" };

	record_three_builds();
	must(report_data_read(&d, h, 2, NULL, &err));
	ck_assert_uint_eq(d.details.n_diags, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_str_eq(d.details.diags[i].text, order[i]);
	ck_assert_uint_eq(report_data_count_diags(&d, HISTORY_DIAG_REMOVED), 1);
}

TEST(build_number_0_selects_the_newest_build)
{
	record_three_builds();
	must(report_data_read(&d, h, 0, NULL, &err));
	ck_assert_int_eq(d.build.number, 3);
	ck_assert(!d.has_baseline);
	report_data_release(&d);
	must(report_data_read(&d, h, 0, "/home/a/out", &err));
	ck_assert_int_eq(d.build.number, 3);
}

TEST(an_unknown_build_or_output_directory_is_an_error)
{
	record_three_builds();
	ck_assert_int_eq(report_data_read(&d, h, 99, NULL, &err), -ENOENT);
	ck_assert(err.text[0]);
	ck_assert_int_eq(report_data_read(&d, h, 0, "/elsewhere", &err),
			 -ENOENT);
}

TEST(a_page_is_written_only_for_a_finished_build)
{
	char *page = xasprintf("%s/page.html", dir);
	struct play p;

	play_build(&p, KEY_A, true);
	h = play_open();
	ck_assert_int_eq(report_html_write(h, 0, page, &err), -EINPROGRESS);
	ck_assert(!fs_exists(page));
	play_end_well(&p, 0);
	must(report_html_write(h, 1, page, &err));
	ck_assert(fs_exists(page));
	free(page);
}
