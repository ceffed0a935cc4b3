/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/store.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/vec.h"
#include "kernel/builddir.h"
#include "kernel/outdir.h"
#include "nightly/build-matrix.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUILDING  ".building"
#define GONE      ".gone-"
#define LATEST    "latest"
#define LAST_GOOD "last-good"
#define POLL_MS   100 /* interval between attempts to take the lock */
#define DAY_S     86400

/* ---- reading ---- */

/* Return true if the name begins like that of a result: "YYYY-MM-DDTHHMM-g". */
static bool is_result_name(const char *name)
{
	static const char form[] = "0000-00-00T0000-g";

	for (size_t i = 0; form[i]; i++) {
		if (form[i] == '0' ? !isdigit((unsigned char)name[i]) :
				     form[i] != name[i])
			return false;
	}
	return true;
}

static int compare_result_numbers(const void *a, const void *b)
{
	const struct nightly_result *x = *(void *const *)a;
	const struct nightly_result *y = *(void *const *)b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static struct nightly_result *add_to_store(struct nightly_store *s,
					   const struct nightly_result *r)
{
	struct nightly_result *own = xmalloc(sizeof(*own));

	*own = *r;
	return *VEC_ADD(s->results, s->n_results) = own;
}

static int list_names(const struct nightly_store *s, struct strv *out,
		      struct err *err)
{
	int ret = fs_list(s->dir, out);

	return ret ? err_set(err, -ret, "%s: %s", s->dir, strerror(-ret)) : 0;
}

static int read_results(struct nightly_store *s, struct err *err)
{
	struct strv names = { 0 };
	int ret = list_names(s, &names, err);

	if (ret == -ENOENT)
		ret = 0;
	for (size_t i = 0; !ret && i < names.n; i++) {
		char *path = xasprintf("%s/%s", s->dir, names.v[i]);
		struct nightly_result r;
		struct err ignored;

		if (is_result_name(names.v[i]) && fs_is_dir(path)) {
			if (nightly_result_read(&r, path, &ignored))
				strv_add(&s->damaged, names.v[i]);
			else
				add_to_store(s, &r);
		}
		free(path);
	}
	if (s->n_results)
		qsort(s->results, s->n_results, sizeof(*s->results),
		      compare_result_numbers);
	strv_release(&names);
	return ret;
}

int nightly_store_read(struct nightly_store *s, const char *dir,
		       struct err *err)
{
	*s = (struct nightly_store){ .dir = xstrdup(dir) };
	return read_results(s, err);
}

/* ---- lock ---- */

/*
 * Poll the lock, because a blocking flock() has no time limit and does not
 * notice wait->stop.
 */
static int take_job_lock(struct nightly_store *s,
			 const struct nightly_wait *wait, struct err *err)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	char *path = xasprintf("%s/lock", s->dir);
	uint64_t start = clock_ms();
	int fd;

	for (;;) {
		fd = fs_open_locked(AT_FDCWD, path, O_RDWR | O_CREAT,
				    LOCK_EX | LOCK_NB);
		if (wait->stop && atomic_load(wait->stop))
			break;
		if (fd != -EAGAIN && fd != -EBUSY)
			break;
		if (fd == -EBUSY && wait->timeout_s != UINT_MAX &&
		    clock_ms() - start >= (uint64_t)wait->timeout_s * 1000)
			break;
		nanosleep(&pause, NULL);
	}
	if (wait->stop && atomic_load(wait->stop)) {
		if (fd >= 0)
			close(fd);
		fd = err_set(err, ECANCELED, "interrupted");
	} else if (fd == -EBUSY) {
		char *who = lock_holders(path);

		err_set(err, EBUSY,
			"another run is active: process %s; use --wait to "
			"wait for it",
			who);
		free(who);
	} else if (fd < 0) {
		err_set(err, -fd, "%s: %s", path, strerror(-fd));
	} else {
		s->lock_fd = fd;
	}
	free(path);
	return fd < 0 ? fd : 0;
}

static int sweep_leftovers(const struct nightly_store *s, struct err *err)
{
	struct strv names = { 0 };
	int ret = list_names(s, &names, err);

	for (size_t i = 0; !ret && i < names.n; i++) {
		char *path = xasprintf("%s/%s", s->dir, names.v[i]);

		if (!strcmp(names.v[i], BUILDING) ||
		    str_starts(names.v[i], GONE))
			ret = fs_remove(path, err);
		free(path);
	}
	strv_release(&names);
	return ret;
}

