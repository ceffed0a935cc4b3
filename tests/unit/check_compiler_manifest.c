/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* Manifests of compilers, whose files alone must suffice in a sandbox. */
#include "../lib/test.h"
#include "debian-gcc.h"
#include "toolchain-driver.h"

#include <sys/time.h>
#include <sys/utsname.h>

#define TRIPLET "aarch64-linux-gnu"

static char *work, *root; /* of the sources; of the sandbox */
static struct compiler_manifest m;

static char *plain_env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
			     (char *)"LC_ALL=C", NULL };

static const char c_source[] =
	"#include <stddef.h>\n#include <stdarg.h>\n#include \"own.h\"\n"
	"int sum(int n, ...);\n"
	"int sum(int n, ...)\n{\n\tva_list ap;\n\tint s = OWN;\n"
	"\tva_start(ap, n);\n\twhile (n--)\n\t\ts += va_arg(ap, int);\n"
	"\tva_end(ap);\n\treturn s + (int)offsetof(struct own, b);\n}\n";
static const char s_source[] = "#include \"own.h\"\n\t.globl f\nf:\n"
			       "\t.long OWN\n\t.asciz \"text\"\n";
static const char own_header[] = "#define OWN 42\n#ifndef __ASSEMBLER__\n"
				 "struct own { char a; long b; };\n#endif\n";

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	work = xasprintf("%s/work", dir);
	root = xasprintf("%s/root", dir);
	must(fs_mkdirs(work, 0755, &err));
	must(fs_mkdirs(root, 0755, &err));
}

static void tear_down(void)
{
	struct err ignored;

	compiler_manifest_release(&m);
	fs_remove(dir, &ignored);
	free(work);
	free(root);
}

static void make(const char *driver, char *const *env)
{
	must(compiler_manifest_make(&m, driver, env, &err));
}

/* Write the same sources at the same path, on the host and in the sandbox. */
static char *write_sources(void)
{
	char *inside = xasprintf("%s%s", root, work);
	char *tmp = xasprintf("%s/tmp", root);
	const char *const places[] = { work, inside };

	must(fs_mkdirs(inside, 0755, &err));
	must(fs_mkdirs(tmp, 0777, &err));
	for (size_t i = 0; i < 2; i++) {
		write_file(places[i], "a.c", c_source);
		write_file(places[i], "a.S", s_source);
		write_file(places[i], "own.h", own_header);
	}
	free(tmp);
	return inside;
}

static void compile(const char *where, char **argv, char *const *env,
		    struct buf *output)
{
	int status = cell_run(where, work, argv, env, output);

	ck_assert_msg(!status, "%s %s: %d: %s", argv[0], argv[1], status,
		      buf_str(output));
}

static void check_same(const char *inside)
{
	char *here = xasprintf("%s/out", work),
	     *there = xasprintf("%s/out", inside);
	struct buf a = { 0 }, b = { 0 };

	must(fs_read(here, 1 << 20, &a, &err));
	must(fs_read(there, 1 << 20, &b, &err));
	ck_assert_uint_gt(a.len, 0);
	ck_assert(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
	buf_release(&a);
	buf_release(&b);
	free(here);
	free(there);
}

static const char *const lines[][8] = {
	{ "-O2", "-g", "-c", "a.c" },
	{ "-O2", "-c", "-flto=auto", "-fno-lto", "a.c" },
	{ "-g", "-c", "a.S" },
	{ "-E", "-Wp,-MMD,out.d", "a.c" },
	{ "-c", "-pipe", "-gdwarf-4", "-ffunction-sections", "a.c" },
};

/* Each kind of compile gives the same result as on the host. */
static void check_compiles(const char *driver, const char *target)
{
	char *headers = NULL, *inside = write_sources();

	for (size_t i = 0; i < m.entries.n && !headers; i++) {
		if (str_ends(m.entries.v[i].path, "/include/stddef.h"))
			headers = str_dir(m.entries.v[i].path);
	}
	ck_assert_ptr_nonnull(headers);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct strv argv = { 0 };
		struct buf here = { 0 }, there = { 0 };

		strv_add(&argv, driver);
		if (target)
			strv_addf(&argv, "--target=%s", target);
		strv_add(&argv, "-nostdinc");
		strv_add(&argv, "-isystem");
		strv_add(&argv, headers);
		strv_add_all(&argv, (char *const *)lines[i]);
		strv_add(&argv, "-o");
		strv_add(&argv, "out");
		compile(NULL, argv.v, plain_env, &here);
		compile(root, argv.v, plain_env, &there);
		ck_assert_str_eq(buf_str(&here), buf_str(&there));
		check_same(inside);
		buf_release(&here);
		buf_release(&there);
		strv_release(&argv);
	}
	free(headers);
	free(inside);
}

