/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf.h"

#include "base/fs.h"
#include "base/printable.h"
#include "base/stamp.h"
#include "base/vec.h"
#include "conf/schema.h"
#include "conf/where.h"

#include <errno.h>
#include <git2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SYSTEM_FILE "/etc/kfarm/config"

/* One setting of one key. */
struct setting {
	char *section, *sub, *key;
	char *value; /* NULL: a key without "=" */
	char *file; /* that was opened; the setting may be in an included one */
};

struct conf {
	struct setting *v;
	size_t n;
	struct digest stamp; /* of the files, before they were read */
};

static bool same_key(const struct setting *s, const char *section,
		     const char *sub, const char *key)
{
	return !strcmp(s->section, section) && str_equal(s->sub, sub) &&
	       !strcmp(s->key, key);
}

static char *setting_place(const struct conf *c, const struct setting *s)
{
	unsigned nth = 0;

	for (const struct setting *o = c->v; o < s; o++) {
		if (same_key(o, s->section, s->sub, s->key) &&
		    str_equal(o->value, s->value) && !strcmp(o->file, s->file))
			nth++;
	}
	return conf_where_find(s->file, s->section, s->sub, s->key, s->value,
			       nth);
}

/* libgit2 spells it section.key or section.sub.key; sub may hold dots. */
static void copy_setting(struct conf *c, const char *file,
			 const git_config_entry *e)
{
	const char *first = strchr(e->name, '.');
	const char *last = strrchr(e->name, '.');
	struct setting *s;

	if (!first)
		return;
	s = VEC_ADD(c->v, c->n);
	*s = (struct setting){
		.section = xstrndup(e->name, (size_t)(first - e->name)),
		.key = xstrdup(last + 1),
		.value = e->value ? xstrdup(e->value) : NULL,
		.file = xstrdup(file),
	};
	if (last > first)
		s->sub = xstrndup(first + 1, (size_t)(last - first - 1));
}

static int git_failed(const char *file, struct err *err)
{
	const git_error *e = git_error_last();

	return err_set(err, EINVAL, "%s: %s", file,
		       e && e->message ? e->message : "cannot be read");
}

static int read_settings(struct conf *c, const char *file, struct err *err)
{
	git_config *config = NULL;
	git_config_iterator *it = NULL;
	git_config_entry *entry;
	int ret = 0, step = 0;

	if (git_config_open_ondisk(&config, file) ||
	    git_config_iterator_new(&it, config)) {
		ret = git_failed(file, err);
		goto out;
	}
	while (!(step = git_config_next(&entry, it)))
		copy_setting(c, file, entry);
	if (step != GIT_ITEROVER)
		ret = git_failed(file, err);
out:
	git_config_iterator_free(it);
	git_config_free(config);
	return ret;
}

static void begin_libgit2(void)
{
	git_libgit2_init();
}

/*
 * When it begins it reads all certificates of the system, which takes 20 ms:
 * so it does once, whoever begins with it later.
 */
static int load_file(struct conf *c, const char *file, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int ret = conf_where_check(file, err);

	if (ret)
		return ret;
	pthread_once(&once, begin_libgit2);
	return read_settings(c, file, err);
}

static void warn_unknown(const struct conf *c, const struct setting *s,
			 struct strv *warnings)
{
	struct buf text = { 0 };
	char *at = setting_place(c, s);

	buf_printf(&text, "%s: unknown key %s%s%s.%s", at, s->section,
		   s->sub ? "." : "", s->sub ? s->sub : "", s->key);
	if (conf_schema_find(s->section, s->sub ? NULL : "", s->key))
		buf_printf(&text, "; it belongs in [%s%s]", s->section,
			   s->sub ? "" : " \"NAME\"");
	printable_clean((char *)text.data, text.len, 0, '?');
	strv_own(warnings, buf_steal(&text));
	free(at);
}

static void warn_unread(const struct conf *c, const struct setting *s,
			struct strv *warnings)
{
	char *at = setting_place(c, s);
	struct buf text = { 0 };

	buf_printf(&text, "%s: %s%s%s.%s is ignored by this version of kfarm",
		   at, s->section, s->sub ? "." : "", s->sub ? s->sub : "",
		   s->key);
	printable_clean((char *)text.data, text.len, 0, '?');
	strv_own(warnings, buf_steal(&text));
	free(at);
}

