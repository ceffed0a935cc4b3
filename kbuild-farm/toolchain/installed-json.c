/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/installed.h"

#include "base/json.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIST_MAX 10000 /* elements of a list */

enum member_kind {
	MEMBER_TEXT, /* or null */
	MEMBER_REQUIRED_TEXT,
	MEMBER_BOOL,
	MEMBER_DIGEST, /* or null: zero */
	MEMBER_LIST, /* of texts */
	MEMBER_TOOLS, /* a list, only of an adopted toolchain */
	MEMBER_COMPILER, /* "gcc" or "clang" */
	MEMBER_VERIFIED, /* an object with verified_members */
};

struct json_member {
	const char *key;
	enum member_kind kind;
	size_t offset;
};

#define INSTALLED_OFFSET(member) offsetof(struct toolchain_installed, member)

static const struct json_member verified_members[] = {
	{ "sums_key", MEMBER_TEXT, INSTALLED_OFFSET(sums_key) },
	{ "tar_key", MEMBER_TEXT, INSTALLED_OFFSET(tar_key) },
	{ "sha256_given", MEMBER_BOOL, INSTALLED_OFFSET(sha256_given) },
	{ 0 },
};

/* In the order of the file. */
static const struct json_member installed_members[] = {
	{ "id", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(id) },
	{ "release", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(release) },
	{ "version", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(version) },
	{ "kind", MEMBER_COMPILER, INSTALLED_OFFSET(is_clang) },
	{ "triplet", MEMBER_TEXT, INSTALLED_OFFSET(triplet) },
	{ "host", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(host) },
	{ "prefix", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(relative_prefix) },
	{ "driver", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(driver) },
	{ "url", MEMBER_TEXT, INSTALLED_OFFSET(url) },
	{ "archive_sha256", MEMBER_DIGEST, INSTALLED_OFFSET(archive_digest) },
	{ "tree", MEMBER_DIGEST, INSTALLED_OFFSET(dir_digest) },
	{ "content", MEMBER_DIGEST, INSTALLED_OFFSET(manifest_id) },
	{ "verified", MEMBER_VERIFIED, 0 },
	{ "insecure", MEMBER_BOOL, INSTALLED_OFFSET(insecure) },
	{ "date", MEMBER_TEXT, INSTALLED_OFFSET(date) },
	{ "links", MEMBER_LIST, INSTALLED_OFFSET(links) },
	{ "hostlibs", MEMBER_LIST, INSTALLED_OFFSET(hostlibs) },
	{ "adopted", MEMBER_TEXT, INSTALLED_OFFSET(adopted_from) },
	{ "tools", MEMBER_TOOLS, INSTALLED_OFFSET(tools) },
	{ 0 },
};

static json_t *fields_json(const struct json_member *f,
			   const struct toolchain_installed *t);

static json_t *field_json(const struct json_member *f,
			  const struct toolchain_installed *t)
{
	const void *at = (const char *)t + f->offset;
	char hex[DIGEST_HEX];

	switch (f->kind) {
	case MEMBER_TEXT:
	case MEMBER_REQUIRED_TEXT:
		return json_text(*(char *const *)at);
	case MEMBER_BOOL:
		return json_boolean(*(const bool *)at);
	case MEMBER_DIGEST:
		digest_format(at, hex);
		return json_text(digest_is_set(at) ? hex : NULL);
	case MEMBER_LIST:
	case MEMBER_TOOLS:
		return json_texts(at);
	case MEMBER_COMPILER:
		return json_text(t->is_clang ? "clang" : "gcc");
	case MEMBER_VERIFIED:
		break;
	}
	return fields_json(verified_members, t);
}

static json_t *fields_json(const struct json_member *f,
			   const struct toolchain_installed *t)
{
	json_t *o = json_object();

	for (; f->key; f++) {
		if (f->kind != MEMBER_TOOLS || t->adopted_from)
			json_object_set_new(o, f->key, field_json(f, t));
	}
	return o;
}

char *toolchain_installed_encode(const struct toolchain_installed *t)
{
	json_t *o = fields_json(installed_members, t);
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

/* Read all members.  Returns the first invalid key, or NULL. */
static const char *read_fields(json_t *o, const struct json_member *f,
			       struct toolchain_installed *t)
{
	bool good = true;

	for (; f->key; f++) {
		json_t *j = json_object_get(o, f->key);
		const char *text = json_string_value(j), *bad;
		void *at = (char *)t + f->offset;

		switch (f->kind) {
		case MEMBER_TEXT:
		case MEMBER_REQUIRED_TEXT:
			good = read_json_text(
				j, f->kind == MEMBER_REQUIRED_TEXT, at);
			break;
		case MEMBER_BOOL:
			good = json_is_boolean(j);
			*(bool *)at = json_is_true(j);
			break;
		case MEMBER_DIGEST:
			good = text ? digest_parse(at, text) :
				      !j || json_is_null(j);
			break;
		case MEMBER_LIST:
		case MEMBER_TOOLS:
			good = read_list(j, at);
			break;
		case MEMBER_COMPILER:
			t->is_clang = text && !strcmp(text, "clang");
			good = t->is_clang || (text && !strcmp(text, "gcc"));
			break;
		case MEMBER_VERIFIED:
			good = json_is_object(j);
			bad = good ? read_fields(j, verified_members, t) : NULL;
			if (bad)
				return bad;
		}
		if (!good)
			return f->key;
	}
	return NULL;
}

/*
 * Check that the members are consistent and safe as parts of paths.  Returns
 * the key of an invalid member, or NULL.
 */
static const char *invalid_member_error(const struct toolchain_installed *t)
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
	if (t->adopted_from ?
		    t->relative_prefix[0] != '/' :
		    !toolchain_dir_digest_is_valid_path(t->relative_prefix))
		return "prefix";
	if (!toolchain_dir_digest_is_valid_path(t->driver) ||
	    strchr(t->driver, '/'))
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
		bad = read_fields(o, installed_members, out);
	if (!bad)
		bad = invalid_member_error(out);
	json_decref(o);
	if (!bad)
		return 0;
	toolchain_installed_release(out);
	return err_set(err, EINVAL, "missing or invalid \"%s\"", bad);
}

static void release_fields(const struct json_member *f,
			   struct toolchain_installed *t)
{
	for (; f->key; f++) {
		void *at = (char *)t + f->offset;

		if (f->kind == MEMBER_TEXT || f->kind == MEMBER_REQUIRED_TEXT)
			free(*(char **)at);
		else if (f->kind == MEMBER_LIST || f->kind == MEMBER_TOOLS)
			strv_release(at);
	}
}

void toolchain_installed_release(struct toolchain_installed *t)
{
	release_fields(installed_members, t);
	release_fields(verified_members, t);
	free(t->dir);
	free(t->prefix);
	free(t->bin);
	*t = (struct toolchain_installed){ 0 };
}

char *toolchain_installed_format_now(void)
{
	time_t now = time(NULL);
	struct tm tm = { 0 };
	char text[32];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return xstrdup(text);
}
