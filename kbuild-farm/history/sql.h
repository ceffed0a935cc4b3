/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/sql.h - SQLite statements; internal to history/.
 *
 * Functions that return int return 0 or a negative errno, as history/db.h
 * defines, and set `err`.
 */
#ifndef HISTORY_SQL_H
#define HISTORY_SQL_H

#include "base/record.h"
#include "history/db.h"

#include <sqlite3.h>
#include <stdbool.h>

#define SQL_COUNT_MAX (INT64_C(1) << 53)

/*
 * Condition for builds that can be the baseline, from which the progress of a
 * build from scratch is predicted.  The parameter ?2 is HISTORY_STATE_GOOD.
 * The last such build of a series is its baseline and retains its units.  A
 * build with more than one cached job per ten executed jobs is excluded,
 * because it has too few compile times.
 */
#define SQL_CAN_BE_BASELINE \
	"fresh AND state = ?2 AND coalesce(cached, 0) * 10 <= remote + local"

struct history {
	sqlite3 *db;
	char *path;
	/*
	 * message for the user if the open found a damaged file and renamed
	 * it, else NULL
	 */
	char *note;
	enum history_mode mode;
	bool damaged; /* a statement reported damage */
};

/*
 * Return the path of the file by which a reader reports damage to the next
 * writer.  The caller frees it.
 */
char *sql_suspect_path(const struct history *h);

/*
 * Convert an SQLite code into a negative errno and set `err`, which names the
 * file.  If the code means damage, a reader also creates the file of
 * sql_suspect_path().
 */
int sql_error(struct history *h, int code, struct err *err);

/* Prepare a statement; the caller passes it to sqlite3_finalize(). */
int sql_prepare(struct history *h, sqlite3_stmt **out, const char *text,
		struct err *err);
/*
 * Bind the values in order.  `types` has a letter per value: 'i' for int64_t;
 * 'n' for int64_t, bound as NULL if negative; 't' for a borrowed string, which
 * can be NULL; 'b' for a borrowed const struct bytes *.
 */
void sql_bind(sqlite3_stmt *s, const char *types, ...);
/* Fetch the next row.  Returns 1; 0 after the last row; or -errno. */
int sql_next_row(struct history *h, sqlite3_stmt *s, struct err *err);
/* Run a statement, ignore its rows, and reset it. */
int sql_exec(struct history *h, sqlite3_stmt *s, struct err *err);
/*
 * Prepare, bind and run a statement; `types` as for sql_bind().
 * sql_run_members() binds the members of a struct after the values.
 */
#define sql_run(h, err, text, ...) \
	sql_run_members(h, err, text, NULL, NULL, __VA_ARGS__)
int sql_run_members(struct history *h, struct err *err, const char *text,
		    const struct record *r, const void *from, const char *types,
		    ...);
/* Run several statements that have no parameters. */
int sql_script(struct history *h, const char *text, struct err *err);
/*
 * Run a query and read the first column of its first row; *out is 0 if the
 * query has no row.
 */
int sql_number(struct history *h, int64_t *out, struct err *err,
	       const char *text, const char *types, ...);

/*
 * Arrays of struct history_details.  The key of a member in history_lists is
 * the name of the table.
 */
enum history_list {
	/* arrays that save_list() in history/save.c writes */
	HISTORY_LIST_NODES,
	HISTORY_LIST_REASONS,
	HISTORY_LIST_STEP_REASONS,
	HISTORY_LIST_DISABLED,
	HISTORY_LIST_PHASES,
	HISTORY_LIST_SIZES,

	HISTORY_LIST_UNITS,
	HISTORY_LIST_DIAGS,

	HISTORY_N_LISTS,
};
extern const struct record_member history_lists[HISTORY_N_LISTS];

/*
 * Each member of a record is a column, except computed members and members
 * whose `sql` is "".  For each column, sql_add_columns() appends a comma and
 * the name of the column, sql_add_parameters() a comma and a parameter.
 */
void sql_add_columns(struct buf *text, const struct record *r);
void sql_add_parameters(struct buf *text, const struct record *r);
/* Bind the members to the parameters from number `first` on. */
void sql_bind_members(sqlite3_stmt *s, int first, const struct record *r,
		      const void *from);
/*
 * Set the members from consecutive columns, starting at column `first`.  A
 * string that is `required` is never NULL.  Returns the number of the next
 * column.
 */
int sql_read_members(sqlite3_stmt *s, int first, const struct record *r,
		     void *to);
/* Return a copy of a column, or NULL; the caller frees it. */
char *sql_column_text(sqlite3_stmt *s, int column);
/* Return a column, limited to the range from 0 to SQL_COUNT_MAX. */
int64_t sql_column_count(sqlite3_stmt *s, int column);

#endif
