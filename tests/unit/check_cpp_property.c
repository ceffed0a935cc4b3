/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * Random trees of headers with conditions, macros, computed includes and text.
 * The scanner must find the files of the compiler's -M and the tokens of its
 * -E.  SCAN_PROPERTY_RUNS is the number of trees, SCAN_PROPERTY_SEED the first
 * seed; SCAN_PROPERTY_KEEP keeps a failed tree.
 */
#include "../lib/test.h"
#include "cpp-compare.h"
#include "cpp-random.h"

#include <stdarg.h>
#include <stdint.h>

#define DIRS 4

/* Also generate text, whose tokens are compared. */
static bool texts;

static void operand(struct text *t)
{
	static const char *const constant[] = {
		"0",
		"1",
		"2",
		"3",
		"-1",
		"1u",
		"0x10",
		"017",
		"0b11",
		"'a'",
		"'\\377'",
		"'ab'",
		"10ull",
		"-1 < 0u",
		"(1 ? -1 : 0u)",
		"__INCLUDE_LEVEL__",
		"__LINE__",
		"__GNUC__",
		"true",
		"L'x'",
		"(0, 1)",
		"'\\0'",
		"0xffffffffffffffff",
		"'\\''",
	};

	switch (pick(9)) {
	case 0:
	case 1:
		buf_add_str(&t->b, ONE_OF(constant));
		break;
	case 2:
		buf_printf(&t->b, "defined(M%u)", pick(MACROS));
		break;
	case 3:
		buf_printf(&t->b, "defined M%u", pick(MACROS));
		break;
	case 4:
		buf_printf(&t->b, "F%u(%u)", pick(3), pick(3));
		break;
	case 5:
		buf_printf(&t->b, "G%u(M%u, %u)", pick(3), pick(MACROS),
			   pick(3));
		break;
	case 6:
		buf_printf(&t->b, "IS_ON(CONFIG_%u)", pick(4));
		break;
	default:
		buf_printf(&t->b, "M%u", pick(MACROS));
	}
}

static void expression(struct text *t, unsigned depth)
{
	static const char *const operator[] = {
		"+", "-",  "*", "&&", "||", "==", "!=", "<",     "<=",
		">", ">=", "&", "|",  "^",  "<<", ">>", "/ 2 -", "% 3 +",
	};

	if (maybe(20))
		buf_add_str(&t->b, maybe(50) ? "!" : maybe(50) ? "~" : "- ");
	if (!depth || maybe(40)) {
		operand(t);
	} else if (maybe(15)) {
		buf_add_str(&t->b, "(");
		expression(t, depth - 1);
		buf_add_str(&t->b, " ? ");
		expression(t, depth - 1);
		buf_add_str(&t->b, " : ");
		expression(t, depth - 1);
		buf_add_str(&t->b, ")");
	} else {
		buf_add_str(&t->b, "(");
		expression(t, depth - 1);
		buf_printf(&t->b, "%s%s%s", maybe(50) ? " " : "",
			   ONE_OF(operator), maybe(10) ? " /* x */ " : " ");
		expression(t, depth - 1);
		buf_add_str(&t->b, ")");
	}
}

static void body(struct text *t)
{
	static const char *const list[] = {
		"1",
		"0",
		"2",
		"-1",
		"M%u",
		"(M%u + 1)",
		"M%u",
		"1",
		"0",
		"F1(M%u)",
		"G1(1, M%u)",
		"defined(M%u)",
		"M##%u",
		"G2(1, 2)",
		"0 /* M%u */",
		"CAT(M, %u)",
		"CAT(CAT(M, %u), )",
		"!M%u",
		"V1(1, 2)",
		"V1(1)",
		"ID(M%u)",
		"IS_ON(CONFIG_%u)",
		"M%u",
		"-1 M%u",
		"",
		"__COUNTER__",
	};
	unsigned n = pick(sizeof(list) / sizeof(list[0]));

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	buf_printf(&t->b, list[n], pick(4), pick(4));
#pragma GCC diagnostic pop
}

