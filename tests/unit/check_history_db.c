/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: history */
#include "../lib/test.h"
#include "history-file.h"

#include <sched.h>
#include <sys/mount.h>

FIXTURE(play_set_up, file_tear_down);
TIMEOUT(getenv("SOAK") ? 3000 : 60);

/* ---- schemas ---- */

TEST(an_empty_file_is_initialized)
{
	struct buf none = { 0 };
	char *home = str_dir(path);

	must(fs_mkdirs(home, 0755, &err));
	must(fs_write(path, buf_bytes(&none), 0600, &err));
	free(home);
	ck_assert_int_eq(play_whole(KEY_A), 1);
	check_whole();
	ck_assert_uint_eq(files_named("history.db.damaged"), 0);
}

TEST(a_file_of_version_0_is_migrated_by_a_reader_too)
{
	char *home = str_dir(path);

	must(fs_mkdirs(home, 0755, &err));
	free(home);
	/* An SQLite file without tables. */
	sql("PRAGMA journal_mode = wal; CREATE TABLE x(y); DROP TABLE x");
	close_sql();
	ck_assert_uint_eq(builds_there(), 0);
	ck_assert_int_eq(play_whole(KEY_A), 1);
	check_whole();
}

TEST(builds_of_an_older_schema_are_preserved)
{
	char n[64] = "";

	play_whole(KEY_A);
	play_whole(KEY_A);
	sql("DROP TABLE night; DROP TABLE step_of_build;"
	    "DROP TABLE disabled_of_build;"
	    "ALTER TABLE build RENAME COLUMN duplicated TO beside;"
	    "ALTER TABLE build DROP COLUMN steps;"
	    "ALTER TABLE build DROP COLUMN steps_here;"
	    "ALTER TABLE build DROP COLUMN cached;"
	    "ALTER TABLE unit DROP COLUMN cached;"
	    "ALTER TABLE unit DROP COLUMN miss;"
	    "ALTER TABLE build DROP COLUMN cached_remote;"
	    "ALTER TABLE unit DROP COLUMN cached_remote;"
	    "ALTER TABLE node_of_build DROP COLUMN clock_milli;"
	    "ALTER TABLE node_of_build DROP COLUMN celsius_milli;"
	    "ALTER TABLE build DROP COLUMN cause;"
	    "PRAGMA user_version = 1");
	close_sql();
	ck_assert_uint_eq(builds_there(), 2);
	ck_assert_int_eq(play_whole(KEY_A), 3);
	query_sql("SELECT count(*) FROM sqlite_schema WHERE name IN "
		  "('night', 'step_of_build')",
		  n);
	ck_assert_str_eq(n, "2");
	check_whole();
}

TEST(a_database_of_a_newer_schema_is_rejected_unchanged)
{
	struct history *h;
	struct play p;

	play_whole(KEY_A);
	sql("PRAGMA user_version = 99");
	close_sql();
	ck_assert_int_eq(history_db_open(&h, &err), -EPROTONOSUPPORT);
	text_has(err.text, "newer kfarm");
	play_build(&p, KEY_A, true);
	play_unit(&p, "a.o", EVENTS_LOCAL);
	ck_assert_int_eq(play_end(&p, 0), 0);
	expect_note(&p, "newer kfarm");
	ck_assert_uint_eq(files_named("history.db.damaged"), 0);
	sql("PRAGMA user_version = 9");
	close_sql();
	ck_assert_uint_eq(builds_there(), 1);
}

TEST(a_migration_by_a_newer_kfarm_during_a_build_is_not_damage)
{
	struct history_details d = { 0 };
	struct history *reader;
	struct play p, read;

	play_whole(KEY_A);
	reader = play_open();
	play_build(&p, KEY_A, true);
	play_unit(&p, "a.o", EVENTS_LOCAL);
	play_build(&read, KEY_A, true);
	sql("ALTER TABLE unit ADD COLUMN later INTEGER;"
	    "ALTER TABLE unit DROP COLUMN miss;"
	    "PRAGMA user_version = 99");
	close_sql();
	ck_assert_int_eq(history_read_units(reader, 1, &d, &err),
			 -EPROTONOSUPPORT);
	text_has(err.text, "newer kfarm");
	history_db_close(reader);
	ck_assert_int_eq(history_read_units(history_recorder_db(read.record), 1,
					    &d, &err),
			 -EPROTONOSUPPORT);
	history_details_release(&d);
	play_end(&read, 0);
	expect_note(&read, "newer kfarm");
	play_end(&p, 0);
	expect_note(&p, "newer kfarm");
	ck_assert_uint_eq(files_named("history.db.damaged"), 0);
	ck_assert_uint_eq(files_named("history.db.suspect"), 0);
	sql("ALTER TABLE unit DROP COLUMN later;"
	    "ALTER TABLE unit ADD COLUMN miss TEXT;"
	    "PRAGMA user_version = 9");
	close_sql();
	ck_assert_uint_eq(builds_there(), 3);
	check_whole();
}

