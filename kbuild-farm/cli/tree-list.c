/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing but small files is read: state.json of the last update, metadata.json
 * of the last build.  A repository may have 100,000 references.
 */
#include "cli/cmd.h"
#include "cli/table.h"
#include "cli/tree.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/url.h"
#include "base/vec.h"
#include "conf/conf.h"
#include "tree/home.h"
#include "tree/state.h"
#include "tree/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define METADATA_MAX (16u << 20) /* bytes */
#define ABBREVIATED  12

struct last_build {
	char *status, *revision, *arch, *output; /* status NULL: none */
	long long time; /* when it ended, seconds since 1970 */
};

struct listed {
	char *name, *url;
	bool there; /* else the configuration's alone */
	bool has_state;
	struct tree_state state;
	struct last_build build;
};

/* ---------------------------------------------------------------- reading */

static char *text_in_group(const json_t *root, const char *group,
			   const char *key)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(root, group), key));

	return text ? xstrdup(text) : NULL;
}

static void read_last_build(struct last_build *b, const char *dir)
{
	char *link = xasprintf("%s/last-build", dir);
	char *path = xasprintf("%s/metadata.json", link);
	struct buf text = { 0 };
	struct err ignored;
	struct stat st;
	json_t *root;

	if (!stat(path, &st) && !fs_read(path, METADATA_MAX, &text, &ignored)) {
		root = json_loadb(buf_str(&text), text.len, 0, NULL);
		b->status = text_in_group(root, "results", "status");
		b->revision = text_in_group(root, "git", "git_describe");
		if (!b->revision)
			b->revision = text_in_group(root, "source",
						    "kernelrelease");
		b->arch = text_in_group(root, "build", "target_arch");
		b->output = realpath(link, NULL);
		b->time = st.st_mtime;
		json_decref(root);
	}
	buf_release(&text);
	free(path);
	free(link);
}

static void read_listed(struct listed *l, const char *name,
			const struct conf *conf)
{
	char *top = tree_home_top(), *dir = xasprintf("%s/%s", top, name);
	const char *url = conf_get(conf, "tree", name, "url");
	struct err err = { 0 };

	l->name = xstrdup(name);
	l->there = fs_is_dir(dir);
	l->has_state = l->there && !tree_state_read(&l->state, dir, &err);
	if (l->there && !l->has_state)
		log_warning("%s; `kfarm tree update %s` looks again", err.text,
			    name);
	if (!url)
		url = l->state.source;
	l->url = url ? url_shown(url) : NULL;
	if (l->there)
		read_last_build(&l->build, dir);
	free(dir);
	free(top);
}

static void listed_release(struct listed *l)
{
	free(l->name);
	free(l->url);
	tree_state_release(&l->state);
	free(l->build.status);
	free(l->build.revision);
	free(l->build.arch);
	free(l->build.output);
}

/* ------------------------------------------------------------------- text */

static char *size_text(uint64_t bytes)
{
	const double mib = (double)bytes / (1 << 20);

	return mib >= 1024 ? xasprintf("%.1f GiB", mib / 1024) :
			     xasprintf("%.1f MiB", mib);
}

static char *date_text(long long seconds)
{
	time_t t = (time_t)seconds;
	char text[20];
	struct tm tm;

	if (!seconds || !localtime_r(&t, &tm))
		return xstrdup("-");
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	return xstrdup(text);
}

/* A server chose these names; the caller frees it. */
static char *printable_name(const char *name)
{
	struct buf out = { 0 };

	printable_add(&out, bytes_str(name), 0);
	return buf_steal(&out);
}

static char *head_text(const struct listed *l)
{
	const struct tree_branch *h = &l->state.head;
	char *name, *out;

	if (!l->there)
		return xasprintf("not cloned: kfarm tree update %s", l->name);
	if (!h->name)
		return xstrdup("-");
	name = printable_name(h->name);
	out = xasprintf("%s %.*s", name, ABBREVIATED, h->commit);
	free(name);
	return out;
}

static char *build_text(const struct last_build *b)
{
	char *when, *text, *out;

	if (!b->status)
		return xstrdup("-");
	when = date_text(b->time);
	text = xasprintf("%s %s %s", b->status, b->revision ? b->revision : "-",
			 when);
	out = printable_name(text);
	free(text);
	free(when);
	return out;
}

