/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of an object:
 *
 *	u8	version of this format
 *	then, for each description, the newest first:
 *	u8	codec (wire/codec.h)
 *	u32	length after decompression
 *	bytes	u32 length, compressed description
 *
 * A description:
 *
 *	u32	time in seconds since the epoch
 *	str	toolchain
 *	bytes	the first 16 bytes of the toolchain's id
 *	u8	1 if the result has messages, otherwise 0
 *	u32	number of words, and for each of them:
 *	str	word
 *	u32	number of files, and for each of them:
 *	u32	hash of the path, u32 hash of the content
 *	then, for each definition header, up to the end:
 *	str	path
 *	str	definitions
 *
 * Numbers are little-endian.
 */
#include "cache/action.h"

#include "base/vec.h"
#include "wire/codec.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VERSION          2
#define DESCRIPTIONS_MAX 8
#define TEXT_MAX         (1u << 20)
#define DESCRIPTION_MAX  (8u << 20)
#define ID_SIZE          16

static const char *const miss_texts[CACHE_N_MISSES] = {
	[CACHE_MISS_NEW] = "new",
	[CACHE_MISS_TOOLCHAIN] = "toolchain",
	[CACHE_MISS_COMMAND] = "command",
	[CACHE_MISS_FILE] = "file",
	[CACHE_MISS_DEFINITION] = "definition",
	[CACHE_MISS_REMOVED] = "removed",
};

const char *cache_miss_text(enum cache_miss cause)
{
	return miss_texts[cause];
}

bool cache_miss_parse(const char *text, enum cache_miss *out)
{
	for (int i = 0; i < CACHE_N_MISSES; i++) {
		if (!strcmp(text, miss_texts[i])) {
			*out = (enum cache_miss)i;
			return true;
		}
	}
	return false;
}

/* --------------------------------------------------------------- compiles */

void cache_action_set_toolchain(struct cache_action *a, bool is_clang,
				const char *version, const struct digest *id)
{
	a->toolchain = xasprintf("%s %s", is_clang ? "clang" : "gcc", version);
	a->toolchain_id = *id;
}

/*
 * Add the word that consists of `prefix` and `value`.  If `value` is a path in
 * a root, a name such as "<source>" replaces the path of the root.
 */
static void add_located_word(struct cache_action *a, const char *prefix,
			     const char *value,
			     const struct cache_located_compile *c)
{
	char *shown = cache_roots_show(c->roots, value);

	strv_addf(&a->words, "%s%s", prefix, shown);
	free(shown);
}

static void add_flag_words(struct cache_action *a,
			   const struct cache_located_compile *c)
{
	for (size_t i = 0; i < c->flags->n_flags; i++) {
		const char *name = c->flags->flags[i].name;
		const char *value = c->flags->flags[i].value;
		size_t len = strlen(name);
		/*
		 * A value follows its name directly in -O2 and -std=gnu11, but
		 * not in -include FILE.
		 */
		bool joined = len <= 2 || (len && name[len - 1] == '=');
		char *prefix = xasprintf("flag %s%s", name,
					 value && !joined ? " " : "");

		add_located_word(a, prefix, value ? value : "", c);
		free(prefix);
	}
}

/* Return the name of a file of the closure, owned by `a` or by `c`. */
static const char *show_file(struct cache_action *a, const char *path,
			     const struct cache_located_compile *c)
{
	if (*path != '/')
		return path;
	strv_own(&a->names, cache_roots_show(c->roots, path));
	return a->names.v[a->names.n - 1];
}

