/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass first counts everything, and how many bytes are how old, in a table
 * of fixed size; then it knows the age at which to cut, and removes what is
 * older.  Two stats per blob, but no list of 10^6 of them.  Two processes
 * that collect at once cut at the same age, so they do no harm.
 */
#include "base/fs.h"
#include "store/state.h"

#include "base/clock.h"
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
/* Ages in ms: below 64 exactly, above with 6 bits of precision. */
#define AGE_BITS 6
#define AGES     (59 << AGE_BITS)
/* How long a pass that made no room is not repeated. */
#define FULL_MS 1000

struct pass {
	struct store *s;
	int64_t now_ms;
	uint64_t used, blobs;
	uint64_t goal; /* how many bytes have to go */
	size_t cut; /* and of which age at least */
	uint64_t gone, gone_blobs;
	uint64_t age[AGES]; /* bytes that may go, by age */
};

typedef void visit_fn(struct pass *pass, int dir, const char *name,
		      const struct stat *st);

uint64_t store_charge(uint64_t size)
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

static size_t age_of(const struct pass *pass, const struct stat *st)
{
	int64_t ms = pass->now_ms - (st->st_mtim.tv_sec * INT64_C(1000) +
				     st->st_mtim.tv_nsec / 1000000);
	uint64_t age = ms > 0 ? (uint64_t)ms : 0;
	unsigned shift = 0;

	while (age >> shift >= 2u << AGE_BITS)
		shift++;
	/* 64 to 127 of each power, behind all of the powers before it. */
	return ((size_t)shift << AGE_BITS) + (age >> shift);
}

static bool is_hex_name(const char *name, size_t digits)
{
	return strlen(name) == digits &&
	       strspn(name, "0123456789abcdef") == digits;
}

static int visit_dir(struct pass *pass, const char *dir, visit_fn *visit)
{
	int fd = openat(pass->s->blobs, dir,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;
	struct strv names = { 0 };
	struct stat st;

	if (!ret)
		ret = fs_list_at(fd, ".", &names);
	for (size_t i = 0; i < names.n && !pass->s->stop; i++) {
		if (!is_hex_name(names.v[i], DIGEST_HEX - 3))
			fs_remove_at(fd, names.v[i]);
		else if (!store_entry_stat(pass->s, fd, names.v[i], &st))
			visit(pass, fd, names.v[i], &st);
	}
	strv_release(&names);
	if (fd >= 0)
		close(fd);
	/* What does not belong there is removed by whoever needs the place. */
	return ret == -EMFILE || ret == -ENFILE ? ret : 0;
}

static int visit_all(struct pass *pass, visit_fn *visit)
{
	char dir[3];
	int ret = 0;

	for (unsigned i = 0; i < 256 && !ret && !pass->s->stop; i++) {
		snprintf(dir, sizeof(dir), "%02x", i);
		ret = visit_dir(pass, dir, visit);
	}
	return ret ? ret : pass->s->stop ? -ECANCELED : 0;
}

static void visit_count(struct pass *pass, int dir, const char *name,
			const struct stat *st)
{
	uint64_t charge = store_charge((uint64_t)st->st_size);

	(void)dir;
	(void)name;
	pass->used += charge;
	pass->blobs++;
	/* Two names: it is pinned, by us or by somebody else. */
	if (st->st_nlink == 1)
		pass->age[age_of(pass, st)] += charge;
}

static void visit_remove(struct pass *pass, int dir, const char *name,
			 const struct stat *st)
{
	if (pass->gone >= pass->goal || st->st_nlink > 1 ||
	    age_of(pass, st) < pass->cut || unlinkat(dir, name, 0))
		return;
	pass->gone += store_charge((uint64_t)st->st_size);
	pass->gone_blobs++;
}

/* The oldest ages that together make up the goal, or everything. */
static size_t find_cut(const struct pass *pass)
{
	uint64_t sum = 0;
	size_t i = AGES;

	while (i && sum < pass->goal)
		sum += pass->age[--i];
	return i;
}

/* Those older than the cut, then as many of that very age as are needed. */
static int remove_old(struct pass *pass)
{
	int ret;

	pass->cut = find_cut(pass) + 1;
	ret = visit_all(pass, visit_remove);
	pass->cut--;
	if (!ret && pass->gone < pass->goal)
		ret = visit_all(pass, visit_remove);
	return ret;
}

static void account(struct store *s, const struct pass *pass, uint64_t before)
{
	uint64_t meanwhile;

	pthread_mutex_lock(&s->lock);
	/* What came during the pass may have been seen by it, or not. */
	meanwhile = s->fresh - before;
	s->n.used = pass->used - pass->gone + meanwhile;
	s->n.blobs = pass->blobs - pass->gone_blobs;
	s->n.counted = true;
	s->n.collected += pass->gone_blobs;
	s->n.collected_bytes += pass->gone;
	s->fresh = meanwhile;
	s->after = s->n.used;
	pthread_mutex_unlock(&s->lock);
}

static uint64_t may_go(const struct pass *pass)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < AGES; i++)
		sum += pass->age[i];
	return sum;
}

/*
 * When there is more than `above`, leave `target`; nothing is removed when
 * not even `must` can be reached.  With `collecting` held.
 */
