/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * Driver queries: their number, their cache, and concurrent units.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

/* Number of compiler executions, counted by the query callback. */
static atomic_uint asked;

static int counting_ask(void *ctx, const char *cwd, char *const *argv,
			char *const *env, struct buf *out, struct buf *err_out,
			struct err *err)
{
	atomic_fetch_add(&asked, 1);
	return compare_ask(ctx, cwd, argv, env, out, err_out, err);
}

static struct cpp_scanner *counting_scan(const char *cache)
{
	struct cpp_setup setup = { .query = counting_ask, .cache_dir = cache };

	atomic_store(&asked, 0);
	return cpp_scanner_new(&setup);
}

/* Scan with an additional option and return the number of queries. */
static unsigned asked_for(struct cpp_scanner *s, const char *name,
			  const char *option)
{
	char *cc = compare_compiler(name), *text = NULL;
	char *argv[] = { "cc", "-nostdinc", "-I.", (char *)option,
			 "-c", "unit.c",    NULL };

	if (cc)
		ck_assert_msg(compare_unit(s, cc, argv, &text) == COMPARE_EQUAL,
			      "%s", text);
	free(text);
	free(cc);
	return atomic_load(&asked);
}

/* Unknown operators, in the forms that glibc uses. */
static const char operators[] =
	"#ifdef __has_attribute\n"
	"# define __my_has_attribute(attr) __has_attribute (attr)\n"
	"#else\n"
	"# define __my_has_attribute(attr) 0\n"
	"#endif\n"
	"#if __my_has_attribute (__noreturn__) && __has_attribute(__pure__)\n"
	"#include \"a.h\"\n"
	"#endif\n"
	"#if __has_attribute(__nonsense__) || "
	"!__my_has_attribute (__format_arg__)\n"
	"#include \"b.h\"\n"
	"#endif\n"
	"#if __has_builtin(__builtin_ctz) && !__has_attribute (nonsense2)\n"
	"#include \"c.h\"\n"
	"#endif\n";

