/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"
#include "base/digest.h"
#include "base/elf.h"
#include "base/which.h"
#include "debian-gcc.h"
#include "toolchain-driver.h"
#include "toolchain/hostlib.h"

#define TRIPLET "aarch64-linux-gnu"
#define CROSS   "/usr/bin/" TRIPLET "-gcc"
#define CC1     "libexec/gcc/" TRIPLET "/" GCC_VERSION "/cc1"

static char *id, *prefix, *cc1, *driver, *home;
static struct toolchain_missing_list missing;
static struct strv files, debs, notes;
static struct toolchain_release gcc7 = { .n_parts = 3, .parts = { 7, 3, 0 } };
static struct toolchain_release gcc12 = { .n_parts = 3, .parts = { 12, 2, 0 } };

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

/* Run a command, which is searched in PATH, and return its output. */
static char *run_ok(const char *const *words)
{
	char *argv[12] = { which(words[0], getenv("PATH")) };
	struct buf output = { 0 };
	int status;

	ck_assert_ptr_nonnull(argv[0]);
	for (size_t i = 1; words[i]; i++)
		argv[i] = (char *)words[i];
	status = cell_run(NULL, dir, argv, environ, &output);
	ck_assert_msg(!status, "%s: %s", words[0], buf_str(&output));
	free(argv[0]);
	return buf_steal(&output);
}

static void run(const char *const *words)
{
	free(run_ok(words));
}

/*
 * Create a compiler like those of kernel.org.  Its cc1 needs libmpfr.so.4,
 * which current systems lack, and calls its functions.
 */
static void unpack(void)
{
	prefix = xasprintf("%s/gcc-7.3.0-nolibc/" TRIPLET, id);
	cc1 = xasprintf("%s/" CC1, prefix);
	driver = xasprintf("%s/bin/" TRIPLET "-gcc", prefix);
	home = xasprintf("%s/hostlib", prefix);
	copy_to(CROSS, prefix, "bin/" TRIPLET "-gcc");
	copy_to("/usr/bin/" TRIPLET "-as", prefix, TRIPLET "/bin/as");
	copy_to("/usr/" GCC_EXEC "/cc1", prefix, CC1);
	link_to("../../../../" CC1, prefix, GCC_EXEC "/cc1");
	copy_to("/usr/" GCC_LIB "/include/stddef.h", prefix,
		GCC_LIB "/include/stddef.h");
	run((const char *[]){ "patchelf", "--replace-needed", "libmpfr.so.6",
			      "libmpfr.so.4", cc1, NULL });
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	id = path_of("gcc-7.3.0-" TRIPLET);
	unpack();
}

static void tear_down(void)
{
	struct err ignored;

	toolchain_hostlib_missing_release(&missing);
	strv_release(&files);
	strv_release(&debs);
	strv_release(&notes);
	fs_remove(dir, &ignored);
	free(id);
	free(prefix);
	free(cc1);
	free(driver);
	free(home);
}

static void find_missing(void)
{
	toolchain_hostlib_missing_release(&missing);
	must(toolchain_hostlib_list_missing(id, &missing, &err));
}

static int provide(const struct toolchain_release *release)
{
	find_missing();
	ck_assert_uint_eq(missing.n, 1);
	ck_assert_str_eq(missing.v[0].library, "libmpfr.so.4");
	ck_assert(missing.v[0].required);
	ck_assert_uint_eq(missing.v[0].users.n, 1);
	ck_assert_str_eq(missing.v[0].users.v[0], cc1);
	return toolchain_hostlib_provide(id, release, &missing, &files, &debs,
					 &notes, &err);
}

/* Copy this machine's libmpfr under the old name to the test's directory. */
static char *old_library(const char *name)
{
	char *to = path_of(name), *real = NULL;
	struct buf output = { 0 };
	char *argv[] = { (char *)"/bin/sh", (char *)"-c",
			 (char *)"ldd /usr/" GCC_EXEC "/cc1 | "
				 "sed -n 's/.*libmpfr.* => \\(.*\\) (.*/\\1/p'",
			 NULL };

	ck_assert_int_eq(cell_run(NULL, "/", argv, environ, &output), 0);
	real = buf_steal(&output);
	real[strcspn(real, "\n")] = '\0';
	cell_parent(to);
	must(fs_copy(real, to, &err));
	free(real);
	return to;
}

static bool has_note(const char *a, const char *b)
{
	for (size_t i = 0; i < notes.n; i++) {
		if (strstr(notes.v[i], a) && strstr(notes.v[i], b))
			return true;
	}
	return false;
}

