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

TEST(a_compile_has_depfiles_and_an_object_in_the_output_directory)
{
	add_flag("-D", "X=1");
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -DX=1 -Wp,-MD,/.kfarm/out/dep.d "
	       "-Wa,--MD,/.kfarm/out/as.d -c -o /.kfarm/out/out.o -x c "
	       "dir/a.c");
}

TEST(with_lto_only_assembler_sources_get_an_assembler_depfile)
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

TEST(clang_gets_no_assembler_depfile_option)
{
	compile.is_clang = true;
	must(kfarmd_argv_build(&list, &compile, &err));
	ck_assert(strv_has(&list, "-Wp,-MD,/.kfarm/out/dep.d"));
	ck_assert(!strv_has(&list, "-Wa,--MD,/.kfarm/out/as.d"));
}

TEST(plain_assembler_sources_get_no_preprocessor_depfile)
{
	job.lang = WIRE_LANG_PLAIN_ASM;
	add_flag("-flto", NULL);
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -flto -Wa,--MD,/.kfarm/out/as.d -c -o "
	       "/.kfarm/out/out.o -x assembler dir/a.c");
	ck_assert(!kfarmd_argv_has_cpp_deps(&compile));
	ck_assert(options_allowlist_has_as_deps(&list));
}

TEST(a_preprocess_only_job_uses_e_and_rejects_c_and_o)
{
	struct wire_flag placeholder = { "-c", NULL };

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
	compile.flags = &placeholder;
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
	placeholder.name = "-o";
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
	compile.flags = NULL;
}

TEST(an_unknown_language_is_rejected)
{
	job.lang = WIRE_LANG_PLAIN_ASM + 1;
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
}

TEST(the_error_names_a_rejected_option)
{
	add_flag("-fplugin=", "/tmp/x.so");
	ck_assert_int_eq(kfarmd_argv_build(&list, &compile, &err), -ENOTSUP);
	text_has(err.text, "-fplugin=");
}

TEST(the_environment_has_path_tmpdir_and_the_allowed_variables)
{
	strv_add(&job.env, "LC_ALL=C");
	strv_add(&job.env, "SOURCE_DATE_EPOCH=1");
	must(kfarmd_argv_env(&list, &job, &err));
	expect("PATH=/usr/local/bin:/usr/bin:/bin TMPDIR=/.kfarm/tmp LC_ALL=C "
	       "SOURCE_DATE_EPOCH=1");
}

TEST(a_named_object_is_written_under_its_name)
{
	job.object = xstrdup("d/a.b.o");
	job.output_named = 1;
	add_flag("-fstack-usage", NULL);
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -fstack-usage -Wp,-MD,/.kfarm/out/dep.d "
	       "-Wa,--MD,/.kfarm/out/as.d -c -o d/a.b.o -x c dir/a.c");
}

TEST(gsplit_dwarf_of_gcc_adds_dumpdir_and_dumpbase)
{
	job.object = xstrdup("d/a.b.o");
	job.output_named = 1;
	add_flag("-gsplit-dwarf", NULL);
	must(kfarmd_argv_build(&list, &compile, &err));
	expect("/usr/bin/gcc -gsplit-dwarf -Wp,-MD,/.kfarm/out/dep.d "
	       "-Wa,--MD,/.kfarm/out/as.d -dumpdir d/ -dumpbase a.b.c "
	       "-dumpbase-ext .c -c -o /.kfarm/out/out.o -x c dir/a.c");
}

TEST(c_and_o_placeholders_keep_their_positions)
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

TEST_RANGE(an_object_name_that_looks_like_a_flag_is_rejected, 0, 2)
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

TEST_EACH(a_disallowed_variable_is_rejected_without_its_value, variables)
{
	strv_add(&job.env, *row);
	ck_assert_int_eq(kfarmd_argv_env(&list, &job, &err), -ENOTSUP);
	text_starts(err.text, "environment variable not allowed: ");
	ck_assert_ptr_null(strchr(err.text, '='));
}
