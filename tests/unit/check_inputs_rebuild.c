/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
/* A tool is compared with the result of its saved commands. */
#include "inputs-builddir.h"

#include "inputs/rebuild.h"

#include <stdatomic.h>

extern char **environ;

#define LINK "cc -o scripts/g/tool scripts/g/a.o scripts/g/b.o"

/* Run a command and save it as that of `name` in scripts/g. */
static void save(const char *name, const char *command)
{
	char *file = xasprintf("scripts/g/.%s.cmd", name);
	char *text = xasprintf("savedcmd_scripts/g/%s := %s   \n", name,
			       command);

	run(command);
	put(file, text, 0644);
	free(text);
	free(file);
}

static void set_up(void)
{
	builddir_set_up("scripts/g/tool");
	put("scripts/g/a.c",
	    "#include \"b.h\"\nint main(void) { return b(); }\n", 0644);
	put("scripts/g/b.h", "int b(void);\n", 0644);
	put("scripts/g/b.c", "#include \"b.h\"\nint b(void) { return N; }\n",
	    0644);
	save("a.o", "cc -Wp,-MMD,scripts/g/.a.o.d -Wall -O2 -std=gnu11 "
		    "-I ./scripts/g -c -o scripts/g/a.o scripts/g/a.c");
	save("b.o", "cc -MD -MF scripts/g/.b.o.d -g -DN=7 -c "
		    "-o scripts/g/b.o scripts/g/b.c");
	save("tool", LINK);
}

static int compare(const void *stop)
{
	char *out = xasprintf("%s/made", dir);
	const struct inputs_rebuild r = { .program = program,
					  .output_path = out,
					  .env = environ,
					  .cancelled = stop };
	struct strv names = { 0 };
	int ret = inputs_rebuild_compare(&r, &err);

	ck_assert_int_eq(fs_list(dir, &names), 0);
	for (size_t i = 0; i < names.n; i++)
		ck_assert_msg(!str_starts(names.v[i], "made"), "%s was left",
			      names.v[i]);
	strv_release(&names);
	free(out);
	return ret;
}

FIXTURE(set_up, builddir_tear_down);
TIMEOUT(300);

TEST(an_unchanged_tool_is_equal)
{
	run("rm scripts/g/*.o scripts/g/.*.d; chmod a-w scripts/g scripts");
	ck_assert_msg(!compare(NULL), "%s", err.text);
	run("chmod u+w scripts/g scripts; test ! -e scripts/g/.a.o.d");
}

TEST(a_tool_of_one_command_is_equal)
{
	save("tool", "cc -O2 -g -Wp,-MMD,scripts/g/.tool.d -DN=3 -s "
		     "-o scripts/g/tool scripts/g/a.c scripts/g/b.c");
	ck_assert_msg(!compare(NULL), "%s", err.text);
}

/* Each command replaces the tool or a source of it. */
static const char *const changes[] = {
	"cc -DN=8 -o scripts/g/tool scripts/g/[ab].c",
	"printf '#!/bin/sh\\nexit 7\\n' >scripts/g/tool",
	"echo 'int b(void) { return 8; }' >scripts/g/b.c",
	"echo 'int b(void); /**/ static int x;' >scripts/g/b.h; echo "
	"'int b(void) { return __LINE__; }' >scripts/g/b.c",
	": >scripts/g/tool",
};

TEST_EACH(a_changed_tool_differs, changes)
{
	char *text = xasprintf("%s: differs from a rebuild", program);

	run(*row);
	ck_assert_int_eq(compare(NULL), -ESTALE);
	ck_assert_str_eq(err.text, text);
	free(text);
}

/* Commands with options or inputs that cannot be repeated, and the reason. */
static const struct {
	const char *command, *reason;
} unsupported[] = {
	{ LINK " -Wl,-Map=map", "unsupported option -Wl,-Map=map" },
	{ LINK " -save-temps", "unsupported option -save-temps" },
	{ LINK " -L", "unsupported option -L" },
	{ LINK " @response", "unsupported option @response" },
	{ LINK " -Wp,-MMD,d,-DX", "unsupported option -Wp,-MMD,d,-DX" },
	{ LINK " --coverage", "unsupported option --coverage" },
	{ LINK " -fplugin=x.so", "unsupported option -fplugin=x.so" },
	{ LINK " x.a", "unsupported input x.a" },
	{ "no-such-cc -o scripts/g/tool scripts/g/a.o",
	  "no-such-cc: no such compiler" },
};

TEST_EACH(an_unsupported_command_is_not_repeated, unsupported)
{
	char *text = xasprintf("savedcmd_scripts/g/tool := %s\n", row->command);
	char *reason = xasprintf("%s: cannot rebuild: %s", program,
				 row->reason);

	put("scripts/g/.tool.cmd", text, 0644);
	ck_assert_int_ne(compare(NULL), 0);
	ck_assert_str_eq(err.text, reason);
	free(reason);
	free(text);
}

TEST(a_source_that_does_not_compile_is_an_error)
{
	put("scripts/g/b.c", "int b(void) { return x; }\n", 0644);
	ck_assert_int_eq(compare(NULL), -ENOEXEC);
}

TEST(a_rebuild_can_be_cancelled)
{
	atomic_bool stop = true;

	ck_assert_int_eq(compare(&stop), -EINTR);
}
