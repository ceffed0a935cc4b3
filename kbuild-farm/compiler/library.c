/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/library.h"

#include "base/elf.h"
#include "base/fs.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOADER_BYTES_MAX   (16u << 20)
#define LOADED_OBJECTS_MAX 512 /* of one program */
#define CACHE_FILE         "/etc/ld.so.cache"
#define LD_CACHE_BYTES_MAX (64u << 20)
#define CACHE_HEADER       48 /* magic, counts, flags, extensions, unused */
#define CACHE_ENTRY        24 /* flags, key, value, osversion, hwcap */

/* A program or library of a simulated process. */
struct object {
	char *name; /* as in DT_NEEDED; "" for the program */
	char *path;
	struct object *needed_by; /* its first user; NULL for the program */
	struct elf_program elf;
	bool found_by_default; /* see struct compiler_library */
};

struct load_simulation {
	const struct compiler_library_search *search;
	const char *default_loader; /* for a file without PT_INTERP, or NULL */
	/* Receives missing libraries.  NULL: a missing library is an error. */
	struct compiler_missing_libraries *missing;
	struct object *v[LOADED_OBJECTS_MAX];
	size_t n;
	struct strv default_dirs; /* of the loader */
};

/* The search for a library. */
struct library_lookup {
	struct load_simulation *simulation;
	struct object *needed_by;
	const char *name;
	char *path; /* the result; NULL: not found yet */
	struct elf_program elf;
	bool found_by_default;
};

int compiler_library_search_load(struct compiler_library_search *search,
				 const char *library_path, struct err *err)
{
	*search = (struct compiler_library_search){
		.library_path = library_path
	};
	return fs_exists(CACHE_FILE) ? fs_read(CACHE_FILE, LD_CACHE_BYTES_MAX,
					       &search->cache, err) :
				       0;
}

static void load_simulation_release(struct load_simulation *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i]->name);
		free(p->v[i]->path);
		elf_program_release(&p->v[i]->elf);
		free(p->v[i]);
	}
	strv_release(&p->default_dirs);
}

/*
 * Count consecutive strings that begin and end with a slash.  `after` receives
 * the end of the sequence.
 */
static size_t count_dir_strings(struct bytes b, size_t at, size_t *after)
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

void compiler_library_loader_dirs(struct strv *out, struct bytes loader)
{
	static const char musl[] = "/lib:/usr/local/lib:/usr/lib";
	size_t best = 0, best_at = 0, after;

	for (size_t at = 1; at < loader.len; at++) {
		size_t n;

		if (loader.data[at] != '/' || loader.data[at - 1])
			continue;
		n = count_dir_strings(loader, at, &after);
		if (n > best) {
			best = n;
			best_at = at;
		}
		if (n)
			at = after - 1;
	}
	for (size_t n = best, at = best_at; n--;) {
		const char *dir = (const char *)loader.data + at;
		size_t len = strlen(dir);

		strv_own(out, xstrndup(dir, len - 1));
		at += len + 1;
	}
	if (!best && loader.len &&
	    memmem(loader.data, loader.len, musl, sizeof(musl))) {
		strv_add(out, "/lib");
		strv_add(out, "/usr/local/lib");
		strv_add(out, "/usr/lib");
	}
}

static const char cache_magic[] = "glibc-ld.so.cache1.1";

/* The numbers in ld.so.cache are in the byte order of the machine. */
static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static const char *cache_string_at(struct bytes cache, uint32_t at)
{
	if (at >= cache.len || !memchr(cache.data + at, '\0', cache.len - at))
		return NULL;
	return (const char *)cache.data + at;
}

