/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/installed.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "toolchain/builtin.h"

static char dir[TEMPDIR_SIZE];
static struct toolchain_installed_list list;
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
}

static void tear_down(void)
{
	toolchain_installed_list_release(&list);
	tempdir_remove(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

/* Make a toolchain with a small file; `host` NULL is this machine. */
static void make_toolchain(const char *release, const char *triplet,
			   const char *host, const char *prefix)
{
	const char *local_host = toolchain_builtin_local_host()->name;
	struct toolchain_installed t = {
		.release = xstrdup(release),
		.version = xstrdup(strchr(release, '-') + 1),
		.is_clang = str_starts(release, "clang"),
		.triplet = triplet ? xstrdup(triplet) : NULL,
		.host = xstrdup(host ? host : local_host),
		.relative_prefix = xstrdup("top"),
		.driver = xstrdup("driver"),
	};
	struct compiler_entries e;
	char *path, *file;

	t.id = xasprintf("%s%s%s%s%s%s", prefix, release, triplet ? "-" : "",
			 triplet ? triplet : "", host ? "-on-" : "",
			 host ? host : "");
	if (prefix[0]) {
		t.adopted_from = xstrdup("/usr/bin/");
		free(t.relative_prefix);
		t.relative_prefix = xstrdup("/usr/bin");
	}
	path = xasprintf("%s/toolchains/%s", dir, t.id);
	file = xasprintf("%s/top/bin/driver", path);
	must(fs_mkdirs(path, 0755, &err));
	toolchain_installed_set_dir(&t, path);
	if (!prefix[0]) {
		must(fs_mkdirs(t.bin, 0755, &err));
		must(fs_write(file, bytes_str("x"), 0755, &err));
		must(toolchain_dir_digest_read(&e, path, NULL, &err));
		toolchain_dir_digest_compute(&e, &t.dir_digest);
		compiler_entries_release(&e);
	}
	must(toolchain_installed_write(&t, &err));
	toolchain_installed_release(&t);
	free(file);
	free(path);
}

static const char *find(const char *wanted, const char *triplet,
			const char *host)
{
	const struct toolchain_installed *t = toolchain_installed_find(
		&list, wanted, triplet, host);

	return t ? t->id : "none";
}

static void read_list(void)
{
	toolchain_installed_list_release(&list);
	must(toolchain_installed_list(dir, &list, &err));
}

FIXTURE(set_up, tear_down);

TEST(the_list_is_empty_without_a_directory)
{
	read_list();
	ck_assert_uint_eq(list.n, 0);
	ck_assert_str_eq(find("gcc", NULL, NULL), "none");
}

TEST(the_newest_matching_toolchain_is_found)
{
	make_toolchain("gcc-13.3.0", "aarch64-linux", NULL, "");
	make_toolchain("gcc-9.5.0", "aarch64-linux", NULL, "");
	make_toolchain("gcc-13.3.0", "arm-linux-gnueabi", NULL, "");
	make_toolchain("gcc-13.2.0", "aarch64-linux", NULL, "adopted-");
	make_toolchain("gcc-13.3.0", "aarch64-linux", NULL, "adopted-");
	make_toolchain("gcc-15.1.0", "aarch64-linux", "ppc64", "");
	make_toolchain("clang-22.1.8", NULL, NULL, "");
	read_list();
	ck_assert_uint_eq(list.n, 7);
	ck_assert_uint_eq(list.broken.n, 0);
	ck_assert_str_eq(list.v[0].id, "gcc-9.5.0-aarch64-linux");
	ck_assert_str_eq(list.v[6].id, "clang-22.1.8");
	ck_assert_str_eq(find("gcc", "aarch64-linux", NULL),
			 "gcc-13.3.0-aarch64-linux");
	ck_assert_str_eq(find("gcc-9", NULL, NULL), "gcc-9.5.0-aarch64-linux");
	ck_assert_str_eq(find("gcc-13.2", NULL, NULL),
			 "adopted-gcc-13.2.0-aarch64-linux");
	ck_assert_str_eq(find("gcc", "aarch64-linux", "ppc64"),
			 "gcc-15.1.0-aarch64-linux-on-ppc64");
	ck_assert_str_eq(find("gcc-15", "aarch64-linux", NULL), "none");
	ck_assert_str_eq(find("gcc", "s390-linux", NULL), "none");
	ck_assert_str_eq(find("clang", "s390-linux", NULL), "clang-22.1.8");
	ck_assert_str_eq(find("gcc-15.1.0-aarch64-linux-on-ppc64", NULL, NULL),
			 "gcc-15.1.0-aarch64-linux-on-ppc64");
	ck_assert_str_eq(find("tcc", NULL, NULL), "none");
}

TEST(installed_and_adopted_toolchains_have_their_actual_paths)
{
	char *driver, *wanted;

	make_toolchain("gcc-13.3.0", "aarch64-linux", NULL, "");
	make_toolchain("gcc-13.2.0", "aarch64-linux", NULL, "adopted-");
	read_list();
	driver = toolchain_installed_driver_path(&list.v[1]);
	wanted = xasprintf("%s/toolchains/gcc-13.3.0-aarch64-linux/top/bin/"
			   "driver",
			   dir);
	ck_assert_str_eq(driver, wanted);
	free(wanted);
	free(driver);
	ck_assert_str_eq(list.v[0].bin, "/usr/bin");
	ck_assert_str_eq(list.v[0].prefix, "/usr");
}

TEST(a_toolchain_with_an_invalid_description_is_listed_as_broken)
{
	char *path = xasprintf("%s/toolchains/b/" TOOLCHAIN_JSON, dir);
	char *upper = str_dir(path), *hidden;

	make_toolchain("gcc-13.3.0", "aarch64-linux", NULL, "");
	must(fs_mkdirs(upper, 0755, &err));
	must(fs_write(path, bytes_str("{}"), 0644, &err));
	hidden = xasprintf("%s/toolchains/.live/1.0/x", dir);
	must(fs_mkdirs(hidden, 0755, &err));
	read_list();
	ck_assert_uint_eq(list.n, 1);
	ck_assert_uint_eq(list.broken.n, 1);
	text_has(list.broken.v[0], path);
	free(hidden);
	free(upper);
	free(path);
}

/* The user renamed the directory, so its name differs from the id. */
TEST(a_renamed_toolchain_is_listed_as_broken)
{
	char *from, *to;

	make_toolchain("gcc-13.3.0", "aarch64-linux", NULL, "");
	from = xasprintf("%s/toolchains/gcc-13.3.0-aarch64-linux", dir);
	to = xasprintf("%s/toolchains/gcc-13", dir);
	ck_assert_int_eq(rename(from, to), 0);
	read_list();
	ck_assert_uint_eq(list.n, 0);
	ck_assert_uint_eq(list.broken.n, 1);
	free(to);
	free(from);
}

TEST(a_leased_toolchain_is_removed_only_by_force)
{
	static const char id[] = "gcc-13.3.0-aarch64-linux";
	char *path = xasprintf("%s/toolchains/%s", dir, id), *text;
	int ready[2];
	pid_t pid;
	char c;

	make_toolchain("gcc-13.3.0", "aarch64-linux", NULL, "");
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		c = toolchain_installed_lease(path, &err) < 0;
		ck_assert_int_eq(write(ready[1], &c, 1), 1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(c, 0);
	ck_assert_int_eq(toolchain_installed_remove(dir, id, false, &err),
			 -EBUSY);
	text_has(err.text, "in use by process");
	text = xasprintf("%d (", (int)pid);
	/* The kernel does not always report the holder of a lock. */
	if (fs_exists("/proc/locks") && !strstr(err.text, "another"))
		text_has(err.text, text);
	must(toolchain_installed_remove(dir, id, true, &err));
	ck_assert(!fs_exists(path));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(toolchain_installed_lease(path, &err), -ENOENT);
	ck_assert_int_eq(toolchain_installed_remove(dir, id, false, &err),
			 -ENOENT);
	close(ready[0]);
	close(ready[1]);
	free(text);
	free(path);
}

TEST(a_lease_ends_when_its_descriptor_is_closed)
{
	static const char id[] = "gcc-13.3.0-aarch64-linux";
	char *path = xasprintf("%s/toolchains/%s", dir, id);
	int first_lease, second_lease;

	make_toolchain("gcc-13.3.0", "aarch64-linux", NULL, "");
	first_lease = toolchain_installed_lease(path, &err);
	second_lease = toolchain_installed_lease(path, &err);
	ck_assert_int_ge(first_lease, 0);
	ck_assert_int_ge(second_lease, 0);
	close(first_lease);
	ck_assert_int_eq(toolchain_installed_remove(dir, id, false, &err),
			 -EBUSY);
	close(second_lease);
	must(toolchain_installed_remove(dir, id, false, &err));
	free(path);
}

TEST(a_broken_toolchain_can_be_removed)
{
	char *path = xasprintf("%s/toolchains/b/x", dir);

	must(fs_mkdirs(path, 0755, &err));
	must(toolchain_installed_remove(dir, "b", false, &err));
	ck_assert_int_eq(toolchain_installed_remove(dir, "..", false, &err),
			 -ENOENT);
	ck_assert_int_eq(toolchain_installed_remove(dir, ".live", false, &err),
			 -ENOENT);
	free(path);
}

TEST(verification_detects_a_changed_file)
{
	char *path;

	make_toolchain("gcc-13.3.0", "aarch64-linux", NULL, "");
	read_list();
	must(toolchain_installed_verify(&list.v[0], NULL, &err));
	path = toolchain_installed_driver_path(&list.v[0]);
	must(fs_write(path, bytes_str("y"), 0755, &err));
	ck_assert_int_eq(toolchain_installed_verify(&list.v[0], NULL, &err),
			 -EBADMSG);
	text_has(err.text, "reinstall the toolchain");
	free(path);
}

TEST(a_valid_id_is_a_plain_file_name_of_at_most_128_bytes)
{
	char *longest = xasprintf("%0128d", 0),
	     *longer = xasprintf("%0129d", 0);

	ck_assert(toolchain_release_is_id("gcc-13.3.0-aarch64-linux-on-arm64"));
	ck_assert(toolchain_release_is_id("adopted-gcc-12.2.0-x_y+z"));
	ck_assert(!toolchain_release_is_id(""));
	ck_assert(!toolchain_release_is_id(".lock.a"));
	ck_assert(!toolchain_release_is_id("-a"));
	ck_assert(!toolchain_release_is_id("a/b"));
	ck_assert(!toolchain_release_is_id("a b"));
	ck_assert(!toolchain_release_is_id("\xc3\xa4"));
	ck_assert(toolchain_release_is_id(longest));
	ck_assert(!toolchain_release_is_id(longer));
	free(longest);
	free(longer);
}
