/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/ask.h"

#include "scan/pragma-options.h"
#include "scan/query.h"

#include "base/fs.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Operators beyond which headers are no longer searched for more. */
#define WANTED_MAX 512

struct operator
{
	struct operator* next;
	enum scan_word op;
	long long value;
	char *text;
};

/* Never changed; the older ones live on, for who reads them without a lock. */
struct answer_dirs {
	struct answer_dirs *older;
	struct strv dirs, absent;
};

/* What pragmas change; see scan/pragma-options.h. */
struct options {
	struct options *next;
	char *key;
	struct buf lines;
	struct scan_text *changes; /* NULL: not read yet */
};

/*
 * `lock` is held while the compiler is asked, so that one compiler's threads
 * wait for its answer, and the others' do not.
 */
struct dialect {
	struct scan_dialect is; /* without macros: not known yet */
	struct dialect *next;
	char hex[DIGEST_HEX];
	pthread_mutex_t lock;
	struct answer_dirs *dirs; /* NULL: not asked yet */
	struct operator* operators;
	struct options *options;
};

struct scan_answers {
	struct scan_setup setup;
	char *cache_dir;
	struct scan_names *names;
	atomic_uint_fast64_t asked;
	pthread_mutex_t lock; /* of what follows */
	struct dialect *dialects;
	struct strv wanted; /* "OP TEXT": each compiler is asked all of them */
};

struct scan_answers *scan_answers_new(const struct scan_setup *setup,
				      struct scan_names *names)
{
	struct scan_answers *a = xcalloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	a->setup = *setup;
	a->cache_dir = setup->cache_dir ? xstrdup(setup->cache_dir) : NULL;
	a->names = names;
	scan_query_wanted(&a->wanted);
	return a;
}

