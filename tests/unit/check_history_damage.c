/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: history */
/* Builds whose history is damaged or replaced. */
#include "../lib/test.h"
#include "history-file.h"

/* Fill a history with rows of all kinds. */
static void fill(void)
{
	struct history_diag d = { .tool = "gcc", .text = "x", .line = 3 };
	struct history_size z = { .name = "vmlinux", .text_bytes = 5 };

	for (int i = 0; i < 12; i++) {
		struct play p;

		play_build(&p, i % 3 ? KEY_A : KEY_B, i % 2);
		play_phase(&p, "compile");
		for (int j = 0; j < 60; j++) {
			char name[64];

			snprintf(name, sizeof(name), "drivers/x/unit%d.o", j);
			play_unit(&p, name, j % 9 ? "neo4a" : EVENTS_LOCAL);
		}
		play_diag(&p, &d);
		play_size(&p, &z);
		play_end_well(&p, i == 5 ? 2 : 0);
	}
	/* Put all data into one file. */
	sql("PRAGMA wal_checkpoint(truncate); PRAGMA journal_mode = delete");
	close_sql();
}

static bool read_details(struct history *h)
{
	struct history_details d = { 0 };
	bool damaged = false;

	for (int64_t i = 1; i < 14; i++) {
		damaged |= history_read_units(h, i, &d, &err) == -EUCLEAN;
		damaged |= history_read_phases(h, i, &d, &err) == -EUCLEAN;
		damaged |= history_read_diags(h, i, &d, &err) == -EUCLEAN;
		damaged |= history_read_sizes(h, i, &d, &err) == -EUCLEAN;
		for (size_t j = 0; j < d.n_units; j++) {
			ck_assert_int_lt(d.units[j].node_index,
					 (int64_t)d.n_nodes);
			ck_assert_int_lt(d.units[j].reason_index,
					 (int64_t)d.n_reasons);
		}
	}
	history_details_release(&d);
	return damaged;
}

/* Read everything, without a hang.  Returns true if damage was found. */
static bool read_all(void)
{
	struct history_costs costs;
	struct history_build b, before;
	struct history *h;
	bool damaged;
	unsigned n = 0;

	if (history_db_open(&h, &err))
		return false;
	damaged = history_build_list(h, &all, count_build, &n, &err) ==
		  -EUCLEAN;
	damaged |= read_details(h);
	if (!history_build_find(h, 0, &b, &err) &&
	    !history_build_find_baseline(h, &b, &before, &err))
		history_build_release(&before);
	history_build_release(&b);
	damaged |= history_costs_load(h, KEY_A, "arm64", &costs, &err) ==
		   -EUCLEAN;
	history_costs_release(&costs);
	history_db_close(h);
	return damaged;
}

static void spoil(struct buf *file, unsigned *seed)
{
	unsigned how = (unsigned)rand_r(seed) % 5;
	size_t at = (size_t)rand_r(seed) % file->len;
	unsigned n = 1 + (unsigned)rand_r(seed) % 40;

	switch (how) {
	case 0: /* truncated */
		file->len = at;
		break;
	case 1: /* a page of random data */
		for (size_t i = at & ~(size_t)4095; i < file->len && n; i++) {
			file->data[i] = (uint8_t)rand_r(seed);
			n -= !(i % 128);
		}
		break;
	case 2: /* zeroes, as after a power failure */
		memset(file->data + at, 0,
		       file->len - at < 4096 ? file->len - at : 4096);
		break;
	case 3: /* in the header */
		file->data[(size_t)rand_r(seed) % 100] = (uint8_t)rand_r(seed);
		break;
	default:
		while (n--)
			file->data[(size_t)rand_r(seed) % file->len] ^=
				(uint8_t)(1u << (rand_r(seed) % 8));
	}
}

static void remove_aside(void)
{
	char *home = str_dir(path);

	must(fs_remove(home, &err));
	must(fs_mkdirs(home, 0755, &err));
	free(home);
}

