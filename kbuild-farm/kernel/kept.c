/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kept.h"

#include "base/fs.h"
#include "base/stamp.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD     "record"
#define RECORD_MAX (64u << 20)
#define DIGITS     24

static char *all_kept(void)
{
	char *cache = fs_cache_home(), *out = xasprintf("%s/kept", cache);

	free(cache);
	return out;
}

static char *path_in(const struct kernel_kept *k, const char *name)
{
	return xasprintf("%s/%s", k->dir, name);
}

static json_t *load_record(const char *dir)
{
	char *path = xasprintf("%s/" RECORD, dir);
	struct buf text = { 0 };
	json_t *root = NULL;
	struct err ignored;

	if (!fs_read(path, RECORD_MAX, &text, &ignored))
		root = json_loads(buf_str(&text), 0, NULL);
	buf_release(&text);
	free(path);
	return root;
}

void kernel_kept_open(struct kernel_kept *k, const char *build_dir)
{
	char hex[DIGEST_HEX], *all = all_kept();
	struct digest d;
	json_t *root;

	digest_of(bytes_str(build_dir), &d);
	digest_hex(&d, hex);
	*k = (struct kernel_kept){ .build_dir = xstrdup(build_dir) };
	k->dir = xasprintf("%s/%.*s", all, DIGITS, hex);
	root = load_record(k->dir);
	k->files = json_incref(json_object_get(root, "files"));
	if (!json_is_object(k->files)) {
		json_decref(k->files);
		k->files = json_object();
	}
	json_decref(root);
	free(all);
}

/* False where there is no such file. */
static bool look_at_copy(const char *path, struct stamp *out)
{
	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	stamp_of(out, &st);
	return true;
}

static bool is_as_noted(const json_t *entry, const char *path)
{
	const char *noted = json_string_value(json_object_get(entry, "stamp"));
	struct stamp is;
	char *now = look_at_copy(path, &is) ? stamp_string(&is) : NULL;
	bool same = noted && str_equal(now, noted);

	free(now);
	return same;
}

static const json_t *kept_entry(const struct kernel_kept *k, const char *name,
				const struct digest *key)
{
	const json_t *entry = json_object_get(k->files, name);
	const char *was = json_string_value(json_object_get(entry, "key"));
	char hex[DIGEST_HEX];

	digest_hex(key, hex);
	return was && !strcmp(was, hex) ? entry : NULL;
}

bool kernel_kept_take(const struct kernel_kept *k, const char *name,
		      const struct digest *key, const char *to,
		      const json_t **about)
{
	const json_t *entry = kept_entry(k, name, key);
	char *path = path_in(k, name);
	struct err ignored;
	bool yes = entry != NULL;

	/* Changed while it was copied: the copy is worth nothing. */
	if (yes && to)
		yes = is_as_noted(entry, path) &&
		      !fs_copy(path, to, &ignored) && is_as_noted(entry, path);
	if (yes && about)
		*about = json_object_get(entry, "about");
	free(path);
	return yes;
}

/* The stamp of a copy that nobody can change without its stamp's changing. */
static char *wait_for_stamp(const char *path)
{
	struct stamp was, is;

	if (!look_at_copy(path, &was) || !stamp_wait(&was) ||
	    !look_at_copy(path, &is) || !stamp_equal(&was, &is))
		return NULL;
	return stamp_string(&is);
}

static void drop_copy(struct kernel_kept *k, const char *name)
{
	char *path = path_in(k, name);

	json_object_del(k->files, name);
	unlink(path);
	free(path);
}

void kernel_kept_put(struct kernel_kept *k, const char *name,
		     const struct digest *key, const char *from, json_t *about)
{
	char hex[DIGEST_HEX], *path = path_in(k, name), *stamp = NULL;
	json_t *entry = json_object();
	struct err ignored;

	drop_copy(k, name);
	fs_remove_temporaries(k->dir);
	k->changed = true;
	digest_hex(key, hex);
	json_object_set_new(entry, "key", json_string(hex));
	json_object_set_new(entry, "about", about);
	if (from) {
		if (!fs_mkdirs(k->dir, 0777, &ignored) &&
		    !fs_copy(from, path, &ignored))
			stamp = wait_for_stamp(path);
		json_object_set_new(entry, "stamp",
				    stamp ? json_string(stamp) : json_null());
	}
	if (!from || stamp)
		json_object_set(k->files, name, entry);
	else
		unlink(path);
	json_decref(entry);
	free(stamp);
	free(path);
}

/* Those whose build directory is gone. */
static void sweep(void)
{
	char *all = all_kept();
	struct strv names = { 0 };
	struct err ignored;

	fs_list(all, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *dir = xasprintf("%s/%s", all, names.v[i]);
		json_t *root = load_record(dir);
		const char *of = json_string_value(
			json_object_get(root, "dir"));

		if (of && !fs_is_dir(of))
			fs_remove(dir, &ignored);
		json_decref(root);
		free(dir);
	}
	strv_release(&names);
	free(all);
}

static void write_record(const struct kernel_kept *k)
{
	char *path = path_in(k, RECORD), *text;
	json_t *root = json_pack("{s:o,s:O}", "dir", json_text(k->build_dir),
				 "files", k->files);
	struct err ignored;

	text = json_dumps(root, JSON_COMPACT);
	if (text && !fs_mkdirs(k->dir, 0777, &ignored) &&
	    fs_write(path, bytes_str(text), 0666, &ignored))
		fs_remove(k->dir, &ignored);
	free(text);
	json_decref(root);
	free(path);
}

void kernel_kept_close(struct kernel_kept *k)
{
	if (k->changed) {
		sweep();
		write_record(k);
	}
	json_decref(k->files);
	free(k->dir);
	free(k->build_dir);
	*k = (struct kernel_kept){ 0 };
}
