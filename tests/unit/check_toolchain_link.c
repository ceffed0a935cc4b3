/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "toolchain/link.h"

#include <limits.h>

static char top[64]; /* the data directory */
static const struct toolchain_release gcc13 = { .n_parts = 3,
						.parts = { 13, 3, 0 } };
static char *dir, *bin, *copies;
static const char *driver, *triplet;
static struct strv links, collisions;
static struct err err;

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static void make_file(const char *name, mode_t mode)
{
	char *path = path_of(name), *above = str_dir(path);

	must(fs_mkdirs(above, 0755, &err));
	must(fs_write(path, bytes_str("x"), mode, &err));
	free(above);
	free(path);
}

static void make_link(const char *name, const char *target)
{
	char *path = path_of(name), *above = str_dir(path);

	must(fs_mkdirs(above, 0755, &err));
	ck_assert_int_eq(symlink(target, path), 0);
	free(above);
	free(path);
}

static void check_link(const char *name, const char *target)
{
	char *path = path_of(name), got[PATH_MAX];
	ssize_t n = readlink(path, got, sizeof(got) - 1);

	ck_assert_msg(n > 0, "%s is no link", path);
	got[n] = '\0';
	ck_assert_str_eq(got, target);
	free(path);
}

static bool link_exists(const char *name)
{
	char *path = path_of(name);
	struct stat st;
	bool yes = !lstat(path, &st);

	free(path);
	return yes;
}

#define BIN_DIR "toolchains/gcc-13.3.0-aarch64-linux/gcc/aarch64-linux/bin"

static void set_up(void)
{
	strcpy(top, "/tmp/check-link-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	driver = NULL;
	triplet = "aarch64-linux";
	dir = toolchain_link_dir(top);
	bin = path_of(BIN_DIR);
	make_file(BIN_DIR "/aarch64-linux-gcc", 0755);
	make_file(BIN_DIR "/aarch64-linux-ld", 0755);
	make_file(BIN_DIR "/aarch64-linux-notes", 0644);
	make_file(BIN_DIR "/gcc", 0755);
	links = collisions = (struct strv){ 0 };
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	must(fs_remove(top, &err));
	strv_release(&links);
	strv_release(&collisions);
	free(dir);
	free(bin);
	free(copies);
	copies = NULL;
}

static int publish(void)
{
	struct toolchain_link_request w = { .link_dir = dir,
					    .data_dir = top,
					    .bin_dir = bin,
					    .copies_dir = copies,
					    .driver = driver,
					    .triplet = triplet,
					    .release = &gcc13 };

	return toolchain_link_publish(&w, &links, &collisions, &err);
}

FIXTURE(set_up, tear_down);

/* The second name is longer than NAME_MAX, so symlink(2) fails. */
TEST(a_failed_publication_removes_all_its_links)
{
	char name[512] = BIN_DIR "/aarch64-linux-x";
	size_t len = strlen(name);
	char *path;
	int fd;

	memset(name + len, 'x', 250 - strlen("aarch64-linux-x"));
	path = path_of(name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ck_assert_int_ge(fd, 0);
	close(fd);
	free(path);
	copies = path_of("toolchains/gcc-13.3.0-aarch64-linux/copies");
	make_file(
		"toolchains/gcc-13.3.0-aarch64-linux/copies/aarch64-linux-gcc",
		0755);
	ck_assert_int_eq(publish(), -ENAMETOOLONG);
	ck_assert(!link_exists("bin/aarch64-gcc1330-linux-ld"));
	ck_assert(!link_exists("bin/aarch64-gcc1330-linux-gcc"));
}

TEST(each_executable_tool_is_linked_under_its_normalized_name)
{
	char *gcc = path_of("bin/aarch64-gcc1330-linux-gcc");
	char *target = path_of(BIN_DIR "/aarch64-linux-gcc");

	ck_assert_msg(!publish(), "%s", err.text);
	ck_assert_uint_eq(links.n, 2);
	ck_assert_str_eq(links.v[0], gcc);
	ck_assert_uint_eq(collisions.n, 0);
	check_link("bin/aarch64-gcc1330-linux-gcc", target);
	ck_assert(link_exists("bin/aarch64-gcc1330-linux-ld"));
	ck_assert(!link_exists("bin/aarch64-gcc1330-linux-notes"));
	ck_assert(toolchain_link_leads_into(dir, "aarch64-gcc1330-linux-gcc",
					    bin));
	ck_assert(!toolchain_link_leads_into(dir, "aarch64-gcc1330-linux-nm",
					     bin));
	ck_assert(!toolchain_link_leads_into(dir, "aarch64-gcc1330-linux-gcc",
					     dir));
	free(target);
	free(gcc);
}

TEST(publishing_again_reports_the_same_links)
{
	ck_assert_int_eq(publish(), 0);
	strv_release(&links);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 2);
	ck_assert_uint_eq(collisions.n, 0);
}

TEST(foreign_files_and_links_are_kept_and_reported)
{
	char *first, *second;

	make_link("bin/aarch64-gcc1330-linux-gcc", "/usr/bin/true");
	make_file("bin/aarch64-gcc1330-linux-ld", 0755);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 0);
	ck_assert_uint_eq(collisions.n, 2);
	first = xasprintf("%s/aarch64-gcc1330-linux-gcc links to /usr/bin/true",
			  dir);
	second = xasprintf("%s/aarch64-gcc1330-linux-ld is a file", dir);
	ck_assert_str_eq(collisions.v[0], first);
	ck_assert_str_eq(collisions.v[1], second);
	check_link("bin/aarch64-gcc1330-linux-gcc", "/usr/bin/true");
	free(second);
	free(first);
}

