/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kconfig.h"

#include "base/fs.h"
#include "base/url.h"
#include "base/vec.h"
#include "kernel/config-text.h"
#include "kernel/kconfig-find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOTES 5 /* at most so many of one kind */
#define SHOWN 60 /* letters of a line */

/* ---- base and fragments ---- */

static int read_base(struct kernel_kconfig *k, const struct kernel_request *r,
		     const struct kernel_kconfig_tree *t, struct err *err)
{
	const struct kernel_named *named = r->named;
	const char *word = named ? named->kconfig : r->kconfig;
	int ret;

	word = word ? word : "defconfig";
	if (kernel_kconfig_is_target(t, word)) {
		k->base = KERNEL_CONFIG_TARGET;
		k->target = xstrdup(word);
		return 0;
	}
	k->base = KERNEL_CONFIG_FILE;
	k->file = url_shown(word);
	ret = kernel_kconfig_base_text(t, r, word, &k->text, err);
	if (ret)
		err_wrap(err, "%s %s", named ? named->where : "-k", k->file);
	return ret;
}

/* `where`: of the configuration file, NULL: the command line. */
static int read_fragment(struct kernel_kconfig *k,
			 const struct kernel_request *r,
			 const struct kernel_kconfig_tree *t, const char *word,
			 const char *where, struct err *err)
{
	struct kernel_fragment *f = VEC_ADD(k->fragment, k->n_fragments);
	int ret;

	*f = (struct kernel_fragment){
		.name = url_shown(word),
		.where = xstrdup(where ? where : "-K"),
		.literal = kernel_setting_is_word(word),
	};
	ret = f->literal ?
		      kernel_setting_from_word(word, &f->text, err) :
		      kernel_kconfig_fragment_text(t, r, word, &f->text, err);
	if (ret)
		err_wrap(err, "%s %s", f->where, f->name);
	return ret;
}

static int read_fragments(struct kernel_kconfig *k,
			  const struct kernel_request *r,
			  const struct kernel_kconfig_tree *t, struct err *err)
{
	const struct kernel_named *named = r->named;
	int ret = 0;

	for (size_t i = 0; !ret && named && i < named->add.n; i++)
		ret = read_fragment(k, r, t, named->add.v[i],
				    named->add_where.v[i], err);
	for (size_t i = 0; !ret && i < r->kconfig_add.n; i++)
		ret = read_fragment(k, r, t, r->kconfig_add.v[i], NULL, err);
	return ret;
}

/* ---- what they ask ---- */

/* Which fragment it is a line of. */
static size_t fragment_of_line(const struct kernel_kconfig *k, const char *line)
{
	size_t i = 0;

	while (i + 1 < k->n_fragments &&
	       (line < k->fragment[i].text ||
		line >= k->fragment[i].text + strlen(k->fragment[i].text)))
		i++;
	return i;
}

/* Where it stands, for people; the caller frees it. */
static char *place_of_line(const struct kernel_kconfig *k, const char *line)
{
	const struct kernel_fragment *f =
		&k->fragment[fragment_of_line(k, line)];
	const char *at = f->text;
	size_t n = 1;

	if (f->literal)
		return xstrdup(f->where);
	for (; at < line; at = kernel_setting_next(at))
		n++;
	return xasprintf("%s:%zu", f->name, n);
}

/* Up to NOTES of a kind are told, of the others the number. */
static void note_replaced(struct kernel_kconfig *k, size_t *n,
			  const struct kernel_setting *was,
			  const struct kernel_setting *now)
{
	char *from, *by;

	if (++*n > NOTES)
		return;
	from = place_of_line(k, was->line);
	by = place_of_line(k, now->line);
	strv_addf(&k->notes, "%.*s: %.*s (%s) counts, not %.*s (%s)",
		  (int)now->symbol.len, (const char *)now->symbol.data,
		  (int)now->value.len, (const char *)now->value.data, by,
		  (int)was->value.len, (const char *)was->value.data, from);
	free(by);
	free(from);
}

static void note_ignored(struct kernel_kconfig *k, size_t *n, const char *line)
{
	size_t len = strcspn(line, "\r\n");
	char *place;

	if (++*n > NOTES)
		return;
	place = place_of_line(k, line);
	strv_addf(&k->notes, "%s: Kconfig passes over \"%.*s\"", place,
		  (int)(len < SHOWN ? len : SHOWN), line);
	free(place);
}

static void collect_asked(struct kernel_kconfig *k)
{
	size_t replaced = 0, ignored = 0;
	const struct kernel_setting *was;
	struct kernel_setting s;

	for (size_t i = 0; i < k->n_fragments; i++) {
		const char *at = k->fragment[i].text;

		for (; *at; at = kernel_setting_next(at)) {
			if (!kernel_setting_of(&s, at)) {
				if (!kernel_setting_is_comment(at))
					note_ignored(k, &ignored, at);
				continue;
			}
			was = kernel_settings_find(&k->asked, s.symbol);
			if (was && !bytes_equal(was->value, s.value))
				note_replaced(k, &replaced, was, &s);
			kernel_settings_put(&k->asked, &s);
		}
	}
	if (replaced > NOTES)
		strv_addf(&k->notes, "%zu more settings are in place of others",
			  replaced - NOTES);
	if (ignored > NOTES)
		strv_addf(&k->notes, "Kconfig passes over %zu more lines",
			  ignored - NOTES);
}

