/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp gas */
/* san: long */
/*
 * Random assembler texts with macros, repetitions, labels and comments.  The
 * scanner must list each file that an assembler tries to open, unless it
 * reports the set as unknown.  None of the files exists, so the assembler
 * reports each.  A source with such a text is not scannable, which shows that
 * the fast scan does not skip executed code.  SCAN_PROPERTY_RUNS is the number
 * of texts (1000), SCAN_PROPERTY_SEED the first seed.
 */
#include "../lib/test.h"
#include "cpp-asm-random.h"
#include "cpp-assembler.h"

#include "gas/gas.h"

struct count {
	unsigned long equal, more, open, mistaken;
	struct cpp_scanner *scan; /* NULL: the text alone is not a unit */
};

/* Scan in.s, for which the assembler tries to open the files `want`. */
static void scan_source(struct cpp_scanner *s, const struct assembler *as,
			const struct strv *want, const struct buf *text,
			unsigned long seed)
{
	char *argv[] = { "cc", "-c", "in.s", NULL };
	char *cc = compare_compiler(as->driver);
	struct cpp_closure c;

	if (!cc)
		return;
	compare_closure(s, cc, argv, &c);
	ck_assert_msg(c.reason || !want->n, "seed %lu, %s: %s is not seen\n%s",
		      seed, as->driver, want->v[0], buf_str(text));
	cpp_closure_release(&c);
	free(cc);
}

/* Compare and free `a`, which has the assembler's input. */
static void compare(const struct assembler *as, struct gas_scanner *a,
		    const struct buf *text, unsigned long seed,
		    struct count *count)
{
	struct gas_result got;
	struct strv want = { 0 };
	struct buf said = { 0 };

	assembler_run(as, &want, &said);
	gas_scanner_find_files(a, &got);
	if (as->strict && assembler_has_mistakes(as, buf_str(&said))) {
		count->mistaken++;
		goto out;
	}
	if (count->scan)
		scan_source(count->scan, as, &want, text, seed);
	for (size_t i = 0; i < want.n && !got.undecided; i++) {
		if (strv_has(&got.incbins, want.v[i]))
			continue;
		fprintf(stderr, "%s\n%s\n%s\n", buf_str(text), buf_str(&said),
			compare_dir);
		ck_abort_msg("seed %lu, %s: %s is missing", seed, as->argv[0],
			     want.v[i]);
	}
	count->open += !!got.undecided;
	count->equal += !got.undecided && want.n == got.incbins.n;
	count->more += !got.undecided && want.n < got.incbins.n;
	if (getenv("SCAN_PROPERTY_VERBOSE") &&
	    (got.undecided || want.n < got.incbins.n))
		fprintf(stderr, "seed %lu: %s\n%s\n%s\n", seed,
			got.undecided ? got.undecided : "more", buf_str(text),
			buf_str(&said));
out:
	gas_result_release(&got);
	gas_scanner_free(a);
	strv_release(&want);
	buf_release(&said);
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoul(s, NULL, 10) : otherwise;
}

/* Write a text; `a` receives the part that the assembler reads. */
typedef void make_text(const struct assembler *as, struct buf *out,
		       struct gas_scanner *a);

/* Compare random texts, each in a file of this name. */
static void compare_many(const struct assembler *as, const char *name,
			 make_text *make, unsigned long runs,
			 struct count *count)
{
	unsigned long seed = number_of("SCAN_PROPERTY_SEED", 1);

	for (unsigned long i = 0; i < runs; i++) {
		struct gas_setup setup = { .architecture = as->architecture };
		struct gas_scanner *a = gas_scanner_new(&setup);
		struct buf text = { 0 };

		pick_start(seed + i);
		make(as, &text, a);
		compare_file(name, buf_str(&text));
		compare(as, a, &text, seed + i, count);
		buf_release(&text);
	}
	fprintf(stderr,
		"%s: %lu equal, %lu name more, %lu open, %lu in error\n",
		as->argv[0], count->equal, count->more, count->open,
		count->mistaken);
}

/* Returns 0, and marks the test as skipped, if the assembler is missing. */
static unsigned long runs_of(const struct assembler *as)
{
	return assembler_is_here(as) ?
		       number_of("SCAN_PROPERTY_RUNS", 1000) * as->share / 100 :
		       0;
}

static void source(const struct assembler *as, struct buf *out,
		   struct gas_scanner *a)
{
	struct text t = { .left = 40, .comment = as->comment };