static void make_tree(void)
{
	compare_shell("touch a.h b.h c.h");
	compare_file("ops.h", operators);
	compare_file("unit.c", "#include \"ops.h\"\n#ifdef __OPTIMIZE__\n"
			       "#include \"a.h\"\n#endif\n");
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(300);

TEST(a_new_set_of_flags_costs_one_query)
{
	struct cpp_scanner *s = counting_scan(NULL);

	make_tree();
	/* The first query, and one for all operators of a header. */
	ck_assert_uint_eq(asked_for(s, "gcc", "-O2"), 2);
	ck_assert_uint_eq(asked_for(s, "gcc", "-O2"), 2);
	/* For further flags, both are queried together. */
	ck_assert_uint_eq(asked_for(s, "gcc", "-O0"), 3);
	ck_assert_uint_eq(asked_for(s, "gcc", "-fshort-wchar"), 4);
	ck_assert_uint_eq(asked_for(s, "gcc", "-Wall"), 5);
	/* No macro depends on this option. */
	ck_assert_uint_eq(asked_for(s, "gcc", "-fno-common"), 5);
	cpp_scanner_free(s);
}

TEST(clang_needs_at_most_two_queries)
{
	struct cpp_scanner *s = counting_scan(NULL);

	make_tree();
	asked_for(s, "clang", "-O2");
	ck_assert_uint_le(atomic_load(&asked), 2);
	cpp_scanner_free(s);
}

/* gcc rejects this operand, so a query that contains it fails. */
TEST(an_invalid_operator_affects_only_its_unit)
{
	struct cpp_scanner *s = counting_scan(NULL);
	char *cc = compare_compiler("gcc"), *text = NULL;
	char *argv[] = { "cc", "-nostdinc", "-c", "unit.c", NULL };

	make_tree();
	compare_file("unit.c", "#if __has_attribute(1)\n#endif\n");
	ck_assert_int_eq(compare_unit(s, cc, argv, &text), COMPARE_BROKEN);
	make_tree();
	asked_for(s, "gcc", "-fshort-wchar");
	free(text);
	free(cc);
	cpp_scanner_free(s);
}

TEST(after_an_invalid_operator_a_valid_one_needs_one_query)
{
	struct cpp_scanner *s = counting_scan(NULL);
	char *cc = compare_compiler("gcc"), *text = NULL;
	char *argv[] = { "cc", "-nostdinc", "-I.", "-c", "unit.c", NULL };
	unsigned before;

	compare_file("unit.c", "#if __has_attribute(1)\n#endif\n");
	ck_assert_int_eq(compare_unit(s, cc, argv, &text), COMPARE_BROKEN);
	free(text);
	for (int i = 0; i < 3; i++) {
		char *unit = xasprintf(
			"#if __has_attribute(unknown%d)\n#endif\n", i);

		compare_file("unit.c", unit);
		before = atomic_load(&asked);
		ck_assert_int_eq(compare_unit(s, cc, argv, &text),
				 COMPARE_EQUAL);
		ck_assert_uint_eq(atomic_load(&asked) - before, 1);
		free(text);
		free(unit);
	}
	free(cc);
	cpp_scanner_free(s);
}

TEST(a_second_scanner_with_the_same_cache_needs_no_query)
{
	char *cache = xasprintf("%s/cache", compare_dir);
	struct cpp_scanner *s = counting_scan(cache);

	make_tree();
	ck_assert_uint_eq(asked_for(s, "gcc", "-O2"), 2);
	cpp_scanner_free(s);
	s = counting_scan(cache);
	ck_assert_uint_eq(asked_for(s, "gcc", "-O2"), 0);
	cpp_scanner_free(s);
	free(cache);
}

/* A compiler that defines no macros. */
static int silent_ask(void *ctx, const char *cwd, char *const *argv,
		      char *const *env, struct buf *out, struct buf *err_out,
		      struct err *err)
{
	(void)ctx, (void)cwd, (void)argv, (void)env;
	(void)out, (void)err_out, (void)err;
	atomic_fetch_add(&asked, 1);
	return 0;
}

TEST(an_empty_list_of_macros_is_cached)
{
	char *cache = xasprintf("%s/cache", compare_dir);
	struct cpp_setup setup = { .query = silent_ask, .cache_dir = cache };
	char *argv[] = { "cc", "-nostdinc", "-c", "unit.c", NULL };

	compare_file("unit.c", "#ifdef __GNUC__\n#error\n#endif\n");
	atomic_store(&asked, 0);
	for (int i = 0; i < 2; i++) {
		struct cpp_scanner *s = cpp_scanner_new(&setup);
		struct cpp_closure c;

		compare_closure(s, "/bin/cc", argv, &c);
		ck_assert_int_eq(c.reason, REASON_NONE);
		ck_assert_uint_eq(atomic_load(&asked), 1);
		cpp_closure_release(&c);
		cpp_scanner_free(s);
	}
	free(cache);
}

/* The source of a query cannot be written. */
TEST(a_failed_write_of_the_query_source_is_reported)
{
	struct cpp_setup setup = { .query = silent_ask };
	char *argv[] = { "cc", "-nostdinc", "-c", "unit.c", NULL };
	struct cpp_scanner *s = cpp_scanner_new(&setup);
	struct rlimit before, none;
	struct cpp_closure c;

	compare_file("unit.c", "int x;\n");
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	compare_closure(s, "/bin/cc", argv, &c);
	/* The test program writes a file, too. */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(c.reason, REASON_NO_MACROS);
	text_has(c.detail, "/kfarm-scan-");
	text_has(c.detail, strerror(EFBIG));
	cpp_closure_release(&c);
	cpp_scanner_free(s);
}

/* Corrupt one byte, `at` sixteenths from the start. */
static void spoil(const char *cache, size_t at)
{
	char *pattern = xasprintf("%s/scan-*", cache);
	struct buf text = { 0 };
	struct err err;
	glob_t found;

	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	ck_assert_uint_eq(found.gl_pathc, 1);
	must(fs_read(found.gl_pathv[0], 1 << 20, &text, &err));
	text.data[(text.len - 1) * at / 16] ^= 1;
	must(fs_write(found.gl_pathv[0], buf_bytes(&text), 0600, &err));
	globfree(&found);
	buf_release(&text);
	free(pattern);
}

/* A change of any byte invalidates the cache entry. */
TEST(a_damaged_cache_entry_is_queried_again)
{
	char *cache = xasprintf("%s/cache", compare_dir);
	struct cpp_scanner *s = counting_scan(cache);

	make_tree();
	asked_for(s, "gcc", "-O2");
	cpp_scanner_free(s);
	for (size_t i = 0; i <= 16; i++) {
		spoil(cache, i);
		s = counting_scan(cache);
		ck_assert_uint_ge(asked_for(s, "gcc", "-O2"), 1);
		cpp_scanner_free(s);
		s = counting_scan(cache);
		ck_assert_uint_eq(asked_for(s, "gcc", "-O2"), 0);
		cpp_scanner_free(s);
	}
	free(cache);
}

/* Units with the same flags in several threads cause one query. */
struct crowd {
	struct cpp_scanner *s;
	char *cc;
	atomic_uint bad;
};

static void *member(void *arg)
{
	struct crowd *crowd = arg;
	char *argv[] = {
		"cc", "-nostdinc", "-I.", "-O2", "-c", "unit.c", NULL
	};

	for (int i = 0; i < 20; i++) {
		struct cpp_closure c;

		compare_closure(crowd->s, crowd->cc, argv, &c);
		if (c.reason || c.n_files != 4)
			atomic_fetch_add(&crowd->bad, 1);
		cpp_closure_release(&c);
	}
	return NULL;
}

TEST(concurrent_units_share_one_set_of_queries)
{
	struct crowd crowd = { counting_scan(NULL), compare_compiler("gcc"),
			       0 };
	pthread_t thread[4];

	ck_assert_ptr_nonnull(crowd.cc);
	make_tree();
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(
			pthread_create(&thread[i], NULL, member, &crowd), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(atomic_load(&crowd.bad), 0);
	ck_assert_uint_eq(atomic_load(&asked), 2);
	cpp_scanner_free(crowd.s);
	free(crowd.cc);
}

/* Macros that -dM omits but gcc defines for -fexcess-precision. */
TEST(macros_that_gcc_omits_from_its_list_are_defined)
{
	static const char *const names[] = { "gcc", "aarch64-linux-gnu-gcc",
					     "arm-linux-gnueabihf-gcc",
					     "riscv64-linux-gnu-gcc" };

	compare_shell("touch a.h");
	compare_file("unit.c", "#ifdef __FLT_EVAL_METHOD__\n"
			       "#include \"a.h\"\n#endif\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct cpp_scanner *s = counting_scan(NULL);

		asked_for(s, names[i], "-O2");
		cpp_scanner_free(s);
	}
}
