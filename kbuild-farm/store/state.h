/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/state.h - what the files of the blob store share.
 *
 * Three locks, never held together but in this order: `collecting` for a
 * whole pass of the collector, `pin_lock` for the table of pins and the links
 * that go with it, `lock` for the numbers.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include "base/map.h"
#include "store/live.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* "in.", "pin." and 64 digits, and a NUL. */
#define STORE_NAME_MAX 80

struct store {
	int blobs; /* DIR/sha256 */
	int live; /* DIR/live */
	int private; /* our directory in it, locked */
	char private_name[STORE_LIVE_NAME_MAX];
	atomic_uint serial; /* names of what arrives */

	pthread_mutex_t pin_lock;
	struct map pins;

	pthread_mutex_t lock;
	struct store_stats n;
	uint64_t fresh; /* bytes that came since the last count */
	uint64_t after; /* what the last pass left */
	uint64_t full_until; /* clock_ms(): no use in collecting before that */

	pthread_mutex_t collecting;
	struct task *collector; /* NULL: none */
	pthread_cond_t wake; /* with `lock` */
	bool due;
	atomic_bool stop;
};

/* Bytes of disk that a blob takes. */
uint64_t store_charge(uint64_t size);

/* ---- entry.c: where a blob stands */

/* The directory and the name in it of a blob's entry. */
struct store_place {
	int dir; /* O_PATH */
	char name[STORE_NAME_MAX];
};

/*
 * `make`: also make the directory.  What stands in its way is removed.
 * 0, to be released; -ENOENT; another error.
 */
int store_place_init(struct store *s, struct store_place *at,
		     const struct digest *d, bool make);
void store_place_release(struct store_place *at);
/*
 * Look at what stands at `name`: 0 when it is a plain file; -ENOENT, also
 * when it was something else, which is removed.
 */
int store_entry_stat(struct store *s, int dir, const char *name,
		     struct stat *st);
/* The same with a descriptor to read it. */
int store_entry_open(struct store *s, int dir, const char *name,
		     struct stat *st);
/* Used now: so it is collected later than others. */
void store_entry_touch(int dir, const char *name, const struct stat *st);

/* ---- pin.c: what must stay */

/* The name of a pin in the private directory. */
void store_pin_name(const struct digest *d, char out[static STORE_NAME_MAX]);
/* A descriptor of a blob that is pinned by this handle, or -ENOENT. */
int store_pin_open(struct store *s, const struct digest *d, struct stat *st);
/*
 * A verified file of the private directory stands for `d` from now on, if that
 * is pinned, or is to be: called before it is published.
 */
int store_pin_renew(struct store *s, const struct digest *d, const char *name,
		    bool pin);
/* The entry and the pin are damaged if they are inode `ino`: remove them. */
void store_damaged(struct store *s, const struct digest *d, ino_t ino);
void store_pins_release(struct store *s);

/* ---- gc.c: the collector */

int store_gc_start(struct store *s, struct err *err);
void store_gc_stop(struct store *s);
/*
 * Take room for a blob of `size` bytes that will arrive, collecting if need
 * be: 0, -EFBIG or -ENOSPC.
 */
int store_room_take(struct store *s, uint64_t size);
/* It was given up. */
void store_room_drop(struct store *s, uint64_t size);
/* It was published in place of one of `replaced` bytes; UINT64_MAX: none. */
void store_room_fill(struct store *s, uint64_t size, uint64_t replaced);

#endif
