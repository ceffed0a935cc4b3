/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/argv.h"
#include "options/allowlist.h"

static struct wire_job job;
static struct wire_flag flag;
static struct kfarmd_compile compile;
static struct strv list;
static struct err err;

static void set_up(void)
{
	job = (struct wire_job){ .lang = WIRE_LANG_C,
				 .source = xstrdup("dir/a.c") };
	compile = (struct kfarmd_compile){ .m = &job,
					   .driver = "/usr/bin/gcc",
					   .flags = &flag };
}

static void tear_down(void)
{
	wire_job_release(&job);
	strv_release(&list);
}

static void add_flag(const char *name, const char *value)
{
	flag = (struct wire_flag){ .name = name, .value = value };
	compile.n_flags = 1;
}

static void expect(const char *words)
{
	char *got = strv_join(&list, " ");

	ck_assert_str_eq(got, words);
	free(got);
}

FIXTURE(set_up, tear_down);

TEST(the_source_is_compiled_in_place)
{
	add_flag("-D", "X=1");
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -DX=1 -Wp,-MD,/.kfarm/out/dep.d "
	       "-Wa,--MD,/.kfarm/out/as.d -c -o /.kfarm/out/out.o -x c "
	       "dir/a.c");
}

TEST(with_lto_the_assembler_is_asked_for_assembler_sources_only)
{
	add_flag("-flto=", "auto");
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -flto=auto -Wp,-MD,/.kfarm/out/dep.d -c -o "
	       "/.kfarm/out/out.o -x c dir/a.c");
	ck_assert(!options_allowlist_has_as_deps(&list));
	strv_release(&list);
	job.lang = WIRE_LANG_ASM;
	must(kfarmd_argv_build(&list, &compile, &err));
	ck_assert(options_allowlist_has_as_deps(&list));
}

TEST(clangs_assembler_is_not_asked_what_it_read)
{
	compile.is_clang = true;
	must(kfarmd_argv_build(&list, &compile, &err));
	ck_assert(strv_has(&list, "-Wp,-MD,/.kfarm/out/dep.d"));
	ck_assert(!strv_has(&list, "-Wa,--MD,/.kfarm/out/as.d"));
}

TEST(what_no_preprocessor_reads_has_no_list_of_its_own)
{
	job.lang = WIRE_LANG_PLAIN_ASM;
	add_flag("-flto", NULL);
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -flto -Wa,--MD,/.kfarm/out/as.d -c -o "
	       "/.kfarm/out/out.o -x assembler dir/a.c");
	ck_assert(!kfarmd_argv_has_cpp_deps(&compile));
	ck_assert(options_allowlist_has_as_deps(&list));
}

TEST(what_a_tool_reads_is_preprocessed_and_no_more)
{
	struct wire_flag place = { "-c", NULL };

	compile.preprocess_only = true;
	add_flag("-D", "X=1");
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -DX=1 -Wp,-MD,/.kfarm/out/dep.d -E -x c dir/a.c");
	ck_assert(!options_allowlist_has_as_deps(&list));
	ck_assert(kfarmd_argv_has_cpp_deps(&compile));
	strv_release(&list);
	job.lang = WIRE_LANG_ASM;
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -DX=1 -Wp,-MD,/.kfarm/out/dep.d -E -x "
	       "assembler-with-cpp dir/a.c");
	compile.flags = &place;
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
	place.name = "-o";
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
	compile.flags = NULL;
}

TEST(an_unknown_language_is_refused)
{
	job.lang = WIRE_LANG_PLAIN_ASM + 1;
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
}

TEST(a_refused_option_is_named)
{
	add_flag("-fplugin=", "/tmp/x.so");
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
	text_has(err.text, "-fplugin=");
}

TEST(the_environment_is_ours_and_what_is_allowed)
{
	strv_add(&job.env, "LC_ALL=C");
	strv_add(&job.env, "SOURCE_DATE_EPOCH=1");
	must(kfarmd_argv_env(&list, &job, &err));
	expect("PATH=/usr/local/bin:/usr/bin:/bin TMPDIR=/.kfarm/tmp LC_ALL=C "
	       "SOURCE_DATE_EPOCH=1");
}

TEST(a_named_object_is_that_of_the_line)
{
	job.object = xstrdup("d/a.b.o");
	job.output_named = 1;
	add_flag("-fstack-usage", NULL);
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -fstack-usage -Wp,-MD,/.kfarm/out/dep.d "
	       "-Wa,--MD,/.kfarm/out/as.d -c -o d/a.b.o -x c dir/a.c");
}

TEST(split_debug_information_of_gcc_is_named_in_another_way)
{
	job.object = xstrdup("d/a.b.o");
	job.output_named = 1;
	add_flag("-gsplit-dwarf", NULL);
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -gsplit-dwarf -Wp,-MD,/.kfarm/out/dep.d "
	       "-Wa,--MD,/.kfarm/out/as.d -dumpdir d/ -dumpbase a.b.c "
	       "-dumpbase-ext .c -c -o /.kfarm/out/out.o -x c dir/a.c");
}

TEST(the_object_is_at_its_place_where_that_counts)
{
	struct wire_flag flags[] = { { "-c", NULL },
				     { "-MJ", "x.json" },
				     { "-o", NULL },
				     { "-O", "2" } };

	job.object = xstrdup("a.o");
	job.output_named = 1;
	compile.flags = flags;
	compile.n_flags = 4;
	compile.is_clang = true;
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -c -MJx.json -o a.o -O2 "
	       "-Wp,-MD,/.kfarm/out/dep.d -x c dir/a.c");
	flags[2].value = "/etc/passwd";
	strv_release(&list);
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
}

TEST_RANGE(an_object_that_reads_as_a_flag_is_refused, 0, 2)
{
	static const char *const names[] = { "-fplugin=x.so", "@list" };

	job.object = xstrdup(names[_i]);
	job.output_named = 1;
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
}

static const char *const variables[] = {
	"PATH=/tmp",          "TMPDIR=/etc", "LD_PRELOAD=/tmp/x.so",
	"GCC_EXEC_PREFIX=/x", "LC_ALL",      "LC_ALL=../../x",
};

TEST_EACH(a_variable_that_is_not_allowed_is_refused_by_name, variables)
{
	strv_add(&job.env, *row);
	ck_assert_int_eq(kfarmd_argv_env(&list, &job, &err), -ENOTSUP);
	text_starts(err.text, "environment variable not allowed: ");
	ck_assert_ptr_null(strchr(err.text, '='));
}
