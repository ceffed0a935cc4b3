/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/library.h"

#include "base/elf.h"
#include "base/fs.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LOADER_MAX   (16u << 20)
#define OBJECTS_MAX  512 /* of one program */
#define CACHE_FILE   "/etc/ld.so.cache"
#define CACHE_MAX    (64u << 20)
#define CACHE_HEADER 48 /* magic, counts, flags, extensions, unused */
#define CACHE_ENTRY  24 /* flags, key, value, osversion, hwcap */

/* A program or library of a process that is being put together. */
struct object {
	char *name; /* as it was asked for; "" for the program */
	char *path;
	struct object *by; /* who asked first; NULL for the program */
	struct elf_program elf;
	bool plain; /* see struct compiler_library */
};

struct process {
	const struct compiler_search *search;
	const char *stand_in; /* loader of a file that names none, or NULL */
	struct compiler_needs *needs; /* goes on where something is missing */
	struct object *v[OBJECTS_MAX];
	size_t n;
	struct strv dirs; /* the loader's own */
};

/* A library that is being looked for. */
struct quest {
	struct process *p;
	struct object *by;
	const char *name;
	char *path; /* the find */
	struct elf_program elf;
	bool plain;
};

int compiler_search_load(struct compiler_search *search,
			 const char *library_path, struct err *err)
{
	*search = (struct compiler_search){ .library_path = library_path };
	return fs_exists(CACHE_FILE) ?
		       fs_read(CACHE_FILE, CACHE_MAX, &search->cache, err) :
		       0;
}

static void free_object(struct object *o)
{
	free(o->name);
	free(o->path);
	elf_program_release(&o->elf);
	free(o);
}

static void process_release(struct process *p)
{
	for (size_t i = 0; i < p->n; i++)
		free_object(p->v[i]);
	strv_release(&p->dirs);
}

/* A run of strings that begin and end with a slash; its end in *after. */
static size_t count_run(struct bytes b, size_t at, size_t *after)
{
	size_t n = 0;

	for (;;) {
		const uint8_t *s = b.data + at;
		const uint8_t *nul = at < b.len ? memchr(s, 0, b.len - at) :
						  NULL;

		*after = at;
		if (!nul || nul - s < 2 || s[0] != '/' || nul[-1] != '/')
			return n;
		for (const uint8_t *c = s; c < nul; c++) {
			if (*c <= ' ' || *c > '~')
				return n;
		}
		at += (size_t)(nul - s) + 1;
		n++;
	}
}

static void add_run(struct strv *out, struct bytes b, size_t at, size_t n)
{
	for (; n--; at += strlen((const char *)b.data + at) + 1) {
		char *dir = xstrdup((const char *)b.data + at);

		dir[strlen(dir) - 1] = '\0';
		strv_own(out, dir);
	}
}

void compiler_loader_dirs(struct strv *out, struct bytes loader)
{
	static const char musl[] = "/lib:/usr/local/lib:/usr/lib";
	size_t best = 0, best_at = 0, after;

	for (size_t at = 1; at < loader.len; at++) {
		size_t n;

		if (loader.data[at] != '/' || loader.data[at - 1])
			continue;
		n = count_run(loader, at, &after);
		if (n > best) {
			best = n;
			best_at = at;
		}
		if (n)
			at = after - 1;
	}
	if (best) {
		add_run(out, loader, best_at, best);
	} else if (loader.len &&
		   memmem(loader.data, loader.len, musl, sizeof(musl))) {
		strv_add(out, "/lib");
		strv_add(out, "/usr/local/lib");
		strv_add(out, "/usr/lib");
	}
}

static const char cache_magic[] = "glibc-ld.so.cache1.1";

/* Numbers are in the machine's own order. */
static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Older caches begin with a part for older loaders; this is what follows. */
static struct bytes cache_part(struct bytes cache)
{
	const uint8_t *at = NULL;

	if (cache.len)
		at = memmem(cache.data, cache.len, cache_magic,
			    sizeof(cache_magic) - 1);
	if (!at)
		return bytes_of(NULL, 0);
	return bytes_of(at, cache.len - (size_t)(at - cache.data));
}

