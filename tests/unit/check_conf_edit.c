/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: conf */
#include "conf/conf.h"

#include "../lib/nfs-flock.h"
#include "../lib/process-state.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/spawn.h"

#include <sys/sysmacros.h>
#include <time.h>

static char dir[TEMPDIR_SIZE];
static char *file;
static int n_held; /* renames of lock files on which flock(2) is held */

/* libgit2 and kfarm end an edit by this call. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int rename(const char *from, const char *to)
{
	int fd = open(from, O_RDWR);

	n_held += fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) &&
		  errno == EWOULDBLOCK;
	close(fd);
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static void set_up(void)
{
	tempdir_make(dir);
	file = xasprintf("%s/new/config", dir);
	setenv("KFARM_CONFIG", file, 1);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(file);
}

static void put(const char *text)
{
	char *parent = str_dir(file);
	struct err err;

	must(fs_mkdirs(parent, 0755, &err));
	must(fs_write(file, bytes_str(text), 0640, &err));
	free(parent);
}

static void expect(const char *text)
{
	expect_file(file, text);
}

static void set(const char *sub, const char *key, const char *value)
{
	struct err err = { 0 };

	if (conf_set("node", sub, key, value, &err))
		ck_abort_msg("%s", err.text);
}

FIXTURE(set_up, tear_down);

TEST(set_makes_the_file_and_its_directory)
{
	set("a", "address", "ssh:a");
	set("a", "slots", "4");
	expect("[node \"a\"]\n\taddress = ssh:a\n\tslots = 4\n");
}

TEST(set_keeps_comments_and_order)
{
	put("# mine\n[farm]\n\tverify = 1 ; low\n[node \"a\"]\n# here\n"
	    "\tslots = 1\n");
	set("a", "slots", "2");
	expect("# mine\n[farm]\n\tverify = 1 ; low\n[node \"a\"]\n# here\n"
	       "\tslots = 2\n");
}

TEST(set_all_writes_only_new_values)
{
	static const struct conf_pair pairs[] = { { "address", "tls:a" },
						  { "slots", NULL },
						  { "key", "SHA256:x" } };
	struct err err = { 0 };

	put("[node \"a\"]\n\taddress=tls:a ; mine\n");
	must(conf_set_all("node", "a", pairs, 3, &err));
	expect("[node \"a\"]\n\taddress=tls:a ; mine\n\tkey = SHA256:x\n");
	must(conf_set_all("node", "a", pairs, 3, &err));
	expect("[node \"a\"]\n\taddress=tls:a ; mine\n\tkey = SHA256:x\n");
}

TEST(override_changes_the_value_but_not_the_file)
{
	struct conf *c;
	struct err err = { 0 };
	char *at;

	put("[node \"a\"]\n\tslots=1\n");
	must(conf_load(&c, NULL, &err));
	conf_override(c, "node", "a", "slots", "2", "the command line");
	ck_assert_int_eq(conf_get_number(c, "node", "a", "slots", 0), 2);
	at = conf_get_origin(c, "node", "a", "slots");
	ck_assert_str_eq(at, "the command line");
	expect("[node \"a\"]\n\tslots=1\n");
	free(at);
	conf_free(c);
}

TEST(set_quotes_special_characters)
{
	static const char command[] = "exec:a \"b\" \\ ; # c ";
	struct conf *c;
	struct err err = { 0 };

	set("a", "address", command);
	set("we\"ird\\ one.x", "address", "ssh:w");
	must(conf_load(&c, NULL, &err));
	ck_assert_str_eq(conf_get(c, "node", "a", "address"), command);
	ck_assert_str_eq(conf_get(c, "node", "we\"ird\\ one.x", "address"),
			 "ssh:w");
	conf_free(c);
}

TEST(set_refuses_a_file_with_bad_syntax)
{
	struct err err = { 0 };

	put("[farm\n");
	err_is(conf_set("node", "a", "slots", "1", &err), -EINVAL,
	       "%s:1: invalid section header", file);
	expect("[farm\n");
}

TEST(set_does_not_replace_a_device)
{
	struct err err = { 0 };
	struct stat st;
	int fd;

	put("");
	ck_assert_int_eq(unlink(file), 0);
	if (mknod(file, S_IFCHR | 0666, makedev(1, 3)))
		SKIP("cannot create a device");
	fd = open(file, O_RDONLY);
	if (fd < 0)
		SKIP("cannot open a device");
	close(fd);
	err_is(conf_set("node", "a", "slots", "1", &err), -EINVAL,
	       "%s: not a regular file; cannot write settings to it", file);
	ck_assert_int_eq(lstat(file, &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
}

TEST(set_fails_if_the_file_cannot_be_created)
{
	struct err err = { 0 };

	setenv("KFARM_CONFIG", "/proc/nowhere/config", 1);
	ck_assert_int_lt(conf_set("node", "a", "slots", "1", &err), 0);
	ck_assert_str_ne(err.text, "");
}

static const struct cut {
	const char *before, *after;
} cuts[] = {
	{ "[node \"a\"]\n\tslots = 1\n", "" },
	{ "[farm]\nverify=1\n[node \"a\"]\nslots=1\n\n# of b\n[node \"b\"]\n"
	  "slots=2\n",
	  "[farm]\nverify=1\n\n# of b\n[node \"b\"]\nslots=2\n" },
	{ "[node \"a\"]\n# gone\nslots=1\n  [node \"A\"]\nslots=2\n",
	  "  [node \"A\"]\nslots=2\n" },
	{ "[node \"a\"] slots=1\n[farm]\n[node \"a\"]\naddress=\\\nssh:x\n",
	  "[farm]\n" },
	{ "[farm] [node \"a\"]\nslots=1", "[farm]" },
	{ "[node \"b\"]\nslots=1\n\t[node \"a\"]\n\tslots=2\n[farm]\n",
	  "[node \"b\"]\nslots=1\n[farm]\n" },
};

/* malloc() then detects writes to its free chunks. */
static void use_small_chunks(void)
{
	void *chunks[7];

	for (size_t size = 24; size <= 120; size += 16) {
		for (int i = 0; i < 7; i++)
			chunks[i] = xmalloc(size);
		for (int i = 0; i < 7; i++)
			free(chunks[i]);
	}
}

