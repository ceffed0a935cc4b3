/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/sql.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Return the errno for SQLITE_CANTOPEN.  `system` is the errno that SQLite
 * reports.  It is ENOENT if SQLite cannot create a file next to the database;
 * access() then finds the actual cause.
 */
static int open_error_of_errno(const struct history *h, int system)
{
	char *dir = str_dir(h->path);
	bool no = access(dir, W_OK) || access(h->path, R_OK | W_OK);
	int error = errno;

	free(dir);
	return no && error != ENOENT ? error : system > 0 ? system : EIO;
}

/*
 * Return the errno of a system call on the database or its log that failed
 * since the database was opened, or 0.
 */
static int file_errno(sqlite3 *db)
{
	sqlite3_file *log = NULL;
	int error = 0;

	sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
	if (!error)
		sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
				     &log);
	if (log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO,
					    &error);
	return error > 0 ? error : 0;
}

/*
 * Convert an SQLite code into an errno.  The low byte of `code` is SQLite's
 * primary code.  For an I/O error, return the errno of the system call.
 */
static int errno_from_sqlite(struct history *h, int code)
{
	int system = h->db ? sqlite3_system_errno(h->db) : 0;

	switch (code & 0xff) {
	case SQLITE_CORRUPT:
		/*
		 * SQLite reports SQLITE_CORRUPT, too, if a read fails with EIO,
		 * ERANGE or ENXIO (SQLITE_IOERR_CORRUPTFS).  The database can
		 * then be intact.
		 */
		system = h->db ? file_errno(h->db) : 0;
		return system ? system : EUCLEAN;
	case SQLITE_NOTADB:
		return EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_READONLY:
		return access(h->path, W_OK) && errno != ENOENT ? errno : EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return EACCES;
	case SQLITE_CANTOPEN:
		return open_error_of_errno(h, system);
	case SQLITE_IOERR:
		return system > 0 ? system : EIO;
	}
	return EIO;
}

char *sql_suspect_path(const struct history *h)
{
	return xasprintf("%s.suspect", h->path);
}

/*
 * Report damage, and create the suspect file if this process is a reader.
 * `table` is true if a table or column is missing.  The suspect file then has
 * content, so that the next writer treats the database as damaged without
 * quick_check, which does not detect a missing table or column.
 */
static int damage_error(struct history *h, bool table, struct err *err)
{
	char *path = sql_suspect_path(h);
	struct err ignored;

	if (h->mode == HISTORY_MODE_READ && !h->damaged)
		fs_write(path, bytes_str(table ? "table\n" : ""), 0600,
			 &ignored);
	h->damaged = true;
	free(path);
	return err_set(err, EUCLEAN, "%s: damaged%s", h->path,
		       h->mode == HISTORY_MODE_WRITE ?
			       "" :
			       "; the next build moves it away and starts a "
			       "new one");
}

int sql_error(struct history *h, int code, struct err *err)
{
	int error = errno_from_sqlite(h, code);
	const char *why = sqlite3_errstr(code);

	if (error == EUCLEAN)
		return damage_error(h, false, err);
	/* SQLite's own messages are vague: "unable to open database file". */
	if (error == EBUSY)
		why = "locked by another process";
	else if (error != EIO || (code & 0xff) == SQLITE_IOERR ||
		 (code & 0xff) == SQLITE_CORRUPT)
		why = strerror(error);
	return err_set(err, error, "%s: %s", h->path, why);
}

int sql_prepare(struct history *h, sqlite3_stmt **out, const char *text,
		struct err *err)
{
	int code = sqlite3_prepare_v2(h->db, text, -1, out, NULL);
	int ret;

	if (!code)
		return 0;
	*out = NULL;
	if (code != SQLITE_ERROR)
		return sql_error(h, code, err);
	/*
	 * All statements are valid SQL, so SQLITE_ERROR means that a newer
	 * kfarm has changed the schema since the file was opened, or that a
	 * table or column is missing.
	 */
	ret = history_db_check_version(h, err);
	return ret ? ret : damage_error(h, true, err);
}

static void bind_all(sqlite3_stmt *s, const char *types, va_list ap)
{
	for (int i = 1; *types; types++, i++) {
		const struct bytes *b;
		int64_t n;

		switch (*types) {
		case 't':
			sqlite3_bind_text(s, i, va_arg(ap, const char *), -1,
					  SQLITE_STATIC);
			break;
		case 'n':
			n = va_arg(ap, int64_t);
			if (n < 0)
				sqlite3_bind_null(s, i);
			else
				sqlite3_bind_int64(s, i, n);
			break;
		case 'b':
			b = va_arg(ap, const struct bytes *);
			sqlite3_bind_blob(s, i, b->data, (int)b->len,
					  SQLITE_STATIC);
			break;
		default:
			sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
		}
	}
}