/* Compile locally, and in a root with only the files of the manifest. */
static void check_works(void)
{
	char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
			(char *)"LC_ALL=C", NULL };
	char *root = path_of("root"), *root_tmp = xasprintf("%s/tmp", root);
	char *argv[] = { driver,       (char *)"-O2", (char *)"-c",
			 (char *)"-o", (char *)"x.o", (char *)"/tmp/x.c",
			 NULL };
	char *local_source = path_of("x.c"),
	     *object = xasprintf("%s/x.o", root_tmp);
	static const char text[] =
		"double f(void) { return __builtin_sin(1.5); }\n";
	struct compiler_manifest m;
	struct buf output = { 0 };

	find_missing();
	ck_assert_uint_eq(missing.n, 0);
	must(compiler_manifest_make(&m, driver, env, &err));
	must(fs_mkdirs(root_tmp, 0755, &err));
	must(fs_write(local_source, bytes_str(text), 0644, &err));
	write_file(root_tmp, "x.c", text);
	if (cell_possible()) {
		cell_lay_all(root, &m.entries);
		ck_assert_msg(!cell_run(root, "/tmp", argv, env, &output), "%s",
			      buf_str(&output));
		ck_assert(fs_exists(object));
	}
	argv[5] = local_source;
	ck_assert_msg(!cell_run(NULL, dir, argv, env, &output), "%s",
		      buf_str(&output));
	compiler_manifest_release(&m);
	buf_release(&output);
	free(object);
	free(local_source);
	free(root_tmp);
	free(root);
}

static void require_programs(void)
{
	char *patchelf = which("patchelf", getenv("PATH"));
	char *deb = which("dpkg-deb", getenv("PATH"));
	bool is_possible = patchelf && deb && !access(CROSS, X_OK);

	free(patchelf);
	free(deb);
	if (!is_possible)
		SKIP("no patchelf, dpkg-deb or " CROSS);
}

FIXTURE_ONCE(require_programs, NULL);
FIXTURE(set_up, tear_down);
TIMEOUT(300);

TEST(a_compatible_library_of_the_system_is_provided)
{
	char hex[DIGEST_HEX], *lib = xasprintf("%s/libmpfr.so.4", home);
	struct digest before, after, copy;

	must(digest_file(cc1, &before, &err));
	ck_assert_msg(!provide(&gcc7), "%s", err.text);
	must(digest_file(cc1, &after, &err));
	must(digest_file(lib, &copy, &err));
	ck_assert_uint_eq(notes.n, 2);
	digest_format(&copy, hex);
	ck_assert(has_note("library ", hex));
	ck_assert(has_note("system library /", "libmpfr.so.6"));
	digest_format(&before, hex);
	ck_assert(has_note(CC1 ": runpath $ORIGIN/../../../../hostlib", hex));
	digest_format(&after, hex);
	ck_assert(has_note(" before, ", hex));
	check_works();
	free(lib);
}

TEST(a_library_given_as_a_file_is_provided)
{
	char *file = old_library("given/libmpfr.so.4");

	strv_add(&files, file);
	ck_assert_msg(!provide(&gcc12), "%s", err.text);
	ck_assert(has_note("hostlib/libmpfr.so.4: file ", file));
	check_works();
	free(file);
}

TEST(a_library_in_a_given_package_is_provided)
{
	char *file = old_library("pkg/usr/lib/x/libmpfr.so.4.1.4");
	char *tree = path_of("pkg"), *deb = path_of("libmpfr4.deb");

	free(file);
	link_to("libmpfr.so.4.1.4", tree, "usr/lib/x/libmpfr.so.4");
	cell_parent(file = xasprintf("%s/DEBIAN/control", tree));
	write_file(tree, "DEBIAN/control",
		   "Package: libmpfr4\nVersion: 1\nArchitecture: all\n"
		   "Maintainer: nobody <nobody@example.org>\n"
		   "Description: a test\n");
	run((const char *[]){ "dpkg-deb", "--root-owner-group", "--build", tree,
			      deb, NULL });
	strv_add(&debs, deb);
	ck_assert_msg(!provide(&gcc12), "%s", err.text);
	ck_assert(has_note("libmpfr.so.4.1.4 of package", deb));
	check_works();
	free(file);
	free(tree);
	free(deb);
}

TEST(an_error_names_the_unavailable_library_and_the_options)
{
	char *packages = xasprintf("%s/.packages", id);

	ck_assert_int_eq(provide(&gcc12), -ENOENT);
	text_has(err.text, "libmpfr.so.4");
	text_has(err.text, "cc1");
	text_has(err.text, "--library FILE");
	text_has(err.text, "--deb FILE");
	ck_assert(!fs_exists(packages));
	free(packages);
}

