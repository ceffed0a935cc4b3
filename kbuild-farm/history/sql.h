/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/sql.h - statements: what the files of history/ share, and nobody
 * else includes.
 */
#ifndef HISTORY_SQL_H
#define HISTORY_SQL_H

#include "history/db.h"

#include <sqlite3.h>
#include <stdbool.h>

struct history {
	sqlite3 *db;
	char *path;
	char *note; /* or NULL */
	enum history_use use;
	bool damaged; /* something said so */
};

/* A file beside it: who read it found damage.  The caller frees the path. */
char *sql_suspicion(const struct history *h);

/* What a code of SQLite's means, as db.h says; `err` names the file. */
int sql_error(struct history *h, int code, struct err *err);
/* Does a negative errno of that say that the file is damaged? */
bool sql_is_damage(int ret);

/* The caller ends it by sqlite3_finalize(). */
int sql_prepare(struct history *h, sqlite3_stmt **out, const char *text,
		struct err *err);
/*
 * Bind values from the first on: 'i' an int64_t, 't' a text, which is borrowed
 * and may be NULL, 'n' an int64_t that is NULL where it is negative, 'b' a
 * struct bytes by its address, borrowed.
 */
void sql_bind(sqlite3_stmt *s, const char *types, ...);
/* 1: there is a row; 0: there is no more; or a negative errno. */
int sql_row(struct history *h, sqlite3_stmt *s, struct err *err);
/* Run a statement that yields no rows, and make it ready to be run again. */
int sql_step(struct history *h, sqlite3_stmt *s, struct err *err);
/* Prepare, bind, run. */
int sql_run(struct history *h, struct err *err, const char *text,
	    const char *types, ...);
/* Several statements without values. */
int sql_script(struct history *h, const char *text, struct err *err);
/* The number in the first column of the first row; 0 where there is none. */
int sql_number(struct history *h, int64_t *out, struct err *err,
	       const char *text, const char *types, ...);

/* A column: a copy that the caller frees, NULL for NULL; 0 to 2^53. */
char *sql_text(sqlite3_stmt *s, int column);
int64_t sql_count(sqlite3_stmt *s, int column);
/* -1 where it is NULL or negative. */
int64_t sql_known(sqlite3_stmt *s, int column);

#endif
