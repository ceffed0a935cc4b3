/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "inputs-builddir.h"

#include "inputs/cross-tool.h"

#include "compiler/host.h"

#include <stdatomic.h>

static char *out;
static struct strv env;
static char *machine;
static const char *host;

/*
 * A compiler for the build host under the cross compiler's name, which logs its
 * command line.
 */
static void put_compiler(void)
{
	static const char *const triplets[] = { "aarch64-linux-gnu",
						"x86_64-linux-gnu",
						"i686-linux-gnu",
						"arm-linux-gnueabihf" };
	char *text = xasprintf("#!/bin/sh\necho \"$@\" >>%s/log\n"
			       "exec cc \"$@\"\n",
			       dir);

	for (size_t i = 0; i < sizeof(triplets) / sizeof(*triplets); i++) {
		char *name = xasprintf("bin/%s-gcc", triplets[i]);

		put(name, text, 0755);
		free(name);
	}
	free(text);
}

#define LINK "gcc -o scripts/g/tool scripts/g/a.o scripts/g/b.o   "

static void put_tree(void)
{
	put("scripts/g/a.c",
	    "#include <stdio.h>\n#include \"b.h\"\n"
	    "int main(void) { puts(b()); return N; }\n",
	    0644);
	put("scripts/g/b.h", "const char *b(void);\n", 0644);
	put("scripts/g/b.c",
	    "#include \"b.h\"\nconst char *b(void) { return \"counterpart\"; }\n",
	    0644);
	put("scripts/g/.tool.cmd", "cmd_scripts/g/tool := " LINK "\n", 0644);
	put("scripts/g/.a.o.cmd",
	    "savedcmd_scripts/g/a.o := gcc -Wp,-MMD,scripts/g/.a.o.d -Wall "
	    "-O0 -g -std=gnu11 -mno-such -I ./scripts/g -DN=7 -c -o "
	    "scripts/g/a.o scripts/g/a.c\n\nsource_scripts/g/a.o := $(x)\n",
	    0644);
	put("scripts/g/.b.o.cmd",
	    "cmd_scripts/g/b.o := gcc -c -o scripts/g/b.o scripts/g/b.c\n",
	    0644);
}

/* Find the machine for which cc compiles. */
static void find_host(void)
{
	char *argv[] = { (char *)"cc", (char *)"-dumpmachine", NULL };

	must(spawn_first_line(argv, NULL, 60000, &machine, &err));
	ck_assert_ptr_nonnull(machine);
	machine[strcspn(machine, "-")] = 0;
	host = compiler_host_release_name(machine);
}

static void set_up(void)
{
	builddir_set_up("scripts/g/tool");
	out = xasprintf("%s/made", dir);
	find_host();
	strv_addf(&env, "PATH=%s/bin:%s", dir, getenv("PATH"));
	put_compiler();
	put_tree();
}

static void tear_down(void)
{
	builddir_tear_down();
	strv_release(&env);
	free(out);
	free(machine);
}

static int make_for(const char *for_host, const void *stop)
{
	struct inputs_cross_tool c = { .native_path = program,
				       .host = for_host,
				       .output_path = out,
				       .env = env.v,
				       .cancelled = stop };

	return inputs_cross_tool_build(&c, &err);
}

/* Check for temporary files, and whether the requested program exists. */
static void expect_made(bool made)
{
	struct strv names = { 0 };

	ck_assert_int_eq(fs_list(dir, &names), 0);
	for (size_t i = 0; i < names.n; i++)
		ck_assert_msg(!str_starts(names.v[i], "made-"), "%s",
			      names.v[i]);
	ck_assert_int_eq(strv_has(&names, "made"), made);
	strv_release(&names);
}

static void expect_logged(const char *words, bool there)
{
	struct buf log = { 0 };
	char *path = xasprintf("%s/log", dir);

	must(fs_read(path, 1 << 16, &log, &err));
	ck_assert_msg(!strstr(buf_str(&log), words) == !there, "%s in:\n%s",
		      words, buf_str(&log));
	buf_release(&log);
	free(path);
}

FIXTURE(set_up, tear_down);
TIMEOUT(300);

