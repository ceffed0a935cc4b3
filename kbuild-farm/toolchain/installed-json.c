/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/installed.h"

#include "base/json.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIST_MAX 10000 /* of names, notes and the like */

enum kind {
	TEXT, /* or null */
	NEEDED, /* a text that must be there */
	FLAG,
	DIGEST, /* or null: zero */
	LIST, /* of texts */
	TOOLS, /* a list that only an adopted one has */
	COMPILER, /* "gcc" or "clang" */
	VERIFIED, /* an object of its own */
};

struct field {
	const char *key;
	enum kind kind;
	size_t offset;
};

#define AT(member) offsetof(struct toolchain_installed, member)

static const struct field verified_fields[] = {
	{ "sums_key", TEXT, AT(sums_key) },
	{ "tar_key", TEXT, AT(tar_key) },
	{ "sha256_given", FLAG, AT(sha256_given) },
	{ 0 },
};

/* In the order of the file. */
static const struct field fields[] = {
	{ "id", NEEDED, AT(id) },
	{ "release", NEEDED, AT(release) },
	{ "version", NEEDED, AT(version) },
	{ "kind", COMPILER, AT(is_clang) },
	{ "triplet", TEXT, AT(triplet) },
	{ "host", NEEDED, AT(host) },
	{ "prefix", NEEDED, AT(within) },
	{ "driver", NEEDED, AT(driver) },
	{ "url", TEXT, AT(url) },
	{ "archive_sha256", DIGEST, AT(archive) },
	{ "tree", DIGEST, AT(tree) },
	{ "content", DIGEST, AT(content) },
	{ "verified", VERIFIED, 0 },
	{ "insecure", FLAG, AT(insecure) },
	{ "date", TEXT, AT(date) },
	{ "links", LIST, AT(links) },
	{ "hostlibs", LIST, AT(hostlibs) },
	{ "adopted", TEXT, AT(adopted) },
	{ "tools", TOOLS, AT(tools) },
	{ 0 },
};

static json_t *fields_json(const struct field *f,
			   const struct toolchain_installed *t);

static json_t *field_json(const struct field *f,
			  const struct toolchain_installed *t)
{
	const void *at = (const char *)t + f->offset;
	char hex[DIGEST_HEX];

	switch (f->kind) {
	case TEXT:
	case NEEDED:
		return json_text(*(char *const *)at);
	case FLAG:
		return json_boolean(*(const bool *)at);
	case DIGEST:
		digest_hex(at, hex);
		return json_text(digest_is_known(at) ? hex : NULL);
	case LIST:
	case TOOLS:
		return json_texts(at);
	case COMPILER:
		return json_text(t->is_clang ? "clang" : "gcc");
	case VERIFIED:
		break;
	}
	return fields_json(verified_fields, t);
}

static json_t *fields_json(const struct field *f,
			   const struct toolchain_installed *t)
{
	json_t *o = json_object();

	for (; f->key; f++) {
		if (f->kind != TOOLS || t->adopted)
			json_object_set_new(o, f->key, field_json(f, t));
	}
	return o;
}

char *toolchain_installed_encode(const struct toolchain_installed *t)
{
	json_t *o = fields_json(fields, t);
	char *line = json_dumps(o, JSON_INDENT(2)), *out;

	if (!line)
		str_out_of_memory();
	out = xasprintf("%s\n", line);
	free(line);
	json_decref(o);
	return out;
}

static bool read_list(json_t *a, struct strv *out)
{
	json_t *j;
	size_t i;

	if (a && (!json_is_array(a) || json_array_size(a) > LIST_MAX))
		return false;
	json_array_foreach(a, i, j)
	{
		if (!json_is_string(j))
			return false;
		strv_add(out, json_string_value(j));
	}
	return true;
}

static bool read_json_text(json_t *j, bool needed, char **out)
{
	if (json_is_string(j))
		*out = xstrdup(json_string_value(j));
	return *out || (!needed && (!j || json_is_null(j)));
}

/* The first key that is not as it should be, or NULL. */
static const char *read_fields(json_t *o, const struct field *f,
			       struct toolchain_installed *t)
{
	bool good = true;

	for (; f->key; f++) {
		json_t *j = json_object_get(o, f->key);
		const char *text = json_string_value(j), *bad;
		void *at = (char *)t + f->offset;

		switch (f->kind) {
		case TEXT:
		case NEEDED:
			good = read_json_text(j, f->kind == NEEDED, at);
			break;
		case FLAG:
			good = json_is_boolean(j);
			*(bool *)at = json_is_true(j);
			break;
		case DIGEST:
			good = text ? digest_parse(at, text) :
				      !j || json_is_null(j);
			break;
		case LIST:
		case TOOLS:
			good = read_list(j, at);
			break;
		case COMPILER:
			t->is_clang = text && !strcmp(text, "clang");
			good = t->is_clang || (text && !strcmp(text, "gcc"));
			break;
		case VERIFIED:
			good = json_is_object(j);
			bad = good ? read_fields(j, verified_fields, t) : NULL;
			if (bad)
				return bad;
		}
		if (!good)
			return f->key;
	}
	return NULL;
}

/* Do the fields agree with each other, and may they become paths? */
static const char *wrong_field(const struct toolchain_installed *t)
{
	struct toolchain_release r;
	struct err ignored;

	if (!toolchain_release_is_id(t->id))
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
	const char *bad = "id";
	json_error_t why;
	json_t *o;

	*out = (struct toolchain_installed){ 0 };
	o = json_loadb((const char *)in.data, in.len, JSON_REJECT_DUPLICATES,
		       &why);
	if (!o)
		return err_set(err, EINVAL, "line %d: %s", why.line, why.text);
	if (json_is_object(o))
		bad = read_fields(o, fields, out);
	if (!bad)
		bad = wrong_field(out);
	json_decref(o);
	if (!bad)
		return 0;
	toolchain_installed_release(out);
	return err_set(err, EINVAL, "\"%s\" is not what it should be", bad);
}

static void release_fields(const struct field *f, struct toolchain_installed *t)
{
	for (; f->key; f++) {
		void *at = (char *)t + f->offset;

		if (f->kind == TEXT || f->kind == NEEDED)
			free(*(char **)at);
		else if (f->kind == LIST || f->kind == TOOLS)
			strv_release(at);
	}
}

void toolchain_installed_release(struct toolchain_installed *t)
{
	release_fields(fields, t);
	release_fields(verified_fields, t);
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