TEST(a_database_of_another_program_is_set_aside)
{
	struct play p;
	char *home = str_dir(path);

	must(fs_mkdirs(home, 0755, &err));
	free(home);
	sql("CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)");
	close_sql();
	play_build(&p, KEY_A, true);
	ck_assert_int_eq(play_end(&p, 0), 1);
	expect_note(&p, "was damaged");
	ck_assert_uint_eq(files_named("history.db.damaged"), 1);
}

/* ---- locks ---- */

TEST(a_build_is_recorded_after_a_temporary_lock)
{
	struct play p;

	play_whole(KEY_A);
	sql("BEGIN EXCLUSIVE");
	play_build(&p, KEY_A, true);
	play_unit(&p, "a.o", EVENTS_LOCAL);
	sql("COMMIT");
	ck_assert_int_eq(play_end_well(&p, 0), 2);
	close_sql();
	ck_assert_uint_eq(builds_there(), 2);
}

TEST(a_permanent_lock_is_reported_after_a_bounded_wait)
{
	uint64_t began;
	struct play p;

	play_whole(KEY_A);
	sql("BEGIN EXCLUSIVE");
	began = clock_ms();
	play_build(&p, KEY_A, true);
	play_unit(&p, "a.o", EVENTS_LOCAL);
	ck_assert_int_eq(play_end(&p, 0), 0);
	ck_assert_uint_lt(clock_ms() - began, LONGEST_MS);
	expect_note(&p, "locked");
	sql("COMMIT");
	close_sql();
	ck_assert_uint_eq(builds_there(), 1);
}

TEST(an_exclusively_locked_file_is_reported_after_a_bounded_wait)
{
	uint64_t began;
	struct play p;

	play_whole(KEY_A);
	sql("PRAGMA locking_mode = exclusive; PRAGMA journal_mode = delete;"
	    "BEGIN EXCLUSIVE");
	began = clock_ms();
	play_build(&p, KEY_A, true);
	ck_assert_int_eq(play_end(&p, 0), 0);
	ck_assert_uint_lt(clock_ms() - began, LONGEST_MS);
	expect_note(&p, "locked");
	sql("COMMIT");
}

/* ---- disks ---- */

/* Mount a small file system on `dir`.  Returns false without permission. */
static bool mount_small(const char *options)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tmpfs", dir, "tmpfs", 0, options);
}

static int on_a_full_disk(void)
{
	bool full = false;
	struct history_build b;
	int64_t number;

	if (!mount_small("size=600k"))
		return 77;
	for (int i = 0; i < 200 && !full; i++) {
		struct play p;

		play_build(&p, i % 2 ? KEY_A : KEY_B, true);
		for (int j = 0; j < 300; j++) {
			char name[64];

			snprintf(name, sizeof(name), "d%d/unit%d.o", i, j);
			play_unit(&p, name, "neo4a");
		}
		number = play_end(&p, 0);
		full = p.notes.n;
		ck_assert_int_eq(number != 0, !full);
		if (full)
			expect_note(&p, strerror(ENOSPC));
	}
	ck_assert(full);
	ck_assert_uint_eq(files_named("history.db.damaged"), 0);
	/* The existing builds are still there, without the unrecorded one. */
	ck_assert_uint_gt(builds_there(), 0);
	play_find(0, &b);
	ck_assert_int_eq(b.state, HISTORY_STATE_GOOD);
	history_build_release(&b);
	return 0;
}