void sql_bind(sqlite3_stmt *s, const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	bind_all(s, types, ap);
	va_end(ap);
}

int sql_next_row(struct history *h, sqlite3_stmt *s, struct err *err)
{
	int code = sqlite3_step(s);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : sql_error(h, code, err);
}

int sql_exec(struct history *h, sqlite3_stmt *s, struct err *err)
{
	int ret;

	while ((ret = sql_next_row(h, s, err)) > 0)
		;
	sqlite3_reset(s);
	return ret;
}

int sql_run_members(struct history *h, struct err *err, const char *text,
		    const struct record *r, const void *from, const char *types,
		    ...)
{
	sqlite3_stmt *s;
	va_list ap;
	int ret = sql_prepare(h, &s, text, err);

	if (ret)
		return ret;
	va_start(ap, types);
	bind_all(s, types, ap);
	va_end(ap);
	if (r)
		sql_bind_members(s, (int)strlen(types) + 1, r, from);
	ret = sql_exec(h, s, err);
	sqlite3_finalize(s);
	return ret;
}

int sql_script(struct history *h, const char *text, struct err *err)
{
	int code = sqlite3_exec(h->db, text, NULL, NULL, NULL);

	return code ? sql_error(h, code, err) : 0;
}

int sql_number(struct history *h, int64_t *out, struct err *err,
	       const char *text, const char *types, ...)
{
	sqlite3_stmt *s;
	va_list ap;
	int ret = sql_prepare(h, &s, text, err);

	*out = 0;
	if (ret)
		return ret;
	va_start(ap, types);
	bind_all(s, types, ap);
	va_end(ap);
	ret = sql_next_row(h, s, err);
	if (ret > 0)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return ret < 0 ? ret : 0;
}

char *sql_column_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text ? xstrdup(text) : NULL;
}

int64_t sql_column_count(sqlite3_stmt *s, int column)
{
	int64_t n = sqlite3_column_int64(s, column);

	return n <= 0 ? 0 : n < SQL_COUNT_MAX ? n : SQL_COUNT_MAX;
}

/* ---- members as columns ---- */

static bool is_column(const struct record_member *m)
{
	return m->kind != RECORD_IS_COMPUTED && (!m->sql || *m->sql);
}

void sql_add_columns(struct buf *text, const struct record *r)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];

		if (is_column(m))
			buf_printf(text, ", %s", m->sql ? m->sql : m->key);
	}
}

void sql_add_parameters(struct buf *text, const struct record *r)
{
	for (size_t i = 0; i < r->n_members; i++)
		buf_add_str(text, is_column(&r->members[i]) ? ", ?" : "");
}

static void bind_member(sqlite3_stmt *s, int parameter,
			const struct record_member *m, const void *at)
{
	int64_t n;

	if (m->kind == RECORD_IS_STRING) {
		sqlite3_bind_text(s, parameter, *(char *const *)at, -1,
				  SQLITE_STATIC);
		return;
	}
	n = (int64_t)member_load(at, m->width);
	if (n < m->min)
		sqlite3_bind_null(s, parameter);
	else
		sqlite3_bind_int64(s, parameter, n);
}

void sql_bind_members(sqlite3_stmt *s, int first, const struct record *r,
		      const void *from)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];

		if (is_column(m))
			bind_member(s, first++, m, (const char *)from + m->at);
	}
}

static void load_member(sqlite3_stmt *s, int column,
			const struct record_member *m, void *at)
{
	int64_t n = sqlite3_column_int64(s, column);
	char *text;

	if (m->kind == RECORD_IS_STRING) {
		text = sql_column_text(s, column);
		*(char **)at = text || !m->required ? text : xstrdup("");
		return;
	}
	if (sqlite3_column_type(s, column) == SQLITE_NULL || n < m->min ||
	    (m->kind == RECORD_IS_WORD && n > m->max))
		n = m->absent;
	else if (n > m->max)
		n = m->max;
	member_store(at, m->width, (uint64_t)n);
}

int sql_read_members(sqlite3_stmt *s, int first, const struct record *r,
		     void *to)
{
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];

		if (is_column(m))
			load_member(s, first++, m, (char *)to + m->at);
	}
	return first;
}
