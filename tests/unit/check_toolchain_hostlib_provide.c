/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"
#include "base/digest.h"
#include "base/elf.h"
#include "base/which.h"
#include "toolchain-driver.h"
#include "toolchain/hostlib.h"

#define TRIPLET "aarch64-linux-gnu"
#define CROSS   "/usr/bin/" TRIPLET "-gcc-12"
#define LIBDIR  "/usr/lib/gcc-cross/" TRIPLET "/12"
#define CC1     "libexec/gcc/" TRIPLET "/12/cc1"

static char *id, *prefix, *cc1, *driver, *home;
static struct toolchain_missing_list missing;
static struct strv files, debs, notes;
static struct toolchain_release old = { .n_parts = 3, .parts = { 7, 3, 0 } };
static struct toolchain_release new = { .n_parts = 3, .parts = { 12, 2, 0 } };

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

/* Run argv, whose first word is found in PATH; return its output. */
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
 * Unpack a compiler like kernel.org's, whose cc1 needs libmpfr.so.4, which
 * current systems lack, and calls its functions.
 */
static void unpack(void)
{
	prefix = xasprintf("%s/gcc-7.3.0-nolibc/" TRIPLET, id);
	cc1 = xasprintf("%s/" CC1, prefix);
	driver = xasprintf("%s/bin/" TRIPLET "-gcc", prefix);
	home = xasprintf("%s/hostlib", prefix);
	copy_to(CROSS, prefix, "bin/" TRIPLET "-gcc");
	copy_to("/usr/bin/" TRIPLET "-as", prefix, TRIPLET "/bin/as");
	copy_to(LIBDIR "/cc1", prefix, CC1);
	link_to("../../../../" CC1, prefix, "lib/gcc-cross/" TRIPLET "/12/cc1");
	copy_to(LIBDIR "/include/stddef.h", prefix,
		"lib/gcc-cross/" TRIPLET "/12/include/stddef.h");
	run((const char *[]){ "patchelf", "--replace-needed", "libmpfr.so.6",
			      "libmpfr.so.4", cc1, NULL });
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	id = at("gcc-7.3.0-" TRIPLET);
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
	char *to = at(name), *real = NULL;
	struct buf output = { 0 };
	char *argv[] = { (char *)"/bin/sh", (char *)"-c",
			 (char *)"ldd " LIBDIR "/cc1 | "
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

static bool noted(const char *a, const char *b)
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
	char *root = at("root"), *inside = xasprintf("%s/tmp", root);
	char *argv[] = { driver,       (char *)"-O2", (char *)"-c",
			 (char *)"-o", (char *)"x.o", (char *)"/tmp/x.c",
			 NULL };
	char *here = at("x.c"), *object = xasprintf("%s/x.o", inside);
	static const char text[] =
		"double f(void) { return __builtin_sin(1.5); }\n";
	struct compiler_manifest m;
	struct buf output = { 0 };

	find_missing();
	ck_assert_uint_eq(missing.n, 0);
	must(compiler_manifest_make(&m, driver, env, &err));
	ck_assert_str_eq(m.prefix, prefix);
	must(fs_mkdirs(inside, 0755, &err));
	must(fs_write(here, bytes_str(text), 0644, &err));
	write_file(inside, "x.c", text);
	if (cell_possible()) {
		cell_lay_all(root, &m.entries);
		ck_assert_msg(!cell_run(root, "/tmp", argv, env, &output), "%s",
			      buf_str(&output));
		ck_assert(fs_exists(object));
	}
	argv[5] = here;
	ck_assert_msg(!cell_run(NULL, dir, argv, env, &output), "%s",
		      buf_str(&output));
	compiler_manifest_release(&m);
	buf_release(&output);
	free(object);
	free(here);
	free(inside);
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

TEST(a_compatible_library_of_the_system_serves)
{
	char hex[DIGEST_HEX], *lib = xasprintf("%s/libmpfr.so.4", home);
	struct digest before, after, copy;

	must(digest_file(cc1, &before, &err));
	ck_assert_msg(!provide(&old), "%s", err.text);
	must(digest_file(cc1, &after, &err));
	must(digest_file(lib, &copy, &err));
	ck_assert_uint_eq(notes.n, 2);
	digest_format(&copy, hex);
	ck_assert(noted("library ", hex));
	ck_assert(noted("system library /", "libmpfr.so.6"));
	digest_format(&before, hex);
	ck_assert(noted(CC1 ": runpath $ORIGIN/../../../../hostlib", hex));
	digest_format(&after, hex);
	ck_assert(noted(" before, ", hex));
	check_works();
	free(lib);
}

TEST(a_given_file_serves)
{
	char *file = old_library("given/libmpfr.so.4");

	strv_add(&files, file);
	ck_assert_msg(!provide(&new), "%s", err.text);
	ck_assert(noted("hostlib/libmpfr.so.4: file ", file));
	check_works();
	free(file);
}

TEST(a_package_serves)
{
	char *file = old_library("pkg/usr/lib/x/libmpfr.so.4.1.4");
	char *tree = at("pkg"), *deb = at("libmpfr4.deb");

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
	ck_assert_msg(!provide(&new), "%s", err.text);
	ck_assert(noted("libmpfr.so.4.1.4 of package", deb));
	check_works();
	free(file);
	free(tree);
	free(deb);
}

TEST(what_cannot_be_had_is_named_with_the_way_out)
{
	char *packages = xasprintf("%s/.packages", id);

	ck_assert_int_eq(provide(&new), -ENOENT);
	text_has(err.text, "libmpfr.so.4");
	text_has(err.text, "cc1");
	text_has(err.text, "--library FILE");
	text_has(err.text, "--deb FILE");
	ck_assert(!fs_exists(packages));
	free(packages);
}

/* This version does not search the system's library directories. */
TEST(versions_that_need_none_are_named)
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
	ck_assert_int_eq(toolchain_hostlib_provide(id, &old, &missing, &files,
						   &debs, &notes, &err),
			 -ENOENT);
	text_has(err.text, "gcc-6.5.0, gcc-7.5.0");
	free(nm);
	free(name);
	free(lib);
}

/* It has the name, but not the functions. */
TEST(a_library_that_does_not_fit_is_refused)
{
	char *file = build("bad/libisl.so.15", "int unused;\n", "-shared",
			   NULL);

	run((const char *[]){ "patchelf", "--replace-needed", "libmpfr.so.4",
			      "libmpfr.so.6", "--replace-needed",
			      "libisl.so.23", "libisl.so.15", cc1, NULL });
	strv_add(&files, file);
	find_missing();
	ck_assert_int_eq(toolchain_hostlib_provide(id, &old, &missing, &files,
						   &debs, &notes, &err),
			 -ENOEXEC);
	text_has(err.text, "cc1");
	text_has(err.text, "undefined symbol: isl_");
	free(file);
}

TEST_RANGE(what_is_no_library_is_refused, 0, 2)
{
	char *file = at("libmpfr.so.4");

	must(fs_write(file, bytes_str("text"), 0644, &err));
	if (_i)
		strv_add(&debs, file);
	else
		strv_add(&files, file);
	ck_assert_int_eq(provide(&old), -EINVAL);
	text_has(err.text, file);
	free(file);
}

TEST(a_library_of_another_machine_is_refused)
{
	char *file = at("libmpfr.so.4");

	must(fs_copy("/usr/" TRIPLET "/lib/libm.so.6", file, &err));
	strv_add(&files, file);
	ck_assert_int_eq(provide(&new), -EINVAL);
	text_has(err.text, "different architecture");
	free(file);
}

static char *says(const char *program, const char *arg0)
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

/* A library of a library; names, permissions and times are kept. */
TEST(a_driver_says_what_it_said)
{
	char *base = build("libs/libkfarm-base.so.1",
			   "int base(void) { return 1; }\n", "-shared",
			   "-Wl,-soname,libkfarm-base.so.1");
	char *top = build("libs/libkfarm-top.so.4",
			  "int base(void); int top(void) { return base(); }\n",
			  "-shared", base);
	char *before = says(driver, "any-name"), *after, *link, *again;
	struct stat was, is;

	run((const char *[]){ "patchelf", "--add-needed", "libkfarm-top.so.4",
			      driver, NULL });
	link = xasprintf("%s/bin/" TRIPLET "-gcc-7.3.0", prefix);
	ck_assert_int_eq(linkat(AT_FDCWD, driver, AT_FDCWD, link, 0), 0);
	ck_assert_int_eq(stat(driver, &was), 0);
	strv_add(&files, top);
	strv_add(&files, base);
	find_missing();
	ck_assert_uint_eq(missing.n, 2);
	ck_assert_str_eq(missing.v[0].library, "libkfarm-top.so.4");
	ck_assert_uint_eq(missing.v[0].users.n, 2);
	must(toolchain_hostlib_provide(id, &old, &missing, &files, &debs,
				       &notes, &err));
	ck_assert(noted("hostlib/libkfarm-top.so.4: runpath $ORIGIN,", ""));
	ck_assert_int_eq(stat(driver, &is), 0);
	ck_assert_int_eq(is.st_mode, was.st_mode);
	ck_assert_int_eq(is.st_mtim.tv_sec, was.st_mtim.tv_sec);
	ck_assert_int_eq(is.st_mtim.tv_nsec, was.st_mtim.tv_nsec);
	after = says(driver, "any-name");
	again = says(link, "any-name");
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

/* The library path of the first library already has the element. */
TEST(a_library_that_changes_no_file_does_not_end_the_search)
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
	ck_assert_msg(!toolchain_hostlib_provide(id, &old, &missing, &files,
						 &debs, &notes, &err),
		      "%s", err.text);
	ck_assert(noted("hostlib/libkfarm-last.so.1: file ", last));
	check_works();
	free(top);
	free(base);
	free(last);
}

/* gdb can lack its Python. */
TEST(what_no_build_needs_is_only_noted)
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
	must(toolchain_hostlib_provide(id, &new, &missing, &files, &debs,
				       &notes, &err));
	ck_assert_uint_eq(notes.n, 1);
	ck_assert(noted("without libkfarm-py.so.2", TRIPLET "-gdb"));
}

/* Two directories: the identity depends only on the content. */
TEST(where_it_is_unpacked_does_not_matter)
{
	char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
			(char *)"LC_ALL=C", NULL };
	char *to = at("published"), *there;
	struct compiler_manifest a, b;

	ck_assert_msg(!provide(&old), "%s", err.text);
	must(compiler_manifest_make(&a, driver, env, &err));
	ck_assert_int_eq(rename(id, to), 0);
	there = xasprintf("%s/gcc-7.3.0-nolibc/" TRIPLET "/bin/" TRIPLET "-gcc",
			  to);
	must(compiler_manifest_make(&b, there, env, &err));
	ck_assert(digest_equal(&a.id, &b.id));
	compiler_manifest_release(&a);
	compiler_manifest_release(&b);
	free(there);
	free(to);
}

TEST(without_patchelf_its_package_is_named)
{
	char *path = xstrdup(getenv("PATH"));
	int ret;

	find_missing();
	setenv("PATH", "/nonexistent", 1);
	ret = toolchain_hostlib_provide(id, &old, &missing, &files, &debs,
					&notes, &err);
	setenv("PATH", path, 1);
	ck_assert_int_eq(ret, -ENOPKG);
	text_has(err.text, "package patchelf");
	free(path);
}
