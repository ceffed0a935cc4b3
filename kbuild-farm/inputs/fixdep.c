/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source: scripts/basic/fixdep.c of Linux 6.1 and 6.12, parse_dep_file().
 */
#include "inputs/fixdep.h"

#include "base/clock.h"
#include "base/depfile.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/stamp.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPFILE_MAX ((size_t)1 << 20)
#define SOURCE_MAX  ((size_t)1 << 20)

/* ------------------------------------------------------------ which fixdep */

static const struct {
	const char *hex; /* SHA-256 of its source */
	enum inputs_fixdep_kind kind;
} sources[] = {
	{ "688af79f69bebcd80665e5f8eee0666a4d5e404b92f0269d0ca7c6b5bc84d7d4",
	  INPUTS_FIXDEP_6_1 },
	{ "512a85c24ca2cdd44d1d652e071abc6650cf4776e21979e0a08b421178f59590",
	  INPUTS_FIXDEP_6_12 },
};

static enum inputs_fixdep_kind kind_of_source(struct bytes text)
{
	struct digest d;
	char hex[DIGEST_HEX];

	digest_of(text, &d);
	digest_hex(&d, hex);
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		if (!strcmp(hex, sources[i].hex))
			return sources[i].kind;
	}
	return INPUTS_FIXDEP_UNKNOWN;
}

/* The first line of what .fixdep.cmd says of its source; or NULL. */
static char *source_of(const char *cwd, const char *program)
{
	char *path = depfile_command_file(program);
	struct buf text = { 0 };
	const char *value = NULL;
	char *name, *source = NULL;
	struct err err;

	if (!fs_read(path, DEPFILE_MAX, &text, &err))
		value = depfile_value(buf_str(&text), "source_");
	if (value) {
		name = xstrndup(value, strcspn(value, "\n"));
		source = str_seen_from(cwd, name);
		free(name);
	}
	buf_release(&text);
	free(path);
	return source;
}

static bool is_older(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec < b->st_mtim.tv_sec ||
	       (a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec < b->st_mtim.tv_nsec);
}

enum inputs_fixdep_kind inputs_fixdep_kind(const char *cwd, const char *path)
{
	enum inputs_fixdep_kind kind = INPUTS_FIXDEP_UNKNOWN;
	char *program = str_seen_from(cwd, path);
	char *source = source_of(cwd, program);
	struct buf text = { 0 };
	struct stat built, from;
	struct err err;

	if (source && !stat(program, &built) && !stat(source, &from) &&
	    !is_older(&built, &from) &&
	    !fs_read(source, SOURCE_MAX, &text, &err))
		kind = kind_of_source(buf_bytes(&text));
	buf_release(&text);
	free(source);
	free(program);
	return kind;
}

/* ------------------------------------------------------------ what it says */

/* A name that was printed already. */
struct printed {
	struct map_node node;
	const char *name;
};

struct printing {
	struct inputs_symbol_table *table;
	const struct inputs_fixdep_call *call;
	struct buf *out;
	struct buf path;
	size_t cwd_len; /* of `path` */
	bool *used; /* symbols, by their numbers */
	size_t n_used;
	struct map printed;
	bool saw_any_target;
	struct err *err;
};

static void use_symbol(struct printing *f, const struct inputs_symbol *is)
{
	while (f->n_used <= is->id)
		*VEC_ADD(f->used, f->n_used) = false;
	if (f->used[is->id])
		return;
	f->used[is->id] = true;
	buf_add_str(f->out, "    $(wildcard include/config/");
	buf_add(f->out, is->name, is->len);
	buf_add_str(f->out, ") \\\n");
}

/* `name` from the root; until the next one is asked for. */
static const char *from_root(struct printing *f, const char *name)
{
	if (*name == '/')
		return name;
	f->path.len = f->cwd_len;
	buf_add_str(&f->path, name);
	return buf_str(&f->path);
}

static int parse_file(struct printing *f, const char *name)
{
	const struct stamp *seen = f->call->seen ?
					   inputs_seen_find(f->call->seen,
							    name) :
					   NULL;
	const struct inputs_symbols *symbols;
	int ret = inputs_symbols_get(f->table, from_root(f, name), seen,
				     &symbols, f->err);

	for (size_t i = 0; !ret && i < symbols->n; i++)
		use_symbol(f, symbols->v[i]);
	return ret;
}

static void print_source(struct printing *f, const char *name)
{
	const char *target = f->call->target;

	f->saw_any_target = true;
	buf_printf(f->out, "source_%s := %s\n\n", target, name);
	buf_printf(f->out, "deps_%s := \\\n", target);
}

static void print_dep(struct printing *f, const char *name)
{
	buf_add_str(f->out, "  ");
	buf_add_str(f->out, name);
	buf_add_str(f->out, " \\\n");
}

