/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* Shared libraries of a program, as the dynamic loader finds them. */
#include "compiler/library.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base-elf.h"

static char dir[TEMPDIR_SIZE];
static struct compiler_library_search search;
static struct compiler_library_list got;
static struct err err;
static char *program;
static bool narrow; /* word size of the files that are made */

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void write_bytes(const char *name, struct bytes in)
{
	char *path = at(name), *parent = str_dir(path);

	must(fs_mkdirs(parent, 0755, &err));
	must(fs_write(path, in, 0755, &err));
	free(parent);
	free(path);
}

static void make(const char *name, struct elf_spec s)
{
	struct buf bytes = { 0 };

	s.narrow = narrow;
	elf_make(&bytes, &s);
	write_bytes(name, buf_bytes(&bytes));
	buf_release(&bytes);
}

/* A loader that searches two directories of the test and contains its name. */
static void make_loader(void)
{
	struct elf_spec s = { .soname = "ld.so.1", .narrow = narrow };
	struct buf bytes = { 0 };

	elf_make(&bytes, &s);
	buf_printf(&bytes, "%c/etc/%c%s/one/%c%s/two/%cx", 0, 0, dir, 0, dir,
		   0);
	/*
	 * The first "/etc/" is part of the string table, like in glibc's
	 * loader.
	 */
	write_bytes("ld.so", buf_bytes(&bytes));
	buf_release(&bytes);
}

/* Write the program, with the test's loader. */
static void make_program(struct elf_spec s)
{
	char *loader = at("ld.so");

	s.interp = loader;
	make("bin/program", s);
	free(loader);
}

static void set_up(void)
{
	tempdir_make(dir);
	make_loader();
	program = at("bin/program");
}

static void tear_down(void)
{
	compiler_library_list_release(&got);
	buf_release(&search.cache);
	tempdir_remove(dir);
	free(program);
}

static int find(void)
{
	return compiler_library_find_all(&got, program, &search, &err);
}

