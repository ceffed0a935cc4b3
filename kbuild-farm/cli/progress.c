/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/progress.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TICK_MS     200
#define TERMINAL_MS 1000 /* before the table appears */
#define RATE_MS     1000 /* before a rate means something */

/* Where there is no terminal: when the first lines are printed. */
static const uint64_t moments[] = { 2000, 10000, 30000 };
#define MINUTE_MS 60000

struct row {
	char *name;
	const char *what; /* NULL: it has not begun, or has ended */
	bool bytes;
	uint64_t done, total;
	uint64_t since_ms, from; /* when `what` began, and with what done */
};

struct progress {
	pthread_mutex_t lock;
	bool terminal;
	uint64_t start_ms, next_ms;
	unsigned rounds; /* rounds of plain lines so far */
	unsigned drawn; /* lines of the table that are on the screen */
	struct row *v;
	size_t n;
};

struct progress *progress_new(void)
{
	const char *term = getenv("TERM");
	struct progress *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	p->terminal = isatty(STDERR_FILENO) && term && *term &&
		      strcmp(term, "dumb") != 0;
	p->start_ms = clock_ms();
	p->next_ms = p->start_ms + (p->terminal ? TERMINAL_MS : moments[0]);
	return p;
}

size_t progress_add(struct progress *p, const char *name)
{
	size_t row;

	pthread_mutex_lock(&p->lock);
	row = p->n;
	*VEC_ADD(p->v, p->n) = (struct row){ .name = xstrdup(name) };
	pthread_mutex_unlock(&p->lock);
	return row;
}

static void set_row(struct progress *p, size_t row, const char *what,
		    bool bytes, uint64_t done, uint64_t total)
{
	struct row *r;

	pthread_mutex_lock(&p->lock);
	r = &p->v[row];
	/* A download that begins again begins to be measured again. */
	if (!str_equal(r->what, what) || done < r->from) {
		r->since_ms = clock_ms();
		r->from = done;
	}
	r->what = what;
	r->bytes = bytes;
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

char *progress_text(const char *what, bool bytes, uint64_t done, uint64_t total)
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

/* ", 11.2 MiB/s, 0:05 left", or "". */
static char *rate_text(const struct row *r, uint64_t now_ms)
{
	uint64_t ms = now_ms - r->since_ms, came = r->done - r->from, left;
	double rate;

	if (!r->bytes || ms < RATE_MS || !came)
		return xstrdup("");
	rate = (double)came * 1000 / (double)ms;
	if (r->total < r->done || r->total == 0)
		return xasprintf(", %.1f MiB/s", rate / (1 << 20));
	left = (uint64_t)((double)(r->total - r->done) / rate);
	return xasprintf(", %.1f MiB/s, %llu:%02llu left", rate / (1 << 20),
			 (unsigned long long)(left / 60),
			 (unsigned long long)(left % 60));
}

static char *row_text(const struct row *r, uint64_t now_ms, int name_width)
{
	char *text = progress_text(r->what, r->bytes, r->done, r->total);
	char *rate = rate_text(r, now_ms);
	char *line = name_width ? xasprintf("%-*s  %s%s", name_width, r->name,
					    text, rate) :
				  xasprintf("%s: %s%s", r->name, text, rate);

	free(text);
	free(rate);
	return line;
}

static unsigned terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20)
		return 80;
	return size.ws_col;
}

/* Back to where the table began, and nothing below. */
static void erase(struct progress *p, struct buf *out)
{
	if (p->drawn)
		buf_printf(out, "\033[%uA\033[J", p->drawn);
	p->drawn = 0;
}

static void draw(struct progress *p, uint64_t now_ms)
{
	unsigned wide = terminal_width();
	struct buf out = { 0 };
	size_t name = 0;

	erase(p, &out);
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].what && strlen(p->v[i].name) > name)
			name = strlen(p->v[i].name);
	}
	for (size_t i = 0; i < p->n; i++) {
		char *line;

		if (!p->v[i].what)
			continue;
		line = row_text(&p->v[i], now_ms, (int)name);
		/* One that wraps would not be erased. */
		buf_printf(&out, "%.*s\n", (int)wide - 1, line);
		p->drawn++;
		free(line);
	}
	fs_write_all(STDERR_FILENO, buf_bytes(&out));
	buf_release(&out);
}

static void log_rows(struct progress *p, uint64_t now_ms)
{
	for (size_t i = 0; i < p->n; i++) {
		char *line;

		if (!p->v[i].what)
			continue;
		line = row_text(&p->v[i], now_ms, 0);
		log_info("%s", line);
		free(line);
	}
}

static uint64_t next_moment(const struct progress *p, uint64_t now_ms)
{
	const unsigned n = sizeof(moments) / sizeof(*moments);

	return p->rounds < n ? p->start_ms + moments[p->rounds] :
			       now_ms + MINUTE_MS;
}

void progress_tick(struct progress *p)
{
	uint64_t now_ms = clock_ms();

	pthread_mutex_lock(&p->lock);
	if (now_ms >= p->next_ms && p->terminal) {
		draw(p, now_ms);
		p->next_ms = now_ms + TICK_MS;
	} else if (now_ms >= p->next_ms) {
		log_rows(p, now_ms);
		p->rounds++;
		p->next_ms = next_moment(p, now_ms);
	}
	pthread_mutex_unlock(&p->lock);
}

void progress_free(struct progress *p)
{
	struct buf out = { 0 };

	if (!p)
		return;
	erase(p, &out);
	if (out.len)
		fs_write_all(STDERR_FILENO, buf_bytes(&out));
	buf_release(&out);
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].name);
	free(p->v);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

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

static void tick_call(void *ctx)
{
	progress_tick(((struct call *)ctx)->progress);
}

int progress_run(const char *name, const char *what, int (*fn)(void *arg),
		 void *arg)
{
	struct call c = { .progress = progress_new(), .fn = fn, .arg = arg };

	progress_set(c.progress, progress_add(c.progress, name), what, 0, 0);
	task_each(1, 1, run_call, tick_call, &c);
	progress_free(c.progress);
	return c.ret;
}
