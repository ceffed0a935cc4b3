/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"

#include "ui/panes.h"

static struct ui_area area[UI_PANE_AREAS];

static void arrange(unsigned rows, unsigned columns,
		    const struct ui_panes_setup *setup)
{
	struct ui_canvas c = { .rows = rows, .columns = columns };

	ui_panes_arrange(area, &c, setup);
}

/* Return true if all areas are inside the screen and disjoint. */
static bool areas_are_valid(unsigned rows, unsigned columns)
{
	for (unsigned i = 0; i < UI_PANE_AREAS; i++) {
		const struct ui_area *a = &area[i];

		if (!a->rows)
			continue;
		if (a->row + a->rows > rows || a->column + a->columns > columns)
			return false;
		for (unsigned j = 0; j < i; j++) {
			const struct ui_area *b = &area[j];

			if (b->rows && a->row < b->row + b->rows &&
			    b->row < a->row + a->rows &&
			    a->column < b->column + b->columns &&
			    b->column < a->column + a->columns)
				return false;
		}
	}
	return true;
}

TEST(areas_do_not_overlap_on_any_screen)
{
	for (unsigned i = 0; i < 80 * 64; i++) {
		unsigned rows = i / 64;
		struct ui_panes_setup setup = {
			.has_title = i & 1,
			.diags_open = i & 2,
			.log_open = i & 4,
			.n_diag_lines = i & 32 ? rows / 2 : 0,
			.has_log = rows % 2,
			.has_build = rows % 5,
			.focus = UI_PANE_AREA_NODES,
			.n_node_lines = i & 8 ? 500 : 4,
		};

		if (i & 16 && setup.log_open)
			setup.focus = UI_PANE_AREA_LOG;
		for (unsigned columns = 0; columns < 220; columns += 7) {
			arrange(rows, columns, &setup);
			ck_assert(areas_are_valid(rows, columns));
			/* The pane with the focus is visible. */
			ck_assert(area[setup.focus].focused);
			if (rows > 5 && columns)
				ck_assert_uint_gt(area[setup.focus].rows, 0);
		}
	}
}

TEST(an_open_pane_leaves_room_for_nodes)
{
	struct ui_panes_setup setup = { .diags_open = true,
					.log_open = true,
					.focus = UI_PANE_AREA_LOG,
					.n_node_lines = 500 };

	arrange(24, 80, &setup);
	ck_assert_uint_ge(area[UI_PANE_AREA_NODES].rows, 4);
	ck_assert_uint_ge(area[UI_PANE_AREA_DIAGS].rows, 4);
	ck_assert_uint_ge(area[UI_PANE_AREA_LOG].rows, 4);
	setup.n_node_lines = 2;
	arrange(24, 80, &setup);
	ck_assert_uint_eq(area[UI_PANE_AREA_NODES].rows, 4);
}

TEST(spare_rows_show_diagnostics_and_the_log)
{
	struct ui_panes_setup setup = { .has_build = true,
					.focus = UI_PANE_AREA_NODES,
					.n_node_lines = 5 };

	arrange(50, 132, &setup);
	ck_assert_uint_eq(area[UI_PANE_AREA_DIAGS].rows, 0);
	setup.n_diag_lines = 12;
	arrange(50, 132, &setup);
	ck_assert_uint_ge(area[UI_PANE_AREA_DIAGS].rows, 20);
	ck_assert_uint_eq(area[UI_PANE_AREA_NODES].rows, 7);
	setup.has_log = true;
	arrange(50, 132, &setup);
	ck_assert_uint_eq(area[UI_PANE_AREA_DIAGS].rows, 13);
	ck_assert_uint_eq(area[UI_PANE_AREA_LOG].rows, 17);
	setup.n_diag_lines = 500;
	arrange(50, 132, &setup);
	ck_assert_uint_eq(area[UI_PANE_AREA_DIAGS].rows, 15);
	ck_assert_uint_eq(area[UI_PANE_AREA_LOG].rows, 15);
	/* Without room for both, the diagnostics take precedence. */
	setup.n_node_lines = 3;
	arrange(24, 80, &setup);
	ck_assert_uint_ge(area[UI_PANE_AREA_DIAGS].rows, 8);
	ck_assert_uint_eq(area[UI_PANE_AREA_LOG].rows, 0);
	setup.n_diag_lines = 0;
	arrange(24, 80, &setup);
	ck_assert_uint_ge(area[UI_PANE_AREA_LOG].rows, 8);
	/* The log takes precedence over empty rows of local compiles. */
	ck_assert_uint_eq(area[UI_PANE_AREA_LOG].rows, 9);
	ck_assert_uint_eq(area[UI_PANE_AREA_LOCAL].rows, 5);
	arrange(20, 80, &setup);
	ck_assert_uint_eq(area[UI_PANE_AREA_LOG].rows, 0);
	ck_assert_uint_eq(area[UI_PANE_AREA_LOCAL].rows, 10);
}

TEST(a_large_screen_shows_throughput_and_reasons_side_by_side)
{
	struct ui_panes_setup setup = { .has_build = true,
					.focus = UI_PANE_AREA_NODES,
					.n_node_lines = 500 };

	arrange(24, 80, &setup);
	ck_assert_uint_eq(area[UI_PANE_AREA_RATES].rows, 0);
	ck_assert_uint_ge(area[UI_PANE_AREA_LOCAL].rows, 4);
	arrange(50, 132, &setup);
	ck_assert_uint_ge(area[UI_PANE_AREA_RATES].rows, 4);
	ck_assert_uint_eq(area[UI_PANE_AREA_RATES].row,
			  area[UI_PANE_AREA_LOCAL].row);
	arrange(10, 40, &setup);
	ck_assert_uint_eq(area[UI_PANE_AREA_LOCAL].rows, 0);
}
