/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/data.h"

#include "base/format.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Exit statuses of a build: kernel/build.h. */
enum {
	BUILT = 0,
	NOT_BEGUN = 1,
	NEW_WARNINGS = 101,
	TOO_LITTLE_REMOTE = 125,
};

/* -------------------------------------------------------------- reading */

static bool is_standing_error(const struct history_diag *g)
{
	return g->how != HISTORY_GONE && str_equal(g->severity, "error");
}

/* Errors first, else in their order: what is cut is the end of a list. */
static void put_errors_first(struct history_details *d)
{
	struct history_diag *all = xcalloc(d->n_diags + 1, sizeof(*all));
	size_t n = 0;

	for (int errors = 1; errors >= 0; errors--) {
		for (size_t i = 0; i < d->n_diags; i++) {
			if (is_standing_error(&d->diag[i]) == errors)
				all[n++] = d->diag[i];
		}
	}
	free(d->diag);
	d->diag = all;
}

static int read_details(struct report_data *d, struct history *h,
			struct err *err)
{
	int64_t number = d->build.number;
	int ret = history_read_units(h, number, &d->with, err);

	if (!ret)
		ret = history_read_phases(h, number, &d->with, err);
	if (!ret)
		ret = history_read_step_reasons(h, number, &d->with, err);
	if (!ret)
		ret = history_read_diags(h, number, &d->with, err);
	if (!ret)
		ret = history_read_sizes(h, number, &d->with, err);
	if (!ret)
		put_errors_first(&d->with);
	return ret;
}

static int by_file_name(const void *a, const void *b)
{
	const struct history_size *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int read_before(struct report_data *d, struct history *h,
		       struct err *err)
{
	struct err ignored = { 0 };
	int ret = history_build_previous(h, &d->build, &d->before, &ignored);

	if (ret == -ENOENT)
		return 0;
	if (ret) {
		*err = ignored;
		return ret;
	}
	d->has_before = true;
	ret = history_read_sizes(h, d->before.number, &d->before_with, err);
	if (!ret && d->before_with.n_sizes)
		qsort(d->before_with.size, d->before_with.n_sizes,
		      sizeof(*d->before_with.size), by_file_name);
	return ret;
}

int report_data_read(struct report_data *out, struct history *h, int64_t number,
		     const char *output, struct err *err)
{
	int ret;

	*out = (struct report_data){ 0 };
	ret = output ? history_build_of_output(h, output, &out->build, err) :
		       history_build_find(h, number, &out->build, err);
	if (!ret)
		ret = read_details(out, h, err);
	if (!ret)
		ret = read_before(out, h, err);
	return ret;
}

void report_data_release(struct report_data *d)
{
	history_build_release(&d->build);
	history_details_release(&d->with);
	history_build_release(&d->before);
	history_details_release(&d->before_with);
	*d = (struct report_data){ 0 };
}

/* -------------------------------------------------------------- figures */

static const char *failure(int64_t status)
{
	switch (status) {
	case NOT_BEGUN:
		return "failed in its set-up";
	case TOO_LITTLE_REMOTE:
		return "failed: the farm or the toolchain";
	default:
		return "failed";
	}
}

const char *report_data_verdict(const struct report_data *d)
{
	switch (d->build.state) {
	case HISTORY_RUNNING:
		return "running";
	case HISTORY_GOOD:
		return d->build.status == NEW_WARNINGS ?
			       "built, with new warnings" :
			       "built";
	case HISTORY_INTERRUPTED:
		return "interrupted";
	case HISTORY_KILLED:
		return "killed";
	default:
		return failure(d->build.status);
	}
}

bool report_data_ended(const struct history_build *b)
{
	return b->state != HISTORY_RUNNING && b->state != HISTORY_KILLED;
}

const char *report_data_unended(const struct report_data *d)
{
	switch (d->build.state) {
	case HISTORY_RUNNING:
		return "It has not ended yet: what it did is written down "
		       "then, and shown now by kfarm top.";
	case HISTORY_KILLED:
		return "It never said that it ended, so no more is known of "
		       "it.";
	default:
		return NULL;
	}
}

bool report_data_lost_units(const struct report_data *d)
{
	return !d->with.n_units && d->build.remote + d->build.local > 0;
}

bool report_data_lost_details(const struct report_data *d)
{
	return !d->build.has_details && !d->with.n_diags &&
	       d->build.warnings + d->build.errors > 0;
}

unsigned report_data_permille(const struct report_data *d)
{
	int64_t all = d->build.remote + d->build.local;

	return all > 0 ? (unsigned)(d->build.remote * 1000 / all) : 0;
}

size_t report_data_count(const struct report_data *d, enum history_how how)
{
	size_t n = 0;

	for (size_t i = 0; i < d->with.n_diags; i++)
		n += d->with.diag[i].how == how;
	return n;
}

const struct history_size *report_data_size_before(const struct report_data *d,
						   const char *name)
{
	const struct history_details *was = &d->before_with;
	const struct history_size key = { .name = (char *)name };

	if (!was->n_sizes)
		return NULL;
	return bsearch(&key, was->size, was->n_sizes, sizeof(*was->size),
		       by_file_name);
}

void report_data_put_span(struct buf *out, uint64_t ms)
{
	if (ms < 10000)
		buf_printf(out, "%u.%02us", (unsigned)(ms / 1000),
			   (unsigned)(ms / 10 % 100));
	else
		format_span(out, ms);
}

void report_data_put_time(struct buf *out, int64_t seconds)
{
	time_t at = (time_t)seconds;
	char text[64];
	struct tm tm;

	if (localtime_r(&at, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &tm))
		buf_add_str(out, text);
	else
		buf_printf(out, "%lld", (long long)seconds);
}
