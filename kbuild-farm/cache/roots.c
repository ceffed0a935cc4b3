/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache/roots.h"

#include "base/depfile.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOTS_MAX 8
#define NO_ROOT   SIZE_MAX

/* First byte of a name in a key; NAME_ROOTED + i for a name in root i. */
enum {
	NAME_NULL,
	NAME_PLAIN,
	NAME_ROOTED,
};

/* In a dependency list, the number of a root follows this byte. */
#define PLACEHOLDER "\1"

/* ----------------------------------------------------------------- names */

/*
 * Return the part of `name` after the directory `root`, or NULL if `name` is
 * not in this directory.
 */
static const char *skip_root(const char *name, const char *root)
{
	size_t len = strlen(root);

	if (strncmp(name, root, len) != 0 || (name[len] && name[len] != '/'))
		return NULL;
	return name + len;
}

/*
 * Return the index of the innermost root that contains `name`, and set *rest to
 * the part of `name` after the root.  Returns NO_ROOT if no root contains it.
 */
static size_t find_root(const struct cache_roots *r, const char *name,
			const char **rest)
{
	size_t found = NO_ROOT;

	for (size_t i = 0; i < r->n; i++) {
		const char *after = skip_root(name, r->dirs[i]);

		if (!after || (found != NO_ROOT && after <= *rest))
			continue;
		found = i;
		*rest = after;
	}
	return found;
}

static bool is_in_root(const struct cache_roots *r, const char *name)
{
	const char *rest;

	return find_root(r, name, &rest) != NO_ROOT;
}

/* Return the path of a root that occurs in `text`, or NULL. */
static const char *find_occurrence(const struct cache_roots *r,
				   const char *text)
{
	for (size_t i = 0; i < r->n; i++) {
		if (strstr(text, r->dirs[i]))
			return r->dirs[i];
	}
	return NULL;
}

void cache_roots_add_name(struct buf *b, const struct cache_roots *r,
			  const char *name)
{
	const char *rest;
	size_t root = name ? find_root(r, name, &rest) : NO_ROOT;

	if (!name) {
		buf_put_u8(b, NAME_NULL);
	} else if (root == NO_ROOT) {
		buf_put_u8(b, NAME_PLAIN);
		buf_put_str(b, name);
	} else {
		buf_put_u8(b, (uint8_t)(NAME_ROOTED + root));
		buf_put_str(b, rest);
	}
}

char *cache_roots_show(const struct cache_roots *r, const char *name)
{
	static const char *const names[] = { "<source>", "<build>" };
	char *first = xstrndup(name, strcspn(name, "=")), *shown;
	const char *end = name + strlen(first), *rest;
	size_t root = find_root(r, first, &rest);

	if (root == NO_ROOT)
		shown = xstrdup(name);
	else if (root < ARRAY_SIZE(names))
		shown = xasprintf("%s%s%s", names[root], rest, end);
	else
		shown = xasprintf("<%zu>%s%s", root, rest, end);
	free(first);
	return shown;
}

/* Append the absolute name of `path` without ".", ".." and empty components. */
static void add_lexical(struct buf *out, const char *cwd, const char *path)
{
	char *full = str_join_path(cwd, path);

	for (const char *s = full; *s;) {
		size_t len;

		s += strspn(s, "/");
		len = strcspn(s, "/");
		if (len == 2 && !memcmp(s, "..", 2)) {
			while (out->len && out->data[--out->len] != '/')
				;
			if (out->data)
				out->data[out->len] = '\0';
		} else if (len && !(len == 1 && *s == '.')) {
			buf_add_str(out, "/");
			buf_add(out, s, len);
		}
		s += len;
	}
	free(full);
}

void cache_roots_find(struct strv *dirs, const char *cwd, const char *source,
		      const char *top)
{
	char *link = str_join_path(cwd, "source");
	char *kconfig = str_join_path(cwd, "Kconfig");
	char *tree = realpath(link, NULL);
	struct buf name = { 0 };
	struct cache_roots found;
	struct stat st;
	bool has_tree = tree && !lstat(link, &st) && S_ISLNK(st.st_mode) &&
			fs_is_dir(tree);

	if (has_tree)
		strv_add(dirs, tree);
	if (has_tree || !access(kconfig, F_OK))
		strv_add(dirs, cwd);
	found = (struct cache_roots){ dirs->v, dirs->n };
	add_lexical(&name, cwd, source);
	if (!is_in_root(&found, buf_str(&name)) && strcmp(top, "/") != 0 &&
	    !strv_has(dirs, top))
		strv_add(dirs, top);
	buf_release(&name);
	free(tree);
	free(kconfig);
	free(link);
}

