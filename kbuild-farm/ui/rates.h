/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/rates.h - throughput: objects and bytes a second, now, in the mean, and
 * of the last minute as sparklines.
 */
#ifndef UI_RATES_H
#define UI_RATES_H

#include "ui/canvas.h"
#include "ui/model.h"

#define UI_RATES_SECONDS 5 /* are "now" */
#define UI_RATES_ROWS    5 /* of the pane */

/* In a line. */
void ui_rates_put_line(const struct ui_area *a, unsigned row,
		       const struct ui_model *m, uint64_t now);
/* As a pane with a title. */
void ui_rates_draw(const struct ui_area *a, const struct ui_model *m,
		   uint64_t now);

#endif