const char *compiler_library_find_cached(struct bytes cache, const char *name,
					 size_t index)
{
	const uint8_t *start = NULL;
	struct bytes c;
	uint32_t count;

	/* A cache can have a part for older loaders before the magic. */
	if (cache.len)
		start = memmem(cache.data, cache.len, cache_magic,
			       sizeof(cache_magic) - 1);
	if (!start)
		return NULL;
	c = bytes_of(start, cache.len - (size_t)(start - cache.data));
	if (c.len < CACHE_HEADER)
		return NULL;
	count = get_u32(c.data + sizeof(cache_magic) - 1);
	if (count > (c.len - CACHE_HEADER) / CACHE_ENTRY)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *entry = c.data + CACHE_HEADER +
				       (size_t)i * CACHE_ENTRY;
		const char *key = cache_string_at(c, get_u32(entry + 4));
		const char *value = cache_string_at(c, get_u32(entry + 8));

		if (!key || !value)
			return NULL;
		/* Skip files for certain OS versions or processors. */
		if (!get_u32(entry + 16) && !get_u32(entry + 20) &&
		    !strcmp(key, name) && !index--)
			return value;
	}
	return NULL;
}

/*
 * Make the file at `path` the result of the search if it is a library for the
 * program's machine.  A missing file or a library for another machine is not an
 * error.
 */
static int try_file(struct library_lookup *q, const char *path,
		    bool found_by_default, struct err *err)
{
	struct elf_program elf;
	struct err why;
	int ret;

	if (q->path)
		return 0;
	ret = elf_program_read(&elf, path, &why);
	/* ld.so continues the search if it cannot open the file. */
	if (ret && (access(path, R_OK) || fs_is_dir(path)))
		return 0;
	if (ret)
		return err_set(err, -ret, "%s", why.text);
	if (!elf_program_is_compatible(&elf, &q->simulation->v[0]->elf)) {
		elf_program_release(&elf);
		return 0;
	}
	q->path = xstrdup(path);
	q->elf = elf;
	q->found_by_default = found_by_default;
	return 0;
}

static int try_dir(struct library_lookup *q, const char *dir,
		   bool found_by_default, struct err *err)
{
	char *path = xasprintf("%s/%s", dir, q->name);
	int ret = try_file(q, path, found_by_default, err);

	free(path);
	return ret;
}

/* Replace $ORIGIN in `dir`.  Returns NULL if `dir` has another variable. */
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

/* Try one element of a search path that is stored in the file `owner`. */
static int try_search_element(struct library_lookup *q,
			      const struct object *owner, const char *element,
			      struct err *err)
{
	bool has_origin = strstr(element, "ORIGIN") != NULL;
	char *origin, *dir;
	int ret = 0;

	/* A relative directory cannot be part of the compiler. */
	if (element[0] != '/' && element[0] != '$')
		return 0;
	origin = str_dir(owner->path);
	dir = expand_origin(element, origin);
	if (!dir)
		ret = err_set(err, ENOTSUP,
			      "%s: unsupported library search path: %s",
			      owner->path, element);
	else
		ret = try_dir(q, dir,
			      !has_origin || (owner->needed_by &&
					      owner->found_by_default),
			      err);
	free(origin);
	free(dir);
	return ret;
}

static int try_list(struct library_lookup *q, const struct object *owner,
		    const char *list, struct err *err)
{
	struct strv elements = { 0 };
	int ret = 0;

	strv_split(&elements, list ? list : "", ":");
	for (size_t i = 0; i < elements.n && !ret && !q->path; i++)
		ret = try_search_element(q, owner, elements.v[i], err);
	strv_release(&elements);
	return ret;
}

/*
 * If the object that needs the library has no DT_RUNPATH, try the DT_RPATH of
 * the object and of its ancestors, up to the program.  An ancestor with
 * DT_RUNPATH is skipped.
 */
static int try_rpaths(struct library_lookup *q, struct err *err)
{
	int ret = 0;

	if (q->needed_by->elf.runpath)
		return 0;
	for (const struct object *o = q->needed_by; o && !ret;
	     o = o->needed_by) {
		if (!o->elf.runpath)
			ret = try_list(q, o, o->elf.rpath, err);
	}
	return ret;
}

