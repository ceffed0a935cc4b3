/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* Copies of binutils that load only the plugins of the compiler. */
#include "../lib/test.h"
#include "base/which.h"
#include "compiler/bfd-plugins.h"
#include "toolchain-driver.h"

static char *real_nm, *place, *nm, *copies, *copy;
static struct strv foreign;

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put_plugin(const char *name)
{
	char *path = xasprintf("%s/%s", place, name);

	cell_parent(path);
	must(fs_write(path, bytes_str("plugin"), 0644, &err));
	free(path);
}

static void set_up(void)
{
	char *path = which("nm", "/usr/bin:/bin");

	ck_assert_ptr_nonnull(mkdtemp(dir));
	real_nm = realpath(path, NULL);
	ck_assert_ptr_nonnull(real_nm);
	place = at("usr/lib/bfd-plugins");
	nm = at("usr/bin/some-linux-nm");
	copies = at("ours/bin");
	copy = at("ours/bin/some-linux-nm");
	copy_to(real_nm, dir, "usr/bin/some-linux-nm");
	must(fs_mkdirs(copies, 0755, &err));
	put_plugin("liblto_plugin.so");
	put_plugin("libdep.so");
	free(path);
}

static void tear_down(void)
{
	struct err ignored;

	strv_release(&foreign);
	fs_remove(dir, &ignored);
	free(real_nm);
	free(place);
	free(nm);
	free(copies);
	free(copy);
}

static int take(const char *tool)
{
	int ret = compiler_bfd_plugins_copy_tool(copies, tool, "some-linux-nm",
						 &err);

	ck_assert_msg(ret >= 0, "%s", err.text);
	return ret;
}

static const struct name {
	const char *name;
	bool is;
} names[] = {
	{ "nm", true },
	{ "aarch64-linux-gnu-ranlib", true },
	{ "aarch64-gcc1220-linux-gnu-nm", true },
	{ "arm-gcc1330-linux-gnueabi-ar", true },
	{ "llvm-nm", false },
	{ "aarch64-linux-gnu-gcc-nm", false },
	{ "aarch64-gcc1220-linux-gnu-gcc-ar", false },
	{ "aarch64-linux-gnu-elfedit", false },
	{ "nmap", false },
	{ "", false },
};

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST_EACH(tools_that_load_bfd_plugins_are_recognized_by_name, names)
{
	ck_assert_int_eq(compiler_bfd_plugins_is_loader_name(row->name),
			 row->is);
}

TEST(foreign_plugins_are_listed_for_a_link_to_a_tool)
{
	char *link = at("link-nm");

	ck_assert_int_eq(symlink(nm, link), 0);
	ck_assert(!compiler_bfd_plugins_list_foreign(link, &foreign));
	ck_assert_uint_eq(foreign.n, 0);
	put_plugin("LLVMgold.so");
	put_plugin("../../lib64/bfd-plugins/LLVMgold-15.so");
	put_plugin("README");
	ck_assert(compiler_bfd_plugins_list_foreign(link, &foreign));
	ck_assert_uint_eq(foreign.n, 2);
	text_ends(foreign.v[0], "lib/bfd-plugins/LLVMgold.so");
	text_ends(foreign.v[1], "lib64/bfd-plugins/LLVMgold-15.so");
	free(link);
}

/* Unrelated programs in the same directory. */
TEST(programs_without_libbfd_have_no_foreign_plugins)
{
	char *other = at("usr/bin/true-nm");

	put_plugin("LLVMgold.so");
	copy_to("/bin/true", dir, "usr/bin/true-nm");
	ck_assert(!compiler_bfd_plugins_list_foreign(other, &foreign));
	ck_assert_uint_eq(foreign.n, 0);
	must(compiler_bfd_plugins_copy_tool(copies, other, "true-nm", &err));
	ck_assert(!compiler_bfd_plugins_list_foreign("/nonexistent", &foreign));
	free(other);
}

/* A program with a static libbfd contains the path of its plugins. */
TEST(a_static_libbfd_is_recognized)
{
	char *other = build("usr/bin/static-nm",
			    "#include <stdio.h>\nint main(void) {\n"
			    "return puts(\"/x/lib/bfd-plugins\") < 0; }\n",
			    "-O0", NULL);

	put_plugin("LLVMgold.so");
	ck_assert(compiler_bfd_plugins_list_foreign(other, &foreign));
	free(other);
}

static char *version_output(const char *program)
{
	char *argv[] = { (char *)program, (char *)"--version", NULL };
	struct buf output = { 0 };

	ck_assert_int_eq(cell_run(NULL, "/", argv, environ, &output), 0);
	return buf_steal(&output);
}

TEST(a_copied_tool_loads_only_the_compilers_plugins)
{
	char *plugin = at("ours/lib/bfd-plugins/liblto_plugin.so");
	char *gold = at("ours/lib/bfd-plugins/LLVMgold.so");
	char *before = version_output(nm), *after;

	ck_assert_int_eq(take(nm), 0);
	put_plugin("LLVMgold.so");
	ck_assert_int_eq(take(nm), 1);
	ck_assert(fs_exists(plugin));
	ck_assert(!fs_exists(gold));
	ck_assert(!compiler_bfd_plugins_list_foreign(copy, &foreign));
	after = version_output(copy);
	ck_assert_str_eq(before, after);
	/* The existing file is kept. */
	ck_assert_int_eq(take(nm), 0);
	free(after);
	free(before);
	free(gold);
	free(plugin);
}