static void define(struct text *t)
{
	static const char *const unary[] = {
		"x",          "(x)",       "x + M1", "M##x",      "x##1",
		"F1(x)",      "!x",        "0",      "F2(F1(x))", "G1(x, x)",
		"x || F1(x)", "CAT(M, x)", "x",      "ID(x)",     "ID(F1)(x)",
	};
	static const char *const binary[] = {
		"x + y",     "x##y",     "F1(x##y)",    "(x) && (y)",
		"y",         "G2(y, x)", "M##x == y",   "x == y",
		"CAT(x, y)", "ID(x, y)", "COUNT(x, y)",
	};
	static const char *const variable[] = {
		"a __VA_OPT__(+ 1)", "ID(a __VA_OPT__(+ r))",
		"COUNT(r) > a",      "a",
		"COUNT(a, ## r)",    "CAT(1, a) - COUNT(r)",
	};

	switch (pick(5)) {
	case 0:
		buf_printf(&t->b, "#define F%u(x) %s\n", pick(4),
			   ONE_OF(unary));
		break;
	case 1:
		buf_printf(&t->b, "#define G%u(x, y) %s\n", pick(3),
			   ONE_OF(binary));
		break;
	case 2:
		buf_printf(&t->b, "#define V%u(a, r...) %s\n", pick(4),
			   ONE_OF(variable));
		break;
	default:
		buf_printf(&t->b, "#%sdefine M%u ", maybe(10) ? "  " : "",
			   pick(MACROS));
		body(t);
		buf_add_str(&t->b, maybe(10) ? " // end\n" : "\n");
	}
}

static void include(struct text *t)
{
	unsigned h = t->header + 1 + pick(HEADERS);
	const char *word = maybe(15) ? "include_next" : "include";

	/* The last header ends the chain: include only the guarded one. */
	if (h >= HEADERS)
		h = 0;
	switch (pick(7)) {
	case 0:
		buf_printf(&t->b, "#%s STR(h%u.h)\n", word, h);
		break;
	case 1:
		buf_printf(&t->b, "#define H h%u\n#%s STR(H.h)\n#undef H\n", h,
			   word);
		break;
	case 2:
		buf_printf(&t->b, "#define H <h%u.h>\n#%s H\n#undef H\n", h,
			   word);
		break;
	case 3:
		buf_printf(&t->b,
			   "#if __has_include%s(<h%u.h>)\n#include "
			   "<h%u.h>\n#endif\n",
			   maybe(30) ? "_next" : "", h, h);
		break;
	case 4:
		buf_printf(&t->b, "#%s \"sub/../h%u.h\"\n", word, h);
		break;
	case 5:
		buf_printf(&t->b, "# %s /* c */ <h%u.h> // x\n", word, h);
		break;
	default:
		buf_printf(&t->b, "#%s \"h%u.h\"\n", word, h);
	}
}

static void noise(struct text *t)
{
	static const char *const list[] = {
		"int x; /* #include \"nowhere.h\"\n#error */\n",
		"char s[] = \"/* not a comment \\\" */\";\n",
		"char c = '\"'; // it's \\\n#error continued\n",
		"#pragma push_macro(\"M1\")\n",
		"#pragma pop_macro(\"M1\")\n",
		"#define LONG(x) \\\n\tx \\\n\t+ 1\n",
		"#if 0\n#error 'skipped\n#else if\n#endif\n",
		"#\n",
		"# // x\n",
		"const char *r = R\"x(\n#error raw\n)\" )x\";\n",
		"/\\\n* spliced\n#error\n*\\\n/\n",
		"#undef M2\n",
		"%:define M3 1\n",
		"#ifdef M4 // c\n#endif /* M4 */\n",
		"#define E\n",
		"#def\\\nine M5 0\n",
		"#pragma once\n",
		"#warning it's only that\n",
		"#define\tT\tM6\n",
		"x##y # z\n",
		"#line 7\n",
		"'\n",
		"\"\n",
	};

	buf_add_str(&t->b, ONE_OF(list));
}

static void lines(struct text *t);

static void condition(struct text *t)
{
	switch (pick(4)) {
	case 0:
		buf_printf(&t->b, "#ifdef M%u\n", pick(MACROS));
		break;
	case 1:
		buf_printf(&t->b, "#ifndef M%u\n", pick(MACROS));
		break;
	default:
		buf_add_str(&t->b, "#if ");
		expression(t, pick(4));
		buf_add_str(&t->b, "\n");
	}
	lines(t);
	while (maybe(25)) {
		buf_add_str(&t->b, "#elif ");
		expression(t, pick(3));
		buf_add_str(&t->b, "\n");
		lines(t);
	}
	if (maybe(50)) {
		buf_add_str(&t->b, "#else\n");
		lines(t);
	}
	buf_add_str(&t->b, "#endif\n");
}

static void lines(struct text *t)
{
	unsigned n = 1 + pick(4);

	t->depth++;
	for (unsigned i = 0; i < n; i++) {
		switch (pick(10)) {
		case 0:
		case 1:
			if (t->depth < 5)
				condition(t);
			break;
		case 2:
		case 3:
			include(t);
			break;
		case 4:
			noise(t);
			break;
		case 6:
			if (texts)
				random_prose(t);
			break;
		case 5:
			buf_printf(&t->b, "#undef M%u\n", pick(MACROS));
			break;
		default:
			define(t);
		}
	}
	t->depth--;
}