void cache_action_init(struct cache_action *a,
		       const struct cache_located_compile *c)
{
	*a = (struct cache_action){ .object = c->object,
				    .has_variables = c->env,
				    .n_files = c->closure->n_files };
	/* Add the roots only if the result can depend on them. */
	if (cache_roots_find_obstacle(c, &a->obstacle)) {
		for (size_t i = 0; i < c->roots->n; i++)
			strv_addf(&a->words, "%s %s",
				  i ? "build-directory" : "source-tree",
				  c->roots->dirs[i]);
	}
	add_located_word(a, "directory ", c->cwd, c);
	add_located_word(a, "source ", c->source, c);
	add_flag_words(a, c);
	for (char *const *v = c->env; v && *v; v++)
		strv_addf(&a->words, "variable %s", *v);
	for (char *const *v = c->arguments; v && *v; v++)
		strv_addf(&a->words, "argument %s", *v);
	a->files = xcalloc(a->n_files + 1, sizeof(*a->files));
	for (size_t i = 0; i < a->n_files; i++) {
		const struct cpp_file *file = &c->closure->files[i];

		a->files[i].path = show_file(a, file->path, c);
		a->files[i].definitions = file->definitions;
	}
}

void cache_action_release(struct cache_action *a)
{
	free(a->toolchain);
	strv_release(&a->words);
	strv_release(&a->names);
	free(a->files);
	*a = (struct cache_action){ 0 };
}

/* ----------------------------------------------------------- descriptions */

static uint32_t hash_text(const char *s)
{
	uint64_t h = bytes_hash(bytes_str(s), 0);

	return (uint32_t)(h ^ h >> 32);
}

/*
 * Hash the properties of a file that the key covers: the execute permission and
 * the content.  For a definition header, the short key covers the definitions
 * instead of the content.
 */
static uint32_t hash_described(const struct cache_action_file *f,
			       bool has_messages)
{
	uint32_t h;

	if (f->definitions && !has_messages)
		h = hash_text(f->definitions);
	else
		memcpy(&h, f->digest.b, sizeof(h));
	return f->executable ? ~h : h;
}

static void encode_description(struct buf *b, const struct cache_action *a)
{
	buf_put_u32(b, (uint32_t)time(NULL));
	buf_put_str(b, a->toolchain);
	buf_add(b, a->toolchain_id.b, ID_SIZE);
	buf_put_u8(b, a->has_messages);
	buf_put_u32(b, (uint32_t)a->words.n);
	for (size_t i = 0; i < a->words.n; i++)
		buf_put_str(b, a->words.v[i]);
	buf_put_u32(b, (uint32_t)a->n_files);
	for (size_t i = 0; i < a->n_files; i++) {
		buf_put_u32(b, hash_text(a->files[i].path));
		buf_put_u32(b, hash_described(&a->files[i], a->has_messages));
	}
	for (size_t i = 0; i < a->n_files; i++) {
		if (!a->files[i].definitions)
			continue;
		buf_put_str(b, a->files[i].path);
		buf_put_str(b, a->files[i].definitions);
	}
}

struct described_file {
	uint32_t path, content;
};

struct described_header {
	char *path, *definitions;
};

struct description {
	int64_t time_s;
	char *toolchain;
	uint8_t id[ID_SIZE];
	bool has_messages;
	struct strv words;
	struct described_file *files; /* sorted by path */
	size_t n_files;
	struct described_header *headers;
	size_t n_headers;
};

static void description_release(struct description *d)
{
	free(d->toolchain);
	strv_release(&d->words);
	free(d->files);
	for (size_t i = 0; i < d->n_headers; i++) {
		free(d->headers[i].path);
		free(d->headers[i].definitions);
	}
	free(d->headers);
	*d = (struct description){ 0 };
}

static int compare_described_files(const void *a, const void *b)
{
	const struct described_file *x = a, *y = b;

	return x->path < y->path ? -1 : x->path > y->path;
}