static const char *string_at(struct bytes cache, uint32_t at)
{
	if (at >= cache.len || !memchr(cache.data + at, '\0', cache.len - at))
		return NULL;
	return (const char *)cache.data + at;
}

static bool is_plain_entry(const uint8_t *entry)
{
	return !get_u32(entry + 16) && !get_u32(entry + 20);
}

const char *compiler_library_cached(struct bytes cache, const char *name,
				    size_t n)
{
	struct bytes c = cache_part(cache);
	uint32_t count;

	if (c.len < CACHE_HEADER)
		return NULL;
	count = get_u32(c.data + sizeof(cache_magic) - 1);
	if (count > (c.len - CACHE_HEADER) / CACHE_ENTRY)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *entry = c.data + CACHE_HEADER +
				       (size_t)i * CACHE_ENTRY;
		const char *key = string_at(c, get_u32(entry + 4));
		const char *value = string_at(c, get_u32(entry + 8));

		if (!key || !value)
			return NULL;
		if (is_plain_entry(entry) && !strcmp(key, name) && !n--)
			return value;
	}
	return NULL;
}

/* Is this file the library?  0 when it is not there or of another machine. */
static int try_file(struct quest *q, const char *path, bool plain,
		    struct err *err)
{
	struct elf_program elf;
	struct err why;
	int ret;

	if (q->path)
		return 0;
	ret = elf_program_read(&elf, path, &why);
	if (ret == -ENOEXEC && fs_is_dir(path))
		return 0;
	if (ret == -ENOEXEC)
		return err_set(err, ENOEXEC, "%s", why.text);
	if (ret)
		return 0;
	if (!elf_program_alike(&elf, &q->p->v[0]->elf)) {
		elf_program_release(&elf);
		return 0;
	}
	q->path = xstrdup(path);
	q->elf = elf;
	q->plain = plain;
	return 0;
}

static int try_dir(struct quest *q, const char *dir, bool plain,
		   struct err *err)
{
	char *path = xasprintf("%s/%s", dir, q->name);
	int ret = try_file(q, path, plain, err);

	free(path);
	return ret;
}

/* `dir` with $ORIGIN replaced; NULL when another $ is in it. */
static char *expand_origin(const char *dir, const char *origin)
{
	struct buf out = { 0 };

	while (*dir) {
		size_t skip = str_starts(dir, "${ORIGIN}") ? 9 :
			      str_starts(dir, "$ORIGIN")   ? 7 :
							     0;

		if (skip) {
			buf_add_str(&out, origin);
			dir += skip;
		} else if (*dir == '$') {
			buf_release(&out);
			return NULL;
		} else {
			buf_add(&out, dir++, 1);
		}
	}
	return buf_steal(&out);
}

/* One directory of a search path that is written in `owner`. */
static int try_element(struct quest *q, const struct object *owner,
		       const char *element, struct err *err)
{
	bool has_origin = strstr(element, "ORIGIN") != NULL;
	char *origin, *dir;
	int ret = 0;

	/* A relative directory cannot be a part of the compiler. */
	if (element[0] != '/' && element[0] != '$')
		return 0;
	origin = str_dir(owner->path);
	dir = expand_origin(element, origin);
	if (!dir)
		ret = err_set(err, ENOTSUP, "%s: searches %s", owner->path,
			      element);
	else
		ret = try_dir(q, dir,
			      !has_origin || (owner->by && owner->plain), err);
	free(origin);
	free(dir);
	return ret;
}

static int try_list(struct quest *q, const struct object *owner,
		    const char *list, struct err *err)
{
	struct strv elements = { 0 };
	int ret = 0;

	strv_split(&elements, list ? list : "", ":");
	for (size_t i = 0; i < elements.n && !ret && !q->path; i++)
		ret = try_element(q, owner, elements.v[i], err);
	strv_release(&elements);
	return ret;
}