static int collect_garbage(struct store *s, uint64_t above, uint64_t target,
			   uint64_t must)
{
	struct pass *pass = xcalloc(1, sizeof(*pass));
	uint64_t before;
	int ret;

	store_live_prune(s->live);
	pass->s = s;
	pass->now_ms = now_ms();
	pthread_mutex_lock(&s->lock);
	before = s->fresh;
	pthread_mutex_unlock(&s->lock);
	ret = visit_all(pass, visit_count);
	if (!ret && pass->used > above && pass->used - may_go(pass) <= must) {
		pass->goal = pass->used - target;
		ret = remove_old(pass);
	}
	if (!ret || pass->gone)
		account(s, pass, before);
	free(pass);
	return ret;
}

static uint64_t high(const struct store *s)
{
	return s->n.limit - s->n.limit / 8;
}

static uint64_t low(const struct store *s)
{
	return s->n.limit - s->n.limit / 4;
}

/* Was a pass due?  Whoever asks makes it. */
static bool take_due(struct store *s)
{
	bool due;

	pthread_mutex_lock(&s->lock);
	due = s->due;
	s->due = false;
	pthread_mutex_unlock(&s->lock);
	return due;
}

int store_gc(struct store *s, uint64_t target)
{
	int ret;

	pthread_mutex_lock(&s->collecting);
	if (!target)
		take_due(s);
	ret = collect_garbage(s, target ? target : high(s),
			      target ? target : low(s), UINT64_MAX);
	pthread_mutex_unlock(&s->collecting);
	return ret;
}

static void collector_main(void *arg)
{
	struct store *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		if (!s->due) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		pthread_mutex_lock(&s->collecting);
		/* Another thread may have made the pass meanwhile. */
		if (take_due(s))
			collect_garbage(s, high(s), low(s), UINT64_MAX);
		pthread_mutex_unlock(&s->collecting);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

int store_gc_start(struct store *s, struct err *err)
{
	s->due = true; /* nobody has counted yet */
	s->collector = task_start(collector_main, s);
	if (!s->collector)
		return err_errno(err, "start the collector");
	return 0;
}

void store_gc_stop(struct store *s)
{
	if (!s->collector)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	task_join(s->collector);
	s->collector = NULL;
}

/* With `lock` held. */
static bool has_room(const struct store *s, uint64_t charge)
{
	uint64_t taken = s->n.used + s->n.arriving;

	return taken <= s->n.limit && charge <= s->n.limit - taken;
}

static bool reserve_space(struct store *s, uint64_t charge, bool *hopeless)
{
	bool fits;

	pthread_mutex_lock(&s->lock);
	fits = has_room(s, charge);
	*hopeless = !fits && clock_ms() < s->full_until;
	if (fits)
		s->n.arriving += charge;
	pthread_mutex_unlock(&s->lock);
	return fits;
}

/* Make room for `charge` bytes and some more.  `collecting` is held. */
static void make_room(struct store *s, uint64_t charge)
{
	uint64_t must = 0, target;

	pthread_mutex_lock(&s->lock);
	if (s->n.arriving <= s->n.limit - charge)
		must = s->n.limit - charge - s->n.arriving;
	pthread_mutex_unlock(&s->lock);
	target = must < low(s) ? must : low(s);
	if (must)
		collect_garbage(s, target, target, must);
}

int store_room_take(struct store *s, uint64_t size)
{
	uint64_t charge = store_charge(size);
	bool hopeless, fits;

	if (charge > s->n.limit)
		return -EFBIG;
	if (reserve_space(s, charge, &hopeless))
		return 0;
	if (hopeless)
		return -ENOSPC;
	pthread_mutex_lock(&s->collecting);
	/* Another thread may have made room meanwhile. */
	fits = reserve_space(s, charge, &hopeless);
	if (!fits && !hopeless) {
		make_room(s, charge);
		fits = reserve_space(s, charge, &hopeless);
	}
	pthread_mutex_unlock(&s->collecting);
	if (fits)
		return 0;
	pthread_mutex_lock(&s->lock);
	s->full_until = clock_ms() + FULL_MS;
	pthread_mutex_unlock(&s->lock);
	return -ENOSPC;
}

void store_room_drop(struct store *s, uint64_t size)
{
	pthread_mutex_lock(&s->lock);
	s->n.arriving -= store_charge(size);
	s->full_until = 0;
	pthread_mutex_unlock(&s->lock);
}

void store_room_fill(struct store *s, uint64_t size, uint64_t replaced)
{
	uint64_t charge = store_charge(size), freed = 0;

	if (replaced != UINT64_MAX)
		freed = store_charge(replaced);
	pthread_mutex_lock(&s->lock);
	s->n.arriving -= charge;
	s->n.in++;
	s->n.in_bytes += size;
	s->n.used += charge;
	s->n.used -= freed < s->n.used ? freed : s->n.used;
	s->n.blobs += replaced == UINT64_MAX;
	s->fresh += charge;
	/* Also now and then: other processes add to it, too. */
	if ((s->n.used > high(s) && s->n.used > s->after + s->n.limit / 64) ||
	    s->fresh > s->n.limit / 16) {
		s->due = true;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
}