/* Decode a description.  Returns false, with `d` empty, if it is damaged. */
static bool decode_description(struct description *d, struct bytes in)
{
	struct reader r;
	struct bytes id, messages;
	uint32_t n;

	*d = (struct description){ 0 };
	reader_init(&r, in);
	d->time_s = reader_u32(&r);
	d->toolchain = reader_str(&r, TEXT_MAX);
	id = reader_raw(&r, ID_SIZE);
	if (!r.bad)
		memcpy(d->id, id.data, ID_SIZE);
	messages = reader_raw(&r, 1);
	d->has_messages = !r.bad && messages.data[0];
	n = reader_u32(&r);
	for (uint32_t i = 0; i < n && !r.bad; i++) {
		strv_own(&d->words, reader_str(&r, TEXT_MAX));
		r.bad |= !strchr(d->words.v[i], ' ');
	}
	n = reader_u32(&r);
	if (!r.bad && n <= r.left / (2 * sizeof(uint32_t)))
		d->files = xcalloc((size_t)n + 1, sizeof(*d->files));
	for (uint32_t i = 0; d->files && i < n; i++) {
		d->files[i].path = reader_u32(&r);
		d->files[i].content = reader_u32(&r);
		d->n_files++;
	}
	while (d->files && !r.bad && r.left) {
		struct described_header *h = VEC_ADD(d->headers, d->n_headers);

		h->path = reader_str(&r, TEXT_MAX);
		h->definitions = reader_str(&r, TEXT_MAX);
	}
	if (r.bad || !d->files) {
		description_release(d);
		return false;
	}
	qsort(d->files, d->n_files, sizeof(*d->files), compare_described_files);
	return true;
}

static void make_record_key(struct digest *key, const char *object)
{
	struct buf b = { 0 };

	buf_put_str(&b, "kfarm actions");
	buf_put_str(&b, object);
	digest_bytes(buf_bytes(&b), key);
	buf_release(&b);
}

/* A description inside a record. */
struct packed_description {
	uint8_t codec;
	uint32_t raw_len;
	struct bytes packed;
};

/*
 * Read the next description.  Returns false at the end of the record, or if the
 * record is damaged.
 */
static bool next_packed(struct reader *r, struct packed_description *p)
{
	struct bytes codec = reader_raw(r, 1);

	if (r->bad)
		return false;
	p->codec = codec.data[0];
	p->raw_len = reader_u32(r);
	p->packed = reader_bytes(r);
	return !r->bad && p->raw_len <= DESCRIPTION_MAX;
}

static void begin_record(struct reader *r, const struct buf *record)
{
	struct bytes version;

	reader_init(r, buf_bytes(record));
	version = reader_raw(r, 1);
	r->bad |= !r->bad && version.data[0] != VERSION;
}

static void add_packed(struct buf *record, const struct packed_description *p)
{
	buf_put_u8(record, p->codec);
	buf_put_u32(record, p->raw_len);
	buf_put_u32(record, (uint32_t)p->packed.len);
	buf_add_bytes(record, p->packed);
}

/*
 * Return true if the description `p`, after decompression, is equal to `raw`,
 * except that the times may differ.
 */
static bool is_same_description(const struct packed_description *p,
				struct bytes raw)
{
	const size_t time_size = sizeof(uint32_t);
	struct buf old = { 0 };
	bool same = p->raw_len == raw.len &&
		    !wire_codec_unpack(&old, p->packed,
				       (enum wire_codec)p->codec, p->raw_len) &&
		    !memcmp(old.data + time_size, raw.data + time_size,
			    raw.len - time_size);

	buf_release(&old);
	return same;
}

int cache_action_store(struct cache *c, const struct cache_action *a)
{
	struct store *s = cache_store(c);
	struct buf raw = { 0 }, packed = { 0 }, old = { 0 }, record = { 0 };
	struct packed_description p;
	struct digest key;
	struct reader r;
	int ret;

	make_record_key(&key, a->object);
	encode_description(&raw, a);
	p.codec = (uint8_t)wire_codec_pack(&packed, buf_bytes(&raw), WIRE_ZSTD);
	p.raw_len = (uint32_t)raw.len;
	p.packed = buf_bytes(&packed);
	buf_put_u8(&record, VERSION);
	add_packed(&record, &p);
	store_get_record(s, STORE_RECORD_NOTE, &key, &old);
	begin_record(&r, &old);
	for (int n = 1; n < DESCRIPTIONS_MAX && next_packed(&r, &p) &&
			record.len + p.packed.len < STORE_RECORD_MAX / 2;) {
		if (is_same_description(&p, buf_bytes(&raw)))
			continue;
		add_packed(&record, &p);
		n++;
	}
	ret = store_put_record(s, STORE_RECORD_NOTE, &key, buf_bytes(&record));
	buf_release(&raw);
	buf_release(&packed);
	buf_release(&old);
	buf_release(&record);
	return ret;
}

