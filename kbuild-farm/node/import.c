/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/import.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/state-file.h"
#include "base/str.h"
#include "base/vec.h"
#include "conf/conf.h"
#include "conf/scan.h"
#include "conf/schema.h"
#include "node/pool.h"
#include "tls/key.h"
#include "wire/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_S 86400

/* A set of names, which are borrowed. */
struct name_entry {
	struct map_entry entry;
	const char *name;
};

/* Add a name to the set.  Returns false if the set already has it. */
static bool add_node_name(struct map *set, const char *name)
{
	uint64_t hash = map_hash(bytes_str(name));
	struct map_entry *i = map_find(set, hash);
	struct name_entry *e;

	while (i && strcmp(((struct name_entry *)i)->name, name) != 0)
		i = map_next_match(i);
	if (i)
		return false;
	e = xcalloc(1, sizeof(*e));
	e->name = name;
	map_add(set, &e->entry, hash);
	return true;
}

/* ---- the text of a list ---- */

enum list_key {
	LIST_NAME = 1 << 0,
	LIST_SERIAL = 1 << 1,
	LIST_EXPIRES = 1 << 2,
	LIST_ADDRESS = 1 << 3,
	LIST_KEY = 1 << 4,
	LIST_SLOTS = 1 << 5,
	LIST_CODEC = 1 << 6,
	LIST_SITE = 1 << 7,
};

struct list_parser {
	struct node_import *list;
	struct map names; /* of nodes */
	/* keys that were set in [list] and in the last node's section */
	unsigned header_keys, node_keys;
	unsigned node_line; /* line of the last node's header */
	const char *origin;
	unsigned first_line;
	bool failed; /* `err` names origin and line */
	struct err *err;
};

/* Prefix the error with "ORIGIN:LINE". */
static int fail_at(struct list_parser *p, unsigned line)
{
	err_wrap(p->err, "%s:%u", p->origin, p->first_line - 1 + line);
	p->failed = true;
	return -EINVAL;
}

/*
 * Parse YYYY-MM-DD, and set *end_s to the end of this day.  Returns false if
 * the date does not exist.
 */
static bool parse_day(const char *text, int64_t *end_s)
{
	struct tm t = { 0 }, given;
	const char *end = strptime(text, "%Y-%m-%d", &t);

	if (!end || *end || strlen(text) != strlen("YYYY-MM-DD"))
		return false;
	given = t;
	*end_s = (int64_t)timegm(&t) + DAY_S;
	return t.tm_mday == given.tm_mday && t.tm_mon == given.tm_mon;
}

static int set_header_key(struct list_parser *p, const struct conf_item *i,
			  enum list_key key)
{
	struct node_import *l = p->list;
	int ret = 0;

	switch (key) {
	case LIST_NAME:
		ret = node_entry_check_team(i->value, p->err);
		if (!ret)
			l->name = xstrdup(i->value);
		return ret;
	case LIST_SERIAL:
		l->serial_line = p->first_line - 1 + i->line;
		if (str_parse_number(i->value, 1, LONG_MAX, &l->serial))
			ret = err_set(p->err, EINVAL,
				      "\"%s\" is not a number from 1 to %ld",
				      i->value, LONG_MAX);
		return ret;
	default:
		l->expires_line = p->first_line - 1 + i->line;
		if (!parse_day(i->value, &l->expires_s))
			return err_set(p->err, EINVAL,
				       "\"%s\" is not a date YYYY-MM-DD",
				       i->value);
		l->expires = xstrdup(i->value);
		return 0;
	}
}

static int set_node_key(struct list_parser *p, const struct conf_item *i,
			enum list_key key)
{
	struct node_entry *e = &p->list->v[p->list->n - 1];
	long slots;
	int ret;

	switch (key) {
	case LIST_ADDRESS:
		if (!str_starts(i->value, "tls:"))
			return err_set(p->err, EINVAL,
				       "\"%s\" is not allowed in a list: "
				       "expected tls:HOST[:PORT]",
				       i->value);
		e->address_text = xstrdup(i->value);
		return node_address_parse(&e->address, i->value, p->err);
	case LIST_KEY:
		return tls_key_check_fingerprint(&e->pin, i->value, p->err);
	case LIST_SITE:
		ret = node_entry_check_site(i->value, p->err);
		if (!ret)
			e->site = xstrdup(i->value);
		return ret;
	default:
		ret = conf_schema_check(conf_schema_find("node", "", i->key),
					i->value, p->err);
		if (!ret && key == LIST_CODEC)
			return wire_codec_parse(i->value, &e->codec);
		if (!ret && !str_parse_number(i->value, 1, INT_MAX, &slots))
			e->slots = (unsigned)slots;
		return ret;
	}
}

/* Check that the last node has all required keys. */
static int end_node(struct list_parser *p)
{
	static const char *const missing[] = { "address", "key" };
	size_t which = p->node_keys & LIST_ADDRESS ? 1 : 0;

	if (!p->list->n || (which && p->node_keys & LIST_KEY))
		return 0;
	err_set(p->err, EINVAL,
		"node %s has no %s; each node of a list needs one",
		p->list->v[p->list->n - 1].name, missing[which]);
	return fail_at(p, p->node_line);
}

