/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/ask.h"

#include "scan/query.h"

#include "base/fs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct scan_flavour {
	struct scan_flavour *next;
	char hex[DIGEST_HEX];
	struct scan_text *macros;
	struct scan_def builtin[WORDS];
	size_t n_builtin;
	bool has[WORDS];
	bool clang;
	struct answer_dirs *dirs; /* NULL: not asked yet */
	struct operator* operators;
};

struct scan_answers {
	pthread_mutex_t lock;
	struct scan_setup setup;
	char *cache_dir;
	struct scan_names *names;
	struct scan_flavour *flavours;
	uint64_t asked;
};

struct scan_answers *scan_answers_new(const struct scan_setup *setup,
				      struct scan_names *names)
{
	struct scan_answers *a = xcalloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	a->setup = *setup;
	a->cache_dir = setup->cache_dir ? xstrdup(setup->cache_dir) : NULL;
	a->names = names;
	return a;
}

static void flavour_free(struct scan_flavour *f)
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
	free(f);
}

void scan_answers_free(struct scan_answers *a)
{
	if (!a)
		return;
	while (a->flavours) {
		struct scan_flavour *f = a->flavours;

		a->flavours = f->next;
		flavour_free(f);
	}
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
		"kfarm scan 2",
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
		       const struct scan_flavour *f, const char *what)
{
	if (!a->cache_dir)
		return NULL;
	return xasprintf("%s/scan-%s.%s", a->cache_dir, f->hex, what);
}

static bool recall(const struct scan_answers *a, const struct scan_flavour *f,
		   const char *what, struct buf *out)
{
	char *path = kept_path(a, f, what);
	struct err err;
	bool ok = path && fs_exists(path) &&
		  !fs_read(path, 16 << 20, out, &err);

	free(path);
	/* The last line says that it is whole. */
	ok = ok && out->len >= 4 &&
	     !memcmp(out->data + out->len - 4, "end\n", 4);
	if (ok)
		out->len -= 4;
	else
		buf_reset(out);
	if (out->data)
		out->data[out->len] = '\0';
	return ok;
}

static void remember(const struct scan_answers *a, const struct scan_flavour *f,
		     const char *what, const struct buf *in)
{
	char *path = kept_path(a, f, what);
	struct buf out = { 0 };
	struct err err;

	if (!path)
		return;
	buf_add_bytes(&out, buf_bytes(in));
	buf_add_str(&out, "end\n");
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
	a->asked++;
	return scan_query_run(&a->setup, unit, line, q, out, err_out, err);
}

/* The definitions of what is built in, from which `has` says. */
static void add_builtins(struct scan_flavour *f)
{
	for (uint32_t w = WORD_FILE; w < WORDS; w++) {
		if (f->has[w])
			f->builtin[f->n_builtin++] = (struct scan_def){
				.name = w
			};
	}
}

static int load_macros(struct scan_answers *a, struct scan_flavour *f,
		       const struct scan_unit *unit,
		       const struct scan_line *line, struct err *err)
{
	struct scan_query q = { .what = SCAN_QUERY_MACROS };
	struct buf out = { 0 }, err_out = { 0 };
	int ret = 0;

	if (!recall(a, f, "macros", &out)) {
		scan_query_macros(&q, a->names);
		ret = ask(a, unit, line, &q, &out, &err_out, err);
		if (!ret)
			remember(a, f, "macros", &out);
	}
	if (!ret) {
		scan_query_take_builtins(&out, f->has);
		f->clang = memmem(buf_str(&out), out.len, "#define __clang__ ",
				  18);
		f->macros = scan_lex(a->names, &out, line->mode);
		add_builtins(f);
	}
	scan_query_release(&q);
	buf_release(&out);
	buf_release(&err_out);
	return ret;
}

static struct scan_flavour *find(const struct scan_answers *a, const char *hex)
{
	struct scan_flavour *f;

	for (f = a->flavours; f; f = f->next) {
		if (!strcmp(f->hex, hex))
			return f;
	}
	return NULL;
}

