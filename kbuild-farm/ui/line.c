/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/line.h"

#include "base/format.h"
#include "ui/width.h"

#include <string.h>

#define RATE_SECONDS 10
#define FILE_LEAST   12 /* columns that show something of a name */

static void put_if_any(struct buf *out, unsigned n, const char *what)
{
	if (n)
		buf_printf(out, ", %u %s%s", n, what, n == 1 ? "" : "s");
}

static void put_running(struct buf *out, const struct ui_model *m)
{
	unsigned running = ui_model_running(m), up;
	unsigned nodes = ui_model_nodes(m, &up);

	/* A farm that waits for the linker is no farm that failed. */
	if (!m->n_jobs && nodes && !strcmp(ui_model_phase(m), "link"))
		buf_add_str(out, "farm idle");
	else
		buf_printf(out, "%u running", running);
	if (m->now[EVENTS_QUEUED])
		buf_printf(out, ", %u queued", m->now[EVENTS_QUEUED]);
	if (nodes) {
		buf_printf(out, ", nodes %u/%u", up, nodes);
		if (m->tally.local)
			buf_printf(out, ", %u local", m->tally.local);
	}
	put_if_any(out, m->tally.warnings, "warning");
	put_if_any(out, m->tally.errors, "error");
	if (m->tally.compares && m->tally.new_diags)
		buf_printf(out, " (%u new)", m->tally.new_diags);
}

/* "[310 done 35.2/s 1:23] " */
static void put_progress_so_far(struct buf *out, const struct ui_model *m,
				uint64_t now)
{
	unsigned rate = ui_model_rate(m, now, RATE_SECONDS);
	struct ui_outlook look;
	bool known = ui_model_look(m, now, &look);

	buf_printf(out, "[%u", ui_model_jobs_done(m));
	if (known)
		buf_printf(out, "/%llu %u %%", (unsigned long long)look.total,
			   look.percent);
	else
		buf_add_str(out, " done");
	if (rate)
		buf_printf(out, " %u.%u/s", rate / 1000, rate / 100 % 10);
	buf_add_str(out, " ");
	format_time(out, now);
	if (known && look.has_rest) {
		buf_add_str(out, " ETA ");
		format_time(out, look.rest_ms);
	}
	buf_add_str(out, "] ");
}

void ui_line_put(struct buf *out, const struct ui_model *m, uint64_t now,
		 unsigned columns)
{
	struct buf line = { 0 };
	unsigned width;

	put_progress_so_far(&line, m, now);
	buf_printf(&line, "%s: ", ui_model_phase(m));
	put_running(&line, m);
	width = ui_width(buf_str(&line));
	ui_width_elide(out, buf_str(&line), columns);
	if (*m->last && m->n_jobs && width + FILE_LEAST + 2 <= columns) {
		buf_add_str(out, ": ");
		ui_width_elide(out, m->last, columns - width - 2);
	}
	buf_release(&line);
}