int nightly_store_open(struct nightly_store *s, const struct nightly_job *job,
		       const struct nightly_wait *wait, struct err *err)
{
	int ret;

	*s = (struct nightly_store){ .dir = xstrdup(job->results_dir) };
	ret = fs_mkdirs(s->dir, 0777, err);
	if (ret)
		return ret;
	ret = take_job_lock(s, wait, err);
	if (ret)
		return ret;
	ret = sweep_leftovers(s, err);
	if (ret)
		return ret;
	ret = read_results(s, err);
	return ret ? ret : nightly_store_update_links(s, job, err);
}

void nightly_store_release(struct nightly_store *s)
{
	struct err ignored;

	/*
	 * Ignore errors: incomplete builds and removed results that remain on
	 * the disk only take up space.
	 */
	if (s->lock_fd > 0)
		sweep_leftovers(s, &ignored);
	for (size_t i = 0; i < s->n_results; i++) {
		nightly_result_release(s->results[i]);
		free(s->results[i]);
	}
	free(s->results);
	strv_release(&s->damaged);
	if (s->lock_fd > 0)
		close(s->lock_fd);
	free(s->dir);
	*s = (struct nightly_store){ 0 };
}

/* ---- lookup ---- */

/*
 * Return the newest result of `build`, or of all builds if `build` is NULL.  If
 * `good` is true, consider only good results.
 */
static const struct nightly_result *newest_of(const struct nightly_store *s,
					      const char *build, bool good)
{
	for (size_t i = s->n_results; i-- > 0;) {
		const struct nightly_result *r = s->results[i];

		if ((!build || !strcmp(r->build, build)) &&
		    (!good || r->end == NIGHTLY_END_GOOD))
			return r;
	}
	return NULL;
}

const struct nightly_result *nightly_store_latest(const struct nightly_store *s,
						  const char *build)
{
	return newest_of(s, build, false);
}

const struct nightly_result *nightly_store_last_good(
	const struct nightly_store *s, const char *build)
{
	return newest_of(s, build, true);
}

void nightly_store_link_results(struct nightly_store *s)
{
	for (size_t i = 0; i < s->n_results; i++) {
		struct nightly_result *r = s->results[i];

		for (size_t j = i; j-- > 0 && !r->last_good;) {
			const struct nightly_result *old = s->results[j];

			if (strcmp(old->build, r->build) != 0)
				continue;
			if (!r->previous)
				r->previous = old;
			if (old->end == NIGHTLY_END_GOOD)
				r->last_good = old;
		}
	}
}

/* ---- changes ---- */

char *nightly_store_build_dir(const struct nightly_store *s)
{
	return xasprintf("%s/" BUILDING, s->dir);
}

int nightly_store_create_build_dir(struct nightly_store *s, char **out,
				   struct err *err)
{
	char *path = nightly_store_build_dir(s);
	int ret = fs_remove(path, err);

	if (!ret)
		ret = fs_mkdirs(path, 0777, err);
	if (ret) {
		free(path);
		path = NULL;
	}
	*out = path;
	return ret;
}

/*
 * Return an unused path for the result.  The local time in the path only
 * informs the user.  Results are ordered by their numbers, not by this time.
 */