/* Invariants for any damaged file. */
static void build_with(unsigned seed)
{
	uint64_t began = clock_ms();
	struct play p;
	int64_t number;

	play_build(&p, KEY_A, true);
	for (int i = 0; i < 5; i++)
		play_unit(&p, "drivers/x/unit3.o", "neo4a");
	number = play_end(&p, 0);
	ck_assert_msg(clock_ms() - began < LONGEST_MS, "seed %u", seed);
	/* A message about the file that was set aside, and at most one more. */
	ck_assert_msg(p.notes.n <= 2, "seed %u", seed);
	ck_assert_msg(number > 0 || p.notes.n, "seed %u", seed);
	if (number > 0) {
		struct history_build b;

		play_find(number, &b);
		ck_assert_int_eq(b.state, HISTORY_STATE_GOOD);
		history_build_release(&b);
	}
	if (files_named("history.db.damaged")) {
		ck_assert_msg(p.notes.n, "seed %u", seed);
		text_has(p.notes.v[0], "damaged");
	}
	strv_release(&p.notes);
}

FIXTURE(play_set_up, file_tear_down);
TIMEOUT(getenv("SOAK") ? 3000 : 60);

TEST(damage_to_the_history_never_stops_a_build)
{
	const char *more = getenv("SOAK");
	unsigned rounds = more ? 5000 : 150, aside = 0, refused = 0;
	unsigned by_readers = 0;
	bool found;
	struct buf whole = { 0 }, file = { 0 };

	fill();
	must(fs_read(path, 1 << 24, &whole, &err));
	for (unsigned i = 1; i <= rounds; i++) {
		unsigned seed = i;

		remove_aside();
		buf_reset(&file);
		buf_add_bytes(&file, buf_bytes(&whole));
		spoil(&file, &seed);
		must(fs_write(path, buf_bytes(&file), 0600, &err));
		found = read_all();
		build_with(i);
		ck_assert_msg(!found || files_named("history.db.damaged"),
			      "seed %u", i);
		ck_assert_msg(!files_named("history.db.damaged") || !read_all(),
			      "seed %u", i);
		by_readers += found;
		aside += files_named("history.db.damaged") > 0;
		refused += files_named("history.db.damaged") > 1;
	}
	printf("damage: %u files, %u set aside, readers found %u\n", rounds,
	       aside, by_readers);
	ck_assert_uint_gt(aside, rounds / 4);
	ck_assert_uint_eq(refused, 0);
	buf_release(&file);
	buf_release(&whole);
}

/* Number of SQLite's reads on this thread until one fails; 0: no failure. */
static _Thread_local unsigned reads_until_failure;

static ssize_t failing_pread(int fd, void *to, size_t len, off64_t at)
{
	if (reads_until_failure && !--reads_until_failure) {
		errno = EIO;
		return -1;
	}
	return pread64(fd, to, len, at);
}

static void write_both(const struct buf *file, const struct buf *log,
		       const char *log_path)
{
	remove_aside();
	must(fs_write(path, buf_bytes(file), 0600, &err));
	must(fs_write(log_path, buf_bytes(log), 0600, &err));
}