static const struct compiler {
	const char *driver, *target;
} compilers[] = {
	{ GCC, NULL },
	{ "/usr/bin/aarch64-linux-gnu-gcc", NULL },
	{ "/usr/bin/arm-linux-gnueabihf-gcc", NULL },
	{ "/usr/bin/riscv64-linux-gnu-gcc", NULL },
	{ "/usr/bin/clang", "aarch64-linux-gnu" },
};

FIXTURE(set_up, tear_down);
TIMEOUT(300);

TEST_EACH(a_sandbox_with_only_the_manifest_compiles_like_the_host, compilers)
{
	struct utsname machine;

	if (access(row->driver, X_OK))
		SKIP("no %s", row->driver);
	if (!cell_possible())
		return;
	make(row->driver, plain_env);
	ck_assert_str_eq(m.driver, row->driver);
	ck_assert_int_eq(uname(&machine), 0);
	ck_assert(compiler_host_can_run(m.host, machine.machine));
	ck_assert_int_eq(m.is_clang, row->target != NULL);
	cell_lay_all(root, &m.entries);
	check_compiles(row->driver, NULL);
	if (row->target)
		check_compiles(row->driver, row->target);
}

TEST(entries_are_sorted_and_match_their_files)
{
	struct digest id, file;

	make(GCC, plain_env);
	ck_assert_ptr_nonnull(m.version);
	ck_assert_ptr_nonnull(strchr(m.machine, '-'));
	for (size_t i = 0; i < m.entries.n; i++) {
		const struct compiler_entry *e = &m.entries.v[i];
		struct stat st;

		if (i)
			ck_assert_int_lt(strcmp(e[-1].path, e->path), 0);
		ck_assert_int_eq(lstat(e->path, &st), 0);
		ck_assert_int_eq(S_ISLNK(st.st_mode),
				 e->kind == COMPILER_ENTRY_SYMLINK);
		ck_assert_int_eq(e->target != NULL,
				 e->kind == COMPILER_ENTRY_SYMLINK);
		if (e->kind != COMPILER_ENTRY_FILE)
			continue;
		must(digest_file(e->path, &file, &err));
		ck_assert(digest_equal(&file, &e->digest));
		ck_assert_uint_eq(e->size_bytes, (uint64_t)st.st_size);
		ck_assert_int_eq(e->mtime_ns,
				 st.st_mtim.tv_sec * INT64_C(1000000000) +
					 st.st_mtim.tv_nsec);
		ck_assert_int_eq(e->executable, (st.st_mode & 0100) != 0);
	}
	ck_assert_int_eq(compiler_manifest_id(m.entries.v, m.entries.n,
					      m.driver, m.is_clang, &id),
			 0);
	ck_assert(digest_equal(&id, &m.id));
}

static const struct compiler_entry *entry(const char *end)
{
	for (size_t i = 0; i < m.entries.n; i++) {
		if (str_ends(m.entries.v[i].path, end))
			return &m.entries.v[i];
	}
	return NULL;
}

/* RUNPATH with $ORIGIN requires /proc, which a sandbox lacks. */
TEST_RANGE(a_library_from_origin_or_ld_library_path_is_in_the_manifest, 0, 2)
{
	static const char *const how[] = { "-Wl,-rpath,$ORIGIN/../lib",
					   "-Wl,-rpath,/nonexistent" };
	char *lib, *flags, *driver, *path;
	char *env[] = { plain_env[0], NULL, NULL };
	char *argv[] = { NULL, NULL };
	struct buf output = { 0 };

	lib = build("lib/libfoo-test.so", "int foo(void) { return 33; }\n",
		    "-shared", "-Wl,-soname,libfoo-test.so");
	flags = xstrdup(how[_i]);
	driver = make_driver("bin/gcc", as_here, flags, lib);
	make_cc1();
	path = xasprintf("LD_LIBRARY_PATH=%s/lib", dir);
	if (_i)
		env[1] = path;
	make(driver, env);
	ck_assert_ptr_nonnull(entry("/lib/libfoo-test.so"));
	if (cell_possible()) {
		cell_lay_all(root, &m.entries);
		argv[0] = driver;
		ck_assert_int_eq(cell_run(root, "/", argv, plain_env, &output),
				 33);
	}
	buf_release(&output);
	free(path);
	free(driver);
	free(flags);
	free(lib);
}