TEST(a_foreign_dangling_link_is_kept)
{
	make_link("bin/aarch64-gcc1330-linux-gcc", "/nosuch/gcc");
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(collisions.n, 1);
	check_link("bin/aarch64-gcc1330-linux-gcc", "/nosuch/gcc");
}

TEST(a_link_of_another_toolchain_is_replaced_only_if_it_dangles)
{
	char *other = path_of("toolchains/other/bin/gcc");
	char *target = path_of(BIN_DIR "/aarch64-linux-gcc");

	make_file("toolchains/other/bin/gcc", 0755);
	make_link("bin/aarch64-gcc1330-linux-gcc", other);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(collisions.n, 1);
	check_link("bin/aarch64-gcc1330-linux-gcc", other);

	ck_assert_int_eq(unlink(other), 0);
	strv_release(&collisions);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(collisions.n, 0);
	check_link("bin/aarch64-gcc1330-linux-gcc", target);
	free(target);
	free(other);
}

TEST(a_link_that_leaves_the_toolchains_directory_is_foreign)
{
	char *outside = path_of("toolchains/../nosuch");

	make_link("bin/aarch64-gcc1330-linux-gcc", outside);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(collisions.n, 1);
	free(outside);
}

TEST(a_link_to_another_tool_of_an_adopted_compiler_is_kept)
{
	char *ld = path_of("usr/bin/aarch64-linux-ld");

	free(bin);
	bin = path_of("usr/bin");
	make_file("usr/bin/aarch64-linux-gcc", 0755);
	make_file("usr/bin/aarch64-linux-ld", 0755);
	make_link("bin/aarch64-gcc1330-linux-gcc", ld);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 1);
	ck_assert_uint_eq(collisions.n, 1);
	check_link("bin/aarch64-gcc1330-linux-gcc", ld);
	free(ld);
}

TEST(a_copy_of_a_tool_is_linked_instead_of_the_tool)
{
	char *ld = path_of("toolchains/adopted/bin/aarch64-linux-ld");
	char *gcc = path_of(BIN_DIR "/aarch64-linux-gcc");

	copies = path_of("toolchains/adopted/bin");
	make_file("toolchains/adopted/bin/aarch64-linux-ld", 0755);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 2);
	check_link("bin/aarch64-gcc1330-linux-gcc", gcc);
	check_link("bin/aarch64-gcc1330-linux-ld", ld);
	must(toolchain_link_unpublish(&links, bin, &err));
	ck_assert(!link_exists("bin/aarch64-gcc1330-linux-gcc"));
	ck_assert(link_exists("bin/aarch64-gcc1330-linux-ld"));
	must(toolchain_link_unpublish(&links, copies, &err));
	ck_assert(!link_exists("bin/aarch64-gcc1330-linux-ld"));
	free(gcc);
	free(ld);
}

