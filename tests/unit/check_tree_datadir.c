/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/datadir.h"

#include "../lib/nfs-flock.h"
#include "../lib/process-state.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static struct err err;
static struct tree_datadir t;

static void make_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name), *above = str_dir(path);

	must(fs_mkdirs(above, 0755, &err));
	must(fs_write(path, bytes_str(text), 0644, &err));
	free(above);
	free(path);
}

/* Create the trees "a" and "b".  Only the configuration names "later". */
static void set_up(void)
{
	char *config;

	tempdir_make(dir);
	config = xasprintf("%s/config", dir);
	setenv("XDG_DATA_HOME", dir, 1);
	setenv("KFARM_CONFIG", config, 1);
	free(config);
	make_file("config", "[tree \"a\"]\nurl = https://a\n"
			    "[tree \"later\"]\nurl = https://later\n");
	make_file("kfarm/trees/a/repo.git/HEAD", "");
	make_file("kfarm/trees/b/repo.git/HEAD", "");
	make_file("kfarm/trees/.new-c/lock", "");
	make_file("kfarm/trees/-x/y", "");
}

static void tear_down(void)
{
	tree_datadir_release(&t);
	tempdir_remove(dir);
}

static const char *const invalid_names[] = { "",     ".",        "..",   "../x",
					     "a/b",  "-n",       ".git", "a b",
					     "a\nb", "\xc3\xa4", "a:b",  "a*" };

FIXTURE(set_up, tear_down);
TIMEOUT(30);

TEST_EACH(an_invalid_tree_name_is_rejected, invalid_names)
{
	ck_assert_int_eq(tree_datadir_check_name(*row, &err), -EINVAL);
	ck_assert_int_eq(tree_datadir_open(&t, *row, TREE_LOCK_READ, &err),
			 -EINVAL);
	text_has(err.text, "invalid tree name");
}

TEST(a_tree_name_has_at_most_64_characters)
{
	char name[66];

	memset(name, 'x', sizeof(name));
	name[65] = '\0';
	ck_assert_int_eq(tree_datadir_check_name(name, &err), -EINVAL);
	name[64] = '\0';
	must(tree_datadir_check_name(name, &err));
	must(tree_datadir_check_name("linux-6.1.y_a+b", &err));
}

TEST(an_incomplete_tree_is_not_listed_and_cannot_be_opened)
{
	struct strv names = { 0 };

	must(tree_datadir_list_names(&names, &err));
	ck_assert_uint_eq(names.n, 2);
	ck_assert_str_eq(names.v[0], "a");
	ck_assert_str_eq(names.v[1], "b");
	strv_release(&names);
	ck_assert_int_eq(tree_datadir_open(&t, "c", TREE_LOCK_READ, &err),
			 -ENOENT);
	text_has(err.text, "is incomplete");
}

TEST(an_open_tree_has_its_repository_and_url)
{
	char *repository = xasprintf("%s/kfarm/trees/a/repo.git", dir);

	must(tree_datadir_open(&t, "a", TREE_LOCK_READ, &err));
	ck_assert_str_eq(t.repository, repository);
	ck_assert_str_eq(t.url, "https://a");
	tree_datadir_release(&t);
	must(tree_datadir_open(&t, "b", TREE_LOCK_UPDATE, &err));
	ck_assert_ptr_null(t.url);
	free(repository);
}

TEST(an_error_names_existing_trees_or_the_command_that_clones)
{
	err_is(tree_datadir_open(&t, "zzzz", TREE_LOCK_READ, &err), -ENOENT,
	       "no such tree \"zzzz\"; existing trees: a, b");
	err_is(tree_datadir_open(&t, "later", TREE_LOCK_READ, &err), -ENOENT,
	       "tree \"later\" is not cloned yet; run "
	       "`kfarm tree update later`");
}

TEST(a_tree_with_a_dangling_repository_can_only_be_removed)
{
	char *path = xasprintf("%s/kfarm/trees/b/repo.git", dir);

	must(fs_remove(path, &err));
	ck_assert_int_eq(symlink("/nowhere/.git", path), 0);
	ck_assert_int_eq(tree_datadir_open(&t, "b", TREE_LOCK_READ, &err),
			 -ENOENT);
	text_has(err.text, "repo.git: no such repository");
	/* The tree can still be removed. */
	must(tree_datadir_open(&t, "b", TREE_LOCK_REMOVE, &err));
	free(path);
}

/* Open the tree in another process until it is killed. */
static pid_t open_elsewhere(enum tree_lock_mode mode)
{
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		struct tree_datadir other;

		if (tree_datadir_open(&other, "a", mode, &err))
			_exit(1);
		if (write(ends[1], "x", 1) != 1)
			_exit(2);
		pause();
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

TEST(a_tree_can_be_read_during_an_update)
{
	pid_t pid = open_elsewhere(TREE_LOCK_UPDATE);

	must(tree_datadir_open(&t, "a", TREE_LOCK_READ, &err));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST(a_tree_in_use_is_not_removed)
{
	pid_t pid = open_elsewhere(TREE_LOCK_READ);
	char *expected = xasprintf("the tree a is in use by process %d",
				   (int)pid);

	ck_assert_int_eq(tree_datadir_open(&t, "a", TREE_LOCK_REMOVE, &err),
			 -EBUSY);
	ck_assert_msg(str_starts(err.text, expected), "%s", err.text);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	must(tree_datadir_open(&t, "a", TREE_LOCK_REMOVE, &err));
	free(expected);
}

TEST(a_second_update_waits_for_the_first)
{
	pid_t pid = open_elsewhere(TREE_LOCK_UPDATE), killer = fork();
	int status;

	if (!killer) {
		await_sleep(getppid());
		_exit(kill(pid, SIGKILL) != 0);
	}
	must(tree_datadir_open(&t, "a", TREE_LOCK_UPDATE, &err));
	ck_assert_int_eq(waitpid(killer, &status, 0), killer);
	ck_assert_int_eq(status, 0);
	waitpid(pid, NULL, 0);
}

TEST(a_tree_removed_during_the_wait_for_its_lock_is_not_found)
{
	char *from = xasprintf("%s/kfarm/trees/a", dir);
	char *to = xasprintf("%s/kfarm/trees/.gone-a", dir);
	char *lock = xasprintf("%s/lock", from);
	int fd;
	pid_t pid;

	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	pid = fork();
	if (!pid) {
		await_sleep(getppid());
		_exit(rename(from, to) != 0);
	}
	/* The child inherited the lock and holds it until it exits. */
	close(fd);
	ck_assert_int_eq(tree_datadir_open(&t, "a", TREE_LOCK_READ, &err),
			 -ENOENT);
	waitpid(pid, NULL, 0);
	free(lock);
	free(to);
	free(from);
}
