/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* The parser of .cmd files and command lines in tests/audit. */
#include "../lib/test.h"

#include "../audit/listed.c" /* NOLINT: its static functions */
#include "../audit/rule.c" /* NOLINT: the same */

TEST(a_compile_command_becomes_a_dependency_query)
{
	char *argv[] = { "gcc",
			 "-Wp,-MMD,x/.a.o.d",
			 "-Wp,-DX=1,-MD,d,-MT,a.o,-MP,-UY",
			 "-MF",
			 "d",
			 "-MTa.o",
			 "-Iinclude",
			 "-include",
			 "k.h",
			 "-O2",
			 "-c",
			 "-o",
			 "a.o",
			 "-oa.o",
			 "-save-temps=obj",
			 "a.c",
			 NULL };
	struct strv out = { 0 };
	char *joined;

	audit_rule_argv(&out, argv, "/usr/bin/gcc", "-M");
	joined = strv_join(&out, " ");
	ck_assert_str_eq(joined, "/usr/bin/gcc -M -Wp,-DX=1,-UY -Iinclude "
				 "-include k.h -O2 a.c");
	free(joined);
	strv_release(&out);
}

TEST(dependencies_are_read_from_a_cmd_file)
{
	char path[] = "/tmp/check-audit-XXXXXX";
	static const char text[] =
		"savedcmd_a.o := gcc -c -o a.o ../src/a.c\n\n"
		"source_lib/a.o := ../src/a.c\n\n"
		"deps_lib/a.o := \\\n  ../src/a.h \\\n"
		"    $(wildcard include/config/X) \\\n"
		"  include/b.h \\\n\n"
		"lib/a.o: $(deps_lib/a.o)\n";
	struct strv listed = { 0 };
	struct err err = { 0 };
	int fd = mkstemp(path);
	char *joined;

	ck_assert_int_ge(fd, 0);
	must(fs_write(path, bytes_str(text), 0600, &err));
	audit_listed(&listed, path);
	joined = strv_join(&listed, " ");
	ck_assert_str_eq(joined, "../src/a.c ../src/a.h include/b.h");
	free(joined);
	strv_release(&listed);
	close(fd);
	unlink(path);
}