static void add_tree_row(struct table *t, const struct listed *l)
{
	strv_add(&t->cells, l->name);
	strv_own(&t->cells, head_text(l));
	strv_own(&t->cells, date_text(l->has_state ? l->state.updated : 0));
	strv_own(&t->cells,
		 l->has_state ? size_text(l->state.size) : xstrdup("-"));
	strv_own(&t->cells, build_text(&l->build));
	strv_own(&t->cells, printable_name(l->url ? l->url : "-"));
}

static void print_branches(const struct tree_state *s)
{
	for (size_t i = 0; i < s->n; i++) {
		char *name = printable_name(s->branches[i].name);

		printf("%s%s", i ? ", " : "    newest: ", name);
		free(name);
	}
	if (s->n)
		putchar('\n');
}

/* Below the row of each tree its newest branches. */
static void print_trees(const struct listed *v, size_t n)
{
	static const char *const heads[] = { "NAME", "HEAD",       "UPDATED",
					     "SIZE", "LAST BUILD", "FROM" };
	struct table t = { .align = "lllrll" };
	char *text = NULL, *line;
	size_t len = 0;
	FILE *out;

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		strv_add(&t.cells, heads[i]);
	for (size_t i = 0; i < n; i++)
		add_tree_row(&t, &v[i]);
	out = open_memstream(&text, &len);
	if (!out)
		str_out_of_memory();
	table_print(out, &t);
	fclose(out);
	line = text;
	for (size_t i = 0; i <= n; i++) {
		size_t end = strcspn(line, "\n");

		printf("%.*s\n", (int)end, line);
		line += end + (line[end] == '\n');
		if (i)
			print_branches(&v[i - 1].state);
	}
	free(text);
}

/* ------------------------------------------------------------------- JSON */

static json_t *branch_json(const struct tree_branch *b)
{
	json_t *o;

	if (!b->name)
		return json_null();
	o = json_object();
	json_object_set_new(o, "name", json_text(b->name));
	json_object_set_new(o, "commit", json_text(b->commit));
	json_object_set_new(o, "time", json_integer(b->time));
	return o;
}

static json_t *last_build_json(const struct last_build *b)
{
	json_t *o;

	if (!b->status)
		return json_null();
	o = json_object();
	json_object_set_new(o, "status", json_text(b->status));
	json_object_set_new(o, "revision", json_text(b->revision));
	json_object_set_new(o, "arch", json_text(b->arch));
	json_object_set_new(o, "time", json_integer(b->time));
	json_object_set_new(o, "output", json_text(b->output));
	return o;
}

static json_t *tree_json(const struct listed *l)
{
	const struct tree_state *s = &l->state;
	json_t *o = json_object(), *branches = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(branches, branch_json(&s->branches[i]));
	json_object_set_new(o, "name", json_text(l->name));
	json_object_set_new(o, "url", json_text(l->url));
	json_object_set_new(o, "cloned", json_boolean(l->there));
	json_object_set_new(o, "kind",
			    l->has_state ? json_text(tree_state_kind(s->kind)) :
					   json_null());
	json_object_set_new(o, "head", branch_json(&s->head));
	json_object_set_new(o, "branches", branches);
	json_object_set_new(o, "size",
			    l->has_state ? json_integer((json_int_t)s->size) :
					   json_null());
	json_object_set_new(o, "updated",
			    l->has_state ? json_integer(s->updated) :
					   json_null());
	json_object_set_new(o, "last_build", last_build_json(&l->build));
	return o;
}

static void print_trees_json(const struct listed *v, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, tree_json(&v[i]));
	table_json(json_pack("{s:o}", "trees", all));
}

int tree_list_main(struct tree_request *r)
{
	struct strv names = { 0 };
	struct listed *v = NULL;
	struct conf *conf = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int ret = tree_home_names(&names, &err);

	if (!ret)
		ret = conf_load(&conf, NULL, &err);
	if (!ret) {
		conf_subsections(conf, "tree", &names);
		strv_sort_unique(&names);
		for (size_t i = 0; i < names.n; i++)
			read_listed(VEC_ADD(v, n), names.v[i], conf);
		if (r->json)
			print_trees_json(v, n);
		else if (n)
			print_trees(v, n);
		else
			log_info("there are no trees; add one with `kfarm tree "
				 "add NAME URL`");
	} else {
		log_error("tree list: %s", err.text);
	}
	for (size_t i = 0; i < n; i++)
		listed_release(&v[i]);
	free(v);
	conf_free(conf);
	strv_release(&names);
	return ret ? EXIT_USAGE : EXIT_OK;
}