/* Use the directory usr/bin with these tools, separated by spaces. */
static void use_tools(const char *names)
{
	struct strv tools = { 0 };

	strv_split(&tools, names, " ");
	for (size_t i = 0; i < tools.n; i++) {
		char *path = xasprintf("usr/bin/%s", tools.v[i]);

		make_file(path, 0755);
		free(path);
	}
	strv_release(&tools);
	free(bin);
	bin = path_of("usr/bin");
}

static void check_tool(const char *name, const char *tool)
{
	char *target = xasprintf("%s/%s", bin, tool);

	check_link(name, target);
	free(target);
}

TEST(a_driver_with_a_version_gets_the_tools_of_its_version)
{
	use_tools(
		"aarch64-linux-gcc aarch64-linux-gcc-12 aarch64-linux-gcc-13 "
		"aarch64-linux-gcc-ar aarch64-linux-gcc-ar-12 "
		"aarch64-linux-gcov-12 aarch64-linux-g++ aarch64-linux-g++-13 "
		"aarch64-linux-ld aarch64-linux-ld.bfd");
	driver = "aarch64-linux-gcc-12";
	ck_assert_msg(!publish(), "%s", err.text);
	ck_assert_uint_eq(collisions.n, 0);
	check_tool("bin/aarch64-gcc1330-linux-gcc", "aarch64-linux-gcc-12");
	check_tool("bin/aarch64-gcc1330-linux-gcc-ar",
		   "aarch64-linux-gcc-ar-12");
	check_tool("bin/aarch64-gcc1330-linux-gcov", "aarch64-linux-gcov-12");
	check_tool("bin/aarch64-gcc1330-linux-ld", "aarch64-linux-ld");
	check_tool("bin/aarch64-gcc1330-linux-ld.bfd", "aarch64-linux-ld.bfd");
	/* The C++ compiler belongs to the other release. */
	ck_assert_uint_eq(links.n, 5);
}

TEST(a_clang_with_a_version_gets_the_tools_of_its_version)
{
	use_tools("clang clang-14 clang-15 ld.lld-14 llvm-ar llvm-ar-14 "
		  "llvm-nm-15 lld gcc-14");
	driver = "clang-14";
	triplet = NULL;
	ck_assert_msg(!publish(), "%s", err.text);
	check_tool("bin/clang-13.3.0", "clang-14");
	check_tool("bin/ld.lld-13.3.0", "ld.lld-14");
	check_tool("bin/llvm-ar-13.3.0", "llvm-ar-14");
	check_tool("bin/lld-13.3.0", "lld");
	ck_assert_uint_eq(links.n, 4);
}

TEST(a_directory_without_tools_of_the_triplet_is_an_error)
{
	free(bin);
	bin = path_of("empty");
	ck_assert_int_eq(publish(), -ENOENT);
	make_file("empty/gcc", 0755);
	ck_assert_int_eq(publish(), -ENOENT);
	text_has(err.text, "aarch64-linux-*");
	ck_assert(!link_exists("bin"));
}

TEST(unpublish_removes_only_links_to_the_given_directory)
{
	ck_assert_int_eq(publish(), 0);
	make_file("bin/foreign", 0755);
	strv_addf(&links, "%s/foreign", dir);
	strv_addf(&links, "%s/nosuch", dir);
	ck_assert_int_eq(unlink(links.v[1]), 0);
	ck_assert_int_eq(symlink("/usr/bin/ld", links.v[1]), 0);
	must(toolchain_link_unpublish(&links, bin, &err));
	ck_assert(!link_exists("bin/aarch64-gcc1330-linux-gcc"));
	check_link("bin/aarch64-gcc1330-linux-ld", "/usr/bin/ld");
	ck_assert(link_exists("bin/foreign"));
}

TEST(temporary_links_of_terminated_processes_are_removed)
{
	pid_t pid = fork();
	char *temp_link;

	if (!pid)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	temp_link = xasprintf("bin/.kfarm-link.%d.1", (int)pid);
	make_link(temp_link, "/nosuch");
	make_link("bin/.kfarm-link.1.1", "/nosuch");
	ck_assert_int_eq(publish(), 0);
	ck_assert(!link_exists(temp_link));
	ck_assert(link_exists("bin/.kfarm-link.1.1"));
	free(temp_link);
}

/* Eight processes publish the same tools. */
TEST(concurrent_publications_create_all_links_without_collisions)
{
	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(publish() || links.n != 2 || collisions.n);
	}
	for (int i = 0; i < 8; i++) {
		int status = -1;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 2);
}
