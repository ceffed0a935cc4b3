/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/fixdep.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/depfile.h"
#include "base/digest.h"
#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct verified_file {
	const char *name;
	struct file_stamp stamp;
};

/* The files that a compile has read, in the compiler's spelling. */
struct verified_files {
	char *cwd, *depfile;
	uint64_t verified_us;
	char *strings; /* buffer that holds all names */
	/* next_index: index after the file that the last search found */
	size_t n_files, next_index;
	struct verified_file files[];
};

/* Limits on the lists of files in a read cache: their number and their age. */
#define COMPILES_MAX 64
#define MAX_AGE_US   5000000

struct read_cache {
	pthread_mutex_t lock; /* protects all members */
	bool used;
	size_t n_compiles;
	struct verified_files *compiles[COMPILES_MAX]; /* the oldest first */
};

static const char *without_dots(const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	return path;
}

static struct verified_files *verified_files_new(
	const struct inputs_manifest *m, const char *cwd, const char *depfile)
{
	const struct cpp_file *file = m->closure.files;
	size_t n = m->closure.n_files, room = 0;
	struct verified_files *s = xcalloc(1, sizeof(*s) +
						      n * sizeof(s->files[0]));
	char *name;

	for (size_t i = 0; i < n; i++)
		room += strlen(file[i].path) + 1;
	s->strings = name = xmalloc(room + 1);
	for (size_t i = 0; i < n; i++) {
		s->files[i] = (struct verified_file){ name, file[i].stamp };
		name = stpcpy(name, without_dots(file[i].path)) + 1;
	}
	s->cwd = xstrdup(cwd);
	s->depfile = xstrdup(depfile);
	s->verified_us = clock_us();
	s->n_files = n;
	return s;
}

static void verified_files_free(struct verified_files *s)
{
	if (!s)
		return;
	free(s->cwd);
	free(s->depfile);
	free(s->strings);
	free(s);
}

/*
 * Return the stamp of the file `name`, or NULL if `s` is NULL or does not
 * contain the file.
 */
static const struct file_stamp *find_verified_file(struct verified_files *s,
						   const char *name)
{
	if (!s)
		return NULL;
	name = without_dots(name);
	/*
	 * A compiler lists files in the order in which it opened them, so start
	 * after the last file that was found.
	 */
	for (size_t i = 0; i < s->n_files; i++) {
		size_t at = (s->next_index + i) % s->n_files;

		if (strcmp(s->files[at].name, name))
			continue;
		s->next_index = at + 1;
		return &s->files[at].stamp;
	}
	return NULL;
}

/*
 * Return true if take_compile(), which is the only reader of the cache, has
 * been called before.
 */
static bool read_cache_is_used(struct read_cache *l)
{
	bool used;

	pthread_mutex_lock(&l->lock);
	used = l->used;
	pthread_mutex_unlock(&l->lock);
	return used;
}

/* The caller holds the lock. */
static struct verified_files *remove_cached_compile(struct read_cache *l,
						    size_t i)
{
	struct verified_files *s = l->compiles[i];

	l->n_compiles--;
	memmove(&l->compiles[i], &l->compiles[i + 1],
		(l->n_compiles - i) * sizeof(struct verified_files *));
	return s;
}

static void add_compile(struct read_cache *l, struct verified_files *s)
{
	pthread_mutex_lock(&l->lock);
	while (l->n_compiles &&
	       (l->n_compiles == COMPILES_MAX ||
		l->compiles[0]->verified_us + MAX_AGE_US <= s->verified_us))
		verified_files_free(remove_cached_compile(l, 0));
	l->compiles[l->n_compiles++] = s;
	pthread_mutex_unlock(&l->lock);
}

/*
 * Remove the newest list of files for the depfile `depfile` of a compile in
 * `cwd` from the cache, and return it.  Returns NULL if no such list exists or
 * the list is too old.
 */
