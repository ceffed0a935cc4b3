/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/keep.h"

#include "base/buf.h"
#include "kernel/space.h"
#include "nightly/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

/* What is after the i'th of its build, good ones or others. */
struct later {
	size_t all, bad;
	bool good;
};

static struct later count_later(const struct nightly_store *s, size_t i)
{
	struct later n = { 0 };

	for (size_t j = i + 1; j < s->n; j++) {
		bool good = s->v[j]->end == NIGHTLY_GOOD;

		if (strcmp(s->v[j]->build, s->v[i]->build) != 0)
			continue;
		n.all++;
		n.bad += !good;
		n.good = n.good || good;
	}
	return n;
}

bool *nightly_keep_choose(const struct nightly_store *s,
			  const struct nightly_job *job,
			  const struct strv *builds, long long now_s)
{
	bool *keep = xcalloc(s->n + 1, sizeof(*keep));
	long long began = now_s;

	for (size_t i = s->n; i-- > 0;) {
		struct later later = count_later(s, i);
		bool good = s->v[i]->end == NIGHTLY_GOOD, young;

		began = s->v[i]->began_s < began ? s->v[i]->began_s : began;
		young = now_s - began <= (long long)job->keep_days * DAY_S;
		if (!strv_has(builds, s->v[i]->build))
			keep[i] = young;
		else
			keep[i] = later.all < job->keep_last ||
				  (good && (young || !later.good)) ||
				  (!good && later.bad < job->keep_failures);
	}
	return keep;
}

size_t nightly_keep_sacrifice(const struct nightly_store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct later later = count_later(s, i);
		bool good = s->v[i]->end == NIGHTLY_GOOD;

		if (later.all && (!good || later.good))
			return i;
	}
	return SIZE_MAX;
}

static int remove_with_note(struct nightly_store *s, size_t i, const char *why,
			    nightly_keep_note *note, void *ctx, struct err *err)
{
	if (note)
		note(ctx, s->v[i], why);
	return nightly_store_remove(s, i, err);
}

static int remove_old_results(struct nightly_store *s,
			      const struct nightly_job *job, long long now_s,
			      nightly_keep_note *note, void *ctx,
			      struct err *err)
{
	struct strv builds = { 0 };
	int ret = 0;
	bool *keep;

	nightly_plans_names(&builds, job);
	keep = nightly_keep_choose(s, job, &builds, now_s);
	for (size_t i = s->n; !ret && i-- > 0;) {
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

/* In a unit of keep-free in which it is not nothing. */
static void add_room(struct buf *out, uint64_t bytes)
{
	if (bytes >> 30)
		buf_printf(out, "%.1f GiB", (double)bytes / (1 << 30));
	else if (bytes >> 20)
		buf_printf(out, "%.1f MiB", (double)bytes / (1 << 20));
	else
		buf_printf(out, "%.1f KiB", (double)bytes / (1 << 10));
}

static int no_room(const char *dir, uint64_t wanted, struct err *err)
{
	struct buf is = { 0 }, must = { 0 };

	add_room(&is, kernel_space_free(dir));
	add_room(&must, wanted);
	err_set(err, ENOSPC,
		"%s: %s are free, and keep-free asks for %s; make room there",
		dir, buf_str(&is), buf_str(&must));
	buf_release(&is);
	buf_release(&must);
	return -ENOSPC;
}

static int make_room_for_build(struct nightly_store *s,
			       const struct nightly_job *job,
			       nightly_keep_note *note, void *ctx,
			       struct err *err)
{
	int ret = 0;

	while (!ret && kernel_space_free(s->dir) < job->keep_free) {
		size_t i = nightly_keep_sacrifice(s);

		if (i == SIZE_MAX)
			return no_room(s->dir, job->keep_free, err);
		ret = remove_with_note(s, i, "for room", note, ctx, err);
	}
	return ret;
}

int nightly_keep_prune(struct nightly_store *s, const struct nightly_job *job,
		       long long now_s, nightly_keep_note *note, void *ctx,
		       struct err *err)
{
	int ret = remove_old_results(s, job, now_s, note, ctx, err), other;
	struct err late = { 0 };

	if (!ret)
		ret = make_room_for_build(s, job, note, ctx, err);
	other = nightly_store_link(s, job, &late);
	if (!ret && other)
		*err = late;
	return ret ? ret : other;
}
