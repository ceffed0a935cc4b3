/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/configs.h"

#include "base/fs.h"
#include "base/vec.h"
#include "cli/config-fetch.h"
#include "conf/conf.h"
#include "kernel/kconfig-find.h"
#include "kernel/setting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct configs {
	struct conf *conf; /* NULL until a name may be one of it */
	struct strv names; /* of its sections */
	struct kernel_named **named; /* those that were asked for */
	size_t n_named;
	struct kernel_fetched fetched;
};

struct configs *configs_new(void)
{
	return xcalloc(1, sizeof(struct configs));
}

static void free_named_config(struct kernel_named *n)
{
	free(n->kconfig);
	free(n->where);
	strv_release(&n->add);
	strv_release(&n->add_where);
	free(n);
}

void configs_free(struct configs *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_named; i++)
		free_named_config(c->named[i]);
	free(c->named);
	strv_release(&c->names);
	strv_release(&c->fetched.url);
	strv_release(&c->fetched.text);
	conf_free(c->conf);
	free(c);
}

/* ---- [config "NAME"] ---- */

/* What is wrong with the file, or unknown in it, is told by who reads all. */
static int load_names(struct configs *c, struct err *err)
{
	int ret = c->conf ? 0 : conf_load(&c->conf, NULL, err);

	if (!ret && !c->names.n)
		conf_subsections(c->conf, "config", &c->names);
	return ret;
}

char *configs_word_of_file(const char *word, const char *where)
{
	const char *home = getenv("HOME"), *end = strrchr(where, ':');
	char *file, *dir, *path;

	if (str_starts(word, "~/") && home)
		return xasprintf("%s/%s", home, word + 2);
	if (word[0] == '/' || !strchr(word, '/') || strstr(word, "://") ||
	    kernel_setting_is_word(word))
		return xstrdup(word);
	file = xstrndup(where, end ? (size_t)(end - where) : strlen(where));
	dir = str_dir(file);
	path = xasprintf("%s/%s", dir, word);
	if (!fs_exists(path)) {
		free(path);
		path = xstrdup(word);
	}
	free(dir);
	free(file);
	return path;
}

static void add_named_words(const struct configs *c, struct kernel_named *n,
			    const char *name)
{
	struct strv words = { 0 }, places = { 0 };

	conf_get_all_places(c->conf, "config", name, "kconfig-add", &words,
			    &places);
	for (size_t i = 0; i < words.n; i++) {
		strv_own(&n->add,
			 configs_word_of_file(words.v[i], places.v[i]));
		strv_add(&n->add_where, places.v[i]);
	}
	if (!n->where && places.n)
		n->where = xstrdup(places.v[0]);
	strv_release(&places);
	strv_release(&words);
}

/* What [config "name"] says, with those before it that it is built on. */
static int add_named_section(const struct configs *c, struct kernel_named *n,
			     const char *name, struct strv *path,
			     struct err *err)
{
	const char *kconfig = conf_get(c->conf, "config", name, "kconfig");
	char *where = conf_where(c->conf, "config", name, "kconfig");
	bool other = kconfig && strcmp(kconfig, name) != 0 &&
		     strv_has(&c->names, kconfig);
	int ret = 0;

	strv_add(path, name);
	if (other && strv_has(path, kconfig)) {
		char *names = strv_join(path, "\" is \"");

		ret = err_set(err, ELOOP,
			      "%s: configurations that stand for each other: "
			      "\"%s\" is \"%s\"",
			      where, names, kconfig);
		free(names);
	} else if (other) {
		ret = add_named_section(c, n, kconfig, path, err);
	} else if (kconfig) {
		n->kconfig = configs_word_of_file(kconfig, where);
		n->where = xstrdup(where);
	}
	if (!ret)
		add_named_words(c, n, name);
	free(where);
	return ret;
}

static int find_named_config(struct configs *c, struct kernel_request *r,
			     struct err *err)
{
	struct strv path = { 0 };
	struct kernel_named *n;
	int ret;

	r->named = NULL;
	if (!r->kconfig)
		return 0;
	ret = load_names(c, err);
	r->configs = &c->names;
	if (ret || !strv_has(&c->names, r->kconfig))
		return ret;
	n = *VEC_ADD(c->named, c->n_named) = xcalloc(1, sizeof(*n));
	ret = add_named_section(c, n, r->kconfig, &path, err);
	r->named = n;
	strv_release(&path);
	return ret;
}

/* ---- URLs ---- */

/* `where`: whose word it is, for people. */
static int find_url(struct configs *c, const char *word, const char *where,
		    struct err *err)
{
	char *text = NULL;
	int ret;

	if (!kernel_kconfig_is_remote(word) || strv_has(&c->fetched.url, word))
		return 0;
	ret = config_fetch(word, &text, err);
	if (ret) {
		err_wrap(err, "%s", where);
		return ret;
	}
	strv_add(&c->fetched.url, word);
	strv_own(&c->fetched.text, text);
	return 0;
}

static int find_urls(struct configs *c, const struct kernel_request *r,
		     struct err *err)
{
	const struct kernel_named *n = r->named;
	int ret = 0;

	if (n && n->kconfig)
		ret = find_url(c, n->kconfig, n->where, err);
	else if (!n && r->kconfig)
		ret = find_url(c, r->kconfig, "-k", err);
	for (size_t i = 0; !ret && n && i < n->add.n; i++)
		ret = find_url(c, n->add.v[i], n->add_where.v[i], err);
	for (size_t i = 0; !ret && i < r->kconfig_add.n; i++)
		ret = find_url(c, r->kconfig_add.v[i], "-K", err);
	return ret;
}

int configs_find(struct configs *c, struct kernel_request *r, struct err *err)
{
	int ret = find_named_config(c, r, err);

	r->fetched = &c->fetched;
	return ret ? ret : find_urls(c, r, err);
}
