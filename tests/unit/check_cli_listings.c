/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/*
 * The manual describes exactly the JSON members (.It Li) and the columns
 * (.It Cm) of each record, between two comments, and each JSON member of the
 * other outputs that a test records.  Run from the top directory.
 */
#include "../lib/test.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/table.h"
#include "history/read.h"

#include <stdlib.h>
#include <string.h>

static const struct record_member build_parts[] = {
	{ .kind = RECORD_IS_PART, .of = &history_build_record },
	{ .kind = RECORD_IS_PART, .of = &history_result_record },
};
static const struct record build_record = RECORD(history_build, build_parts);

static const struct listing {
	const char *page, *name;
	const struct record *record;
} listings[] = {
	{ "man/kfarm-doctor.1", "findings", &doctor_finding_record },
	{ "man/kfarm-nodes.1", "burn-in", &nodes_burn_record },
	{ "man/kfarm-nodes.1", "nodes", &nodes_row_record },
	{ "man/kfarm-nodes.1", "pools", &nodes_pool_record },
	{ "man/kfarm-nodes.1", "simulated builds", &simulated_build_record },
	{ "man/kfarm-nodes.1", "simulated farm", &simulated_farm_record },
	{ "man/kfarm-report.1", "build", &build_record },
	{ "man/kfarm-report.1", "phases", &history_phase_record },
	{ "man/kfarm-report.1", "disabled", &history_disabled_record },
	{ "man/kfarm-report.1", "nodes", &history_node_record },
	{ "man/kfarm-report.1", "units", &history_unit_record },
	{ "man/kfarm-report.1", "diagnostics", &history_diag_record },
	{ "man/kfarm-top.1", "top nodes", &top_node_record },
	{ "man/kfarm-tree.1", "trees", &tree_listed_record },
};

/* Add "Li KEY" and "Cm COLUMN" for each row of a record. */
static void add_rows(struct strv *out, const struct record *r)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];

		if (m->key)
			strv_addf(out, "Li %s", m->key);
		if (m->title)
			strv_addf(out, "Cm %s", m->title);
		if (m->of)
			add_rows(out, m->of);
	}
}

/* Add the kind and name of each item of `page` between these comments. */
static void add_items(struct strv *out, const char *page, const char *name)
{
	char *begin = xasprintf(".\\\" %s: begin\n", name);
	char *end = xasprintf(".\\\" %s: end\n", name), *at, *stop;
	struct strv lines = { 0 };
	struct buf text = { 0 };
	struct err err;

	ck_assert_msg(!fs_read(page, 1u << 20, &text, &err), "%s", err.text);
	at = strstr(buf_str(&text), begin);
	stop = strstr(buf_str(&text), end);
	ck_assert_msg(at && stop, "%s: %s", page, name);
	*stop = '\0';
	strv_split(&lines, at, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		struct strv names = { 0 };
		char kind[3];

		if (sscanf(lines.v[i], ".It %2s ", kind) != 1)
			continue;
		strv_split(&names, lines.v[i] + strlen(".It Li "), ",");
		for (size_t k = 0; k < names.n; k++) {
			char *item = names.v[k] + strspn(names.v[k], " ");

			while (str_ends(item, " "))
				item[strlen(item) - 1] = '\0';
			strv_addf(out, "%s %s", kind, item);
		}
		strv_release(&names);
	}
	strv_release(&lines);
	buf_release(&text);
	free(begin);
	free(end);
}

TEST_EACH(the_manual_describes_the_rows_of_a_listing, listings)
{
	struct strv rows = { 0 }, items = { 0 };
	char *want, *got;

	add_rows(&rows, row->record);
	add_items(&items, row->page, row->name);
	strv_sort_unique(&rows);
	strv_sort_unique(&items);
	want = strv_join(&rows, "\n");
	got = strv_join(&items, "\n");
	ck_assert_str_eq(got, want);
	free(want);
	free(got);
	strv_release(&rows);
	strv_release(&items);
}

static const struct {
	const char *page, *output;
	const char *names[3]; /* parts of the page to read */
} outputs[] = {
	{ "man/kfarm-nodes.1",
	  "tests/data/nodes-check/burn-classes.json",
	  { "check", "burn-in" } },
	{ "man/kfarm-nightly.1",
	  "tests/corpus/expected/nightly-list-json",
	  { "nightlies" } },
	{ "man/kfarm-nodes.1", "tests/cli/nodes-tune.out", { "tune" } },
};

/* A line of an output with a JSON member is indented and contains "KEY":. */
TEST_EACH(the_manual_describes_the_members_of_an_output, outputs)
{
	struct strv items = { 0 }, lines = { 0 };
	struct buf text = { 0 };
	size_t n_members = 0;
	struct err err;

	for (size_t i = 0; row->names[i]; i++)
		add_items(&items, row->page, row->names[i]);
	strv_add(&items, "Li nodes");
	must(fs_read(row->output, 1u << 20, &text, &err));
	strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		char key[32], *item;

		if (sscanf(lines.v[i], "  %*[ \"]%31[a-z_]\":", key) != 1)
			continue;
		item = xasprintf("Li %s", key);
		ck_assert_msg(strv_has(&items, item), "%s: %s", row->output,
			      item);
		free(item);
		n_members++;
	}
	ck_assert_uint_gt(n_members, 10);
	strv_release(&lines);
	strv_release(&items);
	buf_release(&text);
}
