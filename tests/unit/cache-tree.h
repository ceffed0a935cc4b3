/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache-tree.h - Random compiles with their trees, and random mutations.
 *
 * A compile is a value: its files, its command and its environment.  In paths
 * and arguments, '@' stands for the directory of the tree:
 *
 *	@/w0, @/w1	working directories
 *	@/u		the source, blobs and assembler text
 *	@/d0 to @/d3	headers, all of which exist in d3
 *	@/g		definition headers
 *
 * The headers consist of directives and of ITEM(STRING) lines, so that they are
 * valid in C and in assembler sources and at any depth.
 */
#ifndef CACHE_TREE_H
#define CACHE_TREE_H

#include "base/fs.h"
#include "base/vec.h"

#include "../lib/random.h"
#include "../lib/test.h"

#include <ctype.h>

#define TREE_HEADERS 6u
#define TREE_DIRS    4u
#define TREE_MACROS  6u

enum tree_kind {
	TREE_FILE,
	TREE_LINK,
	TREE_HARD_LINK, /* the text is the path of another file */
	TREE_DIR,
};

struct tree_item {
	char *path; /* below the directory of the tree */
	enum tree_kind kind;
	struct buf text; /* content, or target of the link */
	bool executable;
	time_t mtime_s; /* 0: when it is written */
};

struct tree {
	struct tree_item *v;
	size_t n;
	struct strv args, env; /* `args` without the compiler and the source */
	bool clang, assembler;
	unsigned root, cwd; /* numbers of the directories */
};

/* ---------------------------------------------------------------- values */

static inline void tree_release(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].path);
		buf_release(&t->v[i].text);
	}
	free(t->v);
	strv_release(&t->args);
	strv_release(&t->env);
	*t = (struct tree){ 0 };
}

static inline struct tree tree_copy(const struct tree *t)
{
	struct tree c = *t;

	c.v = xcalloc(t->n + 1, sizeof(*c.v));
	for (size_t i = 0; i < t->n; i++) {
		c.v[i] = t->v[i];
		c.v[i].path = xstrdup(t->v[i].path);
		c.v[i].text = (struct buf){ 0 };
		buf_add(&c.v[i].text, t->v[i].text.data, t->v[i].text.len);
	}
	c.args = c.env = (struct strv){ 0 };
	strv_add_all(&c.args, strv_list(&t->args));
	strv_add_all(&c.env, strv_list(&t->env));
	return c;
}

static inline bool tree_equal_items(const struct tree_item *a,
				    const struct tree_item *b)
{
	return a->kind == b->kind && a->executable == b->executable &&
	       a->mtime_s == b->mtime_s &&
	       bytes_equal(buf_bytes(&a->text), buf_bytes(&b->text));
}

static inline bool tree_equal(const struct tree *a, const struct tree *b)
{
	bool equal = a->n == b->n && a->root == b->root && a->cwd == b->cwd &&
		     strv_equal(&a->args, &b->args) &&
		     strv_equal(&a->env, &b->env);

	for (size_t i = 0; equal && i < a->n; i++)
		equal = !strcmp(a->v[i].path, b->v[i].path) &&
			tree_equal_items(&a->v[i], &b->v[i]);
	return equal;
}

static inline struct tree_item *tree_find(const struct tree *t,
					  const char *path)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!strcmp(t->v[i].path, path))
			return &t->v[i];
	}
	return NULL;
}

static inline int tree_compare_items(const void *a, const void *b)
{
	return strcmp(((const struct tree_item *)a)->path,
		      ((const struct tree_item *)b)->path);
}

/*
 * Add an item.  Returns NULL if the path exists, or if it leads through a file
 * or a link.  The pointer is valid until the next change.
 */
static inline struct tree_item *tree_add(struct tree *t, enum tree_kind kind,
					 const char *path, const char *text)
{
	struct tree_item *item;
	size_t size = (t->n + 1) * sizeof(*t->v);

	for (size_t i = 0; i < t->n; i++) {
		const char *rest = str_skip_dir(path, t->v[i].path);

		if (!strcmp(t->v[i].path, path) ||
		    (rest && t->v[i].kind != TREE_DIR) ||
		    (kind != TREE_DIR && str_skip_dir(t->v[i].path, path)))
			return NULL;
	}
	t->v = realloc(t->v, size);
	ck_assert_ptr_nonnull(t->v);
	t->v[t->n] = (struct tree_item){ .path = xstrdup(path), .kind = kind };
	buf_add_str(&t->v[t->n++].text, text);
	qsort(t->v, t->n, sizeof(*t->v), tree_compare_items);
	item = tree_find(t, path);
	return item;
}