static struct verified_files *take_compile(struct read_cache *l,
					   const char *cwd, const char *depfile)
{
	struct verified_files *s = NULL;

	pthread_mutex_lock(&l->lock);
	l->used = true;
	for (size_t i = l->n_compiles; i > 0 && !s; i--) {
		if (!strcmp(l->compiles[i - 1]->depfile, depfile) &&
		    !strcmp(l->compiles[i - 1]->cwd, cwd))
			s = remove_cached_compile(l, i - 1);
	}
	pthread_mutex_unlock(&l->lock);
	if (s && s->verified_us + MAX_AGE_US > clock_us())
		return s;
	verified_files_free(s);
	return NULL;
}

#define FILE_MAX ((size_t)16 << 20)

struct config_symbol {
	uint32_t id; /* unique, counted from 0 */
	uint32_t len;
	char name[];
};

/* The symbols of one file, without duplicates, in order of occurrence. */
struct file_symbols {
	size_t n;
	const struct config_symbol *v[];
};

struct symbol_entry {
	struct map_entry entry;
	const struct config_symbol *symbol;
};

struct symbol_file_entry {
	struct map_entry entry;
	struct file_stamp stamp;
	/* NULL if the file was racily clean */
	const struct file_symbols *symbols;
	char path[];
};

struct symbol_table {
	pthread_mutex_t lock; /* protects all members */
	struct arena arena;
	struct map symbols, files;
	uint32_t n_symbols;
};

/* As in fixdep, accept '_' and the characters of isalnum() in the C locale. */
static bool is_symbol_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

static const struct config_symbol *intern_symbol(struct symbol_table *t,
						 const char *s, size_t len)
{
	uint64_t hash = map_hash(bytes_of(s, len));
	struct config_symbol *is;
	struct symbol_entry *k;
	struct map_entry *n;

	for (n = map_find(&t->symbols, hash); n; n = map_next_match(n)) {
		k = (struct symbol_entry *)n;
		if (k->symbol->len == len && !memcmp(k->symbol->name, s, len))
			return k->symbol;
	}
	is = arena_alloc(&t->arena, sizeof(*is) + len + 1);
	is->id = t->n_symbols++;
	is->len = (uint32_t)len;
	memcpy(is->name, s, len);
	is->name[len] = '\0';
	k = arena_alloc(&t->arena, sizeof(*k));
	k->symbol = is;
	map_add(&t->symbols, &k->entry, hash);
	return is;
}

static struct symbol_file_entry *find_cached_symbol_file(struct symbol_table *t,
							 const char *path,
							 uint64_t hash)
{
	struct map_entry *n;

	for (n = map_find(&t->files, hash); n; n = map_next_match(n)) {
		struct symbol_file_entry *f = (struct symbol_file_entry *)n;

		if (!strcmp(f->path, path))
			return f;
	}
	return NULL;
}

static const struct file_symbols *find_cached_symbols(
	struct symbol_table *t, const char *path, uint64_t hash,
	const struct file_stamp *now)
{
	const struct file_symbols *symbols = NULL;
	const struct symbol_file_entry *f;

	pthread_mutex_lock(&t->lock);
	f = find_cached_symbol_file(t, path, hash);
	if (f && file_stamp_equal(&f->stamp, now))
		symbols = f->symbols;
	pthread_mutex_unlock(&t->lock);
	return symbols;
}

/* Find all symbols in a text.  The caller holds the lock. */
static const struct file_symbols *parse_symbols(struct symbol_table *t,
						struct bytes text)
{
	static const char word[] = "CONFIG_", module[] = "_MODULE";
	const struct bytes what = bytes_of(word, sizeof(word) - 1);
	const size_t tail = sizeof(module) - 1;
	const char *start = (const char *)text.data, *end = start + text.len;
	const char *p = start;
	const struct config_symbol **symbols = NULL, *is;
	struct file_symbols *out;
	size_t n_symbols = 0, n_found = 0;
	bool *found = NULL; /* by id */

	/* 'G', at index 5, is the least frequent letter of "CONFIG_". */
	while ((p = bytes_find(bytes_of(p, (size_t)(end - p)), what, 5))) {
		const char *name = p + what.len;
		bool inside = p > start && is_symbol_char(p[-1]);
		size_t len;

		p = name;
		if (inside)
			continue;
		while (p < end && is_symbol_char(*p))
			p++;
		len = (size_t)(p - name);
		if (len >= tail && !memcmp(p - tail, module, tail))
			len -= tail;
		if (!len)
			continue;
		is = intern_symbol(t, name, len);
		while (n_found <= is->id)
			*VEC_ADD(found, n_found) = false;
		if (!found[is->id])
			*VEC_ADD(symbols, n_symbols) = is;
		found[is->id] = true;
	}
	out = arena_alloc(&t->arena,
			  sizeof(*out) + n_symbols * sizeof(*symbols));
	out->n = n_symbols;
	if (n_symbols)
		memcpy(out->v, symbols, n_symbols * sizeof(*symbols));
	free(found);
	free(symbols);
	return out;
}