static bool has_parent(const char *path)
{
	for (const char *s = path; (s = strstr(s, "..")); s += 2) {
		if ((s == path || s[-1] == '/') && (!s[2] || s[2] == '/'))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------ prefix maps */

/* An option such as -fmacro-prefix-map=OLD=NEW. */
struct prefix_map {
	char *old;
	const char *new; /* borrowed from the flag */
	/* macro: applies to __FILE__; debug: applies to debug information */
	bool macro, debug;
	bool rooted; /* `old` is in a root */
};

struct prefix_maps {
	struct prefix_map *v;
	size_t n;
	bool rooted; /* `old` of at least one map is in a root */
};

#define MAPS_MAX 32

static void maps_release(struct prefix_maps *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].old);
	free(m->v);
}

static bool is_prefix_map(const char *name, bool *macro, bool *debug)
{
	bool file = !strcmp(name, "-ffile-prefix-map=");

	*macro = file || !strcmp(name, "-fmacro-prefix-map=");
	*debug = file || !strcmp(name, "-fdebug-prefix-map=") ||
		 !strcmp(name, "--debug-prefix-map=");
	return *macro || *debug;
}

/*
 * Add a prefix map.  Returns false if gcc and clang may interpret it
 * differently, or if a root occurs anywhere except at the start of OLD.
 */
static bool add_map(struct prefix_maps *m, const struct cache_roots *r,
		    const char *value, bool macro, bool debug)
{
	const char *equals = value ? strchr(value, '=') : NULL;
	struct prefix_map *map;
	const char *rest;

	if (!equals || strchr(equals + 1, '=') || m->n == MAPS_MAX ||
	    find_occurrence(r, equals + 1))
		return false;
	map = VEC_ADD(m->v, m->n);
	*map = (struct prefix_map){
		.old = xstrndup(value, (size_t)(equals - value)),
		.new = equals + 1,
		.macro = macro,
		.debug = debug,
	};
	if (find_root(r, map->old, &rest) == NO_ROOT)
		return !find_occurrence(r, map->old);
	map->rooted = m->rooted = true;
	return true;
}

/* Return the set of maps of one kind that fit `path`, one bit for each. */
static uint32_t find_maps(const struct prefix_maps *m, bool debug,
			  const char *path)
{
	uint32_t found = 0;

	for (size_t i = 0; i < m->n && i < MAPS_MAX; i++) {
		const struct prefix_map *map = &m->v[i];

		if ((debug ? map->debug : map->macro) &&
		    str_starts(path, map->old))
			found |= UINT32_C(1) << i;
	}
	return found;
}

/*
 * Return true if the map removes the path of a root from `path`: it is rooted,
 * and its OLD ends with a component of `path`.  For example, /src=. changes
 * /src-2/a.c to .-2/a.c, where "-2" is a part of the path of a root /src-2.
 */
static bool removes_root(const struct prefix_map *map, const char *path)
{
	size_t len = strlen(map->old);

	return map->rooted &&
	       (map->old[len - 1] == '/' || !path[len] || path[len] == '/');
}

/*
 * Return true if the name that the compiler writes for `path` can contain a
 * part of the path of a root.  The compiler applies one of the maps that fit
 * `path`.  If `path` is in a root, the name contains no such part if at least
 * one map fits and each map that fits removes the path of a root.  That root
 * can be an outer one: the name then contains the position of the inner root,
 * which add_positions() adds to the key.  If `path` is in no root, the name
 * contains no such part if no rooted map fits.
 */
static bool is_exposed(const struct prefix_maps *m, const struct cache_roots *r,
		       bool debug, const char *path)
{
	uint32_t found = find_maps(m, debug, path);
	bool inside = is_in_root(r, path);

	for (size_t i = 0; i < m->n && i < MAPS_MAX; i++) {
		const struct prefix_map *map = &m->v[i];

		if (found & UINT32_C(1) << i &&
		    (inside ? !removes_root(map, path) : map->rooted))
			return true;
	}
	return inside && !found;
}

