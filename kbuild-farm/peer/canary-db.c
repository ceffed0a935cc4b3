/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/canary-db.h"

#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * The paths for .incbin are relative to make's working directory.  The Makefile
 * lists the embedded files as prerequisites of canary-db.o.
 */

#define TEMPLATES "templates/canary/"

#define EMBED(symbol, name)                            \
	__asm__(".pushsection .rodata\n"               \
		"canary_" #symbol "_begin:\n"          \
		"\t.incbin \"" TEMPLATES name "\"\n"   \
		"canary_" #symbol "_end:\n"            \
		"\t.popsection\n");                    \
	extern const uint8_t canary_##symbol##_begin[] \
		__attribute__((visibility("hidden"))); \
	extern const uint8_t canary_##symbol##_end[]   \
		__attribute__((visibility("hidden")));

#define SOURCES                       \
	X(asm, "asm.c")               \
	X(atomics, "atomics.c")       \
	X(builtins, "builtins.c")     \
	X(debug, "debug.c")           \
	X(entry, "entry.S")           \
	X(floats, "floats.c")         \
	X(inline, "inline.c")         \
	X(integers, "integers.c")     \
	X(loops, "loops.c")           \
	X(simd, "simd.c")             \
	X(size, "size.c")             \
	X(strings, "strings.c")       \
	X(structures, "structures.c") \
	X(switches, "switches.c")     \
	X(warnings, "warnings.c")

#define X(symbol, name) EMBED(symbol, name)
SOURCES
EMBED(flags, "flags")
EMBED(burn, "burn.c")
EMBED(burn_flags, "burn-flags")
#undef X

static struct bytes span(const uint8_t *begin, const uint8_t *end)
{
	return bytes_of(begin, (size_t)(end - begin));
}

