/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"
#include "base-elf.h"
#include "toolchain-driver.h"
#include "toolchain/hostlib.h"

static struct toolchain_missing_list missing;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	struct err ignored;

	toolchain_hostlib_missing_release(&missing);
	fs_remove(dir, &ignored);
}

/* Build the program `name`, which needs a library that does not exist. */
static char *build_without_library(const char *name, const char *library)
{
	char *soname = xasprintf("-Wl,-soname,%s", library);
	char *lib = build(library, "int foo(void) { return 0; }\n", "-shared",
			  soname);
	char *program = build(name,
			      "int foo(void);\n"
			      "int main(void) { return foo(); }\n",
			      "-s", lib);

	ck_assert_int_eq(unlink(lib), 0);
	free(soname);
	free(lib);
	return program;
}

static void list_missing(void)
{
	must(toolchain_hostlib_list_missing(dir, &missing, &err));
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(each_missing_library_is_listed_with_all_files_that_need_it)
{
	char *gdb = build_without_library("t/bin/x-linux-gdb",
					  "libkfarm-a.so.4");
	char *again = build_without_library("t/bin/x-linux-gcov",
					    "libkfarm-a.so.4");
	char *cc1 = build_without_library("t/libexec/cc1", "libkfarm-b.so.1");

	free(build("t/bin/x-linux-gcc", "int main(void) { return 0; }\n", "-s",
		   NULL));
	list_missing();
	ck_assert_uint_eq(missing.n, 2);
	ck_assert_str_eq(missing.v[0].library, "libkfarm-a.so.4");
	ck_assert(!missing.v[0].required);
	ck_assert_uint_eq(missing.v[0].users.n, 2);
	ck_assert_str_eq(missing.v[0].users.v[0], again);
	ck_assert_str_eq(missing.v[0].users.v[1], gdb);
	ck_assert_str_eq(missing.v[1].library, "libkfarm-b.so.1");
	ck_assert(missing.v[1].required);
	ck_assert_str_eq(missing.v[1].users.v[0], cc1);
	free(cc1);
	free(again);
	free(gdb);
}

/* ld loads the plugin, which has no loader of its own. */
TEST(a_library_that_a_linker_plugin_needs_is_required)
{
	char *lib = build("libkfarm-a.so.4", "int foo(void) { return 0; }\n",
			  "-shared", "-Wl,-soname,libkfarm-a.so.4");
	char *plugin = build(
		"t/libexec/liblto_plugin.so",
		"int foo(void); int onload(void) { return foo(); }\n",
		"-shared", lib);

	ck_assert_int_eq(unlink(lib), 0);
	ck_assert_int_eq(chmod(plugin, 0644), 0);
	/* Without a program, the loader is unknown. */
	list_missing();
	ck_assert_uint_eq(missing.n, 0);
	free(build("t/bin/ld", "int main(void) { return 0; }\n", "-s", NULL));
	list_missing();
	ck_assert_uint_eq(missing.n, 1);
	ck_assert(missing.v[0].required);
	ck_assert_str_eq(missing.v[0].users.v[0], plugin);
	free(plugin);
	free(lib);
}

/* Programs for other machines, a target library, a script and other files. */
TEST(files_that_do_not_run_on_this_machine_are_ignored)
{
	struct elf_spec other = { .machine = EM_S390,
				  .big = true,
				  .interp = "/lib/ld64.so.1",
				  .needed = { "libmpfr.so.4" } };
	struct elf_spec no_loader = { .machine = EM_386,
				      .narrow = true,
				      .interp = "/nonexistent/ld-linux.so.2",
				      .needed = { "libc.so.6" } };
	struct elf_spec target = { .needed = { "libkfarm-t.so" } };
	struct buf a = { 0 }, b = { 0 }, c = { 0 };
	char *bin = xasprintf("%s/bin", dir);

	must(fs_mkdirs(bin, 0755, &err));
	elf_make(&a, &other);
	elf_make(&b, &target);
	elf_make(&c, &no_loader);
	write_file(bin, "script-gcc", "#!/bin/sh\n");
	write_file(bin, "empty-gcc", "");
	write_file(bin, "broken-gcc", "\177ELF");
	free(bin);
	bin = xasprintf("%s/bin/other-gcc", dir);
	must(fs_write(bin, buf_bytes(&a), 0755, &err));
	free(bin);
	bin = xasprintf("%s/bin/i686-gcc", dir);
	must(fs_write(bin, buf_bytes(&c), 0755, &err));
	free(bin);
	bin = xasprintf("%s/bin/libgcc_s.so", dir);
	must(fs_write(bin, buf_bytes(&b), 0755, &err));
	list_missing();
	ck_assert_uint_eq(missing.n, 0);
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
	free(bin);
}

TEST(an_error_names_a_missing_directory)
{
	ck_assert_int_eq(
		toolchain_hostlib_list_missing("/nonexistent", &missing, &err),
		-ENOENT);
	text_has(err.text, "/nonexistent");
	ck_assert_uint_eq(missing.n, 0);
}

static const struct tool {
	const char *path;
	bool required;
} tools[] = {
	{ "x/bin/aarch64-linux-gcc", true },
	{ "x/bin/aarch64-linux-gcc-7.3.0", true },
	{ "x/aarch64-linux/bin/ld.bfd", true },
	{ "x/libexec/gcc/aarch64-linux/7.3.0/cc1", true },
	{ "x/libexec/gcc/aarch64-linux/7.3.0/liblto_plugin.so.0.0.0", true },
	{ "bin/clang-22", true },
	{ "bin/llvm-nm", true },
	{ "x/libexec/gcc/aarch64-linux/7.3.0/cc1plus", false },
	{ "x/bin/aarch64-linux-gdb", false },
	{ "x/bin/aarch64-linux-gcov-dump", false },
	{ "x/bin/canvas", false },
	{ "bin/lldb", false },
};

TEST_EACH(only_compiler_assembler_linker_and_binutils_are_build_tools, tools)
{
	ck_assert_int_eq(toolchain_hostlib_is_build_tool(row->path),
			 row->required);
}
