/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/installed.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIST_MAX 10000 /* of names, notes and the like */

static void put(json_t *o, const char *key, const char *value)
{
	json_object_set_new(o, key, json_text(value));
}

static void put_digest(json_t *o, const char *key, const struct digest *d,
		       bool known)
{
	static const struct digest none;
	char hex[DIGEST_HEX];

	digest_hex(d, hex);
	put(o, key, known && !digest_equal(d, &none) ? hex : NULL);
}

char *toolchain_installed_encode(const struct toolchain_installed *t)
{
	json_t *o = json_object(), *verified = json_object();
	char *out, *line;

	put(o, "id", t->id);
	put(o, "release", t->release);
	put(o, "version", t->version);
	put(o, "kind", t->is_clang ? "clang" : "gcc");
	put(o, "triplet", t->triplet);
	put(o, "host", t->host);
	put(o, "prefix", t->within);
	put(o, "driver", t->driver);
	put(o, "url", t->url);
	put_digest(o, "archive_sha256", &t->archive, true);
	put_digest(o, "tree", &t->tree, true);
	put_digest(o, "content", &t->content, t->has_content);
	put(verified, "sums_key", t->sums_key);
	put(verified, "tar_key", t->tar_key);
	json_object_set_new(verified, "sha256_given",
			    json_boolean(t->sha256_given));
	json_object_set_new(o, "verified", verified);
	json_object_set_new(o, "insecure", json_boolean(t->insecure));
	put(o, "date", t->date);
	json_object_set_new(o, "links", json_texts(&t->links));
	json_object_set_new(o, "hostlibs", json_texts(&t->hostlibs));
	put(o, "adopted", t->adopted);
	if (t->adopted)
		json_object_set_new(o, "tools", json_texts(&t->tools));
	line = json_dumps(o, JSON_INDENT(2));
	if (!line)
		str_out_of_memory();
	out = xasprintf("%s\n", line);
	free(line);
	json_decref(o);
	return out;
}

/* What is read; `bad` is the first key that is not as it should be. */
struct from {
	json_t *o;
	const char *bad;
};

static void get(struct from *f, const char *key, bool needed, char **out)
{
	json_t *j = json_object_get(f->o, key);

	*out = NULL;
	if (json_is_string(j))
		*out = xstrdup(json_string_value(j));
	else if ((needed || (j && !json_is_null(j))) && !f->bad)
		f->bad = key;
}

static bool get_digest(struct from *f, const char *key, struct digest *out)
{
	char *hex;
	bool there;

	get(f, key, false, &hex);
	there = hex && digest_parse(out, hex);
	if (hex && !there && !f->bad)
		f->bad = key;
	free(hex);
	return there;
}

static void get_list(struct from *f, const char *key, struct strv *out)
{
	json_t *a = json_object_get(f->o, key), *j;
	size_t i;

	if (a && (!json_is_array(a) || json_array_size(a) > LIST_MAX)) {
		f->bad = f->bad ? f->bad : key;
		return;
	}
	json_array_foreach(a, i, j)
	{
		if (json_is_string(j))
			strv_add(out, json_string_value(j));
		else if (!f->bad)
			f->bad = key;
	}
}

static bool get_flag(struct from *f, const char *key)
{
	json_t *j = json_object_get(f->o, key);

	if (!json_is_boolean(j) && !f->bad)
		f->bad = key;
	return json_is_true(j);
}

static void get_kind(struct from *f, bool *is_clang)
{
	char *kind;

	get(f, "kind", true, &kind);
	if (kind && strcmp(kind, "gcc") && strcmp(kind, "clang") && !f->bad)
		f->bad = "kind";
	*is_clang = str_equal(kind ? kind : "", "clang");
	free(kind);
}

static void get_verified(struct from *f, struct toolchain_installed *t)
{
	struct from in = { .o = json_object_get(f->o, "verified") };

	if (!json_is_object(in.o)) {
		f->bad = f->bad ? f->bad : "verified";
		return;
	}
	get(&in, "sums_key", false, &t->sums_key);
	get(&in, "tar_key", false, &t->tar_key);
	t->sha256_given = get_flag(&in, "sha256_given");
	f->bad = f->bad ? f->bad : in.bad;
}

static void get_all(struct from *f, struct toolchain_installed *t)
{
	get(f, "id", true, &t->id);
	get(f, "release", true, &t->release);
	get(f, "version", true, &t->version);
	get_kind(f, &t->is_clang);
	get(f, "triplet", false, &t->triplet);
	get(f, "host", true, &t->host);
	get(f, "prefix", true, &t->within);
	get(f, "driver", true, &t->driver);
	get(f, "url", false, &t->url);
	get_digest(f, "archive_sha256", &t->archive);
	get_digest(f, "tree", &t->tree);
	t->has_content = get_digest(f, "content", &t->content);
	get_verified(f, t);
	t->insecure = get_flag(f, "insecure");
	get(f, "date", false, &t->date);
	get_list(f, "links", &t->links);
	get_list(f, "hostlibs", &t->hostlibs);
	get_list(f, "tools", &t->tools);
	get(f, "adopted", false, &t->adopted);
}

/* Do the fields agree with each other, and may they become paths? */
static const char *check(const struct toolchain_installed *t)
{
	struct toolchain_release r;
	struct err ignored;

	if (!toolchain_is_id(t->id))
		return "id";
	if (toolchain_release_parse(t->release, &r, &ignored) ||
	    r.is_clang != t->is_clang)
		return "release";
	if (!t->is_clang && !t->triplet)
		return "triplet";
	if (t->adopted ? t->within[0] != '/' :
			 !toolchain_tree_is_path(t->within))
		return "prefix";
	if (!toolchain_tree_is_path(t->driver) || strchr(t->driver, '/'))
		return "driver";
	return NULL;
}

int toolchain_installed_decode(struct toolchain_installed *out, struct bytes in,
			       struct err *err)
{
	struct from f = { 0 };
	json_error_t why;

	*out = (struct toolchain_installed){ 0 };
	f.o = json_loadb((const char *)in.data, in.len, JSON_REJECT_DUPLICATES,
			 &why);
	if (!f.o)
		return err_set(err, EINVAL, "line %d: %s", why.line, why.text);
	if (json_is_object(f.o))
		get_all(&f, out);
	else
		f.bad = "id";
	if (!f.bad)
		f.bad = check(out);
	json_decref(f.o);
	if (!f.bad)
		return 0;
	toolchain_installed_release(out);
	return err_set(err, EINVAL, "\"%s\" is not what it should be", f.bad);
}

void toolchain_installed_release(struct toolchain_installed *t)
{
	free(t->id);
	free(t->release);
	free(t->version);
	free(t->triplet);
	free(t->host);
	free(t->within);
	free(t->driver);
	free(t->url);
	free(t->sums_key);
	free(t->tar_key);
	free(t->date);
	strv_release(&t->links);
	strv_release(&t->hostlibs);
	strv_release(&t->tools);
	free(t->adopted);
	free(t->dir);
	free(t->prefix);
	free(t->bin);
	*t = (struct toolchain_installed){ 0 };
}

char *toolchain_installed_now(void)
{
	time_t now = time(NULL);
	struct tm tm = { 0 };
	char text[32];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return xstrdup(text);
}