/*
 * Add the symbols of a file to the table.  `now` is the stamp of the file, or
 * NULL if the file is racily clean.  Without a stamp, the symbols are not
 * reused.
 */
static const struct file_symbols *cache_symbols(struct symbol_table *t,
						const char *path, uint64_t hash,
						struct bytes text,
						const struct file_stamp *now)
{
	const struct file_symbols *symbols;
	size_t size = strlen(path) + 1;
	struct symbol_file_entry *f;

	pthread_mutex_lock(&t->lock);
	symbols = parse_symbols(t, text);
	f = find_cached_symbol_file(t, path, hash);
	if (!f && now) {
		f = arena_alloc(&t->arena, sizeof(*f) + size);
		memcpy(f->path, path, size);
		map_add(&t->files, &f->entry, hash);
	}
	if (f) {
		f->symbols = now ? symbols : NULL;
		f->stamp = now ? *now : (struct file_stamp){ 0 };
	}
	pthread_mutex_unlock(&t->lock);
	return symbols;
}

static int stat_regular_file(const char *path, struct file_stamp *now,
			     struct err *err)
{
	struct stat st;

	if (stat(path, &st))
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s: not a regular file", path);
	file_stamp_from_stat(now, &st);
	return 0;
}

/*
 * Find the symbols of the file at the absolute path `path`.  *out is valid as
 * long as the table.  `verified` is a recently verified stamp of the file, or
 * NULL.  If the table has symbols for this stamp, the file is not accessed.
 *
 * Returns 0; -EINVAL if the file is not regular; -EFBIG beyond 16 MiB; -EAGAIN
 * if the file is being written; or the error of a system call.
 */
static int get_file_symbols(struct symbol_table *t, const char *path,
			    const struct file_stamp *verified,
			    const struct file_symbols **out, struct err *err)
{
	uint64_t hash = map_hash(bytes_str(path));
	int64_t began = file_stamp_now_ns();
	struct file_stamp before = { 0 }, after = { 0 };
	struct buf text = { 0 };
	const uint8_t *nul;
	int ret;

	*out = verified ? find_cached_symbols(t, path, hash, verified) : NULL;
	if (*out)
		return 0;
	ret = stat_regular_file(path, &before, err);
	if (ret)
		return ret;
	*out = find_cached_symbols(t, path, hash, &before);
	if (*out)
		return 0;
	ret = fs_read(path, FILE_MAX, &text, err);
	if (!ret)
		ret = stat_regular_file(path, &after, err);
	if (!ret &&
	    (!file_stamp_equal(&before, &after) || text.len != before.size))
		ret = err_set(err, EAGAIN, "%s: changed while being read",
			      path);
	if (!ret) {
		nul = text.len ? memchr(text.data, '\0', text.len) : NULL;
		if (nul)
			text.len = (size_t)(nul - text.data);
		*out = cache_symbols(t, path, hash, buf_bytes(&text),
				     file_stamp_is_reliable(&before, began) ?
					     &before :
					     NULL);
	}
	buf_release(&text);
	return ret;
}

/*
 * The code below reproduces parse_dep_file() of scripts/basic/fixdep.c in Linux
 * 6.1 and 6.12.
 */

#define DEPFILE_MAX ((size_t)1 << 20)

/* A name that was already printed. */
struct printed_name {
	struct map_entry entry;
	const char *name;
};

struct fixdep_output {
	struct symbol_table *table;
	const struct inputs_fixdep_call *call;
	struct verified_files *verified_files; /* may be NULL */
	struct buf *out;
	struct buf path; /* buffer for absolute names, begins with cwd */
	size_t cwd_len;
	bool *printed_symbols; /* by id */
	size_t n_printed_symbols;
	struct map printed_names;
	bool target_printed;
	struct err *err;
};