/* Definitions that random ones can replace, so that errors are rare. */
static const char prelude[] =
	"#define F0(x) (x)\n#define F1(x) x\n#define F2(x) 0\n"
	"#define G0(x, y) x\n#define G1(x, y) x + y\n#define G2(x, y) y\n"
	"#define V0(a, r...) a\n#define V1(a, r...) COUNT(r)\n"
	"#define STR(x...) XSTR(x)\n#define XSTR(x...) #x\n"
	"#define CAT(x, y) x##y\n#define ID(x...) x\n"
	"#define IS_ON(x) ON2(ARG_##x)\n#define ARG_1 0,\n"
	"#define ON2(x) ON3(x 1, 0)\n#define ON3(i, v, ...) v\n"
	"#define COUNT(...) COUNT2(0, ##__VA_ARGS__, 2, 1, 0)\n"
	"#define COUNT2(z, a, b, n, ...) n\n"
	"#define PRAGMA(x) _Pragma(#x)\n"
	"#define CONFIG_1 1\n#define CONFIG_2 0\n";

static void header(const char *dir, unsigned number)
{
	struct text t = { .header = number };
	char *name = xasprintf("%s/h%u.h", dir, number);
	unsigned guard = number ? pick(3) : 1;

	if (guard == 1)
		buf_printf(&t.b, "%s#ifndef GUARD_%s_%u\n#define GUARD_%s_%u\n",
			   maybe(30) ? "/* first */\n" : "", dir, number, dir,
			   number);
	if (guard == 2)
		buf_add_str(&t.b, "#pragma once\n");
	/* The header that any other can include must itself include nothing. */
	if (number)
		lines(&t);
	else
		define(&t);
	if (guard == 1)
		buf_add_str(&t.b, "#endif\n");
	compare_file(name, buf_str(&t.b));
	buf_release(&t.b);
	free(name);
}

static void tree(struct strv *argv)
{
	static const char *const option[] = { "-I", "-iquote", "-isystem",
					      "-idirafter" };
	static const char *const std[] = { "-std=gnu11", "-std=gnu17",
					   "-std=gnu89" };
	struct text t = { .header = 0 };
	struct err err;

	must(fs_remove(compare_dir, &err));
	strv_add(argv, "cc");
	strv_add(argv, "-nostdinc");
	strv_add(argv, ONE_OF(std));
	for (unsigned d = 0; d < DIRS; d++) {
		char dir[8], *sub;

		snprintf(dir, sizeof(dir), "d%u", d);
		sub = xasprintf("%s/%s/sub/x", compare_dir, dir);
		fs_mkdirs(maybe(60) || !d ? sub : compare_dir, 0755, &err);
		free(sub);
		for (unsigned h = 0; h < HEADERS; h++) {
			if (maybe(45) || !d)
				header(dir, h);
		}
		if (d < 2 || maybe(70))
			strv_addf(argv, "%s%s%s", d ? ONE_OF(option) : "-I",
				  maybe(10) ? "./" : "", dir);
	}
	if (maybe(30))
		strv_add(argv, "-Id1");
	if (maybe(20))
		strv_add(argv, "-Inowhere");
	strv_add(argv, "-DM7=1");
	strv_add(argv, "-DF3(x)=x+1");
	if (maybe(30)) {
		strv_add(argv, maybe(50) ? "-include" : "-imacros");
		strv_add(argv, "d0/h0.h");
	}
	strv_add(argv, "-c");
	strv_add(argv, "unit.c");
	buf_add_str(&t.b, prelude);
	for (unsigned i = 0; i < 3; i++)
		lines(&t);
	compare_file("unit.c", buf_str(&t.b));
	buf_release(&t.b);
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoul(s, NULL, 10) : otherwise;
}

/*
 * Run the compiler once and compare its text, if any, and its files.  *text
 * describes the difference; the caller frees it.
 */
static enum compare_result compare(struct cpp_scanner *s, const char *cc,
				   char *const *argv, char **text)
{
	enum compare_result r = COMPARE_EQUAL;
	struct strv files = { 0 };
	struct buf out = { 0 };
	bool good = compare_dash_e(cc, argv, &out, &files);

	if (texts)
		r = compare_text(s, cc, argv, good ? &out : NULL, text);
	if (r == COMPARE_EQUAL)
		r = compare_files(s, cc, argv, good ? &files : NULL, text);
	buf_release(&out);
	strv_release(&files);
	return r;
}

