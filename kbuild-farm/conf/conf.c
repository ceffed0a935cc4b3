/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf.h"

#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/printable.h"
#include "base/vec.h"
#include "conf/locate.h"
#include "conf/schema.h"

#include <errno.h>
#include <git2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SYSTEM_FILE "/etc/kfarm/config"

/* A setting of a key. */
struct setting {
	char *section, *sub, *key;
	char *value; /* NULL for a key without "=" */
	/* the opened file; the setting itself may be in an included file */
	char *file;
};

struct conf {
	struct setting *settings;
	size_t n_settings;
	/* digest of the files' stat data before they were read */
	struct digest digest;
};

static bool matches_key(const struct setting *s, const char *section,
			const char *sub, const char *key)
{
	return !strcmp(s->section, section) && str_equal(s->sub, sub) &&
	       !strcmp(s->key, key);
}

static char *setting_origin(const struct conf *c, const struct setting *s)
{
	unsigned nth = 0;

	for (const struct setting *o = c->settings; o < s; o++) {
		if (matches_key(o, s->section, s->sub, s->key) &&
		    str_equal(o->value, s->value) && !strcmp(o->file, s->file))
			nth++;
	}
	return conf_locate_setting(s->file, s->section, s->sub, s->key,
				   s->value, nth);
}

static int set_git_error(const char *file, struct err *err)
{
	const git_error *e = git_error_last();

	return err_set(err, EINVAL, "%s: %s", file,
		       e && e->message ? e->message : "cannot read file");
}

static void init_libgit2(void)
{
	git_libgit2_init();
}

/*
 * Append the settings of a file.  libgit2 is initialized once, because its
 * initialization reads all certificates of the system, which takes 20 ms.
 */
static int load_file(struct conf *c, const char *file, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	git_config *config = NULL;
	git_config_iterator *it = NULL;
	git_config_entry *entry;
	int ret = conf_locate_check(file, err), step = 0;

	if (ret)
		return ret;
	pthread_once(&once, init_libgit2);
	if (git_config_open_ondisk(&config, file) ||
	    git_config_iterator_new(&it, config)) {
		ret = set_git_error(file, err);
		goto out;
	}
	while (!(step = git_config_next(&entry, it))) {
		/* section.key or section.sub.key; `sub` may contain dots */
		const char *name = entry->name;
		const char *first = strchr(name, '.');
		const char *last = strrchr(name, '.');
		struct setting *s;

		if (!first)
			continue;
		s = VEC_ADD(c->settings, c->n_settings);
		*s = (struct setting){
			.section = xstrndup(name, (size_t)(first - name)),
			.key = xstrdup(last + 1),
			.value = entry->value ? xstrdup(entry->value) : NULL,
			.file = xstrdup(file),
		};
		if (last > first)
			s->sub = xstrndup(first + 1,
					  (size_t)(last - first - 1));
	}
	if (step != GIT_ITEROVER)
		ret = set_git_error(file, err);
out:
	git_config_iterator_free(it);
	git_config_free(config);
	return ret;
}

/* Warn that a key is unknown or, if `reserved`, that it is ignored. */
static void warn_setting(const struct conf *c, const struct setting *s,
			 bool reserved, struct strv *warnings)
{
	char *at = setting_origin(c, s);
	struct buf text = { 0 };

	buf_printf(&text, "%s: %s%s%s%s.%s%s", at,
		   reserved ? "" : "unknown key ", s->section,
		   s->sub ? "." : "", s->sub ? s->sub : "", s->key,
		   reserved ? " is ignored by this version of kfarm" : "");
	if (!reserved &&
	    conf_schema_find(s->section, s->sub ? NULL : "", s->key)) {
		buf_printf(&text, "; it belongs in [%s%s]", s->section,
			   s->sub ? "" : " \"NAME\"");
	} else if (!reserved) {
		char *hint = conf_schema_suggest(s->section, s->sub, s->key);

		buf_add_str(&text, hint);
		free(hint);
	}
	printable_replace((char *)text.data, text.len, 0, '?');
	strv_own(warnings, buf_steal(&text));
	free(at);
}

static int check_settings(const struct conf *c, struct strv *warnings,
			  struct err *err)
{
	for (const struct setting *s = c->settings;
	     s < c->settings + c->n_settings; s++) {
		const struct conf_key *k = conf_schema_find(s->section, s->sub,
							    s->key);
		char *at;

		if (!k && warnings)
			warn_setting(c, s, false, warnings);
		if (!k)
			continue;
		if (!conf_schema_check(k, s->value, err)) {
			if (k->use != CONF_USE_READ && warnings)
				warn_setting(c, s, true, warnings);
			continue;
		}
		at = setting_origin(c, s);
		err_wrap(err, "%s: %s%s%s.%s", at, s->section,
			 s->sub ? "." : "", s->sub ? s->sub : "", s->key);
		free(at);
		return -EINVAL;
	}
	return 0;
}

