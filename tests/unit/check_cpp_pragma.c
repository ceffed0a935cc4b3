/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * #pragma GCC target and optimize.  Later conditions follow the macros of a
 * compile, not those of -E or -M.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

#include "cpp/pragma.h"

/*
 * Include a header for each macro's state, so that the closure shows all
 * states.
 */
static void states(struct buf *out, const char *suffix,
		   const char *const *macros)
{
	for (size_t i = 0; macros[i]; i++) {
		char *yes = xasprintf("%s-%s.h", macros[i], suffix);
		char *no = xasprintf("no-%s-%s.h", macros[i], suffix);

		compare_file(yes, "");
		compare_file(no, "");
		buf_printf(out,
			   "#ifdef %s\n#include \"%s\"\n#else\n"
			   "#include \"%s\"\n#endif\n",
			   macros[i], yes, no);
		free(yes);
		free(no);
	}
}

/* The headers of a list of files, sorted. */
static char *headers(const struct strv *files)
{
	struct strv found = { 0 };
	char *s;

	for (size_t i = 0; i < files->n; i++) {
		if (strstr(files->v[i], "-0.h") || strstr(files->v[i], "-1.h"))
			strv_add(&found, str_base(files->v[i]));
	}
	strv_sort_unique(&found);
	s = found.n ? strv_join(&found, "\n") : xstrdup("");
	strv_release(&found);
	return s;
}

/* The files that a compile reads, from its -MD. */
static char *compiler_headers(const char *cc, const char *flag)
{
	char *path = compare_compiler(cc);
	char *const argv[] = { path,  (char *)flag, "-w",  "-S",  "u.c", "-o",
			       "u.s", "-MD",        "-MF", "u.d", NULL };
	struct buf out = { 0 }, said = { 0 }, dep = { 0 };
	struct strv files = { 0 };
	char *dep_path = xasprintf("%s/u.d", compare_dir), *s;
	struct err err;

	ck_assert_msg(!compare_run(compare_dir, argv, environ, &out, &said),
		      "%s", buf_str(&said));
	must(fs_read(dep_path, 1 << 20, &dep, &err));
	strv_split(&files, buf_str(&dep), " \\\n");
	s = headers(&files);
	strv_release(&files);
	buf_release(&out);
	buf_release(&said);
	buf_release(&dep);
	free(dep_path);
	free(path);
	return s;
}

static char *scanner_headers(struct cpp_scanner *scan, const char *cc,
			     const char *flag)
{
	char *argv[] = { "cc", (char *)flag, "-c", "u.c", NULL };
	char *path = compare_compiler(cc), *s;
	struct strv files = { 0 };
	struct cpp_closure c;

	compare_closure(scan, path, argv, &c);
	for (size_t i = 0; i < c.n_files; i++)
		strv_add(&files, c.files[i].path);
	s = c.reason ? xasprintf("%s: %s", reason_text(c.reason),
				 c.detail ? c.detail : "") :
		       headers(&files);
	cpp_closure_release(&c);
	strv_release(&files);
	free(path);
	return s;
}

static const struct {
	const char *cc, *flag;
	/* pragmas; the states after each are checked */
	const char *before, *after;
	const char *macros[8];
} set[] = {
	{ "gcc",
	  "-O2",
	  "#pragma GCC target(\"avx2\")\n",
	  "#pragma GCC reset_options\n",
	  { "__AVX2__", "__AVX__", "__SSE3__", "__OPTIMIZE__" } },
	{ "gcc",
	  "-O2",
	  "#pragma GCC push_options\n#pragma GCC target(\"avx512f,fma\")\n",
	  "#pragma GCC pop_options\n",
	  { "__AVX512F__", "__FMA__", "__SSE2__", "__LZCNT__" } },
	{ "gcc",
	  "-O0",
	  "#pragma GCC optimize(\"O3\", \"fast-math\")\n",
	  "#pragma GCC optimize(\"Os\")\n",
	  { "__OPTIMIZE__", "__OPTIMIZE_SIZE__", "__FAST_MATH__",
	    "__NO_MATH_ERRNO__" } },
	{ "gcc",
	  "-mavx2",
	  "# pragma GCC /* c */ \\\ntarget \"no-avx\"\n",
	  "_Pragma(\"GCC target(\\\"avx\\\")\")\n",
	  { "__AVX2__", "__AVX__", "__SSE4_2__" } },
	/* Each set of Intel's intrinsics headers. */
	{ "gcc",
	  "-O2",
	  "#pragma GCC push_options\n#pragma GCC target(\"sse4.1\")\n"
	  "#pragma GCC pop_options\n#pragma GCC push_options\n"
	  "#pragma GCC push_options\n#pragma GCC target(\"bmi\")\n",
	  "#pragma GCC pop_options\n#pragma GCC target(\"bmi2\")\n",
	  { "__SSE4_1__", "__BMI__", "__BMI2__" } },
	/* The unit's own change of the macro is lost with the pragma. */
	{ "gcc",
	  "-O2",
	  "#undef __OPTIMIZE__\n#define __AVX2__\n"
	  "#pragma GCC optimize(\"O0\")\n#pragma GCC target(\"avx2\")\n",
	  "#pragma GCC optimize(\"O1\")\n#pragma GCC target(\"no-avx2\")\n",
	  { "__OPTIMIZE__", "__AVX2__" } },
	{ "aarch64-linux-gnu-gcc",
	  "-O2",
	  "#pragma GCC target(\"+sve\")\n",
	  "#pragma GCC target(\"+nosimd\")\n",
	  { "__ARM_FEATURE_SVE", "__ARM_NEON", "__ARM_FEATURE_CRC32" } },
	{ "arm-linux-gnueabihf-gcc",
	  "-O2",
	  "#pragma GCC target(\"arm\")\n",
	  "#pragma GCC target(\"thumb\")\n",
	  { "__thumb__", "__thumb2__", "__OPTIMIZE__" } },
	/* A pragma of another compiler has no effect. */
	{ "clang",
	  "-O2",
	  "#pragma GCC target(\"avx2\")\n#pragma clang optimize off\n",
	  "#pragma GCC optimize(\"O0\")\n#pragma clang fp contract(fast)\n",
	  { "__AVX2__", "__OPTIMIZE__", "__FAST_MATH__" } },
};

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(60);