static int check_settings(const struct conf *c, struct strv *warnings,
			  struct err *err)
{
	for (const struct setting *s = c->v; s < c->v + c->n; s++) {
		const struct conf_key *k = conf_schema_find(s->section, s->sub,
							    s->key);
		char *at;

		if (!k && warnings)
			warn_unknown(c, s, warnings);
		if (!k)
			continue;
		if (!conf_schema_check(k, s->value, err)) {
			if (k->reader != CONF_READ && warnings)
				warn_unread(c, s, warnings);
			continue;
		}
		at = setting_place(c, s);
		err_wrap(err, "%s: %s%s%s.%s", at, s->section,
			 s->sub ? "." : "", s->sub ? s->sub : "", s->key);
		free(at);
		return -EINVAL;
	}
	return 0;
}

static void add_stamp(struct buf *out, const char *file)
{
	struct stamp stamp;
	struct stat st;
	char *text;

	if (stat(file, &st)) {
		buf_printf(out, "%s: none\n", file);
		return;
	}
	stamp_of(&stamp, &st);
	text = stamp_string(&stamp);
	buf_printf(out, "%s: %s\n", file, text);
	free(text);
}

void conf_stamp_now(struct digest *out)
{
	char *user = conf_user_file();
	struct buf text = { 0 };

	add_stamp(&text, SYSTEM_FILE);
	add_stamp(&text, user);
	digest_of(buf_bytes(&text), out);
	buf_release(&text);
	free(user);
}

const struct digest *conf_stamp(const struct conf *c)
{
	return &c->stamp;
}

static int load_files(struct conf *c, struct err *err)
{
	const char *only = getenv("KFARM_CONFIG");
	char *user = conf_user_file();
	int ret = 0;

	if (!(only && *only) && fs_exists(SYSTEM_FILE))
		ret = load_file(c, SYSTEM_FILE, err);
	if (!ret && ((only && *only) || fs_exists(user)))
		ret = load_file(c, user, err);
	free(user);
	return ret;
}

int conf_load(struct conf **out, struct strv *warnings, struct err *err)
{
	struct conf *c = conf_new();
	int ret;

	conf_stamp_now(&c->stamp);
	ret = load_files(c, err);
	if (!ret)
		ret = check_settings(c, warnings, err);
	if (ret)
		conf_free(c);
	else
		*out = c;
	return ret;
}

struct conf *conf_new(void)
{
	return xcalloc(1, sizeof(struct conf));
}

void conf_put(struct conf *c, const char *section, const char *sub,
	      const char *key, const char *value, const char *from)
{
	*VEC_ADD(c->v, c->n) = (struct setting){
		.section = xstrdup(section),
		.sub = sub ? xstrdup(sub) : NULL,
		.key = xstrdup(key),
		.value = xstrdup(value),
		.file = xstrdup(from),
	};
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].section);
		free(c->v[i].sub);
		free(c->v[i].key);
		free(c->v[i].value);
		free(c->v[i].file);
	}
	free(c->v);
	free(c);
}

static const struct setting *last_setting(const struct conf *c,
					  const char *section, const char *sub,
					  const char *key)
{
	for (size_t i = c->n; i-- > 0;) {
		if (same_key(&c->v[i], section, sub, key))
			return &c->v[i];
	}
	return NULL;
}

const char *conf_get(const struct conf *c, const char *section, const char *sub,
		     const char *key)
{
	const struct setting *s = last_setting(c, section, sub, key);

	return s ? s->value : NULL;
}

void conf_get_all(const struct conf *c, const char *section, const char *sub,
		  const char *key, struct strv *out)
{
	for (size_t i = 0; i < c->n; i++) {
		if (same_key(&c->v[i], section, sub, key) && c->v[i].value)
			strv_add(out, c->v[i].value);
	}
}

void conf_get_all_places(const struct conf *c, const char *section,
			 const char *sub, const char *key, struct strv *out,
			 struct strv *places)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!same_key(&c->v[i], section, sub, key) || !c->v[i].value)
			continue;
		strv_add(out, c->v[i].value);
		strv_own(places, setting_place(c, &c->v[i]));
	}
}

long conf_number(const struct conf *c, const char *section, const char *sub,
		 const char *key, long otherwise)
{
	const struct conf_key *k = conf_schema_find(section, sub, key);
	const char *value = conf_get(c, section, sub, key);
	long n;

	if (!k || !value || str_number(value, k->min, k->max, &n))
		return otherwise;
	return n;
}

void conf_subsections(const struct conf *c, const char *section,
		      struct strv *out)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct setting *s = &c->v[i];

		if (s->sub && !strcmp(s->section, section) &&
		    !strv_has(out, s->sub))
			strv_add(out, s->sub);
	}
}

char *conf_where(const struct conf *c, const char *section, const char *sub,
		 const char *key)
{
	const struct setting *s = last_setting(c, section, sub, key);

	return s ? setting_place(c, s) : NULL;
}