static void found(size_t i, const char *name, const char *path, bool plain)
{
	char *want = path[0] == '/' ? xstrdup(path) : at(path);

	ck_assert_uint_lt(i, got.n);
	ck_assert_str_eq(got.v[i].name, name);
	ck_assert_str_eq(got.v[i].path, want);
	ck_assert_int_eq(got.v[i].found_by_default, plain);
	free(want);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(the_loaders_own_directories_are_searched_in_order)
{
	make_program(
		(struct elf_spec){ .needed = { "liba", "libb", "ld.so.1" } });
	make("two/liba", (struct elf_spec){ 0 });
	make("one/libb", (struct elf_spec){ .needed = { "liba" } });
	make("two/libb", (struct elf_spec){ 0 });
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert_uint_eq(got.n, 2);
	ck_assert_str_eq(got.default_dir, "/etc");
	found(0, "liba", "two/liba", true);
	found(1, "libb", "one/libb", true);
}

TEST(libraries_that_need_each_other_are_found_once)
{
	make_program((struct elf_spec){ .needed = { "liba" } });
	make("one/liba", (struct elf_spec){ .needed = { "libb", "liba" } });
	make("one/libb", (struct elf_spec){ .needed = { "liba", "libc" } });
	make("one/libc",
	     (struct elf_spec){ .needed = { "libb" }, .soname = "libother" });
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert_uint_eq(got.n, 3);
}

TEST(a_loaded_library_satisfies_its_soname)
{
	make_program((struct elf_spec){ .needed = { "liba", "libreal" } });
	make("one/liba", (struct elf_spec){ .soname = "libreal" });
	make("one/libreal", (struct elf_spec){ 0 });
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert_uint_eq(got.n, 1);
}

TEST(a_missing_library_is_reported_with_its_user)
{
	make_program((struct elf_spec){ .needed = { "liba" } });
	make("one/liba", (struct elf_spec){ .needed = { "libmissing.so.5" } });
	ck_assert_int_eq(find(), -ENOENT);
	text_has(err.text, "libmissing.so.5");
	text_has(err.text, "/one/liba");
	ck_assert_uint_eq(got.n, 0);
	ck_assert_ptr_null(got.loader);
}

TEST(all_missing_libraries_are_reported_at_once)
{
	struct compiler_missing_libraries needs;
	char *liba = at("one/liba");

	make_program((struct elf_spec){ .needed = { "libx", "liba", "liby" } });
	make("one/liba", (struct elf_spec){ .needed = { "liby", "libz" } });
	must(compiler_library_find_missing(&needs, program, NULL, &search,
					   &err));
	ck_assert_uint_eq(needs.names.n, 4);
	ck_assert_str_eq(needs.names.v[0], "libx");
	ck_assert_str_eq(needs.names.v[1], "liby");
	ck_assert_str_eq(needs.users.v[1], program);
	ck_assert_str_eq(needs.names.v[2], "liby");
	ck_assert_str_eq(needs.users.v[2], liba);
	ck_assert_str_eq(needs.names.v[3], "libz");
	compiler_library_missing_release(&needs);
	free(liba);
}

TEST(libraries_of_a_plugin_are_searched_if_a_loader_is_given)
{
	char *plugin = at("plugin.so"), *loader = at("ld.so");
	struct compiler_missing_libraries needs;

	make("plugin.so", (struct elf_spec){ .needed = { "liba", "libx" } });
	make("two/liba", (struct elf_spec){ 0 });
	must(compiler_library_find_missing(&needs, plugin, NULL, &search,
					   &err));
	ck_assert_uint_eq(needs.names.n, 0);
	compiler_library_missing_release(&needs);
	must(compiler_library_find_missing(&needs, plugin, loader, &search,
					   &err));
	ck_assert_uint_eq(needs.names.n, 1);
	ck_assert_str_eq(needs.names.v[0], "libx");
	compiler_library_missing_release(&needs);
	free(loader);
	free(plugin);
}

TEST(find_missing_lists_a_missing_loader)
{
	struct compiler_missing_libraries needs;
	char *loader = at("ld.so");

	make_program((struct elf_spec){ .needed = { "libx" } });
	ck_assert_int_eq(unlink(loader), 0);
	must(compiler_library_find_missing(&needs, program, NULL, &search,
					   &err));
	ck_assert_uint_eq(needs.names.n, 1);
	ck_assert_str_eq(needs.names.v[0], loader);
	compiler_library_missing_release(&needs);
	free(loader);
}

TEST(a_library_is_found_in_the_loaders_default_directories)
{
	char *path, *want = at("two/liba");

	make_program((struct elf_spec){ .rpath = "/nonexistent" });
	make("two/liba", (struct elf_spec){ 0 });
	make("one/libb", (struct elf_spec){ .machine = EM_AARCH64 });
	path = compiler_library_find("liba", program, &search);
	ck_assert_ptr_nonnull(path);
	ck_assert_str_eq(path, want);
	free(path);
	ck_assert_ptr_null(compiler_library_find("libb", program, &search));
	ck_assert_ptr_null(compiler_library_find("libc", program, &search));
	free(want);
}

/* $ORIGIN of a program requires /proc, that of a library does not. */
TEST(origin_is_the_directory_of_the_file)
{
	char *absolute = at("abs");

	make_program((struct elf_spec){
		.needed = { "liba", "libplain" },
		.runpath = "relative:$ORIGIN/../lib:/nonexistent" });
	make("lib/liba", (struct elf_spec){ .needed = { "libb" },
					    .runpath = "${ORIGIN}/deep" });
	make("bin/../lib/deep/libb", (struct elf_spec){ 0 });
	make("one/libplain", (struct elf_spec){ .needed = { "libc", "libd" },
						.runpath = "$ORIGIN/deep" });
	make("one/deep/libc",
	     (struct elf_spec){ .needed = { "libe" }, .runpath = absolute });
	make("two/libd", (struct elf_spec){ 0 });
	make("abs/libe", (struct elf_spec){ 0 });
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert_uint_eq(got.n, 6);
	found(0, "liba", "bin/../lib/liba", false);
	found(1, "libplain", "one/libplain", true);
	found(2, "libb", "bin/../lib/deep/libb", false);
	found(3, "libc", "one/deep/libc", true);
	found(4, "libd", "two/libd", true);
	found(5, "libe", "abs/libe", true);
	free(absolute);
}

/* DT_RUNPATH applies only to its own file, DT_RPATH to all dependencies. */
TEST_RANGE(rpath_is_inherited_and_runpath_is_not, 0, 2)
{
	char *extra = at("extra");
	struct elf_spec s = { .needed = { "liba" } };

	if (_i)
		s.runpath = extra;
	else
		s.rpath = extra;
	make_program(s);
	make("extra/liba", (struct elf_spec){ .needed = { "libb" } });
	make("extra/libb", (struct elf_spec){ 0 });
	ck_assert_int_eq(find(), _i ? -ENOENT : 0);
	if (!_i)
		found(1, "libb", "extra/libb", true);
	/* A DT_RUNPATH disables the inherited DT_RPATH. */
	make("extra/liba", (struct elf_spec){ .needed = { "libb" },
					      .runpath = "/nonexistent" });
	compiler_library_list_release(&got);
	ck_assert_int_eq(find(), -ENOENT);
	free(extra);
}

TEST_RANGE(ld_library_path_precedes_runpath_and_follows_rpath, 0, 2)
{
	char *extra = at("extra"), *path = xasprintf("%s/env::/no", dir);

	search.library_path = path;
	make_program((struct elf_spec){ .needed = { "liba" },
					.runpath = _i ? NULL : extra,
					.rpath = _i ? extra : NULL });
	make("extra/liba", (struct elf_spec){ 0 });
	make("env/liba", (struct elf_spec){ 0 });
	ck_assert_msg(!find(), "%s", err.text);
	found(0, "liba", _i ? "extra/liba" : "env/liba", _i);
	free(path);
	free(extra);
}

static const char *const odd_paths[] = { "lib", "/x:lib", "$ORIGIN" };

TEST_RANGE(a_relative_ld_library_path_is_refused, 0, 3)
{
	search.library_path = odd_paths[_i];
	make_program((struct elf_spec){ .needed = { "liba" } });
	make("one/liba", (struct elf_spec){ 0 });
	ck_assert_int_eq(find(), -ENOTSUP);
	text_has(err.text, "LD_LIBRARY_PATH");
}

/*
 * In the format of glibc's dl-cache.h, with an entry for each pair of strings.
 */
static void make_cache(const char *const (*pairs)[2], size_t n)
{
	uint32_t header[7] = { (uint32_t)n };
	size_t strings = 48 + 24 * n;
	struct buf text = { 0 };

	buf_add_str(&search.cache, "glibc-ld.so.cache1.1");
	buf_add(&search.cache, header, sizeof(header));
	for (size_t i = 0; i < n; i++) {
		uint32_t entry[6] = { 3 };

		entry[1] = (uint32_t)(strings + text.len);
		buf_add(&text, pairs[i][0], strlen(pairs[i][0]) + 1);
		entry[2] = (uint32_t)(strings + text.len);
		buf_add(&text, pairs[i][1], strlen(pairs[i][1]) + 1);
		buf_add(&search.cache, entry, sizeof(entry));
	}
	buf_add_bytes(&search.cache, buf_bytes(&text));
	buf_release(&text);
}

TEST_RANGE(the_cache_precedes_the_loaders_own_directories, 0, 2)
{
	char *far = at("far/liba"), *near = at("two/libb");
	const char *const pairs[][2] = { { "liba", "/nonexistent/liba" },
					 { "liba", far },
					 { "libb", near } };

	make_cache(pairs, 3);
	make_program((struct elf_spec){ .needed = { "liba", "libb" },
					.no_default = _i });
	make("far/liba", (struct elf_spec){ 0 });
	make("one/liba", (struct elf_spec){ 0 });
	make("two/libb", (struct elf_spec){ 0 });
	ck_assert_int_eq(find(), _i ? -ENOENT : 0);
	if (!_i) {
		found(0, "liba", "far/liba", false);
		found(1, "libb", "two/libb", true);
	}
	free(far);
	free(near);
}

TEST(a_library_for_another_machine_is_skipped)
{
	make_program((struct elf_spec){ .needed = { "liba" } });
	make("one/liba", (struct elf_spec){ .machine = EM_ARM });
	make("two/liba", (struct elf_spec){ 0 });
	ck_assert_msg(!find(), "%s", err.text);
	found(0, "liba", "two/liba", true);
}

TEST(a_broken_library_is_an_error_that_names_it)
{
	make_program((struct elf_spec){ .needed = { "liba" } });
	write_bytes("one/liba", bytes_str("broken"));
	make("two/liba", (struct elf_spec){ 0 });
	ck_assert_int_eq(find(), -ENOEXEC);
	text_has(err.text, "/one/liba");
}

TEST(libraries_are_selected_by_word_size)
{
	char *loader = at("ld.so");

	narrow = true;
	make_loader();
	make_program((struct elf_spec){ .needed = { "liba" } });
	make("one/liba", (struct elf_spec){ 0 });
	narrow = false;
	make("two/liba", (struct elf_spec){ 0 });
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert_str_eq(got.loader, loader);
	found(0, "liba", "one/liba", true);
	/* A 64-bit program skips that library. */
	make_program((struct elf_spec){ .needed = { "liba" } });
	compiler_library_list_release(&got);
	ck_assert_msg(!find(), "%s", err.text);
	found(0, "liba", "two/liba", true);
	free(loader);
}

TEST(a_library_name_with_a_slash_must_be_an_absolute_path)
{
	char *far = at("far/liba");

	make_program((struct elf_spec){ .needed = { far } });
	make("far/liba", (struct elf_spec){ 0 });
	ck_assert_msg(!find(), "%s", err.text);
	found(0, far, "far/liba", true);
	make_program((struct elf_spec){ .needed = { "./far/liba" } });
	compiler_library_list_release(&got);
	ck_assert_int_eq(find(), -ENOTSUP);
	free(far);
}

TEST(a_search_path_that_depends_on_the_cpu_is_refused)
{
	make_program((struct elf_spec){ .needed = { "liba" },
					.runpath = "$ORIGIN/$LIB" });
	ck_assert_int_eq(find(), -ENOTSUP);
	text_has(err.text, "$LIB");
}

TEST(find_all_reports_a_missing_loader)
{
	char *loader = at("ld.so");

	make_program((struct elf_spec){ .needed = { "liba" } });
	ck_assert_int_eq(unlink(loader), 0);
	ck_assert_int_eq(find(), -ENOENT);
	text_has(err.text, loader);
	text_has(err.text, program);
	free(loader);
}

TEST(a_static_program_needs_no_library_and_no_loader)
{
	make("bin/program", (struct elf_spec){ .no_dynamic = true });
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert_uint_eq(got.n, 0);
	ck_assert_ptr_null(got.loader);
}

TEST(directories_are_read_from_the_bytes_of_a_loader)
{
	static const char glibc[] = "x\0/a/b\0/no\0y\0/lib/x/\0/usr/lib/x/\0"
				    "/lib/\0/with space/\0/z/";
	static const char musl[] = "junk\0/lib:/usr/local/lib:/usr/lib\0more";
	struct strv dirs = { 0 };
	char *all;

	compiler_library_loader_dirs(&dirs, bytes_of(glibc, sizeof(glibc)));
	all = strv_join(&dirs, " ");
	ck_assert_str_eq(all, "/lib/x /usr/lib/x /lib");
	free(all);
	strv_release(&dirs);
	compiler_library_loader_dirs(&dirs, bytes_of(musl, sizeof(musl)));
	all = strv_join(&dirs, " ");
	ck_assert_str_eq(all, "/lib /usr/local/lib /usr/lib");
	free(all);
	strv_release(&dirs);
	compiler_library_loader_dirs(&dirs, bytes_of("/", 1));
	compiler_library_loader_dirs(&dirs, bytes_of(NULL, 0));
	compiler_library_loader_dirs(&dirs, bytes_of("\0/lib/", 6));
	ck_assert_uint_eq(dirs.n, 0);
}

TEST(libraries_of_the_test_program_are_found)
{
	must(compiler_library_find_all(&got, "/proc/self/exe", &search, &err));
	ck_assert_ptr_nonnull(got.default_dir);
	ck_assert_uint_gt(got.n, 0);
}