static inline void tree_remove(struct tree *t, struct tree_item *item)
{
	free(item->path);
	buf_release(&item->text);
	memmove(item, item + 1,
		(size_t)(t->v + t->n - item - 1) * sizeof(*item));
	t->n--;
}

/* Remove what is below a directory, whose path is borrowed from an item. */
static inline void tree_remove_below(struct tree *t, const char *dir)
{
	for (size_t i = t->n; i-- > 0;) {
		if (t->v[i].path != dir && str_skip_dir(t->v[i].path, dir))
			tree_remove(t, &t->v[i]);
	}
}

/* ------------------------------------------------------------------ text */

#define TREE_FORMAT(b, list)                                                      \
	do {                                                                      \
		_Pragma("GCC diagnostic push") _Pragma(                           \
			"GCC diagnostic ignored \"-Wformat-nonliteral\"")         \
			_Pragma("GCC diagnostic ignored \"-Wformat-extra-args\"") \
				buf_printf(b, ONE_OF(list), pick(4), pick(4),     \
					   pick(4));                              \
		_Pragma("GCC diagnostic pop")                                     \
	} while (0)

/* A directive of a definition header. */
static inline void tree_definition(struct buf *b)
{
	static const char *const common[] = {
		"#define CONFIG_%u 1\n",
		"#define CONFIG_%u %u\n",
		"#define CONFIG_%u%u 1\n",
		"#define CONFIG_%u%u%u 1\n",
		"#define CONFIG_UNUSED_%u%u 1\n",
		"#define CONFIG_M%u\n",
		"#define M%u %u\n",
		"#define M%u%u \"%u\"\n",
		"#define M%uM%u %u\n",
		"#define ARG_%u 0,\n",
		"#define X%uY %u\n",
		"#define UNUSED_%u %u\n",
		"#define UNUSED_%u%u \"unused\"\n",
		"#define OTHER_%u CONFIG_%u\n",
		"#define STRING_%u \"%u\"\n",
		"#define Q%u%u%u 1\n",
		"#define Q%u%u%u 2\n",
		"#define Q%u%u%u\n",
		"#define Q%u%u%u M1\n",
		"#define R%u%u%u 1\n",
		"#define R%u%u%u Q111\n",
		"#define R%u%u%u \"Q%u%u%u\"\n",
	};
	static const char *const other[] = {
		"#undef M%u\n",
		"#define low%u %u\n",
		"#define F%u(x) x %u\n",
		"#define STRING_%u \"it's %u\"\n",
		"#define _M%u %u\n",
		"#define CONFIG_%u CONFIG_%u /* %u */\n",
		"#define M%u%u JOIN(M, %u)\n",
		"#define BAD_%u ## %u\n",
		"#define BAD_%u(x\n",
	};

	if (maybe(97))
		TREE_FORMAT(b, common);
	else
		TREE_FORMAT(b, other);
}

static inline void tree_lines(struct buf *b, unsigned level, unsigned depth);

