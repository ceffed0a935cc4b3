/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "toolchain/link.h"

#include <limits.h>

static char top[64]; /* the data directory */
static const struct toolchain_release gcc13 = { .n_parts = 3,
						.parts = { 13, 3, 0 } };
static char *dir, *bin, *copies;
static struct strv links, collisions;
static struct err err;

static char *at(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static void put(const char *name, mode_t mode)
{
	char *path = at(name), *above = str_dir(path);

	must(fs_mkdirs(above, 0755, &err));
	must(fs_write(path, bytes_str("x"), mode, &err));
	free(above);
	free(path);
}

static void link_to(const char *name, const char *target)
{
	char *path = at(name), *above = str_dir(path);

	must(fs_mkdirs(above, 0755, &err));
	ck_assert_int_eq(symlink(target, path), 0);
	free(above);
	free(path);
}

static void leads(const char *name, const char *target)
{
	char *path = at(name), got[PATH_MAX];
	ssize_t n = readlink(path, got, sizeof(got) - 1);

	ck_assert_msg(n > 0, "%s is no link", path);
	got[n] = '\0';
	ck_assert_str_eq(got, target);
	free(path);
}

static bool stands(const char *name)
{
	char *path = at(name);
	struct stat st;
	bool yes = !lstat(path, &st);

	free(path);
	return yes;
}

#define HOME "toolchains/gcc-13.3.0-aarch64-linux/gcc/aarch64-linux/bin"

static void set_up(void)
{
	strcpy(top, "/tmp/check-link-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = toolchain_link_dir(top);
	bin = at(HOME);
	put(HOME "/aarch64-linux-gcc", 0755);
	put(HOME "/aarch64-linux-ld", 0755);
	put(HOME "/aarch64-linux-notes", 0644);
	put(HOME "/gcc", 0755);
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
					    .triplet = "aarch64-linux",
					    .release = &gcc13 };

	return toolchain_link_publish(&w, &links, &collisions, &err);
}

FIXTURE(set_up, tear_down);

/* The second name is longer than NAME_MAX, so symlink(2) fails. */
TEST(an_error_removes_links_to_copies_too)
{
	char name[512] = HOME "/aarch64-linux-x";
	size_t len = strlen(name);
	char *path;
	int fd;

	memset(name + len, 'x', 250 - strlen("aarch64-linux-x"));
	path = at(name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ck_assert_int_ge(fd, 0);
	close(fd);
	free(path);
	copies = at("toolchains/gcc-13.3.0-aarch64-linux/copies");
	put("toolchains/gcc-13.3.0-aarch64-linux/copies/aarch64-linux-gcc",
	    0755);
	ck_assert_int_eq(publish(), -ENAMETOOLONG);
	ck_assert(!stands("bin/aarch64-gcc1330-linux-ld"));
	ck_assert(!stands("bin/aarch64-gcc1330-linux-gcc"));
}

TEST(every_tool_gets_its_link)
{
	char *gcc = at("bin/aarch64-gcc1330-linux-gcc");
	char *target = at(HOME "/aarch64-linux-gcc");

	ck_assert_msg(!publish(), "%s", err.text);
	ck_assert_uint_eq(links.n, 2);
	ck_assert_str_eq(links.v[0], gcc);
	ck_assert_uint_eq(collisions.n, 0);
	leads("bin/aarch64-gcc1330-linux-gcc", target);
	ck_assert(stands("bin/aarch64-gcc1330-linux-ld"));
	ck_assert(!stands("bin/aarch64-gcc1330-linux-notes"));
	ck_assert(toolchain_link_leads_into(dir, "aarch64-gcc1330-linux-gcc",
					    bin));
	ck_assert(!toolchain_link_leads_into(dir, "aarch64-gcc1330-linux-nm",
					     bin));
	ck_assert(!toolchain_link_leads_into(dir, "aarch64-gcc1330-linux-gcc",
					     dir));
	free(target);
	free(gcc);
}

TEST(a_second_time_finds_them_all)
{
	ck_assert_int_eq(publish(), 0);
	strv_release(&links);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 2);
	ck_assert_uint_eq(collisions.n, 0);
}

TEST(what_is_not_ours_stays_and_is_reported)
{
	char *first, *second;

	link_to("bin/aarch64-gcc1330-linux-gcc", "/usr/bin/true");
	put("bin/aarch64-gcc1330-linux-ld", 0755);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 0);
	ck_assert_uint_eq(collisions.n, 2);
	first = xasprintf("%s/aarch64-gcc1330-linux-gcc links to /usr/bin/true",
			  dir);
	second = xasprintf("%s/aarch64-gcc1330-linux-ld is a file", dir);
	ck_assert_str_eq(collisions.v[0], first);
	ck_assert_str_eq(collisions.v[1], second);
	leads("bin/aarch64-gcc1330-linux-gcc", "/usr/bin/true");
	free(second);
	free(first);
}

