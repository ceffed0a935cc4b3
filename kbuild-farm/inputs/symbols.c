/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/symbols.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/stamp.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)16 << 20)

struct known_symbol {
	struct map_node node;
	const struct inputs_symbol *is;
};

struct known_file {
	struct map_node node;
	struct stamp stamp;
	const struct inputs_symbols *symbols; /* NULL: none can be trusted */
	char path[];
};

struct inputs_symbol_table {
	pthread_mutex_t lock; /* of all of it */
	struct arena arena;
	struct map symbols, files;
	uint32_t n_symbols;
};

/* What is found in one text. */
struct search {
	struct inputs_symbol_table *table;
	const struct inputs_symbol **v;
	size_t n;
	bool *seen; /* by number */
	size_t n_seen;
};

struct inputs_symbol_table *inputs_symbols_new(void)
{
	struct inputs_symbol_table *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void inputs_symbols_free(struct inputs_symbol_table *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	map_release(&t->symbols);
	map_release(&t->files);
	arena_release(&t->arena);
	free(t);
}

/* ------------------------------------------------------------------ texts */

/* isalnum() of the C locale, which is fixdep's, and '_'. */
static bool is_of_symbol(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

static const struct inputs_symbol *intern_symbol(struct inputs_symbol_table *t,
						 const char *s, size_t len)
{
	uint64_t hash = map_hash(bytes_of(s, len));
	struct inputs_symbol *is;
	struct known_symbol *k;
	struct map_node *n;

	for (n = map_find(&t->symbols, hash); n; n = map_again(n)) {
		k = (struct known_symbol *)n;
		if (k->is->len == len && !memcmp(k->is->name, s, len))
			return k->is;
	}
	is = arena_alloc(&t->arena, sizeof(*is) + len + 1);
	is->id = t->n_symbols++;
	is->len = (uint32_t)len;
	memcpy(is->name, s, len);
	is->name[len] = '\0';
	k = arena_alloc(&t->arena, sizeof(*k));
	k->is = is;
	map_add(&t->symbols, &k->node, hash);
	return is;
}

static void add_symbol(struct search *f, const char *s, size_t len)
{
	static const char module[] = "_MODULE";
	const size_t tail = sizeof(module) - 1;
	const struct inputs_symbol *is;

	if (len >= tail && !memcmp(s + len - tail, module, tail))
		len -= tail;
	if (!len)
		return;
	is = intern_symbol(f->table, s, len);
	while (f->n_seen <= is->id)
		*VEC_ADD(f->seen, f->n_seen) = false;
	if (!f->seen[is->id])
		*VEC_ADD(f->v, f->n) = is;
	f->seen[is->id] = true;
}

static void search_text(struct search *f, struct bytes text)
{
	static const char word[] = "CONFIG_";
	const struct bytes what = bytes_of(word, sizeof(word) - 1);
	const char *start = (const char *)text.data, *end = start + text.len;
	const char *p = start;

	/* 'G' is the least frequent of these. */
	while ((p = bytes_find(bytes_of(p, (size_t)(end - p)), what, 5))) {
		const char *q = p + what.len;
		bool inside = p > start && is_of_symbol(p[-1]);

		p = q;
		if (inside)
			continue;
		while (q < end && is_of_symbol(*q))
			q++;
		add_symbol(f, p, (size_t)(q - p));
		p = q;
	}
}

/* ------------------------------------------------------------------ files */

static struct known_file *find_known_file(struct inputs_symbol_table *t,
					  const char *path, uint64_t hash)
{
	struct map_node *n;

	for (n = map_find(&t->files, hash); n; n = map_again(n)) {
		struct known_file *f = (struct known_file *)n;

		if (!strcmp(f->path, path))
			return f;
	}
	return NULL;
}

static const struct inputs_symbols *known_symbols(struct inputs_symbol_table *t,
						  const char *path,
						  uint64_t hash,
						  const struct stamp *now)
{
	const struct inputs_symbols *symbols = NULL;
	const struct known_file *f;

	pthread_mutex_lock(&t->lock);
	f = find_known_file(t, path, hash);
	if (f && stamp_equal(&f->stamp, now))
		symbols = f->symbols;
	pthread_mutex_unlock(&t->lock);
	return symbols;
}

/* Under the lock. */
static const struct inputs_symbols *symbols_of(struct inputs_symbol_table *t,
					       struct bytes text)
{
	struct search f = { .table = t };
	struct inputs_symbols *out;

	search_text(&f, text);
	out = arena_alloc(&t->arena, sizeof(*out) + f.n * sizeof(*f.v));
	out->n = f.n;
	if (f.n)
		memcpy(out->v, f.v, f.n * sizeof(*f.v));
	free(f.seen);
	free(f.v);
	return out;
}

/* `now` NULL: what was read must be looked for again the next time. */
static const struct inputs_symbols *remember_symbols(
	struct inputs_symbol_table *t, const char *path, uint64_t hash,
	struct bytes text, const struct stamp *now)
{
	const struct inputs_symbols *symbols;
	size_t size = strlen(path) + 1;
	struct known_file *f;

	pthread_mutex_lock(&t->lock);
	symbols = symbols_of(t, text);
	f = find_known_file(t, path, hash);
	if (!f && now) {
		f = arena_alloc(&t->arena, sizeof(*f) + size);
		memcpy(f->path, path, size);
		map_add(&t->files, &f->node, hash);
	}
	if (f) {
		f->symbols = now ? symbols : NULL;
		f->stamp = now ? *now : (struct stamp){ 0 };
	}
	pthread_mutex_unlock(&t->lock);
	return symbols;
}

static int look_at_plain_file(const char *path, struct stamp *now,
			      struct err *err)
{
	struct stat st;

	if (stat(path, &st))
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s is no plain file", path);
	stamp_of(now, &st);
	return 0;
}

int inputs_symbols_get(struct inputs_symbol_table *t, const char *path,
		       const struct stamp *seen,
		       const struct inputs_symbols **out, struct err *err)
{
	uint64_t hash = map_hash(bytes_str(path));
	int64_t began = stamp_now();
	struct stamp before = { 0 }, after = { 0 };
	struct buf text = { 0 };
	const uint8_t *nul;
	int ret;

	*out = seen ? known_symbols(t, path, hash, seen) : NULL;
	if (*out)
		return 0;
	ret = look_at_plain_file(path, &before, err);
	if (ret)
		return ret;
	*out = known_symbols(t, path, hash, &before);
	if (*out)
		return 0;
	ret = fs_read(path, FILE_MAX, &text, err);
	if (!ret)
		ret = look_at_plain_file(path, &after, err);
	if (!ret && (!stamp_equal(&before, &after) || text.len != before.size))
		ret = err_set(err, EAGAIN, "%s is being written", path);
	if (!ret) {
		nul = text.len ? memchr(text.data, '\0', text.len) : NULL;
		if (nul)
			text.len = (size_t)(nul - text.data);
		*out = remember_symbols(
			t, path, hash, buf_bytes(&text),
			stamp_settled(&before, began) ? &before : NULL);
	}
	buf_release(&text);
	return ret;
}