static bool is_config(const char *name)
{
	return str_ends(name, "include/generated/autoconf.h");
}

/* ------------------------------------------------------------------- 6.1's */

static bool is_ignored_by_6_1(const char *name)
{
	return is_config(name) ||
	       str_ends(name, "include/generated/autoksyms.h");
}

static int take_6_1_word(struct printing *f, const char *word, bool *is_first)
{
	if (str_ends(word, ":")) {
		*is_first = true;
		return 0;
	}
	if (is_ignored_by_6_1(word))
		return 0;
	if (!*is_first)
		print_dep(f, word);
	else if (!f->saw_any_target)
		print_source(f, word);
	*is_first = false;
	return parse_file(f, word);
}

static int parse_6_1(struct printing *f, char *m)
{
	static const char white[] = " \\\n";
	bool is_first = false;
	int ret = 0;

	while (!ret) {
		bool is_last;
		char *p;

		m += strspn(m, white);
		if (!*m)
			break;
		p = m + strcspn(m, white);
		is_last = !*p;
		*p = '\0';
		ret = take_6_1_word(f, m, &is_first);
		if (is_last)
			break;
		m = p + 1;
	}
	return ret;
}

/* ------------------------------------------------------------------ 6.12's */

static bool is_no_text(const char *name)
{
	return str_ends(name, ".rlib") || str_ends(name, ".rmeta") ||
	       str_ends(name, ".so");
}

/* False: it was there. */
static bool add_printed(struct printing *f, const char *name)
{
	uint64_t hash = map_hash(bytes_str(name));
	struct printed *p;

	for (struct map_node *n = map_find(&f->printed, hash); n;
	     n = map_again(n)) {
		if (!strcmp(((struct printed *)n)->name, name))
			return false;
	}
	p = xcalloc(1, sizeof(*p));
	p->name = xstrdup(name);
	map_add(&f->printed, &p->node, hash);
	return true;
}

static void printed_free(struct map_node *n)
{
	free((char *)((struct printed *)n)->name);
	free(n);
}

static int take_fixdep_name(struct printing *f, const char *name,
			    bool is_source)
{
	bool parse = false;

	if (is_source) {
		parse = !f->saw_any_target;
		if (parse)
			print_source(f, name);
	} else if (!is_config(name) && add_printed(f, name)) {
		print_dep(f, name);
		parse = true;
	}
	return parse && !is_no_text(name) ? parse_file(f, name) : 0;
}

/* Behind a comment; a backslash takes the next byte with it. */
static char *skip_note(char *p)
{
	p++;
	while (*p && *p != '\n') {
		if (*p == '\\' && p[1])
			p++;
		p++;
	}
	return p;
}

/* The end of the token at *p, which moves where a backslash is taken out. */
static char *end_of_token(char **p)
{
	char *q = *p;

	while (!strchr(" \t\n#:", *q)) {
		if (*q == '\\') {
			if (q[1] == '\n')
				break;
			if (q[1] == '#' || q[1] == ':') {
				memmove(*p + 1, *p, (size_t)(q - *p));
				++*p;
			}
			q++;
		}
		if (!*q)
			break;
		q++;
	}
	return q;
}

/* Skip what is no token; NULL: `*p` is one. */
static char *skip_6_12(char *p, bool *is_target, bool *is_source)
{
	switch (*p) {
	case '#':
		return skip_note(p);
	case ' ':
	case '\t':
		return p + 1;
	case '\\':
		if (p[1] == '\n')
			return p + 2;
		return NULL;
	case '\n':
		*is_target = true;
		return p + 1;
	case ':':
		*is_target = false;
		*is_source = true;
		return p + 1;
	default:
		return NULL;
	}
}

static int parse_6_12(struct printing *f, char *p)
{
	bool is_target = true, is_source = false;
	int ret = 0;

	while (*p && !ret) {
		char *q = skip_6_12(p, &is_target, &is_source), saved;

		if (q) {
			p = q;
			continue;
		}
		q = end_of_token(&p);
		if (!is_target) {
			saved = *q;
			*q = '\0';
			ret = take_fixdep_name(f, p, is_source);
			*q = saved;
			is_source = false;
		}
		p = q;
	}
	return ret;
}

/* -------------------------------------------------------------------- both */

static int parse_depfile(struct printing *f, struct buf *text)
{
	int ret;

	if (text->len && memchr(text->data, '\0', text->len))
		return err_set(f->err, EINVAL, "%s holds a NUL",
			       f->call->depfile);
	if (!text->len)
		return err_set(f->err, EINVAL, "%s is empty", f->call->depfile);
	ret = f->call->kind == INPUTS_FIXDEP_6_1 ?
		      parse_6_1(f, (char *)text->data) :
		      parse_6_12(f, (char *)text->data);
	if (!ret && !f->saw_any_target)
		ret = err_set(f->err, EINVAL, "no targets in %s",
			      f->call->depfile);
	return ret;
}