/* DT_RPATH of who asks and of all who led to it, unless it has DT_RUNPATH. */
static int try_rpaths(struct quest *q, struct err *err)
{
	int ret = 0;

	if (q->by->elf.runpath)
		return 0;
	for (const struct object *o = q->by; o && !ret; o = o->by) {
		if (!o->elf.runpath)
			ret = try_list(q, o, o->elf.rpath, err);
	}
	return ret;
}

static bool is_own_dir(const struct process *p, const char *path)
{
	char *dir = str_dir(path);
	bool is = strv_has(&p->dirs, dir);

	free(dir);
	return is;
}

static int try_environment(struct quest *q, struct err *err)
{
	const char *list = q->p->search->library_path;
	struct strv dirs = { 0 };
	int ret = 0;

	strv_split(&dirs, list ? list : "", ":;");
	for (size_t i = 0; i < dirs.n && !ret && !q->path; i++) {
		const char *dir = dirs.v[i];

		if (dir[0] != '/' || strchr(dir, '$'))
			ret = err_set(err, ENOTSUP,
				      "LD_LIBRARY_PATH has a directory %s",
				      dir);
		else
			ret = try_dir(q, dir, strv_has(&q->p->dirs, dir), err);
	}
	strv_release(&dirs);
	return ret;
}

static int try_cache(struct quest *q, struct err *err)
{
	struct bytes cache = buf_bytes(&q->p->search->cache);
	const char *path;
	int ret = 0;

	if (q->by->elf.no_default)
		return 0;
	for (size_t i = 0; !ret && !q->path; i++) {
		path = compiler_library_cached(cache, q->name, i);
		if (!path)
			break;
		ret = try_file(q, path, is_own_dir(q->p, path), err);
	}
	return ret;
}

static int try_defaults(struct quest *q, struct err *err)
{
	int ret = 0;

	if (q->by->elf.no_default)
		return 0;
	for (size_t i = 0; i < q->p->dirs.n && !ret && !q->path; i++)
		ret = try_dir(q, q->p->dirs.v[i], true, err);
	return ret;
}

static int search_library(struct quest *q, struct err *err)
{
	int ret;

	if (strchr(q->name, '/')) {
		if (q->name[0] != '/' || strchr(q->name, '$'))
			return err_set(err, ENOTSUP, "%s: needs %s",
				       q->by->path, q->name);
		ret = try_file(q, q->name, true, err);
	} else {
		ret = try_rpaths(q, err);
		if (!ret)
			ret = try_environment(q, err);
		if (!ret)
			ret = try_list(q, q->by, q->by->elf.runpath, err);
		if (!ret)
			ret = try_cache(q, err);
		if (!ret)
			ret = try_defaults(q, err);
	}
	return ret;
}

/* Nobody has it: an error, or a line of the list. */
static int note_missing(struct process *p, const char *name, const char *by,
			struct err *err)
{
	if (!p->needs)
		return err_set(err, ENOENT,
			       "library %s, which %s needs, is not there", name,
			       by);
	strv_add(&p->needs->names, name);
	strv_add(&p->needs->users, by);
	return 0;
}

static bool is_loaded(const struct process *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *soname = p->v[i]->elf.soname;

		if (!strcmp(p->v[i]->name, name) ||
		    (soname && !strcmp(soname, name)))
			return true;
	}
	return false;
}

static struct object *add_object(struct process *p, const char *name,
				 char *path, struct object *by)
{
	struct object *o = xcalloc(1, sizeof(*o));

	o->name = xstrdup(name);
	o->path = path;
	o->by = by;
	p->v[p->n++] = o;
	return o;
}

static int load_library(struct process *p, struct object *by, const char *name,
			struct err *err)
{
	struct quest q = { .p = p, .by = by, .name = name };
	struct object *o;
	int ret;

	if (is_loaded(p, name))
		return 0;
	if (p->n >= OBJECTS_MAX)
		return err_set(err, E2BIG, "%s: needs more than %d libraries",
			       p->v[0]->path, OBJECTS_MAX);
	ret = search_library(&q, err);
	if (!ret && !q.path)
		return note_missing(p, name, by->path, err);
	if (ret) {
		free(q.path);
		elf_program_release(&q.elf);
		return ret;
	}
	o = add_object(p, name, q.path, by);
	o->elf = q.elf;
	o->plain = q.plain;
	return 0;
}