TEST(a_driver_with_a_missing_library_is_an_error_with_its_path)
{
	char *lib = build("lib/libfoo-test.so",
			  "int foo(void) { return 33; }\n", "-shared",
			  "-Wl,-soname,libfoo-test.so");
	char *rpath = xasprintf("-Wl,-rpath,%s/lib", dir);
	char *driver = make_driver("bin/gcc", as_here, rpath, lib);

	make_cc1();
	ck_assert_int_eq(unlink(lib), 0);
	ck_assert_int_lt(compiler_manifest_make(&m, driver, plain_env, &err),
			 0);
	/* The driver needs the library to run, so it cannot answer queries. */
	text_has(err.text, driver);
	ck_assert_uint_eq(m.entries.n, 0);
	free(driver);
	free(rpath);
	free(lib);
}

TEST(a_static_driver_needs_no_loader)
{
	char *driver = make_driver("bin/gcc", as_here, "-static", NULL);
	char *argv[] = { driver, NULL };
	struct buf output = { 0 };

	make_cc1();
	make(driver, plain_env);
	ck_assert_ptr_nonnull(entry("/bin/gcc"));
	if (cell_possible()) {
		char *inside = xasprintf("%s%s/bin/gcc", root, dir);

		/* The sandbox contains only the file itself. */
		cell_parent(inside);
		must(fs_copy(driver, inside, &err));
		ck_assert_int_eq(cell_run(root, "/", argv, plain_env, &output),
				 7);
		free(inside);
	}
	buf_release(&output);
	free(driver);
}

TEST(an_assembler_from_another_path_directory_gets_a_link)
{
	char *driver = make_driver("bin/gcc", as_here, "-s", NULL);
	char *bin = xasprintf("%s/mine/as", dir);
	char *path = xasprintf("PATH=%s/mine:%s", dir, COMPILER_TOOLCHAIN_PATH);
	char *env[] = { path, NULL };

	make_cc1();
	cell_parent(bin);
	must(fs_copy("/bin/true", bin, &err));
	make(driver, env);
	ck_assert_ptr_nonnull(entry("/mine/as"));
	ck_assert_ptr_nonnull(entry("/usr/local/bin/as"));
	ck_assert_str_eq(entry("/usr/local/bin/as")->target, bin);
	free(path);
	free(bin);
	free(driver);
}

#define CC1 "libexec/gcc/" TRIPLET "/" GCC_VERSION "/cc1"

/*
 * The layout of kernel.org's archives: bin, libexec/gcc, TRIPLET/bin.  The
 * driver is Debian's, which searches GCC_EXEC, so that is a symbolic link.
 */
static char *unpack(const char *name)
{
	static const char lib[] = "/usr/" GCC_LIB;
	char *prefix = xasprintf("%s/%s/" TRIPLET, dir, name);

	copy_to("/usr/bin/" TRIPLET "-gcc", prefix, "bin/" TRIPLET "-gcc");
	copy_to("/usr/bin/" TRIPLET "-as", prefix, TRIPLET "/bin/as");
	copy_to("/usr/" GCC_EXEC "/cc1", prefix, CC1);
	link_to("../../../../" CC1, prefix, GCC_EXEC "/cc1");
	for (size_t i = 0; i < 2; i++) {
		const char *header = i ? "stddef.h" : "stdarg.h";
		char *from = xasprintf("%s/include/%s", lib, header);
		char *to = xasprintf(GCC_LIB "/include/%s", header);

		copy_to(from, prefix, to);
		free(from);
		free(to);
	}
	return prefix;
}

