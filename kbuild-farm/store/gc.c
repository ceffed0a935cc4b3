/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass of the collector first counts all blobs and sums their bytes by age in
 * a table of fixed size.  From the table, the pass computes an age.  Then it
 * removes all blobs that are older, and as many blobs of this age as necessary.
 * A pass needs up to three fstatat(2) calls per blob, but no list of all blobs,
 * of which a store can have 10^6.  Two processes that collect concurrently
 * compute about the same age, so both remove the same blobs.
 */
#include "store/internal.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DISK_BLOCK 4096
/*
 * Age classes: one for each ms below 128 ms, and 64 for each power of two from
 * 128 ms.
 */
#define AGE_BITS 6
#define AGES     (59 << AGE_BITS)
/*
 * Time for which writes do not start a pass after a pass has freed too little.
 * The time ends early when a pin or a reservation is released.
 */
#define FULL_MS 1000

struct gc_pass {
	struct store *s;
	int64_t now_ms;
	/* s->uncounted_bytes and s->n_uncounted at the start of the pass */
	uint64_t uncounted_bytes, n_uncounted;
	uint64_t used_bytes, n_blobs;
	/* counter of the visited kind of record, or NULL for blobs */
	uint64_t *n_visited;
	uint64_t n_records[STORE_N_RECORDS];
	uint64_t excess_bytes; /* bytes to remove */
	size_t min_age; /* minimum age class to remove */
	uint64_t removed_bytes, n_removed;
	int error; /* first error that made the pass skip an entry, or 0 */
	uint64_t bytes_by_age[AGES]; /* removable bytes by age class */
};

typedef void gc_visit_fn(struct gc_pass *pass, int dir, const char *name,
			 const struct stat *st);