static int print_file_symbols(struct fixdep_output *f, const char *name)
{
	const struct file_stamp *verified = find_verified_file(
		f->verified_files, name);
	const struct file_symbols *symbols;
	const char *path = name;
	int ret;

	if (*name != '/') {
		f->path.len = f->cwd_len;
		buf_add_str(&f->path, name);
		path = buf_str(&f->path);
	}
	ret = get_file_symbols(f->table, path, verified, &symbols, f->err);
	for (size_t i = 0; !ret && i < symbols->n; i++) {
		const struct config_symbol *is = symbols->v[i];

		while (f->n_printed_symbols <= is->id)
			*VEC_ADD(f->printed_symbols,
				 f->n_printed_symbols) = false;
		if (f->printed_symbols[is->id])
			continue;
		f->printed_symbols[is->id] = true;
		buf_add_str(f->out, "    $(wildcard include/config/");
		buf_add(f->out, is->name, is->len);
		buf_add_str(f->out, ") \\\n");
	}
	return ret;
}

static void print_source(struct fixdep_output *f, const char *name)
{
	const char *target = f->call->target;

	f->target_printed = true;
	buf_printf(f->out, "source_%s := %s\n\n", target, name);
	buf_printf(f->out, "deps_%s := \\\n", target);
}

static void print_dep(struct fixdep_output *f, const char *name)
{
	buf_add_str(f->out, "  ");
	buf_add_str(f->out, name);
	buf_add_str(f->out, " \\\n");
}

static bool is_autoconf_header(const char *name)
{
	return str_ends(name, "include/generated/autoconf.h");
}

static int parse_6_1(struct fixdep_output *f, char *m)
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
		if (str_ends(m, ":")) {
			is_first = true;
		} else if (!is_autoconf_header(m) &&
			   !str_ends(m, "include/generated/autoksyms.h")) {
			if (!is_first)
				print_dep(f, m);
			else if (!f->target_printed)
				print_source(f, m);
			is_first = false;
			ret = print_file_symbols(f, m);
		}
		if (is_last)
			break;
		m = p + 1;
	}
	return ret;
}

/* Returns false if the name was already printed. */
static bool add_printed(struct fixdep_output *f, const char *name)
{
	uint64_t hash = map_hash(bytes_str(name));
	struct printed_name *p;

	for (struct map_entry *n = map_find(&f->printed_names, hash); n;
	     n = map_next_match(n)) {
		if (!strcmp(((struct printed_name *)n)->name, name))
			return false;
	}
	p = xcalloc(1, sizeof(*p));
	p->name = xstrdup(name);
	map_add(&f->printed_names, &p->entry, hash);
	return true;
}

static void printed_free(struct map_entry *n)
{
	free((char *)((struct printed_name *)n)->name);
	free(n);
}

static int print_fixdep_name(struct fixdep_output *f, const char *name,
			     bool is_source)
{
	bool parse = false;

	if (is_source) {
		parse = !f->target_printed;
		if (parse)
			print_source(f, name);
	} else if (!is_autoconf_header(name) && add_printed(f, name)) {
		print_dep(f, name);
		parse = true;
	}
	/* Binary dependencies of Rust have no symbols. */
	if (!parse || str_ends(name, ".rlib") || str_ends(name, ".rmeta") ||
	    str_ends(name, ".so"))
		return 0;
	return print_file_symbols(f, name);
}

/*
 * Return the end of the token at *p.  Each backslash before '#' or ':' is
 * removed: the token's bytes before the backslash are moved by one byte, and *p
 * is incremented.
 */
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

/*
 * Skip a separator or a comment and return the position after it.  Returns NULL
 * at a token.
 */
static char *skip_6_12(char *p, bool *is_target, bool *is_source)
{
	switch (*p) {
	case '#':
		/* A backslash escapes the next byte of a comment. */
		for (p++; *p && *p != '\n'; p++) {
			if (*p == '\\' && p[1])
				p++;
		}
		return p;
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

static int parse_6_12(struct fixdep_output *f, char *p)
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
			ret = print_fixdep_name(f, p, is_source);
			*q = saved;
			is_source = false;
		}
		p = q;
	}
	return ret;
}