struct scan_flavour *scan_answers_flavour(struct scan_answers *a,
					  const struct scan_unit *unit,
					  const struct scan_line *line,
					  const char **why, char **detail)
{
	struct scan_flavour *f;
	struct err err = { 0 };
	char hex[DIGEST_HEX];

	key_of(unit, line, hex);
	pthread_mutex_lock(&a->lock);
	f = find(a, hex);
	if (!f) {
		f = xcalloc(1, sizeof(*f));
		memcpy(f->hex, hex, sizeof(hex));
		if (load_macros(a, f, unit, line, &err)) {
			*why = "the compiler does not name its macros";
			*detail = xstrdup(err.text);
			flavour_free(f);
			f = NULL;
		} else {
			f->next = a->flavours;
			a->flavours = f;
		}
	}
	pthread_mutex_unlock(&a->lock);
	return f;
}

struct scan_text *scan_flavour_macros(struct scan_flavour *f)
{
	return f->macros;
}

struct scan_def *scan_flavour_builtins(struct scan_flavour *f, size_t *n)
{
	*n = f->n_builtin;
	return f->builtin;
}

bool scan_flavour_is_clang(const struct scan_flavour *f)
{
	return f->clang;
}

bool scan_flavour_has_raw(const struct scan_flavour *f)
{
	return !f->has[WORD_NONE];
}

static int load_dirs(struct scan_answers *a, struct scan_flavour *f,
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

int scan_flavour_dirs(struct scan_answers *a, struct scan_flavour *f,
		      const struct scan_unit *unit,
		      const struct scan_line *line, bool again,
		      const struct strv **dirs, const struct strv **absent,
		      const char **why)
{
	int ret = 0;

	pthread_mutex_lock(&a->lock);
	if (again || !f->dirs)
		ret = load_dirs(a, f, unit, line, again);
	if (!ret) {
		*dirs = &f->dirs->dirs;
		*absent = &f->dirs->absent;
	}
	pthread_mutex_unlock(&a->lock);
	if (ret)
		*why = "the compiler does not name its directories";
	return ret;
}

static struct operator* find_operator(const struct scan_flavour *f,
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
static void take_operators(struct scan_answers *a, struct scan_flavour *f,
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

static void remember_operators(struct scan_answers *a, struct scan_flavour *f)
{
	struct buf b = { 0 };

	for (const struct operator* o = f->operators; o; o = o->next)
		buf_printf(&b, "%s %lld %s\n", scan_name(a->names, o->op)->s,
			   o->value, o->text);
	remember(a, f, "operators", &b);
	buf_release(&b);
}

static struct operator*
	ask_operator(struct scan_answers *a, struct scan_flavour *f,
		     const struct scan_unit *unit, const struct scan_line *line,
		     enum scan_word op, const char *text)
{
	struct buf out = { 0 }, err_out = { 0 }, list = { 0 };
	struct operator* o;
	struct err err;

	if (recall(a, f, "operators", &list))
		take_operators(a, f, buf_str(&list));
	o = find_operator(f, op, text);
	for (int many = 1; !o && many >= 0; many--) {
		struct scan_query q = { .what = SCAN_QUERY_OPERATORS };

		buf_reset(&list);
		buf_reset(&out);
		buf_reset(&err_out);
		scan_query_operators(&q, a->names, op, text, many);
		if (!ask(a, unit, line, &q, &out, &err_out, &err)) {
			scan_query_values(&q, buf_str(&out), &list);
			take_operators(a, f, buf_str(&list));
			remember_operators(a, f);
		}
		scan_query_release(&q);
		o = find_operator(f, op, text);
	}
	buf_release(&list);
	buf_release(&out);
	buf_release(&err_out);
	return o;
}

int scan_flavour_operator(struct scan_answers *a, struct scan_flavour *f,
			  const struct scan_unit *unit,
			  const struct scan_line *line, enum scan_word op,
			  const char *text, long long *value, const char **why)
{
	struct operator* o;

	pthread_mutex_lock(&a->lock);
	o = find_operator(f, op, text);
	if (!o)
		o = ask_operator(a, f, unit, line, op, text);
	if (o)
		*value = o->value;
	pthread_mutex_unlock(&a->lock);
	if (!o)
		*why = "the compiler does not answer an operator";
	return o ? 0 : -EINVAL;
}

uint64_t scan_answers_asked(struct scan_answers *a)
{
	uint64_t n;

	pthread_mutex_lock(&a->lock);
	n = a->asked;
	pthread_mutex_unlock(&a->lock);
	return n;
}
