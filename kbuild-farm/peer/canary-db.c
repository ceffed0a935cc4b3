/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/canary-db.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX (4u << 20)
#define MOST     1000 /* entries of a list; the oldest go */

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

/* Never NULL: an object with both lists, empty where the file has none. */
static json_t *read_db(const char *path)
{
	struct buf text = { 0 };
	struct err err;
	json_error_t why;
	json_t *all = NULL;

	if (fs_exists(path)) {
		if (fs_read(path, FILE_MAX, &text, &err))
			log_warning("%s", err.text);
		else if (!(all = json_loadb((const char *)text.data, text.len,
					    0, &why)))
			log_warning("%s:%d: %s; canaries will run again", path,
				    why.line, why.text);
	}
	buf_release(&text);
	if (!json_is_object(all)) {
		json_decref(all);
		all = json_object();
	}
	if (!json_is_array(json_object_get(all, canaries)))
		json_object_set_new(all, canaries, json_array());
	if (!json_is_array(json_object_get(all, choices)))
		json_object_set_new(all, choices, json_array());
	return all;
}

static const char *string_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static bool has_hex(const json_t *o, const char *name, const struct digest *d)
{
	char hex[DIGEST_HEX];

	digest_hex(d, hex);
	return !strcmp(string_of(o, name), hex);
}

static bool is_about(const json_t *o, const struct peer_canary_db_key *key,
		     bool foreign, const char *id)
{
	return (!id || !strcmp(string_of(o, "id"), id)) &&
	       !strcmp(string_of(o, "node"), key->node) &&
	       has_hex(o, "ours", &key->ours) &&
	       has_hex(o, "sources", &key->sources) &&
	       (!foreign || has_hex(o, "theirs", &key->foreign));
}

/* The newest in the list; borrowed. */
static json_t *find_newest(json_t *list, const struct peer_canary_db_key *key,
			   bool foreign, const char *id, size_t *index)
{
	for (size_t i = json_array_size(list); i--;) {
		json_t *o = json_array_get(list, i);

		if (!is_about(o, key, foreign, id))
			continue;
		if (index)
			*index = i;
		return o;
	}
	return NULL;
}

static void read_verdict(struct peer_canary_db_entry *out, const json_t *o)
{
	json_int_t ms = json_integer_value(json_object_get(o, "cpu_ms"));

	*out = (struct peer_canary_db_entry){ 0 };
	if (!o)
		return;
	out->is = json_is_true(json_object_get(o, "passed")) ?
			  PEER_CANARY_PASSED :
			  PEER_CANARY_FAILED;
	out->id = xstrdup(string_of(o, "id"));
	out->detail = xstrdup(string_of(o, "detail"));
	out->cpu_ms = ms > 0 && ms <= UINT32_MAX ? (uint32_t)ms : 0;
}

static void read_newest(const char *path, const struct peer_canary_db_key *key,
			bool foreign, const char *id,
			struct peer_canary_db_entry *out)
{
	json_t *all = read_db(path);

	read_verdict(out, find_newest(json_object_get(all, canaries), key,
				      foreign, id, NULL));
	json_decref(all);
}

void peer_canary_db_find(const char *path, const struct peer_canary_db_key *key,
			 struct peer_canary_db_entry *out)
{
	read_newest(path, key, true, NULL, out);
}

void peer_canary_db_last(const char *path, const struct peer_canary_db_key *key,
			 const char *id, struct peer_canary_db_entry *out)
{
	read_newest(path, key, false, id, out);
}

char *peer_canary_db_choice(const char *path,
			    const struct peer_canary_db_key *key)
{
	json_t *all = read_db(path);
	json_t *o = find_newest(json_object_get(all, choices), key, false, NULL,
				NULL);
	char *id = o ? xstrdup(string_of(o, "id")) : NULL;

	json_decref(all);
	return id;
}

/* The descriptor that holds the lock; closing it lets it go. */
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

static json_t *record_of(const struct peer_canary_db_key *key)
{
	char ours[DIGEST_HEX], foreign[DIGEST_HEX], sources[DIGEST_HEX];

	digest_hex(&key->ours, ours);
	digest_hex(&key->foreign, foreign);
	digest_hex(&key->sources, sources);
	return json_pack("{s:s, s:s, s:s, s:s, s:I}", "node", key->node, "ours",
			 ours, "theirs", foreign, "sources", sources, "date",
			 (json_int_t)time(NULL));
}

static int write_db(const char *path, json_t *all, struct err *err)
{
	char *text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
	int ret;

	if (!text)
		return err_set(err, ENOMEM, "%s: no memory for it", path);
	ret = fs_write(path, bytes_str(text), 0600, err);
	free(text);
	return ret;
}

/* `o`, which is taken over, in place of what the list says of the key. */
static int replace_entry(const char *path, const char *name,
			 const struct peer_canary_db_key *key, bool foreign,
			 json_t *o, struct err *err)
{
	int fd = lock_db(path, err);
	json_t *all, *list;
	size_t i;
	int ret;

	if (fd < 0 || !o) {
		json_decref(o);
		return fd < 0 ? fd :
				err_set(err, EINVAL, "%s: no such name", path);
	}
	all = read_db(path);
	list = json_object_get(all, name);
	while (find_newest(list, key, foreign, NULL, &i))
		json_array_remove(list, i);
	while (json_array_size(list) >= MOST)
		json_array_remove(list, 0);
	json_array_append_new(list, o);
	ret = write_db(path, all, err);
	json_decref(all);
	close(fd);
	return ret;
}

int peer_canary_db_add(const char *path, const struct peer_canary_db_key *key,
		       const struct peer_canary_db_entry *e, struct err *err)
{
	json_t *o = record_of(key);

	if (o) {
		json_object_set_new(o, "passed",
				    json_boolean(e->is == PEER_CANARY_PASSED));
		json_object_set_new(o, "id", json_text(e->id ? e->id : ""));
		json_object_set_new(o, "detail",
				    json_text(e->detail ? e->detail : ""));
		json_object_set_new(o, "cpu_ms", json_integer(e->cpu_ms));
	}
	return replace_entry(path, canaries, key, true, o, err);
}

int peer_canary_db_choose(const char *path,
			  const struct peer_canary_db_key *key, const char *id,
			  struct err *err)
{
	json_t *o = record_of(key);

	if (o) {
		json_object_del(o, "theirs");
		json_object_set_new(o, "id", json_text(id));
	}
	return replace_entry(path, choices, key, false, o, err);
}