static int generate_output(struct fixdep_output *f,
			   enum inputs_fixdep_kind kind,
			   struct buf *before_command)
{
	const struct inputs_fixdep_call *call = f->call;
	struct buf *after_command = f->out;
	struct err *err = f->err;
	const char *target = call->target;
	struct buf text = { 0 };
	char *depfile;
	int ret;

	if (kind == INPUTS_FIXDEP_KIND_UNKNOWN)
		return err_set(err, ENOTSUP, "unknown version of fixdep");
	depfile = str_join_path(call->cwd, call->depfile);
	ret = fs_read(depfile, DEPFILE_MAX, &text, err);
	if (ret)
		goto out;
	if (!text.len) {
		ret = err_set(err, EINVAL, "%s: empty file", call->depfile);
		goto out;
	}
	if (memchr(text.data, '\0', text.len)) {
		ret = err_set(err, EINVAL, "%s: unexpected NUL byte",
			      call->depfile);
		goto out;
	}
	buf_printf(&f->path, "%s/", call->cwd);
	f->cwd_len = f->path.len;
	buf_printf(before_command, "%s_%s := ",
		   kind == INPUTS_FIXDEP_KIND_6_1 ? "cmd" : "savedcmd", target);
	buf_add_str(after_command, "\n\n");
	ret = kind == INPUTS_FIXDEP_KIND_6_1 ? parse_6_1(f, (char *)text.data) :
					       parse_6_12(f, (char *)text.data);
	if (ret)
		goto out;
	if (!f->target_printed) {
		ret = err_set(err, EINVAL, "%s: no targets found",
			      call->depfile);
		goto out;
	}
	buf_printf(after_command, "\n%s: $(deps_%s)\n\n", target, target);
	buf_printf(after_command, "$(deps_%s):\n", target);
out:
	map_release_entries(&f->printed_names, printed_free);
	free(f->printed_symbols);
	buf_release(&f->path);
	buf_release(&text);
	free(depfile);
	return ret;
}

struct inputs_fixdep {
	struct symbol_table symbols;
	struct read_cache read_cache;
	struct inputs_fixdep_programs *programs;
};

struct inputs_fixdep *inputs_fixdep_new(const char *cache_dir,
					const char *work_dir)
{
	struct inputs_fixdep *f = xcalloc(1, sizeof(*f));

	pthread_mutex_init(&f->symbols.lock, NULL);
	pthread_mutex_init(&f->read_cache.lock, NULL);
	f->programs = inputs_fixdep_programs_new(cache_dir, work_dir);
	return f;
}

void inputs_fixdep_free(struct inputs_fixdep *f)
{
	if (!f)
		return;
	inputs_fixdep_programs_free(f->programs);
	for (size_t i = 0; i < f->read_cache.n_compiles; i++)
		verified_files_free(f->read_cache.compiles[i]);
	pthread_mutex_destroy(&f->read_cache.lock);
	map_release(&f->symbols.symbols);
	map_release(&f->symbols.files);
	arena_release(&f->symbols.arena);
	pthread_mutex_destroy(&f->symbols.lock);
	free(f);
}

void inputs_fixdep_add_verified(struct inputs_fixdep *f,
				const struct inputs_manifest *m,
				const char *cwd, const char *depfile)
{
	if (read_cache_is_used(&f->read_cache))
		add_compile(&f->read_cache,
			    verified_files_new(m, cwd, depfile));
}

int inputs_fixdep_run(struct inputs_fixdep *f, const char *program,
		      const struct inputs_fixdep_call *call,
		      struct buf *before_command, struct buf *after_command,
		      struct err *err)
{
	char *path = str_join_path(call->cwd, program);
	enum inputs_fixdep_kind kind = inputs_fixdep_programs_get(f->programs,
								  path);
	struct fixdep_output output = {
		.table = &f->symbols,
		.call = call,
		.verified_files = take_compile(&f->read_cache, call->cwd,
					       call->depfile),
		.out = after_command,
		.err = err,
	};
	int ret = generate_output(&output, kind, before_command);

	verified_files_free(output.verified_files);
	free(path);
	return ret;
}