static void show(unsigned long seed, const struct strv *argv, const char *text)
{
	char *line = strv_join(argv, " ");

	fprintf(stderr, "%lu: %s\n%s\n", seed, line, text);
	free(line);
}

static void compare_many(const char *name, unsigned long runs)
{
	unsigned long seed = number_of("SCAN_PROPERTY_SEED", 1);
	unsigned long count[4] = { 0 };
	char *cc = compare_compiler(name);
	struct cpp_scanner *s = compare_scan();

	for (unsigned long i = 0; cc && i < runs; i++) {
		struct strv argv = { 0 };
		enum compare_result r;
		char *text;

		pick_start(seed + i);
		texts = (seed + i) % 2;
		tree(&argv);
		r = compare(s, cc, argv.v, &text);
		count[r]++;
		if (r == COMPARE_REFUSED && getenv("SCAN_PROPERTY_VERBOSE"))
			show(seed + i, &argv, text);
		if (r == COMPARE_DIFFERENT) {
			show(seed + i, &argv, text);
			ck_abort_msg("seed %lu, %s", seed + i, compare_dir);
		}
		free(text);
		strv_release(&argv);
	}
	fprintf(stderr, "%s: %lu equal, %lu refused, %lu in error\n", name,
		count[COMPARE_EQUAL], count[COMPARE_REFUSED],
		count[COMPARE_BROKEN]);
	/* Ensure that the scanner does not reject everything. */
	if (runs >= 500 && cc) {
		ck_assert_uint_gt(count[COMPARE_EQUAL], runs / 4);
		/*
		 * clang's own errors, such as a negative shift, are one in
		 * twenty.
		 */
		ck_assert_uint_lt(count[COMPARE_REFUSED], runs / 10);
	}
	cpp_scanner_free(s);
	free(cc);
}

/* A definition that a definition header of a random tree may contain. */
struct definition {
	char name[16];
	const char *value; /* NULL: not defined */
};

#define DEFINITIONS 24

static void pick_definition(struct definition *d)
{
	static const char *const name[] = {
		"M%u",    "M%u%u", "M%uM%u",   "CONFIG_%u", "CONFIG_%u%u",
		"ARG_%u", "H%u",   "X%uY",     "ARG_M%u",   "MM%u",
		"F1M%u",  "M%u_X", "CONFIG_1", "M_%u",      "E%u",
	};
	static const char *const value[] = {
		NULL, NULL, NULL, "1", "0", "", "0,", "M1 M2", "\"M3\"", "M##1",
	};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	if (!*d->name)
		snprintf(d->name, sizeof(d->name), ONE_OF(name), pick(4),
			 pick(4));
#pragma GCC diagnostic pop
	d->value = ONE_OF(value);
}

static void write_definitions(const struct definition *d)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < DEFINITIONS; i++) {
		if (d[i].value)
			buf_printf(&b, "#define %s %s\n", d[i].name,
				   d[i].value);
	}
	/* The file must remain a definition header. */
	buf_add_str(&b, "#define LAST 1\n");
	compare_file("defs.h", buf_str(&b));
	buf_release(&b);
}

/* Write a header that looks up some names of the definition header. */
static void write_uses(void)
{
	static const char *const use[] = {
		"#ifdef M%u\n1\n#endif\n",
		"#if M%u%u\n1\n#else\n0\n#endif\n",
		"#if 0\nM%u CONFIG_%u\n#endif\n",
		"M%u\n",
		"/* M%uM%u CONFIG_%u */\n",
		"JOIN(M%u, %u)\n",
		"JOIN(M, %u)\n",
		"JOIN(JOIN(, M%u), M%u)\n",
		"\"M%u ARG_%u\"\n",
		"ON(CONFIG_%u)\n",
		"JOIN(CONFIG_, __COUNTER__)\n",
		"JOIN(CONFIG_1, __LINE__)\n",
		"#define X(MM%u) MM%u\nX(E1)\n#undef X\n",
		"JOIN(X%u, Y)\n",
		"F1M\\\n%u\n",
		"#pragma push_macro(\"M%u\")\n#undef M%u\n"
		"#pragma pop_macro(\"M%u\")\n",
		"'E%u' 'M'\n",
		"don't \"M_%u\n",
		"#undef CONFIG_%u%u\n",
		"#define M%u%u 3\n",
	};
	struct buf b = { 0 };

	buf_add_str(&b, "#define JOIN(x, y) JOIN2(x, y)\n"
			"#define JOIN2(x, y) x##y\n"
			"#define ON(x) JOIN(ARG_, x) JOIN2(ARG_, x)\n");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	for (size_t i = 0; i < 12; i++)
		buf_printf(&b, ONE_OF(use), pick(4), pick(4), pick(4));
#pragma GCC diagnostic pop
	compare_file("uses.h", buf_str(&b));
	buf_release(&b);
}