static void add_file_stamp(struct buf *out, const char *file)
{
	struct file_stamp stamp;
	struct stat st;
	char *text;

	if (stat(file, &st)) {
		buf_printf(out, "%s: none\n", file);
		return;
	}
	file_stamp_from_stat(&stamp, &st);
	text = file_stamp_format(&stamp);
	buf_printf(out, "%s: %s\n", file, text);
	free(text);
}

char *conf_lists_path(void)
{
	char *home = fs_state_home(), *path = xasprintf("%s/lists", home);

	free(home);
	return path;
}

void conf_digest_current(struct digest *out)
{
	char *user = conf_user_path(), *lists = conf_lists_path();
	struct buf text = { 0 };

	add_file_stamp(&text, SYSTEM_FILE);
	add_file_stamp(&text, user);
	add_file_stamp(&text, lists);
	digest_bytes(buf_bytes(&text), out);
	buf_release(&text);
	free(lists);
	free(user);
}

const struct digest *conf_digest(const struct conf *c)
{
	return &c->digest;
}

int conf_load(struct conf **out, struct strv *warnings, struct err *err)
{
	const char *only = getenv("KFARM_CONFIG");
	char *user = conf_user_path();
	struct conf *c = conf_new();
	int ret = 0;

	conf_digest_current(&c->digest);
	if (!(only && *only) && fs_exists(SYSTEM_FILE))
		ret = load_file(c, SYSTEM_FILE, err);
	if (!ret && ((only && *only) || fs_exists(user)))
		ret = load_file(c, user, err);
	free(user);
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

void conf_override(struct conf *c, const char *section, const char *sub,
		   const char *key, const char *value, const char *origin)
{
	*VEC_ADD(c->settings, c->n_settings) = (struct setting){
		.section = xstrdup(section),
		.sub = sub ? xstrdup(sub) : NULL,
		.key = xstrdup(key),
		.value = xstrdup(value),
		.file = xstrdup(origin),
	};
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_settings; i++) {
		free(c->settings[i].section);
		free(c->settings[i].sub);
		free(c->settings[i].key);
		free(c->settings[i].value);
		free(c->settings[i].file);
	}
	free(c->settings);
	free(c);
}

static const struct setting *last_setting(const struct conf *c,
					  const char *section, const char *sub,
					  const char *key)
{
	for (size_t i = c->n_settings; i-- > 0;) {
		if (matches_key(&c->settings[i], section, sub, key))
			return &c->settings[i];
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
	conf_get_all_origins(c, section, sub, key, out, NULL);
}

void conf_get_all_origins(const struct conf *c, const char *section,
			  const char *sub, const char *key, struct strv *out,
			  struct strv *origins)
{
	for (size_t i = 0; i < c->n_settings; i++) {
		if (!matches_key(&c->settings[i], section, sub, key) ||
		    !c->settings[i].value)
			continue;
		strv_add(out, c->settings[i].value);
		if (origins)
			strv_own(origins, setting_origin(c, &c->settings[i]));
	}
}

long conf_get_number(const struct conf *c, const char *section, const char *sub,
		     const char *key, long default_value)
{
	const struct conf_key *k = conf_schema_find(section, sub, key);
	const char *value = conf_get(c, section, sub, key);
	long n;

	if (!k || !value || str_parse_number(value, k->min, k->max, &n))
		return default_value;
	return n;
}

uint64_t conf_get_amount(const struct conf *c, const char *section,
			 const char *sub, const char *key,
			 const char *default_value)
{
	const char *value = conf_get(c, section, sub, key);
	uint64_t n = 0;

	value = value ? value : default_value;
	if (value)
		conf_schema_parse_amount(conf_schema_find(section, sub, key),
					 value, &n);
	return n;
}

void conf_list_subsections(const struct conf *c, const char *section,
			   struct strv *out)
{
	for (size_t i = 0; i < c->n_settings; i++) {
		const struct setting *s = &c->settings[i];

		if (s->sub && !strcmp(s->section, section) &&
		    !strv_has(out, s->sub))
			strv_add(out, s->sub);
	}
}

char *conf_get_origin(const struct conf *c, const char *section,
		      const char *sub, const char *key)
{
	const struct setting *s = last_setting(c, section, sub, key);

	return s ? setting_origin(c, s) : NULL;
}

char *conf_get_section_origin(const struct conf *c, const char *section,
			      const char *sub)
{
	for (size_t i = 0; i < c->n_settings; i++) {
		const struct setting *s = &c->settings[i];

		if (!strcmp(s->section, section) && str_equal(s->sub, sub))
			return setting_origin(c, s);
	}
	return NULL;
}
