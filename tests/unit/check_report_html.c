/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "report/html.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "report-sample.h"

static struct report_data d;
static struct buf out;

static void tear_down(void)
{
	report_data_release(&d);
	buf_release(&out);
}

/* Check the page by a real parser and by its own content policy. */
static void check_page(void)
{
	char dir[TEMPDIR_SIZE], *path, *command;
	struct err err = { 0 };

	tempdir_make(dir);
	path = xasprintf("%s/report.html", dir);
	command = xasprintf("python3 tests/report/check-page '%s'", path);
	buf_reset(&out);
	report_html(&out, &d);
	must(fs_write(path, buf_bytes(&out), 0600, &err));
	ck_assert_int_eq(system(command), 0);
	must(fs_remove(dir, &err));
	free(command);
	free(path);
}

static bool page_has(const char *text)
{
	return strstr(buf_str(&out), text) != NULL;
}

FIXTURE(NULL, tear_down);

TEST(a_page_shows_all_details_of_a_build)
{
	sample_small(&d);
	d.build.cause = xstrdup("disk <full>");
	check_page();
	ck_assert(page_has("<dt>cause</dt><dd>disk &lt;full&gt;</dd>"));
	ck_assert(page_has("elapsed in all compiles"));
	ck_assert(page_has("<title>Build 7: Image modules dtbs built</title>"));
	ck_assert(page_has("-20 % compared with build 5"));
	ck_assert(page_has("81.8 %"));
	ck_assert(page_has("<span class=\"tag new\">new</span>"));
	ck_assert(page_has("<span class=\"tag gone\">gone</span>"));
	ck_assert(page_has("fs/inode.c:42:7"));
	ck_assert(page_has("lib/vsprintf.o"));
	ck_assert(page_has("<td class=\"n warn\">+720</td>"));
	ck_assert(page_has("<td class=\"n good\">-100</td>"));
	ck_assert(page_has("fs/old.ko"));
	ck_assert(page_has(".incbin or .include, perhaps"));
	ck_assert(page_has("<li>kernel/configs.o</li>"));
	ck_assert(!page_has("are not shown"));
	ck_assert(!page_has("Carried:"));
	d.details.diags[1].status = HISTORY_DIAG_CARRIED_OVER;
	check_page();
	ck_assert(page_has("<span class=\"tag\">carried</span>"));
	ck_assert(page_has("Carried:"));
}

TEST(the_share_of_a_page_with_cached_jobs_names_the_executed_jobs)
{
	sample_small(&d);
	d.build.n_jobs = 50;
	d.build.n_remote = 9;
	d.build.n_local = 1;
	d.build.n_cached = 40;
	check_page();
	ck_assert(page_has("<b>50</b><span>jobs</span><span>40 cached"));
	ck_assert(page_has("<b>90.0 %</b>"
			   "<span>of executed jobs on nodes</span>"));
}

TEST(a_single_local_slot_is_not_a_plural)
{
	sample_small(&d);
	check_page();
	ck_assert(page_has("<dd>-j 12, 2 local slots</dd>"));
	d.build.n_local_slots = 1;
	check_page();
	ck_assert(page_has("<dd>-j 12, 1 local slot</dd>"));
}

TEST(hostile_texts_are_escaped_in_a_page)
{
	sample_hostile(&d);
	check_page();
	ck_assert(page_has("&lt;b&gt;&amp;amp;&quot;&#39;&lt;/script&gt;"));
	ck_assert(!page_has("<b>&"));
	ck_assert(!page_has("script>"));
}

TEST(the_page_of_a_large_build_has_truncated_lists)
{
	sample_large(&d, 500, 4, 30000);
	check_page();
	ck_assert(page_has("4600 more diagnostics are not shown"));
	ck_assert(page_has("4800 more files are not shown"));
	ck_assert(page_has("2900 more units are not shown"));
	ck_assert(page_has("451 more nodes</summary>"));
	ck_assert(page_has("<summary>441 more</summary>"));
	ck_assert(!page_has("more nodes are not shown"));
	ck_assert(page_has("One row per machine"));
}

TEST(the_page_of_many_units_in_few_slots_is_below_2_mib)
{
	sample_large(&d, 40, 5, 30000);
	check_page();
	ck_assert(page_has("One row per slot"));
	ck_assert(page_has("one of the 1500 longest units"));
	ck_assert_uint_lt(out.len, 2u << 20);
}

TEST(a_page_counts_the_nodes_that_are_not_shown)
{
	sample_large(&d, 1500, 1, 3000);
	check_page();
	ck_assert(page_has("901 more nodes are not shown"));
	ck_assert(page_has("751 more nodes are not shown"));
}