TEST_EACH(conditions_after_a_pragma_follow_the_macros_of_a_compile, set)
{
	struct buf unit = { 0 };
	struct cpp_scanner *scan = compare_scan();
	char *path = compare_compiler(row->cc), *want, *got;

	buf_add_str(&unit, row->before);
	states(&unit, "0", row->macros);
	buf_add_str(&unit, row->after);
	states(&unit, "1", row->macros);
	compare_file("u.c", buf_str(&unit));
	if (path) {
		want = compiler_headers(row->cc, row->flag);
		got = scanner_headers(scan, row->cc, row->flag);
		ck_assert_str_eq(got, want);
		free(want);
		free(got);
	}
	free(path);
	cpp_scanner_free(scan);
	buf_release(&unit);
}

TEST(a_set_of_pragmas_is_queried_once_and_cached)
{
	struct cpp_setup setup = { .query = compare_ask,
				   .cache_dir = compare_dir };
	static const char source[] = "#pragma GCC target(\"avx2\")\n"
				     "#ifdef __AVX2__\n"
				     "#include \"a-0.h\"\n#endif\n";
	struct cpp_stats before, after;
	char *got;

	compare_file("a-0.h", "");
	compare_file("u.c", source);
	for (int i = 0; i < 2; i++) {
		struct cpp_scanner *scan = cpp_scanner_new(&setup);

		got = scanner_headers(scan, "gcc", "-O2");
		ck_assert_str_eq(got, "a-0.h");
		free(got);
		cpp_scanner_stats(scan, &before);
		got = scanner_headers(scan, "gcc", "-O2");
		ck_assert_str_eq(got, "a-0.h");
		free(got);
		cpp_scanner_stats(scan, &after);
		ck_assert_uint_eq(before.n_queries, after.n_queries);
		if (i)
			ck_assert_uint_eq(after.n_queries, 0);
		cpp_scanner_free(scan);
	}
}

TEST(a_unit_with_a_pragma_that_gcc_rejects_is_not_scannable)
{
	struct cpp_scanner *scan = compare_scan();
	char *got;

	compare_file("u.c", "#pragma GCC target(\"no-such\")\n");
	got = scanner_headers(scan, "gcc", "-O2");
	text_has(got, "changes the compiler's options");
	text_has(got, "no-such");
	free(got);
	cpp_scanner_free(scan);
}

TEST(prune_removes_the_pragmas_that_pop_options_undoes)
{
	static const char *const said[] = {
		"GCC target(\"a\")", "GCC push_options", "GCC optimize(1)",
		"GCC push_options",  "GCC  pop_options", "GCC pop_options",
	};
	static const size_t left[] = { 1, 2, 3, 4, 3, 1 };
	struct strv pragmas = { 0 };

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		strv_add(&pragmas, said[i]);
		cpp_pragma_options_prune(&pragmas);
		ck_assert_uint_eq(pragmas.n, left[i]);
	}
	strv_add(&pragmas, "GCC pop_options");
	cpp_pragma_options_prune(&pragmas);
	ck_assert_uint_eq(pragmas.n, 2);
	strv_release(&pragmas);
}

TEST(compiler_output_without_macros_is_rejected)
{
	struct buf changes = { 0 };

	ck_assert_int_eq(cpp_pragma_options_parse("", &changes), -EPROTO);
	ck_assert_int_eq(cpp_pragma_options_parse("\t.section .debug_macinfo\n"
						  "\t.byte\t0x1\n\t.uleb128 0\n"
						  "\t.ascii \"A 1\\0\"\n",
						  &changes),
			 -EPROTO);
	buf_release(&changes);
}