/* A lock without a write is released once. */
TEST(set_all_with_an_invalid_key_keeps_the_file)
{
	static const struct conf_pair bad[] = { { "slots", "1" },
						{ "no such_key", "2" } };
	struct err err;

	put("[node \"a\"]\n\tslots = 2\n");
	for (int i = 0; i < 20; i++) {
		use_small_chunks();
		must(conf_check_writable(&err));
		ck_assert_int_ne(conf_set_all("node", "a", bad, 2, &err), 0);
	}
	expect("[node \"a\"]\n\tslots = 2\n");
}

TEST_EACH(remove_section_removes_only_that_subsection, cuts)
{
	struct err err = { 0 };
	struct stat st;
	char *lock = xasprintf("%s.lock", file);

	put(row->before);
	must(conf_remove_section("node", "a", &err));
	expect(row->after);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	ck_assert(!fs_exists(lock));
	free(lock);
}

/* Texts before and after the removal of the key "drain" of node "a". */
static const struct {
	const char *before, *after;
} key_cuts[] = {
	{ "[node \"a\"]\n\tslots = 1\n\tdrain = true\n# of b\n[node \"b\"]\n"
	  "drain = true\n",
	  "[node \"a\"]\n\tslots = 1\n# of b\n[node \"b\"]\ndrain = true\n" },
	{ "[node \"a\"]\n# first\n  Drain = \\\ntrue\n\n\tdrain\n\tslots=1",
	  "[node \"a\"]\n# first\n\n\tslots=1" },
	{ "[node \"a\"] drain = true\n\tslots = 1\n",
	  "[node \"a\"]\n\tslots = 1\n" },
	{ "[node \"a\"]\n\tdrain = true", "[node \"a\"]\n" },
	{ "[node \"a\"]\n\tslots = 1\n", "[node \"a\"]\n\tslots = 1\n" },
};

TEST_EACH(removal_of_a_key_preserves_all_other_text, key_cuts)
{
	struct err err = { 0 };

	put(row->before);
	must(conf_remove_key("node", "a", "drain", &err));
	expect(row->after);
}

TEST(removal_of_a_missing_section_fails)
{
	struct err err = { 0 };

	ck_assert_int_eq(conf_remove_section("node", "a", &err), -ENOENT);
	put("[node \"b\"]\nslots=1\n");
	ck_assert_int_eq(conf_remove_section("node", "a", &err), -ENOENT);
	expect("[node \"b\"]\nslots=1\n");
}

