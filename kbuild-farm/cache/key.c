/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache/key.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/*
 * Increment these numbers if the key or the composition of a compiler's command
 * changes, or if a fixed bug may have left wrong results in the cache.
 */
#define FORMAT        "kfarm result 4"
#define FORMAT_SHARED "kfarm shared result 4"

#define SECOND_NS INT64_C(1000000000)

static void add_string(struct buf *b, const char *s)
{
	/* Distinguish NULL from the empty string. */
	buf_put_u8(b, s != NULL);
	if (s)
		buf_put_str(b, s);
}

/* Add a name, relative to the roots unless `r` is NULL. */
static void add_name(struct buf *b, const struct cache_roots *r,
		     const char *name)
{
	if (r)
		cache_roots_add_name(b, r, name);
	else
		add_string(b, name);
}

static void add_list(struct buf *b, char *const *list)
{
	for (; list && *list; list++)
		add_string(b, *list);
	add_string(b, NULL);
}

static void add_digest(struct buf *b, const struct digest *d)
{
	buf_add(b, d->b, sizeof(d->b));
}

/* A definition header, whose digest is not part of the short key. */
struct header {
	const struct inputs_entry *entry;
	const char *definitions;
};

struct headers {
	struct header *v;
	size_t n;
};

static const struct headers no_headers;

static const struct header *find_definitions(const struct headers *h,
					     const struct inputs_entry *e)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].entry == e)
			return &h->v[i];
	}
	return NULL;
}

/* Find the files that the unit uses only as definition headers. */
static void find_headers(struct headers *h, const struct inputs_manifest *m)
{
	for (size_t i = 0; i < m->closure.n_files; i++) {
		if (m->closure.files[i].definitions)
			*VEC_ADD(h->v, h->n) = (struct header){
				m->files[i].entry,
				m->closure.files[i].definitions
			};
	}
	for (size_t i = 0; i < m->closure.n_files; i++) {
		if (m->closure.files[i].kind != CPP_FILE_INPUT)
			continue;
		for (size_t k = 0; k < h->n; k++) {
			if (h->v[k].entry == m->files[i].entry)
				h->v[k].entry = NULL;
		}
	}
}

/*
 * Add an entry unless it is ABSENT.  ABSENT entries depend on the units that
 * were scanned before: they make a node remove a path that an earlier unit
 * needed.
 */
static void add_key_entry(struct buf *b, const struct inputs_entry *e,
			  const struct headers *headers,
			  const struct cache_roots *roots)
{
	const struct header *header;

	if (e->kind == WIRE_INODE_ABSENT)
		return;
	buf_put_u8(b, (uint8_t)e->kind);
	add_name(b, roots, e->path->name);
	if (e->kind == WIRE_INODE_SYMLINK) {
		add_string(b, e->target);
	} else if (e->kind == WIRE_INODE_FILE) {
		header = find_definitions(headers, e);
		add_string(b, header ? header->definitions : NULL);
		if (!header)
			add_digest(b, &e->file_digest.digest);
		buf_put_u8(b, e->file_digest.executable);
	}
}

static void add_entries(struct buf *b,
			const struct inputs_entry *const *entries, size_t n,
			const struct headers *headers,
			const struct cache_roots *roots)
{
	for (size_t i = 0; i < n; i++)
		add_key_entry(b, entries[i], headers, roots);
	buf_put_u8(b, UINT8_MAX);
}

static bool is_same_file(const struct inputs_entry *a,
			 const struct inputs_entry *b, bool clang)
{
	const struct file_stamp *x = &a->file_digest.stamp,
				*y = &b->file_digest.stamp;

	if (clang)
		return x->dev == y->dev && x->ino == y->ino;
	return x->mtime_ns / SECOND_NS == y->mtime_ns / SECOND_NS &&
	       digest_equal(&a->file_digest.digest, &b->file_digest.digest);
}

