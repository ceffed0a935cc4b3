/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/catalog.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/vec.h"
#include "toolchain/catalog-ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMAT   1
#define FILE_MAX (32u << 20)

void toolchain_catalog_release(struct toolchain_catalog *c)
{
	for (size_t i = 0; i < c->n; i++)
		toolchain_archive_release(&c->v[i]);
	free(c->v);
	free(c->stale);
	strv_release(&c->failed);
	strv_release(&c->warnings);
	*c = (struct toolchain_catalog){ 0 };
}

char *toolchain_catalog_file(void)
{
	char *home = fs_cache_home();
	char *file = xasprintf("%s/catalog", home);

	free(home);
	return file;
}

void toolchain_catalog_add(struct toolchain_catalog *c, const char *path)
{
	struct toolchain_archive a;

	if (c->n >= TOOLCHAIN_CATALOG_MAX || !toolchain_archive_parse(&a, path))
		return;
	*VEC_ADD(c->v, c->n) = a;
}

/* By what it is; then .xz before .gz, - before _. */
static int same_order(const struct toolchain_archive *a,
		      const struct toolchain_archive *b)
{
	int order;

	if (a->release.is_clang != b->release.is_clang)
		return a->release.is_clang - b->release.is_clang;
	order = toolchain_release_compare(&b->release, &a->release);
	if (!order)
		order = strcmp(a->host, b->host);
	if (!order && a->triplet && b->triplet)
		order = strcmp(a->triplet, b->triplet);
	return order;
}

static int order(const void *x, const void *y)
{
	const struct toolchain_archive *a = x, *b = y;
	int same = same_order(a, b);

	if (!same)
		same = str_ends(a->path, ".gz") - str_ends(b->path, ".gz");
	return same ? same : strcmp(a->path, b->path);
}

void toolchain_catalog_sort(struct toolchain_catalog *c)
{
	size_t n = 0;

	if (!c->n)
		return;
	qsort(c->v, c->n, sizeof(*c->v), order);
	for (size_t i = 1; i < c->n; i++) {
		if (same_order(&c->v[n], &c->v[i]))
			c->v[++n] = c->v[i];
		else
			toolchain_archive_release(&c->v[i]);
	}
	c->n = n + 1;
}

/* ------------------------------------------------------------ the cache */

char *toolchain_catalog_encode(const struct toolchain_catalog *c,
			       const struct strv *mirrors)
{
	json_t *archives = json_array(), *o;
	char *text;

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(archives, json_text(c->v[i].path));
	o = json_pack("{s:i, s:I, s:o, s:o, s:o}", "format", FORMAT, "fetched",
		      (json_int_t)c->fetched, "mirrors", json_texts(mirrors),
		      "failed", json_texts(&c->failed), "archives", archives);
	text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;
	json_decref(o);
	if (!text)
		str_out_of_memory();
	return text;
}

static void strings_of(json_t *array, struct strv *out)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s)
			strv_add(out, s);
	}
}

int toolchain_catalog_decode(struct toolchain_catalog *out, struct bytes text,
			     struct strv *mirrors, struct err *err)
{
	struct toolchain_catalog c = { 0 };
	json_error_t at;
	json_t *o = json_loadb((const char *)text.data, text.len, 0, &at);
	json_t *archives = json_object_get(o, "archives");

	if (!json_is_array(archives) ||
	    !json_is_integer(json_object_get(o, "fetched")) ||
	    json_integer_value(json_object_get(o, "format")) != FORMAT ||
	    json_array_size(archives) > TOOLCHAIN_CATALOG_MAX) {
		json_decref(o);
		return err_set(err, EINVAL, "no catalog of toolchains");
	}
	c.fetched = json_integer_value(json_object_get(o, "fetched"));
	strings_of(json_object_get(o, "failed"), &c.failed);
	if (mirrors)
		strings_of(json_object_get(o, "mirrors"), mirrors);
	for (size_t i = 0; i < json_array_size(archives); i++) {
		const char *s = json_string_value(json_array_get(archives, i));

		if (s)
			toolchain_catalog_add(&c, s);
	}
	json_decref(o);
	toolchain_catalog_sort(&c);
	*out = c;
	return 0;
}

/* What the cache holds of the same mirrors; a bad or no cache is none. */
static bool read_cache(struct toolchain_catalog *out,
		       const struct toolchain_catalog_setup *setup)
{
	struct strv mirrors = { 0 };
	struct err ignored = { 0 };
	struct buf text = { 0 };
	bool good;

	good = !fs_read(setup->file, FILE_MAX, &text, &ignored) &&
	       !toolchain_catalog_decode(out, buf_bytes(&text), &mirrors,
					 &ignored);
	if (good && !strv_equal(&mirrors, setup->mirrors)) {
		toolchain_catalog_release(out);
		good = false;
	}
	strv_release(&mirrors);
	buf_release(&text);
	return good;
}

static void write_cache(struct toolchain_catalog *c,
			const struct toolchain_catalog_setup *setup)
{
	char *text = toolchain_catalog_encode(c, setup->mirrors);
	char *dir = str_dir(setup->file);
	struct err err = { 0 };
	int ret = fs_mkdirs(dir, 0777, &err);

	if (!ret)
		ret = fs_write(setup->file, bytes_str(text), 0666, &err);
	if (ret)
		strv_add(&c->warnings, err.text);
	free(dir);
	free(text);
}

static bool is_fresh(const struct toolchain_catalog *c, int64_t now)
{
	return !c->failed.n && c->fetched <= now &&
	       now - c->fetched < TOOLCHAIN_CATALOG_DAY;
}

/* Of what could not be listed now: what it held when it could. */
static void keep_failed(struct toolchain_catalog *c,
			const struct toolchain_catalog *old)
{
	for (size_t k = 0; k < c->failed.n; k++) {
		for (size_t i = 0; i < old->n; i++) {
			if (str_starts(old->v[i].path, c->failed.v[k]))
				toolchain_catalog_add(c, old->v[i].path);
		}
	}
}

int toolchain_catalog_load(struct toolchain_catalog *out,
			   const struct toolchain_catalog_setup *setup,
			   struct err *err)
{
	struct toolchain_catalog old = { 0 };
	bool cached = read_cache(&old, setup);
	int64_t now = time(NULL);
	int ret;

	if (cached && !setup->refresh && is_fresh(&old, now)) {
		*out = old;
		return 0;
	}
	*out = (struct toolchain_catalog){ .fetched = now };
	ret = toolchain_catalog_ask(out, setup, err);
	if (!ret) {
		keep_failed(out, &old);
		toolchain_catalog_sort(out);
		write_cache(out, setup);
	} else if (cached && ret != -ECANCELED) {
		toolchain_catalog_release(out);
		*out = old;
		out->stale = xstrdup(err->text);
		return 0;
	}
	toolchain_catalog_release(&old);
	return ret;
}
