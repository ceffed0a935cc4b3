/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/masquerade.h"

static char *dir; /* first directory in PATH */
static char *real_nm; /* this machine's nm; NULL if it lacks libbfd */

/* Install a real nm as `name`, with its plugin and, if not NULL, `plugin`. */
static void put_tool(const char *plugin, const char *name)
{
	char *bin = at("binutils/bin"), *copy = xasprintf("%s/%s", bin, name);
	struct err err = { 0 };

	must(fs_mkdirs(bin, 0755, &err));
	must(fs_copy(real_nm, copy, &err));
	put_file("binutils/lib/bfd-plugins/liblto_plugin.so", "own", 0644);
	if (plugin) {
		char *file = xasprintf("binutils/lib/bfd-plugins/%s", plugin);

		put_file(file, "foreign", 0644);
		free(file);
	}
	free(copy);
	free(bin);
}

static void copy_tools(void)
{
	char *path = xasprintf("%s/nosuch:%s/binutils/bin", top, top);
	struct err err = { 0 };

	must(kernel_masquerade_copy_tools(dir, path, &err));
	free(path);
}

static void set_up(void)
{
	struct err err = { 0 };
	char *path;

	tree_set_up();
	dir = at("front/bin");
	must(fs_mkdirs(dir, 0755, &err));
	path = which("nm", "/usr/bin:/bin");
	real_nm = path ? realpath(path, NULL) : NULL;
	ck_assert_ptr_nonnull(real_nm);
	free(path);
}

static void tear_down(void)
{
	free(dir);
	free(real_nm);
	tree_tear_down();
}

FIXTURE(set_up, tear_down);

TEST(a_tool_with_a_foreign_plugin_is_copied)
{
	put_tool("LLVMgold.so", "some-linux-nm");
	copy_tools();
	ck_assert(stands("front/bin/some-linux-nm"));
	ck_assert(stands("front/lib/bfd-plugins/liblto_plugin.so"));
	ck_assert(!stands("front/lib/bfd-plugins/LLVMgold.so"));
}

TEST(a_tool_without_a_foreign_plugin_is_not_copied)
{
	put_tool(NULL, "some-linux-nm");
	copy_tools();
	ck_assert(!stands("front/bin/some-linux-nm"));
}

TEST(programs_with_other_names_and_scripts_are_not_copied)
{
	static const char *const names[] = { "llvm-nm", "some-gcc-nm",
					     "some-elfedit", "nmap" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		put_tool("LLVMgold.so", names[i]);
	put_file("binutils/bin/script-nm", "#!/bin/sh\n", 0755);
	copy_tools();
	/* `dir` is still empty. */
	ck_assert_int_eq(rmdir(dir), 0);
}

TEST(a_tool_hidden_by_an_earlier_path_entry_is_not_copied)
{
	char *path = xasprintf("%s/first:%s/binutils/bin", top, top);
	struct err err = { 0 };

	put_tool("LLVMgold.so", "some-nm");
	put_file("first/some-nm", "#!/bin/sh\n", 0755);
	must(kernel_masquerade_copy_tools(dir, path, &err));
	ck_assert(!stands("front/bin/some-nm"));
	free(path);
}

TEST(an_existing_file_is_not_replaced)
{
	char *text;

	put_tool("LLVMgold.so", "some-nm");
	put_file("front/bin/some-nm", "ours", 0755);
	copy_tools();
	text = at("front/bin/some-nm");
	free(dir);
	dir = get_file(text);
	ck_assert_str_eq(dir, "ours");
	free(text);
}