/* Add the indices of files that #pragma once regards as the same file. */
static void add_same_files(struct buf *b, const struct cache_key_inputs *in)
{
	const struct inputs_manifest *m = in->manifest;

	for (size_t i = 0; i < m->closure.n_files; i++) {
		size_t first = 0;

		while (!is_same_file(m->files[first].entry, m->files[i].entry,
				     in->toolchain->is_clang))
			first++;
		if (first != i) {
			buf_put_u32(b, (uint32_t)i);
			buf_put_u32(b, (uint32_t)first);
		}
	}
}

/* Add the names of files as the compiler spells them, and their real paths. */
static void add_names(struct buf *b, const struct cache_key_inputs *in)
{
	const struct inputs_manifest *m = in->manifest;
	struct cache_located_compile c;

	cache_key_locate(&c, in);
	cache_roots_add_closure(b, &c);
	/* Skip the source, which is files[0] and can be text from stdin. */
	for (size_t i = 1; i < m->closure.n_files; i++)
		cache_roots_add_name(b, in->roots,
				     m->files[i].entry->path->name);
}

/*
 * Make a key with names relative to `roots`.  If `roots` is NULL, the names are
 * absolute.
 */
static void make_key(struct digest *out, const struct cache_key_inputs *in,
		     const struct headers *headers,
		     const struct cache_roots *roots)
{
	const struct peer_job_request *job = in->job;
	struct buf b = { 0 };

	add_string(&b, roots ? FORMAT_SHARED : FORMAT);
	add_digest(&b, &in->toolchain->id);
	add_string(&b, in->toolchain->driver);
	add_entries(&b, job->language, job->n_language, &no_headers, NULL);

	buf_put_u8(&b, (uint8_t)job->lang);
	add_name(&b, roots, job->cwd->name);
	add_name(&b, roots, job->source);
	add_name(&b, roots, job->object);
	for (size_t i = 0; i < in->side_outputs->n; i++)
		add_string(&b, in->side_outputs->path[i]);
	add_string(&b, NULL);
	for (size_t i = 0; i < job->flags->n_flags; i++) {
		const struct options_flag *flag = &job->flags->flags[i];

		add_string(&b, flag->name);
		if (roots)
			cache_roots_add_value(&b, roots, flag);
		else
			add_string(&b, flag->value);
	}
	add_string(&b, NULL);
	add_list(&b, job->env);
	add_entries(&b, job->entries, job->n_entries, headers, roots);
	if (roots)
		add_names(&b, in);
	if (in->manifest->closure.mentions & CPP_MENTION_ONCE)
		add_same_files(&b, in);

	buf_put_u8(&b, (uint8_t)job->step);
	if (job->tool) {
		add_name(&b, roots, job->tool->path->name);
		add_entries(&b, job->tool->entries, job->tool->n_entries,
			    &no_headers, roots);
		add_list(&b, job->arguments);
	}
	digest_bytes(buf_bytes(&b), out);
	buf_release(&b);
}

void cache_key_locate(struct cache_located_compile *out,
		      const struct cache_key_inputs *in)
{
	const struct peer_job_request *job = in->job;

	*out = (struct cache_located_compile){
		.roots = in->roots,
		.is_c = job->lang == WIRE_LANG_C,
		.has_side_outputs = in->side_outputs->n ||
				    in->side_outputs->name_in_object,
		.writes_text = job->step == WIRE_STEP_DEVICETREE,
		.cwd = job->cwd->name,
		.source = job->source,
		.object = job->object,
		.flags = job->flags,
		.env = job->env,
		.arguments = job->tool ? job->arguments : NULL,
		.closure = &in->manifest->closure,
		.entries = job->entries,
		.n_entries = job->n_entries,
	};
}

bool cache_key_short(struct digest *out, const struct cache_key_inputs *in)
{
	struct headers headers = { 0 };
	struct cache_located_compile c;
	struct cache_obstacle obstacle;
	bool shared;

	cache_key_locate(&c, in);
	shared = in->roots && !cache_roots_find_obstacle(&c, &obstacle);
	find_headers(&headers, in->manifest);
	make_key(out, in, &headers, shared ? in->roots : NULL);
	free(headers.v);
	return shared;
}

void cache_key_full(struct digest *out, const struct cache_key_inputs *in)
{
	make_key(out, in, &no_headers, NULL);
}
