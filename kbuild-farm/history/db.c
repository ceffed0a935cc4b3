/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/db.h"

#include "base/fs.h"
#include "base/str.h"
#include "history/schema.h"
#include "history/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ_WAIT_MS 500
#define PAGES_KEPT   "-4096" /* KiB of cache */

char *history_path(void)
{
	char *home = fs_state_home();
	char *path = xasprintf("%s/history.db", home);

	free(home);
	return path;
}

/* ---- damage ---- */

static void rename_part(const char *path, const char *to, const char *suffix)
{
	char *from = xasprintf("%s%s", path, suffix);
	char *as = xasprintf("%s%s", to, suffix);

	rename(from, as);
	free(as);
	free(from);
}

bool history_has_moved(const struct history *h)
{
	int moved = 0;

	return sqlite3_file_control(h->db, "main", SQLITE_FCNTL_HAS_MOVED,
				    &moved) == SQLITE_OK &&
	       moved;
}

/*
 * Who has it open writes on to what was moved.  The log goes first: a new file
 * must not find it.
 */
static void move_aside(struct history *h, struct err *note)
{
	struct tm now;
	time_t t = time(NULL);
	char when[32], *to;

	localtime_r(&t, &now);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &now);
	to = xasprintf("%s.damaged-%s", h->path, when);
	rename_part(h->path, to, "-wal");
	rename_part(h->path, to, "-shm");
	if (rename(h->path, to))
		err_errno(note, "%s: it is damaged, and cannot be renamed",
			  h->path);
	else
		err_set(note, 0,
			"the history of builds was damaged; it is now %s, and "
			"a new one begins",
			to);
	free(to);
}

void history_set_aside(struct history *h, struct err *note)
{
	char *path = xasprintf("%s.lock", h->path);
	int fd;

	/* Two find it damaged: one moves it.  Who had the lock removes it. */
	do
		fd = fs_lock(AT_FDCWD, path, O_RDWR | O_CREAT, LOCK_EX);
	while (fd == -EAGAIN);
	if (!history_has_moved(h))
		move_aside(h, note);
	if (fd >= 0) {
		unlink(path);
		close(fd);
	}
	free(path);
}

/* ---- open ---- */

static int connect_file(struct history *h, unsigned wait_ms, struct err *err)
{
	static const int write = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int flags = h->use == HISTORY_WRITE ? write | SQLITE_OPEN_CREATE :
					      write;
	int code = sqlite3_open_v2(h->path, &h->db, flags, NULL);

	if (code)
		return sql_error(h, code, err);
	sqlite3_extended_result_codes(h->db, 1);
	sqlite3_busy_timeout(h->db, (int)wait_ms);
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return sql_script(h,
			  "PRAGMA cell_size_check = 1;"
			  "PRAGMA cache_size = " PAGES_KEPT ";"
			  "PRAGMA temp_store = memory;",
			  err);
}

static int check_pages(struct history *h, const char *pragma, struct err *err)
{
	sqlite3_stmt *s;
	int ret = sql_prepare(h, &s, pragma, err);

	if (ret)
		return ret;
	ret = sql_row(h, s, err);
	if (ret > 0 &&
	    !str_equal((const char *)sqlite3_column_text(s, 0), "ok"))
		ret = sql_error(h, SQLITE_CORRUPT, err);
	sqlite3_finalize(s);
	return ret < 0 ? ret : 0;
}

/*
 * The list of builds is small beside the rest, and read by all.  All of it is
 * looked at only where a reader found damage.
 */
static int check_file(struct history *h, struct err *err)
{
	char *suspicion = sql_suspicion(h);
	struct stat st;
	bool suspect = !stat(suspicion, &st);

	unlink(suspicion);
	free(suspicion);
	if (suspect && st.st_size)
		return sql_error(h, SQLITE_CORRUPT, err);
	return check_pages(h,
			   suspect ? "PRAGMA quick_check(1)" :
				     "PRAGMA quick_check('build')",
			   err);
}