const struct peer_canary_source *peer_canary_db_sources(size_t *n)
{
	static struct peer_canary_source all[] = {
#define X(symbol, file) { .name = (file) },
		SOURCES
#undef X
	};
	size_t i = 0;

#define X(symbol, name) \
	all[i++].text = span(canary_##symbol##_begin, canary_##symbol##_end);
	SOURCES
#undef X
	*n = i;
	return all;
}

const struct peer_canary_source *peer_canary_db_burn_sources(size_t *n)
{
	static struct peer_canary_source all[] = {
		{ .name = "burn-1.c" }, { .name = "burn-2.c" },
		{ .name = "burn-3.c" }, { .name = "burn-4.c" },
		{ .name = "burn-5.c" }, { .name = "burn-6.c" },
		{ .name = "burn-7.c" }, { .name = "burn-8.c" },
	};

	*n = ARRAY_SIZE(all);
	for (size_t i = 0; i < *n; i++)
		all[i].text = span(canary_burn_begin, canary_burn_end);
	return all;
}

void peer_canary_db_digest(struct digest *out)
{
	struct digest_ctx *run = digest_new();
	const struct peer_canary_source *v;
	size_t n;

	v = peer_canary_db_sources(&n);
	for (size_t i = 0; i < n; i++) {
		digest_add(run, bytes_of(v[i].name, strlen(v[i].name) + 1));
		digest_add(run, v[i].text);
	}
	digest_add(run, span(canary_flags_begin, canary_flags_end));
	digest_finish(run, out);
}

/*
 * Compare the first component of a triplet: the pattern "arm" matches
 * "arm-linux-gnueabi", but not "armeb-linux-gnueabi"; "*" matches any machine.
 */
static bool is_machine(const char *pattern, const char *machine)
{
	size_t len = strcspn(machine, "-");

	return !strcmp(pattern, "*") ||
	       (strlen(pattern) == len && !memcmp(pattern, machine, len));
}

/* Match a pattern "SOURCE:"; "*:" matches any source. */
static bool matches_source(const char *pattern, const char *source)
{
	size_t len = strcspn(pattern, ":");

	return !strcmp(pattern, "*:") ||
	       (strlen(source) == len && !memcmp(pattern, source, len));
}

static void add_canary_flags(struct strv *argv, struct bytes rest,
			     const char *machine, const char *source)
{
	while (rest.len) {
		char *line = bytes_dup(bytes_take_line(&rest));
		struct strv words = { 0 };

		if (*line != '#')
			strv_split(&words, line, " ");
		if (words.n > 2 && is_machine(words.v[0], machine) &&
		    matches_source(words.v[1], source))
			strv_add_all(argv, words.v + 2);
		strv_release(&words);
		free(line);
	}
}

void peer_canary_db_flags(struct strv *argv, const char *machine,
			  const char *source)
{
	add_canary_flags(argv, span(canary_flags_begin, canary_flags_end),
			 machine, source);
	add_canary_flags(argv,
			 span(canary_burn_flags_begin, canary_burn_flags_end),
			 machine, source);
}

#define ENTRIES_MAX 1000 /* per list; the oldest are dropped */

static const struct json_file db_file = {
	.file = { .max_bytes = 4u << 20, .mode = 0600, .is_private = true },
	.dump_flags = JSON_INDENT(1) | JSON_SORT_KEYS,
};

static const char canaries[] = "canaries", choices[] = "choices";

void peer_canary_db_entry_release(struct peer_canary_db_entry *e)
{
	free(e->id);
	free(e->detail);
	*e = (struct peer_canary_db_entry){ 0 };
}

char *peer_canary_db_path(void)
{
	char *home = fs_state_home();
	char *path = xasprintf("%s/canary.json", home);

	free(home);
	return path;
}

/*
 * Read the file.  *out becomes an object, never NULL, with the lists "canaries"
 * and "choices".  Returns 0, or an error of json_file_read(); in this case,
 * both lists are empty.
 */
static int read_db(const char *path, json_t **out, struct err *err)
{
	json_t *all = NULL;
	int ret = json_file_read(&db_file, path, &all, err);

	if (!json_is_object(all)) {
		json_decref(all);
		all = json_object();
	}
	if (!json_is_array(json_object_get(all, canaries)))
		json_object_set_new(all, canaries, json_array());
	if (!json_is_array(json_object_get(all, choices)))
		json_object_set_new(all, choices, json_array());
	*out = all;
	return ret;
}

/*
 * Return the object of read_db(), and warn of a file that cannot be read.  The
 * lookups of a build, all of them from the event loop, read the file again only
 * if it has changed.
 */
static json_t *look_up_db(const char *path)
{
	static struct file_stamp read_stamp;
	static json_t *read_object;
	struct file_stamp stamp = { 0 };
	struct stat st;
	struct err err;
	int ret;

	if (!stat(path, &st))
		file_stamp_from_stat(&stamp, &st);
	if (read_object && file_stamp_equal(&stamp, &read_stamp))
		return json_incref(read_object);
	json_decref(read_object);
	ret = read_db(path, &read_object, &err);
	if (ret && ret != -ENOENT)
		log_warning("%s; the nodes will compile the canary again",
			    err.text);
	/* A later change can leave a recent stamp as it is. */
	read_stamp = stamp;
	if (ret || !file_stamp_is_reliable(&stamp, file_stamp_now_ns()))
		read_stamp.size = UINT64_MAX;
	return json_incref(read_object);
}

static const char *get_json_string(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static bool has_hex(const json_t *o, const char *name, const struct digest *d)
{
	char hex[DIGEST_HEX];

	digest_format(d, hex);
	return !strcmp(get_json_string(o, name), hex);
}

/*
 * Return the newest entry of the list with the node, local_id and sources of
 * `key`, or NULL.  The entry is borrowed.  If `with_native` is set, the entry
 * must also have the native_id of `key`.  If `id` is not NULL, the entry must
 * have this id.  If `index` is not NULL, *index becomes the index of the entry.
 */
static json_t *find_newest(json_t *list,
			   const struct peer_canary_db_subject *key,
			   bool with_native, const char *id, size_t *index)
{
	for (size_t i = json_array_size(list); i--;) {
		json_t *o = json_array_get(list, i);

		if ((id && strcmp(get_json_string(o, "id"), id)) ||
		    strcmp(get_json_string(o, "node"), key->node) ||
		    !has_hex(o, "ours", &key->local_id) ||
		    !has_hex(o, "sources", &key->sources) ||
		    (with_native && !has_hex(o, "theirs", &key->native_id)))
			continue;
		if (index)
			*index = i;
		return o;
	}
	return NULL;
}

static void read_newest(const char *path,
			const struct peer_canary_db_subject *key,
			bool with_native, const char *id,
			struct peer_canary_db_entry *out)
{
	json_t *all = look_up_db(path);
	json_t *o = find_newest(json_object_get(all, canaries), key,
				with_native, id, NULL);
	json_int_t ms = json_integer_value(json_object_get(o, "cpu_ms"));

	*out = (struct peer_canary_db_entry){ 0 };
	if (o) {
		out->status = json_is_true(json_object_get(o, "passed")) ?
				      PEER_CANARY_STATUS_PASSED :
				      PEER_CANARY_STATUS_FAILED;
		out->id = xstrdup(get_json_string(o, "id"));
		out->detail = xstrdup(get_json_string(o, "detail"));
		digest_parse(&out->dir_digest, get_json_string(o, "tree"));
		out->cpu_ms = ms > 0 && ms <= UINT32_MAX ? (uint32_t)ms : 0;
	}
	json_decref(all);
}

void peer_canary_db_find(const char *path,
			 const struct peer_canary_db_subject *key,
			 struct peer_canary_db_entry *out)
{
	read_newest(path, key, true, NULL, out);
}

void peer_canary_db_find_latest(const char *path,
				const struct peer_canary_db_subject *key,
				const char *id,
				struct peer_canary_db_entry *out)
{
	read_newest(path, key, false, id, out);
}

void peer_canary_db_find_tested(const char *path, const char *node,
				const char *id, struct digest *dir_digest)
{
	json_t *all = look_up_db(path), *list = json_object_get(all, canaries);
	bool found = false;

	*dir_digest = (struct digest){ 0 };
	for (size_t i = json_array_size(list); i-- && !found;) {
		const json_t *o = json_array_get(list, i);

		found = !strcmp(get_json_string(o, "node"), node) &&
			!strcmp(get_json_string(o, "id"), id) &&
			json_is_true(json_object_get(o, "passed")) &&
			digest_parse(dir_digest, get_json_string(o, "tree"));
	}
	json_decref(all);
}

char *peer_canary_db_get_choice(const char *path,
				const struct peer_canary_db_subject *key)
{
	json_t *all = look_up_db(path);
	json_t *o = find_newest(json_object_get(all, choices), key, false, NULL,
				NULL);
	char *id = o ? xstrdup(get_json_string(o, "id")) : NULL;

	json_decref(all);
	return id;
}

/* Return a descriptor that holds the lock until it is closed, or -errno. */
static int lock_db(const char *path, struct err *err)
{
	char *dir = str_dir(path);
	char *name = xasprintf("%s.lock", path);
	int ret = fs_mkdirs(dir, 0700, err);
	int fd = -1;

	if (!ret) {
		fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || flock(fd, LOCK_EX)) {
			ret = err_errno(err, "lock %s", name);
			if (fd >= 0)
				close(fd);
		}
	}
	free(name);
	free(dir);
	return ret ? ret : fd;
}

static json_t *encode_subject(const struct peer_canary_db_subject *key)
{
	char ours[DIGEST_HEX], foreign[DIGEST_HEX], sources[DIGEST_HEX];

	digest_format(&key->local_id, ours);
	digest_format(&key->native_id, foreign);
	digest_format(&key->sources, sources);
	return json_pack("{s:s, s:s, s:s, s:s, s:I}", "node", key->node, "ours",
			 ours, "theirs", foreign, "sources", sources, "date",
			 (json_int_t)time(NULL));
}

/*
 * Replace all entries for `key` in the list `name` by `o`.  Takes ownership of
 * `o`.  `with_native` is as in find_newest().
 */
static int replace_entry(const char *path, const char *name,
			 const struct peer_canary_db_subject *key,
			 bool with_native, json_t *o, struct err *err)
{
	int fd = lock_db(path, err);
	json_t *all, *list;
	size_t i;
	int ret;

	if (fd < 0) {
		json_decref(o);
		return fd;
	}
	if (!o) {
		close(fd);
		return err_set(err, EINVAL, "%s: cannot encode the entry",
			       path);
	}
	ret = read_db(path, &all, err);
	if (ret && !state_file_is_replaceable(ret)) {
		json_decref(o);
		goto out;
	}
	list = json_object_get(all, name);
	while (find_newest(list, key, with_native, NULL, &i))
		json_array_remove(list, i);
	while (json_array_size(list) >= ENTRIES_MAX)
		json_array_remove(list, 0);
	json_array_append_new(list, o);
	ret = json_file_write(&db_file, path, all, err);
out:
	json_decref(all);
	close(fd);
	return ret;
}

int peer_canary_db_add(const char *path,
		       const struct peer_canary_db_subject *key,
		       const struct peer_canary_db_entry *e, struct err *err)
{
	json_t *o = encode_subject(key);
	char hex[DIGEST_HEX];

	if (o) {
		digest_format(&e->dir_digest, hex);
		if (digest_is_set(&e->dir_digest))
			json_object_set_new(o, "tree", json_text(hex));
		json_object_set_new(
			o, "passed",
			json_boolean(e->status == PEER_CANARY_STATUS_PASSED));
		json_object_set_new(o, "id", json_text(e->id ? e->id : ""));
		json_object_set_new(o, "detail",
				    json_text(e->detail ? e->detail : ""));
		json_object_set_new(o, "cpu_ms", json_integer(e->cpu_ms));
	}
	return replace_entry(path, canaries, key, true, o, err);
}

/* A result that a thread records. */
struct recorded_result {
	struct pool_work work; /* first member */
	char *path, *node;
	struct peer_canary_db_subject key;
	struct peer_canary_db_entry entry;
	bool done;
};

static void record_result(struct pool_work *w)
{
	struct recorded_result *r = (struct recorded_result *)(void *)w;
	struct err err;

	if (peer_canary_db_add(r->path, &r->key, &r->entry, &err))
		log_warning("%s; the node will compile the canary again",
			    err.text);
	r->done = true;
}

static void on_result_recorded(struct pool_work *w)
{
	struct recorded_result *r = (struct recorded_result *)(void *)w;

	/* The pool was freed before one of its threads was free. */
	if (!r->done)
		record_result(w);
	peer_canary_db_entry_release(&r->entry);
	free(r->node);
	free(r->path);
	free(r);
}

void peer_canary_db_start_add(struct pool *threads, const char *path,
			      const struct peer_canary_db_subject *key,
			      const struct peer_canary_db_entry *e)
{
	struct recorded_result *r = xcalloc(1, sizeof(*r));

	r->work.run = record_result;
	r->work.on_done = on_result_recorded;
	r->path = xstrdup(path);
	r->node = xstrdup(key->node);
	r->key = *key;
	r->key.node = r->node;
	r->entry = *e;
	r->entry.id = e->id ? xstrdup(e->id) : NULL;
	r->entry.detail = e->detail ? xstrdup(e->detail) : NULL;
	pool_add(threads, &r->work);
}

int peer_canary_db_set_choice(const char *path,
			      const struct peer_canary_db_subject *key,
			      const char *id, struct err *err)
{
	json_t *o = encode_subject(key);

	if (o) {
		json_object_del(o, "theirs");
		json_object_set_new(o, "id", json_text(id));
	}
	return replace_entry(path, choices, key, false, o, err);
}
