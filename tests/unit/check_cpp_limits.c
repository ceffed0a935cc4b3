/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * Memory is bounded for any input.  A unit beyond a limit is not scannable, but
 * the next unit is.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

static void define_many(const char *name, unsigned first, unsigned n)
{
	char *path = xasprintf("%s/%s", compare_dir, name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "#define MACRO_NUMBER_%u %u\n", first + i, i);
	ck_assert_int_eq(fclose(f), 0);
	free(path);
}

static void scan_one(struct cpp_scanner *s, const char *source, enum reason why)
{
	char *cc = compare_compiler("gcc");
	char *argv[] = { "cc", "-nostdinc", "-c", (char *)source, NULL };
	struct cpp_closure c;

	ck_assert_ptr_nonnull(cc);
	compare_closure(s, cc, argv, &c);
	ck_assert_msg(c.reason == why, "%s: %s %s", source,
		      reason_text(c.reason), c.detail ? c.detail : "");
	cpp_closure_release(&c);
	free(cc);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(600);

TEST(a_unit_that_needs_too_much_memory_is_refused)
{
	struct cpp_scanner *s = compare_scan();
	struct cpp_stats stats;
	struct buf all = { 0 };

	for (unsigned i = 0; i < 14; i++) {
		char name[16];

		snprintf(name, sizeof(name), "h%u.h", i);
		define_many(name, i * 100000, 100000);
		buf_printf(&all, "#include \"%s\"\n", name);
	}
	compare_file("unit.c", buf_str(&all));
	compare_file("small.c", "#include \"h0.h\"\n");
	scan_one(s, "unit.c", REASON_MEMORY);
	scan_one(s, "small.c", REASON_NONE);
	cpp_scanner_stats(s, &stats);
	ck_assert_uint_lt(stats.memory_bytes, (size_t)256 << 20);
	buf_release(&all);
	cpp_scanner_free(s);
}

/* Full preprocessing is limited by the number of names, here a million. */
TEST(text_that_makes_too_many_names_is_refused)
{
	struct cpp_scanner *s = compare_scan();
	struct cpp_stats stats;
	struct buf all = { 0 };

	buf_add_str(&all, "#define CAT(a, b) CAT2(a, b)\n"
			  "#define CAT2(a, b) a##b\n#define N0 CAT(");
	for (int i = 0; i < 200; i++)
		buf_add(&all, "x", 1);
	buf_add_str(&all, ", __COUNTER__)\n");
	for (int i = 0; i < 4; i++)
		buf_printf(&all,
			   "#define N%d N%d N%d N%d N%d N%d N%d N%d N%d N%d "
			   "N%d\n",
			   i + 1, i, i, i, i, i, i, i, i, i, i);
	/* This condition triggers full preprocessing. */
	buf_add_str(&all, "#if __COUNTER__\n#endif\n");
	for (int i = 0; i < 100; i++)
		buf_add_str(&all, "N4;\n");
	compare_file("unit.c", buf_str(&all));
	compare_file("small.c", "#if __COUNTER__\n#endif\nint x;\n");
	scan_one(s, "unit.c", REASON_MEMORY);
	scan_one(s, "small.c", REASON_NONE);
	cpp_scanner_stats(s, &stats);
	ck_assert_uint_eq(stats.n_preprocessed, 2);
	ck_assert_uint_lt(stats.memory_bytes, (size_t)192 << 20);
	buf_release(&all);
	cpp_scanner_free(s);
}

/* Freed memory is not counted. */
TEST(rereading_a_file_does_not_increase_the_counted_memory)
{
	struct cpp_scanner *s = compare_scan();
	struct cpp_stats before, after;

	compare_file("x.h", "#if 1 + 1 == 2 && !defined(Y)\n#endif\n");
	compare_file("unit.c", "#include \"x.h\"\n");
	for (int i = 0; i < 20; i++)
		scan_one(s, "unit.c", REASON_NONE);
	cpp_scanner_stats(s, &before);
	/* Each unit rereads a file that has just been written. */
	for (int i = 0; i < 500; i++) {
		compare_file("x.h",
			     i % 2 ? "#if 1 + 1 == 2 && !defined(Y)\n#endif\n" :
				     "#if 1 + 1 == 2 && !defined(Z)\n#endif\n");
		scan_one(s, "unit.c", REASON_NONE);
	}
	cpp_scanner_stats(s, &after);
	/* Files whose stamps had become reliable stay in the cache. */
	ck_assert_uint_lt(after.memory_bytes,
			  before.memory_bytes + ((size_t)512 << 10));
	cpp_scanner_free(s);
}