static char *free_path(const struct nightly_store *s,
		       const struct nightly_result *r)
{
	time_t t = (time_t)r->began_s;
	struct buf arch = { 0 }, toolchain = { 0 };
	char date[32], suffix[16] = "", *path;
	struct tm tm;

	if (!localtime_r(&t, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H%M", &tm))
		strcpy(date, "0000-00-00T0000");
	/* Configured values that could not be resolved can contain slashes. */
	kernel_builddir_add_name(&arch, r->arch);
	kernel_builddir_add_name(&toolchain, r->toolchain);
	for (unsigned again = 2;; again++) {
		path = xasprintf("%s/%.15s-g%.12s-%s-%s-%s%s", s->dir, date,
				 r->commit, buf_str(&arch), r->config,
				 buf_str(&toolchain), suffix);
		if (!fs_exists(path))
			break;
		free(path);
		snprintf(suffix, sizeof(suffix), "-%u", again);
	}
	buf_release(&toolchain);
	buf_release(&arch);
	return path;
}

int nightly_store_publish(struct nightly_store *s, struct nightly_result *r,
			  struct nightly_result **out, struct err *err)
{
	char *from = nightly_store_build_dir(s), *to;
	char *mark = xasprintf("%s/" NIGHTLY_UNSENT_FILE, from);
	int ret;

	r->number = s->n_results ? s->results[s->n_results - 1]->number + 1 : 1;
	to = free_path(s, r);
	ret = nightly_result_write(r, from, err);
	if (!ret)
		ret = fs_write(mark, bytes_of(NULL, 0), 0666, err);
	if (!ret && rename(from, to))
		ret = err_errno(err, "%s", to);
	if (!ret) {
		free(r->dir);
		r->dir = xstrdup(to);
		*out = add_to_store(s, r);
		*r = (struct nightly_result){ 0 };
	}
	free(to);
	free(mark);
	free(from);
	return ret;
}

/*
 * Point the link `name` to the result `r`, or remove the link if `r` is NULL.
 * Write nothing if the link is already correct.
 */
static int put_link(const struct nightly_store *s, const char *name,
		    const struct nightly_result *r, struct err *err)
{
	char *link = xasprintf("%s/%s", s->dir, name);
	char *part = xasprintf("%s/" GONE "link", s->dir);
	const char *target = r ? str_base(r->dir) : NULL;
	char now[NAME_MAX + 1] = "";
	ssize_t n = readlink(link, now, sizeof(now) - 1);
	int ret = 0;

	if (n >= 0)
		now[n] = '\0';
	if (target && strcmp(now, target) != 0) {
		unlink(part);
		if (symlink(target, part) || rename(part, link))
			ret = err_errno(err, "%s", link);
	} else if (!target && n >= 0 && unlink(link)) {
		ret = err_errno(err, "%s", link);
	}
	free(part);
	free(link);
	return ret;
}

int nightly_store_update_links(const struct nightly_store *s,
			       const struct nightly_job *job, struct err *err)
{
	struct strv made = { 0 }, builds = { 0 }, names = { 0 };
	int ret = put_link(s, LATEST, newest_of(s, NULL, false), err);

	if (!ret)
		ret = put_link(s, LAST_GOOD, newest_of(s, NULL, true), err);
	nightly_build_matrix_list_names(&builds, job);
	for (size_t i = 0; !ret && builds.n > 1 && i < builds.n; i++) {
		const char *build = builds.v[i];

		strv_addf(&made, LATEST "-%s", build);
		ret = put_link(s, made.v[made.n - 1],
			       newest_of(s, build, false), err);
		strv_addf(&made, LAST_GOOD "-%s", build);
		if (!ret)
			ret = put_link(s, made.v[made.n - 1],
				       newest_of(s, build, true), err);
	}
	/* Remove the links of builds that are no longer configured. */
	if (!ret)
		ret = list_names(s, &names, err);
	for (size_t i = 0; !ret && i < names.n; i++) {
		const char *name = names.v[i];

		if ((str_starts(name, LATEST "-") ||
		     str_starts(name, LAST_GOOD "-")) &&
		    !strv_has(&made, name))
			ret = put_link(s, name, NULL, err);
	}
	strv_release(&names);
	strv_release(&builds);
	strv_release(&made);
	return ret;
}

/*
 * Remove a result: rename its directory, then delete the files.  The rename
 * alone removes the result, even if the deletion fails.
 */
static int remove_name(const struct nightly_store *s, const char *name,
		       struct err *err)
{
	char *from = xasprintf("%s/%s", s->dir, name);
	char *to = xasprintf("%s/" GONE "%s", s->dir, name);
	int ret;

	ret = rename(from, to) ? err_errno(err, "%s", from) :
				 fs_remove(to, err);
	free(to);
	free(from);
	return ret;
}

int nightly_store_remove(struct nightly_store *s, size_t i, struct err *err)
{
	int ret = remove_name(s, str_base(s->results[i]->dir), err);

	if (ret)
		return ret;
	nightly_result_release(s->results[i]);
	free(s->results[i]);
	memmove(&s->results[i], &s->results[i + 1],
		(s->n_results - i - 1) * sizeof(*s->results));
	s->n_results--;
	return 0;
}

int nightly_store_remove_damaged(struct nightly_store *s, long long before_s,
				 struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < s->damaged.n; i++) {
		char *path = xasprintf("%s/%s", s->dir, s->damaged.v[i]);
		struct stat st;

		if (!stat(path, &st) && st.st_mtime < before_s)
			ret = remove_name(s, s->damaged.v[i], err);
		free(path);
	}
	return ret;
}

/* ---- retention ---- */

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
 * Return true if result `i` shows the start of the current failure of its
 * build.  The failure consists of all results after the last good one.  The
 * first of these results shows the start, and so does each one whose bisection
 * found a commit.
 */
static bool is_start_of_failure(const struct nightly_store *s, size_t i)
{
	const struct nightly_result *r = s->results[i];

	if (r->end == NIGHTLY_END_GOOD || count_later(s, i).has_good)
		return false;
	while (!r->bisect.first_bad && i-- > 0) {
		if (!strcmp(s->results[i]->build, r->build))
			return s->results[i]->end == NIGHTLY_END_GOOD;
	}
	return true;
}

/*
 * Return an array with the times at which the results of `s` began.  The caller
 * frees the array.
 *
 * The results are in the order in which they began, but a clock may have been
 * wrong in either direction.  The longest sequence of results whose times never
 * decrease and are not after now_s is assumed to be right.  Any other result is
 * considered as old as the next newer result of this sequence, so that it is
 * not removed too early.
 */
static long long *estimate_times(const struct nightly_store *s, long long now_s)
{
	long long *times = xcalloc(s->n_results + 1, sizeof(*times));
	/* length of the longest sequence that begins with result i */
	size_t *length = xcalloc(s->n_results + 1, sizeof(*length));
	size_t *next = xcalloc(s->n_results + 1, sizeof(*next));
	size_t first = s->n_results;

	for (size_t i = 0; i < s->n_results; i++)
		times[i] = s->results[i]->began_s;
	/* Of two equally long sequences, use the one that begins later. */
	for (size_t i = s->n_results; i-- > 0;) {
		next[i] = s->n_results;
		for (size_t j = i + 1; j < s->n_results; j++) {
			if (times[j] >= times[i] && length[j] &&
			    (length[j] > length[next[i]] ||
			     (length[j] == length[next[i]] &&
			      times[j] > times[next[i]])))
				next[i] = j;
		}
		if (times[i] > now_s)
			continue;
		length[i] = length[next[i]] + 1;
		if (length[i] > length[first] ||
		    (length[i] == length[first] && times[i] > times[first]))
			first = i;
	}
	for (size_t i = 0; i < s->n_results; i++) {
		if (i == first)
			first = next[i];
		else
			times[i] = LLONG_MAX;
	}
	for (size_t i = s->n_results; i-- > 0;) {
		if (times[i] == LLONG_MAX)
			times[i] = i + 1 < s->n_results ? times[i + 1] : now_s;
	}
	free(next);
	free(length);
	return times;
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
	long long *times = estimate_times(s, now_s);

	for (size_t i = s->n_results; i-- > 0;) {
		struct later_results later = count_later(s, i);
		bool good = s->results[i]->end == NIGHTLY_END_GOOD;
		bool young = now_s - times[i] <=
			     (long long)job->keep_days * DAY_S;

		if (!strv_has(builds, s->results[i]->build))
			keep[i] = young;
		else
			keep[i] = later.n_total < job->keep_last ||
				  (good && (young || !later.has_good)) ||
				  (!good && later.n_bad < job->keep_failures) ||
				  is_start_of_failure(s, i);
	}
	free(times);
	return keep;
}

/*
 * Return the index of the result to remove first if space is needed: the oldest
 * result that is neither the newest result of its build, nor the newest good
 * result of its build, nor one that describes the start of the current failure.
 * Returns SIZE_MAX if no result may be removed.
 */
static size_t find_expendable(const struct nightly_store *s)
{
	for (size_t i = 0; i < s->n_results; i++) {
		struct later_results later = count_later(s, i);
		bool good = s->results[i]->end == NIGHTLY_END_GOOD;

		if (later.n_total && (!good || later.has_good) &&
		    !is_start_of_failure(s, i))
			return i;
	}
	return SIZE_MAX;
}

static int remove_with_note(struct nightly_store *s, size_t i, const char *why,
			    nightly_store_note_fn *note, void *ctx,
			    struct err *err)
{
	if (note)
		note(ctx, s->results[i], why);
	return nightly_store_remove(s, i, err);
}

static int remove_old_results(struct nightly_store *s,
			      const struct nightly_job *job, long long now_s,
			      nightly_store_note_fn *note, void *ctx,
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

/* Append the size in the largest suitable unit, GiB, MiB or KiB. */
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
			       nightly_store_note_fn *note, void *ctx,
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

int nightly_store_prune(struct nightly_store *s, const struct nightly_job *job,
			long long now_s, nightly_store_note_fn *on_note,
			void *ctx, struct err *err)
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