TEST(a_dangling_link_of_others_stays)
{
	link_to("bin/aarch64-gcc1330-linux-gcc", "/nosuch/gcc");
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(collisions.n, 1);
	leads("bin/aarch64-gcc1330-linux-gcc", "/nosuch/gcc");
}

TEST(another_toolchains_link_stays_as_long_as_it_is_there)
{
	char *other = at("toolchains/other/bin/gcc");
	char *target = at(HOME "/aarch64-linux-gcc");

	put("toolchains/other/bin/gcc", 0755);
	link_to("bin/aarch64-gcc1330-linux-gcc", other);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(collisions.n, 1);
	leads("bin/aarch64-gcc1330-linux-gcc", other);

	ck_assert_int_eq(unlink(other), 0);
	strv_release(&collisions);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(collisions.n, 0);
	leads("bin/aarch64-gcc1330-linux-gcc", target);
	free(target);
	free(other);
}

TEST(a_link_out_of_our_directory_is_not_ours)
{
	char *out = at("toolchains/../nosuch");

	link_to("bin/aarch64-gcc1330-linux-gcc", out);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(collisions.n, 1);
	free(out);
}

TEST(an_adopted_one_overwrites_nothing_of_its_neighbours)
{
	char *ld = at("usr/bin/aarch64-linux-ld");

	free(bin);
	bin = at("usr/bin");
	put("usr/bin/aarch64-linux-gcc", 0755);
	put("usr/bin/aarch64-linux-ld", 0755);
	link_to("bin/aarch64-gcc1330-linux-gcc", ld);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 1);
	ck_assert_uint_eq(collisions.n, 1);
	leads("bin/aarch64-gcc1330-linux-gcc", ld);
	free(ld);
}

TEST(a_copy_goes_before_its_tool)
{
	char *ld = at("toolchains/adopted/bin/aarch64-linux-ld");
	char *gcc = at(HOME "/aarch64-linux-gcc");

	copies = at("toolchains/adopted/bin");
	put("toolchains/adopted/bin/aarch64-linux-ld", 0755);
	ck_assert_int_eq(publish(), 0);
	ck_assert_uint_eq(links.n, 2);
	leads("bin/aarch64-gcc1330-linux-gcc", gcc);
	leads("bin/aarch64-gcc1330-linux-ld", ld);
	must(toolchain_link_unpublish(&links, bin, &err));
	ck_assert(!stands("bin/aarch64-gcc1330-linux-gcc"));
	ck_assert(stands("bin/aarch64-gcc1330-linux-ld"));
	must(toolchain_link_unpublish(&links, copies, &err));
	ck_assert(!stands("bin/aarch64-gcc1330-linux-ld"));
	free(gcc);
	free(ld);
}

TEST(a_directory_without_tools_is_an_error)
{
	free(bin);
	bin = at("empty");
	ck_assert_int_eq(publish(), -ENOENT);
	put("empty/gcc", 0755);
	ck_assert_int_eq(publish(), -ENOENT);
	text_has(err.text, "aarch64-linux-*");
	ck_assert(!stands("bin"));
}

TEST(removal_takes_just_ours)
{
	ck_assert_int_eq(publish(), 0);
	put("bin/foreign", 0755);
	strv_addf(&links, "%s/foreign", dir);
	strv_addf(&links, "%s/nosuch", dir);
	ck_assert_int_eq(unlink(links.v[1]), 0);
	ck_assert_int_eq(symlink("/usr/bin/ld", links.v[1]), 0);
	must(toolchain_link_unpublish(&links, bin, &err));
	ck_assert(!stands("bin/aarch64-gcc1330-linux-gcc"));
	leads("bin/aarch64-gcc1330-linux-ld", "/usr/bin/ld");
	ck_assert(stands("bin/foreign"));
}

TEST(what_a_killed_process_left_is_swept)
{
	pid_t pid = fork();
	char *left;

	if (!pid)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	left = xasprintf("bin/.kfarm-link.%d.1", (int)pid);
	link_to(left, "/nosuch");
	link_to("bin/.kfarm-link.1.1", "/nosuch");
	ck_assert_int_eq(publish(), 0);
	ck_assert(!stands(left));
	ck_assert(stands("bin/.kfarm-link.1.1"));
	free(left);
}

/* Concurrent processes create each link once and lose none. */
TEST(installs_at_once_agree)
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
