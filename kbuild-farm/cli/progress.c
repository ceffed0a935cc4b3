/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/progress.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/terminal.h"
#include "base/vec.h"
#include "cli/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS     200
#define TERMINAL_MS 1000 /* time after which the table appears */
#define RATE_MS     1000 /* minimum period over which a rate is computed */

/*
 * If stderr is not a terminal, the rows are logged at these times in ms since
 * the start, and then once per MINUTE_MS.
 */
static const uint64_t report_times[] = { 2000, 10000, 30000 };
#define MINUTE_MS 60000

struct row {
	char *name;
	const char *what; /* current operation; NULL: the row is inactive */
	bool counts_bytes;
	uint64_t done, total;
	/* time at which `what` began, and the value of `done` at that time */
	uint64_t began_ms, start_amount;
};

struct progress {
	pthread_mutex_t lock;
	bool is_terminal;
	uint64_t start_ms, next_ms;
	unsigned n_rounds; /* number of times that the rows were logged */
	unsigned n_drawn_lines; /* lines of the table that are on the screen */
	struct row *rows;
	size_t n_rows;
};

struct progress *progress_new(void)
{
	struct progress *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	p->is_terminal = watch_has_smart_terminal();
	p->start_ms = clock_ms();
	p->next_ms = p->start_ms +
		     (p->is_terminal ? TERMINAL_MS : report_times[0]);
	return p;
}

size_t progress_add(struct progress *p, const char *name)
{
	size_t row;

	pthread_mutex_lock(&p->lock);
	row = p->n_rows;
	*VEC_ADD(p->rows, p->n_rows) = (struct row){ .name = xstrdup(name) };
	pthread_mutex_unlock(&p->lock);
	return row;
}

/*
 * Set the operation and the progress of a row.  If `what` is NULL, the row
 * becomes inactive.
 */
static void set_row(struct progress *p, size_t row, const char *what,
		    bool bytes, uint64_t done, uint64_t total)
{
	struct row *r;

	pthread_mutex_lock(&p->lock);
	r = &p->rows[row];
	/* Measure the rate anew for a new operation or a restarted download. */
	if (!str_equal(r->what, what) || done < r->start_amount) {
		r->began_ms = clock_ms();
		r->start_amount = done;
	}
	r->what = what;
	r->counts_bytes = bytes;
	r->done = done;
	r->total = total;
	pthread_mutex_unlock(&p->lock);
}

void progress_set(struct progress *p, size_t row, const char *what,
		  uint64_t done, uint64_t total)
{
	set_row(p, row, what, true, done, total);
}

void progress_count(struct progress *p, size_t row, const char *what,
		    uint64_t done, uint64_t total)
{
	set_row(p, row, what, false, done, total);
}

void progress_end(struct progress *p, size_t row)
{
	set_row(p, row, NULL, true, 0, 0);
}

char *progress_format(const char *what, bool bytes, uint64_t done,
		      uint64_t total)
{
	const double mib = 1 << 20;

	if (!done && !total)
		return xstrdup(what);
	if (!bytes && !total)
		return xasprintf("%s, %llu", what, (unsigned long long)done);
	if (!bytes)
		return xasprintf("%s, %llu of %llu", what,
				 (unsigned long long)done,
				 (unsigned long long)total);
	if (!total)
		return xasprintf("%s, %.1f MiB", what, (double)done / mib);
	return xasprintf("%s, %.1f of %.1f MiB, %d %%", what,
			 (double)done / mib, (double)total / mib,
			 (int)((double)done * 100 / (double)total));
}

/*
 * Format rate and remaining time, such as ", 11.2 MiB/s, 0:05 left".  The
 * result is "" while no rate can be computed.
 */
static char *rate_text(const struct row *r, uint64_t now_ms)
{
	uint64_t ms = now_ms - r->began_ms;
	uint64_t amount = r->done - r->start_amount, left;
	double rate;

	if (!r->counts_bytes || ms < RATE_MS || !amount)
		return xstrdup("");
	rate = (double)amount * 1000 / (double)ms;
	if (r->total < r->done || r->total == 0)
		return xasprintf(", %.1f MiB/s", rate / (1 << 20));
	left = (uint64_t)((double)(r->total - r->done) / rate);
	return xasprintf(", %.1f MiB/s, %llu:%02llu left", rate / (1 << 20),
			 (unsigned long long)(left / 60),
			 (unsigned long long)(left % 60));
}