/* nm does not search the system's library directories. */
TEST(an_error_names_releases_that_do_not_need_the_library)
{
	char *lib = build("libmpfr.so.4", "int foo(void) { return 0; }\n",
			  "-shared", "-Wl,-soname,libmpfr.so.4");
	char *name = xasprintf("%s/bin/" TRIPLET "-nm", id + strlen(dir) + 1);
	char *nm;

	run((const char *[]){ "patchelf", "--replace-needed", "libmpfr.so.4",
			      "libmpfr.so.6", cc1, NULL });
	nm = build(name, "int foo(void); void _start(void) { foo(); }\n",
		   "-nostdlib", lib);
	run((const char *[]){ "patchelf", "--no-default-lib", nm, NULL });
	ck_assert_int_eq(unlink(lib), 0);
	find_missing();
	ck_assert_int_eq(toolchain_hostlib_provide(id, &gcc7, &missing, &files,
						   &debs, &notes, &err),
			 -ENOENT);
	text_has(err.text, "gcc-6.5.0, gcc-7.5.0");
	free(nm);
	free(name);
	free(lib);
}

/* The file has the name of the library but lacks its functions. */
TEST(a_library_without_the_needed_symbols_is_rejected)
{
	char *file = build("bad/libisl.so.15", "int unused;\n", "-shared",
			   NULL);

	run((const char *[]){ "patchelf", "--replace-needed", "libmpfr.so.4",
			      "libmpfr.so.6", "--replace-needed",
			      "libisl.so.23", "libisl.so.15", cc1, NULL });
	strv_add(&files, file);
	find_missing();
	ck_assert_int_eq(toolchain_hostlib_provide(id, &gcc7, &missing, &files,
						   &debs, &notes, &err),
			 -ENOEXEC);
	text_has(err.text, "cc1");
	text_has(err.text, "undefined symbol: isl_");
	free(file);
}

TEST_RANGE(a_file_that_is_not_a_library_or_package_is_rejected, 0, 2)
{
	char *file = path_of("libmpfr.so.4");

	must(fs_write(file, bytes_str("text"), 0644, &err));
	if (_i)
		strv_add(&debs, file);
	else
		strv_add(&files, file);
	ck_assert_int_eq(provide(&gcc7), -EINVAL);
	text_has(err.text, file);
	free(file);
}

TEST(a_library_for_another_architecture_is_rejected)
{
	char *file = path_of("libmpfr.so.4");

	must(fs_copy("/usr/" TRIPLET "/lib/libm.so.6", file, &err));
	strv_add(&files, file);
	ck_assert_int_eq(provide(&gcc12), -EINVAL);
	text_has(err.text, "different architecture");
	free(file);
}

static char *version_output(const char *program, const char *arg0)
{
	char *argv[] = { (char *)"/bin/bash",
			 (char *)"-c",
			 (char *)"exec -a \"$1\" \"$0\" --version",
			 (char *)program,
			 (char *)arg0,
			 NULL };
	struct buf output = { 0 };

	ck_assert_msg(!cell_run(NULL, "/", argv, environ, &output), "%s",
		      buf_str(&output));
	return buf_steal(&output);
}

/* The driver needs libkfarm-top, which needs libkfarm-base. */
TEST(a_changed_driver_keeps_its_output_permissions_and_mtime)
{
	char *base = build("libs/libkfarm-base.so.1",
			   "int base(void) { return 1; }\n", "-shared",
			   "-Wl,-soname,libkfarm-base.so.1");
	char *top = build("libs/libkfarm-top.so.4",
			  "int base(void); int top(void) { return base(); }\n",
			  "-shared", base);
	char *before = version_output(driver, "any-name"), *after, *link,
	     *again;
	struct stat old_st, new_st;

	run((const char *[]){ "patchelf", "--add-needed", "libkfarm-top.so.4",
			      driver, NULL });
	link = xasprintf("%s/bin/" TRIPLET "-gcc-7.3.0", prefix);
	ck_assert_int_eq(linkat(AT_FDCWD, driver, AT_FDCWD, link, 0), 0);
	ck_assert_int_eq(stat(driver, &old_st), 0);
	strv_add(&files, top);
	strv_add(&files, base);
	find_missing();
	ck_assert_uint_eq(missing.n, 2);
	ck_assert_str_eq(missing.v[0].library, "libkfarm-top.so.4");
	ck_assert_uint_eq(missing.v[0].users.n, 2);
	must(toolchain_hostlib_provide(id, &gcc7, &missing, &files, &debs,
				       &notes, &err));
	ck_assert(has_note("hostlib/libkfarm-top.so.4: runpath $ORIGIN,", ""));
	ck_assert_int_eq(stat(driver, &new_st), 0);
	ck_assert_int_eq(new_st.st_mode, old_st.st_mode);
	ck_assert_int_eq(new_st.st_mtim.tv_sec, old_st.st_mtim.tv_sec);
	ck_assert_int_eq(new_st.st_mtim.tv_nsec, old_st.st_mtim.tv_nsec);
	after = version_output(driver, "any-name");
	again = version_output(link, "any-name");
	ck_assert_str_eq(before, after);
	ck_assert_str_eq(before, again);
	text_has(after, "any-name (");
	check_works();
	free(again);
	free(link);
	free(after);
	free(before);
	free(top);
	free(base);
}

