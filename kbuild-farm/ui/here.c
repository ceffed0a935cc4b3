/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/here.h"

#include "ui/row.h"

#include <stdio.h>
#include <stdlib.h>

#define BESIDE_LEAST 76 /* columns for reasons and compiles side by side */

static int compare_reasons(const void *a, const void *b)
{
	const struct ui_reason *const *x = a, *const *y = b;

	if ((*x)->jobs != (*y)->jobs)
		return (*x)->jobs > (*y)->jobs ? -1 : 1;
	return *x < *y ? -1 : 1;
}

/* The most frequent first; returns the lines it took. */
static unsigned put_reasons(const struct ui_area *a, unsigned rows,
			    const struct ui_model *m)
{
	const struct ui_reason *reason[UI_REASONS + 1];
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_reasons; i++) {
		if (m->reason[i].jobs)
			reason[n++] = &m->reason[i];
	}
	qsort(reason, n, sizeof(*reason), compare_reasons);
	for (unsigned i = 0; i < n && i < rows; i++) {
		char count[24];

		snprintf(count, sizeof(count), "%u", reason[i]->jobs);
		ui_area_put_right(a, 1 + i, 1, 6, UI_LOCAL, count);
		ui_area_put_elided(a, 1 + i, 8,
				   a->columns > 8 ? a->columns - 8 : 0,
				   UI_NORMAL, reason[i]->text);
	}
	if (!n && rows)
		ui_area_put(a, 1, 1, 0, UI_DIM, "nothing so far");
	return n < rows ? n + !n : rows;
}

static void put_compiles(const struct ui_area *a, unsigned row,
			 const struct ui_node *local, uint64_t now)
{
	for (unsigned i = 0; local && i < local->n_slots; i++) {
		if (local->slot[i] && row < a->rows)
			ui_row_put_job(a, row++, 1, local->slot[i], now);
	}
}

void ui_here_draw(const struct ui_area *a, const struct ui_model *m,
		  uint64_t now)
{
	const struct ui_node *local = ui_model_node(m, EVENTS_LOCAL);
	struct ui_area left = *a, right = *a;
	unsigned running = 0, rows;
	char title[80];

	for (unsigned i = 0; local && i < EVENTS_STATES; i++)
		running += local->now[i];
	snprintf(title, sizeof(title), "Compiled here: %u, now %u", m->local,
		 running);
	ui_area_title(a, 0, title);
	if (a->rows < 2)
		return;
	rows = a->rows - 1;
	if (a->columns >= BESIDE_LEAST) {
		left.columns = a->columns / 2 - 1;
		right.column += a->columns / 2;
		right.columns -= a->columns / 2;
		put_reasons(&left, rows, m);
		put_compiles(&right, 1, local, now);
	} else {
		/* What runs is worth half of it. */
		rows = running < rows / 2 ? rows - running : rows - rows / 2;
		put_compiles(a, 1 + put_reasons(a, rows, m), local, now);
	}
}