/*
 * Return true if a map fits `path`, a name in a root, but removes only the path
 * of an outer root.
 */
static bool leaves_position(const struct prefix_maps *m,
			    const struct cache_roots *r, bool debug,
			    const char *path)
{
	uint32_t found = find_maps(m, debug, path);
	const char *rest;
	size_t root = find_root(r, path, &rest);

	for (size_t i = 0; i < m->n && i < MAPS_MAX; i++) {
		if (found & UINT32_C(1) << i &&
		    find_root(r, m->v[i].old, &rest) != root)
			return true;
	}
	return false;
}

static void collect_maps(struct prefix_maps *m,
			 const struct cache_located_compile *c)
{
	bool macro, debug;

	for (size_t i = 0; i < c->flags->n_flags; i++) {
		const struct options_flag *f = &c->flags->flags[i];

		if (is_prefix_map(f->name, &macro, &debug))
			add_map(m, c->roots, f->value, macro, debug);
	}
}

/* -------------------------------------------------------------- obstacles */

/* Properties of the flags of a compile. */
struct flag_summary {
	struct prefix_maps maps;
	bool debug; /* debug information */
	bool as_debug; /* debug information that the assembler makes */
	const char *sanitizer; /* name of an option, or NULL */
};

static bool is_dir_flag(const char *name)
{
	static const char *const names[] = { "-I",       "-idirafter",
					     "-imacros", "-include",
					     "-iquote",  "-isystem" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

void cache_roots_add_value(struct buf *b, const struct cache_roots *r,
			   const struct options_flag *flag)
{
	const char *equals = flag->value ? strchr(flag->value, '=') : NULL;
	bool macro, debug;
	char *old;

	if (equals && is_prefix_map(flag->name, &macro, &debug)) {
		old = xstrndup(flag->value, (size_t)(equals - flag->value));
		cache_roots_add_name(b, r, old);
		buf_put_str(b, equals);
		free(old);
	} else if (is_dir_flag(flag->name)) {
		cache_roots_add_name(b, r, flag->value);
	} else {
		buf_put_u8(b, flag->value ? NAME_PLAIN : NAME_NULL);
		if (flag->value)
			buf_put_str(b, flag->value);
	}
}

static bool set_obstacle(struct cache_obstacle *out,
			 enum cache_obstacle_kind kind, const char *root,
			 const char *detail)
{
	*out = (struct cache_obstacle){ kind, root, detail };
	return true;
}

/* Return the innermost root that contains an absolute name. */
static const char *root_of(const struct cache_located_compile *c,
			   const char *name)
{
	const char *rest;
	size_t root = find_root(c->roots, name, &rest);

	return root == NO_ROOT ? NULL : c->roots->dirs[root];
}

static bool check_roots(const struct cache_located_compile *c,
			struct cache_obstacle *out)
{
	const struct cache_roots *r = c->roots;

	for (size_t i = 0; i < r->n; i++) {
		if (!r->dirs[i][0] || !r->dirs[i][1] ||
		    strchr(r->dirs[i], '=') ||
		    !depfile_is_unescaped(r->dirs[i]))
			return set_obstacle(out, CACHE_OBSTACLE_ROOTS,
					    r->dirs[i], NULL);
	}
	return (!r->n || r->n > ROOTS_MAX) &&
	       set_obstacle(out, CACHE_OBSTACLE_ROOTS, NULL, NULL);
}

/*
 * Return true if the option writes file names to an output, or selects files by
 * name.
 */
static bool has_output_with_names(const char *name)
{
	static const char *const starts[] = { "-fembed", "-fprofile",
					      "-frecord",
					      "-finstrument-functions-"
					      "exclude-file-list=" };
	const struct options_entry *e = options_table_find_name(name);

	if (!strcmp(name, "-flto") || !strcmp(name, "-flto=") ||
	    (e && e->side != OPTIONS_SIDE_NONE))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		if (str_starts(name, starts[i]))
			return true;
	}
	return false;
}

/* Return true if an option in a -Wa, list requests debug information. */
static bool assembler_makes_debug(const char *list)
{
	const char *rest = list;
	struct options_comma_word word;

	while (options_comma_list_next(&rest, &word)) {
		if ((word.len > 1 && !memcmp(word.s, "-g", 2)) ||
		    (word.len > 2 && !memcmp(word.s, "--g", 3)))
			return true;
	}
	return false;
}

static bool check_flag(const struct cache_located_compile *c,
		       const struct options_flag *f, struct flag_summary *s,
		       struct cache_obstacle *out)
{
	const struct options_entry *e = options_table_find_name(f->name);
	const char *value = f->value ? f->value : "";
	const char *root = find_occurrence(c->roots, value);
	bool macro, debug;

	if (has_output_with_names(f->name))
		return set_obstacle(out, CACHE_OBSTACLE_OUTPUT, NULL, f->name);
	if (is_prefix_map(f->name, &macro, &debug))
		return !add_map(&s->maps, c->roots, f->value, macro, debug) &&
		       set_obstacle(out, CACHE_OBSTACLE_VALUE, root, f->name);
	if (str_starts(f->name, "-fsanitize"))
		s->sanitizer = f->name;
	if (e && e->use == OPTIONS_USE_DEBUG && *value == 'z')
		return set_obstacle(out, CACHE_OBSTACLE_OUTPUT, NULL, "-gz");
	s->debug |= e && e->use == OPTIONS_USE_DEBUG && strcmp(value, "0") != 0;
	s->as_debug |= e && e->use == OPTIONS_USE_WA &&
		       assembler_makes_debug(value);
	return root && !is_dir_flag(f->name) &&
	       set_obstacle(out, CACHE_OBSTACLE_VALUE, root, f->name);
}

static bool check_flags(const struct cache_located_compile *c,
			struct flag_summary *s, struct cache_obstacle *out)
{
	for (size_t i = 0; i < c->flags->n_flags; i++) {
		if (check_flag(c, &c->flags->flags[i], s, out))
			return true;
	}
	return false;
}

static bool check_variables(const struct cache_located_compile *c, bool debug,
			    struct cache_obstacle *out)
{
	for (char *const *v = c->env; v && *v; v++) {
		const char *root = find_occurrence(c->roots, *v);

		if (root || (debug && str_starts(*v, "PWD=")))
			return set_obstacle(out, CACHE_OBSTACLE_VARIABLE, root,
					    *v);
	}
	for (char *const *v = c->arguments; v && *v; v++) {
		if (find_occurrence(c->roots, *v))
			return set_obstacle(out, CACHE_OBSTACLE_STEP,
					    find_occurrence(c->roots, *v),
					    NULL);
	}
	return c->writes_text &&
	       set_obstacle(out, CACHE_OBSTACLE_STEP, NULL, NULL);
}

/*
 * Find a symbolic link that is in a root or whose target contains a root.  Such
 * a link is an obstacle: the name of a directory then does not determine its
 * path, but the key contains the names of directories without their paths.
 */
static bool check_symlinks(const struct cache_located_compile *c,
			   struct cache_obstacle *out)
{
	for (size_t i = 0; i < c->n_entries; i++) {
		const struct inputs_entry *e = c->entries[i];

		if (e->kind == WIRE_INODE_SYMLINK &&
		    (is_in_root(c->roots, e->path->name) ||
		     find_occurrence(c->roots, e->target)))
			return set_obstacle(out, CACHE_OBSTACLE_SYMLINK, NULL,
					    e->path->name);
	}
	return false;
}

/* Return the name of a file of the closure as the compiler spells it. */
static const char *spelling(const struct cache_located_compile *c, size_t i)
{
	return i ? c->closure->files[i].path : c->source;
}

/* Check the name of file `i` of the closure. */
static bool check_spelling(const struct cache_located_compile *c,
			   const struct flag_summary *s, size_t i,
			   struct cache_obstacle *out)
{
	bool expands_name = c->closure->files[i].expands_name;
	const char *name = spelling(c, i);
	const char *root = root_of(c, name);

	/* The compiler writes relative names as they are. */
	if (*name != '/')
		return false;
	if (s->debug && is_exposed(&s->maps, c->roots, true, name))
		return set_obstacle(out, CACHE_OBSTACLE_DEBUG, root, NULL);
	if (expands_name && is_exposed(&s->maps, c->roots, false, name))
		return set_obstacle(out, CACHE_OBSTACLE_FILE, root, NULL);
	if (root && s->sanitizer)
		return set_obstacle(out, CACHE_OBSTACLE_SANITIZER, root,
				    s->sanitizer);
	return root && (c->closure->mentions & CPP_MENTION_LINE) &&
	       set_obstacle(out, CACHE_OBSTACLE_LINE, root, NULL);
}

static bool check_file_names(const struct cache_located_compile *c,
			     const struct flag_summary *s,
			     struct cache_obstacle *out)
{
	const char *root = root_of(c, c->cwd);
	bool debug = s->debug || s->as_debug;

	if (root && debug &&
	    (!c->is_c || s->as_debug ||
	     is_exposed(&s->maps, c->roots, true, c->cwd)))
		return set_obstacle(out, CACHE_OBSTACLE_DEBUG, root, NULL);
	if (s->maps.rooted && (c->closure->mentions & CPP_MENTION_LINE))
		return set_obstacle(out, CACHE_OBSTACLE_LINE, root, NULL);
	for (size_t i = 0; i < c->closure->n_files; i++) {
		if (check_spelling(c, s, i, out))
			return true;
	}
	return false;
}

bool cache_roots_find_obstacle(const struct cache_located_compile *c,
			       struct cache_obstacle *out)
{
	struct flag_summary s = { 0 };
	bool found = check_roots(c, out) || check_flags(c, &s, out) ||
		     (c->has_side_outputs &&
		      set_obstacle(out, CACHE_OBSTACLE_OUTPUT, NULL, NULL)) ||
		     check_variables(c, s.debug, out) ||
		     check_symlinks(c, out) || check_file_names(c, &s, out);

	maps_release(&s.maps);
	return found;
}

bool cache_roots_needs_preprocessing(const struct cache_located_compile *c)
{
	struct cache_obstacle obstacle;

	return !c->closure->full && cache_roots_find_obstacle(c, &obstacle) &&
	       obstacle.kind == CACHE_OBSTACLE_FILE;
}

void cache_obstacle_add_text(struct buf *b, const struct cache_obstacle *o)
{
	const char *root = o->root ? o->root : "names of directories";
	const char *detail = o->detail ? o->detail : "an option";

	switch (o->kind) {
	case CACHE_OBSTACLE_NONE:
		break;
	case CACHE_OBSTACLE_ROOTS:
		if (o->root)
			buf_printf(b, "unsupported name of a directory: %s",
				   root);
		else
			buf_add_str(b, "no directories or too many directories "
				       "of the build are known");
		break;
	case CACHE_OBSTACLE_DEBUG:
		buf_printf(b,
			   "debug information contains %s; CONFIG_DEBUG_INFO=n",
			   root);
		if (o->root)
			buf_printf(b,
				   " or, for C, "
				   "KCFLAGS=-fdebug-prefix-map=%s=.",
				   root);
		buf_add_str(b, " avoids this");
		break;
	case CACHE_OBSTACLE_FILE:
		buf_printf(b, "__FILE__ can contain %s", root);
		if (o->root)
			buf_printf(b,
				   "; -fmacro-prefix-map=%s/= in KCFLAGS or "
				   "HOSTCFLAGS avoids this",
				   root);
		break;
	case CACHE_OBSTACLE_LINE:
		buf_printf(b, "#line can name a file in %s",
			   o->root ? o->root : "a directory of the build");
		break;
	case CACHE_OBSTACLE_SANITIZER:
		buf_printf(b,
			   "the data of %s contains %s; a build inside the "
			   "source tree avoids this",
			   detail, root);
		break;
	case CACHE_OBSTACLE_OUTPUT:
		buf_printf(b, "the output of %s can contain %s", detail, root);
		break;
	case CACHE_OBSTACLE_VALUE:
		buf_printf(b, "the value of %s contains %s", detail, root);
		break;
	case CACHE_OBSTACLE_VARIABLE:
		buf_printf(b, "the variable %.*s contains %s",
			   (int)strcspn(detail, "="), detail, root);
		break;
	case CACHE_OBSTACLE_STEP:
		buf_printf(b, "a tool step uses %s", root);
		break;
	case CACHE_OBSTACLE_SYMLINK:
		buf_printf(b, "%s is a symbolic link", detail);
		break;
	}
}

/* ------------------------------------------------------------------- keys */

/*
 * Return true if `name` leads into `root` and can start outside of it, because
 * the name is absolute or contains "..".
 */
static bool can_enter(const struct cache_located_compile *c, const char *root,
		      const char *name)
{
	struct buf full = { 0 };
	bool enters;

	if (*name != '/' && !has_parent(name))
		return false;
	add_lexical(&full, c->cwd, name);
	enters = skip_root(buf_str(&full), root);
	buf_release(&full);
	return enters;
}

static bool can_any_enter(const struct cache_located_compile *c,
			  const char *root)
{
	const struct cpp_closure *l = c->closure;

	for (size_t i = 0; i < l->n_files; i++) {
		if (can_enter(c, root, spelling(c, i)))
			return true;
	}
	for (size_t i = 0; i < l->absent.n; i++) {
		if (can_enter(c, root, l->absent.v[i]))
			return true;
	}
	for (size_t i = 0; i < l->dirs.n; i++) {
		if (can_enter(c, root, l->dirs.v[i]))
			return true;
	}
	return false;
}

/*
 * Return true if the working directory or an absolute name of the closure is in
 * `root`, and a map leaves the position of this root in an outer one.
 */
static bool is_position_left(const struct cache_located_compile *c,
			     const struct prefix_maps *maps, const char *root)
{
	if (root_of(c, c->cwd) == root &&
	    leaves_position(maps, c->roots, true, c->cwd))
		return true;
	for (size_t i = 0; i < c->closure->n_files; i++) {
		const char *name = spelling(c, i);

		if (*name == '/' && root_of(c, name) == root &&
		    (leaves_position(maps, c->roots, true, name) ||
		     leaves_position(maps, c->roots, false, name)))
			return true;
	}
	return false;
}

/*
 * For each root inside another root, add its position in the outer root if a
 * name of the closure can lead to the inner root, or if a name that the
 * compiler writes can contain this position.
 */
static void add_positions(struct buf *b, const struct cache_located_compile *c,
			  const struct prefix_maps *maps)
{
	const struct cache_roots *r = c->roots;

	for (size_t i = 0; i < r->n; i++) {
		for (size_t k = 0; k < r->n; k++) {
			const char *rest = i != k ? skip_root(r->dirs[i],
							      r->dirs[k]) :
						    NULL;

			if (!rest || (!can_any_enter(c, r->dirs[i]) &&
				      !is_position_left(c, maps, r->dirs[i])))
				continue;
			buf_put_u8(b, (uint8_t)(NAME_ROOTED + i));
			buf_put_u8(b, (uint8_t)(NAME_ROOTED + k));
			buf_put_str(b, rest);
		}
	}
	buf_put_u8(b, NAME_NULL);
}

void cache_roots_add_closure(struct buf *b,
			     const struct cache_located_compile *c)
{
	const struct cpp_closure *l = c->closure;
	struct prefix_maps maps = { 0 };
	struct buf full = { 0 };

	collect_maps(&maps, c);
	for (size_t i = 0; i < l->n_files; i++) {
		const char *name = spelling(c, i);

		cache_roots_add_name(b, c->roots, name);
		buf_put_u8(b, (uint8_t)l->files[i].kind);
		buf_put_u32(b, find_maps(&maps, false, name));
		buf_put_u32(b, find_maps(&maps, true, name));
	}
	buf_put_u8(b, NAME_NULL);
	buf_put_u32(b, find_maps(&maps, true, c->cwd));
	for (size_t i = 0; i < l->dirs.n; i++) {
		cache_roots_add_name(b, c->roots, l->dirs.v[i]);
		buf_reset(&full);
		if (has_parent(l->dirs.v[i]))
			add_lexical(&full, c->cwd, l->dirs.v[i]);
		cache_roots_add_name(b, c->roots, buf_str(&full));
	}
	buf_put_u8(b, NAME_NULL);
	add_positions(b, c, &maps);
	buf_release(&full);
	maps_release(&maps);
}

/* ---------------------------------------------------------------- results */

static const enum wire_output lists[] = { WIRE_OUTPUT_DEPS,
					  WIRE_OUTPUT_AS_DEPS };

/* Replace a directory in the dependency lists.  Returns false on failure. */
static bool replace_dir(struct peer_job_result *result, bool is_clang,
			const char *from, const char *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct buf *text = &result->streams[lists[i]], out = { 0 };

		if (depfile_replace_dir(&out, buf_bytes(text), is_clang, from,
					to)) {
			buf_release(&out);
			return false;
		}
		buf_release(text);
		*text = out;
	}
	return true;
}

