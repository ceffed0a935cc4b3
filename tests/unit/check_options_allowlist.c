/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/* check_options_attacks.c tests the options that must be rejected. */
#include "../lib/test.h"

#include "options/allowlist.h"

static char *flags_of(const struct options_command *c)
{
	struct options_flags flags;
	struct strv out = { 0 };
	struct err err = { 0 };
	char *s;

	ck_assert_int_eq(c->class, OPTIONS_CLASS_REMOTE);
	must(options_allowlist_make_flags(&flags, c, &err));
	for (size_t i = 0; i < flags.n_flags; i++)
		must(options_allowlist_add_flag(&out, flags.flags[i].name,
						flags.flags[i].value, &err));
	options_flags_release(&flags);
	s = strv_join(&out, " ");
	strv_release(&out);
	return s;
}

static char *remote_flags(char *const *argv)
{
	struct options_command c;
	char *s;

	options_command_parse(&c, argv);
	s = flags_of(&c);
	options_command_release(&c);
	return s;
}

TEST(options_for_outputs_and_linking_are_not_sent)
{
	char *argv[] = { "gcc",
			 "-Wp,-MMD,x.d",
			 "-nostdinc",
			 "-Iinc",
			 "-I",
			 "inc2",
			 "-include",
			 "a.h",
			 "-DX=1",
			 "-UX",
			 "-Wall",
			 "-O2",
			 "-std=gnu11",
			 "-fno-common",
			 "-mno-sse",
			 "-Wa,--fatal-warnings",
			 "-Xassembler",
			 "-W",
			 "--param",
			 "a=1",
			 "--param=b=2",
			 "-pipe",
			 "-g",
			 "-g0",
			 "-lm",
			 "-Wl,-z,now",
			 "-pthread",
			 "-w",
			 "-pedantic",
			 "-ansi",
			 "-fmacro-prefix-map=/a b/=",
			 "-O",
			 "-W",
			 "-G8",
			 "-G",
			 "0",
			 "-x",
			 "c",
			 "-c",
			 "-o",
			 "a.o",
			 "a.c",
			 NULL };
	char *s = remote_flags(argv);

	ck_assert_str_eq(s,
			 "-nostdinc -Iinc -Iinc2 -includea.h -DX=1 -UX "
			 "-Wall -O2 -std=gnu11 -fno-common -mno-sse "
			 "-Wa,--fatal-warnings -Xassembler -W --param a=1 "
			 "--param=b=2 -pipe -g -g0 -pthread -w -pedantic -ansi "
			 "-fmacro-prefix-map=/a b/= -O -W -G8 -G0");
	free(s);
}

TEST(flags_are_split_into_name_and_value)
{
	char *argv[] = { "gcc", "-O2", "-fno-common", "-O", "-c", "a.c", NULL };
	struct options_command c;
	struct options_flags f;
	struct err err = { 0 };

	options_command_parse(&c, argv);
	must(options_allowlist_make_flags(&f, &c, &err));
	ck_assert_uint_eq(f.n_flags, 3);
	ck_assert_str_eq(f.flags[0].name, "-O");
	ck_assert_str_eq(f.flags[0].value, "2");
	ck_assert_str_eq(f.flags[1].name, "-fno-common");
	ck_assert_ptr_null(f.flags[1].value);
	ck_assert_ptr_null(f.flags[2].value);
	options_flags_release(&f);
	ck_assert_uint_eq(f.n_flags, 0);
	options_flags_release(&f);
	options_command_release(&c);
}

static const struct {
	const char *line, *flags;
} stdin_commands[] = {
	{ "gcc -E -Wp,-MMD,.a.o.d -O2 -xc -", "-MQ- -O2" },
	{ "gcc -E -O2 -xc -", "-O2" },
};

TEST_EACH(a_source_from_stdin_keeps_its_depfile_target, stdin_commands)
{
	struct options_command c;
	struct strv argv = { 0 };
	char *line = xstrdup(row->line), *flags;

	strv_split(&argv, line, " ");
	options_command_parse_stdin(&c, argv.v);
	options_command_set_text(&c, "/t/1.c");
	flags = flags_of(&c);
	ck_assert_str_eq(flags, row->flags);
	free(flags);
	free(line);
	options_command_release(&c);
	strv_release(&argv);
}

TEST(an_error_names_the_rejected_option)
{
	struct strv argv = { 0 };
	struct err err = { 0 };

	err_is(options_allowlist_add_flag(&argv, "-fplugin=", "x", &err),
	       -ENOTSUP, "unsupported option -fplugin=x");
	ck_assert_ptr_null(argv.v);
}