static int begin_node(struct list_parser *p, const struct conf_item *i)
{
	struct node_import *l = p->list;
	struct node_entry *e;

	if (end_node(p))
		return -EINVAL;
	if (node_entry_check_name(i->sub, p->err))
		return fail_at(p, i->line);
	if (l->n == NODE_IMPORT_NODES_MAX) {
		err_set(p->err, EINVAL,
			"too many nodes: a list has at most %d nodes",
			NODE_IMPORT_NODES_MAX);
		return fail_at(p, i->line);
	}
	e = VEC_ADD(l->v, l->n);
	*e = (struct node_entry){ .name = xstrdup(i->sub), .codec = WIRE_LZO };
	p->node_keys = 0;
	p->node_line = i->line;
	if (add_node_name(&p->names, e->name))
		return 0;
	err_set(p->err, EINVAL, "node %s is listed twice", e->name);
	return fail_at(p, i->line);
}

static int on_list_item(void *ctx, const struct conf_item *i)
{
	static const struct {
		const char *name;
		bool of_node;
		enum list_key key;
	} keys[] = {
		{ "name", false, LIST_NAME },
		{ "serial", false, LIST_SERIAL },
		{ "expires", false, LIST_EXPIRES },
		{ "address", true, LIST_ADDRESS },
		{ "key", true, LIST_KEY },
		{ "slots", true, LIST_SLOTS },
		{ "codec", true, LIST_CODEC },
		{ "site", true, LIST_SITE },
	};
	struct list_parser *p = ctx;
	bool of_node = i->sub && !strcmp(i->section, "node");
	unsigned *given = of_node ? &p->node_keys : &p->header_keys;
	int ret = -EINVAL;

	if (!of_node && (i->sub || strcmp(i->section, "list") != 0)) {
		err_set(p->err, EINVAL,
			"unexpected section [%s%s]: a list has only [list] "
			"and [node \"NAME\"]",
			i->section, i->sub ? " \"...\"" : "");
		return fail_at(p, i->line);
	}
	if (!i->key)
		return of_node ? begin_node(p, i) : 0;
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		if (strcmp(i->key, keys[k].name) != 0 ||
		    keys[k].of_node != of_node)
			continue;
		if (!i->value)
			err_set(p->err, EINVAL, "missing value");
		else if (*given & keys[k].key)
			err_set(p->err, EINVAL, "the key is set twice");
		else
			ret = of_node ? set_node_key(p, i, keys[k].key) :
					set_header_key(p, i, keys[k].key);
		*given |= keys[k].key;
		if (!ret)
			return 0;
		err_wrap(p->err, "%s", i->key);
		return fail_at(p, i->line);
	}
	err_set(p->err, EINVAL, "%s is not allowed in [%s] of a list", i->key,
		i->section);
	return fail_at(p, i->line);
}

int node_import_parse(struct node_import *out, struct bytes text,
		      const char *origin, unsigned first_line, struct err *err)
{
	struct list_parser p = { .list = out,
				 .origin = origin,
				 .first_line = first_line,
				 .err = err };
	unsigned line = 1;
	int ret;

	*out = (struct node_import){ 0 };
	ret = conf_scan(text, on_list_item, &p, &line, err);
	if (ret && !p.failed)
		ret = fail_at(&p, line);
	if (!ret)
		ret = end_node(&p);
	if (!ret && (!out->name || !out->serial || !out->expires)) {
		err_set(err, EINVAL,
			"incomplete header: a list begins with [list] and the "
			"keys name, serial and expires");
		ret = fail_at(&p, 1);
	}
	map_release_entries(&p.names, NULL);
	if (ret)
		node_import_release(out);
	return ret;
}

void node_import_release(struct node_import *l)
{
	for (size_t i = 0; i < l->n; i++)
		node_entry_release(&l->v[i]);
	free(l->v);
	free(l->name);
	free(l->expires);
	*l = (struct node_import){ 0 };
}

/* ---- stored lists ---- */

static const struct state_file list_file = {
	.max_bytes = NODE_IMPORT_BYTES_MAX,
	.mode = 0600,
	.is_private = true,
	.durable = true,
};

/* Return the path of a team's list.  The caller frees it. */
static char *list_path(const char *team)
{
	char *dir = conf_lists_path();
	char *path = xasprintf("%s/%s.conf", dir, team);

	free(dir);
	return path;
}

/* Read the stored list and its text.  Returns -ENOENT if no list is stored. */
static int read_stored_list(struct node_import *out, const char *team,
			    struct buf *text, struct err *err)
{
	char *path = list_path(team);
	struct stat st;
	int ret = state_file_read(&list_file, path, text, err);

	*out = (struct node_import){ 0 };
	if (!ret)
		ret = node_import_parse(out, buf_bytes(text), path, 1, err);
	if (!ret && !stat(path, &st))
		out->checked_s = st.st_mtime;
	free(path);
	return ret;
}