/* Let each read of a build and of a reader fail once. */
TEST(a_failed_read_is_not_damage)
{
	char *log_path = xasprintf("%s-wal", path);
	struct buf file = { 0 }, log = { 0 };
	sqlite3_vfs *vfs;
	bool failed = true;
	unsigned n;

	play_whole(KEY_A);
	play_whole(KEY_A);
	must(fs_read(path, 1 << 24, &file, &err));
	must(fs_read(log_path, 1 << 24, &log, &err));
	vfs = sqlite3_vfs_find(NULL);
	/* SQLite calls one of these functions. */
	vfs->xSetSystemCall(vfs, "pread", (sqlite3_syscall_ptr)failing_pread);
	vfs->xSetSystemCall(vfs, "pread64", (sqlite3_syscall_ptr)failing_pread);
	for (n = 1; failed; n++) {
		struct play p;

		write_both(&file, &log, log_path);
		reads_until_failure = n;
		play_build(&p, KEY_A, true);
		play_unit(&p, "drivers/x/unit3.o", "neo4a");
		play_end(&p, 0);
		failed = !reads_until_failure;
		reads_until_failure = 0;
		ck_assert_msg(p.notes.n <= 1, "read %u", n);
		if (p.notes.n)
			text_has(p.notes.v[0], "Input/output error");
		strv_release(&p.notes);
		ck_assert_msg(!files_named("history.db.damaged"), "read %u", n);
		ck_assert_uint_ge(builds_there(), 2);

		write_both(&file, &log, log_path);
		reads_until_failure = n;
		ck_assert_msg(!read_all(), "read %u", n);
		failed |= !reads_until_failure;
		reads_until_failure = 0;
		ck_assert_msg(!files_named("history.db.suspect"), "read %u", n);
	}
	vfs->xSetSystemCall(vfs, NULL, NULL);
	ck_assert_uint_gt(n, 10);
	buf_release(&file);
	buf_release(&log);
	free(log_path);
}

/* Replace the database.  Returns true if a reader finds damage in it. */
static bool install(const struct buf *file)
{
	remove_aside();
	must(fs_write(path, buf_bytes(file), 0600, &err));
	return read_all();
}

/* Record a build.  Returns true if it moves the database away. */
static bool moves_away(void)
{
	struct play p;

	play_build(&p, KEY_A, true);
	play_end(&p, 0);
	strv_release(&p.notes);
	return files_named("history.db.damaged") > 0;
}

/* Create a database whose damage a build detects only after a reader has. */
static void make_suspect(struct buf *file)
{
	char *suspect = xasprintf("%s.suspect", path);
	struct buf whole = { 0 };
	bool fits = false;

	fill();
	must(fs_read(path, 1 << 24, &whole, &err));
	for (unsigned i = 1; !fits; i++) {
		unsigned seed = i;

		ck_assert_uint_lt(i, 200);
		buf_reset(file);
		buf_add_bytes(file, buf_bytes(&whole));
		spoil(file, &seed);
		fits = install(file) && !unlink(suspect) && !moves_away();
	}
	buf_release(&whole);
	free(suspect);
}

TEST(a_failed_read_does_not_end_a_suspicion)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	struct buf file = { 0 };
	bool failed = true;
	unsigned n;

	make_suspect(&file);
	vfs->xSetSystemCall(vfs, "pread", (sqlite3_syscall_ptr)failing_pread);
	vfs->xSetSystemCall(vfs, "pread64", (sqlite3_syscall_ptr)failing_pread);
	for (n = 1; failed; n++) {
		ck_assert(install(&file));
		reads_until_failure = n;
		moves_away();
		failed = !reads_until_failure;
		reads_until_failure = 0;
		ck_assert_msg(moves_away(), "read %u", n);
	}
	vfs->xSetSystemCall(vfs, NULL, NULL);
	ck_assert_uint_gt(n, 10);
	buf_release(&file);
}

TEST(a_replaced_database_is_reopened_and_not_set_aside)
{
	struct play a, b;

	play_whole(KEY_A);
	play_build(&a, KEY_A, true);
	play_build(&b, KEY_B, true);
	/* Another process has found the damage and replaced the file. */
	ck_assert_int_eq(remove(path), 0);
	ck_assert_int_eq(play_end(&a, 0), 2);
	ck_assert_int_eq(play_end(&b, 0), 3);
	ck_assert_uint_eq(builds_there(), 2);
	ck_assert_uint_eq(files_named("history.db.damaged"), 0);
	strv_release(&a.notes);
	strv_release(&b.notes);
}
