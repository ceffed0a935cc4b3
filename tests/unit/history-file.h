/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/history-file.h - The history's database file, accessed without kfarm.
 */
#ifndef UNIT_HISTORY_FILE_H
#define UNIT_HISTORY_FILE_H

#include "../lib/test.h"
#include "history-fixture.h"

#include "base/clock.h"

#include <sqlite3.h>

/* The limit of db.h for readers and writers, plus time for a busy machine. */
#define LONGEST_MS 30000

static sqlite3 *db;

static inline void file_tear_down(void)
{
	sqlite3_close(db);
	db = NULL;
	play_tear_down();
}

/* Open the database; wait for a recorder's last transaction or a checkpoint. */
static inline void open_sql(void)
{
	if (!db)
		ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 60000);
}

static inline void sql(const char *text)
{
	uint64_t until = clock_ms() + 60000;
	int code;

	open_sql();
	/* A change of the journal mode does not wait by itself. */
	while ((code = sqlite3_exec(db, text, NULL, NULL, NULL)) ==
		       SQLITE_BUSY &&
	       clock_ms() < until)
		usleep(10000);
	ck_assert_msg(!code, "%s", sqlite3_errmsg(db));
}

static inline void close_sql(void)
{
	sqlite3_close(db);
	db = NULL;
}

static inline int take_word(void *ctx, int n, char **values, char **names)
{
	(void)n;
	(void)names;
	snprintf(ctx, 64, "%s", values[0] ? values[0] : "");
	return 0;
}

/* Write the first value that the statement returns to @word. */
static inline void query_sql(const char *text, char word[64])
{
	open_sql();
	ck_assert_msg(!sqlite3_exec(db, text, take_word, word, NULL), "%s",
		      sqlite3_errmsg(db));
	close_sql();
}

/* Check the file by SQLite's own integrity check. */
static inline void check_whole(void)
{
	char word[64] = "";

	query_sql("PRAGMA integrity_check", word);
	ck_assert_str_eq(word, "ok");
}

static inline unsigned files_named(const char *begins)
{
	char *home = str_dir(path);
	struct strv names = { 0 };
	unsigned n = 0;

	fs_list(home, &names);
	for (size_t i = 0; i < names.n; i++)
		n += str_starts(names.v[i], begins) &&
		     !str_ends(names.v[i], "-wal") &&
		     !str_ends(names.v[i], "-shm");
	strv_release(&names);
	free(home);
	return n;
}

static inline int count_build(void *ctx, const struct history_build *b)
{
	ck_assert_int_lt((int)b->state, HISTORY_N_STATES);
	++*(unsigned *)ctx;
	return 0;
}

static const struct history_filter all = { .state = -1 };

static inline unsigned builds_there(void)
{
	struct history *h = play_open();
	unsigned n = 0;

	must(history_build_list(h, &all, count_build, &n, &err));
	history_db_close(h);
	return n;
}

/* Check for one note at the end that names the file, and no recorded build. */
static inline void expect_note(struct play *p, const char *words)
{
	ck_assert_uint_eq(p->notes.n, 1);
	ck_assert_msg(strstr(p->notes.v[0], words) != NULL, "%s",
		      p->notes.v[0]);
	text_has(p->notes.v[0], "history");
	strv_release(&p->notes);
}

#endif