static int try_library_path(struct library_lookup *q, struct err *err)
{
	const char *list = q->simulation->search->library_path;
	struct strv dirs = { 0 };
	int ret = 0;

	strv_split(&dirs, list ? list : "", ":;");
	for (size_t i = 0; i < dirs.n && !ret && !q->path; i++) {
		const char *dir = dirs.v[i];

		if (dir[0] != '/' || strchr(dir, '$'))
			ret = err_set(
				err, ENOTSUP,
				"LD_LIBRARY_PATH: unsupported directory: %s",
				dir);
		else
			ret = try_dir(
				q, dir,
				strv_has(&q->simulation->default_dirs, dir),
				err);
	}
	strv_release(&dirs);
	return ret;
}

static int try_ld_cache(struct library_lookup *q, struct err *err)
{
	struct bytes cache = buf_bytes(&q->simulation->search->cache);
	const char *path;
	char *dir;
	int ret = 0;

	if (q->needed_by->elf.no_default_dirs)
		return 0;
	for (size_t i = 0; !ret && !q->path; i++) {
		path = compiler_library_find_cached(cache, q->name, i);
		if (!path)
			break;
		dir = str_dir(path);
		ret = try_file(q, path,
			       strv_has(&q->simulation->default_dirs, dir),
			       err);
		free(dir);
	}
	return ret;
}

static int try_default_dirs(struct library_lookup *q, struct err *err)
{
	int ret = 0;

	if (q->needed_by->elf.no_default_dirs)
		return 0;
	for (size_t i = 0;
	     i < q->simulation->default_dirs.n && !ret && !q->path; i++)
		ret = try_dir(q, q->simulation->default_dirs.v[i], true, err);
	return ret;
}

static int search_library(struct library_lookup *q, struct err *err)
{
	int ret;

	if (strchr(q->name, '/')) {
		if (q->name[0] != '/' || strchr(q->name, '$'))
			return err_set(err, ENOTSUP,
				       "%s: unsupported library path: %s",
				       q->needed_by->path, q->name);
		return try_file(q, q->name, true, err);
	}
	ret = try_rpaths(q, err);
	if (ret)
		return ret;
	ret = try_library_path(q, err);
	if (ret)
		return ret;
	ret = try_list(q, q->needed_by, q->needed_by->elf.runpath, err);
	if (ret)
		return ret;
	ret = try_ld_cache(q, err);
	return ret ? ret : try_default_dirs(q, err);
}

/* Record a missing library, or fail if missing libraries are an error. */
static int add_missing_library(struct load_simulation *p, const char *name,
			       const char *by, struct err *err)
{
	if (!p->missing)
		return err_set(err, ENOENT,
			       "library %s (needed by %s) not found", name, by);
	strv_add(&p->missing->names, name);
	strv_add(&p->missing->users, by);
	return 0;
}

static bool is_loaded(const struct load_simulation *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *soname = p->v[i]->elf.soname;

		if (!strcmp(p->v[i]->name, name) ||
		    (soname && !strcmp(soname, name)))
			return true;
	}
	return false;
}

static struct object *add_object(struct load_simulation *p, const char *name,
				 char *path, struct object *by)
{
	struct object *o = xcalloc(1, sizeof(*o));

	o->name = xstrdup(name);
	o->path = path;
	o->needed_by = by;
	p->v[p->n++] = o;
	return o;
}

static int load_library(struct load_simulation *p, struct object *by,
			const char *name, struct err *err)
{
	struct library_lookup q = { .simulation = p,
				    .needed_by = by,
				    .name = name };
	struct object *o;
	int ret;

	if (is_loaded(p, name))
		return 0;
	if (p->n >= LOADED_OBJECTS_MAX)
		return err_set(err, E2BIG, "%s: needs more than %d libraries",
			       p->v[0]->path, LOADED_OBJECTS_MAX);
	ret = search_library(&q, err);
	if (!ret && !q.path)
		return add_missing_library(p, name, by->path, err);
	if (ret) {
		free(q.path);
		elf_program_release(&q.elf);
		return ret;
	}
	o = add_object(p, name, q.path, by);
	o->elf = q.elf;
	o->found_by_default = q.found_by_default;
	return 0;
}

