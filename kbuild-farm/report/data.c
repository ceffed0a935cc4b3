/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/data.h"

#include "base/format.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Exit statuses of `kfarm build`, as in kernel/build.h. */
enum {
	BUILD_STATUS_NOT_STARTED = 1,
	BUILD_STATUS_NEW_WARNINGS = 101,
	BUILD_STATUS_TOO_FEW_REMOTE = 125,
};

static bool is_current_error(const struct history_diag *g)
{
	return g->status != HISTORY_DIAG_REMOVED &&
	       str_equal(g->severity, "error");
}

/* Move errors to the front, because a shortened list omits its last rows. */
static void put_errors_first(struct history_details *d)
{
	struct history_diag *all = xcalloc(d->n_diags + 1, sizeof(*all));
	size_t n = 0;

	for (int errors = 1; errors >= 0; errors--) {
		for (size_t i = 0; i < d->n_diags; i++) {
			if (is_current_error(&d->diags[i]) == errors)
				all[n++] = d->diags[i];
		}
	}
	free(d->diags);
	d->diags = all;
}

static int read_details(struct report_data *d, struct history *h,
			struct err *err)
{
	static int (*const readers[])(struct history *, int64_t,
				      struct history_details *,
				      struct err *) = {
		history_read_units,        history_read_phases,
		history_read_step_reasons, history_read_diags,
		history_read_sizes,        history_read_disabled,
	};

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		int ret = readers[i](h, d->build.number, &d->details, err);

		if (ret)
			return ret;
	}
	put_errors_first(&d->details);
	return 0;
}

static int by_file_name(const void *a, const void *b)
{
	const struct history_size *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Read the baseline, if any. */
static int read_baseline_build(struct report_data *d, struct history *h,
			       struct err *err)
{
	struct err problem = { 0 };
	int ret = history_build_find_baseline(h, &d->build, &d->baseline,
					      &problem);

	d->has_baseline = !ret;
	if (!ret || ret == -ENOENT)
		return 0;
	*err = problem;
	return ret;
}

/*
 * Read the sizes of the earlier build with which this build is compared, if the
 * history has any.  The earlier build need not be the baseline, because a
 * failed baseline has no sizes.
 */
static int read_baseline_sizes(struct report_data *d, struct history *h,
			       struct err *err)
{
	struct history_details *was = &d->baseline_details;
	struct history_build sized;
	struct err problem = { 0 };
	int ret = history_build_find_sized(h, &d->build, &sized, &problem);

	if (!ret) {
		if (sized.number != d->baseline.number)
			d->sized_number = sized.number;
		ret = history_read_sizes(h, sized.number, was, &problem);
	}
	history_build_release(&sized);
	if (was->n_sizes)
		qsort(was->sizes, was->n_sizes, sizeof(*was->sizes),
		      by_file_name);
	if (!ret || ret == -ENOENT)
		return 0;
	*err = problem;
	return ret;
}

int report_data_read(struct report_data *out, struct history *h, int64_t number,
		     const char *output, struct err *err)
{
	int ret;

	*out = (struct report_data){ 0 };
	ret = output ? history_build_find_output(h, output, &out->build, err) :
		       history_build_find(h, number, &out->build, err);
	if (!ret)
		ret = read_details(out, h, err);
	if (!ret)
		ret = read_baseline_build(out, h, err);
	if (!ret)
		ret = read_baseline_sizes(out, h, err);
	return ret;
}

void report_data_release(struct report_data *d)
{
	history_build_release(&d->build);
	history_details_release(&d->details);
	history_build_release(&d->baseline);
	history_details_release(&d->baseline_details);
	*d = (struct report_data){ 0 };
}

const char *report_data_status_text(const struct report_data *d)
{
	switch (d->build.state) {
	case HISTORY_STATE_RUNNING:
		return "running";
	case HISTORY_STATE_GOOD:
		return d->build.status == BUILD_STATUS_NEW_WARNINGS ?
			       "built, with new warnings" :
			       "built";
	case HISTORY_STATE_INTERRUPTED:
		return "interrupted";
	case HISTORY_STATE_KILLED:
		return "killed";
	default:
		/* `kfarm run` ends with the status of its command. */
		if (!history_has_log(&d->build))
			return "failed";
		return d->build.status == BUILD_STATUS_NOT_STARTED ?
			       "failed during setup" :
		       d->build.status == BUILD_STATUS_TOO_FEW_REMOTE ?
			       "failed: farm or toolchain" :
			       "failed";
	}
}

bool report_data_is_finished(const struct history_build *b)
{
	return b->state != HISTORY_STATE_RUNNING &&
	       b->state != HISTORY_STATE_KILLED;
}

const char *report_data_unfinished_text(const struct report_data *d)
{
	switch (d->build.state) {
	case HISTORY_STATE_RUNNING:
		return "The build is still running: its details are recorded "
		       "when it ends, and kfarm top shows its progress.";
	case HISTORY_STATE_KILLED:
		return "The build was killed before its details were recorded.";
	default:
		return NULL;
	}
}

bool report_data_is_missing_units(const struct report_data *d)
{
	return !d->details.n_units && d->build.n_jobs > 0;
}

bool report_data_is_missing_details(const struct report_data *d)
{
	return !d->build.has_details && !d->details.n_diags &&
	       d->build.n_warnings + d->build.n_errors > 0;
}

unsigned report_data_remote_permille(const struct report_data *d)
{
	int64_t all = d->build.n_remote + d->build.n_local;

	return all > 0 ? (unsigned)(d->build.n_remote * 1000 / all) : 0;
}

size_t report_data_count_diags(const struct report_data *d,
			       enum history_diag_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < d->details.n_diags; i++)
		n += d->details.diags[i].status == status;
	return n;
}

