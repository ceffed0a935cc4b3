/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/install-dir.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static char dir[TEMPDIR_SIZE];
static struct toolchain_install_dir p;
static struct err err;

/* Set while renameat2() accepts no flags, as on NFS. */
static bool lacks_rename_flags;
/* If set, renameat() fails for this old name. */
static const char *immovable;

/* The header of the C library has parameter names of its own. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	if (flags && lacks_rename_flags) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, a, to, b, flags);
}

int renameat(int from, const char *a, int to, const char *b)
{
	if (str_equal(a, immovable)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, a, to, b, 0);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static void set_up(void)
{
	tempdir_make(dir);
	must(toolchain_install_dir_open(&p, dir, &err));
}

static void tear_down(void)
{
	toolchain_install_dir_close(&p);
	tempdir_remove(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

static void make_scratch_dir(const char *name, const char *text)
{
	char *path = toolchain_install_dir_scratch_path(&p, name, &err), *file;

	ck_assert_ptr_nonnull(path);
	must(fs_mkdirs(path, 0755, &err));
	file = xasprintf("%s/f", path);
	must(fs_write(file, bytes_str(text), 0644, &err));
	free(file);
	free(path);
}

static bool entry_exists(const char *name)
{
	char *path = xasprintf("%s/toolchains/%s", dir, name);
	bool is = fs_exists(path);

	free(path);
	return is;
}

static char *read_content(const char *id)
{
	char *path = xasprintf("%s/toolchains/%s/f", dir, id);
	struct buf text = { 0 };

	must(fs_read(path, 100, &text, &err));
	free(path);
	return buf_steal(&text);
}

FIXTURE(set_up, tear_down);

TEST(a_directory_is_published_and_removed)
{
	make_scratch_dir("a", "one");
	ck_assert(!entry_exists("a"));
	must(toolchain_install_dir_publish(&p, "a", "a", false, &err));
	ck_assert(entry_exists("a"));
	must(toolchain_install_dir_remove(&p, "a", &err));
	ck_assert(!entry_exists("a"));
	ck_assert_int_eq(toolchain_install_dir_remove(&p, "a", &err), -ENOENT);
}

/* The file system has no free inodes. */
TEST(a_full_disk_does_not_prevent_a_removal)
{
	int ret = 0;

	toolchain_install_dir_close(&p);
	/* In a private namespace, which ends with the process. */
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "tmpfs", 0, "nr_inodes=40,mode=0700"))
		SKIP("no private tmpfs: %s", strerror(errno));
	must(toolchain_install_dir_open(&p, dir, &err));
	make_scratch_dir("a", "one");
	must(toolchain_install_dir_publish(&p, "a", "a", false, &err));
	toolchain_install_dir_close(&p);
	must(toolchain_install_dir_open(&p, dir, &err));
	for (unsigned i = 0; i < 40 && !ret; i++) {
		char *path = xasprintf("%s/%u", dir, i);

		ret = mkdir(path, 0700) ? -errno : 0;
		free(path);
	}
	ck_assert_int_eq(ret, -ENOSPC);
	must(toolchain_install_dir_remove(&p, "a", &err));
	ck_assert(!entry_exists("a"));
	toolchain_install_dir_close(&p);
	ck_assert_int_eq(umount(dir), 0);
}

TEST(an_existing_directory_is_replaced_only_on_request)
{
	char *text;

	make_scratch_dir("a", "one");
	must(toolchain_install_dir_publish(&p, "a", "a", false, &err));
	make_scratch_dir("a", "two");
	ck_assert_int_eq(
		toolchain_install_dir_publish(&p, "a", "a", false, &err),
		-EEXIST);
	text = read_content("a");
	ck_assert_str_eq(text, "one");
	free(text);
	must(toolchain_install_dir_publish(&p, "a", "a", true, &err));
	text = read_content("a");
	ck_assert_str_eq(text, "two");
	free(text);
}

TEST(directories_are_replaced_without_flags_of_renameat2)
{
	char *text;

	lacks_rename_flags = true;
	make_scratch_dir("a", "one");
	must(toolchain_install_dir_publish(&p, "a", "a", true, &err));
	make_scratch_dir("a", "two");
	ck_assert_int_eq(
		toolchain_install_dir_publish(&p, "a", "a", false, &err),
		-EEXIST);
	must(toolchain_install_dir_publish(&p, "a", "a", true, &err));
	text = read_content("a");
	ck_assert_str_eq(text, "two");
	free(text);
}

TEST(a_failed_replacement_restores_the_directory)
{
	char *text;

	make_scratch_dir("a", "one");
	must(toolchain_install_dir_publish(&p, "a", "a", false, &err));
	make_scratch_dir("b", "two");
	lacks_rename_flags = true;
	immovable = "b";
	ck_assert_int_eq(
		toolchain_install_dir_publish(&p, "b", "a", true, &err), -EIO);
	text = read_content("a");
	ck_assert_str_eq(text, "one");
	free(text);
}

/* Files of a killed process are removed, those of a running one are kept. */
TEST(only_files_of_terminated_processes_are_removed)
{
	struct toolchain_install_dir other;
	char *path;
	pid_t pid = fork();

	if (!pid) {
		struct toolchain_install_dir dying;

		toolchain_install_dir_open(&dying, dir, &err);
		free(toolchain_install_dir_scratch_path(&dying, "x", &err));
		toolchain_install_dir_lock(&dying, "dying", &err);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	ck_assert(entry_exists(".lock.dying"));
	make_scratch_dir("mine", "");
	ck_assert_int_ge(toolchain_install_dir_lock(&p, "mine", &err), 0);
	must(toolchain_install_dir_open(&other, dir, &err));
	ck_assert(!entry_exists(".lock.dying"));
	ck_assert(entry_exists(".lock.mine"));
	path = toolchain_install_dir_scratch_path(&p, "mine", &err);
	ck_assert(fs_is_dir(path));
	free(path);
	path = xasprintf(".live/%d.0", (int)pid);
	ck_assert(!entry_exists(path));
	free(path);
	toolchain_install_dir_close(&other);
}

TEST(an_id_can_be_locked_only_once_at_a_time)
{
	struct toolchain_install_dir other;
	int fd = toolchain_install_dir_lock(&p, "a", &err), second;

	ck_assert_int_ge(fd, 0);
	must(toolchain_install_dir_open(&other, dir, &err));
	ck_assert_int_eq(toolchain_install_dir_lock(&other, "a", &err),
			 -EAGAIN);
	second = toolchain_install_dir_lock(&other, "b", &err);
	ck_assert_int_ge(second, 0);
	toolchain_install_dir_unlock(&other, "b", second);
	toolchain_install_dir_unlock(&p, "a", fd);
	ck_assert(!entry_exists(".lock.a"));
	fd = toolchain_install_dir_lock(&other, "a", &err);
	ck_assert_int_ge(fd, 0);
	toolchain_install_dir_unlock(&other, "a", fd);
	toolchain_install_dir_close(&other);
}

TEST(closing_removes_unpublished_directories)
{
	char *path;

	make_scratch_dir("a", "one");
	path = toolchain_install_dir_scratch_path(&p, "a", &err);
	toolchain_install_dir_close(&p);
	ck_assert(!fs_exists(path));
	free(path);
}
