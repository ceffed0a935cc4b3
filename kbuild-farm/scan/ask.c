/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/ask.h"

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

/*
 * `lock` is held while the compiler is asked, so that one compiler's threads
 * wait for its answer, and the others' do not.
 */
struct scan_dialect {
	struct scan_dialect *next;
	char hex[DIGEST_HEX];
	pthread_mutex_t lock;
	struct scan_text *macros; /* NULL: not known yet */
	struct scan_def builtin[WORDS];
	size_t n_builtin;
	bool has[WORDS];
	bool clang;
	struct answer_dirs *dirs; /* NULL: not asked yet */
	struct operator* operators;
};

struct scan_answers {
	struct scan_setup setup;
	char *cache_dir;
	struct scan_names *names;
	atomic_uint_fast64_t asked;
	pthread_mutex_t lock; /* of what follows */
	struct scan_dialect *dialects;
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

static void dialect_free(struct scan_dialect *f)
{
	while (f->operators) {
		struct operator* o = f->operators;

		f->operators = o->next;
		free(o->text);
		free(o);
	}
	while (f->dirs) {
		struct answer_dirs *d = f->dirs;

		f->dirs = d->older;
		strv_release(&d->dirs);
		strv_release(&d->absent);
		free(d);
	}
	scan_text_free(f->macros);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void scan_answers_free(struct scan_answers *a)
{
	if (!a)
		return;
	while (a->dialects) {
		struct scan_dialect *f = a->dialects;

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
		"kfarm scan 5",
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

/* Read and write what is kept between runs; NULL without a directory. */
static char *kept_path(const struct scan_answers *a,
		       const struct scan_dialect *f, const char *what)
{
	if (!a->cache_dir)
		return NULL;
	return xasprintf("%s/scan-%s.%s", a->cache_dir, f->hex, what);
}

static void hex_of(struct bytes in, char hex[static DIGEST_HEX])
{
	struct digest d;

	digest_of(in, &d);
	digest_hex(&d, hex);
}

static bool recall(const struct scan_answers *a, const struct scan_dialect *f,
		   const char *what, struct buf *out)
{
	char *path = kept_path(a, f, what), hex[DIGEST_HEX];
	struct err err;
	bool ok = path && fs_exists(path) &&
		  !fs_read(path, 16 << 20, out, &err);

	free(path);
	/* It ends in its digest: what is damaged is asked for again. */
	ok = ok && out->len >= DIGEST_HEX - 1;
	if (ok) {
		out->len -= DIGEST_HEX - 1;
		hex_of(buf_bytes(out), hex);
		ok = !memcmp(out->data + out->len, hex, DIGEST_HEX - 1);
	}
	if (!ok)
		buf_reset(out);
	if (out->data)
		out->data[out->len] = '\0';
	return ok;
}

static void remember(const struct scan_answers *a, const struct scan_dialect *f,
		     const char *what, const struct buf *in)
{
	char *path = kept_path(a, f, what), hex[DIGEST_HEX];
	struct buf out = { 0 };
	struct err err;

	if (!path)
		return;
	buf_add_bytes(&out, buf_bytes(in));
	hex_of(buf_bytes(in), hex);
	buf_add_str(&out, hex);
	/* Without it the compiler is asked again next time: no more. */
	if (!fs_mkdirs(a->cache_dir, 0700, &err))
		fs_write(path, buf_bytes(&out), 0600, &err);
	buf_release(&out);
	free(path);
}

static int ask(struct scan_answers *a, const struct scan_unit *unit,
	       const struct scan_line *line, const struct scan_query *q,
	       struct buf *out, struct buf *err_out, struct err *err)
{
	atomic_fetch_add(&a->asked, 1);
	return scan_query_run(&a->setup, unit, line, q, out, err_out, err);
}

/* The definitions of what is built in, from which `has` says. */
static void add_builtins(struct scan_dialect *f)
{
	for (uint32_t w = WORD_FILE; w < WORDS; w++) {
		if (f->has[w])
			f->builtin[f->n_builtin++] = (struct scan_def){
				.name = w
			};
	}
}

static struct operator* find_operator(const struct scan_dialect *f,
				      enum scan_word op, const char *text)
{
	struct operator* o;

	for (o = f->operators; o; o = o->next) {
		if (o->op == op && !strcmp(o->text, text))
			return o;
	}
	return NULL;
}

/* "OP VALUE TEXT" a line, OP by its name. */
static void take_operators(struct scan_answers *a, struct scan_dialect *f,
			   const char *s)
{
	char name[64], text[256];
	long long value;
	int len;

	for (;
	     sscanf(s, "%63s %lld %255[^\n]%n", name, &value, text, &len) == 3;
	     s += len) {
		struct operator* o;
		uint32_t op = scan_name_id(a->names, name, strlen(name));

		if (op >= WORDS || find_operator(f, op, text))
			continue;
		o = xcalloc(1, sizeof(*o));
		o->op = op;
		o->value = value;
		o->text = xstrdup(text);
		o->next = f->operators;
		f->operators = o;
	}
}

static void remember_operators(struct scan_answers *a, struct scan_dialect *f)
{
	struct buf b = { 0 };

	for (const struct operator* o = f->operators; o; o = o->next)
		buf_printf(&b, "%s %lld %s\n", scan_name(a->names, o->op)->s,
			   o->value, o->text);
	remember(a, f, "operators", &b);
	buf_release(&b);
}

/* What is wanted by now; the caller releases it. */
static void wanted(struct scan_answers *a, struct strv *out)
{
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->wanted.n; i++)
		strv_add(out, a->wanted.v[i]);
	pthread_mutex_unlock(&a->lock);
}

/* Ask for everything at once: one start of the compiler, as a rule. */
static int ask_all(struct scan_answers *a, struct scan_dialect *f,
		   const struct scan_unit *unit, const struct scan_line *line,
		   struct buf *macros, struct err *err)
{
	struct scan_query q = { .what = SCAN_QUERY_MACROS };
	struct buf out = { 0 }, err_out = { 0 }, values = { 0 };
	struct strv keys = { 0 };
	int ret;

	wanted(a, &keys);
	scan_query_macros(&q, a->names, &keys);
	ret = ask(a, unit, line, &q, &out, &err_out, err);
	if (!ret) {
		scan_query_take(&q, buf_str(&out), macros, &values);
		take_operators(a, f, buf_str(&values));
		remember(a, f, "macros", macros);
		remember_operators(a, f);
	}
	strv_release(&keys);
	scan_query_release(&q);
	buf_release(&values);
	buf_release(&out);
	buf_release(&err_out);
	return ret;
}

static int load(struct scan_answers *a, struct scan_dialect *f,
		const struct scan_unit *unit, const struct scan_line *line,
		struct err *err)
{
	struct buf macros = { 0 }, values = { 0 };
	int ret = 0;

	if (!recall(a, f, "macros", &macros))
		ret = ask_all(a, f, unit, line, &macros, err);
	else if (recall(a, f, "operators", &values))
		take_operators(a, f, buf_str(&values));
	if (!ret) {
		scan_query_take_builtins(&macros, f->has);
		f->clang = memmem(buf_str(&macros), macros.len,
				  "#define __clang__ ", 18);
		add_builtins(f);
		f->macros = scan_lex(a->names, &macros, line->mode);
	}
	buf_release(&values);
	buf_release(&macros);
	return ret;
}

static struct scan_dialect *find(const struct scan_answers *a, const char *hex)
{
	struct scan_dialect *f;

	for (f = a->dialects; f; f = f->next) {
		if (!strcmp(f->hex, hex))
			return f;
	}
	return NULL;
}

static struct scan_dialect *find_or_add(struct scan_answers *a,
					const char hex[static DIGEST_HEX])
{
	struct scan_dialect *f;

	pthread_mutex_lock(&a->lock);
	f = find(a, hex);
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
	struct scan_dialect *f;
	struct err err = { 0 };
	char hex[DIGEST_HEX];
	int ret = 0;

	key_of(unit, line, hex);
	f = find_or_add(a, hex);
	pthread_mutex_lock(&f->lock);
	/* One that would not answer is asked again by the next unit. */
	if (!f->macros)
		ret = load(a, f, unit, line, &err);
	pthread_mutex_unlock(&f->lock);
	if (!ret)
		return f;
	*why = REASON_NO_MACROS;
	*detail = xstrdup(err.text);
	return NULL;
}

struct scan_text *scan_dialect_macros(struct scan_dialect *f)
{
	return f->macros;
}

struct scan_def *scan_dialect_builtins(struct scan_dialect *f, size_t *n)
{
	*n = f->n_builtin;
	return f->builtin;
}

bool scan_dialect_is_clang(const struct scan_dialect *f)
{
	return f->clang;
}

bool scan_dialect_has_raw(const struct scan_dialect *f)
{
	return !f->has[WORD_NONE];
}

static int load_dirs(struct scan_answers *a, struct scan_dialect *f,
		     const struct scan_unit *unit, const struct scan_line *line,
		     bool again)
{
	struct scan_query q = { .what = SCAN_QUERY_DIRS };
	struct buf text = { 0 }, out = { 0 }, err_out = { 0 };
	struct err err;
	int ret = 0;

	if (again || !recall(a, f, "dirs", &text)) {
		ret = ask(a, unit, line, &q, &out, &err_out, &err);
		if (!ret)
			ret = scan_query_dirs(buf_str(&err_out), &text);
		if (!ret)
			remember(a, f, "dirs", &text);
	}
	if (!ret) {
		struct answer_dirs *d = xcalloc(1, sizeof(*d));

		scan_query_take_dirs(buf_str(&text), &d->dirs, &d->absent);
		d->older = f->dirs;
		f->dirs = d;
	}
	buf_release(&text);
	buf_release(&out);
	buf_release(&err_out);
	return ret;
}

int scan_dialect_dirs(struct scan_answers *a, struct scan_dialect *f,
		      const struct scan_unit *unit,
		      const struct scan_line *line, bool again,
		      const struct strv **dirs, const struct strv **absent,
		      enum reason *why)
{
	int ret = 0;

	pthread_mutex_lock(&f->lock);
	if (again || !f->dirs)
		ret = load_dirs(a, f, unit, line, again);
	if (!ret) {
		*dirs = &f->dirs->dirs;
		*absent = &f->dirs->absent;
	}
	pthread_mutex_unlock(&f->lock);
	if (ret)
		*why = REASON_NO_DIRECTORIES;
	return ret;
}

/* Ask for these operators, and keep what is answered. */
static void ask_these(struct scan_answers *a, struct scan_dialect *f,
		      const struct scan_unit *unit,
		      const struct scan_line *line, const struct strv *keys)
{
	struct scan_query q = { 0 };
	struct buf out = { 0 }, err_out = { 0 };
	struct buf macros = { 0 }, values = { 0 };
	struct err err;

	scan_query_operators(&q, keys);
	if (!ask(a, unit, line, &q, &out, &err_out, &err)) {
		scan_query_take(&q, buf_str(&out), &macros, &values);
		take_operators(a, f, buf_str(&values));
		remember_operators(a, f);
	}
	scan_query_release(&q);
	buf_release(&values);
	buf_release(&macros);
	buf_release(&out);
	buf_release(&err_out);
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

static struct operator*
	ask_operator(struct scan_answers *a, struct scan_dialect *f,
		     const struct scan_unit *unit, const struct scan_line *line,
		     enum scan_word op, const char *text,
		     const struct scan_text *near)
{
	struct strv all = { 0 }, one = { 0 };
	struct operator* o;

	strv_addf(&one, "%s %s", scan_name(a->names, op)->s, text);
	want(a, one.v[0], near);
	wanted(a, &all);
	ask_these(a, f, unit, line, &all);
	o = find_operator(f, op, text);
	if (!o) {
		ask_these(a, f, unit, line, &one);
		o = find_operator(f, op, text);
	}
	strv_release(&all);
	strv_release(&one);
	return o;
}

int scan_dialect_operator(struct scan_answers *a, struct scan_dialect *f,
			  const struct scan_unit *unit,
			  const struct scan_line *line, enum scan_word op,
			  const char *text, const struct scan_text *near,
			  long long *value, enum reason *why)
{
	struct operator* o;

	pthread_mutex_lock(&f->lock);
	o = find_operator(f, op, text);
	if (!o)
		o = ask_operator(a, f, unit, line, op, text, near);
	if (o)
		*value = o->value;
	pthread_mutex_unlock(&f->lock);
	if (!o)
		*why = REASON_NO_OPERATOR;
	return o ? 0 : -EINVAL;
}

uint64_t scan_answers_asked(struct scan_answers *a)
{
	return atomic_load(&a->asked);
}
