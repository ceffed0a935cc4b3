/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/digest-cache.h"

#include "base/fs.h"
#include "base/list.h"
#include "base/map.h"
#include "base/state-file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES_MAX 5

/*
 * A saved cache has a line for each file, most recently used first: digest,
 * permission to execute (0 or 1) and stamp.  The last line is the digest of all
 * lines before it.
 */
static const struct state_file saved_cache = { .max_bytes = 2u << 20,
					       .mode = 0600,
					       .is_private = true };

struct file {
	struct map_entry node;
	TAILQ_ENTRY(file) used;
	struct store_file_digest id;
};

struct store_digest_cache {
	pthread_mutex_t lock;
	struct map files;
	TAILQ_HEAD(file_list, file) used; /* most recently used first */
	size_t max_files;
	bool changed; /* since it was loaded or saved */
	uint64_t n_read, n_reused;
};

struct store_digest_cache *store_digest_cache_new(size_t max)
{
	struct store_digest_cache *cache = xcalloc(1, sizeof(*cache));

	pthread_mutex_init(&cache->lock, NULL);
	TAILQ_INIT(&cache->used);
	cache->max_files = max;
	return cache;
}

/* find_stamp() and add_cached_file() are called with the lock held. */

static struct file *find_stamp(struct store_digest_cache *cache,
			       const struct file_stamp *stamp)
{
	struct map_entry *n = map_find(&cache->files, file_stamp_hash(stamp));

	while (n && !file_stamp_equal(&((struct file *)n)->id.stamp, stamp))
		n = map_next_match(n);
	return (struct file *)n;
}

static void add_cached_file(struct store_digest_cache *cache,
			    const struct store_file_digest *id)
{
	struct file *f;

	if (!cache->max_files || find_stamp(cache, &id->stamp))
		return;
	cache->changed = true;
	while (cache->files.n_entries >= cache->max_files) {
		f = TAILQ_LAST(&cache->used, file_list);
		TAILQ_REMOVE(&cache->used, f, used);
		map_remove(&cache->files, &f->node);
		free(f);
	}
	f = xcalloc(1, sizeof(*f));
	f->id = *id;
	map_add(&cache->files, &f->node, file_stamp_hash(&id->stamp));
	TAILQ_INSERT_HEAD(&cache->used, f, used);
}

void store_digest_cache_free(struct store_digest_cache *cache)
{
	if (!cache)
		return;
	map_release_entries(&cache->files, NULL);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

bool store_digest_cache_find(struct store_digest_cache *cache,
			     const struct file_stamp *stamp,
			     struct store_file_digest *out)
{
	struct file *f;

	pthread_mutex_lock(&cache->lock);
	f = find_stamp(cache, stamp);
	if (f) {
		*out = f->id;
		TAILQ_REMOVE(&cache->used, f, used);
		TAILQ_INSERT_HEAD(&cache->used, f, used);
		cache->n_reused++;
	}
	pthread_mutex_unlock(&cache->lock);
	return f != NULL;
}

static int check_kind(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return S_ISREG(st->st_mode) ? 0 : -EINVAL;
}

static int read_file_digest(int fd, struct store_file_digest *out)
{
	int64_t now = file_stamp_now_ns();
	struct file_stamp after;
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	ret = check_kind(&st);
	if (ret)
		return ret;
	file_stamp_from_stat(&out->stamp, &st);
	ret = digest_fd(fd, out->stamp.size, &out->digest);
	if (ret)
		return ret == -EMSGSIZE ? -EAGAIN : ret;
	if (fstat(fd, &st))
		return -errno;
	file_stamp_from_stat(&after, &st);
	out->executable = st.st_mode & S_IXUSR;
	out->reliable = file_stamp_is_reliable(&out->stamp, now);
	return file_stamp_equal(&after, &out->stamp) ? 0 : -EAGAIN;
}

static int open_and_digest(const char *path, struct store_file_digest *out)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = read_file_digest(fd, out);
	close(fd);
	return ret;
}