/*
 * The mode is kept in the file; a new one is to give pages back.  What
 * history/checkpoint.c does is not done by commits, nor when it is closed.
 */
static int set_journal_modes(struct history *h, struct err *err)
{
	return sql_script(h,
			  "PRAGMA auto_vacuum = incremental;"
			  "PRAGMA journal_mode = wal;"
			  "PRAGMA synchronous = normal;"
			  "PRAGMA wal_autocheckpoint = 0;",
			  err);
}

/* Commands and paths are nobody else's; what SQLite makes beside it follows. */
static void make_private_file(const struct history *h)
{
	int fd = open(h->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
}

static int open_and_check(struct history *h, unsigned wait_ms, struct err *err)
{
	int ret;

	if (h->use == HISTORY_WRITE)
		make_private_file(h);
	ret = connect_file(h, wait_ms, err);

	if (!ret && h->use == HISTORY_WRITE)
		ret = set_journal_modes(h, err);
	if (!ret)
		ret = history_schema_update(h, err);
	if (!ret && h->use == HISTORY_WRITE)
		ret = check_file(h, err);
	return ret;
}

/* A file that is not ours to write, in a directory that is not either. */
static int open_unchanging(struct history *h, struct err *err)
{
	struct buf uri = { 0 };
	int code;

	buf_add_str(&uri, "file:");
	for (const char *p = h->path; *p; p++)
		buf_printf(&uri, strchr("%?#", *p) ? "%%%02x" : "%c", *p);
	buf_add_str(&uri, "?immutable=1");
	sqlite3_close(h->db);
	h->db = NULL;
	code = sqlite3_open_v2(buf_str(&uri), &h->db,
			       SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
				       SQLITE_OPEN_NOMUTEX,
			       NULL);
	buf_release(&uri);
	return code ? sql_error(h, code, err) : history_schema_update(h, err);
}

static int make_state_dir(const char *path, struct err *err)
{
	char *dir = str_dir(path);
	int ret = fs_mkdirs(dir, 0700, err);

	free(dir);
	return ret;
}

static struct history *history_new(const char *path, enum history_use use)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->path = xstrdup(path);
	h->use = use;
	return h;
}

/* Set it aside, and begin anew. */
static int begin_anew(struct history **h, unsigned wait_ms, struct err *err)
{
	struct history *fresh = history_new((*h)->path, (*h)->use);
	struct err note = { 0 };

	history_set_aside(*h, &note);
	history_close(*h);
	*h = fresh;
	if (note.text[0])
		fresh->note = xstrdup(note.text);
	return open_and_check(fresh, wait_ms, err);
}

int history_open_at(struct history **out, const char *path,
		    enum history_use use, unsigned wait_ms, struct err *err)
{
	struct history *h;
	struct stat st;
	int ret = use == HISTORY_WRITE ? make_state_dir(path, err) : 0;

	*out = NULL;
	if (ret)
		return ret;
	if (stat(path, &st)) {
		if (use == HISTORY_READ)
			return err_errno(err, "%s", path);
	} else if (!S_ISREG(st.st_mode)) {
		return err_set(err, EINVAL,
			       "%s: not a regular file; move it away", path);
	}
	h = history_new(path, use);
	ret = open_and_check(h, wait_ms, err);
	if (sql_is_damage(ret) && use == HISTORY_WRITE)
		ret = begin_anew(&h, wait_ms, err);
	/* Where it cannot make the files beside it. */
	else if (use == HISTORY_READ && (ret == -EROFS || ret == -EACCES))
		ret = open_unchanging(h, err);
	if (ret) {
		history_close(h);
		return ret;
	}
	*out = h;
	return 0;
}

int history_open(struct history **out, struct err *err)
{
	char *path = history_path();
	int ret = history_open_at(out, path, HISTORY_READ, READ_WAIT_MS, err);

	free(path);
	return ret;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	sqlite3_close(h->db);
	free(h->path);
	free(h->note);
	free(h);
}

const char *history_note(const struct history *h)
{
	return h->note;
}