int kernel_kconfig_read(struct kernel_kconfig *k,
			const struct kernel_request *r, const char *tree,
			const char *srcarch, bool have_config, struct err *err)
{
	const struct kernel_kconfig_tree t = { tree, srcarch };
	int ret = 0;

	*k = (struct kernel_kconfig){ .base = KERNEL_CONFIG_KEEP };
	if (r->kconfig || !have_config)
		ret = read_base(k, r, &t, err);
	if (!ret)
		ret = read_fragments(k, r, &t, err);
	if (ret)
		return ret;
	if (r->named && kernel_kconfig_is_target(&t, r->kconfig))
		strv_addf(&k->notes, "-k %s is that of %s, not the tree's own",
			  r->kconfig, r->named->where);
	collect_asked(k);
	return 0;
}

void kernel_kconfig_release(struct kernel_kconfig *k)
{
	for (size_t i = 0; i < k->n_fragments; i++) {
		free(k->fragment[i].name);
		free(k->fragment[i].where);
		free(k->fragment[i].text);
	}
	kernel_settings_release(&k->asked);
	strv_release(&k->notes);
	free(k->fragment);
	free(k->target);
	free(k->file);
	free(k->text);
	*k = (struct kernel_kconfig){ 0 };
}

bool kernel_kconfig_nothing(const struct kernel_kconfig *k)
{
	return k->base == KERNEL_CONFIG_KEEP && !k->n_fragments;
}

void kernel_kconfig_digest(const struct kernel_kconfig *k, struct digest *out)
{
	struct buf all = { 0 };

	buf_put_u8(&all, (uint8_t)k->base);
	buf_put_str(&all, k->target ? k->target : "");
	buf_put_str(&all, k->text ? k->text : "");
	for (size_t i = 0; i < k->n_fragments; i++)
		buf_put_str(&all, k->fragment[i].text);
	digest_of(buf_bytes(&all), out);
	buf_release(&all);
}

bool kernel_kconfig_asks(const struct kernel_kconfig *k, const char *config,
			 const char *symbol)
{
	const char *base = k->base == KERNEL_CONFIG_KEEP ? config : k->text;
	const struct kernel_setting *s = kernel_settings_find(
		&k->asked, bytes_str(symbol));

	return bytes_equal(s ? s->value :
			       kernel_setting_value(base ? base : "", symbol),
			   bytes_str("y"));
}

bool kernel_kconfig_asks_later(const struct kernel_kconfig *k,
			       const char *symbol, const char *other)
{
	const struct kernel_setting *a, *b;
	size_t in_a, in_b;

	a = kernel_settings_find(&k->asked, bytes_str(symbol));
	b = kernel_settings_find(&k->asked, bytes_str(other));
	if (!a || !b || !bytes_equal(a->value, bytes_str("y")))
		return false;
	in_a = fragment_of_line(k, a->line);
	in_b = fragment_of_line(k, b->line);
	return in_a > in_b || (in_a == in_b && a->line > b->line);
}

/* ---- what is made of it ---- */

static void add_config_line(struct buf *out, const char *line)
{
	buf_add(out, line, strcspn(line, "\r\n"));
	buf_add_str(out, "\n");
}

char *kernel_kconfig_merge(const struct kernel_kconfig *k, const char *base)
{
	const struct kernel_setting *last;
	struct kernel_setting s;
	struct buf out = { 0 };

	for (const char *at = base; *at; at = kernel_setting_next(at)) {
		if (!kernel_setting_of(&s, at) ||
		    !kernel_settings_find(&k->asked, s.symbol))
			add_config_line(&out, at);
	}
	for (size_t i = 0; i < k->n_fragments; i++) {
		const char *at = k->fragment[i].text;

		for (; *at; at = kernel_setting_next(at)) {
			if (!kernel_setting_of(&s, at))
				continue;
			last = kernel_settings_find(&k->asked, s.symbol);
			if (last->line == at)
				add_config_line(&out, at);
		}
	}
	buf_add(&out, "", 0);
	return buf_steal(&out);
}

static void add_missed(const struct kernel_kconfig *k,
		       const struct kernel_setting *asked, struct bytes is,
		       struct kernel_missed **out, size_t *n)
{
	char *where = place_of_line(k, asked->line);

	if (!strcmp(where, "-K")) {
		free(where);
		where = NULL;
	}
	*VEC_ADD(*out, *n) = (struct kernel_missed){
		.symbol = bytes_dup(asked->symbol),
		.asked = bytes_dup(asked->value),
		.is = bytes_dup(is),
		.where = where,
	};
}

void kernel_kconfig_missed(const struct kernel_kconfig *k, const char *config,
			   struct kernel_missed **out, size_t *n)
{
	struct kernel_settings made = { 0 };

	*out = NULL;
	*n = 0;
	kernel_settings_add(&made, config);
	for (size_t i = 0; i < k->n_fragments; i++) {
		const char *at = k->fragment[i].text;

		for (; *at; at = kernel_setting_next(at)) {
			const struct kernel_setting *last, *is;
			struct kernel_setting s;

			if (!kernel_setting_of(&s, at))
				continue;
			last = kernel_settings_find(&k->asked, s.symbol);
			is = kernel_settings_find(&made, s.symbol);
			if (last->line == at &&
			    !kernel_setting_same(s.value, is ? is->value :
							       bytes_str("n")))
				add_missed(k, &s,
					   is ? is->value : bytes_str("n"), out,
					   n);
		}
	}
	kernel_settings_release(&made);
}

void kernel_kconfig_missed_free(struct kernel_missed *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].symbol);
		free(list[i].asked);
		free(list[i].is);
		free(list[i].where);
	}
	free(list);
}