TEST(long_names_are_elided_in_the_middle)
{
	sample_begin(&d);
	sample_node(&d, "rack3-blade-07-lab-berlin-a", 2);
	sample_node(&d, "rack3-blade-07-lab-berlin-b", 2);
	sample_unit(&d,
		    "drivers/gpu/drm/amd/display/dc/dml2/dml21/src/"
		    "dml2_core/a_unit_with_a_long_name.o",
		    0, -1, 100, 15000);
	sample_unit(&d, "init/main.o", 1, -1, 100, 15000);
	check_page();
	ck_assert(page_has("<title>rack3-blade-07-lab-berlin-a</title>"
			   "rack3-bla...-berlin-a</text>"));
	ck_assert(page_has("<title>rack3-blade-07-lab-berlin-b</title>"
			   "rack3-bla...-berlin-b</text>"));
	ck_assert(page_has("<title>drivers/gpu/drm/amd/display/dc..."
			   "core/a_unit_with_a_long_name.o: "));
}

TEST(diagnostics_without_a_baseline_have_no_tags)
{
	sample_large(&d, 2, 2, 10);
	for (size_t i = 0; i < d.details.n_diags; i++)
		d.details.diags[i].status = HISTORY_DIAG_NO_BASELINE;
	check_page();
	ck_assert(page_has("<summary>4980 more</summary>"));
	ck_assert(!page_has("class=\"tag"));
}

TEST(very_long_names_do_not_exceed_the_size_limit_of_a_page)
{
	static char name[1 << 20];

	memset(name, '<', sizeof(name) - 1);
	sample_large(&d, 3, 2, 100);
	for (size_t i = 0; i < 100; i++) {
		free(d.details.units[i].object);
		d.details.units[i].object = xstrdup(name);
	}
	free(d.build.command);
	d.build.command = xstrdup(name);
	check_page();
}

TEST(a_page_reports_removed_units_and_diagnostics)
{
	sample_small(&d);
	d.details.n_units = 0;
	check_page();
	ck_assert(page_has("timeline of nodes and slots is no longer"));
	ck_assert(!page_has("diagnostics are no longer"));
	d.details.n_diags = 0;
	check_page();
	ck_assert(page_has("The diagnostics are no longer available"));
	d.details.n_units = 11;
	d.details.n_diags = 3;
}

TEST(a_build_without_details_has_a_page)
{
	d.build = (struct history_build){ .number = 1 };
	check_page();
	ck_assert(page_has("The build is still running"));
	ck_assert(!page_has("tile\""));
	d.build.state = HISTORY_STATE_FAILED;
	check_page();
	ck_assert(page_has("tile\""));
}

TEST(a_repeated_phase_is_listed_once_in_its_color)
{
	sample_small(&d);
	sample_phase(&d, "config", 19000, 500);
	check_page();
	ck_assert(page_has("<i class=\"q0\"></i>config 2.0s</span>"));
	ck_assert(page_has("<i class=\"q4\"></i>modpost 1.0s</span>"));
	ck_assert(page_has("<title>config: 0.5s</title><rect class=\"p0\""));
	ck_assert(!page_has("></i>config 0.5s"));
}

TEST(a_page_with_extreme_times_is_valid)
{
	sample_small(&d);
	d.build.wall_ms = 0;
	d.details.units[0].done_ms = INT64_MAX / 100000;
	d.details.units[1].sent_ms = -9;
	d.details.phases[2].duration_ms = INT64_MAX / 100000;
	d.details.phases[3].start_ms = 1 << 30;
	check_page();
}

static const struct picture {
	unsigned nodes, slots, units;
	const char *label;
} pictures[] = {
	{ 3, 2, 50, "Activity of each slot" },
	{ 0, 0, 0, "Activity of each slot" },
	{ 300, 4, 3000, "Load of each machine" },
};

TEST_EACH(a_timeline_is_a_well_formed_svg_file, pictures)
{
	char dir[TEMPDIR_SIZE], *path, *command;
	struct err err = { 0 };

	tempdir_make(dir);
	path = xasprintf("%s/timeline.svg", dir);
	command = xasprintf("python3 -c 'import sys, xml.dom.minidom as x; "
			    "x.parse(sys.argv[1])' '%s'",
			    path);
	if (row->nodes)
		sample_large(&d, row->nodes, row->slots, row->units);
	report_timeline_svg(&out, &d);
	must(fs_write(path, buf_bytes(&out), 0600, &err));
	ck_assert_int_eq(system(command), 0);
	ck_assert(str_starts(buf_str(&out),
			     "<svg xmlns=\"http://www.w3.org/2000/svg\" "));
	ck_assert(page_has(row->label));
	must(fs_remove(dir, &err));
	free(command);
	free(path);
}