TEST(an_archive_unpacked_in_two_directories_has_one_identity)
{
	char *one, *two, *driver, *link;
	struct compiler_manifest other;

	if (access("/usr/" GCC_EXEC "/cc1", X_OK))
		SKIP("no gcc " GCC_VERSION " for " TRIPLET);
	one = unpack("one");
	two = unpack("two/deeper");
	driver = xasprintf("%s/bin/" TRIPLET "-gcc", one);
	make(driver, plain_env);
	ck_assert_ptr_nonnull(entry("/" CC1));
	ck_assert_ptr_nonnull(entry("/" TRIPLET "/bin/as"));
	if (cell_possible()) {
		cell_lay_all(root, &m.entries);
		check_compiles(driver, NULL);
	}
	/* A link from another directory gives the same toolchain. */
	free(driver);
	driver = xasprintf("%s/bin/" TRIPLET "-gcc", two);
	link = xasprintf("%s/my-gcc", dir);
	ck_assert_int_eq(symlink(driver, link), 0);
	for (size_t i = 0; i < 2; i++) {
		must(compiler_manifest_make(&other, i ? link : driver,
					    plain_env, &err));
		ck_assert(digest_equal(&m.id, &other.id));
		compiler_manifest_release(&other);
	}
	free(link);
	free(driver);
	free(one);
	free(two);
}

TEST_RANGE(the_check_names_the_changed_file_or_directory, 0, 4)
{
	static const char *const parts[] = { "/libexec/cc1", "/bin/gcc",
					     "/inc/x.h", "/inc/new.h" };
	char *headers = xasprintf("else if (ASKED(\"=include\") &&"
				  " !ASKED(\"fixed\")) puts(\"%s/inc\");"
				  "else if (ASKED(\"=as\")) puts(\"as\");",
				  dir);
	char *driver = make_driver("bin/gcc", headers, "-s", NULL);
	char *inc = xasprintf("%s/inc", dir);
	char *file = xasprintf("%s%s", dir, parts[_i]);
	struct timeval times[2] = { { 1000, 0 }, { 1000, 0 } };

	make_cc1();
	must(fs_mkdirs(inc, 0755, &err));
	write_file(inc, "x.h", "1");
	ck_assert_int_eq(utimes(inc, times), 0);
	make(driver, plain_env);
	ck_assert_ptr_nonnull(entry("/inc/x.h"));
	must(compiler_manifest_check_unchanged(&m, &err));
	if (_i == 3)
		must(fs_write(file, bytes_str(""), 0644, &err));
	else
		ck_assert_int_eq(utimes(file, times), 0);
	ck_assert_int_eq(compiler_manifest_check_unchanged(&m, &err), -ESTALE);
	text_has(err.text, _i == 3 ? inc : file);
	if (_i != 3) {
		ck_assert_int_eq(unlink(file), 0);
		ck_assert_int_eq(compiler_manifest_check_unchanged(&m, &err),
				 -ESTALE);
	}
	free(file);
	free(inc);
	free(driver);
	free(headers);
}

/* Files that would change a compile if they existed. */
static const char *const additions[] = { "inc/specs", "specs", "first/as",
					 "first/cc1", "second/cc1" };

TEST_EACH(an_added_specs_file_or_program_is_reported, additions)
{
	char *answers = xasprintf(
		"else if (ASKED(\"=include\") && !ASKED(\"fixed\"))"
		" puts(\"%s/inc/include\");"
		"else if (ASKED(\"=as\")) puts(\"%s/second/as\");"
		"else if (ASKED(\"search\")) puts(\"install: /\\n"
		"programs: =%s/first:%s/second/\\nlibraries: =/\");",
		dir, dir, dir, dir);
	char *driver = make_driver("bin/gcc", answers, "-s", NULL);
	char *headers = xasprintf("%s/inc/include", dir);
	char *added = xasprintf("%s/%s", dir, additions[_i]);
	char *parent = str_dir(added);

	make_cc1();
	ck_assert_int_eq(fs_mkdirs(headers, 0755, &err), 0);
	copy_to("/bin/true", dir, "second/as");
	make(driver, plain_env);
	/* Repeat until recent times of the directories are reliable. */
	for (int i = 0; i < 60000 && !compiler_manifest_check_quick(&m); i++) {
		usleep(1000);
		ck_assert_msg(!compiler_manifest_check_unchanged(&m, &err),
			      "%s", err.text);
	}
	ck_assert(compiler_manifest_check_quick(&m));
	ck_assert_int_eq(fs_mkdirs(parent, 0755, &err), 0);
	ck_assert_int_eq(fs_write(added, bytes_str(""), 0755, &err), 0);
	ck_assert(!compiler_manifest_check_quick(&m));
	ck_assert_int_eq(compiler_manifest_check_unchanged(&m, &err), -ESTALE);
	ck_assert_ptr_nonnull(strstr(err.text, added));
	ck_assert_ptr_nonnull(strstr(err.text, "was added"));
	free(parent);
	free(added);
	free(headers);
	free(driver);
	free(answers);
}

