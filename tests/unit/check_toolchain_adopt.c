/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/adopt.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#define PREFIX "/usr/bin/aarch64-linux-gnu-"
#define ID     "-aarch64-linux-gnu"

static char dir[TEMPDIR_SIZE];
static char *bin;
static struct toolchain_installed t;
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
	bin = xasprintf("%s/vendor/bin", dir);
	must(fs_mkdirs(bin, 0755, &err));
}

static void tear_down(void)
{
	toolchain_installed_release(&t);
	tempdir_remove(dir);
	free(bin);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

static int adopt(const char *location, bool replace)
{
	toolchain_installed_release(&t);
	return toolchain_adopt(dir, location, replace, environ, &t, &err);
}

static void link_tool(const char *name, const char *to)
{
	char *path = xasprintf("%s/%s", bin, name);

	unlink(path);
	ck_assert_int_eq(symlink(to, path), 0);
	free(path);
}

FIXTURE(set_up, tear_down);

TEST_RANGE(a_compiler_of_the_distribution_is_adopted_by_prefix_or_driver, 0, 3)
{
	static const char *const locations[] = { PREFIX, "aarch64-linux-gnu-",
						 PREFIX "gcc" };
	struct toolchain_installed_list list;

	ck_assert_msg(!adopt(locations[_i], false), "%s", err.text);
	text_starts(t.id, "adopted-gcc-");
	text_ends(t.id, ID);
	ck_assert_str_eq(t.adopted_from, locations[_i]);
	ck_assert_str_eq(t.triplet, "aarch64-linux-gnu");
	ck_assert_str_eq(t.bin, "/usr/bin");
	ck_assert_str_eq(t.driver, "aarch64-linux-gnu-gcc");
	ck_assert(strv_has(&t.tools, PREFIX "gcc"));
	ck_assert(strv_has(&t.tools, PREFIX "ld"));
	ck_assert(!strv_has(&t.tools, "/usr/bin/gcc"));
	ck_assert(digest_is_set(&t.manifest_id));
	/* The list contains it.  Its removal does not delete the compiler. */
	must(toolchain_installed_list(dir, &list, &err));
	ck_assert_uint_eq(list.n, 1);
	ck_assert_str_eq(list.v[0].id, t.id);
	must(toolchain_adopt_verify(&list.v[0], environ, &err));
	must(toolchain_installed_remove(dir, t.id, false, &err));
	ck_assert(fs_exists(PREFIX "gcc"));
	toolchain_installed_list_release(&list);
}

TEST(adopting_the_same_compiler_again_succeeds_and_keeps_its_date)
{
	char *date;

	ck_assert_int_eq(adopt(PREFIX, false), 0);
	date = xstrdup(t.date);
	ck_assert_int_eq(adopt(PREFIX, false), 1);
	ck_assert_str_eq(t.date, date);
	free(date);
}

TEST(a_directory_is_adopted_only_if_it_contains_one_compiler)
{
	char *vendor = str_dir(bin);

	link_tool("x-elf-gcc", PREFIX "gcc");
	link_tool("x-elf-ld", PREFIX "ld");
	link_tool("other-nm", PREFIX "nm");
	ck_assert_msg(!adopt(vendor, false), "%s", err.text);
	ck_assert_str_eq(t.triplet, "x-elf");
	ck_assert_str_eq(t.bin, bin);
	ck_assert_uint_eq(t.tools.n, 2);
	ck_assert_int_eq(adopt(bin, false), 1);
	link_tool("y-elf-gcc", PREFIX "gcc");
	ck_assert_int_eq(adopt(vendor, false), -E2BIG);
	text_has(err.text, "x-elf-gcc, ");
	free(vendor);
}

TEST(a_changed_compiler_is_stale_until_its_adoption_is_replaced)
{
	char *prefix = xasprintf("%s/aarch64-linux-gnu-", bin);

	link_tool("aarch64-linux-gnu-gcc", PREFIX "gcc");
	ck_assert_int_eq(adopt(prefix, false), 0);
	must(toolchain_adopt_verify(&t, environ, &err));
	link_tool("aarch64-linux-gnu-gcc", "/usr/bin/gcc");
	ck_assert_int_eq(toolchain_adopt_verify(&t, environ, &err), -ESTALE);
	text_has(err.text, "adopt the compiler again");
	ck_assert_int_eq(toolchain_adopt_verify(&t, environ, &err), -ESTALE);
	/* The version is equal, so it would replace the other toolchain. */
	ck_assert_int_eq(adopt(prefix, false), -EEXIST);
	ck_assert_int_eq(adopt(prefix, true), 1);
	must(toolchain_adopt_verify(&t, environ, &err));
	free(prefix);
}

TEST(a_failed_replacement_keeps_the_links_to_the_tools)
{
	char *prefix = xasprintf("%s/aarch64-linux-gnu-", bin);
	char *name = xasprintf("%s/aarch64-gcc-linux-gcc", dir);
	char *driver = xasprintf("%sgcc", prefix);
	char *scratch = xasprintf("%s/toolchains/.live", dir);

	link_tool("aarch64-linux-gnu-gcc", PREFIX "gcc");
	ck_assert_int_eq(adopt(prefix, false), 0);
	ck_assert_int_eq(symlink(driver, name), 0);
	strv_add(&t.links, name);
	must(toolchain_installed_write(&t, &err));
	link_tool("aarch64-linux-gnu-gcc", "/usr/bin/gcc");
	/* No toolchain can be published without the scratch directory. */
	must(fs_remove(scratch, &err));
	must(fs_write(scratch, (struct bytes){ 0 }, 0600, &err));
	ck_assert_int_lt(adopt(prefix, true), 0);
	ck_assert(fs_exists(name));
	ck_assert_int_eq(unlink(scratch), 0);
	ck_assert_int_eq(adopt(prefix, true), 1);
	ck_assert(!fs_exists(name));
	free(scratch);
	free(driver);
	free(name);
	free(prefix);
}

TEST(a_location_without_a_working_compiler_is_rejected)
{
	ck_assert_int_eq(adopt("/nonexistent/x-", false), -ENOENT);
	text_has(err.text, "/nonexistent/x-gcc");
	ck_assert_int_eq(adopt(bin, false), -ENOENT);
	link_tool("x-gcc", "/usr/bin/true");
	ck_assert_int_ne(adopt(bin, false), 0);
	ck_assert_ptr_null(t.id);
}

/* One directory contains tools of gcc and of clang. */
TEST(only_the_tools_of_the_given_compiler_are_listed)
{
	struct strv tools = { 0 };

	link_tool("clang", "/usr/bin/true");
	link_tool("ld.lld", "/usr/bin/true");
	link_tool("llvm-nm", "/usr/bin/true");
	link_tool("nm", "/usr/bin/true");
	link_tool("llvm-dangling", "/nonexistent");
	must(toolchain_adopt_list_tools(bin, "clang", true, &tools, &err));
	ck_assert_uint_eq(tools.n, 3);
	strv_release(&tools);
	link_tool("gcc", "/usr/bin/true");
	must(toolchain_adopt_list_tools(bin, "gcc", false, &tools, &err));
	ck_assert_uint_eq(tools.n, 2);
	ck_assert(strv_has(&tools, "nm"));
	strv_release(&tools);
}