/* The library path of the first library already contains $ORIGIN. */
TEST(the_dependencies_of_an_unchanged_library_are_provided)
{
	char *last = build("libs/libkfarm-last.so.1",
			   "int last(void) { return 1; }\n", "-shared",
			   "-Wl,-soname,libkfarm-last.so.1");
	char *base = build(
		"libs/libkfarm-base.so.1",
		"int last(void); int base(void) { return last(); }\n",
		"-shared", last);
	char *top = NULL;

	run((const char *[]){ "patchelf", "--set-soname", "libkfarm-base.so.1",
			      base, NULL });
	top = build("libs/libkfarm-top.so.4",
		    "int base(void); int top(void) { return base(); }\n",
		    "-shared", base);
	run((const char *[]){ "patchelf", "--set-rpath", "$ORIGIN", top,
			      NULL });
	run((const char *[]){ "patchelf", "--add-needed", "libkfarm-top.so.4",
			      driver, NULL });
	strv_add(&files, top);
	strv_add(&files, base);
	strv_add(&files, last);
	find_missing();
	ck_assert_msg(!toolchain_hostlib_provide(id, &gcc7, &missing, &files,
						 &debs, &notes, &err),
		      "%s", err.text);
	ck_assert(has_note("hostlib/libkfarm-last.so.1: file ", last));
	check_works();
	free(top);
	free(base);
	free(last);
}

/* A kernel build does not need gdb. */
TEST(a_missing_library_of_gdb_is_noted_but_not_an_error)
{
	copy_to("/bin/true", prefix, "bin/" TRIPLET "-gdb");
	free(prefix);
	prefix = xasprintf("%s/gcc-7.3.0-nolibc/" TRIPLET, id);
	free(home);
	home = xasprintf("%s/bin/" TRIPLET "-gdb", prefix);
	run((const char *[]){ "patchelf", "--add-needed", "libkfarm-py.so.2",
			      home, NULL });
	run((const char *[]){ "patchelf", "--replace-needed", "libmpfr.so.4",
			      "libmpfr.so.6", cc1, NULL });
	find_missing();
	ck_assert_uint_eq(missing.n, 1);
	ck_assert(!missing.v[0].required);
	must(toolchain_hostlib_provide(id, &gcc12, &missing, &files, &debs,
				       &notes, &err));
	ck_assert_uint_eq(notes.n, 1);
	ck_assert(has_note("without libkfarm-py.so.2", TRIPLET "-gdb"));
}

/* The compiler is moved from one directory to another. */
TEST(the_manifest_id_does_not_depend_on_the_directory)
{
	char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
			(char *)"LC_ALL=C", NULL };
	char *to = path_of("published"), *moved_driver;
	struct compiler_manifest a, b;

	ck_assert_msg(!provide(&gcc7), "%s", err.text);
	must(compiler_manifest_make(&a, driver, env, &err));
	ck_assert_int_eq(rename(id, to), 0);
	moved_driver = xasprintf(
		"%s/gcc-7.3.0-nolibc/" TRIPLET "/bin/" TRIPLET "-gcc", to);
	must(compiler_manifest_make(&b, moved_driver, env, &err));
	ck_assert(digest_equal(&a.id, &b.id));
	compiler_manifest_release(&a);
	compiler_manifest_release(&b);
	free(moved_driver);
	free(to);
}

TEST(without_patchelf_the_error_names_its_package)
{
	char *path = xstrdup(getenv("PATH"));
	int ret;

	find_missing();
	setenv("PATH", "/nonexistent", 1);
	ret = toolchain_hostlib_provide(id, &gcc7, &missing, &files, &debs,
					&notes, &err);
	setenv("PATH", path, 1);
	ck_assert_int_eq(ret, -ENOPKG);
	text_has(err.text, "package patchelf");
	free(path);
}
