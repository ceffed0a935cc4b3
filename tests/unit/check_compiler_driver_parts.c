/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "compiler/driver-parts.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/spawn.h"
#include "compiler/collector.h"
#include "compiler/manifest.h"

#define GCC "/usr/bin/gcc"

static char dir[TEMPDIR_SIZE];
static struct compiler_driver_parts parts;
static struct err err;

static char *env[] = { (char *)"PATH=/usr/local/bin:/usr/bin:/bin",
		       (char *)"LANG=de_DE.UTF-8", NULL };

static void set_up(void)
{
	tempdir_make(dir);
}

static void tear_down(void)
{
	compiler_driver_parts_release(&parts);
	tempdir_remove(dir);
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(gcc_names_cc1_its_assembler_and_its_headers)
{
	must(compiler_driver_parts_query(&parts, GCC, env, NULL, &err));
	ck_assert(!parts.is_clang);
	ck_assert_uint_eq(parts.programs.n, 4);
	ck_assert_str_eq(parts.programs.v[0], GCC);
	text_ends(parts.programs.v[1], "/cc1");
	text_ends(parts.programs.v[2], "/as");
	text_ends(parts.programs.v[3], "/objcopy");
	ck_assert_uint_ge(parts.dirs.n, 1);
	text_ends(parts.dirs.v[0], "/include");
	ck_assert_ptr_nonnull(strchr(parts.machine, '-'));
	ck_assert(parts.version[0] >= '1' && parts.version[0] <= '9');
}

TEST(clang_needs_no_other_program)
{
	if (access("/usr/bin/clang", X_OK))
		SKIP("no clang");
	must(compiler_driver_parts_query(&parts, "/usr/bin/clang", env, NULL,
					 &err));
	ck_assert(parts.is_clang);
	ck_assert_uint_eq(parts.programs.n, 1);
	ck_assert_uint_eq(parts.path_programs.n, 0);
	text_ends(parts.dirs.v[0], "/include");
}

/* clang compiles for arm64 with files of an installed gcc. */
TEST(files_of_an_installed_gcc_are_parts_of_clang)
{
	char *ask[] = { (char *)GCC, (char *)"-print-file-name=crtbegin.o",
			NULL };
	struct spawn s = { .argv = ask,
			   .env = env,
			   .stdio_fds = { -1, -1, -1 } };
	struct buf output = { 0 };
	char *path;
	int status;

	if (access("/usr/bin/clang", X_OK))
		SKIP("no clang");
	must(spawn_collect_stdout(&s, 4096, 9000, &output, &status, &err));
	output.len--; /* the newline */
	path = bytes_dup(buf_bytes(&output));
	must(compiler_driver_parts_query(&parts, "/usr/bin/clang", env, NULL,
					 &err));
	ck_assert_msg(strv_has(&parts.files, path), "no %s", path);
	free(path);
	buf_release(&output);
}

/* Make a program whose main() has `body`, which answers each query. */
static char *make_driver(const char *body)
{
	char *source = xasprintf("%s/x.c", dir);
	char *out = xasprintf("%s/gcc", dir);
	char *text = xasprintf("#include <stdio.h>\n#include <string.h>\n"
			       "#include <unistd.h>\n"
			       "#define ASKED(s) (strstr(v[1], s) != NULL)\n"
			       "int main(int c, char **v) { (void)c; (void)v;"
			       "%s }\n",
			       body);
	char *argv[] = { (char *)GCC, (char *)"-o", out, source, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, 2 } };
	int status;
	pid_t pid;

	must(fs_write(source, bytes_str(text), 0600, &err));
	must(spawn_start(&what, &pid, &err));
	status = spawn_wait(pid);
	ck_assert_int_eq(status, 0);
	free(source);
	free(text);
	return out;
}

static int ask(const char *body)
{
	char *driver = make_driver(body);
	int ret = compiler_driver_parts_query(&parts, driver, env, NULL, &err);

	if (ret)
		text_has(err.text, driver);
	free(driver);
	return ret;
}

static const char *const liars[] = {
	"puts(\"nonsense\"); return 0;",
	"return 0;",
	"return 1;",
	"for (;;) puts(\"12.2.0\");",
	"puts(\"12.2.0 and more\"); return 0;",
	"char *volatile s = 0; return *s;",
	"puts(ASKED(\"machine\") ? \"a/b\" : \"12\"); return 0;",
	"puts(ASKED(\"dump\") ? \"12\" : \"cc1\"); return 0;",
	("puts(ASKED(\"dump\") ? \"12\" :"
	 " ASKED(\"cc1\") ? \"/bin/true\" : \"no-such-as\"); return 0;"),
	("puts(ASKED(\"dump\") ? \"12\" : ASKED(\"version\") ?"
	 " \"clang version 3\" : \"/nonexistent\"); return 0;"),
};