void report_data_add_duration(struct buf *out, uint64_t ms)
{
	if (ms < 10000)
		buf_printf(out, "%u.%02us", (unsigned)(ms / 1000),
			   (unsigned)(ms / 10 % 100));
	else
		format_duration_short(out, ms);
}

void report_data_add_time(struct buf *out, int64_t seconds)
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

/* Return the size in memory; 0 if the file is not ELF. */
static int64_t loaded_bytes(const struct history_size *s)
{
	return s->text_bytes + s->data_bytes + s->bss_bytes;
}

static int64_t absolute_change(const struct report_size *s)
{
	if (s->new_file)
		return s->current.file_bytes;
	return s->change_bytes < 0 ? -s->change_bytes : s->change_bytes;
}

/*
 * Compare for the order of report_sizes.v: modules are last; files of the same
 * kind are sorted by descending amount of change, then by descending size.  The
 * size of a new file counts as its change.
 */
static int by_size_relevance(const void *a, const void *b)
{
	const struct report_size *x = a, *y = b;
	bool p = str_ends(x->current.name, ".ko");
	bool q = str_ends(y->current.name, ".ko");

	if (p != q)
		return p - q;
	if (absolute_change(x) != absolute_change(y))
		return absolute_change(x) < absolute_change(y) ? 1 : -1;
	if (x->current.file_bytes != y->current.file_bytes)
		return x->current.file_bytes < y->current.file_bytes ? 1 : -1;
	return strcmp(x->current.name, y->current.name);
}

static int by_size_name(const void *a, const void *b)
{
	const struct history_size *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/*
 * Collect the files that only the earlier build has.  The array
 * d->details.sizes is not sorted by name, so bsearch() needs a sorted array of
 * pointers.
 */
static void find_removed_sizes(struct report_sizes *out,
			       const struct report_data *d)
{
	const struct history_details *is = &d->details,
				     *was = &d->baseline_details;
	const struct history_size **now = xcalloc(is->n_sizes + 1,
						  sizeof(*now));

	for (size_t i = 0; i < is->n_sizes; i++)
		now[i] = &is->sizes[i];
	qsort(now, is->n_sizes, sizeof(*now), by_size_name);
	for (size_t i = 0; i < was->n_sizes; i++) {
		const struct history_size *s = &was->sizes[i];

		if (!bsearch(&s, now, is->n_sizes, sizeof(*now), by_size_name))
			*VEC_ADD(out->removed, out->n_removed) = s;
	}
	free(now);
}

void report_sizes_init(struct report_sizes *out, const struct report_data *d)
{
	const struct history_details *is = &d->details,
				     *was = &d->baseline_details;

	*out = (struct report_sizes){ .compared = was->n_sizes > 0 };
	for (size_t i = 0; i < is->n_sizes; i++) {
		struct report_size *s = VEC_ADD(out->v, out->n);
		const struct history_size *now = &is->sizes[i], *old = NULL;

		if (was->n_sizes)
			old = bsearch(now, was->sizes, was->n_sizes,
				      sizeof(*was->sizes), by_file_name);
		s->current = *now;
		s->elf = loaded_bytes(now) > 0;
		s->in_baseline = old != NULL;
		s->new_file = out->compared && !old;
		if (old) {
			s->baseline = *old;
			s->change_bytes = s->elf && loaded_bytes(old) ?
						  loaded_bytes(now) -
							  loaded_bytes(old) :
						  now->file_bytes -
							  old->file_bytes;
		}
	}
	if (!out->n)
		return;
	qsort(out->v, out->n, sizeof(*out->v), by_size_relevance);
	find_removed_sizes(out, d);
}

void report_sizes_release(struct report_sizes *s)
{
	free(s->v);
	free(s->removed);
	*s = (struct report_sizes){ 0 };
}