/* Add the loader.  It is loaded before any library is searched for. */
static int load_loader(struct load_simulation *p, struct err *err)
{
	const char *named = p->v[0]->elf.interpreter;
	const char *path = named ? named : p->default_loader;
	struct object *o = add_object(p, path, xstrdup(path), p->v[0]);
	struct buf bytes = { 0 };
	int ret = elf_program_read(&o->elf, path, err);

	o->found_by_default = true;
	if (!ret)
		ret = fs_read(path, LOADER_BYTES_MAX, &bytes, err);
	if (!ret)
		compiler_library_loader_dirs(&p->default_dirs,
					     buf_bytes(&bytes));
	buf_release(&bytes);
	/* The loader relocates itself and needs no library. */
	strv_release(&o->elf.needed);
	if (ret)
		err_wrap(err, "loader of %s", p->v[0]->path);
	return ret;
}

static int load_needed_libraries(struct load_simulation *p, struct err *err)
{
	int ret = load_loader(p, err);

	for (size_t i = 0; i < p->n && !ret; i++) {
		const struct strv *needed = &p->v[i]->elf.needed;

		for (size_t k = 0; k < needed->n && !ret; k++)
			ret = load_library(p, p->v[i], needed->v[k], err);
	}
	return ret;
}

int compiler_library_find_all(struct compiler_library_list *out,
			      const char *program,
			      const struct compiler_library_search *search,
			      struct err *err)
{
	struct load_simulation p = { .search = search };
	struct object *o = add_object(&p, "", xstrdup(program), NULL);
	int ret = elf_program_read(&o->elf, program, err);

	*out = (struct compiler_library_list){ 0 };
	o->found_by_default = true;
	if (ret || !o->elf.interpreter)
		goto out;
	ret = load_needed_libraries(&p, err);
	if (ret)
		goto out;

	/* The first two objects are the program and the loader. */
	out->loader = xstrdup(p.v[1]->path);
	if (p.default_dirs.n)
		out->default_dir = xstrdup(p.default_dirs.v[0]);
	out->v = xcalloc(p.n, sizeof(*out->v));
	for (size_t i = 2; i < p.n; i++)
		out->v[out->n++] = (struct compiler_library){
			.name = xstrdup(p.v[i]->name),
			.path = xstrdup(p.v[i]->path),
			.found_by_default = p.v[i]->found_by_default,
		};
out:
	load_simulation_release(&p);
	return ret;
}

void compiler_library_list_release(struct compiler_library_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].path);
	}
	free(l->v);
	free(l->loader);
	free(l->default_dir);
	*l = (struct compiler_library_list){ 0 };
}

int compiler_library_find_missing(struct compiler_missing_libraries *out,
				  const char *program, const char *loader,
				  const struct compiler_library_search *search,
				  struct err *err)
{
	struct load_simulation p = { .search = search,
				     .default_loader = loader,
				     .missing = out };
	struct object *o = add_object(&p, "", xstrdup(program), NULL);
	int ret = elf_program_read(&o->elf, program, err);

	*out = (struct compiler_missing_libraries){ 0 };
	o->found_by_default = true;
	if (!ret && o->elf.interpreter && !fs_exists(o->elf.interpreter))
		add_missing_library(&p, o->elf.interpreter, program, err);
	else if (!ret && (o->elf.interpreter || loader))
		ret = load_needed_libraries(&p, err);
	load_simulation_release(&p);
	if (ret)
		compiler_library_missing_release(out);
	return ret;
}

void compiler_library_missing_release(struct compiler_missing_libraries *n)
{
	strv_release(&n->names);
	strv_release(&n->users);
}

char *compiler_library_find(const char *name, const char *program,
			    const struct compiler_library_search *search)
{
	struct load_simulation p = { .search = search };
	struct object *o = add_object(&p, "", xstrdup(program), NULL);
	struct library_lookup q = { .simulation = &p,
				    .needed_by = o,
				    .name = name };
	struct err ignored;

	if (!elf_program_read(&o->elf, program, &ignored) &&
	    o->elf.interpreter && !load_loader(&p, &ignored) &&
	    !try_ld_cache(&q, &ignored))
		try_default_dirs(&q, &ignored);
	elf_program_release(&q.elf);
	load_simulation_release(&p);
	return q.path;
}