	if (as->strict || maybe(50))
		good_lines(&t);
	else
		for (unsigned n = 3 + pick(5); n; n--)
			lines(&t);
	gas_scanner_add_text(a, buf_str(&t.b), t.b.len, GAS_TEXT_SOURCE);
	*out = t.b;
}

FIXTURE(compare_setup, getenv("SCAN_PROPERTY_KEEP") ? NULL : compare_teardown);
TIMEOUT(1800 + (double)number_of("SCAN_PROPERTY_RUNS", 0));

TEST_RANGE(no_file_of_a_random_assembler_text_is_missed, 0, ASSEMBLERS)
{
	const struct assembler *as = &assemblers[_i];
	unsigned long runs = runs_of(as);
	struct count count = { .scan = compare_scan() };

	compare_many(as, "in.s", source, runs, &count);
	cpp_scanner_free(count.scan);
	/* Ensure that the scanner does not report every set as unknown. */
	if (runs >= 200) {
		ck_assert_uint_lt(count.open, runs / 3);
		ck_assert_uint_gt(count.equal, runs / 3);
	}
}

/* Write a text as a C string. */
static void put_string(struct buf *out, const struct buf *text)
{
	buf_add_str(out, "\"");
	for (size_t i = 0; i < text->len; i++) {
		char c = (char)text->data[i];

		if (c == '\n')
			buf_add_str(out, "\\n");
		else if (c == '\t')
			buf_add_str(out, "\\t");
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else
			buf_add(out, &c, 1);
	}
	buf_add_str(out, "\"");
}

/* The same with operands and alternatives. */
static void put_operands(struct buf *out, const struct buf *text, bool x86)
{
	static const char *const operand[] = {
		" %0 ", "%1",           " %c2", "%[x]",
		"%=",   "{.inc|.long}", "{x}",  "%%{a",
	};

	for (size_t i = 0; i < text->len; i++) {
		char c = (char)text->data[i];

		if (c == '%')
			buf_add_str(out, "%%");
		else if (x86 && strchr("{|}", c))
			buf_printf(out, "%%%c", c);
		else
			buf_add(out, &c, 1);
		if (maybe(2))
			buf_add_str(out, operand[pick(x86 ? 8 : 5)]);
	}
}

/* Write the statements of a C file, and pass each to `a`. */
static void unit(const struct assembler *as, struct buf *out,
		 struct gas_scanner *a)
{
	bool x86 = !strcmp(as->architecture, "x86");
	bool good = as->strict || maybe(50);

	buf_add_str(out, "void f(int y)\n{\n");
	for (unsigned n = 1 + pick(4); n; n--) {
		struct text t = { .left = 8, .comment = "/* */" };
		struct buf text = { 0 };
		bool operands = maybe(50);

		t.first = 100 * n;
		if (good)
			good_lines(&t);
		else
			lines(&t);
		if (operands)
			put_operands(&text, &t.b, x86);
		else
			buf_add_bytes(&text, buf_bytes(&t.b));
		buf_add_str(out, "asm volatile(");
		put_string(out, &text);
		buf_add_str(out, operands ? " :: \"r\"(y), \"m\"(y), \"i\"(5),"
					    " [x] \"i\"(&f));\n" :
					    ");\n");
		gas_scanner_add_text(a, buf_str(&text), text.len,
				     operands ? GAS_TEXT_TEMPLATE :
						GAS_TEXT_BASIC);
		buf_release(&text);
		buf_release(&t.b);
	}
	buf_add_str(out, "}\n");
}

static const struct assembler compilers[] = {
	{ .argv = { "gcc", "-w", "-O1", "-fno-pie", "-c", "in.c", "-oout.o" },
	  .architecture = "x86",
	  .mark = "file not found: ",
	  .share = 10 },
	{ .argv = { "aarch64-linux-gnu-gcc", "-w", "-O1", "-fno-pie", "-c",
		    "in.c", "-oout.o" },
	  .architecture = "aarch64",
	  .mark = "file not found: ",
	  .share = 10 },
	{ .argv = { "clang", "-w", "-O1", "-c", "in.c", "-oout.o" },
	  .architecture = "x86",
	  .mark = "Could not find incbin file '",
	  .share = 10,
	  .strict = true },
};

#define COMPILERS ((int)(sizeof(compilers) / sizeof(compilers[0])))

TEST_RANGE(no_file_of_random_asm_statements_is_missed, 0, COMPILERS)
{
	const struct assembler *as = &compilers[_i];
	unsigned long runs = runs_of(as);
	struct count count = { 0 };

	compare_many(as, "in.c", unit, runs, &count);
	if (runs >= 100 && !as->strict)
		ck_assert_uint_lt(count.open, runs * 2 / 3);
}
