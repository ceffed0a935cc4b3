/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf.h"

#include "base/fs.h"
#include "base/printable.h"
#include "base/vec.h"
#include "conf/schema.h"
#include "conf/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_FILE "/etc/kfarm/config"

/* One setting of one key. */
struct setting {
	char *section, *sub, *key;
	char *value; /* NULL: a key without "=" */
	char *file;
	unsigned line;
};

struct conf {
	struct setting *v;
	size_t n;
};

static bool same_key(const struct setting *s, const char *section,
		     const char *sub, const char *key)
{
	return !strcmp(s->section, section) && str_equal(s->sub, sub) &&
	       !strcmp(s->key, key);
}

static void add_setting(void *ctx, const char *file,
			const struct conf_item *item)
{
	struct conf *c = ctx;

	*VEC_ADD(c->v, c->n) = (struct setting){
		.section = xstrdup(item->section),
		.sub = item->sub ? xstrdup(item->sub) : NULL,
		.key = xstrdup(item->key),
		.value = item->value ? xstrdup(item->value) : NULL,
		.file = xstrdup(file),
		.line = item->line,
	};
}

static void warn_unknown(const struct setting *s, struct strv *warnings)
{
	struct buf text = { 0 };

	buf_printf(&text, "%s:%u: unknown key %s%s%s.%s", s->file, s->line,
		   s->section, s->sub ? "." : "", s->sub ? s->sub : "", s->key);
	if (conf_schema_find(s->section, s->sub ? NULL : "", s->key))
		buf_printf(&text, "; it belongs in [%s%s]", s->section,
			   s->sub ? "" : " \"NAME\"");
	printable_clean((char *)text.data, text.len, 0, '?');
	strv_own(warnings, buf_steal(&text));
}

static int check(const struct conf *c, struct strv *warnings, struct err *err)
{
	for (const struct setting *s = c->v; s < c->v + c->n; s++) {
		const struct conf_key *k = conf_schema_find(s->section, s->sub,
							    s->key);

		if (!k && warnings)
			warn_unknown(s, warnings);
		if (!k || !conf_schema_check(k, s->value, err))
			continue;
		err_wrap(err, "%s:%u: %s%s%s.%s", s->file, s->line, s->section,
			 s->sub ? "." : "", s->sub ? s->sub : "", s->key);
		return -EINVAL;
	}
	return 0;
}

static int load_all(struct conf *c, struct err *err)
{
	const char *only = getenv("KFARM_CONFIG");
	char *user = conf_user_file();
	int ret = 0;

	if (!(only && *only) && fs_exists(SYSTEM_FILE))
		ret = conf_walk(SYSTEM_FILE, add_setting, c, err);
	if (!ret && ((only && *only) || fs_exists(user)))
		ret = conf_walk(user, add_setting, c, err);
	free(user);
	return ret;
}

int conf_load(struct conf **out, struct strv *warnings, struct err *err)
{
	struct conf *c = xcalloc(1, sizeof(*c));
	int ret = load_all(c, err);

	if (!ret)
		ret = check(c, warnings, err);
	if (ret)
		conf_free(c);
	else
		*out = c;
	return ret;
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

	return s ? xasprintf("%s:%u", s->file, s->line) : NULL;
}