/* The loader is in the process before any library is looked for. */
static int load_loader(struct process *p, struct err *err)
{
	const char *named = p->v[0]->elf.loader;
	const char *path = named ? named : p->stand_in;
	struct object *o = add_object(p, path, xstrdup(path), p->v[0]);
	struct buf bytes = { 0 };
	int ret = elf_program_read(&o->elf, path, err);

	o->plain = true;
	if (!ret)
		ret = fs_read(path, LOADER_MAX, &bytes, err);
	if (!ret)
		compiler_loader_dirs(&p->dirs, buf_bytes(&bytes));
	buf_release(&bytes);
	/* It has loaded itself, and it needs nobody. */
	strv_release(&o->elf.needed);
	if (ret)
		err_wrap(err, "loader of %s", p->v[0]->path);
	return ret;
}

static int load_needed(struct process *p, struct err *err)
{
	int ret = load_loader(p, err);

	for (size_t i = 0; i < p->n && !ret; i++) {
		const struct strv *needed = &p->v[i]->elf.needed;

		for (size_t k = 0; k < needed->n && !ret; k++)
			ret = load_library(p, p->v[i], needed->v[k], err);
	}
	return ret;
}

static void fill_libraries(struct compiler_libraries *out,
			   const struct process *p)
{
	out->loader = xstrdup(p->v[1]->path);
	if (p->dirs.n)
		out->home = xstrdup(p->dirs.v[0]);
	out->v = xcalloc(p->n, sizeof(*out->v));
	for (size_t i = 2; i < p->n; i++)
		out->v[out->n++] = (struct compiler_library){
			.name = xstrdup(p->v[i]->name),
			.path = xstrdup(p->v[i]->path),
			.plain = p->v[i]->plain,
		};
}

int compiler_libraries_find(struct compiler_libraries *out, const char *program,
			    const struct compiler_search *search,
			    struct err *err)
{
	struct process p = { .search = search };
	struct object *o = add_object(&p, "", xstrdup(program), NULL);
	int ret = elf_program_read(&o->elf, program, err);

	*out = (struct compiler_libraries){ 0 };
	o->plain = true;
	if (!ret && o->elf.loader) {
		ret = load_needed(&p, err);
		if (!ret)
			fill_libraries(out, &p);
	}
	process_release(&p);
	return ret;
}

void compiler_libraries_release(struct compiler_libraries *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].path);
	}
	free(l->v);
	free(l->loader);
	free(l->home);
	*l = (struct compiler_libraries){ 0 };
}

int compiler_libraries_missing(struct compiler_needs *out, const char *program,
			       const char *loader,
			       const struct compiler_search *search,
			       struct err *err)
{
	struct process p = { .search = search,
			     .stand_in = loader,
			     .needs = out };
	struct object *o = add_object(&p, "", xstrdup(program), NULL);
	int ret = elf_program_read(&o->elf, program, err);

	*out = (struct compiler_needs){ 0 };
	o->plain = true;
	if (!ret && o->elf.loader && !fs_exists(o->elf.loader))
		note_missing(&p, o->elf.loader, program, err);
	else if (!ret && (o->elf.loader || loader))
		ret = load_needed(&p, err);
	process_release(&p);
	if (ret)
		compiler_needs_release(out);
	return ret;
}

void compiler_needs_release(struct compiler_needs *n)
{
	strv_release(&n->names);
	strv_release(&n->users);
}

char *compiler_library_find(const char *name, const char *program,
			    const struct compiler_search *search)
{
	struct process p = { .search = search };
	struct object *o = add_object(&p, "", xstrdup(program), NULL);
	struct quest q = { .p = &p, .by = o, .name = name };
	struct err ignored;

	if (!elf_program_read(&o->elf, program, &ignored) && o->elf.loader &&
	    !load_loader(&p, &ignored) && !try_cache(&q, &ignored))
		try_defaults(&q, &ignored);
	elf_program_release(&q.elf);
	process_release(&p);
	return q.path;
}