int node_import_read(struct node_import *out, const char *team, struct err *err)
{
	struct buf text = { 0 };
	int ret = node_entry_check_team(team, err);

	*out = (struct node_import){ 0 };
	if (!ret)
		ret = read_stored_list(out, team, &text, err);
	buf_release(&text);
	return ret;
}

/* Compare the list with the stored list of its team. */
static int check_serial(const struct node_import *l, bool *changed,
			struct bytes text, const char *origin, struct err *err)
{
	struct node_import old;
	struct buf old_text = { 0 };
	struct err ignored = { 0 };
	int ret = 0;

	*changed = true;
	/* A damaged file must not prevent its replacement. */
	if (!read_stored_list(&old, l->name, &old_text, &ignored)) {
		*changed = !bytes_equal(buf_bytes(&old_text), text);
		if (l->serial < old.serial)
			ret = err_set(
				err, ESTALE,
				"%s:%u: serial: %ld is older than serial %ld "
				"of the list %s, which was accepted before; "
				"download the current list",
				origin, l->serial_line, l->serial, old.serial,
				l->name);
		else if (l->serial == old.serial && *changed)
			ret = err_set(err, ESTALE,
				      "%s:%u: serial: another list %s with the "
				      "serial %ld was accepted before; the "
				      "author must increase the serial",
				      origin, l->serial_line, l->name,
				      l->serial);
		node_import_release(&old);
	}
	buf_release(&old_text);
	return ret;
}

int node_import_store(const struct node_import *l, struct bytes text,
		      const char *origin, int64_t now_s, bool *changed,
		      struct err *err)
{
	char *dir = conf_lists_path(), *path = list_path(l->name);
	int fd = -1, ret;

	if (now_s >= l->expires_s) {
		ret = err_set(err, ESTALE,
			      "%s:%u: expires: the list expired at the end of "
			      "%s; its author must sign a new list",
			      origin, l->expires_line, l->expires);
		goto out;
	}
	ret = fs_mkdirs(dir, 0700, err);
	if (ret)
		goto out;
	/*
	 * Lock out other processes, so that no list is stored between check and
	 * write.
	 */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX)) {
		ret = err_errno(err, "%s", dir);
		goto out;
	}
	ret = check_serial(l, changed, text, origin, err);
	if (ret)
		goto out;
	if (*changed)
		ret = state_file_write(&list_file, path, text, err);
	else if (utimensat(AT_FDCWD, path, NULL, 0))
		ret = err_errno(err, "%s", path);
out:
	if (fd >= 0)
		close(fd);
	free(path);
	free(dir);
	return ret;
}

int node_import_remove(const char *team, struct err *err)
{
	char *path = list_path(team);
	int ret = fs_remove(path, err);

	free(path);
	return ret;
}

/* ---- the roster ---- */

/* Move the nodes whose names are not in `names` to the roster. */
static void add_imported_nodes(struct node_roster *r, struct node_import *l,
			       struct map *names, const char *drained)
{
	struct strv drains = { 0 };

	if (!l->n)
		return;
	strv_split(&drains, drained ? drained : "", " ");
	r->v = xrealloc(r->v, (r->n + l->n) * sizeof(*r->v));
	for (size_t i = 0; i < l->n; i++) {
		struct node_entry *e = &l->v[i];

		if (!add_node_name(names, e->name))
			continue;
		e->list = xstrdup(l->name);
		e->drained = strv_has(&drains, e->name);
		r->v[r->n++] = *e;
		*e = (struct node_entry){ 0 };
	}
	strv_release(&drains);
}

void node_import_add_all(struct node_roster *r, const struct conf *c,
			 int64_t now_s)
{
	struct strv teams = { 0 };
	struct map names = { 0 };

	conf_list_subsections(c, "import", &teams);
	for (size_t i = 0; teams.n && i < r->n; i++)
		add_node_name(&names, r->v[i].name);
	for (size_t i = 0; teams.n && i < r->n_pools; i++)
		add_node_name(&names, r->pools[i].name);
	for (size_t i = 0; i < teams.n; i++) {
		const char *team = teams.v[i];
		struct node_import l;
		struct err err = { 0 };
		int ret = node_import_read(&l, team, &err);

		if (ret == -ENOENT)
			strv_addf(&r->warnings,
				  "the list of nodes %s was not imported yet; "
				  "run `kfarm nodes import`",
				  team);
		else if (ret)
			strv_addf(&r->warnings,
				  "%s; the nodes of the list are not used; run "
				  "`kfarm nodes import`",
				  err.text);
		else if (now_s >= l.expires_s)
			strv_addf(
				&r->warnings,
				"the list of nodes %s expired at the end of "
				"%s and is not used; run `kfarm nodes import`",
				team, l.expires);
		else
			add_imported_nodes(
				r, &l, &names,
				conf_get(c, "import", team, "drain"));
		node_import_release(&l);
	}
	map_release_entries(&names, NULL);
	strv_release(&teams);
}