int inputs_fixdep_text(struct inputs_symbol_table *t,
		       const struct inputs_fixdep_call *call, struct buf *head,
		       struct buf *rest, struct err *err)
{
	struct printing f = {
		.table = t, .call = call, .out = rest, .err = err
	};
	char *depfile = str_seen_from(call->cwd, call->depfile);
	const char *target = call->target;
	struct buf text = { 0 };
	int ret;

	if (call->kind == INPUTS_FIXDEP_UNKNOWN)
		ret = err_set(err, ENOTSUP, "an unknown fixdep");
	else
		ret = fs_read(depfile, DEPFILE_MAX, &text, err);
	buf_printf(&f.path, "%s/", call->cwd);
	f.cwd_len = f.path.len;
	buf_printf(head, "%s_%s := ",
		   call->kind == INPUTS_FIXDEP_6_1 ? "cmd" : "savedcmd",
		   target);
	buf_add_str(rest, "\n\n");
	if (!ret)
		ret = parse_depfile(&f, &text);
	buf_printf(rest, "\n%s: $(deps_%s)\n\n", target, target);
	buf_printf(rest, "$(deps_%s):\n", target);
	map_release_all(&f.printed, printed_free);
	free(f.used);
	buf_release(&f.path);
	buf_release(&text);
	free(depfile);
	return ret;
}

/* ----------------------------------------------------------- what is known */

struct program {
	char *path;
	struct stamp stamp;
	/* Of .fixdep.cmd: fixdep's first work is to write that of itself. */
	struct stamp command;
	enum inputs_fixdep_kind kind;
};

struct inputs_fixdep {
	struct inputs_symbol_table *symbols;
	struct inputs_seen_list *seen;
	pthread_mutex_t lock; /* of what follows */
	struct program *v;
	size_t n;
};

struct inputs_fixdep *inputs_fixdep_new(void)
{
	struct inputs_fixdep *f = xcalloc(1, sizeof(*f));

	f->symbols = inputs_symbols_new();
	f->seen = inputs_seen_list_new();
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void inputs_fixdep_free(struct inputs_fixdep *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].path);
	free(f->v);
	pthread_mutex_destroy(&f->lock);
	inputs_seen_list_free(f->seen);
	inputs_symbols_free(f->symbols);
	free(f);
}

void inputs_fixdep_saw(struct inputs_fixdep *f, const struct inputs_manifest *m,
		       const char *cwd, const char *depfile)
{
	if (inputs_seen_wanted(f->seen))
		inputs_seen_keep(f->seen,
				 inputs_seen_new(m, cwd, depfile, clock_us()));
}

/* Under the lock. */
static struct program *find_known_program(struct inputs_fixdep *f,
					  const char *path)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!strcmp(f->v[i].path, path))
			return &f->v[i];
	}
	*VEC_ADD(f->v, f->n) = (struct program){ .path = xstrdup(path) };
	return &f->v[f->n - 1];
}

static bool read_stamp(const char *path, struct stamp *out)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	stamp_of(out, &st);
	return true;
}

static bool read_command_stamp(const char *path, struct stamp *out)
{
	char *command = depfile_command_file(path);
	bool is = read_stamp(command, out);

	free(command);
	return is;
}

static enum inputs_fixdep_kind known_kind(struct inputs_fixdep *f,
					  const char *cwd, const char *path)
{
	enum inputs_fixdep_kind kind;
	struct stamp now, command;
	struct program *p;

	if (!read_stamp(path, &now) || !read_command_stamp(path, &command))
		return INPUTS_FIXDEP_UNKNOWN;
	pthread_mutex_lock(&f->lock);
	p = find_known_program(f, path);
	if (!stamp_equal(&p->stamp, &now) ||
	    !stamp_equal(&p->command, &command)) {
		p->kind = inputs_fixdep_kind(cwd, path);
		p->stamp = now;
		p->command = command;
	}
	kind = p->kind;
	pthread_mutex_unlock(&f->lock);
	return kind;
}

int inputs_fixdep_run(struct inputs_fixdep *f, const char *program,
		      const char *cwd, const char *depfile, const char *target,
		      struct buf *head, struct buf *rest, struct err *err)
{
	char *path = str_seen_from(cwd, program);
	const struct inputs_fixdep_call call = {
		.kind = known_kind(f, cwd, path),
		.cwd = cwd,
		.depfile = depfile,
		.target = target,
		.seen = inputs_seen_take(f->seen, cwd, depfile, clock_us()),
	};
	int ret = inputs_fixdep_text(f->symbols, &call, head, rest, err);

	inputs_seen_free(call.seen);
	free(path);
	return ret;
}