/* Return the disk space of a blob of `size` bytes, rounded up to blocks. */
static uint64_t disk_bytes(uint64_t size)
{
	return size > UINT64_MAX - DISK_BLOCK ?
		       UINT64_MAX :
		       (size + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static size_t age_class(const struct gc_pass *pass, const struct stat *st)
{
	int64_t ms = pass->now_ms - (st->st_mtim.tv_sec * INT64_C(1000) +
				     st->st_mtim.tv_nsec / 1000000);
	uint64_t age = ms > 0 ? (uint64_t)ms : 0;
	unsigned shift = 0;

	while (age >> shift >= 2u << AGE_BITS)
		shift++;
	/*
	 * From 128 ms, `age >> shift` is from 64 to 127, so each power of two
	 * has 64 classes.
	 */
	return ((size_t)shift << AGE_BITS) + (age >> shift);
}

/*
 * Record that the pass skips entries because of the error `ret`.  Returns `ret`
 * if the pass cannot continue, which is the case without free descriptors.
 *
 * A missing entry or directory does not count as an error, nor does a file with
 * the name of a directory: entry_init() removes such a file when a blob needs
 * the directory.
 */
static int note_skipped(struct gc_pass *pass, int ret)
{
	if (ret == -EMFILE || ret == -ENFILE)
		return ret;
	if (!pass->error && ret != -ENOENT && ret != -ENOTDIR && ret != -ELOOP)
		pass->error = ret;
	return 0;
}

static int visit_dir(struct gc_pass *pass, int root, const char *dir,
		     gc_visit_fn *visit)
{
	int fd = openat(root, dir,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;
	struct strv names = { 0 };
	struct stat st;

	if (!ret)
		ret = fs_list_at(fd, &names);
	for (size_t i = 0; i < names.n && !pass->s->stopping; i++) {
		const char *name = names.v[i];
		int error;

		/* The first two digits of the digest name the directory. */
		if (strlen(name) != DIGEST_HEX - 3 ||
		    strspn(name, "0123456789abcdef") != DIGEST_HEX - 3) {
			fs_remove_at(fd, name);
			continue;
		}
		error = store_entry_stat(pass->s, fd, name, &st);
		if (error)
			note_skipped(pass, error);
		else
			visit(pass, fd, name, &st);
	}
	strv_release(&names);
	if (fd >= 0)
		close(fd);
	return note_skipped(pass, ret);
}

/* Visit all blobs and records. */
static int visit_all(struct gc_pass *pass, gc_visit_fn *visit)
{
	int records[STORE_N_RECORDS];
	char dir[3];
	int ret = 0;

	for (int k = 0; k < STORE_N_RECORDS && !ret; k++) {
		records[k] = store_open_records(pass->s, (enum store_record)k,
						false);
		if (records[k] < 0)
			ret = note_skipped(pass, records[k]);
	}
	for (unsigned i = 0; i < 256 && !ret && !pass->s->stopping; i++) {
		snprintf(dir, sizeof(dir), "%02x", i);
		pass->n_visited = NULL;
		ret = visit_dir(pass, pass->s->blobs_fd, dir, visit);
		for (int k = 0; k < STORE_N_RECORDS && !ret; k++) {
			pass->n_visited = &pass->n_records[k];
			if (records[k] >= 0)
				ret = visit_dir(pass, records[k], dir, visit);
		}
	}
	return ret ? ret : pass->s->stopping ? -ECANCELED : 0;
}

static void visit_count(struct gc_pass *pass, int dir, const char *name,
			const struct stat *st)
{
	uint64_t charge = disk_bytes((uint64_t)st->st_size);

	(void)dir;
	(void)name;
	pass->used_bytes += charge;
	pass->n_blobs++;
	if (pass->n_visited)
		++*pass->n_visited;
	/* A second link is a pin of this or another process. */
	if (st->st_nlink == 1)
		pass->bytes_by_age[age_class(pass, st)] += charge;
}

static void visit_remove(struct gc_pass *pass, int dir, const char *name,
			 const struct stat *st)
{
	if (pass->removed_bytes >= pass->excess_bytes || st->st_nlink > 1 ||
	    age_class(pass, st) < pass->min_age)
		return;
	if (unlinkat(dir, name, 0)) {
		note_skipped(pass, -errno);
		return;
	}
	pass->removed_bytes += disk_bytes((uint64_t)st->st_size);
	pass->n_removed++;
	/*
	 * Do not go below 0: the pass can also remove entries that were
	 * published after it had counted the entries.
	 */
	if (pass->n_visited && *pass->n_visited)
		--*pass->n_visited;
}

/*
 * Find the age class that, together with all older classes, contains at least
 * the excess.  Remove the blobs of the older classes, then as many blobs of
 * that class as necessary.
 */
static int remove_old_blobs(struct gc_pass *pass)
{
	uint64_t sum = 0;
	size_t age = AGES;
	int ret;

	/* Sum the classes from the oldest on until they reach the excess. */
	while (age && sum < pass->excess_bytes)
		sum += pass->bytes_by_age[--age];
	pass->min_age = age + 1;
	ret = visit_all(pass, visit_remove);
	pass->min_age = age;
	if (!ret && pass->removed_bytes < pass->excess_bytes)
		ret = visit_all(pass, visit_remove);
	return ret;
}

/*
 * A pass can remove more than it has counted, because other processes publish
 * blobs between the count and the removal.
 */
static uint64_t subtract_removed(uint64_t n, uint64_t removed)
{
	return n > removed ? n - removed : 0;
}

static void update_usage(struct store *s, const struct gc_pass *pass)
{
	pthread_mutex_lock(&s->lock);
	/*
	 * The pass may have missed blobs that were published concurrently, so
	 * add these blobs.  They remain in the uncounted numbers.
	 */
	s->uncounted_bytes -= pass->uncounted_bytes;
	s->n_uncounted -= pass->n_uncounted;
	s->stats.used_bytes = subtract_removed(
		pass->used_bytes + s->uncounted_bytes, pass->removed_bytes);
	s->stats.n_blobs = subtract_removed(pass->n_blobs + s->n_uncounted,
					    pass->n_removed);
	memcpy(s->stats.n_records, pass->n_records, sizeof(s->stats.n_records));
	s->stats.counted = true;
	s->stats.n_collected += pass->n_removed;
	s->stats.collected_bytes += pass->removed_bytes;
	s->post_gc_bytes = s->stats.used_bytes;
	store_usage_set(s);
	pthread_mutex_unlock(&s->lock);
}

/*
 * If more than `above` bytes are used, remove blobs until `target` bytes are
 * left.  Removes no blob if the pinned blobs alone take more than `must` bytes.
 * Called with gc_lock held.
 */
static int collect_garbage(struct store *s, uint64_t above, uint64_t target,
			   uint64_t must)
{
	struct gc_pass *pass = xcalloc(1, sizeof(*pass));
	uint64_t removable = 0;
	int ret;

	store_scratch_dir_prune(s->scratch_root_fd);
	pass->s = s;
	pass->now_ms = now_ms();
	pthread_mutex_lock(&s->lock);
	pass->uncounted_bytes = s->uncounted_bytes;
	pass->n_uncounted = s->n_uncounted;
	pthread_mutex_unlock(&s->lock);
	ret = visit_all(pass, visit_count);
	for (size_t i = 0; i < AGES; i++)
		removable += pass->bytes_by_age[i];
	if (!ret && pass->used_bytes > above &&
	    pass->used_bytes - removable <= must) {
		pass->excess_bytes = pass->used_bytes - target;
		ret = remove_old_blobs(pass);
	}
	if (!ret || pass->removed_bytes)
		update_usage(s, pass);
	ret = ret ? ret : pass->error;
	free(pass);
	return ret;
}

static uint64_t high_water_bytes(const struct store *s)
{
	return s->stats.limit_bytes - s->stats.limit_bytes / 8;
}

static uint64_t low_water_bytes(const struct store *s)
{
	return s->stats.limit_bytes - s->stats.limit_bytes / 4;
}

/* Clear gc_due.  Returns true if it was set; the caller performs the pass. */
static bool take_gc_due(struct store *s)
{
	bool due;

	pthread_mutex_lock(&s->lock);
	due = s->gc_due;
	s->gc_due = false;
	pthread_mutex_unlock(&s->lock);
	return due;
}

int store_gc(struct store *s, uint64_t target)
{
	int ret;

	pthread_mutex_lock(&s->gc_lock);
	if (!target)
		take_gc_due(s);
	ret = collect_garbage(s, target ? target : high_water_bytes(s),
			      target ? target : low_water_bytes(s), UINT64_MAX);
	pthread_mutex_unlock(&s->gc_lock);
	return ret;
}

static void collector_main(void *arg)
{
	struct store *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		if (!s->gc_due) {
			pthread_cond_wait(&s->gc_wake, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		pthread_mutex_lock(&s->gc_lock);
		/* Another thread may have performed the pass. */
		if (take_gc_due(s))
			collect_garbage(s, high_water_bytes(s),
					low_water_bytes(s), UINT64_MAX);
		pthread_mutex_unlock(&s->gc_lock);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

int store_gc_start(struct store *s, struct err *err)
{
	s->gc_due = !store_usage_load(s); /* a pass counts the blobs */
	s->collector = task_start(collector_main, s);
	if (!s->collector)
		return err_errno(err,
				 "cannot start the garbage collector thread");
	return 0;
}

void store_gc_stop(struct store *s)
{
	if (!s->collector)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->gc_wake);
	pthread_mutex_unlock(&s->lock);
	task_join(s->collector);
	s->collector = NULL;
}

/*
 * Reserve `charge` bytes.  Returns false if there is not enough space, with
 * *hopeless set if a recent pass did not free enough space for a write.
 */
static bool reserve_space(struct store *s, uint64_t charge, bool *hopeless)
{
	uint64_t limit = s->stats.limit_bytes, taken;
	bool fits;

	pthread_mutex_lock(&s->lock);
	taken = s->stats.used_bytes + s->stats.incoming_bytes;
	fits = taken <= limit && charge <= limit - taken;
	*hopeless = !fits && clock_ms() < s->full_until_ms;
	if (fits)
		s->stats.incoming_bytes += charge;
	pthread_mutex_unlock(&s->lock);
	return fits;
}

/*
 * Collect down to the low-water mark, or further if `charge` bytes need more
 * space.  Called with gc_lock held.
 */
static void make_space(struct store *s, uint64_t charge)
{
	uint64_t must = 0, target;

	pthread_mutex_lock(&s->lock);
	if (s->stats.incoming_bytes <= s->stats.limit_bytes - charge)
		must = s->stats.limit_bytes - charge - s->stats.incoming_bytes;
	pthread_mutex_unlock(&s->lock);
	target = must < low_water_bytes(s) ? must : low_water_bytes(s);
	if (must)
		collect_garbage(s, target, target, must);
}

int store_gc_reserve(struct store *s, uint64_t size)
{
	uint64_t charge = disk_bytes(size);
	bool hopeless, fits;

	if (charge > s->stats.limit_bytes)
		return -EFBIG;
	if (reserve_space(s, charge, &hopeless))
		return 0;
	if (hopeless)
		return -ENOSPC;
	pthread_mutex_lock(&s->gc_lock);
	/* Another thread may have freed space. */
	fits = reserve_space(s, charge, &hopeless);
	if (!fits && !hopeless) {
		make_space(s, charge);
		fits = reserve_space(s, charge, &hopeless);
	}
	pthread_mutex_unlock(&s->gc_lock);
	if (fits)
		return 0;
	pthread_mutex_lock(&s->lock);
	s->full_until_ms = clock_ms() + FULL_MS;
	pthread_mutex_unlock(&s->lock);
	return -ENOSPC;
}

void store_gc_unreserve(struct store *s, uint64_t size)
{
	pthread_mutex_lock(&s->lock);
	s->stats.incoming_bytes -= disk_bytes(size);
	s->full_until_ms = 0;
	pthread_mutex_unlock(&s->lock);
}

void store_gc_commit(struct store *s, uint64_t size, uint64_t replaced)
{
	uint64_t charge = disk_bytes(size), freed = 0;

	if (replaced != UINT64_MAX)
		freed = disk_bytes(replaced);
	pthread_mutex_lock(&s->lock);
	s->stats.incoming_bytes -= charge;
	s->stats.n_written++;
	s->stats.written_bytes += size;
	s->stats.used_bytes += charge;
	s->stats.used_bytes -= freed < s->stats.used_bytes ?
				       freed :
				       s->stats.used_bytes;
	s->stats.n_blobs += replaced == UINT64_MAX;
	s->uncounted_bytes += charge;
	s->n_uncounted += replaced == UINT64_MAX;
	store_usage_add(s, (int64_t)charge - (int64_t)freed,
			replaced == UINT64_MAX);
	/*
	 * Also start a pass whenever this handle has published 1/16 of the
	 * limit since the last pass, because only a pass corrects errors of the
	 * counters (store/usage.c).
	 */
	if ((s->stats.used_bytes > high_water_bytes(s) &&
	     s->stats.used_bytes >
		     s->post_gc_bytes + s->stats.limit_bytes / 64) ||
	    s->uncounted_bytes > s->stats.limit_bytes / 16 || s->count_is_old) {
		s->count_is_old = false;
		s->gc_due = true;
		pthread_cond_signal(&s->gc_wake);
	}
	pthread_mutex_unlock(&s->lock);
}
