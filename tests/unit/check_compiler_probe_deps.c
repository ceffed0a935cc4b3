/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: compiler */
/* Lists of files on which cached probe results depend. */
#include "../lib/test.h"

#include "compiler/probe-deps.h"

#include "base/which.h"
#include "options/probe-stamps.h"

static char *dir;
static char *env[] = { "PATH=/usr/bin:/bin", NULL };

static void setup(void)
{
	char template[] = "/tmp/check-compiler-probes-XXXXXX";

	dir = xstrdup(mkdtemp(template));
}

static void teardown(void)
{
	struct err err;

	fs_remove(dir, &err);
	free(dir);
}

static char *driver_of(const char *name)
{
	return which_compiler(name, "/usr/bin:/bin", NULL);
}

static bool read_list(const char *driver, struct buf *out)
{
	struct options_probe_compiler c = options_probe_compiler_from_env(
		driver, env);
	char *path = options_probe_stamps_path(dir, false, &c);
	struct err err;
	uint64_t id[2];
	bool is = !fs_read(path, OPTIONS_PROBE_STAMPS_MAX_BYTES, out, &err) &&
		  options_probe_stamps_is_current(buf_bytes(out), &c, id);

	free(path);
	return is;
}

static bool names(const struct buf *list, const char *path)
{
	char *line = xasprintf(" %s\n", path);
	bool is = strstr(buf_str(list), line);

	free(line);
	return is;
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST_RANGE(a_list_contains_the_compilers_programs_and_libraries, 0, 2)
{
	char *driver = driver_of(_i ? "clang" : "gcc"), *real;
	struct buf list = { 0 };
	struct err err;

	if (!driver)
		SKIP("no %s", _i ? "clang" : "gcc");
	must(compiler_probe_deps_update(dir, driver, env, &err));
	ck_assert(read_list(driver, &list));
	real = realpath(driver, NULL);
	ck_assert(names(&list, driver) && names(&list, real));
	ck_assert(names(&list, "/etc/ld.so.cache"));
	ck_assert(names(&list, "/usr/bin"));
	ck_assert(_i || strstr(buf_str(&list), "/cc1\n"));
	ck_assert(_i || strstr(buf_str(&list), "/as\n"));
	text_has(buf_str(&list), "/libc.so.6\n");
	free(real);
	free(driver);
	buf_release(&list);
}

TEST(an_update_for_a_script_or_missing_driver_fails)
{
	struct err err;
	char *file = xasprintf("%s/gcc", dir);

	must(fs_write(file, bytes_str("#!/bin/sh\n"), 0700, &err));
	ck_assert_int_lt(compiler_probe_deps_update(dir, file, env, &err), 0);
	ck_assert_int_lt(compiler_probe_deps_update(dir, "/no/gcc", env, &err),
			 0);
	free(file);
}

/*
 * A driver that changes the directory of PATH each time it runs, so long before
 * the end of the search that the change alone is not recent.
 */
static const char changing_driver[] =
	"#include <fcntl.h>\n"
	"#include <unistd.h>\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	close(creat(BIN \"/file\", 0600));\n"
	"	unlink(BIN \"/file\");\n"
	"	usleep(100000);\n"
	"	argv[0] = REAL;\n"
	"	return execv(REAL, argv);\n"
	"}\n";

TEST(a_change_during_the_search_prevents_a_list)
{
	char *real = driver_of("gcc"), *driver = xasprintf("%s/driver", dir);
	char *bin = xasprintf("%s/bin", dir), *source, *command;
	char *path = xasprintf("PATH=%s:/usr/bin:/bin", bin);
	char *changed[] = { path, NULL };
	struct err err;

	if (!real)
		SKIP("no gcc");
	source = xasprintf("%s.c", driver);
	command = xasprintf("%s -DBIN='\"%s\"' -DREAL='\"%s\"' -o %s %s", real,
			    bin, real, driver, source);
	must(fs_write(source, bytes_str(changing_driver), 0600, &err));
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(mkdir(bin, 0700), 0);
	/* Retry, because the driver itself is new. */
	do {
		ck_assert_int_eq(
			compiler_probe_deps_update(dir, driver, changed, &err),
			-EAGAIN);
	} while (strstr(err.text, "/driver has just changed"));
	text_has(err.text, "/bin has just changed");
	free(command);
	free(source);
	free(path);
	free(bin);
	free(driver);
	free(real);
}

TEST(a_request_is_removed_when_its_list_is_made)
{
	char *driver = driver_of("gcc"), *path;
	struct options_probe_compiler c = options_probe_compiler_from_env(
		driver ? driver : "/none", env);
	struct buf text = { 0 };
	struct err err;

	options_probe_stamps_begin(&text, &c);
	options_probe_stamps_end(&text);
	path = options_probe_stamps_path(dir, true, &c);
	must(fs_write(path, buf_bytes(&text), 0600, &err));
	compiler_probe_deps_update_requested(dir);
	ck_assert(!fs_exists(path));
	buf_reset(&text);
	ck_assert_int_eq(read_list(c.driver, &text), driver != NULL);
	buf_release(&text);
	free(path);
	free(driver);
}

static void fill(unsigned n)
{
	struct err err;

	for (unsigned i = 0; i < n; i++) {
		struct timespec times[2] = { { i, 0 }, { i, 0 } };
		char *path = xasprintf("%s/%u", dir, i);

		must(fs_write(path, bytes_str("x"), 0600, &err));
		ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
		free(path);
	}
}

TEST(trim_removes_the_older_half_of_too_many_files)
{
	struct strv left = { 0 };
	char *last = xasprintf("%s/3999", dir), *first = xasprintf("%s/0", dir);

	fill(100);
	compiler_probe_deps_trim(dir);
	ck_assert_int_eq(fs_list(dir, &left), 0);
	ck_assert_uint_eq(left.n, 100);
	strv_release(&left);
	fill(4000);
	compiler_probe_deps_trim(dir);
	ck_assert_int_eq(fs_list(dir, &left), 0);
	ck_assert_uint_eq(left.n, 1999);
	ck_assert(fs_exists(last) && !fs_exists(first));
	strv_release(&left);
	free(first);
	free(last);
}
