/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/rates.h"

#include "base/format.h"
#include "ui/bar.h"

#define SPARK_LEAST 10 /* columns */
#define LABEL       36 /* of the pane, in front of the sparklines */

/* The last minute, the oldest second first. */
struct minute {
	uint64_t jobs[UI_SECONDS], sent[UI_SECONDS], received[UI_SECONDS];
	uint64_t sent_now, received_now; /* bytes a second */
};

static void look_back(struct minute *past, const struct ui_model *m,
		      uint64_t now)
{
	*past = (struct minute){ 0 };
	for (unsigned ago = 1; ago <= UI_SECONDS; ago++) {
		const struct ui_second *s = ui_model_second(m, now, ago);

		past->jobs[UI_SECONDS - ago] = s->remote + s->local;
		past->sent[UI_SECONDS - ago] = s->sent;
		past->received[UI_SECONDS - ago] = s->received;
		if (ago <= UI_RATES_SECONDS) {
			past->sent_now += s->sent;
			past->received_now += s->received;
		}
	}
	past->sent_now /= UI_RATES_SECONDS;
	past->received_now /= UI_RATES_SECONDS;
}

static void put_objects(struct buf *out, const struct ui_model *m, uint64_t now)
{
	uint64_t jobs = ui_model_jobs_done(m);

	format_milli(out, ui_model_rate(m, now, UI_RATES_SECONDS));
	buf_add_str(out, "/s now, ");
	format_milli(out, now ? jobs * 1000000 / now : 0);
	buf_add_str(out, "/s mean");
}

/* As many of the last seconds as there are columns. */
static void put_spark(const struct ui_area *a, unsigned row, unsigned at,
		      const uint64_t *value)
{
	unsigned n = at < a->columns ? a->columns - at : 0;

	if (n > UI_SECONDS)
		n = UI_SECONDS;
	if (n >= SPARK_LEAST)
		ui_bar_spark(a, row, at, UI_RUN, value + UI_SECONDS - n, n);
}

void ui_rates_put_line(const struct ui_area *a, unsigned row,
		       const struct ui_model *m, uint64_t now)
{
	struct buf line = { 0 };
	struct minute past;
	unsigned at;

	look_back(&past, m, now);
	put_objects(&line, m, now);
	buf_add_str(&line, "; ");
	format_bytes(&line, past.sent_now);
	buf_add_str(&line, "B/s out, ");
	format_bytes(&line, past.received_now);
	buf_add_str(&line, "B/s in ");
	at = ui_area_put(a, row, 0, 0, UI_NORMAL, buf_str(&line));
	put_spark(a, row, at, past.jobs);
	buf_release(&line);
}

static void put_row(const struct ui_area *a, unsigned row, const char *label,
		    struct buf *text, const uint64_t *value)
{
	ui_area_put(a, row, 1, 0, UI_DIM, label);
	ui_area_put(a, row, 10, LABEL - 10, UI_NORMAL, buf_str(text));
	put_spark(a, row, LABEL, value);
	buf_reset(text);
}

static void put_bytes(struct buf *out, uint64_t now, uint64_t all)
{
	format_bytes(out, now);
	buf_add_str(out, "B/s now, ");
	format_bytes(out, all);
	buf_add_str(out, "B in all");
}

static uint64_t bytes_or_none(int64_t bytes)
{
	return bytes > 0 ? (uint64_t)bytes : 0;
}

void ui_rates_draw(const struct ui_area *a, const struct ui_model *m,
		   uint64_t now)
{
	uint64_t sent = 0, received = 0;
	struct buf text = { 0 };
	struct minute past;

	look_back(&past, m, now);
	for (size_t i = 0; i < m->n_nodes; i++) {
		sent += bytes_or_none(m->node[i]->told->sent);
		received += bytes_or_none(m->node[i]->told->received);
	}
	ui_area_title(a, 0, "Throughput, last minute");
	put_objects(&text, m, now);
	put_row(a, 1, "objects", &text, past.jobs);
	put_bytes(&text, past.sent_now, sent);
	put_row(a, 2, "to nodes", &text, past.sent);
	put_bytes(&text, past.received_now, received);
	put_row(a, 3, "back", &text, past.received);
	buf_release(&text);
}