/* ------------------------------------------------------------- comparison */

void cache_difference_release(struct cache_difference *d)
{
	for (size_t i = 0; i < d->n_changes; i++) {
		free(d->changes[i].name);
		free(d->changes[i].before);
		free(d->changes[i].after);
	}
	free(d->changes);
	*d = (struct cache_difference){ 0 };
}

/* Record a change.  All strings are copied; `name` has `len` bytes. */
static void add_change(struct cache_difference *out, enum cache_miss kind,
		       const char *name, size_t len, const char *before,
		       const char *after)
{
	struct cache_change *c = VEC_ADD(out->changes, out->n_changes);

	c->kind = kind;
	c->name = xstrndup(name, len);
	c->before = before ? xstrdup(before) : NULL;
	c->after = after ? xstrdup(after) : NULL;
	if (kind < out->cause)
		out->cause = kind;
}

static bool is_environment(const char *word)
{
	return str_starts(word, "variable ");
}

/*
 * Compare the words of two commands.  Words that both commands contain usually
 * have the same order.
 */
static void compare_commands(struct cache_difference *out,
			     const struct description *d,
			     const struct cache_action *a)
{
	size_t i = 0, k = 0;

	for (;;) {
		const char *before = i < d->words.n ? d->words.v[i] : NULL;
		const char *after = k < a->words.n ? a->words.v[k] : NULL;
		size_t kind;
		bool removed, added;

		if (!before && !after)
			return;
		if (before && is_environment(before) && !a->has_variables) {
			i++;
			continue;
		}
		if (before && after && !strcmp(before, after)) {
			i++, k++;
			continue;
		}
		removed = before && !strv_has(&a->words, before);
		added = after && !strv_has(&d->words, after);
		/* Both commands contain both words, but in another order. */
		if (!removed && !added)
			removed = before, added = after;
		kind = strcspn(removed ? before : after, " ");
		if (removed && added && strncmp(before, after, kind + 1) != 0)
			added = false;
		add_change(out, CACHE_MISS_COMMAND, removed ? before : after,
			   kind, removed ? before + kind + 1 : NULL,
			   added ? after + kind + 1 : NULL);
		i += removed;
		k += added;
	}
}

/* A #define or #undef in a list of definitions. */
struct directive {
	const char *name, *value;
	size_t name_len, value_len;
	bool defines;
};

/* Read the next directive, and move *list past it. */
static bool next_directive(const char **list, struct directive *d)
{
	const char *line = *list, *end;

	if (!line || !*line)
		return false;
	end = line + strcspn(line, "\n");
	*list = end + (*end == '\n');
	d->defines = str_starts(line, "#define ");
	d->name = line + strcspn(line, " \n");
	d->name += d->name < end;
	d->name_len = strcspn(d->name, " (\n");
	d->value = d->name + d->name_len;
	d->value += *d->value == ' ';
	d->value_len = (size_t)(end - d->value);
	return true;
}

/*
 * Return the value of a macro in a list, or NULL if the list does not define
 * the macro.  The caller frees it.
 */
static char *find_value(const char *list, const struct directive *wanted)
{
	struct directive d;
	char *found = NULL;

	while (next_directive(&list, &d)) {
		if (d.name_len != wanted->name_len ||
		    memcmp(d.name, wanted->name, d.name_len) != 0)
			continue;
		free(found);
		found = d.defines ? xstrndup(d.value, d.value_len) : NULL;
	}
	return found;
}

/*
 * Report the macros in `list` whose values in `before` and `after` differ.
 * With `new_only`, report only macros that `before` does not define.
 */
static void compare_lists(struct cache_difference *out, const char *list,
			  const char *before, const char *after, bool new_only)
{
	struct directive d;

	while (next_directive(&list, &d)) {
		char *x = find_value(before, &d), *y = find_value(after, &d);
		bool differ = !x != !y || (x && strcmp(x, y) != 0);

		if (differ && (!new_only || !x))
			add_change(out, CACHE_MISS_DEFINITION, d.name,
				   d.name_len, x, y);
		free(x);
		free(y);
	}
}