/*
 * Format the line of an active row, with the name padded to `name_width`
 * columns for a table, or followed by a colon if `name_width` is 0.
 */
static char *row_text(const struct row *r, uint64_t now_ms, int name_width)
{
	char *text = progress_format(r->what, r->counts_bytes, r->done,
				     r->total);
	char *rate = rate_text(r, now_ms);
	char *line = name_width ? xasprintf("%-*s  %s%s", name_width, r->name,
					    text, rate) :
				  xasprintf("%s: %s%s", r->name, text, rate);

	free(text);
	free(rate);
	return line;
}

/* Move the cursor to the first line of the table and clear from there. */
static void erase_table(struct progress *p, struct buf *out)
{
	if (p->n_drawn_lines)
		buf_printf(out, "\033[%uA\033[J", p->n_drawn_lines);
	p->n_drawn_lines = 0;
}

/*
 * Replace the table on the terminal.  Lines are cut at the width of the
 * terminal.  If the table has more rows than fit, its last line states how many
 * are missing.
 */
static void draw_table(struct progress *p, uint64_t now_ms)
{
	unsigned height, width;
	struct buf out = { 0 };
	size_t name = 0, n_active = 0, n_lines;
	bool is_cut;

	terminal_size(STDERR_FILENO, &height, &width);
	if (width < 20)
		width = 80;
	erase_table(p, &out);
	for (size_t i = 0; i < p->n_rows; i++) {
		if (!p->rows[i].what)
			continue;
		n_active++;
		if (strlen(p->rows[i].name) > name)
			name = strlen(p->rows[i].name);
	}
	/* erase_table() cannot move the cursor above the first line. */
	is_cut = height && n_active > height - 1;
	n_lines = is_cut ? height - 1 : n_active;
	for (size_t i = 0; p->n_drawn_lines + is_cut < n_lines; i++) {
		char *line;

		if (!p->rows[i].what)
			continue;
		line = row_text(&p->rows[i], now_ms, (int)name);
		/* erase_table() counts lines, so no line may wrap. */
		buf_printf(&out, "%.*s\n", (int)width - 1, line);
		p->n_drawn_lines++;
		free(line);
	}
	if (is_cut && n_lines) {
		buf_printf(&out, "... and %zu more\n",
			   n_active - p->n_drawn_lines);
		p->n_drawn_lines++;
	}
	bytes_write(STDERR_FILENO, buf_bytes(&out));
	buf_release(&out);
}

void progress_tick(struct progress *p)
{
	const unsigned n = ARRAY_SIZE(report_times);
	uint64_t now_ms = clock_ms();

	pthread_mutex_lock(&p->lock);
	if (now_ms < p->next_ms)
		goto out;
	if (p->is_terminal) {
		draw_table(p, now_ms);
		p->next_ms = now_ms + TICK_MS;
		goto out;
	}
	for (size_t i = 0; i < p->n_rows; i++) {
		char *line;

		if (!p->rows[i].what)
			continue;
		line = row_text(&p->rows[i], now_ms, 0);
		log_info("%s", line);
		free(line);
	}
	p->n_rounds++;
	p->next_ms = p->n_rounds < n ? p->start_ms + report_times[p->n_rounds] :
				       now_ms + MINUTE_MS;
out:
	pthread_mutex_unlock(&p->lock);
}

void progress_free(struct progress *p)
{
	struct buf out = { 0 };

	if (!p)
		return;
	erase_table(p, &out);
	if (out.len)
		bytes_write(STDERR_FILENO, buf_bytes(&out));
	buf_release(&out);
	for (size_t i = 0; i < p->n_rows; i++)
		free(p->rows[i].name);
	free(p->rows);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Arguments and result of run_call(), which runs on another thread. */
struct call {
	struct progress *progress;
	int (*fn)(void *arg);
	void *arg;
	int ret;
};

static void run_call(void *ctx, size_t i)
{
	struct call *c = ctx;

	(void)i;
	c->ret = c->fn(c->arg);
}

static void on_call_tick(void *ctx)
{
	progress_tick(((struct call *)ctx)->progress);
}

int progress_run(const char *name, const char *what, int (*fn)(void *arg),
		 void *arg)
{
	struct call c = { .progress = progress_new(), .fn = fn, .arg = arg };

	progress_set(c.progress, progress_add(c.progress, name), what, 0, 0);
	task_each(1, 1, run_call, on_call_tick, &c);
	progress_free(c.progress);
	return c.ret;
}