TEST(remove_writes_through_a_symbolic_link)
{
	char *real = xasprintf("%s/real", dir);
	struct err err = { 0 };
	struct stat st;

	put("");
	ck_assert_int_eq(unlink(file), 0);
	must(fs_write(real, bytes_str("[node \"a\"]\nslots=1\n"), 0600, &err));
	ck_assert_int_eq(symlink(real, file), 0);
	must(conf_remove_section("node", "a", &err));
	ck_assert_int_eq(lstat(file, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	expect("");
	free(real);
}

/* Create FILE.lock, as if another process had made it `age_s` seconds ago. */
static char *put_lock(long age_s)
{
	char *lock = xasprintf("%s.lock", file);
	struct timespec when[2] = { { .tv_sec = time(NULL) - age_s },
				    { .tv_sec = time(NULL) - age_s } };
	struct err err;

	must(fs_write(lock, bytes_str(""), 0600, &err));
	ck_assert_int_eq(utimensat(AT_FDCWD, lock, when, 0), 0);
	return lock;
}

TEST(an_old_lock_of_a_killed_process_is_removed)
{
	struct err err = { 0 };
	char *lock;

	put("[node \"a\"]\n\tslots = 1\n");
	lock = put_lock(60);
	set("a", "slots", "2");
	expect("[node \"a\"]\n\tslots = 2\n");
	ck_assert(!fs_exists(lock));
	free(lock);
	lock = put_lock(60);
	must(conf_remove_section("node", "a", &err));
	ck_assert(!fs_exists(lock));
	free(lock);
}

/*
 * Create a recent lock.  When this process waits, another process appends
 * `added` to the file and removes the lock.
 */
static pid_t lock_for_a_moment(const char *added)
{
	char *lock = put_lock(0);
	pid_t pid = fork();

	if (!pid) {
		int fd = open(file, O_WRONLY | O_APPEND);

		await_sleep(getppid());
		_exit(bytes_write(fd, bytes_str(added)) || unlink(lock));
	}
	free(lock);
	return pid;
}

/*
 * Hold flock(2) on an old lock file in a child, like a process that removes the
 * file.  The child removes the file when this process waits.
 */
static pid_t remove_old_lock(void)
{
	char *lock = put_lock(60);
	int fd = open(lock, O_RDWR);
	pid_t pid;

	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	pid = fork();
	if (!pid) {
		await_sleep(getppid());
		_exit(unlink(lock) != 0);
	}
	close(fd);
	free(lock);
	return pid;
}

TEST(an_old_lock_is_removed_by_one_process_only)
{
	pid_t pid;

	put("[node \"a\"]\n\tslots = 1\n");
	pid = remove_old_lock();
	set("a", "slots", "2");
	ck_assert_int_eq(spawn_wait(pid), 0);
	expect("[node \"a\"]\n\tslots = 2\n");
}

/* A lock file that kfarm holds is not stale, however slow kfarm is. */
TEST(set_and_remove_hold_their_lock_file)
{
	struct err err = { 0 };

	put("[node \"a\"]\n\tslots = 1\n");
	set("a", "slots", "2");
	ck_assert_int_eq(n_held, 1);
	must(conf_remove_section("node", "a", &err));
	ck_assert_int_eq(n_held, 2);
}

TEST(set_and_remove_wait_for_the_lock_of_another_process)
{
	struct err err = { 0 };
	pid_t pid;

	put("[node \"a\"]\n\tslots = 1\n");
	pid = lock_for_a_moment("");
	set("a", "slots", "2");
	/* The other process removed the lock. */
	ck_assert_int_eq(spawn_wait(pid), 0);
	expect("[node \"a\"]\n\tslots = 2\n");
	pid = lock_for_a_moment("");
	must(conf_remove_section("node", "a", &err));
	ck_assert_int_eq(spawn_wait(pid), 0);
}

TEST(removal_preserves_what_another_process_adds_under_its_lock)
{
	struct err err = { 0 };
	pid_t pid;

	put("[node \"a\"]\n\tslots = 1\n\tdrain = true\n");
	pid = lock_for_a_moment("[node \"b\"]\n\tslots = 2\n");
	must(conf_remove_key("node", "a", "drain", &err));
	ck_assert_int_eq(spawn_wait(pid), 0);
	expect("[node \"a\"]\n\tslots = 1\n[node \"b\"]\n\tslots = 2\n");
	pid = lock_for_a_moment("[node \"c\"]\n\tslots = 3\n");
	must(conf_remove_section("node", "a", &err));
	ck_assert_int_eq(spawn_wait(pid), 0);
	expect("[node \"b\"]\n\tslots = 2\n[node \"c\"]\n\tslots = 3\n");
}

TEST(removal_of_a_key_that_another_process_removed_leaves_no_lock)
{
	static const char cut[] = "[node \"a\"]\n";
	char *lock = xasprintf("%s.lock", file);
	struct err err = { 0 };
	pid_t pid;

	put("[node \"a\"]\n\tdrain\n");
	free(put_lock(0));
	pid = fork();
	if (!pid) {
		await_sleep(getppid());
		_exit(truncate(file, strlen(cut)) || unlink(lock));
	}
	must(conf_remove_key("node", "a", "drain", &err));
	ck_assert_int_eq(spawn_wait(pid), 0);
	expect(cut);
	ck_assert(!fs_exists(lock));
	free(lock);
}