static bool has_text_in(const struct buf *b, const char *text)
{
	return b->len && memmem(b->data, b->len, text, strlen(text));
}

/*
 * Return true if the object can contain the symbol that gcc makes from the
 * whole name of a source file, with "_" for each character that is neither a
 * letter nor a digit.
 */
static bool has_symbol_of(const struct buf *object, const char *source)
{
	char *symbol = xstrdup(source);
	bool found;

	for (char *s = symbol; *s; s++) {
		if (!((*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= 'a' && *s <= 'z')))
			*s = '_';
	}
	found = has_text_in(object, symbol);
	free(symbol);
	return found;
}

/* Return the longest root that is shorter than `len`, or NO_ROOT. */
static size_t next_longest(const struct cache_roots *r, size_t len)
{
	size_t found = NO_ROOT;

	for (size_t i = 0; i < r->n; i++) {
		if (strlen(r->dirs[i]) < len &&
		    (found == NO_ROOT ||
		     strlen(r->dirs[i]) > strlen(r->dirs[found])))
			found = i;
	}
	return found;
}

/* Return the text that replaces a root in a stored dependency list. */
static char *placeholder(size_t root)
{
	return xasprintf(PLACEHOLDER "%zu", root);
}

/*
 * Replace the path of one root by its number in the dependency lists.  Returns
 * false on failure, or if an output still contains the path.
 */