static int on_a_read_only_disk(void)
{
	struct play p;

	if (!mount_small("size=4m"))
		return 77;
	play_whole(KEY_A);
	ck_assert_int_eq(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL),
			 0);
	ck_assert_uint_eq(builds_there(), 1);
	play_build(&p, KEY_A, true);
	ck_assert_int_eq(play_end(&p, 0), 0);
	expect_note(&p, strerror(EROFS));
	return 0;
}

/* Run in a separate process.  Returns 77 if unsupported. */
static void run_apart(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(what());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		SKIP("no private mounts");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
}

TEST(a_full_disk_is_reported_and_not_treated_as_damage)
{
	run_apart(on_a_full_disk);
}

TEST(a_read_only_history_can_be_read)
{
	run_apart(on_a_read_only_disk);
}

/* ---- concurrent and killed processes ---- */

/* Return the number of builds that are not recorded. */
static int build_some(void)
{
	int n_missing = 0;

	for (int i = 0; i < 10; i++) {
		struct play p;

		play_build(&p, i % 2 ? KEY_A : KEY_B, true);
		play_unit(&p, "kernel/fork.o", "neo4a");
		if (!play_end(&p, 0) || p.notes.n)
			n_missing++;
	}
	return n_missing;
}

TEST(concurrent_builds_are_recorded)
{
	pid_t pid[4];
	int status;

	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(build_some());
	}
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_uint_eq(builds_there(), 40);
	check_whole();
}

/* A process that holds the lock can wait for a processor or a disk. */
TEST(a_build_is_recorded_after_a_lock_of_a_second)
{
	struct play p;
	pid_t holder;
	int ready[2];
	char byte;

	play_whole(KEY_A);
	ck_assert_int_eq(pipe(ready), 0);
	holder = fork();
	if (!holder) {
		sql("BEGIN EXCLUSIVE");
		(void)!write(ready[1], "", 1);
		sleep(1);
		sql("COMMIT");
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	play_build(&p, KEY_A, true);
	play_unit(&p, "a.o", EVENTS_LOCAL);
	ck_assert_int_eq(play_end_well(&p, 0), 2);
	ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
	ck_assert_uint_eq(builds_there(), 2);
}

/* Record builds until killed. */
static void build_for_ever(void)
{
	for (int i = 0;; i++) {
		struct play p;

		play_build(&p, i % 2 ? KEY_A : KEY_B, i % 3 == 0);
		for (int j = 0; j < 100; j++) {
			char name[64];

			snprintf(name, sizeof(name), "d%d/unit%d.o", i % 7, j);
			play_unit(&p, name, "neo4a");
		}
		/* Some processes are killed in this interval. */
		usleep(3000);
		play_end(&p, 0);
	}
}

static int count_state(void *ctx, const struct history_build *b)
{
	unsigned *n = ctx;

	n[b->state]++;
	/* A successful build has all its jobs. */
	if (b->state == HISTORY_STATE_GOOD)
		ck_assert_int_eq(b->n_jobs, 100);
	return 0;
}

static void kill_at_random(unsigned round)
{
	unsigned seed = round;
	pid_t pid = fork();
	int status;

	if (!pid) {
		build_for_ever();
		_exit(1);
	}
	usleep((useconds_t)(rand_r(&seed) % 60000));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
}

TEST(sigkill_at_any_time_leaves_an_intact_history)
{
	unsigned rounds = getenv("SOAK") ? 100 : 15,
		 n[HISTORY_N_STATES] = { 0 };
	struct history *h;

	for (unsigned i = 1; i <= rounds; i++) {
		kill_at_random(i);
		if (!fs_exists(path))
			continue;
		/* The result is the same before a writer has opened it. */
		memset(n, 0, sizeof(n));
		h = play_open();
		must(history_build_list(h, &all, count_state, n, &err));
		history_db_close(h);
		ck_assert_uint_eq(n[HISTORY_STATE_RUNNING], 0);
		check_whole();
	}
	printf("killed %u times: %u builds whole, %u killed\n", rounds,
	       n[HISTORY_STATE_GOOD], n[HISTORY_STATE_KILLED]);
	ck_assert_uint_le(n[HISTORY_STATE_KILLED], rounds);
	ck_assert_uint_eq(n[HISTORY_STATE_FAILED], 0);
	ck_assert_uint_eq(files_named("history.db.damaged"), 0);
}