/* A change of cc1, specs, headers or the assembler changes the identity. */
TEST_RANGE(a_change_of_any_part_changes_the_identity, 0, 5)
{
	char *answers = xasprintf(
		"else if (ASKED(\"=include\") && !ASKED(\"fixed\"))"
		" puts(\"%s/inc/include\");"
		"else if (ASKED(\"=as\")) puts(\"%s/as\");",
		dir, dir);
	char *driver = make_driver("bin/gcc", answers, "-s", NULL);
	char *inc = xasprintf("%s/inc", dir), *deep;
	struct digest before;

	make_cc1();
	deep = xasprintf("%s/inc/include", dir);
	must(fs_mkdirs(deep, 0755, &err));
	copy_to("/bin/true", dir, "as");
	make(driver, plain_env);
	before = m.id;
	compiler_manifest_release(&m);
	if (_i == 0)
		copy_to("/bin/false", dir, "libexec/cc1");
	else if (_i == 1)
		write_file(inc, "specs", "*cc1:\n");
	else if (_i == 2)
		write_file(deep, "x.h", "\n");
	else if (_i == 3)
		copy_to("/bin/false", dir, "as");
	else
		link_to("specs", deep, "dangling");
	make(driver, plain_env);
	ck_assert(!digest_equal(&before, &m.id));
	free(deep);
	free(inc);
	free(driver);
	free(answers);
}

static const char *const refused[] = {
	"COMPILER_PATH=/x",        "GCC_EXEC_PREFIX=/x",
	"CCC_OVERRIDE_OPTIONS=x",  "GCC_ROOT=/x",
	"LD_LIBRARY_PATH=lib:x",   "BINUTILS_ROOT=/x",
	"XTENSA_GNU_CONFIG=/x.so",
};

TEST_EACH(variables_that_change_the_driver_are_rejected, refused)
{
	char *env[] = { plain_env[0], (char *)*row, NULL };
	char *name = xstrndup(*row, strcspn(*row, "="));

	ck_assert_int_eq(compiler_manifest_make(&m, GCC, env, &err), -ENOTSUP);
	text_has(err.text, name);
	free(name);
}

TEST(specs_found_through_library_path_are_rejected)
{
	char *variable = xasprintf("LIBRARY_PATH=%s", dir);
	char *env[] = { plain_env[0], variable, NULL };

	make(GCC, env);
	compiler_manifest_release(&m);
	write_file(dir, "specs", "*link:\n-x\n\n");
	ck_assert_int_eq(compiler_manifest_make(&m, GCC, env, &err), -ENOTSUP);
	text_has(err.text, "LIBRARY_PATH");
	free(variable);
}

static const char *const others[] = { "/bin/ls",      "/bin/true",   "/bin/cat",
				      "/nonexistent", "/etc/passwd", "/tmp" };

TEST_EACH(a_file_that_is_no_compiler_is_rejected_with_its_path, others)
{
	ck_assert_int_lt(compiler_manifest_make(&m, *row, plain_env, &err), 0);
	text_has(err.text, *row);
	ck_assert_uint_eq(m.entries.n, 0);
}

TEST(scripts_and_wrappers_are_rejected_as_drivers)
{
	char *script = xasprintf("%s/gcc", dir);
	char *link = xasprintf("%s/cc", dir);

	fs_write(script, bytes_str("#!/bin/sh\nexec gcc \"$@\"\n"), 0755, &err);
	ck_assert_int_eq(compiler_manifest_make(&m, script, plain_env, &err),
			 -ENOEXEC);
	text_has(err.text, script);
	copy_to("/bin/true", dir, "ccache");
	link_to("ccache", dir, "cc");
	ck_assert_int_eq(compiler_manifest_make(&m, link, plain_env, &err),
			 -ENOEXEC);
	text_has(err.text, "wrapper");
	free(link);
	free(script);
}

TEST(an_unreadable_cc1_is_reported_with_its_path)
{
	char *driver, *cc1 = xasprintf("%s/libexec/cc1", dir);

	driver = make_driver("bin/gcc", as_here, "-s", NULL);
	make_cc1();
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(chmod(cc1, 0111), 0);
	if (!geteuid())
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(compiler_manifest_make(&m, driver, plain_env, &err),
			 -EACCES);
	text_has(err.text, cc1);
	if (!getuid())
		ck_assert_int_eq(seteuid(0), 0);
	free(driver);
	free(cc1);
}