/* Return the selected definitions of defs.h, or NULL.  The caller frees them.
 */
static char *selected_definitions(struct cpp_scanner *s, const char *cc,
				  char *const *argv)
{
	struct cpp_closure c;
	char *list = NULL;

	compare_closure(s, cc, argv, &c);
	for (size_t i = 0; !c.reason && i < c.n_files; i++) {
		if (!strcmp(c.files[i].path, "defs.h") &&
		    c.files[i].definitions)
			list = xstrdup(c.files[i].definitions);
	}
	cpp_closure_release(&c);
	return list;
}

/*
 * Change definitions of defs.h.  If the lists of selected definitions are
 * equal, the compiler's text must be equal.
 */
static void compare_definitions(const char *name, unsigned long runs)
{
	unsigned long seed = number_of("SCAN_PROPERTY_SEED", 1);
	unsigned long n_equal = 0, n_pairs = 0, n_changed = 0;
	struct cpp_setup setup = { .query = compare_ask,
				   .cache_dir = compare_cache,
				   .selects_definitions = true };
	struct cpp_scanner *s = cpp_scanner_new(&setup);
	char *cc = compare_compiler(name);

	for (unsigned long i = 0; cc && i < runs; i++) {
		struct definition d[DEFINITIONS] = { 0 };
		struct strv argv = { 0 }, files = { 0 };
		struct buf before = { 0 };
		char *list;

		pick_start(seed + i);
		texts = true;
		tree(&argv);
		strv_add(&argv, "-include");
		strv_add(&argv, "defs.h");
		strv_add(&argv, "-include");
		strv_add(&argv, "uses.h");
		write_uses();
		for (size_t k = 0; k < DEFINITIONS; k++)
			pick_definition(&d[k]);
		write_definitions(d);
		list = selected_definitions(s, cc, argv.v);
		if (!list || !compare_dash_e(cc, argv.v, &before, &files))
			goto next;
		for (size_t k = 0; k < 4; k++) {
			struct definition changed[DEFINITIONS];
			struct buf after = { 0 };
			char *list_after;
			bool equal;

			memcpy(changed, d, sizeof(d));
			pick_definition(&changed[pick(DEFINITIONS)]);
			if (maybe(30))
				pick_definition(&changed[pick(DEFINITIONS)]);
			write_definitions(changed);
			list_after = selected_definitions(s, cc, argv.v);
			equal = compare_dash_e(cc, argv.v, &after, &files) &&
				bytes_equal(buf_bytes(&before),
					    buf_bytes(&after));
			n_pairs++;
			n_changed += !equal;
			if (list_after && !strcmp(list, list_after)) {
				n_equal++;
				ck_assert_msg(equal, "seed %lu, %zu, %s:\n%s",
					      seed + i, k, compare_dir, list);
			}
			free(list_after);
			buf_release(&after);
		}
next:
		free(list);
		buf_release(&before);
		strv_release(&files);
		strv_release(&argv);
	}
	fprintf(stderr, "%s: %lu changes, text changed %lu, list equal %lu\n",
		name, n_pairs, n_changed, n_equal);
	if (runs >= 100 && cc) {
		ck_assert_uint_gt(n_equal, n_pairs / 10);
		ck_assert_uint_gt(n_changed, n_pairs / 20);
	}
	cpp_scanner_free(s);
	free(cc);
}

FIXTURE(compare_setup, getenv("SCAN_PROPERTY_KEEP") ? NULL : compare_teardown);
TIMEOUT(7200 + (double)number_of("SCAN_PROPERTY_RUNS", 0));

TEST(random_trees_have_the_files_and_tokens_of_gcc)
{
	compare_many("gcc", number_of("SCAN_PROPERTY_RUNS", 2000) * 3 / 4);
}

TEST(random_trees_have_the_files_and_tokens_of_clang)
{
	compare_many("clang", number_of("SCAN_PROPERTY_RUNS", 2000) / 4);
}

TEST(equal_definitions_give_equal_text_with_gcc)
{
	compare_definitions("gcc", number_of("SCAN_PROPERTY_RUNS", 2000) / 10);
}

TEST(equal_definitions_give_equal_text_with_clang)
{
	compare_definitions("clang",
			    number_of("SCAN_PROPERTY_RUNS", 2000) / 20);
}