TEST(a_tool_is_built_from_its_saved_commands)
{
	char *argv[] = { out, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf text = { 0 };
	int status = 0;

	ck_assert_msg(!make_for(host, NULL), "%s", err.text);
	expect_made(true);
	must(spawn_collect_stdout(&what, 1 << 16, 60000, &text, &status, &err));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	ck_assert_str_eq(buf_str(&text), "counterpart\n");
	expect_logged("-std=gnu11 -I ./scripts/g -DN=7 -O2", true);
	expect_logged("-static", true);
	expect_logged("-mno-such", false);
	expect_logged("-MMD", false);
	buf_release(&text);
}

TEST(compiler_wrappers_in_saved_commands_are_ignored)
{
	put("scripts/g/.tool.cmd", "cmd_scripts/g/tool := ccache " LINK "\n",
	    0644);
	put("scripts/g/.b.o.cmd",
	    "cmd_scripts/g/b.o := /usr/bin/distcc ccache gcc -c -o "
	    "scripts/g/b.o scripts/g/b.c\n",
	    0644);
	ck_assert_msg(!make_for(host, NULL), "%s", err.text);
	expect_made(true);
}

/* An invalid line in one of the files. */
static const struct {
	const char *file, *text;
	int ret;
} lines[] = {
	{ "scripts/g/.tool.cmd", "", -ENOTSUP },
	{ "scripts/g/.tool.cmd", "cmd_scripts/g/tool := gcc -lelf x.o\n",
	  -ENOTSUP },
	{ "scripts/g/.tool.cmd", "cmd_scripts/g/tool := gcc /x/lib.a x.o\n",
	  -ENOTSUP },
	{ "scripts/g/.tool.cmd", "cmd_scripts/g/other := " LINK "\n",
	  -ENOTSUP },
	{ "scripts/g/.tool.cmd", "cmd_scripts/g/tool := gcc -o x\n", -ENOTSUP },
	{ "scripts/g/.tool.cmd", "cmd_scripts/g/tool := " LINK "; rm x\n",
	  -ENOTSUP },
	{ "scripts/g/.tool.cmd", "cmd_scripts/g/tool := gcc scripts/g/c.o\n",
	  -ENOENT },
	{ "scripts/g/.a.o.cmd", "cmd_scripts/g/a.o := gcc -c -DN='7' a.c\n",
	  -ENOTSUP },
	{ "scripts/g/.a.o.cmd", "cmd_scripts/g/a.o := gcc -c @x a.c\n",
	  -ENOTSUP },
	{ "scripts/g/.a.o.cmd", "cmd_scripts/g/a.o := gcc -c -Wp,-DN=7 a.c\n",
	  -ENOTSUP },
	{ "scripts/g/.a.o.cmd", "cmd_scripts/g/a.o := gcc -c -o x.o\n",
	  -ENOTSUP },
	/* N is undefined, so the compiler fails. */
	{ "scripts/g/.a.o.cmd",
	  "cmd_scripts/g/a.o := gcc -c -Iscripts/g -o x.o scripts/g/a.c\n",
	  -ENOEXEC },
};

TEST_EACH(an_unsupported_saved_command_is_rejected, lines)
{
	put(row->file, row->text, 0644);
	ck_assert_int_eq(make_for(host, NULL), row->ret);
	ck_assert_str_ne(err.text, "");
	expect_made(false);
}

TEST(a_program_for_the_wrong_machine_is_rejected)
{
	/* The compiler makes programs for the build host. */
	ck_assert_int_eq(
		make_for(strcmp(host, "arm64") ? "arm64" : "x86_64", NULL),
		-ENOEXEC);
	expect_made(false);
	ck_assert_int_eq(make_for("s390x", NULL), -ENOENT);
	ck_assert_int_eq(make_for("../../etc/passwd", NULL), -ENOENT);
}

TEST(a_cancelled_build_leaves_no_program)
{
	atomic_bool stop = true;

	ck_assert_int_eq(make_for(host, &stop), -EINTR);
	expect_made(false);
}

TEST(a_missing_compiler_is_named)
{
	strv_release(&env);
	strv_add(&env, "PATH=/nonexistent");
	ck_assert_int_eq(make_for(host, NULL), -ENOENT);
	ck_assert_msg(strstr(err.text, "-gcc: not found in PATH"), "%s",
		      err.text);
}
