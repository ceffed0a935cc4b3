/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/here.h"

#include "ui/row.h"

#include <stdio.h>

#define BESIDE_LEAST 76 /* columns for reasons and compiles side by side */

/* Returns the lines it took. */
static unsigned put_reasons(const struct ui_area *a, unsigned rows,
			    const struct ui_model *m)
{
	const struct events_tally *t = &m->tally;
	unsigned i = 0;

	for (; i < t->n_reasons && t->reason[i].jobs && i < rows; i++) {
		char count[24];

		snprintf(count, sizeof(count), "%u", t->reason[i].jobs);
		ui_area_put_right(a, 1 + i, 1, 6, UI_LOCAL, count);
		ui_area_put_elided(a, 1 + i, 8,
				   a->columns > 8 ? a->columns - 8 : 0,
				   UI_NORMAL, t->reason[i].text);
	}
	if (!i && rows)
		ui_area_put(a, 1, 1, 0, UI_DIM, "nothing so far");
	return i + !i;
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
	snprintf(title, sizeof(title), "Compiled here: %u, now %u",
		 m->tally.local, running);
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
