/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/internal.h - State shared by the store and its collector.
 *
 * A thread takes the three locks in this order: `gc_lock` for a whole pass of
 * the collector, `pin_lock` for the table of pins and their links, `lock` for
 * the counters.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/map.h"
#include "store/scratch-dir.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

struct store {
	int root_fd; /* DIR */
	int blobs_fd; /* DIR/sha256 */
	/*
	 * Descriptors of the directories of records, or -1 before the first
	 * record; set with `lock` held.
	 */
	atomic_int records_fd[STORE_N_RECORDS];
	int scratch_root_fd; /* DIR/live */
	int scratch_fd; /* this store's directory in DIR/live, locked */
	char scratch_name[STORE_SCRATCH_NAME_MAX];
	atomic_uint next_serial; /* for names of blobs that are being written */

	pthread_mutex_t pin_lock;
	struct map pins;

	pthread_mutex_t lock;
	struct store_stats stats;
	/* bytes and new blobs published since the last count */
	uint64_t uncounted_bytes, n_uncounted;
	uint64_t post_gc_bytes; /* bytes used after the last pass */
	/*
	 * Additions that DIR/usage lacks, because another handle had locked the
	 * file or the file was damaged.
	 */
	int64_t pending_bytes, pending_blobs;
	/* before this clock_ms(), a write that lacks space starts no pass */
	uint64_t full_until_ms;

	pthread_mutex_t gc_lock;
	struct task *collector; /* NULL if not running */
	pthread_cond_t gc_wake; /* used with `lock` */
	bool count_is_old; /* start a pass when the first entry is published */
	bool gc_due; /* the collector must perform a pass */
	atomic_bool stopping;
};

/*
 * Check the file `name` in the directory `dir`.  Returns 0 with *st if it is a
 * regular file.  Any other kind of file counts as damage: the file is removed,
 * and the result is -ENOENT.  Returns another negative errno if fstatat(2)
 * fails.
 */
int store_entry_stat(struct store *s, int dir, const char *name,
		     struct stat *st);

/*
 * Return the descriptor of the directory of records of this kind.  The store
 * owns the descriptor.  If `make` is true, create a missing directory.  Returns
 * -ENOENT if the directory is missing, or another negative errno.
 */
int store_open_records(struct store *s, enum store_record kind, bool make);

/*
 * The file DIR/usage (store/usage.c).  store_usage_add() and store_usage_set()
 * are called with `lock` held.  Only store_free() calls them without the lock,
 * because no other thread uses the store then.
 */

/*
 * Read the counters from the file.  Returns false if the file has no valid
 * counters; a pass must then count the blobs.
 */
bool store_usage_load(struct store *s);
/*
 * Add published bytes and blobs to the file, and read the totals of all
 * processes from the file.
 */
void store_usage_add(struct store *s, int64_t n_bytes, int64_t n_blobs);
/* Write the counters to the file.  Called after a garbage collection. */
void store_usage_set(struct store *s);

int store_gc_start(struct store *s, struct err *err);
void store_gc_stop(struct store *s);
/*
 * Reserve disk space for a blob of `size` bytes, and collect if necessary.
 * Returns 0; -EFBIG if the blob is larger than the limit of the store; -ENOSPC
 * if there is not enough space below the limit.
 */
int store_gc_reserve(struct store *s, uint64_t size);
/* Release a reservation whose write was aborted. */
void store_gc_unreserve(struct store *s, uint64_t size);
/*
 * Convert a reservation to used space after the blob was published.  `replaced`
 * is the size of the file that the blob replaced, or UINT64_MAX if no file
 * existed.
 */
void store_gc_commit(struct store *s, uint64_t size, uint64_t replaced);

#endif