static void dialect_free(struct dialect *f)
{
	while (f->operators) {
		struct operator* o = f->operators;

		f->operators = o->next;
		free(o->text);
		free(o);
	}
	while (f->options) {
		struct options *o = f->options;

		f->options = o->next;
		scan_text_free(o->changes);
		buf_release(&o->lines);
		free(o->key);
		free(o);
	}
	while (f->dirs) {
		struct answer_dirs *d = f->dirs;

		f->dirs = d->older;
		strv_release(&d->dirs);
		strv_release(&d->absent);
		free(d);
	}
	scan_text_free(f->is.macros);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void scan_answers_free(struct scan_answers *a)
{
	if (!a)
		return;
	while (a->dialects) {
		struct dialect *f = a->dialects;

		a->dialects = f->next;
		dialect_free(f);
	}
	strv_release(&a->wanted);
	free(a->cache_dir);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Everything that the compiler's macros may depend on. */
static void key_of(const struct scan_unit *unit, const struct scan_line *line,
		   char hex[static DIGEST_HEX])
{
	struct digest_run *run = digest_new();
	struct digest d;
	const char *part[] = {
		"kfarm scan 7",
		unit->compiler,
		line->mode & SCAN_ASM ? "asm" : "c",
		line->flags_local ? unit->cwd : "",
	};

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		digest_add(run, bytes_of(part[i], strlen(part[i]) + 1));
	if (unit->toolchain)
		digest_add(run, bytes_of(unit->toolchain->b, DIGEST_SIZE));
	digest_add(run, bytes_of(&line->mode, sizeof(line->mode)));
	for (size_t i = 0; i < line->flags.n; i++)
		digest_add(run, bytes_of(line->flags.v[i],
					 strlen(line->flags.v[i]) + 1));
	digest_end(run, &d);
	digest_hex(&d, hex);
}

static void hex_of(struct bytes in, char hex[static DIGEST_HEX])
{
	struct digest d;

	digest_of(in, &d);
	digest_hex(&d, hex);
}

/* What is kept between runs.  It ends in its digest: damaged is nothing. */
static bool recall(const struct scan_answers *a, const struct dialect *f,
		   struct buf *out)
{
	char *path, hex[DIGEST_HEX];
	struct err err;
	bool ok;

	if (!a->cache_dir)
		return false;
	path = xasprintf("%s/scan-%s", a->cache_dir, f->hex);
	ok = fs_exists(path) && !fs_read(path, 16 << 20, out, &err) &&
	     out->len >= DIGEST_HEX - 1;
	free(path);
	if (ok) {
		out->len -= DIGEST_HEX - 1;
		hex_of(buf_bytes(out), hex);
		ok = !memcmp(out->data + out->len, hex, DIGEST_HEX - 1);
		out->data[out->len] = '\0';
	}
	if (!ok)
		buf_release(out);
	return ok;
}

/* Add an answer to what is kept; macros are the first. */
static void remember(const struct scan_answers *a, const struct dialect *f,
		     enum scan_query what, const struct buf *answer)
{
	struct buf out = { 0 };
	char *path, hex[DIGEST_HEX];
	struct err err;

	if (!a->cache_dir)
		return;
	if (what != SCAN_QUERY_MACROS && !recall(a, f, &out))
		return;
	path = xasprintf("%s/scan-%s", a->cache_dir, f->hex);
	buf_add_bytes(&out, buf_bytes(answer));
	hex_of(buf_bytes(&out), hex);
	buf_add_str(&out, hex);
	/* Without it the compiler is asked again next time: no more. */
	if (!fs_mkdirs(a->cache_dir, 0700, &err))
		fs_write(path, buf_bytes(&out), 0600, &err);
	buf_release(&out);
	free(path);
}

static struct operator* find_operator(const struct dialect *f,
				      enum scan_word op, const char *text)
{
	struct operator* o;

	for (o = f->operators; o; o = o->next) {
		if (o->op == op && !strcmp(o->text, text))
			return o;
	}
	return NULL;
}

static void learn_operator(struct scan_answers *a, struct dialect *f,
			   const char *line)
{
	char name[64], text[256];
	struct operator* o;
	long long value;
	uint32_t op;

	if (sscanf(line, "op %63s %lld %255[^\n]", name, &value, text) != 3)
		return;
	op = scan_name_id(a->names, name, strlen(name));
	if (op >= WORDS || find_operator(f, op, text))
		return;
	o = xcalloc(1, sizeof(*o));
	o->op = op;
	o->value = value;
	o->text = xstrdup(text);
	o->next = f->operators;
	f->operators = o;
}

static void learn_builtin(struct dialect *f, const char *line)
{
	uint32_t w;

	if (sscanf(line, "has %u", &w) != 1)
		return;
	if (w == WORD_NONE)
		f->is.no_raw = true;
	else if (w >= WORD_FILE && w < WORDS && f->is.n_builtin < WORDS)
		f->is.builtin[f->is.n_builtin++] = (struct scan_def){
			.name = w
		};
}

static struct answer_dirs *new_dirs(struct dialect *f)
{
	struct answer_dirs *d = xcalloc(1, sizeof(*d));

	d->older = f->dirs;
	f->dirs = d;
	return d;
}

static void new_options(struct dialect *f, const char *key, size_t len)
{
	struct options *o = xcalloc(1, sizeof(*o));

	o->key = xstrndup(key, len);
	o->next = f->options;
	f->options = o;
}

/* +define X 1 */
static void learn_change(struct dialect *f, const char *line, size_t len)
{
	if (!f->options)
		return;
	buf_add_str(&f->options->lines, "#");
	buf_add(&f->options->lines, line + 1, len - 1);
	buf_add_str(&f->options->lines, "\n");
}

/* Take over the lines of an answer; see scan/query.h. */
static void learn(struct scan_answers *a, struct dialect *f, unsigned mode,
		  const struct buf *answer)
{
	struct answer_dirs *dirs = f->dirs;
	struct buf macros = { 0 };
	const char *s, *end;

	for (s = buf_str(answer); *s; s = end) {
		size_t len = strcspn(s, "\n");

		end = s + len + (s[len] == '\n');
		if (*s == '#')
			buf_add(&macros, s, (size_t)(end - s));
		else if (*s == 'h')
			learn_builtin(f, s);
		else if (*s == 'o')
			learn_operator(a, f, s);
		else if (*s == 'd')
			dirs = new_dirs(f);
		else if (str_starts(s, "pragmas "))
			new_options(f, s + 8, len - 8);
		else if (*s == '+')
			learn_change(f, s, len);
		else if (dirs && len > 2)
			strv_own(*s == 'D' ? &dirs->dirs : &dirs->absent,
				 xstrndup(s + 2, len - 2));
	}
	/* Also where there are none. */
	if (!f->is.macros) {
		f->is.is_clang = strstr(buf_str(&macros), "#define __clang__ ");
		f->is.macros = scan_lex(a->names, &macros, mode, false);
	}
	buf_release(&macros);
}

static int query_compiler(struct scan_answers *a, struct dialect *f,
			  const struct scan_unit *unit,
			  const struct scan_line *line, enum scan_query what,
			  const struct strv *keys, struct err *err)
{
	struct buf answer = { 0 };
	int ret;

	atomic_fetch_add(&a->asked, 1);
	ret = scan_query(&a->setup, unit, line, a->names, what, keys, &answer,
			 err);
	if (!ret) {
		learn(a, f, line->mode, &answer);
		remember(a, f, what, &answer);
	}
	buf_release(&answer);
	return ret;
}

/* What is wanted by now; the caller releases it. */
static void wanted(struct scan_answers *a, struct strv *out)
{
	pthread_mutex_lock(&a->lock);
	strv_add_all(out, strv_list(&a->wanted));
	pthread_mutex_unlock(&a->lock);
}

/* Ask for everything at once: one start of the compiler, as a rule. */
static int load(struct scan_answers *a, struct dialect *f,
		const struct scan_unit *unit, const struct scan_line *line,
		struct err *err)
{
	struct strv keys = { 0 };
	struct buf kept = { 0 };
	int ret = 0;

	if (recall(a, f, &kept))
		learn(a, f, line->mode, &kept);
	if (!f->is.macros) {
		wanted(a, &keys);
		ret = query_compiler(a, f, unit, line, SCAN_QUERY_MACROS, &keys,
				     err);
	}
	strv_release(&keys);
	buf_release(&kept);
	return ret;
}

static struct dialect *find_dialect(struct scan_answers *a,
				    const char hex[static DIGEST_HEX])
{
	struct dialect *f;

	pthread_mutex_lock(&a->lock);
	for (f = a->dialects; f && strcmp(f->hex, hex); f = f->next)
		;
	if (!f) {
		f = xcalloc(1, sizeof(*f));
		memcpy(f->hex, hex, sizeof(f->hex));
		pthread_mutex_init(&f->lock, NULL);
		f->next = a->dialects;
		a->dialects = f;
	}
	pthread_mutex_unlock(&a->lock);
	return f;
}

struct scan_dialect *scan_answers_dialect(struct scan_answers *a,
					  const struct scan_unit *unit,
					  const struct scan_line *line,
					  enum reason *why, char **detail)
{
	struct dialect *f;
	struct err err = { 0 };
	char hex[DIGEST_HEX];
	int ret = 0;

	key_of(unit, line, hex);
	f = find_dialect(a, hex);
	pthread_mutex_lock(&f->lock);
	/* One that would not answer is asked again by the next unit. */
	if (!f->is.macros)
		ret = load(a, f, unit, line, &err);
	pthread_mutex_unlock(&f->lock);
	if (!ret)
		return &f->is;
	*why = REASON_NO_MACROS;
	*detail = xstrdup(err.text);
	return NULL;
}

int scan_dialect_dirs(struct scan_answers *a, struct scan_dialect *dialect,
		      const struct scan_unit *unit,
		      const struct scan_line *line, bool again,
		      const struct strv **dirs, const struct strv **absent,
		      enum reason *why)
{
	struct dialect *f = (struct dialect *)dialect;
	struct err err;
	int ret = 0;

	pthread_mutex_lock(&f->lock);
	if (again || !f->dirs)
		ret = query_compiler(a, f, unit, line, SCAN_QUERY_DIRS, NULL,
				     &err);
	if (!ret) {
		*dirs = &f->dirs->dirs;
		*absent = &f->dirs->absent;
	}
	pthread_mutex_unlock(&f->lock);
	if (ret)
		*why = REASON_NO_DIRECTORIES;
	return ret;
}

/* One more is wanted, and those that stand beside it in its header. */
static void want(struct scan_answers *a, const char *key,
		 const struct scan_text *near)
{
	pthread_mutex_lock(&a->lock);
	if (!strv_has(&a->wanted, key))
		strv_add(&a->wanted, key);
	if (near && a->wanted.n < WANTED_MAX)
		scan_query_harvest(&a->wanted, near->blob, near->blob_len);
	pthread_mutex_unlock(&a->lock);
}

/* First with all that is wanted; should that fail, alone. */
static struct operator*
	ask_about_operator(struct scan_answers *a, struct dialect *f,
			   const struct scan_unit *unit,
			   const struct scan_line *line, enum scan_word op,
			   const char *text, const struct scan_text *near)
{
	struct strv all = { 0 }, one = { 0 };
	struct operator* o;
	struct err err;

	strv_addf(&one, "%s %s", scan_name(a->names, op)->s, text);
	want(a, one.v[0], near);
	wanted(a, &all);
	query_compiler(a, f, unit, line, SCAN_QUERY_OPERATORS, &all, &err);
	o = find_operator(f, op, text);
	if (!o) {
		query_compiler(a, f, unit, line, SCAN_QUERY_OPERATORS, &one,
			       &err);
		o = find_operator(f, op, text);
	}
	strv_release(&all);
	strv_release(&one);
	return o;
}

int scan_dialect_operator(struct scan_answers *a, struct scan_dialect *dialect,
			  const struct scan_unit *unit,
			  const struct scan_line *line, enum scan_word op,
			  const char *text, const struct scan_text *near,
			  long long *value, enum reason *why)
{
	struct dialect *f = (struct dialect *)dialect;
	struct operator* o;

	pthread_mutex_lock(&f->lock);
	o = find_operator(f, op, text);
	if (!o)
		o = ask_about_operator(a, f, unit, line, op, text, near);
	if (o)
		*value = o->value;
	pthread_mutex_unlock(&f->lock);
	if (!o)
		*why = REASON_NO_OPERATOR;
	return o ? 0 : -EINVAL;
}

static struct options *find_options(const struct dialect *f, const char *key)
{
	struct options *o = f->options;

	while (o && strcmp(o->key, key))
		o = o->next;
	return o;
}

struct scan_text *scan_dialect_options(struct scan_answers *a,
				       struct scan_dialect *dialect,
				       const struct scan_unit *unit,
				       const struct scan_line *line,
				       const struct strv *pragmas,
				       enum reason *why, char **detail)
{
	struct dialect *f = (struct dialect *)dialect;
	char *key = scan_options_key(pragmas);
	struct scan_text *changes = NULL;
	struct err err = { 0 };
	struct options *o;

	pthread_mutex_lock(&f->lock);
	o = find_options(f, key);
	if (!o && !query_compiler(a, f, unit, line, SCAN_QUERY_OPTIONS, pragmas,
				  &err))
		o = find_options(f, key);
	if (o && !o->changes)
		o->changes = scan_lex(a->names, &o->lines, line->mode, false);
	if (o)
		changes = o->changes;
	pthread_mutex_unlock(&f->lock);
	if (!changes) {
		*why = REASON_PRAGMA_OPTIONS;
		*detail = xasprintf("%s: %s", key, err.text);
	}
	free(key);
	return changes;
}

uint64_t scan_answers_asked(struct scan_answers *a)
{
	return atomic_load(&a->asked);
}