TEST_EACH(invalid_driver_output_is_an_error_with_the_drivers_path, liars)
{
	ck_assert_int_lt(ask(*row), 0);
	ck_assert_uint_eq(parts.programs.n, 0);
	ck_assert_ptr_null(parts.version);
}

TEST(a_driver_that_hangs_times_out)
{
	ck_assert_int_eq(ask("pause(); return 0;"), -ETIMEDOUT);
}

static const char gcc_body[] =
	"puts(ASKED(\"dump\") ? \"12\" : ASKED(\"=cc1\") ? \"/bin/true\" :"
	" ASKED(\"=as\") ? \"%s\" : ASKED(\"=objcopy\") ? \"objcopy\" :"
	" ASKED(\"=specs\") ? \"%s/specs\" :"
	" ASKED(\"fixed\") ? \"include-fixed\" :"
	" ASKED(\"=include\") ? \"%s/lib/include\" : \"gcc\"); return 0;";

/* The parent of a vfork() is busy (lib/busy.h) until the child exits. */
TEST(a_driver_on_a_busy_machine_has_more_time)
{
	char *answers = xasprintf(gcc_body, "/bin/as", dir, dir);
	char *body = xasprintf("if (ASKED(\"=cc1\") && !vfork())"
			       " { sleep(11); _exit(0); } %s",
			       answers);

	must(ask(body));
	ck_assert_uint_ge(parts.programs.n, 3);
	free(body);
	free(answers);
}

TEST(specs_in_the_drivers_directories_are_parts)
{
	char *body = xasprintf(gcc_body, "/bin/as", dir, dir);
	char *inc = xasprintf("%s/lib/include", dir);
	char *near = xasprintf("%s/lib/specs", dir);
	char *far = xasprintf("%s/specs", dir);

	must(fs_mkdirs(inc, 0755, &err));
	ck_assert_msg(!ask(body), "%s", err.text);
	ck_assert_uint_eq(parts.files.n, 0);
	/* objcopy, which the driver names without a directory. */
	ck_assert_uint_eq(parts.path_programs.n, 1);
	compiler_driver_parts_release(&parts);
	fs_write(near, bytes_str(""), 0644, &err);
	fs_write(far, bytes_str(""), 0644, &err);
	ck_assert_msg(!ask(body), "%s", err.text);
	ck_assert_uint_eq(parts.files.n, 2);
	ck_assert(strv_has(&parts.files, near));
	ck_assert(strv_has(&parts.files, far));
	free(far);
	free(near);
	free(inc);
	free(body);
}

TEST(an_assembler_without_a_directory_is_found_in_path)
{
	char *body = xasprintf(gcc_body, "as", dir, dir);

	ck_assert_msg(!ask(body), "%s", err.text);
	ck_assert_uint_eq(parts.path_programs.n, 2);
	text_ends(parts.path_programs.v[0], "/as");
	text_ends(parts.path_programs.v[1], "/objcopy");
	ck_assert_int_eq(parts.path_programs.v[0][0], '/');
	free(body);
}

TEST(a_driver_without_objcopy_is_accepted)
{
	static const char from[] = "? \"objcopy\"";
	char *body = xasprintf(gcc_body, "/bin/as", dir, dir);
	char *at = strstr(body, from);

	ck_assert_ptr_nonnull(at);
	memcpy(at, "? \"no-such\"", strlen(from));
	ck_assert_msg(!ask(body), "%s", err.text);
	ck_assert_uint_eq(parts.programs.n, 3);
	ck_assert_uint_eq(parts.path_programs.n, 0);
	free(body);
}

struct wrapper {
	const char *format; /* the message that names the driver, as a format of
			       C */
	const char *name; /* name of the driver; "" for the wrapper */
	bool has_driver; /* the driver is a part */
};

static const struct wrapper wrappers[] = {
	{ "Using built-in specs.\\nCOLLECT_GCC=%s\\nTarget: x\\n", "/bin/true",
	  true },
	{ "COLLECT_GCC=%s\\n", "", false },
	{ " (in-process)\\n \\\"%s\\\" \\\"-cc1\\\" \\\"-E\\\"\\n", "/bin/true",
	  true },
};