static bool hide_root(struct peer_job_result *result, bool is_clang,
		      size_t number, const char *root)
{
	char *to = placeholder(number), *inside = xasprintf("%s/", root);
	bool hidden = replace_dir(result, is_clang, root, to);

	for (int i = 0; i < WIRE_N_OUTPUTS && hidden; i++) {
		bool list = i == WIRE_OUTPUT_DEPS || i == WIRE_OUTPUT_AS_DEPS;

		hidden = !has_text_in(&result->streams[i],
				      list ? inside : root);
	}
	free(inside);
	free(to);
	return hidden;
}

/* Hide all roots.  On failure, the lists may have changed. */
static bool hide_roots(const struct cache_roots *r, bool is_clang,
		       struct peer_job_result *result)
{
	/* Replace an inner root before the root that contains it. */
	for (size_t i = next_longest(r, SIZE_MAX); i != NO_ROOT;
	     i = next_longest(r, strlen(r->dirs[i]))) {
		for (size_t k = 0; k < r->n; k++) {
			if (strlen(r->dirs[k]) == strlen(r->dirs[i]) &&
			    !hide_root(result, is_clang, k, r->dirs[k]))
				return false;
		}
	}
	return true;
}

bool cache_roots_hide(const struct cache_roots *r, bool is_clang,
		      const char *source, struct peer_job_result *result)
{
	struct buf saved[ARRAY_SIZE(lists)] = { 0 };
	bool hidden;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (has_text_in(&result->streams[lists[i]], PLACEHOLDER))
			return false;
	}
	if (*source == '/' &&
	    has_symbol_of(&result->streams[WIRE_OUTPUT_OBJECT], source))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		buf_add_bytes(&saved[i], buf_bytes(&result->streams[lists[i]]));
	hidden = hide_roots(r, is_clang, result);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct buf *list = &result->streams[lists[i]];

		buf_release(hidden ? &saved[i] : list);
		if (!hidden)
			*list = saved[i];
	}
	return hidden;
}

void cache_roots_restore(const struct cache_roots *r, bool is_clang,
			 struct peer_job_result *result)
{
	for (size_t i = 0; i < r->n; i++) {
		char *from = placeholder(i);

		replace_dir(result, is_clang, from, r->dirs[i]);
		free(from);
	}
}
