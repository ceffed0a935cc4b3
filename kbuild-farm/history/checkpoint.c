/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/checkpoint.h"

#include "base/str.h"
#include "history/sql.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * The first commit behind a whole checkpoint begins the log anew, and syncs its
 * header: that one is made here.
 */
static void *run_checkpoint(void *path)
{
	sqlite3 *db = NULL;

	if (!sqlite3_open_v2(path, &db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		sqlite3_exec(db,
			     "PRAGMA synchronous = normal;"
			     "PRAGMA wal_autocheckpoint = 0;"
			     "PRAGMA wal_checkpoint(passive);"
			     "UPDATE key SET last = last WHERE id = "
			     "(SELECT min(id) FROM key);",
			     NULL, NULL, NULL);
	if (db)
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				  NULL);
	sqlite3_close(db);
	free(path);
	return NULL;
}

void history_checkpoint_begin(const struct history *h)
{
	char *log = xasprintf("%s-wal", h->path), *path;
	sigset_t all, before;
	pthread_t thread;
	struct stat st;
	bool due = !stat(log, &st) && st.st_size >= HISTORY_LOG;

	free(log);
	if (!due)
		return;
	path = xstrdup(h->path);
	/* Signals are for the thread that the build runs in. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (pthread_create(&thread, NULL, run_checkpoint, path))
		free(path);
	else
		pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