TEST_EACH(the_driver_that_a_wrapper_executes_is_a_part, wrappers)
{
	char *driver = xasprintf("%s/gcc", dir);
	const char *name = *row->name ? row->name : driver;
	char *message = xasprintf(row->format, name);
	char *plain = xasprintf(gcc_body, "/bin/as", dir, dir);
	char *body = xasprintf("if (ASKED(\"###\")) {"
			       " fputs(\"%s\", stderr); return 0; } %s",
			       message, plain);

	ck_assert_msg(!ask(body), "%s", err.text);
	ck_assert_uint_eq(parts.programs.n, row->has_driver ? 5 : 4);
	if (row->has_driver)
		text_ends(parts.programs.v[4], "/true");
	free(body);
	free(plain);
	free(message);
	free(driver);
}

TEST(a_wrapper_of_a_driver_without_a_directory_is_rejected)
{
	ck_assert_int_eq(
		ask("puts(ASKED(\"dump\") ? \"12\" : \"/bin/true\");"
		    " fputs(\"COLLECT_GCC=true\\n\", stderr); return 0;"),
		-ENOTSUP);
	text_has(err.text, "directory is unknown: true");
}

/* clang reports the configuration files that it has read. */
TEST(a_clang_configuration_is_a_part_unless_it_includes_a_file)
{
	char *config = xasprintf("%s/clang.cfg", dir);
	char *body = xasprintf(
		"puts(ASKED(\"dump\") ? \"16\" : ASKED(\"--version\") ?"
		" \"clang version 16\\nConfiguration file: %s\\nx\" : \"%s\");"
		" return 0;",
		config, dir);
	char *inc = xasprintf("%s/include", dir), *driver;

	must(fs_mkdirs(inc, 0755, &err));
	fs_write(config, bytes_str("-Wall\n"), 0644, &err);
	ck_assert_msg(!ask(body), "%s", err.text);
	ck_assert(parts.is_clang);
	ck_assert(strv_has(&parts.files, config));
	compiler_driver_parts_release(&parts);
	fs_write(config, bytes_str("-Wall\n@more.cfg\n"), 0644, &err);
	driver = make_driver(body);
	ck_assert_int_eq(
		compiler_driver_parts_query(&parts, driver, env, NULL, &err),
		-ENOTSUP);
	text_has(err.text, config);
	free(driver);
	free(body);
	free(inc);
	free(config);
}

static int run_for(void *ctx, char *const *argv, char *const *with, size_t max,
		   unsigned timeout_ms, struct buf *output, int *status,
		   struct err *why)
{
	struct spawn what = { .argv = argv,
			      .env = with,
			      .stdio_fds = { -1, -1, -1 } };

	++*(unsigned *)ctx;
	return spawn_collect_stdout(&what, max, timeout_ms, output, status,
				    why);
}

TEST(the_callers_runner_runs_driver_queries)
{
	struct compiler_manifest here, there;
	unsigned calls = 0;
	struct compiler_runner runner = { .run = run_for, .ctx = &calls };

	must(compiler_manifest_make(&here, GCC, env, &err));
	must(compiler_manifest_make_with(&there, GCC, env, &runner, &err));
	ck_assert_uint_gt(calls, 5);
	ck_assert(digest_equal(&here.id, &there.id));
	compiler_manifest_release(&here);
	compiler_manifest_release(&there);
}

TEST(files_that_a_program_loads_are_in_the_manifest)
{
	struct compiler_entries list;
	struct compiler_manifest m;
	bool loader = false;

	must(compiler_manifest_make(&m, GCC, env, &err));
	must(compiler_manifest_list_program(&list, GCC, env, &err));
	for (size_t i = 0; i < list.n; i++) {
		const struct compiler_entry *e = compiler_entries_find(
			&m.entries, list.v[i].path);

		ck_assert_ptr_nonnull(e);
		ck_assert_int_eq(e->kind, list.v[i].kind);
		ck_assert(digest_equal(&e->digest, &list.v[i].digest));
		loader |= strstr(e->path, "/ld-") != NULL;
	}
	ck_assert(loader);
	ck_assert_uint_lt(list.n, m.entries.n);
	compiler_entries_release(&list);
	compiler_manifest_release(&m);
	ck_assert_int_eq(
		compiler_manifest_list_program(&list, "/no/such", env, &err),
		-ENOENT);
	text_has(err.text, "/no/such");
}