static void compare_header(struct cache_difference *out,
			   const struct description *d,
			   const struct cache_action_file *f)
{
	for (size_t i = 0; i < d->n_headers; i++) {
		const char *before = d->headers[i].definitions;
		size_t n = out->n_changes;

		if (strcmp(d->headers[i].path, f->path) != 0)
			continue;
		compare_lists(out, before, before, f->definitions, false);
		compare_lists(out, f->definitions, before, f->definitions,
			      true);
		if (out->n_changes > n)
			return;
	}
	/* The lists differ in another way, such as the order. */
	add_change(out, CACHE_MISS_FILE, f->path, strlen(f->path), "", "");
}

static void compare_file_lists(struct cache_difference *out,
			       const struct description *d,
			       const struct cache_action *a)
{
	size_t n_found = 0;

	for (size_t i = 0; i < a->n_files; i++) {
		const struct cache_action_file *f = &a->files[i];
		const struct described_file key = { hash_text(f->path), 0 };
		const struct described_file *old = bsearch(
			&key, d->files, d->n_files, sizeof(*d->files),
			compare_described_files);

		n_found += !!old;
		if (old && old->content == hash_described(f, d->has_messages))
			continue;
		if (old && f->definitions)
			compare_header(out, d, f);
		else
			add_change(out, CACHE_MISS_FILE, f->path,
				   strlen(f->path), old ? "" : NULL, "");
	}
	out->n_files_gone = d->n_files > n_found ?
				    (unsigned)(d->n_files - n_found) :
				    0;
	if (out->n_files_gone && out->cause > CACHE_MISS_FILE)
		out->cause = CACHE_MISS_FILE;
}

static void compare_description(struct cache_difference *out,
				const struct description *d,
				const struct cache_action *a)
{
	*out = (struct cache_difference){ .cause = CACHE_MISS_REMOVED,
					  .time_s = d->time_s };
	if (memcmp(d->id, a->toolchain_id.b, ID_SIZE) != 0)
		add_change(out, CACHE_MISS_TOOLCHAIN, "toolchain", 9,
			   d->toolchain, a->toolchain);
	compare_commands(out, d, a);
	compare_file_lists(out, d, a);
}

/* Return a measure of how much two compiles differ. */
static size_t distance(const struct cache_difference *d)
{
	static const unsigned weights[CACHE_N_MISSES] = {
		[CACHE_MISS_TOOLCHAIN] = 100,
		[CACHE_MISS_COMMAND] = 10,
		[CACHE_MISS_FILE] = 3,
		[CACHE_MISS_DEFINITION] = 1,
	};
	size_t sum = d->n_files_gone;

	for (size_t i = 0; i < d->n_changes; i++)
		sum += weights[d->changes[i].kind];
	return sum;
}

void cache_action_compare(struct cache *c, const struct cache_action *a,
			  bool skip_equal, struct cache_difference *out)
{
	struct packed_description p;
	struct buf record = { 0 };
	struct digest key;
	struct reader r;

	*out = (struct cache_difference){ .cause = CACHE_MISS_NEW };
	make_record_key(&key, a->object);
	store_get_record(cache_store(c), STORE_RECORD_NOTE, &key, &record);
	begin_record(&r, &record);
	while (next_packed(&r, &p)) {
		struct cache_difference difference = { 0 };
		struct description d = { 0 };
		struct buf raw = { 0 };
		bool better = false;

		if (!wire_codec_unpack(&raw, p.packed, (enum wire_codec)p.codec,
				       p.raw_len) &&
		    decode_description(&d, buf_bytes(&raw))) {
			compare_description(&difference, &d, a);
			better = out->cause == CACHE_MISS_NEW ||
				 distance(&difference) < distance(out);
			if (skip_equal &&
			    difference.cause == CACHE_MISS_REMOVED)
				better = false;
		}
		if (better) {
			cache_difference_release(out);
			*out = difference;
		} else {
			cache_difference_release(&difference);
		}
		description_release(&d);
		buf_release(&raw);
	}
	buf_release(&record);
}
