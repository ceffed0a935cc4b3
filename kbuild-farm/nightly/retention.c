/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/retention.h"

#include "base/buf.h"
#include "kernel/outdir.h"
#include "nightly/build-matrix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

/* Counts of the later results of the same build. */
struct later_results {
	size_t n_total, n_bad;
	bool has_good;
};

static struct later_results count_later(const struct nightly_store *s, size_t i)
{
	struct later_results n = { 0 };

	for (size_t j = i + 1; j < s->n_results; j++) {
		bool good = s->results[j]->end == NIGHTLY_END_GOOD;

		if (strcmp(s->results[j]->build, s->results[i]->build) != 0)
			continue;
		n.n_total++;
		n.n_bad += !good;
		n.has_good = n.has_good || good;
	}
	return n;
}

/*
 * Return an array with one element per result of `s`: true if the result must
 * be retained.  The caller frees the array.  `builds` are the names of the
 * configured builds.
 */
static bool *select_retained(const struct nightly_store *s,
			     const struct nightly_job *job,
			     const struct strv *builds, long long now_s)
{
	bool *keep = xcalloc(s->n_results + 1, sizeof(*keep));
	long long began = now_s;

	for (size_t i = s->n_results; i-- > 0;) {
		struct later_results later = count_later(s, i);
		bool good = s->results[i]->end == NIGHTLY_END_GOOD, young;

		began = s->results[i]->began_s < began ?
				s->results[i]->began_s :
				began;
		young = now_s - began <= (long long)job->keep_days * DAY_S;
		if (!strv_has(builds, s->results[i]->build))
			keep[i] = young;
		else
			keep[i] = later.n_total < job->keep_last ||
				  (good && (young || !later.has_good)) ||
				  (!good && later.n_bad < job->keep_failures);
	}
	return keep;
}

/*
 * Return the index of the result to remove first if space is needed: the oldest
 * result that is neither the newest result of its build nor the newest good
 * result of its build.  Returns SIZE_MAX if no result may be removed.
 */
static size_t find_expendable(const struct nightly_store *s)
{
	for (size_t i = 0; i < s->n_results; i++) {
		struct later_results later = count_later(s, i);
		bool good = s->results[i]->end == NIGHTLY_END_GOOD;

		if (later.n_total && (!good || later.has_good))
			return i;
	}
	return SIZE_MAX;
}

static int remove_with_note(struct nightly_store *s, size_t i, const char *why,
			    nightly_retention_note_fn *note, void *ctx,
			    struct err *err)
{
	if (note)
		note(ctx, s->results[i], why);
	return nightly_store_remove(s, i, err);
}

static int remove_old_results(struct nightly_store *s,
			      const struct nightly_job *job, long long now_s,
			      nightly_retention_note_fn *note, void *ctx,
			      struct err *err)
{
	struct strv builds = { 0 };
	int ret = 0;
	bool *keep;

	nightly_build_matrix_list_names(&builds, job);
	keep = select_retained(s, job, &builds, now_s);
	for (size_t i = s->n_results; !ret && i-- > 0;) {
		if (!keep[i])
			ret = remove_with_note(s, i, "old", note, ctx, err);
	}
	free(keep);
	strv_release(&builds);
	if (!ret)
		ret = nightly_store_remove_damaged(
			s, now_s - (long long)job->keep_days * DAY_S, err);
	return ret;
}

/* Append the size in the largest unit in which the number is at least 1. */
static void format_free_space(struct buf *out, uint64_t bytes)
{
	if (bytes >> 30)
		buf_printf(out, "%.1f GiB", (double)bytes / (1 << 30));
	else if (bytes >> 20)
		buf_printf(out, "%.1f MiB", (double)bytes / (1 << 20));
	else
		buf_printf(out, "%.1f KiB", (double)bytes / (1 << 10));
}

static int make_room_for_build(struct nightly_store *s,
			       const struct nightly_job *job,
			       nightly_retention_note_fn *note, void *ctx,
			       struct err *err)
{
	struct buf is = { 0 }, must = { 0 };
	uint64_t available;

	while ((available = kernel_disk_space_available(s->dir)) <
	       job->keep_free_bytes) {
		size_t i = find_expendable(s);
		int ret;

		if (i == SIZE_MAX) {
			format_free_space(&is, available);
			format_free_space(&must, job->keep_free_bytes);
			err_set(err, ENOSPC,
				"%s: %s free, but keep-free requires %s; free "
				"some space",
				s->dir, buf_str(&is), buf_str(&must));
			buf_release(&is);
			buf_release(&must);
			return -ENOSPC;
		}
		ret = remove_with_note(s, i, "to free space", note, ctx, err);
		if (ret)
			return ret;
	}
	return 0;
}

int nightly_retention_prune(struct nightly_store *s,
			    const struct nightly_job *job, long long now_s,
			    nightly_retention_note_fn *on_note, void *ctx,
			    struct err *err)
{
	int ret = remove_old_results(s, job, now_s, on_note, ctx, err), other;
	struct err late = { 0 };

	if (!ret)
		ret = make_room_for_build(s, job, on_note, ctx, err);
	other = nightly_store_update_links(s, job, &late);
	if (!ret && other)
		*err = late;
	return ret ? ret : other;
}