static inline void tree_include(struct buf *b, unsigned level)
{
	static const char *const list[] = {
		"#include \"h%u.h\"\n",
		"#include <h%u.h>\n",
		"#include_next <h%u.h>\n",
		"#include_next \"h%u.h\"\n",
		"#include STR(h%u.h)\n",
		"#if __has_include(<h%u.h>)\nITEM(\"has\")\n#endif\n",
		"#if __has_include(\"sub/h%u.h\")\n"
		"#include \"sub/h%u.h\"\n#endif\n",
		"#if __has_include_next(<h%u.h>)\nITEM(\"next\")\n#endif\n",
		"#if __has_include(<x%u.h>)\nITEM(\"has\")\n#endif\n",
		"#if __has_include(\"x%u.h\")\nITEM(\"has\")\n#endif\n",
		"#include \"../d3/h%u.h\"\n",
		"#if __has_include(\"H%u.h\")\n#include \"H%u.h\"\n#endif\n",
		"#define H <h%u.h>\n#include H\n#undef H\n",
		"#if __has_include(\"../d1/sub/../h%u.h\")\n"
		"#include \"../d1/sub/../h%u.h\"\n#endif\n",
	};
	unsigned h = level + 1 + pick(TREE_HEADERS - level);
	unsigned n = pick(ARRAY_SIZE(list) + 4);

	if (h >= TREE_HEADERS) {
		buf_add_str(b, "#include <defs.h>\n");
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	buf_printf(b, list[n < ARRAY_SIZE(list) ? n : n % 2], h, h);
#pragma GCC diagnostic pop
}

static inline void tree_line(struct buf *b, unsigned level, unsigned depth)
{
	static const char *const use[] = {
		"ITEM(STR(M%u))\n",
		"ITEM(STR(CONFIG_%u))\n",
		"ITEM(STR(M%u%u))\n",
		"ITEM(STR(JOIN(M%u, %u)))\n",
		"ITEM(STR(JOIN(CONFIG_, M%u)))\n",
		"ITEM(STR(JOIN(CONFIG_%u, %u)))\n",
		"ITEM(STR(JOIN(JOIN(X, %u), Y)))\n",
		"ITEM(STR(JOIN(M%u, M%u)))\n",
		"ITEM(STR(Q%u%u%u))\n",
		"ITEM(STR(R%u%u%u))\n",
		"ITEM(STR(JOIN(Q%u, %u%u)))\n",
		"ITEM(STR(JOIN(R%u%u, M%u)))\n",
		"#pragma push_macro(\"Q%u%u%u\")\n",
		"ITEM(STR(ON(CONFIG_%u)))\n",
		"ITEM(\"text %u CONFIG_%u\")\n",
		"ITEM(STR(_M%u))\n",
		"ITEM(__FILE__)\n",
		"ITEM(STR(__LINE__))\n",
		"ITEM(STR(__INCLUDE_LEVEL__))\n",
	};
	static const char *const noise[] = {
		"/* M%u CONFIG_%u */\n",
		"#pragma push_macro(\"M%u\")\n#undef M%u\n",
		"#pragma pop_macro(\"M%u\")\n",
		"#pragma once\n",
		"#pragma GCC system_header\n",
		"ITEM(STR(__COUNTER__))\n",
		"ITEM(STR(JOIN(CONFIG_, __COUNTER__)))\n",
		"ITEM(__BASE_FILE__)\n",
		"#if 0\nCONFIG_%u M%u%u\n#endif\n",
		"#warning \"CONFIG_%u\"\n",
		"#pragma message STR(M%u)\n",
		"ITEM(STR(M\\\n%u))\n",
		"ITEM(STR(CONFIG_)) ITEM(\"\" /* %u */)\n",
		"#ident \"M%u CONFIG_%u\"\n",
	};

	switch (pick(12)) {
	case 0:
	case 1:
	case 2:
		TREE_FORMAT(b, use);
		break;
	case 3:
		if (maybe(50))
			buf_printf(b, "#undef M%u\n", pick(4));
		tree_definition(b);
		break;
	case 4:
	case 5:
	case 6:
		tree_include(b, level);
		break;
	case 7:
	case 8:
		if (maybe(2))
			buf_add_str(b, "ITEM(__TIMESTAMP__)\n");
		else
			TREE_FORMAT(b, noise);
		break;
	default:
		if (depth < 3)
			tree_lines(b, level, depth + 1);
		else
			TREE_FORMAT(b, use);
	}
}

/* Lines, below a condition if `depth` is not 0. */
static inline void tree_lines(struct buf *b, unsigned level, unsigned depth)
{
	static const char *const condition[] = {
		"#ifdef CONFIG_%u\n",  "#ifndef M%u\n",
		"#if M%u > %u\n",      "#if defined(CONFIG_%u) || M%u\n",
		"#if JOIN(M, %u)\n",   "#if JOIN(CONFIG_%u, %u) + 0 == %u\n",
		"#if ON(CONFIG_%u)\n", "#if defined M%u%u\n",
		"#ifdef X%uY\n",       "#ifdef Q%u%u%u\n",
		"#ifndef R%u%u%u\n",   "#if defined(Q%u%u%u) && R%u%u%u\n",
	};
	unsigned n = 1 + pick(4);

	if (depth)
		TREE_FORMAT(b, condition);
	for (unsigned i = 0; i < n; i++)
		tree_line(b, level, depth);
	if (depth && maybe(40)) {
		buf_printf(b, maybe(30) ? "#elif M%u\n" : "#else /* %u */\n",
			   pick(4));
		tree_line(b, level, depth);
	}
	if (depth)
		buf_add_str(b, "#endif\n");
}

/* Return the text of a header or, with the level 0, of a part of the source. */
static inline char *tree_header(unsigned level)
{
	struct buf b = { 0 };
	unsigned guard = level ? pick(4) : 0, id = pick(8);

	if (guard == 1)
		buf_printf(&b, "#ifndef H_%u\n#define H_%u\n", id, id);
	if (guard == 2)
		buf_add_str(&b, "#pragma once\n");
	tree_lines(&b, level ? level - 1 : 0, 0);
	if (guard == 1)
		buf_add_str(&b, "#endif\n");
	return buf_steal(&b);
}

static inline char *tree_definitions(unsigned n)
{
	struct buf b = { 0 };
	bool guard = maybe(30);

	if (guard)
		buf_add_str(&b, "#ifndef DEFS_H\n#define DEFS_H\n");
	for (unsigned i = 0; i < n; i++)
		tree_definition(&b);
	if (guard)
		buf_add_str(&b, "#endif\n");
	return buf_steal(&b);
}

static inline char *tree_source(bool assembler)
{
	static const char prelude[] =
		"#define STR(x...) XSTR(x)\n#define XSTR(x...) #x\n"
		"#define JOIN(x, y) XJOIN(x, y)\n#define XJOIN(x, y) x##y\n"
		"#define ON(x) ON2(JOIN(ARG_, x))\n"
		"#define ON2(x) ON3(x 1, 0)\n#define ON3(i, v, ...) v\n"
		"#define ARG_1 0,\n";
	static const char *const tail[] = {
		"int f(int a) { int b; if (a) b = 1; return b; }\n",
		"static int g(void) { return sizeof(STR(CONFIG_1)); }\n",
		"char name[] = __FILE__ STR(M1);\n",
		"int k(int x) { char b[20]; b[x] = 1; return b[0]; }\n",
		"__asm__(\".section .blob,\\\"a\\\"\\n"
		".incbin \\\"../u/blob0\\\"\\n.previous\");\n",
		"int o(int x) { return x * sizeof(STR(M1)) + 1; }\n",
		"int p(int *x) { return x[0] + x[1] * 3 + x[2] / 7; }\n",
		"char q[] = STR(M0 M1 M2 M3 CONFIG_1 CONFIG_3);\n",
		"__asm__(\".include \\\"../u/text0\\\"\");\n",
		"int l(int x) { return x << 1; }\n",
		"static const char *const v[] = { STR(M1), STR(M2) };\n",
		"#if __has_include(<stddef.h>)\n#include <stddef.h>\n"
		"size_t size;\n#endif\n",
		"unsigned m(int x, unsigned y) { return x < y; }\n",
	};
	static const char *const assembler_tail[] = {
		".incbin \"../u/blob0\"\n",
		".incbin \"blob1\", 1, 2\n",
		".include \"../u/text0\"\n",
		".include \"text1\"\n",
		".asciz STR(CONFIG_1)\n",
		".if 0\n.include \"no\"\n.endif\n",
		".file \"x.S\"\n",
		".asciz STR(M0 M1 M2 M3 CONFIG_1 CONFIG_3)\n",
	};
	struct buf b = { 0 };
	char *part = tree_header(0), *more = tree_header(0);

	buf_add_str(&b, prelude);
	if (maybe(40))
		buf_add_str(&b, "#include <conf.h>\n");
	buf_printf(&b,
		   assembler ? "#define ITEM(x) .asciz x;\n%s%s" :
			       "#define ITEM(x) x,\n"
			       "const char *const table[] = {\n%s%s0 };\n",
		   part, more);
	for (size_t i = 0; i < ARRAY_SIZE(assembler_tail) && assembler; i++)
		buf_add_str(&b, maybe(25) ? assembler_tail[i] : "");
	for (size_t i = 0; i < ARRAY_SIZE(tail) && !assembler; i++)
		buf_add_str(&b, maybe(25) ? tail[i] : "");
	free(part);
	free(more);
	return buf_steal(&b);
}

/* --------------------------------------------------------- random values */

/* Options that are added and removed; a word after a space is separate. */
static const char *const tree_options[] = { "-O1",
					    "-O2",
					    "-g",
					    "-g1",
					    "-g3",
					    "-gdwarf-4",
					    "-gsplit-dwarf",
					    "-Wall",
					    "-Wextra",
					    "-Wundef",
					    "-Wunused-macros",
					    "-w",
					    "-Werror",
					    "-Wno-cpp",
					    "-std=gnu89",
					    "-std=gnu11",
					    "-trigraphs",
					    "-DCONFIG_1=2",
					    "-DCONFIG_3",
					    "-DM1=7",
					    "-UM1",
					    "-D M2=CONFIG_2",
					    "-U CONFIG_3",
					    "-DM1=8",
					    "-I../d0",
					    "-I../d1",
					    "-I@/d1",
					    "-I ../d2/",
					    "-I../d0/../d2",
					    "-iquote ../d0",
					    "-isystem ../d1",
					    "-idirafter ../d0",
					    "-I../missing",
					    "-I../u",
					    "-include ../g/conf.h",
					    "-include ../g/defs.h",
					    "-include defs.h",
					    "-imacros ../g/defs.h",
					    "-imacros conf.h",
					    "-nostdinc",
					    "-MP",
					    "-MT target",
					    "-MQ a$b",
					    "-fstack-usage",
					    "-ffile-prefix-map=@=/x",
					    "-fmacro-prefix-map=../=",
					    "-fdebug-prefix-map=@/w0=/w",
					    "-fdiagnostics-color=always",
					    "-fdiagnostics-urls=always",
					    "-fmessage-length=30",
					    "-fno-diagnostics-show-caret",
					    "-ffunction-sections",
					    "-fsanitize=undefined",
					    "-m32",
					    "-Wa,--noexecstack",
					    "-Wp,-DM3=9",

					    "-fverbose-asm",
					    "-ftrack-macro-expansion=0",
					    "-pipe" };

static const char *const tree_variables[] = {
	"CPATH=@/d0",
	"C_INCLUDE_PATH=@/d2",
	"LC_ALL=C",
	"LC_ALL=C.utf8",
	"LC_CTYPE=C.utf8",
	"LANGUAGE=de",
	"SOURCE_DATE_EPOCH=0",
	"GCC_COMPARE_DEBUG=-gtoggle",
	"GCC_COLORS=error=01;31",
	"GCC_COLORS=",
	"GCC_EXTRA_DIAGNOSTIC_OUTPUT=fixits-v1",
	"GCC_URLS=bel",
	"TERM_URLS=no",
	"TERM=xterm-256color",
	"COLUMNS=40",
	"PWD=@/alias",
	"PWD=@/w0",
	"TZ=UTC+5",
	"HOME=/nonexistent",
	"POSIXLY_CORRECT=1",
	"OUTPUT_CHARSET=latin1",
	"DEPENDENCIES_OUTPUT=deps",
	"MALLOC_PERTURB_=85"
};

static inline void tree_add_variable(struct tree *t)
{
	const char *v = ONE_OF(tree_variables);
	size_t len = strcspn(v, "=") + 1;

	for (size_t i = 0; i < t->env.n; i++) {
		if (!strncmp(t->env.v[i], v, len)) {
			free(t->env.v[i]);
			t->env.v[i] = xstrdup(v);
			return;
		}
	}
	strv_add(&t->env, v);
}

static inline void tree_path(char out[static 40], bool nested)
{
	static const char *const dir[] = { "d0", "d1", "d2", "d3", "u", "g" };

	snprintf(out, 40, "%s/%s%c%u.h", ONE_OF(dir),
		 nested && maybe(25) ? "sub/" : "",
		 maybe(25) ? 'x' :
		 maybe(10) ? 'H' :
			     'h',
		 pick(TREE_HEADERS));
}

static inline void tree_add_file(struct tree *t, const char *path, char *text)
{
	tree_add(t, TREE_FILE, path, text);
	free(text);
}

static inline void tree_fill_dir(struct tree *t, unsigned d)
{
	char path[40], target[40];

	for (unsigned h = 0; h < TREE_HEADERS; h++) {
		snprintf(path, sizeof(path), "d%u/h%u.h", d, h);
		snprintf(target, sizeof(target), "../d3/h%u.h", h);
		if (d == 3 || maybe(30))
			tree_add_file(t, path, tree_header(h + 1));
		else if (maybe(15))
			tree_add(t, TREE_LINK, path, target);
		if (maybe(10)) {
			snprintf(path, sizeof(path), "d%u/sub/h%u.h", d, h);
			tree_add_file(t, path, tree_header(h + 1));
		}
	}
}

static inline void tree_init(struct tree *t)
{
	static const char *const search[] = { "-I", "-isystem ", "-idirafter ",
					      "-iquote " };
	static const char *const lists[] = { "-Wp,-MMD,unit.d",
					     "-Wp,-MD,unit.d", "-MD",
					     "-MMD -MF unit.d" };
	char dir[8];

	*t = (struct tree){ 0 };
	t->clang = maybe(6);
	t->assembler = !t->clang && maybe(20);
	tree_add(t, TREE_DIR, "w0", "");
	tree_add(t, TREE_DIR, "w1", "");
	tree_add(t, TREE_LINK, "alias", "w0");
	tree_add_file(t, t->assembler ? "u/unit.S" : "u/unit.c",
		      tree_source(t->assembler));
	tree_add(t, TREE_FILE, "u/blob0", "CONFIG_1 blob\n");
	tree_add(t, TREE_FILE, "u/blob1", "another blob\n");
	tree_add(t, TREE_FILE, "u/text0",
		 ".pushsection .t\n.long 1\n"
		 ".popsection\n");
	tree_add(t, TREE_FILE, "u/text1", ".incbin \"../u/blob1\"\n");
	tree_add_file(t, "g/conf.h", tree_definitions(24));
	tree_add_file(t, "g/defs.h", tree_definitions(8));
	strv_add(&t->args, "-c");
	strv_add(&t->args, "-o unit.o");
	strv_add(&t->args, ONE_OF(lists));
	if (maybe(70))
		strv_add(&t->args, "-include ../g/conf.h");
	for (unsigned d = 0; d < TREE_DIRS; d++) {
		snprintf(dir, sizeof(dir), "d%u", d);
		if (d == 2 && maybe(30))
			tree_add(t, TREE_LINK, dir, maybe(50) ? "d1" : "d3");
		else
			tree_fill_dir(t, d);
		if (d == 3 || maybe(60))
			strv_addf(&t->args, "%s../%s",
				  maybe(60) ? "-I" : ONE_OF(search), dir);
	}
	strv_add(&t->args, "-I../d3");
	strv_add(&t->args, "-I../g");
	for (unsigned i = 1 + pick(6); i > 0; i--)
		strv_add(&t->args, ONE_OF(tree_options));
	if (maybe(70))
		strv_add(&t->args, "-nostdinc");
	if (maybe(40))
		strv_add(&t->args, "-g");
	if (maybe(40))
		strv_add(&t->args, "-Wall");
	if (maybe(30))
		tree_add_variable(t);
}

/* -------------------------------------------------------------- mutations */

static inline struct tree_item *tree_pick_item(struct tree *t)
{
	return &t->v[pick((unsigned)t->n)];
}

static inline struct tree_item *tree_pick_file(struct tree *t)
{
	struct tree_item *item;

	do
		item = tree_pick_item(t);
	while (item->kind != TREE_FILE);
	return item;
}

static inline void tree_replace(struct buf *text, size_t at, size_t len,
				const char *with)
{
	struct buf out = { 0 };

	buf_add(&out, text->data, at);
	buf_add_str(&out, with);
	buf_add(&out, text->data + at + len, text->len - at - len);
	buf_release(text);
	*text = out;
}

/* Replace a line, or insert or remove one. */
static inline void tree_change_line(struct tree_item *item, bool definition)
{
	struct buf line = { 0 };
	const char *s = buf_str(&item->text);
	size_t at = item->text.len ? pick((unsigned)item->text.len) : 0;
	size_t len = 0;
	unsigned what = pick(3);

	while (at && s[at - 1] != '\n')
		at--;
	if (what)
		len = strcspn(s + at, "\n") + (strchr(s + at, '\n') != NULL);
	if (what < 2 && definition)
		tree_definition(&line);
	else if (what < 2)
		tree_line(&line, item->path[0] == 'd' ? 3 : 0, 2);
	tree_replace(&item->text, at, len, buf_str(&line));
	buf_release(&line);
}

/* Define a word of a file, such as M1, in a definition header. */
static inline void tree_define_word(struct tree *t)
{
	static const char word[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	struct tree_item *to = tree_find(t, "g/conf.h");
	const struct tree_item *from = tree_pick_file(t);
	const char *s = buf_str(&from->text);
	struct buf line = { 0 };

	s += from->text.len ? pick((unsigned)from->text.len) : 0;
	s += strspn(s, word);
	s += strcspn(s, "CMQRX");
	if (to && to->kind == TREE_FILE && isdigit(s[0] ? s[1] : 0)) {
		buf_printf(&line, "#define %.*s %u\n", (int)strspn(s, word), s,
			   pick(4));
		tree_replace(&to->text, 0, 0, buf_str(&line));
	}
	buf_release(&line);
}

static inline void tree_change_byte(struct tree_item *item)
{
	static const char bytes[] = "0123456789MXCONFIG_hd# \n\"/(),\\?";
	char with[2] = { bytes[pick(sizeof(bytes) - 1)], '\0' };

	if (item->text.len)
		tree_replace(&item->text, pick((unsigned)item->text.len),
			     pick(3) > 0, with);
}

static inline void tree_shadow(struct tree *t)
{
	const struct tree_item *other = tree_pick_file(t);
	char *text = xstrdup(buf_str(&other->text));
	char *other_path = xstrdup(other->path);
	char path[40], target[40];

	tree_path(path, true);
	/* The same name in another directory. */
	if (maybe(40))
		snprintf(path, sizeof(path), "d%u/%s", pick(TREE_DIRS),
			 str_base(other_path));
	switch (pick(6)) {
	case 4:
		tree_add(t, TREE_HARD_LINK, path, other_path);
		break;
	case 0:
		snprintf(target, sizeof(target), "%s../d%u/h%u.h",
			 strstr(path, "sub") ? "../" : "", pick(TREE_DIRS),
			 pick(TREE_HEADERS));
		tree_add(t, TREE_LINK, path, target);
		break;
	case 1:
	case 5:
		tree_add(t, TREE_FILE, path, text);
		break;
	case 2:
		*strrchr(path, '/') = '\0';
		tree_add(t, TREE_DIR, path, "");
		break;
	default:
		tree_add_file(t, path, tree_header(1 + pick(TREE_HEADERS)));
	}
	free(text);
	free(other_path);
}

/* Exchange a file, a link and a directory. */
static inline void tree_change_kind(struct tree *t)
{
	struct tree_item *item = tree_pick_item(t);
	char *dir = item->path[0] == 'd' ? xasprintf("d%c", item->path[1]) :
					   NULL;
	const struct tree_item *other;
	char *text;

	if (!dir)
		return;
	if (maybe(30) && strcmp(dir, "d3") != 0) {
		/* The directory becomes a link to another, or the reverse. */
		item = tree_find(t, dir);
		if (item && item->kind == TREE_LINK) {
			tree_remove(t, item);
			tree_fill_dir(t, (unsigned)(dir[1] - '0'));
		} else {
			tree_remove_below(t, dir);
			if (item)
				tree_remove(t, item);
			tree_add(t, TREE_LINK, dir, maybe(50) ? "d3" : "d1");
		}
	} else if (item->kind == TREE_LINK && strlen(item->path) > 2) {
		other = tree_pick_file(t);
		text = xstrdup(buf_str(&other->text));
		buf_reset(&item->text);
		buf_add_str(&item->text, text);
		item->kind = TREE_FILE;
		free(text);
	} else if (item->kind == TREE_FILE) {
		item->kind = maybe(70) ? TREE_LINK : TREE_DIR;
		buf_reset(&item->text);
		if (item->kind == TREE_LINK)
			buf_printf(&item->text, "%s../d%u/h%u.h",
				   strstr(item->path, "sub") ? "../" : "",
				   pick(TREE_DIRS), pick(TREE_HEADERS));
	}
	free(dir);
}

static inline void tree_rename(struct tree *t)
{
	struct tree_item *item = tree_pick_item(t);
	char path[40], *old, *text;
	enum tree_kind kind = item->kind;

	if (kind == TREE_DIR || !strchr(item->path, '/'))
		return;
	snprintf(path, sizeof(path), "%s", item->path);
	if (maybe(50)) {
		char *c = strrchr(path, '/') + 1;

		*c = (char)(islower(*c) ? toupper(*c) : tolower(*c));
	} else {
		tree_path(path, true);
	}
	/* tree_add() moves the items. */
	old = xstrdup(item->path);
	text = xstrdup(buf_str(&item->text));
	if (tree_add(t, kind, path, text))
		tree_remove(t, tree_find(t, old));
	free(old);
	free(text);
}

static inline void tree_change_link(struct tree *t)
{
	for (size_t i = 0, first = pick((unsigned)t->n); i < t->n; i++) {
		struct tree_item *item = &t->v[(first + i) % t->n];

		if (item->kind != TREE_LINK)
			continue;
		buf_reset(&item->text);
		if (strchr(item->path, '/'))
			buf_printf(&item->text, "%s../%s%u/h%u.h",
				   strstr(item->path, "sub") ? "../" : "",
				   maybe(10) ? "u/../d" : "d", pick(TREE_DIRS),
				   pick(TREE_HEADERS));
		else if (item->path[0] == 'a')
			buf_printf(&item->text, "w%u", pick(2));
		else
			buf_printf(&item->text, "%sd%u", maybe(20) ? "./" : "",
				   item->path[1] == '3' || maybe(50) ? 1 : 3);
		return;
	}
}

static inline void tree_change_args(struct tree *t)
{
	/* The first arguments are -c, the object and the dependency list. */
	size_t n = t->args.n - 3, a = 3 + pick((unsigned)n);
	size_t b = 3 + pick((unsigned)n);
	char *word = t->args.v[a];

	switch (pick(9)) {
	case 4:
	case 5: /* change a value */
		for (char *digit = word; *digit; digit++) {
			if (isdigit(*digit) && maybe(60))
				*digit = (char)('0' + pick(4));
		}
		break;
	case 0: /* remove */
		memmove(t->args.v + a, t->args.v + a + 1,
			(t->args.n - a) * sizeof(*t->args.v));
		t->args.n--;
		free(word);
		break;
	case 1:
	case 6:
		t->args.v[a] = xstrdup(ONE_OF(tree_options));
		free(word);
		break;
	case 2:
		t->args.v[a] = t->args.v[b];
		t->args.v[b] = word;
		break;
	case 3:
		if (!maybe(30))
			break;
		free(t->args.v[1]);
		t->args.v[1] = xstrdup(maybe(50) ? "-o unit.o" : "-o ./v.o");
		break;
	default:
		strv_add(&t->args, ONE_OF(tree_options));
	}
}

static inline void tree_change_env(struct tree *t)
{
	if (t->env.n && maybe(40)) {
		free(t->env.v[--t->env.n]);
		t->env.v[t->env.n] = NULL;
	} else {
		tree_add_variable(t);
	}
}

/*
 * Make two files with one name equal, so that #pragma once in one of them can
 * exclude the other.
 */
static inline void tree_equalize(struct tree *t)
{
	struct tree_item *item, *other = tree_pick_file(t);
	char path[40];

	for (unsigned i = 0;
	     i < 20 && !str_starts(buf_str(&other->text), "#pragma once"); i++)
		other = tree_pick_file(t);
	snprintf(path, sizeof(path), "d%u/%s", pick(TREE_DIRS),
		 str_base(other->path));
	other->mtime_s = 1000000000;
	item = tree_find(t, path);
	if (item == other || (item && item->kind != TREE_FILE))
		return;
	if (item) {
		buf_reset(&item->text);
		buf_add(&item->text, other->text.data, other->text.len);
		item->mtime_s = 1000000000;
	} else {
		char *text = xstrdup(buf_str(&other->text));

		item = tree_add(t, TREE_FILE, path, text);
		if (item)
			item->mtime_s = 1000000000;
		free(text);
	}
}

/* Apply a random mutation. */
static inline void tree_mutate(struct tree *t)
{
	struct tree_item *item = tree_pick_file(t);

	switch (pick(33)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 20:
	case 21:
		if (maybe(40)) {
			tree_define_word(t);
			break;
		}
		item = tree_find(t, maybe(70) ? "g/conf.h" : "g/defs.h");
		if (item)
			tree_change_line(item, true);
		break;
	case 5:
	case 6:
		tree_change_line(item, false);
		break;
	case 7:
		tree_change_byte(item);
		break;
	case 8:
	case 9:
		tree_shadow(t);
		break;
	case 10:
		if (item->path[0] != 'w')
			tree_remove(t, item);
		break;
	case 11:
		tree_rename(t);
		break;
	case 12:
		tree_change_link(t);
		break;
	case 13:
		tree_change_kind(t);
		break;
	case 14:
		item->executable = !item->executable;
		break;
	case 15:
		for (unsigned i = 0; i < 20 && !item->mtime_s; i++)
			item = tree_pick_file(t);
		item->mtime_s = pick(3) ? 1000000000 + (time_t)pick(3) : 0;
		break;
	case 16:
		tree_equalize(t);
		break;
	case 17:
		t->cwd = pick(2);
		break;
	case 18:
		t->root = pick(2);
		break;
	case 19:
	case 22:
	case 23:
		tree_change_env(t);
		break;
	default:
		tree_change_args(t);
	}
}

#endif