int store_digest_cache_get(struct store_digest_cache *cache, const char *path,
			   struct store_file_digest *out, struct err *err)
{
	struct store_file_digest id = { 0 };
	struct file_stamp stamp;
	struct stat st;
	int ret = stat(path, &st) ? -errno : check_kind(&st);

	if (ret)
		return err_set(err, -ret, "%s: %s", path, strerror(-ret));
	file_stamp_from_stat(&stamp, &st);
	if (!store_digest_cache_find(cache, &stamp, &id)) {
		ret = -EAGAIN;
		for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++)
			ret = open_and_digest(path, &id);
		pthread_mutex_lock(&cache->lock);
		cache->n_read++;
		if (!ret && id.reliable)
			add_cached_file(cache, &id);
		pthread_mutex_unlock(&cache->lock);
	}
	if (ret == -EAGAIN)
		return err_set(err, EAGAIN, "%s: changed while being read",
			       path);
	if (ret)
		return err_set(err, -ret, "%s: %s", path, strerror(-ret));
	*out = id;
	return 0;
}

static bool parse_saved_file(struct store_file_digest *out, char *line)
{
	char *stamp = line + DIGEST_HEX + 2; /* "DIGEST X STAMP" */

	if (strlen(line) < DIGEST_HEX + 2 || line[DIGEST_HEX - 1] != ' ')
		return false;
	line[DIGEST_HEX - 1] = '\0';
	out->executable = line[DIGEST_HEX] == '1';
	return digest_parse(&out->digest, line) &&
	       file_stamp_parse(&out->stamp, stamp);
}

void store_digest_cache_load(struct store_digest_cache *cache, const char *path)
{
	struct store_file_digest id = { .reliable = true };
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err err;
	bool changed;

	if (!state_file_read(&saved_cache, path, &text, &err) &&
	    digest_cut_line(&text))
		strv_split(&lines, (char *)text.data, "\n");
	pthread_mutex_lock(&cache->lock);
	changed = cache->changed;
	for (size_t i = lines.n; i--;) {
		/*
		 * Skip a stamp whose ctime has whole seconds, as on a read-only
		 * image such as a squashfs.  If such an image has been replaced
		 * and mounted again, another file can have the same stamp.
		 */
		if (parse_saved_file(&id, lines.v[i]) &&
		    id.stamp.ctime_ns % 1000000000)
			add_cached_file(cache, &id);
	}
	cache->changed = changed;
	pthread_mutex_unlock(&cache->lock);
	strv_release(&lines);
	buf_release(&text);
}

void store_digest_cache_save(struct store_digest_cache *cache, const char *path)
{
	char hex[DIGEST_HEX], *stamp, *dir;
	struct buf text = { 0 };
	const struct file *f;
	struct err err;

	pthread_mutex_lock(&cache->lock);
	if (!cache->changed) {
		pthread_mutex_unlock(&cache->lock);
		return;
	}
	cache->changed = false;
	list_for_each(f, &cache->used, used) {
		digest_format(&f->id.digest, hex);
		stamp = file_stamp_format(&f->id.stamp);
		buf_printf(&text, "%s %d %s\n", hex, f->id.executable, stamp);
		free(stamp);
	}
	pthread_mutex_unlock(&cache->lock);
	digest_add_line(&text);
	dir = str_dir(path);
	if (!fs_mkdirs(dir, 0700, &err))
		state_file_write(&saved_cache, path, buf_bytes(&text), &err);
	buf_release(&text);
	free(dir);
}

void store_digest_cache_stats(struct store_digest_cache *cache,
			      struct store_digest_cache_stats *out)
{
	pthread_mutex_lock(&cache->lock);
	*out = (struct store_digest_cache_stats){
		.n_files = cache->files.n_entries,
		.n_read = cache->n_read,
		.n_reused = cache->n_reused,
	};
	pthread_mutex_unlock(&cache->lock);
}
