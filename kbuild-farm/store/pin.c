/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/state.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pin {
	struct map_node node;
	struct digest digest;
	unsigned count;
};

void store_pin_name(const struct digest *d, char out[static STORE_NAME_MAX])
{
	memcpy(out, "pin.", 4);
	digest_hex(d, out + 4);
}

/* All below: with pin_lock held. */

static struct pin *find_pin(struct store *s, const struct digest *d)
{
	struct map_node *n = map_find(&s->pins, digest_hash(d));

	while (n && !digest_equal(&((struct pin *)n)->digest, d))
		n = map_again(n);
	return (struct pin *)n;
}

static void count_one(struct store *s, const struct digest *d)
{
	struct pin *pin = find_pin(s, d);

	if (!pin) {
		pin = xcalloc(1, sizeof(*pin));
		pin->digest = *d;
		map_add(&s->pins, &pin->node, digest_hash(d));
	}
	pin->count++;
}

/* The pin's link stands and is of this size. */
static bool linked(struct store *s, const char *name, uint64_t size)
{
	struct stat st;

	return !store_entry_stat(s, s->private, name, &st) &&
	       (uint64_t)st.st_size == size;
}

/* Make the link from the entry, in place of what there may be. */
static int link_entry(struct store *s, const struct digest *d, const char *name,
		      uint64_t size)
{
	struct store_place at;
	struct stat st;
	int ret = store_place_init(s, &at, d, false);

	if (ret)
		return ret;
	ret = store_entry_stat(s, at.dir, at.name, &st);
	if (!ret && (uint64_t)st.st_size != size)
		ret = -ENOENT;
	if (!ret)
		ret = fs_remove_at(s->private, name);
	if (!ret && linkat(at.dir, at.name, s->private, name, 0))
		ret = -errno;
	/* The entry may have been replaced since. */
	if (!ret && !linked(s, name, size)) {
		fs_remove_at(s->private, name);
		ret = -ENOENT;
	}
	if (!ret)
		store_entry_touch(s->private, name, &st);
	store_place_release(&at);
	return ret;
}

int store_pin(struct store *s, const struct digest *d, uint64_t size)
{
	char name[STORE_NAME_MAX];
	int ret = 0;

	store_pin_name(d, name);
	pthread_mutex_lock(&s->pin_lock);
	if (!find_pin(s, d) || !linked(s, name, size))
		ret = link_entry(s, d, name, size);
	if (!ret)
		count_one(s, d);
	pthread_mutex_unlock(&s->pin_lock);
	return ret;
}

void store_unpin(struct store *s, const struct digest *d)
{
	char name[STORE_NAME_MAX];
	struct pin *pin;

	pthread_mutex_lock(&s->pin_lock);
	pin = find_pin(s, d);
	if (pin && !--pin->count) {
		store_pin_name(d, name);
		fs_remove_at(s->private, name);
		map_remove(&s->pins, &pin->node);
		free(pin);
	}
	pthread_mutex_unlock(&s->pin_lock);
	pthread_mutex_lock(&s->lock);
	s->full_until = 0;
	pthread_mutex_unlock(&s->lock);
}

int store_pin_open(struct store *s, const struct digest *d, struct stat *st)
{
	char name[STORE_NAME_MAX];
	int ret = -ENOENT;

	pthread_mutex_lock(&s->pin_lock);
	if (find_pin(s, d)) {
		store_pin_name(d, name);
		ret = store_entry_open(s, s->private, name, st);
	}
	pthread_mutex_unlock(&s->pin_lock);
	return ret;
}

/* In one step: somebody may be about to open what stands there. */
static int relink_pin(struct store *s, const char *name, const char *to)
{
	char between[STORE_NAME_MAX];
	int ret = 0;

	if (!linkat(s->private, name, s->private, to, 0))
		return 0;
	if (errno != EEXIST)
		return -errno;
	snprintf(between, sizeof(between), "%.70s.pin", name);
	if (linkat(s->private, name, s->private, between, 0))
		return -errno;
	if (renameat(s->private, between, s->private, to)) {
		ret = -errno;
		unlinkat(s->private, between, 0);
	}
	return ret;
}

int store_pin_renew(struct store *s, const struct digest *d, const char *name,
		    bool pin)
{
	char to[STORE_NAME_MAX];
	int ret = 0;

	store_pin_name(d, to);
	pthread_mutex_lock(&s->pin_lock);
	if (pin || find_pin(s, d))
		ret = relink_pin(s, name, to);
	if (!ret && pin)
		count_one(s, d);
	pthread_mutex_unlock(&s->pin_lock);
	return ret;
}

static void remove_if(int dir, const char *name, ino_t ino)
{
	struct stat st;

	if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && st.st_ino == ino)
		unlinkat(dir, name, 0);
}

void store_damaged(struct store *s, const struct digest *d, ino_t ino)
{
	char name[STORE_NAME_MAX];
	struct store_place at;

	store_pin_name(d, name);
	pthread_mutex_lock(&s->pin_lock);
	remove_if(s->private, name, ino);
	pthread_mutex_unlock(&s->pin_lock);
	if (!store_place_init(s, &at, d, false)) {
		remove_if(at.dir, at.name, ino);
		store_place_release(&at);
	}
	pthread_mutex_lock(&s->lock);
	s->n.damaged++;
	pthread_mutex_unlock(&s->lock);
}

void store_pins_release(struct store *s)
{
	map_release_all(&s->pins, NULL);
}
